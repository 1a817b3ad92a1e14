package signin

import (
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// departure is what of a trip is needed on its way out only.
type departure struct {
	locale string
	// hint is an ID token of the person who is to sign in once more.
	hint string
}

// depart begins the trip t, whose purpose and what belongs to it are set, and
// sends the browser to the provider. Every way out goes through here.
func (s *SignIn) depart(w http.ResponseWriter, r *http.Request, t *transaction, d departure) {
	ctx := r.Context()
	m, err := s.provider.metadata(ctx)
	if err != nil {
		s.toEither(w, r, ProblemProviderUnavailable, err)
		return
	}
	trip, err := s.newTrip(r, t)
	if err != nil {
		s.toEither(w, r, ProblemInternal, err)
		return
	}
	if err := s.storeTransaction(ctx, trip.state, t); err != nil {
		s.toEither(w, r, ProblemSessionStoreUnavailable, err)
		return
	}
	address, err := s.authorizationURL(m, trip, t, d)
	if err != nil {
		s.toEither(w, r, ProblemInternal, err)
		return
	}
	setTransactionCookie(w, trip.browser) // also an old one: its time starts anew
	seeOther(w, address)
}

// authorizationURL is the address at the provider for this trip.
func (s *SignIn) authorizationURL(m *metadata, trip trip, _ *transaction, d departure) (string, error) {
	options := []oauth2.AuthCodeOption{oidc.Nonce(trip.nonce), oauth2.S256ChallengeOption(trip.verifier)}
	if d.locale == "en" || d.locale == "cy" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", d.locale))
	}
	return s.oauth(m).AuthCodeURL(trip.state, options...), nil
}

// trip holds the secrets of a transaction in clear, on their way out.
type trip struct{ state, nonce, verifier, browser string }

// newTrip makes the secrets and completes t with what remembers them.
func (s *SignIn) newTrip(r *http.Request, t *transaction) (trip, error) {
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
			return p, err
		}
	}
	sealed, err := s.sealer.seal(p.verifier, verifierContext(p.state))
	if err != nil {
		return p, err
	}
	t.Version, t.Issuer, t.CreatedAt = 1, s.config.Issuer, s.now().UnixMilli()
	t.Browser, t.Nonce, t.Verifier = hashOf(useBrowser, p.browser), hashOf(useNonce, p.nonce), sealed
	return p, nil
}

func verifierContext(state string) string { return "code_verifier " + hashOf(useState, state) }

func (s *SignIn) oauth(m *metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.config.ClientID, Endpoint: m.endpoint, Scopes: s.config.Scopes,
		RedirectURL: s.config.PublicURL + CallbackPath,
	}
}
