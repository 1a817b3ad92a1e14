package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	// refreshGrace is how long an app that missed an answer gets the same one again.
	refreshGrace = 30 * time.Second
	// rotationTries: losing the race means that somebody else wrote the record, and
	// whoever refreshes with the same token then finds the answer in it. Only uses
	// of the access token can come between again.
	rotationTries = 8
)

const (
	errRefreshUnknown  = why("no session of this refresh token")
	errRefreshReused   = why("the refresh token was used before")
	errRefreshReplaced = why("the refresh token was replaced by a step-up a moment ago")
	errRefreshClient   = why("the refresh token was given to another app")
)

// errRotationBusy is no why: the session has not ended.
var errRotationBusy = errors.New("the session is written by others all the time")

// refresh gives an app new tokens for its refresh token, which is then spent.
func (s *SignIn) refresh(ctx context.Context, client *AppClient, token string) (answer string, fault *grantFault) {
	if token == "" {
		return "", refuse(grantInvalidRequest, errAppForm)
	}
	locator, ok := readAppToken(token, refreshPrefix)
	if !ok {
		return "", refuse(grantInvalid, errAppToken)
	}
	hash, presented := familyHash(locator), hashOf(useRefresh, token)
	for range rotationTries {
		f, record, err := s.readFamily(ctx, hash)
		switch {
		case errors.Is(err, errNoSession):
			return "", refuse(grantInvalid, errRefreshUnknown)
		case err != nil:
			return "", storeFault(err, nil)
		case f.Client != client.ID:
			return "", storeFault(errRefreshClient, f)
		}
		now := s.now()
		if !sameHash(f.Refresh, presented) {
			return s.refreshAgain(ctx, hash, presented, f, now)
		}
		if _, err := s.judge(ctx, &f.session); err != nil {
			return "", storeFault(err, f)
		}
		next := *f
		next.Previous, next.RotatedAt = presented, now.UnixMilli()
		if answer, err = s.issue(&next, locator); err != nil {
			return "", refuse(grantServerError, err)
		}
		if next.Answer, err = s.sealer.seal(answer, answerContext(hash, presented)); err != nil {
			return "", refuse(grantServerError, err)
		}
		switch done, err := s.replaceFamily(ctx, hash, record, &next); {
		case err != nil:
			return "", storeFault(err, f) // it may be done: asking again tells
		case done:
			return answer, nil
		}
	}
	return "", storeFault(errRotationBusy, nil)
}

// refreshAgain judges a refresh token that is not, or no longer, the one in force.
// The one before is good for 30 seconds to hear the answer again; everything else
// was stolen from the app, or by it from itself, and nobody can tell which: the
// session ends for both.
func (s *SignIn) refreshAgain(ctx context.Context, hash, presented string, f *family, now time.Time) (answer string, fault *grantFault) {
	if age := now.Sub(time.UnixMilli(f.RotatedAt)); sameHash(f.Previous, presented) && age < refreshGrace {
		if _, err := s.judge(ctx, &f.session); err != nil {
			return "", storeFault(err, f)
		}
		if answer, err := s.sealer.open(f.Answer, answerContext(hash, presented)); err == nil {
			return answer, nil
		}
		// There is no answer; or its key is gone, and with it the tokens.
		return "", storeFault(errRefreshReplaced, f)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.endFamily(ctx, hash); err != nil {
		fault = storeFault(err, f) // whoever comes again is told; the log knows now
		fault.attrs = append(fault.attrs, slog.String("besides", string(auditRefreshReused)))
		return "", fault
	}
	s.tellReused(ctx, f)
	return "", &grantFault{code: grantInvalid, audit: auditRefreshReused, cause: errRefreshReused, attrs: []slog.Attr{
		slog.String("account", f.Account), slog.String("session", f.Handle),
	}}
}

// tellReused leaves the person a notice. The session has ended whether or not it
// can be left.
func (s *SignIn) tellReused(ctx context.Context, f *family) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.config.Accounts.TokenReused(ctx, f.Account); err != nil {
		s.log.WarnContext(ctx, "nobody told of a reused token", "account", f.Account, "session", f.Handle, "why", reason(err))
	}
	s.accounts.forget(f.Account)
}
