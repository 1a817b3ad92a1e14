package devop_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"openplr/devop"
)

func TestAuthorizeRefusesByRedirect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pairs []string
		want  string
	}{
		"no code_challenge":                {[]string{"code_challenge", ""}, "invalid_request"},
		"no PKCE at all":                   {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"no code_challenge_method":         {[]string{"code_challenge_method", ""}, "invalid_request"},
		"plain code_challenge_method":      {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"code_challenge of another length": {[]string{"code_challenge", "c2hvcnQ"}, "invalid_request"},
		"no state":                         {[]string{"state", ""}, "invalid_request"},
		"no nonce":                         {[]string{"nonce", ""}, "invalid_request"},
		"no response_type":                 {[]string{"response_type", ""}, "invalid_request"},
		"implicit response_type":           {[]string{"response_type", "id_token"}, "invalid_request"},
		"hybrid response_type":             {[]string{"response_type", "code id_token"}, "invalid_request"},
		"no openid":                        {[]string{"scope", "email"}, "invalid_request"},
		"unknown scope":                    {[]string{"scope", "openid admin"}, "invalid_scope"},
		"prompt none":                      {[]string{"prompt", "none"}, "login_required"},
		"dev_auto without login_hint":      {[]string{"dev_auto", "1"}, "invalid_request"},
		"dev_auto with unknown login_hint": {[]string{"dev_auto", "1", "login_hint", "zebedee"}, "invalid_request"},
		"dev_auto with no PKCE":            {[]string{"dev_auto", "1", "login_hint", mari.Subject, "code_challenge", ""}, "invalid_request"},
		"id_token_hint that is none":       {[]string{"id_token_hint", "made-up"}, "invalid_request"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			q := a.get(a.authorizeURL(tr, tc.pairs...)).location(t, callback)
			if name == "no state" {
				tr.state = ""
			}
			if q.Get("error") != tc.want || q.Get("state") != tr.state || q.Get("iss") != a.iss || q.Has("code") {
				t.Errorf("callback got %v", q)
			}
			if strings.Contains(q.Get("error_description"), "zebedee") {
				t.Errorf("the description repeats what was sent: %v", q)
			}
		})
	}
}

func TestAuthorizeRefusesWithoutRedirect(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tests := map[string]string{
		"unknown client":                         a.authorizeURL(a.trip(), "client_id", "somebody"),
		"no client":                              a.authorizeURL(a.trip(), "client_id", ""),
		"no redirect URI":                        a.authorizeURL(a.trip(), "redirect_uri", ""),
		"unknown redirect URI":                   a.authorizeURL(a.trip(), "redirect_uri", "https://evil.example/callback"),
		"unknown redirect URI and dev_auto":      a.authorizeURL(a.trip(), "redirect_uri", "https://evil.example/", "dev_auto", "1", "login_hint", mari.Subject),
		"redirect URI with another port":         a.authorizeURL(a.trip(), "redirect_uri", "http://localhost:9/auth/callback"),
		"redirect URI with a slash":              a.authorizeURL(a.trip(), "redirect_uri", callback+"/"),
		"redirect URI with a query":              a.authorizeURL(a.trip(), "redirect_uri", callback+"?x=1"),
		"redirect URI with an empty fragment":    a.authorizeURL(a.trip(), "redirect_uri", callback+"#"),
		"redirect URI with a scheme in capitals": a.authorizeURL(a.trip(), "redirect_uri", strings.Replace(callback, "http:", "HTTP:", 1)),
		"two redirect URIs":                      a.authorizeURL(a.trip()) + "&redirect_uri=" + url.QueryEscape(callback),
		"two states":                             a.authorizeURL(a.trip()) + "&state=x",
		"request object that is none":            a.authorizeURL(a.trip(), "request", "e30.e30."),
		"request_uri":                            a.authorizeURL(a.trip(), "request_uri", "https://evil.example/r"),
		"a page that is not open":                a.issuer + "/authorize/9f1c",
	}
	for name, address := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := a.get(address)
			if r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
				t.Errorf("status %d, location %q", r.status, r.header.Get("Location"))
			}
			if !strings.Contains(r.body, "these people are invented") || strings.Contains(r.body, "evil") {
				t.Errorf("the page reads %s", r.body)
			}
		})
	}
}

func TestDevAutoIsForLoopback(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"http://127.0.0.1:8090":       true,
		"http://127.8.8.8":            true,
		"http://[::1]:8090":           true,
		"http://localhost:8090":       true,
		"https://id.example.test":     false,
		"http://10.0.0.7:8090":        false,
		"http://localhost.example:80": false,
		"http://127.0.0.1.example":    false,
		"http://0.0.0.0:8090":         false,
	}
	for issuer, allowed := range tests {
		t.Run(issuer, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(c *devop.Config) { c.Issuer = issuer })
			tr := a.trip()
			q := a.get(a.authorizeURL(tr, "dev_auto", "1", "login_hint", mari.Subject)).location(t, callback)
			a.secret(q.Get("code"))
			if q.Has("code") != allowed || (q.Get("error") == "invalid_request") == allowed || q.Get("iss") != issuer {
				t.Errorf("callback got %v", q)
			}
			// The page is there either way.
			a.formOf(a.get(a.authorizeURL(a.trip())))
		})
	}
}

func TestTokenRefusesTheCode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(a *app, tr *trip, code *string)
		want  string
	}{
		"wrong verifier": {func(_ *app, tr *trip, _ *string) { tr.verifier = oauth2.GenerateVerifier() }, "invalid_grant"},
		"no verifier":    {func(_ *app, tr *trip, _ *string) { tr.verifier = "" }, "invalid_grant"},
		"the challenge as the verifier": {func(_ *app, tr *trip, _ *string) {
			tr.verifier = oauth2.S256ChallengeFromVerifier(tr.verifier)
		}, "invalid_grant"},
		"unknown code":       {func(_ *app, _ *trip, code *string) { *code = "unknown" }, "invalid_grant"},
		"no code":            {func(_ *app, _ *trip, code *string) { *code = "" }, "invalid_request"},
		"other redirect URI": {func(a *app, _ *trip, _ *string) { a.oauth.RedirectURL = callback + "/" }, "invalid_grant"},
		"other client id":    {func(a *app, _ *trip, _ *string) { a.oauth.ClientID = "somebody" }, "invalid_client"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			code := a.auto(tr, mari.Subject)
			good, goodCode := tr, code
			tc.spoil(a, &tr, &code)
			_, err := a.redeem(code, tr.verifier, a.assertion(nil))
			refused(t, err, tc.want)
			if tr == good { // the code was not what was wrong
				return
			}
			// A wrong verifier is an attack: the code is gone.
			_, err = a.redeem(goodCode, good.verifier, a.assertion(nil))
			refused(t, err, "invalid_grant")
		})
	}
}

func TestTokenRefusesTheClient(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := map[string]func(*assertionParts){
		"key of somebody else":       func(p *assertionParts) { p.key = otherKey() },
		"unknown key id":             func(p *assertionParts) { p.kid = "app-2" },
		"no key id":                  func(p *assertionParts) { p.kid = "" },
		"PS384":                      func(p *assertionParts) { p.alg = jose.PS384 },
		"ES256":                      func(p *assertionParts) { p.alg, p.key = jose.ES256, signingKey() },
		"HS256":                      func(p *assertionParts) { p.alg, p.key = jose.HS256, []byte(strings.Repeat("k", 32)) },
		"audience of somebody else":  func(p *assertionParts) { p.claims.Audience = jwt.Audience{"https://evil.example"} },
		"no audience":                func(p *assertionParts) { p.claims.Audience = nil },
		"issuer of somebody else":    func(p *assertionParts) { p.claims.Issuer = "somebody" },
		"subject of somebody else":   func(p *assertionParts) { p.claims.Subject = "somebody" },
		"expired":                    func(p *assertionParts) { p.claims.Expiry = jwt.NewNumericDate(now.Add(-time.Minute)) },
		"no expiry":                  func(p *assertionParts) { p.claims.Expiry = nil },
		"expiry in more than 5 min":  func(p *assertionParts) { p.claims.Expiry = jwt.NewNumericDate(now.Add(10 * time.Minute)) },
		"issued in the future":       func(p *assertionParts) { p.claims.IssuedAt = jwt.NewNumericDate(now.Add(2 * time.Minute)) },
		"no id":                      func(p *assertionParts) { p.claims.ID = "" },
		"not an assertion":           nil,
		"assertion used once before": nil,
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			code := a.auto(tr, mari.Subject)
			assertion := a.assertion(edit)
			switch name {
			case "not an assertion":
				assertion = "e30.e30.e30"
			case "assertion used once before":
				first := a.trip()
				if _, err := a.redeem(a.auto(first, mari.Subject), first.verifier, assertion); err != nil {
					t.Fatal(err)
				}
			}
			_, err := a.redeem(code, tr.verifier, assertion)
			refused(t, err, "invalid_client")
			// Whoever is not the client cannot spend the client's code.
			if _, err := a.redeem(code, tr.verifier, a.assertion(nil)); err != nil {
				t.Errorf("the code is gone: %v", err)
			}
		})
	}
}

func TestTokenTakesTheClient(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		a := newApp(t, func(c *devop.Config) { c.Issuer += slash })
		for _, audience := range []string{a.iss, a.issuer + "/token"} {
			for _, alg := range []jose.SignatureAlgorithm{jose.PS256, jose.RS256} {
				t.Run(strings.Join([]string{slash, audience, string(alg)}, " "), func(t *testing.T) {
					t.Parallel()
					tr := a.trip()
					assertion := a.assertion(func(p *assertionParts) { p.alg, p.claims.Audience = alg, jwt.Audience{audience} })
					if _, err := a.redeem(a.auto(tr, mari.Subject), tr.verifier, assertion); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

func TestOtherGrantsAreUnsupported(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, grant := range []string{"", "refresh_token", "client_credentials", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		r := a.do(http.MethodPost, a.issuer+"/token", url.Values{"grant_type": {grant}})
		if r.status != http.StatusBadRequest || !strings.Contains(r.body, "unsupported_grant_type") {
			t.Errorf("%q: status %d, %s", grant, r.status, r.body)
		}
	}
}

func TestEmptyUserAgentIsForbidden(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	paths := []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/authorize", "/userinfo", "/logout", "/devop.css", "/nothing",
		"/.well-known/did.json", "/trustmark", "/sign-out-everywhere"}
	for _, path := range paths {
		for _, agent := range []string{"", " "} {
			r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, a.issuer+path, nil))
			r.Header.Set("User-Agent", agent)
			resp := must(a.http.Do(r))
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s: status %d", path, resp.StatusCode)
			}
		}
	}
	r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, a.issuer+"/token", nil))
	r.Header.Set("User-Agent", "")
	resp := must(a.http.Do(r))
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("/token: status %d", resp.StatusCode)
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, path := range []string{"/token", "/authorize", "/logout", "/sign-out-everywhere"} {
		if r := a.do(http.MethodPost, a.issuer+path, url.Values{"code": {strings.Repeat("x", 65<<10)}}); r.status != http.StatusBadRequest {
			t.Errorf("%s: status %d", path, r.status)
		}
	}
}

func TestQueriesHaveALimit(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for path, limit := range map[string]int{"/authorize": 4096, "/logout": 2048} {
		for over, want := range map[int]bool{0: false, 1: true} {
			r := a.get(a.issuer + path + "?x=" + strings.Repeat("x", limit-2+over))
			if refused := r.status == http.StatusForbidden; refused != want {
				t.Errorf("%s with %d bytes: status %d", path, limit+over, r.status)
			}
		}
	}
}

// newApp checks every log for secrets; this is the proof that there is a log.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	pasted := strings.Repeat("c0de", 10)
	a.secret(pasted)
	a.get(a.authorizeURL(a.trip(), "scope", "openid "+pasted)).location(t, callback)
	tr := a.trip()
	_, err := a.redeem(a.auto(tr, mari.Subject), "short", a.assertion(nil))
	refused(t, err, "invalid_grant")
	for _, want := range []string{
		`code=invalid_scope reason="scope [...] does not match any available scope"`,
		`code=invalid_grant reason="code_verifier length 5 is outside the allowed range"`,
	} {
		if !strings.Contains(a.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, a.log.String())
		}
	}
}
