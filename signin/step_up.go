package signin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"openplr/plr"
)

// freshLeeway allows for the provider's clock when its auth_time is compared with
// our time of departure.
const freshLeeway = 60 * time.Second

const (
	errAction       = why("action is none of those that ask for a fresh sign-in")
	errOtherPerson  = why("the person who came back is not the one who left")
	errNotFresh     = why("the provider let the person pass by an older sign-in")
	errTripSession  = why("the trip belongs to no session of this account")
	errNotSignedIn  = why("nobody is signed in")
	errOverAlready  = why("the session is over")
	errLoginRefused = why("the person did not manage to sign in once more")
)

// StepUp serves GET /auth/step-up: it makes a person who is signed in sign in once
// more.
//
//	action                 what for: a plr.StepUpAction
//	return_to, ui_locales  as for Login
func (s *SignIn) StepUp(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) || s.startedElsewhere(w, r) {
		return
	}
	query, returnTo, ok := s.wish(w, r)
	if !ok {
		return
	}
	if len(query["action"]) != 1 || !plr.StepUpAction(query.Get("action")).Known() {
		s.toEither(w, r, ProblemInvalidAction, errAction)
		return
	}
	who, ok := s.traveller(w, r)
	if !ok {
		return
	}
	d := departure{locale: query.Get("ui_locales")}
	if s.config.Reauth == ReauthSignedPromptLogin {
		// Without it, its key being gone, the provider asks just anybody to sign in,
		// and somebody else is refused on the way back.
		d.hint, _ = s.sealer.open(who.session.Hint, hintContext(who.hash))
	}
	s.depart(w, r, &transaction{
		Purpose: purposeStepUp, ReturnTo: returnTo, Session: who.hash, Account: who.account.ID,
	}, d)
}

// traveller is who leaves on a trip for a session they have.
type traveller struct {
	hash    string
	session *session
	account *plr.Account
}

// traveller gives who is signed in by cookie, or has answered that nobody is.
func (s *SignIn) traveller(w http.ResponseWriter, r *http.Request) (*traveller, bool) {
	tokens := cookieValues(r, SessionCookie)
	switch {
	case hasBearer(r) && len(tokens) > 0:
		s.toProgram(w, r, ProblemAmbiguousCredentials, errAmbiguous)
		return nil, false
	case len(tokens) == 0:
		s.toEither(w, r, ProblemUnauthenticated, errNotSignedIn)
		return nil, false
	case len(tokens) > 1:
		clearCookie(w, SessionCookie)
		s.toEither(w, r, ProblemSessionExpired, errDuplicateCookie)
		return nil, false
	case !isSessionToken(tokens[0]):
		s.toEither(w, r, ProblemSessionExpired, errOverAlready)
		return nil, false
	}
	hash := hashOf(useWebSession, tokens[0])
	// Leaving on a trip is a sign of the person, and may take as long as an idle session lives.
	e, account, err := s.sessionByHash(r.Context(), hash, true)
	switch {
	case err == nil:
		return &traveller{hash: hash, session: e, account: account}, true
	case ended(err):
		s.toEither(w, r, ProblemSessionExpired, err)
	default:
		s.toEither(w, r, storeProblem(err), err)
	}
	return nil, false
}

// freshAt gives when the person proved themselves on this trip, by our clock, or
// the zero time when they did not. The provider's auth_time says so, or, where a
// signed request told it to ask anew, its silence about any other time; but only
// where every request is signed, or whoever sits at the browser sends an unsigned
// one in its place that asks for nothing. It counts from then and not from the
// arrival: proving an identity takes long.
func (s *SignIn) freshAt(t *transaction, p *proof) time.Time {
	now, left := s.now(), time.UnixMilli(t.CreatedAt)
	switch {
	case !p.authTimeSent && t.Purpose == purposeStepUp && s.config.Reauth == ReauthSignedPromptLogin && s.config.RequestObject:
		return now
	case !p.authTimeSent, p.authTime.Before(left.Add(-freshLeeway)):
		return time.Time{}
	case p.authTime.Before(left): // the clocks differ: nobody signs in before they leave
		return left
	case p.authTime.After(now):
		return now
	default:
		return p.authTime
	}
}

// homecomer gives the account whose step-up or identity trip this is: the session
// it left from still lives, and the same person has come back. The Problem counts
// only with an error.
//
// Proving an identity often takes longer than a session lives unused. A browser's
// session that has merely run out meanwhile is taken off the trip, which then
// ends in a new one, as a sign-in does. One that somebody ended stays ended.
func (s *SignIn) homecomer(ctx context.Context, t *transaction, p *proof) (*plr.Account, Problem, error) {
	var account *plr.Account
	var err error
	if t.App != nil {
		var code Problem
		if account, code, err = s.appLives(ctx, t); err != nil {
			return nil, code, err
		}
	} else {
		var e *session
		e, account, err = s.sessionByHash(ctx, t.Session, false)
		if t.Purpose == purposeIdentity && (errors.Is(err, errNoSession) || errors.Is(err, errSessionOver)) {
			if account, err = s.ranOut(ctx, t); err == nil {
				t.Session, e = "", &session{Account: account.ID}
			}
		}
		switch {
		case err != nil && ended(err):
			return nil, ProblemSessionExpired, err
		case err != nil:
			return nil, storeProblem(err), err
		case e.Account != t.Account:
			return nil, ProblemSessionExpired, errTripSession
		}
	}
	if account.Issuer != s.config.Issuer || account.Subject != p.subject {
		return nil, ProblemSubjectMismatch, errOtherPerson
	}
	if t.Purpose == purposeStepUp && p.freshAt.IsZero() {
		return nil, ProblemReauthFailed, errNotFresh
	}
	return account, "", nil
}

// ranOut gives the account of the session that a trip left from and that is gone,
// unless it was ended by somebody.
func (s *SignIn) ranOut(ctx context.Context, t *transaction) (*plr.Account, error) {
	account, err := s.config.Accounts.Account(ctx, t.Account)
	switch {
	case err != nil && plr.CodeOf(err) == plr.CodeNotFound:
		return nil, errAccountGone
	case err != nil:
		return nil, accountFault{err}
	case t.Handle == "" || account.SessionEnded(t.Handle, time.UnixMilli(t.Began)) || !time.UnixMilli(t.AuthTime).After(account.ProviderLogoutAt):
		return nil, errSessionDurable
	}
	return account, nil
}

// refusedBy gives the problem for the provider's error. Somebody who cannot sign
// in once more is not who the session is of, so far as we know: it ends.
func (s *SignIn) refusedBy(ctx context.Context, t *transaction, fault string) (Problem, error) {
	if t.Purpose != purposeStepUp || fault != "login_required" {
		return problemOf(fault), causeOf(fault)
	}
	// Also when the browser has gone: whoever failed must not choose.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	end, hash := s.endSession, t.Session
	if t.App != nil {
		end, hash = s.endFamily, t.App.Family
	}
	if _, err := end(ctx, hash); err != nil {
		return storeProblem(err), err
	}
	return ProblemReauthFailed, errLoginRefused
}
