package devop_test

import (
	"crypto"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/devop"
)

// requestObject is a signed request, whole or spoilt.
type requestObject struct {
	alg    jose.SignatureAlgorithm
	key    crypto.PrivateKey
	kid    string
	claims map[string]any
	query  url.Values // beside it
}

// signed puts the parameters of an address into a request object.
func (a *app) signed(plain string, edit func(*requestObject)) string {
	a.t.Helper()
	u := must(url.Parse(plain))
	o := requestObject{alg: jose.PS256, key: appKey(), kid: clientKID, query: url.Values{}}
	o.claims = map[string]any{"iss": clientID, "aud": a.issuer + "/authorize", "exp": a.now().Add(time.Minute).Unix()}
	for name, values := range u.Query() {
		o.claims[name] = values[0]
	}
	for _, name := range []string{"client_id", "response_type", "scope"} {
		o.query.Set(name, u.Query().Get(name))
	}
	if edit != nil {
		edit(&o)
	}
	opts := &jose.SignerOptions{}
	if o.kid != "" {
		opts = opts.WithHeader("kid", o.kid)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: o.alg, Key: o.key}, opts))
	raw := must(jwt.Signed(signer).Claims(o.claims).Serialize())
	a.secret(raw)
	if !o.query.Has("request") {
		o.query.Set("request", raw)
	}
	u.RawQuery = o.query.Encode()
	return u.String()
}

func TestSignedRequest(t *testing.T) {
	t.Parallel()
	tests := map[string]func(a *app, o *requestObject){
		"PS256":              nil,
		"RS256":              func(_ *app, o *requestObject) { o.alg = jose.RS256 },
		"for the issuer":     func(a *app, o *requestObject) { o.claims["aud"] = a.iss },
		"for several":        func(a *app, o *requestObject) { o.claims["aud"] = []string{"https://other.example", a.iss} },
		"of another subject": func(_ *app, o *requestObject) { o.claims["sub"] = "somebody" },
		"vtr as an array":    func(_ *app, o *requestObject) { o.claims["vtr"] = []string{"Cl.Cm.P2"} },
		"claims as an object": func(_ *app, o *requestObject) {
			o.claims["claims"] = map[string]any{"userinfo": map[string]any{coreIdentity: nil}}
		},
		"max_age as a number":     func(_ *app, o *requestObject) { o.claims["max_age"] = 0 },
		"a parameter set to null": func(_ *app, o *requestObject) { o.claims["ui_locales"] = nil },
		"an unknown parameter":    func(_ *app, o *requestObject) { o.query.Set("utm_source", "x") },
	}
	for name, edit := range tests {
		for _, slash := range []string{"", "/"} {
			t.Run(name+slash, func(t *testing.T) {
				t.Parallel()
				a := newApp(t, withClaimants, func(c *devop.Config) { c.Issuer += slash })
				tr := a.trip()
				plain := a.authorizeURL(tr, "vtr", `["Cl.Cm.P2"]`, "claims", allClaims, "ui_locales", "en")
				form := a.formOf(a.get(a.signed(plain, func(o *requestObject) {
					if edit != nil {
						edit(a, o)
					}
				})))
				info := a.userInfo(tr, a.code(tr, a.do(http.MethodPost, form, url.Values{"subject": {bethan.Subject}})))
				if info["sub"] != bethan.Subject || info[coreIdentity] == nil {
					t.Errorf("userinfo %v", info)
				}
			})
		}
	}
}

func TestSignedRequestByPost(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	u := must(url.Parse(a.signed(a.authorizeURL(tr), nil)))
	form := a.formOf(a.do(http.MethodPost, a.issuer+"/authorize", u.Query()))
	a.code(tr, a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}))
}

func TestSignedRequestWithoutThePage(t *testing.T) {
	t.Parallel()
	a := newApp(t, withClaimants)
	auto := []string{"login_hint", bethan.Subject, "dev_auto", "1", "vtr", `["Cl.Cm.P2"]`, "claims", allClaims}
	for name, edit := range map[string]func(*requestObject){
		"inside": nil,
		"beside": func(o *requestObject) {
			for _, name := range []string{"login_hint", "dev_auto"} {
				o.query.Set(name, o.claims[name].(string))
				delete(o.claims, name)
			}
		},
	} {
		tr := a.trip()
		info := a.userInfo(tr, a.code(tr, a.get(a.signed(a.authorizeURL(tr, auto...), edit))))
		if info[coreIdentity] == nil {
			t.Errorf("%s: %v", name, info)
		}
	}
}

func TestSignedRequestAsksForOnePerson(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	hint := a.idToken(mari.Subject)
	for subject, want := range map[string]string{mari.Subject: "", tom.Subject: "login_required"} {
		tr := a.trip()
		form := a.formOf(a.get(a.signed(a.authorizeURL(tr, "id_token_hint", hint, "prompt", "login"), nil)))
		q := a.do(http.MethodPost, form, url.Values{"subject": {subject}}).location(t, callback)
		a.secret(q.Get("code"))
		if q.Get("error") != want || q.Get("state") != tr.state {
			t.Errorf("callback got %v", q)
		}
	}
}

func TestSignedRequestRefusedByRedirect(t *testing.T) {
	t.Parallel()
	beside := func(name, value string) func(*requestObject) {
		return func(o *requestObject) { o.query.Set(name, value) }
	}
	inside := func(name string, value any) func(*requestObject) {
		return func(o *requestObject) {
			if o.claims[name] = value; value == nil {
				delete(o.claims, name)
			}
		}
	}
	tests := map[string]func(*requestObject){
		"expired":                inside("exp", time.Now().Add(-time.Second).Unix()),
		"no expiry":              inside("exp", nil),
		"not yet":                inside("nbf", time.Now().Add(time.Minute).Unix()),
		"issued in the future":   inside("iat", time.Now().Add(time.Minute).Unix()),
		"by somebody else":       inside("iss", "somebody"),
		"by nobody":              inside("iss", nil),
		"for somebody else":      inside("aud", "https://other.example/authorize"),
		"for nobody":             inside("aud", nil),
		"a client assertion":     inside("sub", clientID),
		"a request inside":       inside("request", "e30.e30."),
		"a request_uri inside":   inside("request_uri", "https://other.example/r"),
		"another scope inside":   inside("scope", "openid"),
		"no scope inside":        inside("scope", nil),
		"another client inside":  inside("client_id", "somebody"),
		"no client inside":       inside("client_id", nil),
		"another type inside":    inside("response_type", "id_token"),
		"no scope beside":        func(o *requestObject) { o.query.Del("scope") },
		"no type beside":         func(o *requestObject) { o.query.Del("response_type") },
		"state beside":           beside("state", "x"),
		"redirect_uri beside":    beside("redirect_uri", callback),
		"vtr beside":             beside("vtr", `["Cl"]`),
		"id_token_hint beside":   beside("id_token_hint", "x"),
		"login_hint beside":      beside("login_hint", mari.Subject),
		"prompt beside":          beside("prompt", "none"),
		"code_challenge beside":  beside("code_challenge", "x"),
		"empty ui_locales aside": beside("ui_locales", ""),
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			tr := a.trip()
			q := a.get(a.signed(a.authorizeURL(tr), edit)).location(t, callback)
			if q.Get("error") != "invalid_request_object" || q.Get("state") != tr.state || q.Get("iss") != a.iss || q.Has("code") {
				t.Errorf("callback got %v", q)
			}
		})
	}
}

// Nothing in it can be trusted, not even where to send the browser.
func TestSignedRequestRefusedByAPage(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*requestObject){
		"key of somebody else": func(o *requestObject) { o.key = otherKey() },
		"unknown key id":       func(o *requestObject) { o.kid = "app-2" },
		"no key id":            func(o *requestObject) { o.kid = "" },
		"ES256":                func(o *requestObject) { o.alg, o.key = jose.ES256, signingKey() },
		"HS256":                func(o *requestObject) { o.alg, o.key = jose.HS256, []byte(strings.Repeat("k", 32)) },
		"not signed":           func(o *requestObject) { o.query.Set("request", "eyJhbGciOiJub25lIn0.e30.") },
		"no JWT":               func(o *requestObject) { o.query.Set("request", "evil") },
		"empty":                func(o *requestObject) { o.query.Set("request", "") },
		"twice":                func(o *requestObject) { o.query.Add("request", "a"); o.query.Add("request", "b") },
		"another redirect":     func(o *requestObject) { o.claims["redirect_uri"] = "https://evil.example/callback" },
		"no redirect":          func(o *requestObject) { delete(o.claims, "redirect_uri") },
		"another client":       func(o *requestObject) { o.query.Set("client_id", "somebody") },
		"no client":            func(o *requestObject) { o.query.Del("client_id") },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			r := a.get(a.signed(a.authorizeURL(a.trip(), "login_hint", mari.Subject, "dev_auto", "1"), edit))
			if r.status != http.StatusBadRequest || r.header.Get("Location") != "" || strings.Contains(r.body, "evil") {
				t.Errorf("status %d, location %q, %s", r.status, r.header.Get("Location"), r.body)
			}
		})
	}
}

// The faults of what is inside are those of plain parameters.
func TestSignedRequestIsCheckedInside(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit map[string]any
		want string
	}{
		"levels":    {map[string]any{"vtr": "[]"}, "invalid_request"},
		"no PKCE":   {map[string]any{"code_challenge": ""}, "invalid_request"},
		"prompt":    {map[string]any{"prompt": "none"}, "login_required"},
		"bad hint":  {map[string]any{"id_token_hint": "made-up"}, "invalid_request"},
		"no nonce":  {map[string]any{"nonce": nil}, "invalid_request"},
		"dev_auto":  {map[string]any{"dev_auto": "1", "login_hint": "nobody"}, "invalid_request"},
		"odd claim": {map[string]any{"claims": "x"}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			q := a.get(a.signed(a.authorizeURL(a.trip()), func(o *requestObject) { maps.Copy(o.claims, tc.edit) })).location(t, callback)
			if q.Get("error") != tc.want {
				t.Errorf("callback got %v", q)
			}
		})
	}
}
