package signin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

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
		s.stay(w, r, t, ProblemProviderUnavailable, err)
		return
	}
	trip, err := s.newTrip(r, t)
	if err != nil {
		s.stay(w, r, t, ProblemInternal, err)
		return
	}
	if err := s.storeTransaction(ctx, trip.state, t); err != nil {
		s.stay(w, r, t, ProblemSessionStoreUnavailable, err)
		return
	}
	address, err := s.authorizationURL(m, trip, t, d)
	if err != nil {
		s.stay(w, r, t, ProblemInternal, err)
		return
	}
	setTransactionCookie(w, trip.browser, t.Purpose.life()) // also an old one: its time starts anew
	seeOther(w, address)
}

// stay answers whoever asked for a trip that does not begin: the app, when one waits.
func (s *SignIn) stay(w http.ResponseWriter, r *http.Request, t *transaction, code Problem, cause error) {
	if t.App != nil {
		s.backToApp(w, r, t, code, cause)
		return
	}
	s.toEither(w, r, code, cause)
}

// maxAuthorizeQuery is what One Login's firewall lets through.
const maxAuthorizeQuery = 4096

const errLongRequest = why("the authorization request is longer than the provider takes")

// authorizationURL is the address at the provider for this trip.
func (s *SignIn) authorizationURL(m *metadata, trip trip, t *transaction, d departure) (string, error) {
	u, err := url.Parse(m.endpoint.AuthURL)
	if err != nil {
		return "", err
	}
	request := s.authorizationRequest(trip, t, d)
	if s.config.RequestObject || (t.Purpose == purposeStepUp && s.config.Reauth == ReauthSignedPromptLogin) {
		signed, err := s.assertions.requestObject(m.endpoint.AuthURL, request)
		if err != nil {
			return "", err
		}
		// OAuth wants these beside it; anything else would stand twice.
		request = map[string]any{
			"client_id": request["client_id"], "response_type": request["response_type"], "scope": request["scope"],
			"request": signed,
		}
	}
	query := u.Query()
	for name, value := range request {
		text, isText := value.(string)
		if !isText {
			body, err := json.Marshal(value)
			if err != nil {
				return "", err
			}
			text = string(body)
		}
		query.Set(name, text)
	}
	if u.RawQuery = query.Encode(); len(u.RawQuery) > maxAuthorizeQuery {
		return "", errLongRequest
	}
	return u.String(), nil
}

// authorizationRequest gives the parameters of the request, each in the form it
// has as JSON.
func (s *SignIn) authorizationRequest(trip trip, t *transaction, d departure) map[string]any {
	request := map[string]any{
		"client_id": s.config.ClientID, "response_type": "code", "scope": strings.Join(s.config.Scopes, " "),
		"redirect_uri": s.config.PublicURL + CallbackPath, "state": trip.state, "nonce": trip.nonce,
		"code_challenge": oauth2.S256ChallengeFromVerifier(trip.verifier), "code_challenge_method": "S256",
	}
	if d.locale == "en" || d.locale == "cy" {
		request["ui_locales"] = d.locale
	}
	if vtr := s.vtr(t.Purpose); vtr != "" {
		request["vtr"] = []string{vtr}
	}
	switch t.Purpose {
	case purposeIdentity:
		request["claims"] = identityClaims
	case purposeStepUp:
		switch s.config.Reauth {
		case ReauthMaxAge:
			request["max_age"] = 0
		case ReauthSignedPromptLogin:
			request["prompt"] = "login"
			if d.hint != "" {
				request["id_token_hint"] = d.hint
			}
		case ReauthPromptLogin:
			request["prompt"] = "login"
		case ReauthNone:
		}
	case purposeSignIn:
	}
	return request
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
