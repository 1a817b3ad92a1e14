package signin

import (
	"net/http"
	"net/url"
	"slices"
)

const (
	errReturnTo  = why("return_to is no address of ours")
	errOtherSite = why("another site started the sign-in")
)

// Login serves GET /auth/login: it sends the browser to the provider.
//
//	return_to   path to arrive at afterwards, or an address on one of
//	            AllowedOrigins; default /
//	ui_locales  en or cy, for the provider's pages; anything else is left out
//
// Signing in starts by the person's own act only: when another site sends the
// browser here it lands on the front page instead.
func (s *SignIn) Login(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) {
		return
	}
	if s.startedElsewhere(w, r) {
		return
	}
	query, returnTo, ok := s.wish(w, r)
	if !ok {
		return
	}
	s.depart(w, r, &transaction{Purpose: purposeSignIn, ReturnTo: returnTo, Session: presentedSession(r)}, departure{locale: query.Get("ui_locales")})
}

// wish reads what a front end asks for when it sends the browser on a trip, or
// has answered that it cannot be.
func (s *SignIn) wish(w http.ResponseWriter, r *http.Request) (query url.Values, returnTo string, ok bool) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && len(query["return_to"]) <= 1 {
		returnTo, ok = s.safeReturnTo(query.Get("return_to"))
	}
	if !ok {
		s.toEither(w, r, ProblemInvalidReturnTo, errReturnTo)
	}
	return query, returnTo, ok
}

// startedElsewhere sends the browser to the front page when another site sent it.
func (s *SignIn) startedElsewhere(w http.ResponseWriter, r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-site":
		if s.isOurOrigin(r.Referer()) {
			return false
		}
	case "cross-site":
	default:
		return false
	}
	s.refused(r.Context(), ProblemCrossOrigin, errOtherSite)
	seeOther(w, "/")
	return true
}

// isOurOrigin says whether address lies on one of AllowedOrigins.
func (s *SignIn) isOurOrigin(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains(s.config.AllowedOrigins, u.Scheme+"://"+u.Host)
}

// presentedSession is the hash of the session token that came along, if one did.
func presentedSession(r *http.Request) string {
	if tokens := cookieValues(r, SessionCookie); len(tokens) == 1 && isSessionToken(tokens[0]) {
		return hashOf(useWebSession, tokens[0])
	}
	return ""
}
