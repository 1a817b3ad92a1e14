package devop_test

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"openplr/devop"
)

func TestWholeSignIn(t *testing.T) {
	t.Parallel()
	tests := map[string]func(a *app, tr trip) string{
		"by the page": func(a *app, tr trip) string {
			form := a.formOf(a.get(a.authorizeURL(tr)))
			return a.code(tr, a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}))
		},
		"by the page after a reload and a post of nobody": func(a *app, tr trip) string {
			form := a.formOf(a.get(a.authorizeURL(tr)))
			a.formOf(a.get(form))
			page := a.do(http.MethodPost, form, url.Values{"subject": {"nobody"}})
			if page.status != http.StatusBadRequest {
				a.t.Errorf("a post of nobody answered %d", page.status)
			}
			return a.code(tr, a.do(http.MethodPost, a.formOf(page), url.Values{"subject": {mari.Subject}}))
		},
		"by the page, asked for with POST": func(a *app, tr trip) string {
			u := must(url.Parse(a.authorizeURL(tr)))
			form := a.formOf(a.do(http.MethodPost, a.oauth.Endpoint.AuthURL, u.Query()))
			return a.code(tr, a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}))
		},
		"without the page": func(a *app, tr trip) string {
			return a.auto(tr, mari.Subject)
		},
		"without the page though prompt is none": func(a *app, tr trip) string {
			return a.auto(tr, mari.Subject, "prompt", "none")
		},
	}
	for name, signIn := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, before := newApp(t), time.Now().Add(-time.Second)
			tr := a.trip()
			tok, err := a.redeem(signIn(a, tr), tr.verifier, a.assertion(nil))
			if err != nil {
				t.Fatal(err)
			}
			id, err := a.provider.VerifierContext(a.ctx(), &oidc.Config{
				ClientID: clientID, SupportedSigningAlgs: []string{oidc.ES256},
			}).Verify(a.ctx(), rawIDToken(tok))
			if err != nil {
				t.Fatal(err)
			}
			if id.Subject != mari.Subject || id.Nonce != tr.nonce || !slices.Equal(id.Audience, []string{clientID}) {
				t.Errorf("sub %q, nonce %q, aud %q", id.Subject, id.Nonce, id.Audience)
			}
			if life := id.Expiry.Sub(id.IssuedAt); life != 120*time.Second {
				t.Errorf("the ID token lives %s", life)
			}
			if err := id.VerifyAccessToken(tok.AccessToken); err != nil {
				t.Errorf("at_hash: %v", err)
			}
			var claims struct {
				AuthTime int64 `json:"auth_time"`
			}
			if err := id.Claims(&claims); err != nil {
				t.Fatal(err)
			}
			if at := time.Unix(claims.AuthTime, 0); at.Before(before) || at.After(time.Now()) {
				t.Errorf("auth_time is %s", at)
			}
			if tok.RefreshToken != "" {
				t.Error("a refresh token was issued")
			}
			if life := time.Until(tok.Expiry); life > 180*time.Second || life < 150*time.Second {
				t.Errorf("the access token lives %s", life)
			}

			info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Name       string `json:"name"`
				GivenName  string `json:"given_name"`
				FamilyName string `json:"family_name"`
				BirthDate  string `json:"birthdate"`
			}
			if err := info.Claims(&got); err != nil {
				t.Fatal(err)
			}
			if info.Subject != mari.Subject || info.Email != mari.Email || !info.EmailVerified {
				t.Errorf("userinfo %+v", info)
			}
			if got.Name != mari.Name || got.GivenName != mari.GivenName || got.FamilyName != mari.FamilyName || got.BirthDate != mari.BirthDate {
				t.Errorf("profile %+v", got)
			}
		})
	}
}

func TestUserInfoKeepsToTheScopes(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	tok, err := a.redeem(a.auto(tr, mari.Subject, "scope", "openid"), tr.verifier, a.assertion(nil))
	if err != nil {
		t.Fatal(err)
	}
	info, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok))
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil || len(claims) != 1 || claims["sub"] != mari.Subject {
		t.Errorf("claims %v, %v", claims, err)
	}
}

func TestUserInfoRefusesAnUnknownToken(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for name, header := range map[string]string{"none": "", "made up": "Bearer made-up", "an ID token": "Bearer " + a.idToken(mari.Subject)} {
		r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, a.issuer+"/userinfo", nil))
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		resp := must(a.http.Do(r))
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: status %d, %q", name, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	code := a.auto(tr, mari.Subject)
	tok, err := a.redeem(code, tr.verifier, a.assertion(nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = a.redeem(code, tr.verifier, a.assertion(nil))
		refused(t, err, "invalid_grant")
	}
	if _, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(tok)); err == nil {
		t.Error("the access token outlived the reuse of its code")
	}
}

func TestCodeIsUsedOnceInParallel(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	code := a.auto(tr, mari.Subject)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		assertion := a.assertion(nil)
		wg.Go(func() {
			if _, err := a.redeem(code, tr.verifier, assertion); err == nil {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n > 1 {
		t.Errorf("%d of 8 redemptions succeeded", n)
	}
}

func TestManyPeopleAtOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	// More than the 100 that the library's own store holds.
	codes := make(map[string]trip)
	for range 150 {
		tr := a.trip()
		codes[a.auto(tr, mari.Subject)] = tr
	}
	for code, tr := range codes {
		if _, err := a.redeem(code, tr.verifier, a.assertion(nil)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPageIsSpentByItsPost(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	form := a.formOf(a.get(a.authorizeURL(tr)))
	a.code(tr, a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}))
	if again := a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}); again.status != http.StatusBadRequest || again.header.Get("Location") != "" {
		t.Errorf("the second post answered %d", again.status)
	}
}

func TestFollowsTheClock(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{at: time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)}
	a := newApp(t, func(c *devop.Config) { c.Now = clock.now })

	tr := a.trip()
	code := a.auto(tr, mari.Subject)
	clock.add(299 * time.Second)
	tok, err := a.redeem(code, tr.verifier, a.assertion(nil))
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.provider.VerifierContext(a.ctx(), &oidc.Config{ClientID: clientID, Now: clock.now, SupportedSigningAlgs: []string{oidc.ES256}}).
		Verify(a.ctx(), rawIDToken(tok))
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil || !id.IssuedAt.Equal(clock.now()) || claims.AuthTime != clock.now().Unix()-299 {
		t.Errorf("iat %s, auth_time %d, %v", id.IssuedAt, claims.AuthTime, err)
	}
	clock.add(179 * time.Second)
	if _, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: tok.AccessToken})); err != nil {
		t.Errorf("one second before its end the access token is refused: %v", err)
	}
	clock.add(time.Second)
	if _, err := a.provider.UserInfo(a.ctx(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: tok.AccessToken})); err == nil {
		t.Error("the access token works after 180 s")
	}

	tr = a.trip()
	code = a.auto(tr, mari.Subject)
	clock.add(300 * time.Second)
	_, err = a.redeem(code, tr.verifier, a.assertion(nil))
	refused(t, err, "invalid_grant")

	form := a.formOf(a.get(a.authorizeURL(a.trip())))
	clock.add(30 * time.Minute)
	if r := a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}); r.status != http.StatusBadRequest {
		t.Errorf("a page open for 30 minutes answered %d", r.status)
	}
}

func TestClientKeySet(t *testing.T) {
	t.Parallel()
	a := newApp(t, func(c *devop.Config) {
		c.ClientKey, c.ClientKeyID = nil, ""
		c.ClientJWKS = jwks(t,
			jose.JSONWebKey{Key: otherKey().Public(), KeyID: "app-0", Use: "sig"},
			jose.JSONWebKey{Key: appKey().Public(), KeyID: clientKID, Use: "sig", Algorithm: "PS256"})
	})
	for kid, key := range map[string]any{"app-0": otherKey(), clientKID: appKey()} {
		tr := a.trip()
		assertion := a.assertion(func(p *assertionParts) { p.kid, p.key = kid, key })
		if _, err := a.redeem(a.auto(tr, tom.Subject), tr.verifier, assertion); err != nil {
			t.Errorf("key %s: %v", kid, err)
		}
	}
}

type fakeClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *fakeClock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *fakeClock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }
