package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
)

const (
	maxAppQuery = 8 << 10
	maxAppState = 512
)

// Refusals of an app's way out. The first is answered here, without a redirect;
// the others travel to the app as error_description.
const (
	// ProblemAppClientInvalid: no such app, or not with this address.
	ProblemAppClientInvalid Problem = "app_client_invalid"
	// ProblemAppRequestInvalid: a parameter is missing or not of its form.
	ProblemAppRequestInvalid Problem = "app_request_invalid"
	// ProblemHandoffInvalid: the hand-off is unknown, used, too old or another app's.
	ProblemHandoffInvalid Problem = "handoff_invalid"
)

const (
	errAppQuery     = why("the query cannot be read, or says something twice")
	errAppRedirect  = why("no such app, or not with this redirect address")
	errAppResponse  = why("response_type is not code")
	errAppState     = why("state is missing, too long or not printable")
	errAppChallenge = why("the challenge is missing, not of its form or not S256")
	errAppAction    = why("no such action, or not with what came along")
)

// AppAuthorize serves GET /auth/app/authorize, where an app sends the system's
// browser: an authorization request by RFC 6749 with PKCE, of which a trip to the
// provider comes with secrets of its own. By what the app asked for the browser
// returns to it with a code, or with an error.
//
//	response_type          code
//	client_id              a registered app
//	redirect_uri           one of its addresses, to the byte
//	state                  1 to 512 printable characters of ASCII
//	code_challenge         43 characters, with code_challenge_method=S256
//	ui_locales             en or cy
//	action                 sign_in (default), step_up or identity
//	handoff                with the last two, from POST /auth/app/handoff
//
// Where app or address are not registered nothing is sent anywhere.
func (s *SignIn) AppAuthorize(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) {
		return
	}
	query, ok := readAppQuery(r.URL.RawQuery)
	if !ok {
		s.toAppPage(w, r, errAppQuery)
		return
	}
	client := s.appClient(query.Get("client_id"))
	if client == nil || !slices.Contains(client.RedirectURIs, query.Get("redirect_uri")) {
		s.toAppPage(w, r, errAppRedirect)
		return
	}
	t := &transaction{Purpose: purposeSignIn, ReturnTo: "/", App: &appTrip{
		Client: client.ID, Redirect: query.Get("redirect_uri"), Challenge: query.Get("code_challenge"),
	}}
	if !isAppState(query.Get("state")) {
		s.backToApp(w, r, t, ProblemAppRequestInvalid, errAppState)
		return
	}
	t.App.State = query.Get("state")
	action, handoff := purpose(query.Get("action")), query.Get("handoff")
	if action == "" {
		action = purposeSignIn
	}
	t.Purpose = action
	d := departure{locale: query.Get("ui_locales")}
	switch {
	case query.Get("response_type") != "code":
		s.backToApp(w, r, t, ProblemAppRequestInvalid, errAppResponse)
		return
	case query.Get("code_challenge_method") != "S256" || !isSecret(t.App.Challenge):
		s.backToApp(w, r, t, ProblemAppRequestInvalid, errAppChallenge)
		return
	case action.life() == 0, (action == purposeSignIn) != (handoff == ""):
		s.backToApp(w, r, t, ProblemAppRequestInvalid, errAppAction)
		return
	case action != purposeSignIn:
		var code Problem
		var err error
		if d.hint, code, err = s.bindHandoff(r.Context(), t, handoff); err != nil {
			s.backToApp(w, r, t, code, err)
			return
		}
	}
	s.depart(w, r, t, d)
}

// readAppQuery gives the parameters when none of them stands there twice.
func readAppQuery(raw string) (url.Values, bool) {
	if len(raw) > maxAppQuery {
		return nil, false
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, false
	}
	for _, values := range query {
		if len(values) != 1 {
			return nil, false
		}
	}
	return query, true
}

func isAppState(state string) bool {
	if state == "" || len(state) > maxAppState {
		return false
	}
	for i := range len(state) {
		if state[i] < ' ' || state[i] > '~' {
			return false
		}
	}
	return true
}

// bindHandoff makes t a trip for the app session that the hand-off was made for,
// and gives its person's ID token.
func (s *SignIn) bindHandoff(ctx context.Context, t *transaction, secret string) (hint string, code Problem, err error) {
	h, err := s.takeHandoff(ctx, secret)
	switch {
	case ended(err):
		return "", ProblemHandoffInvalid, err
	case err != nil:
		return "", ProblemSessionStoreUnavailable, err
	case h.Client != t.App.Client || h.Action != t.Purpose:
		return "", ProblemHandoffInvalid, errHandoffOther
	}
	if t.Purpose == purposeIdentity && s.config.Identity.VTR == "" {
		return "", ProblemIdentityUnavailable, errNoIdentity
	}
	f, _, err := s.readFamily(ctx, h.Family)
	if err == nil {
		_, err = s.judgeFamily(ctx, f)
	}
	switch {
	case ended(err):
		return "", ProblemSessionExpired, err
	case err != nil:
		return "", storeProblem(err), err
	}
	if t.Purpose == purposeIdentity {
		if code, err := s.mayProveIdentity(ctx, f.Account, h.Renew); err != nil {
			return "", code, err
		}
	}
	t.Account, t.App.Family = f.Account, h.Family
	// Without the hint a provider that wants one asks just anybody to sign in, and
	// somebody else is refused on the way back.
	hint, _ = s.sealer.open(f.Hint, hintContext(h.Family))
	return hint, "", nil
}

// backToApp sends the browser back to the app with what went wrong.
func (s *SignIn) backToApp(w http.ResponseWriter, r *http.Request, t *transaction, code Problem, cause error) {
	s.refused(r.Context(), code, cause, slog.String("app", t.App.Client))
	w.Header().Set("Location", s.appRefusal(t, code))
	w.WriteHeader(http.StatusFound)
}

// toAppPage refuses a request that nobody can be told of by redirect: the address
// may be anybody's.
func (s *SignIn) toAppPage(w http.ResponseWriter, r *http.Request, cause error) {
	if s.config.ErrorPage == nil {
		s.toProgram(w, r, ProblemAppClientInvalid, cause)
		return
	}
	ref := s.refused(r.Context(), ProblemAppClientInvalid, cause)
	s.config.ErrorPage(w, r, http.StatusBadRequest, ref)
}
