package signin

import (
	"context"
	"io"
	"time"
)

const errLocatorSealed = why("the locator cannot be opened")

// newLocator gives what finds a session but opens nothing.
func newLocator(random io.Reader) ([]byte, error) {
	locator := make([]byte, locatorBytes)
	_, err := io.ReadFull(random, locator)
	return locator, err
}

// startFamily begins the app session that a code stands for.
func (s *SignIn) startFamily(ctx context.Context, c *appCode, idToken string, locator []byte, device string, lock bool) (f *family, answer string, err error) {
	handle, err := newID(s.random, "ses")
	if err != nil {
		return nil, "", err
	}
	idle, life := s.config.AppIdle, s.config.AppAbsolute
	if lock { // a fingerprint is asked for before anything shows: no idle limit of ours
		idle, life = s.config.AppLockedAbsolute, s.config.AppLockedAbsolute
	}
	hash := familyHash(locator)
	f = &family{Client: c.Client, AppLock: lock, session: session{
		Version: 1, Handle: handle, Kind: KindApp, Account: c.Account, Epoch: c.Epoch,
		// The session began when the person arrived: what ended all sessions between
		// then and now ended this one.
		CreatedAt:  c.Began,
		AbsoluteAt: time.UnixMilli(c.CreatedAt).Add(life).UnixMilli(),
		Idle:       idle.Milliseconds(), Device: device,
	}}
	if answer, err = s.issue(f, locator); err != nil {
		return nil, "", err
	}
	if err := s.prove(f, c, idToken, hash); err != nil {
		return nil, "", err
	}
	account, err := s.config.Accounts.Account(ctx, c.Account)
	if err != nil {
		return f, "", accountFault{err}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.keepRecord(ctx, account, &f.session, hash, f); err != nil {
		return f, "", err
	}
	return f, answer, nil
}

// renewFamily gives the app session that a code, with this hash, was made for new tokens, and
// remembers what its person has proved. The old tokens open nothing from here on.
func (s *SignIn) renewFamily(ctx context.Context, c *appCode, code, idToken string) (f *family, answer string, err error) {
	for range rotationTries {
		f, record, err := s.readFamily(ctx, c.Family)
		if err != nil {
			return nil, "", err
		}
		if f.Account != c.Account || f.Client != c.Client {
			return f, "", errSessionRecord
		}
		// Judged as it is: what ended it must not be undone by proving more.
		if _, err := s.judge(ctx, &f.session); err != nil {
			return f, "", err
		}
		locator, err := s.sealer.open(f.Locator, locatorContext(c.Family))
		if err != nil {
			return f, "", errLocatorSealed
		}
		next := *f
		next.Previous, next.RotatedAt, next.Answer, next.Code = f.Refresh, s.now().UnixMilli(), "", code
		if answer, err = s.issue(&next, []byte(locator)); err != nil {
			return f, "", err
		}
		if err := s.prove(&next, c, idToken, c.Family); err != nil {
			return f, "", err
		}
		switch done, err := s.replaceFamily(ctx, c.Family, record, &next); {
		case err != nil:
			return f, "", err
		case done:
			return &next, answer, nil
		}
	}
	return nil, "", errRotationBusy
}

// prove writes into f what its person has proved on the trip that brought c.
func (s *SignIn) prove(f *family, c *appCode, idToken, hash string) (err error) {
	f.AuthTime, f.Issuer, f.Subject, f.Vector = c.AuthTime, c.Issuer, c.Subject, c.Vector
	if c.StepUpAt > 0 {
		f.StepUpAt = c.StepUpAt
	}
	if c.IdentityAt > 0 {
		f.IdentityAt = c.IdentityAt
	}
	f.Hint, err = s.sealer.seal(idToken, hintContext(hash))
	return err
}
