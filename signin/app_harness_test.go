package signin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	appID       = "lr-ios"
	appRedirect = "https://records.example/app/callback"
)

func appClients() []AppClient {
	return []AppClient{
		{ID: appID, RedirectURIs: []string{appRedirect, "https://records.example/app/other"}, AppleAppIDs: []string{"ABCDE12345.example.records"}},
		{ID: "lr-android", RedirectURIs: []string{appRedirect}, AndroidApps: []AndroidApp{{Package: "example.records", Fingerprints: []string{strings.TrimSuffix(strings.Repeat("0A:", 32), ":")}}}},
	}
}

func appRoutes(mux *http.ServeMux, s *SignIn) {
	mux.HandleFunc("/auth/app/authorize", s.AppAuthorize)
	mux.HandleFunc("/auth/app/token", s.AppToken)
	mux.HandleFunc("/auth/app/handoff", s.AppHandoff)
	mux.HandleFunc("/auth/app/revoke", s.AppRevoke)
	mux.HandleFunc("/.well-known/apple-app-site-association", s.AppleAssociation)
	mux.HandleFunc("/.well-known/assetlinks.json", s.AssetLinks)
	// What a room sees of an app.
	mux.Handle("/fresh", s.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := From(r.Context())
		if who.Session == nil {
			fmt.Fprint(w, who.State)
			return
		}
		fmt.Fprintf(w, "%s fresh=%t identity=%t device=%s", who.Session.Kind, who.Fresh, !who.Session.IdentityAt.IsZero(), who.Session.DeviceLabel)
	})))
}

func newAppHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	return newHouse(t, append([]func(*Config){func(c *Config) { c.AppClients = appClients() }}, change...)...)
}

// phone is an app with the system's browser beside it.
type phone struct {
	h        *house
	browser  *browser
	verifier string
	state    string
	tokens   appTokens
}

func (h *house) phone() *phone {
	h.t.Helper()
	verifier, err := newSecret(h.random)
	must(err)
	p := &phone{h: h, browser: h.browser(), verifier: verifier + "-._~", state: "app state/&="}
	h.secret(p.verifier)
	return p
}

// with gives a copy of the form or query with these values instead; an empty one
// leaves its name out.
func with(values url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for name, list := range values {
		out[name] = append([]string(nil), list...)
	}
	for i := 0; i < len(pairs); i += 2 {
		if out.Del(pairs[i]); pairs[i+1] != "" {
			out.Set(pairs[i], pairs[i+1])
		}
	}
	return out
}

func (p *phone) query() url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {appID}, "redirect_uri": {appRedirect}, "state": {p.state},
		"code_challenge": {challengeOf(p.verifier)}, "code_challenge_method": {"S256"},
	}
}

func (p *phone) authorize(query url.Values) *http.Response {
	// The system's browser comes from an app: a navigation that nobody's page began.
	return p.browser.get("/auth/app/authorize?"+query.Encode(), header("Sec-Fetch-Site", "none"), header("Accept", "text/html"))
}

// leave gives the address at the provider.
func (p *phone) leave(query url.Values) *url.URL {
	p.h.t.Helper()
	resp := p.authorize(query)
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || resp.StatusCode != http.StatusSeeOther || u.Host != "op.example" {
		p.h.t.Fatalf("authorize answered %d to %q: %s\n%s", resp.StatusCode, u, bodyOf(p.h.t, resp), p.h.logs)
	}
	p.h.secret(u.Query().Get("state"), u.Query().Get("nonce"))
	return u
}

// answer reads what came back to the app.
func (p *phone) answer(resp *http.Response) url.Values {
	p.h.t.Helper()
	location := resp.Header.Get("Location")
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, appRedirect+"?") {
		p.h.t.Fatalf("%d to %q, want the app\n%s", resp.StatusCode, location, p.h.logs)
	}
	for _, c := range resp.Cookies() {
		if c.Name == SessionCookie {
			p.h.t.Errorf("an app's trip set %s", c.Raw)
		}
	}
	query := u.Query()
	if query.Get("iss") != publicURL {
		p.h.t.Errorf("iss is %q", query.Get("iss"))
	}
	p.h.secret(query.Get("code"))
	return query
}

// refusedWith checks what came back to the app.
func (p *phone) refusedWith(resp *http.Response, fault string, code Problem) {
	p.h.t.Helper()
	got := p.answer(resp)
	if got.Get("error") != fault || got.Get("error_description") != string(code) || got.Has("code") || got.Get("state") != p.state {
		p.h.t.Fatalf("the app was told %v, want %s, %s\n%s", got, fault, code, p.h.logs)
	}
	if n := strings.Count(p.h.logs.String(), `"code":"`+string(code)+`"`); n == 0 {
		p.h.t.Errorf("no audit line with %s\n%s", code, p.h.logs)
	}
}

// code goes the whole way with this query and gives the code.
func (p *phone) code(query url.Values) string {
	p.h.t.Helper()
	got := p.answer(p.browser.back(p.h.op.authorize(p.leave(query))))
	if got.Get("state") != p.state || got.Has("error") || !isSecret(got.Get("code")) {
		p.h.t.Fatalf("the app got %v\n%s", got, p.h.logs)
	}
	return got.Get("code")
}

func (p *phone) form(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {p.verifier}, "client_id": {appID},
		"redirect_uri": {appRedirect}, "device_label": {"Ceri’s phone"},
	}
}

func (p *phone) refreshForm() url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.tokens.RefreshToken}, "client_id": {appID}}
}

// post is a request of the app itself: no cookies.
func (p *phone) post(target, body string, changes ...change) *http.Response {
	app := p.h.browser()
	return app.do(http.MethodPost, target, body, append([]change{header("Content-Type", "application/x-www-form-urlencoded")}, changes...)...)
}

// grant asks for tokens and gives the answer's body.
func (p *phone) grant(form url.Values) (*http.Response, string) {
	p.h.t.Helper()
	resp := p.post("/auth/app/token", form.Encode())
	if resp.Header.Get("Pragma") != "no-cache" || resp.Header.Get("Content-Type") != "application/json" {
		p.h.t.Errorf("headers %v", resp.Header)
	}
	body := bodyOf(p.h.t, resp)
	var got appTokens
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		p.h.t.Fatalf("%d %q: %v", resp.StatusCode, body, err)
	}
	p.h.secret(got.AccessToken, got.RefreshToken)
	return resp, body
}

// take asks for tokens, must get them and keeps them.
func (p *phone) take(form url.Values) string {
	p.h.t.Helper()
	resp, body := p.grant(form)
	if resp.StatusCode != http.StatusOK {
		p.h.t.Fatalf("%d %s\n%s", resp.StatusCode, body, p.h.logs)
	}
	p.tokens = appTokens{}
	must(json.Unmarshal([]byte(body), &p.tokens))
	if _, ok := readAppToken(p.tokens.RefreshToken, refreshPrefix); !ok || !isAccessToken(p.tokens.AccessToken) || p.tokens.TokenType != "Bearer" {
		p.h.t.Fatalf("got %s", body)
	}
	return body
}

// refuse asks for tokens and must be refused like this.
func (p *phone) refuse(form url.Values, status int, fault string) {
	p.h.t.Helper()
	resp, body := p.grant(form)
	p.wantFault(resp, body, status, fault)
}

func (p *phone) wantFault(resp *http.Response, body string, status int, fault string) {
	p.h.t.Helper()
	var got struct{ Error, Ref string }
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != status || got.Error != fault || strings.Contains(body, "token\":") {
		p.h.t.Fatalf("got %d %s, want %d %s\n%s", resp.StatusCode, body, status, fault, p.h.logs)
	}
	if (resp.Header.Get("Retry-After") != "") != (status == http.StatusServiceUnavailable) {
		p.h.t.Errorf("Retry-After %q with %d", resp.Header.Get("Retry-After"), status)
	}
	if n := strings.Count(p.h.logs.String(), `"ref":"`+got.Ref+`"`); n != 1 {
		p.h.t.Errorf("%d audit lines for %s\n%s", n, got.Ref, p.h.logs)
	}
}

// signIn goes all the way.
func (p *phone) signIn(pairs ...string) {
	p.h.t.Helper()
	p.take(with(p.form(p.code(p.query())), pairs...))
}

// renew refreshes and must get new tokens.
func (p *phone) renew() string {
	p.h.t.Helper()
	return p.take(p.refreshForm())
}

func (p *phone) bearer() change { return header("Authorization", "Bearer "+p.tokens.AccessToken) }

// want checks what /graphql makes of the access token.
func (p *phone) want(state string) {
	p.h.t.Helper()
	p.h.browser().want(state, p.bearer())
}

func (p *phone) seen() string {
	p.h.t.Helper()
	return bodyOf(p.h.t, p.h.browser().get("/fresh", p.bearer()))
}

// handoff asks for a hand-off and must get it.
func (p *phone) handoff(body string) string {
	p.h.t.Helper()
	resp := p.post("/auth/app/handoff", body, p.bearer(), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
	var got struct {
		Handoff   string `json:"handoff"`
		ExpiresIn int    `json:"expires_in"`
	}
	text := bodyOf(p.h.t, resp)
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != http.StatusCreated || !isSecret(got.Handoff) || got.ExpiresIn != 60 {
		p.h.t.Fatalf("%d %s\n%s", resp.StatusCode, text, p.h.logs)
	}
	p.h.secret(got.Handoff)
	return got.Handoff
}

// family is the record of the app's session.
func (p *phone) family() (hash string, f *family) {
	p.h.t.Helper()
	locator, ok := readAppToken(p.tokens.AccessToken, accessPrefix)
	if !ok {
		p.h.t.Fatalf("no token: %+v", p.tokens)
	}
	hash = familyHash(locator)
	f, _, err := p.h.readFamily(p.h.t.Context(), hash)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return hash, f
}

func unmarshal(body string, to any) error { return json.Unmarshal([]byte(body), to) }
