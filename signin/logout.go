package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

const (
	// RequestedByHeader with the value RequestedBy must come with every request
	// that changes something on the strength of a cookie: another origin cannot
	// send it without asking first.
	RequestedByHeader = "X-Requested-By"
	RequestedBy       = "learner-web"
)

const (
	// maxLogoutCookies bounds what a request can make us look up.
	maxLogoutCookies = 8
	// logoutTimeout covers the durable store and Redis; a person who closes the
	// tab after pressing "sign out" is signed out all the same.
	logoutTimeout = 5 * time.Second
	// maxEndSessionQuery is what One Login's firewall lets through.
	maxEndSessionQuery = 2048
)

const errNoCustomHeader = why("the custom header is missing")

// Logout serves POST /auth/logout with the JSON body {"everywhere": bool?}. The
// session, or with everywhere every session of the account, is dead before the
// answer {"redirect": address}, to which the page then sends the browser: the
// provider's sign-out, or our own signed-out page when there is nothing to sign
// out of. Repeating it is harmless.
func (s *SignIn) Logout(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodPost) {
		return
	}
	everywhere, code, err := readLogout(w, r)
	if err != nil {
		s.toProgram(w, r, code, err)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), logoutTimeout)
	defer cancel()
	tokens := cookieValues(r, SessionCookie)
	if hasBearer(r) && len(tokens) > 0 {
		s.toProgram(w, r, ProblemAmbiguousCredentials, errAmbiguous)
		return
	}
	if everywhere && len(tokens) == 1 && isSessionToken(tokens[0]) {
		if code, err := s.logoutEverywhere(ctx, tokens[0]); err != nil {
			s.toProgram(w, r, code, err) // the cookie stays, so that it can be tried again
			return
		}
	}
	// Of several cookies none is trusted to say who asks, but holding a token is
	// enough to give it up.
	redirect := SignedOutPage
	for _, token := range tokens[:min(len(tokens), maxLogoutCookies)] {
		if !isSessionToken(token) {
			continue
		}
		hash := hashOf(useWebSession, token)
		gone, err := s.endSession(ctx, hash)
		if err == nil && gone == nil {
			if hash, err = s.successor(ctx, hash); err == nil && hash != "" {
				gone, err = s.endSession(ctx, hash)
			}
		}
		if err != nil {
			s.toProgram(w, r, ProblemSessionStoreUnavailable, err)
			return
		}
		if gone == nil {
			continue
		}
		s.log.InfoContext(ctx, "signed out", "account", gone.Account, "session", gone.Handle, "everywhere", everywhere)
		if len(tokens) == 1 {
			redirect = s.endSessionURL(ctx, gone, hash)
		}
	}
	clearCookie(w, SessionCookie)
	clearCookie(w, TransactionCookie)
	writeJSON(w, http.StatusOK, "application/json", struct {
		Redirect string `json:"redirect"`
	}{redirect})
}

// logoutEverywhere ends all sessions of the account, if the token's own lives:
// an old token found somewhere must not sign anybody out everywhere.
func (s *SignIn) logoutEverywhere(ctx context.Context, token string) (Problem, error) {
	e, _, err := s.liveSession(ctx, token, false)
	if errors.Is(err, errNoSession) {
		next, fault := s.successor(ctx, hashOf(useWebSession, token))
		if fault != nil {
			err = fault
		} else if next != "" {
			e, _, err = s.sessionByHash(ctx, next, false)
		}
	}
	switch {
	case err == nil:
	case ended(err):
		return "", nil
	default:
		return storeProblem(err), err
	}
	if err := s.endAllSessions(ctx, e.Account); err != nil {
		return storeProblem(err), err
	}
	return "", nil
}

// readLogout accepts what only our own page can send.
func readLogout(w http.ResponseWriter, r *http.Request) (everywhere bool, code Problem, err error) {
	if r.Header.Get(RequestedByHeader) != RequestedBy {
		return false, ProblemCrossOrigin, errNoCustomHeader
	}
	if !isJSON(r) { // an empty body too: another origin cannot announce it without asking
		return false, ProblemUnsupportedMediaType, errNotJSON
	}
	var in struct {
		Everywhere bool `json:"everywhere"`
	}
	code, err = readObject(w, r, &in)
	return in.Everywhere, code, err
}

// endSessionURL leads to the provider's own sign-out. Without it, the next person
// at a shared computer would be one click from this one's record.
func (s *SignIn) endSessionURL(ctx context.Context, e *session, tokenHash string) string {
	m, err := s.provider.metadata(ctx)
	if err != nil || m.endSessionURL == "" || e.Issuer != s.config.Issuer {
		return SignedOutPage
	}
	hint, err := s.sealer.open(e.Hint, hintContext(tokenHash))
	if err != nil {
		return SignedOutPage // the provider would refuse the address without it
	}
	// The provider sends it back to SignedOut, which does the same whatever it is.
	state, err := newSecret(s.random)
	if err != nil {
		return SignedOutPage
	}
	u, err := url.Parse(m.endSessionURL)
	if err != nil {
		return SignedOutPage
	}
	query := u.Query()
	query.Set("id_token_hint", hint)
	query.Set("post_logout_redirect_uri", s.config.PublicURL+SignedOutPath)
	query.Set("state", state)
	if encoded := query.Encode(); len(encoded) <= maxEndSessionQuery {
		u.RawQuery = encoded
	} // else the person ends on the provider's own page, signed out there all the same
	return u.String()
}

// SignedOut serves GET /auth/signed-out, where the provider sends the browser
// after its own sign-out. It goes to one fixed place, whatever the parameters.
func (s *SignIn) SignedOut(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	seeOther(w, SignedOutPage)
}
