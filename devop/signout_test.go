package devop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/devop"
)

func TestSignOut(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{at: time.Now()}
	a := newApp(t, func(c *devop.Config) { c.Now = clock.now })
	hint := a.idToken(mari.Subject)
	clock.add(12 * time.Hour) // long expired; the app's session was not

	kid := must(jwt.ParseSigned(hint, []jose.SignatureAlgorithm{jose.ES256})).Headers[0].KeyID
	forged := func(key *ecdsa.PrivateKey, claims jwt.Claims) string {
		signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid)))
		raw := must(jwt.Signed(signer).Claims(claims).Serialize())
		a.secret(raw)
		return raw
	}
	genuine := jwt.Claims{Issuer: a.issuer, Subject: mari.Subject, Audience: jwt.Audience{clientID}}
	otherAudience, otherIssuer := genuine, genuine
	otherAudience.Audience, otherIssuer.Issuer = jwt.Audience{"somebody"}, "https://evil.example"

	state := rand.Text() + "&x=1"
	a.secret(state)
	tests := map[string]struct {
		query  url.Values
		status int
		to     string
	}{
		"back to the app":         {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}, "state": {state}}, 303, signedOut + "?state=" + url.QueryEscape(state)},
		"without state":           {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}}, 303, signedOut},
		"to a URI with a query":   {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut + "?from=devop"}, "state": {"s"}}, 303, signedOut + "?from=devop&state=s"},
		"with client_id":          {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}, "client_id": {clientID}}, 303, signedOut},
		"hint alone":              {url.Values{"id_token_hint": {hint}}, 200, ""},
		"nothing":                 {nil, 200, ""},
		"no hint":                 {url.Values{"post_logout_redirect_uri": {signedOut}}, 400, ""},
		"no hint but client_id":   {url.Values{"post_logout_redirect_uri": {signedOut}, "client_id": {clientID}}, 400, ""},
		"unknown URI":             {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.example/"}}, 400, ""},
		"URI with a slash":        {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut + "/"}}, 400, ""},
		"redirect URI of sign-in": {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {callback}}, 400, ""},
		"other client_id":         {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {signedOut}, "client_id": {"somebody"}}, 400, ""},
		"hint that is none":       {url.Values{"id_token_hint": {"made-up"}, "post_logout_redirect_uri": {signedOut}}, 400, ""},
		"hint by another key":     {url.Values{"id_token_hint": {forged(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), genuine)}, "post_logout_redirect_uri": {signedOut}}, 400, ""},
		"hint for another client": {url.Values{"id_token_hint": {forged(signingKey(), otherAudience)}, "post_logout_redirect_uri": {signedOut}}, 400, ""},
		"hint of another issuer":  {url.Values{"id_token_hint": {forged(signingKey(), otherIssuer)}, "post_logout_redirect_uri": {signedOut}}, 400, ""},
		"hint made by hand":       {url.Values{"id_token_hint": {forged(signingKey(), genuine)}, "post_logout_redirect_uri": {signedOut}}, 303, signedOut},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for method, r := range map[string]answer{
				"GET":  a.get(a.issuer + "/logout?" + tc.query.Encode()),
				"POST": a.do(http.MethodPost, a.issuer+"/logout", tc.query),
			} {
				if r.status != tc.status || r.header.Get("Location") != tc.to {
					t.Errorf("%s: status %d, location %q", method, r.status, r.header.Get("Location"))
				}
			}
		})
	}
}

func TestSignOutPageSpeaksWelsh(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	if r := a.get(a.issuer + "/logout?ui_locales=cy"); !strings.Contains(r.body, "Rydych wedi allgofnodi") {
		t.Error(r.body)
	}
}
