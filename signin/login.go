package signin

import (
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	errReturnTo  = why("return_to is no path of ours")
	errOtherSite = why("another site started the sign-in")
)

// Login serves GET /auth/login: it sends the browser to the provider.
//
//	return_to   path to arrive at afterwards; default /
//	ui_locales  en or cy, for the provider's pages; anything else is left out
//
// Signing in starts by the person's own act only: when another site sends the
// browser here it lands on the front page instead.
func (s *SignIn) Login(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet) {
		return
	}
	ctx := r.Context()
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		s.refused(ctx, ProblemCrossOrigin, errOtherSite)
		seeOther(w, "/")
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["return_to"]) > 1 {
		s.toProgram(w, r, ProblemInvalidReturnTo, errReturnTo)
		return
	}
	returnTo, ok := safeReturnTo(query.Get("return_to"))
	if !ok {
		s.toProgram(w, r, ProblemInvalidReturnTo, errReturnTo)
		return
	}
	m, err := s.provider.metadata(ctx)
	if err != nil {
		s.toEither(w, r, ProblemProviderUnavailable, err)
		return
	}

	trip, t, err := s.newTrip(r, returnTo)
	if err != nil {
		s.toEither(w, r, ProblemInternal, err)
		return
	}
	if err := s.storeTransaction(ctx, trip.state, t); err != nil {
		s.toEither(w, r, ProblemSessionStoreUnavailable, err)
		return
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(trip.nonce), oauth2.S256ChallengeOption(trip.verifier)}
	if locale := query.Get("ui_locales"); locale == "en" || locale == "cy" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", locale))
	}
	setTransactionCookie(w, trip.browser) // also an old one: its hour starts anew
	seeOther(w, s.oauth(m).AuthCodeURL(trip.state, options...))
}

// trip holds the secrets of a transaction in clear, on their way out.
type trip struct{ state, nonce, verifier, browser string }

func (s *SignIn) newTrip(r *http.Request, returnTo string) (trip, *transaction, error) {
	var p trip
	// Sign-ins in several tabs share the browser's secret, so that they do not
	// break each other.
	p.browser, _ = browserSecret(r)
	for _, secret := range []*string{&p.state, &p.nonce, &p.verifier, &p.browser} {
		if *secret != "" {
			continue
		}
		var err error
		if *secret, err = newSecret(s.random); err != nil {
			return p, nil, err
		}
	}
	sealed, err := s.sealer.seal(p.verifier, verifierContext(p.state))
	if err != nil {
		return p, nil, err
	}
	t := &transaction{
		Version: 1, Purpose: purposeSignIn,
		Browser: hashOf(useBrowser, p.browser), Nonce: hashOf(useNonce, p.nonce), Verifier: sealed,
		Issuer: s.config.Issuer, ReturnTo: returnTo, CreatedAt: s.now().UnixMilli(),
	}
	if tokens := cookieValues(r, SessionCookie); len(tokens) == 1 && isSessionToken(tokens[0]) {
		t.Session = hashOf(useWebSession, tokens[0])
	}
	return p, t, nil
}

func verifierContext(state string) string { return "code_verifier " + hashOf(useState, state) }

func (s *SignIn) oauth(m *metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.config.ClientID, Endpoint: m.endpoint, Scopes: s.config.Scopes,
		RedirectURL: s.config.PublicURL + CallbackPath,
	}
}
