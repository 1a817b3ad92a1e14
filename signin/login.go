package signin

import (
	"net/http"
	"net/url"
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
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["return_to"]) > 1 {
		s.toProgram(w, r, ProblemInvalidReturnTo, errReturnTo)
		return
	}
	returnTo, ok := s.safeReturnTo(query.Get("return_to"))
	if !ok {
		s.toProgram(w, r, ProblemInvalidReturnTo, errReturnTo)
		return
	}
	s.depart(w, r, &transaction{Purpose: purposeSignIn, ReturnTo: returnTo, Session: presentedSession(r)}, departure{locale: query.Get("ui_locales")})
}

// startedElsewhere sends the browser to the front page when another site sent it.
func (s *SignIn) startedElsewhere(w http.ResponseWriter, r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		s.refused(r.Context(), ProblemCrossOrigin, errOtherSite)
		seeOther(w, "/")
		return true
	}
	return false
}

// presentedSession is the hash of the session token that came along, if one did.
func presentedSession(r *http.Request) string {
	if tokens := cookieValues(r, SessionCookie); len(tokens) == 1 && isSessionToken(tokens[0]) {
		return hashOf(useWebSession, tokens[0])
	}
	return ""
}
