package signin

import (
	"context"
	"net/url"

	"openplr/plr"
)

// appLives gives the account of the app session that a step-up or identity trip
// belongs to, while it still lives. The Problem counts only with an error.
func (s *SignIn) appLives(ctx context.Context, t *transaction) (*plr.Account, Problem, error) {
	f, _, err := s.readFamily(ctx, t.App.Family)
	var account *plr.Account
	if err == nil && f.Account != t.Account {
		err = errTripSession
	}
	if err == nil {
		account, err = s.judge(ctx, &f.session)
	}
	switch {
	case ended(err):
		return nil, ProblemSessionExpired, err
	case err != nil:
		return nil, storeProblem(err), err
	}
	return account, "", nil
}

// arriveApp ends a trip that an app waits for, after all checks of its purpose: it
// gives the address at the app, with a code that the app trades for tokens. Apps
// are for learners: nobody is staff in one, whose session may last for a month.
func (s *SignIn) arriveApp(ctx context.Context, t *transaction, p *proof, idToken string) (location string, code Problem, err error) {
	var account *plr.Account
	if t.Purpose == purposeSignIn {
		account, err = s.config.Accounts.SignedIn(ctx, s.config.Issuer, p.subject)
	} else {
		account, err = s.config.Accounts.Account(ctx, t.Account)
	}
	if err != nil {
		return "", ProblemAccountStoreUnavailable, err
	}
	epoch, err := s.holdEpoch(ctx, account.ID)
	if err != nil {
		return "", ProblemSessionStoreUnavailable, err
	}
	now := s.now()
	c := &appCode{
		Version: 1, Client: t.App.Client, Redirect: t.App.Redirect, Challenge: t.App.Challenge, Family: t.App.Family,
		Account: account.ID, Epoch: epoch, CreatedAt: now.UnixMilli(),
		// After the account was read, whatever the clocks of other replicas say.
		Began:    max(now.UnixMilli(), roundedUp(account.SessionsInvalidBefore)),
		AuthTime: p.authTime.UnixMilli(), Vector: p.vector,
		Issuer: s.config.Issuer, Subject: subjectHash(account.Issuer, account.Subject),
	}
	if !p.freshAt.IsZero() {
		c.StepUpAt = p.freshAt.UnixMilli()
	}
	if p.identity {
		c.IdentityAt = now.UnixMilli()
	}
	secret, err := s.storeCode(ctx, c, idToken)
	if err != nil {
		return "", ProblemSessionStoreUnavailable, err
	}
	return s.appLocation(t.App, url.Values{"code": {secret}}), "", nil
}

// holdEpoch gives the epoch of the account, made if there is none.
func (s *SignIn) holdEpoch(ctx context.Context, account string) (string, error) {
	epoch, err := newEpoch(s.random)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return holdEpochScript.Run(ctx, s.redis, []string{epochKey(account)}, epoch, epochLife.Milliseconds()).Text()
}

// appRefusal is the address at the app that tells it that the trip failed: with
// the error of RFC 6749 that comes nearest, and our own code as its description.
func (s *SignIn) appRefusal(t *transaction, code Problem) (location string) {
	return s.appLocation(t.App, url.Values{"error": {appError(code)}, "error_description": {string(code)}})
}

func appError(code Problem) string {
	switch code {
	case ProblemProviderUnavailable, ProblemTemporarilyUnavailable, ProblemServiceSuspended,
		ProblemSessionStoreUnavailable, ProblemAccountStoreUnavailable:
		return "temporarily_unavailable"
	case ProblemAppRequestInvalid, ProblemHandoffInvalid:
		return "invalid_request"
	case ProblemSessionExpired:
		return "login_required"
	case ProblemProviderError, ProblemTokenExchangeFailed, ProblemIDTokenInvalid, ProblemIssuerMismatch, ProblemInternal:
		return "server_error"
	default:
		return "access_denied"
	}
}

// appLocation adds to the app's address what every answer to it has. The address
// has no query of its own: that was checked at start.
func (s *SignIn) appLocation(app *appTrip, answer url.Values) string {
	if app.State != "" {
		answer.Set("state", app.State)
	}
	answer.Set("iss", s.config.PublicURL)
	return app.Redirect + "?" + answer.Encode()
}
