package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"openplr/signin"
)

// The attacks on sign-in that concern the whole service, by the number they have in
// the list of attack cases; the others are in signin.

// cookieLog notes every Set-Cookie as it stands on the wire.
type cookieLog struct{ lines []string }

func (c *cookieLog) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.URL.Hostname() == "localhost" { // the provider's own are its own
		c.lines = append(c.lines, resp.Header.Values("Set-Cookie")...)
	}
	return resp, err
}

func TestAttack35NoCookieWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{
		{"PUBLIC_URL": "http://records.example.org"}, {"PUBLIC_URL": "http://10.0.0.1:8080"}, {"PUBLIC_URL": "http://localhost.example.org"},
		oneLogin("PUBLIC_URL", "http://records.example.org"), oneLogin("PUBLIC_URL", "http://localhost:8080"), oneLogin("PUBLIC_URL", ""),
	} {
		if _, err := readEnv(env); err == nil || !strings.Contains(err.Error(), "PUBLIC_URL must begin with https") {
			t.Errorf("%s in %s: %v", env["PUBLIC_URL"], env["ENV"], err)
		}
	}
	h := newHarness(t, harnessOptions{})
	cookies := &cookieLog{}
	b := h.browser()
	b.client.Transport = cookies
	b.signIn(sample(t, adult).Subject)
	b.header.Set("X-Requested-By", "learner-web")
	if p := b.do("POST", "/auth/logout", "application/json", strings.NewReader("{}")); p.status != 200 {
		t.Fatalf("%d %s", p.status, p.body)
	}
	names := map[string]int{}
	for _, line := range cookies.lines {
		name, _, _ := strings.Cut(line, "=")
		names[name]++
		if !strings.HasPrefix(name, "__Host-Http-") || !strings.Contains(line, "; Secure") || !strings.Contains(line, "; HttpOnly") ||
			!strings.Contains(line, "; Path=/;") || strings.Contains(line, "Domain") {
			t.Errorf("%s", line)
		}
	}
	if names[signin.SessionCookie] < 2 || names[signin.TransactionCookie] < 2 {
		t.Errorf("not all cookies were seen: %v", names)
	}
}

// A process never begins with a provider that is another than the configured one;
// for one that is down it waits.
func TestAttack11ProcessRefusesToStart(t *testing.T) {
	t.Parallel()
	var issuer string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		base := "http://" + r.Host
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q}`, issuer, base+"/authorize", base+"/token", base+"/jwks")
	}))
	defer provider.Close()
	key, _ := clientKeyFiles(t, t.TempDir(), "client")
	env := map[string]string{"OIDC_ISSUER": provider.URL + "/", "OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": key, "OIDC_CLIENT_KEY_ID": "k1", "PUBLIC_URL": "http://localhost:8080"}
	for _, issuer = range []string{provider.URL, "https://oidc.integration.example/"} {
		env["DATA_DIR"] = t.TempDir()
		c, err := readEnv(env)
		if err != nil {
			t.Fatal(err)
		}
		a, err := start(t.Context(), c, parts{Now: newTestClock().Now, Stderr: &lockedBuffer{}, Listener: freeListener(t), DevopListener: freeListener(t)})
		if err == nil {
			a.stop()
		}
		if !errors.Is(err, signin.ErrProviderMismatch) || !strings.Contains(err.Error(), "OIDC_ISSUER") {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	provider.Close()
	delete(env, "PUBLIC_URL")
	delete(env, "DATA_DIR")
	h := newHarness(t, harnessOptions{env: env, dir: t.TempDir()})
	if p := h.browser().get("/auth/login"); p.status != 503 || p.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", p.status, p.body)
	}
}

// changing are the addresses that do something on the strength of a cookie.
var changing = []struct{ method, path, body string }{
	{"POST", "/graphql", viewMutation}, {"POST", "/auth/logout", `{"everywhere":true}`}, {"POST", "/auth/session/extend", "{}"},
	{"DELETE", "/auth/sessions", ""}, {"DELETE", "/auth/sessions?except=current", ""}, {"DELETE", "/auth/sessions/ses_x", ""}, {"POST", "/auth/app/handoff", `{"action":"step_up"}`},
}

// unmoved fails the test when somebody was signed out or something was made.
func (b *browser) unmoved(t *testing.T) {
	t.Helper()
	if a := b.ask(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") != true {
		t.Fatalf("signed out: %s", a.raw)
	}
	if n := b.holdings().views; n != 0 {
		t.Fatalf("%v views were made", n)
	}
}

func TestAttack39RequestsOfOtherSites(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"ALLOWED_ORIGINS": spa}})
	learner := h.signedIn(sample(t, adult).Subject)
	for name, from := range map[string]http.Header{
		"form":                 {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		"form of a sandbox":    {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}, "Content-Type": {"application/x-www-form-urlencoded"}},
		"fetch":                fromOurPage("Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"),
		"fetch, older browser": fromOurPage("Origin", "https://evil.example"),
		"fetch of a sandbox":   fromOurPage("Origin", "null"),
		"fetch, no Origin":     fromOurPage("Sec-Fetch-Site", "cross-site"),
		"from our own name":    fromOurPage("Origin", strings.Replace(h.url, "localhost", "localhost.evil.example", 1)),
		"as a listed origin":   fromOurPage("Origin", spa+".evil.example", "Sec-Fetch-Site", "cross-site"),
		"as our provider":      fromOurPage("Origin", h.app.devop, "Sec-Fetch-Site", "cross-site"),
	} {
		for _, target := range changing {
			p := learner.exchange(t, target.method, target.path, from, target.body)
			if p.status != 403 || p.header.Get("Set-Cookie") != "" || len(leave(p.header)) > 0 {
				t.Errorf("%s: %s %s: %d %v %.200s", name, target.method, target.path, p.status, p.header, p.body)
			}
			// Nothing turns one method into another.
			overridden := from.Clone()
			overridden.Set("X-HTTP-Method-Override", "POST")
			if p := learner.exchange(t, "GET", target.path, overridden, ""); p.header.Get("Set-Cookie") != "" || len(leave(p.header)) > 0 {
				t.Errorf("%s: GET %s: %d %v", name, target.path, p.status, p.header)
			}
		}
		learner.unmoved(t)
	}
}

func TestAttack40RequestsWithoutPreflight(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"ALLOWED_ORIGINS": spa}})
	learner := h.signedIn(sample(t, adult).Subject)
	const sibling = "http://localhost:6666" // the same site, and none of ours
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"plain text":               {fromOurPage("Content-Type", "text/plain"), 415},
		"form":                     {fromOurPage("Content-Type", "application/x-www-form-urlencoded"), 415},
		"no type":                  {fromOurPage("Content-Type", ""), 415},
		"plain text of our page":   {fromOurPage("Content-Type", "text/plain", "Sec-Fetch-Site", "same-origin", "Origin", h.url), 415},
		"plain text of our SPA":    {fromSPA(spa, "Content-Type", "text/plain"), 415},
		"header missing":           {fromOurPage("X-Requested-By", ""), 403},
		"header missing, our SPA":  {fromSPA(spa, "X-Requested-By", ""), 403},
		"header of another value":  {fromOurPage("X-Requested-By", "XMLHttpRequest"), 403},
		"sibling":                  {fromSPA(sibling), 403},
		"sibling, older browser":   {fromOurPage("Origin", sibling), 403},
		"sibling without Origin":   {fromOurPage("Sec-Fetch-Site", "same-site"), 403},
		"sibling with plain text":  {fromSPA(sibling, "Content-Type", "text/plain", "X-Requested-By", ""), 403},
		"sibling, sandboxed frame": {fromSPA("null"), 403},
	} {
		for _, target := range changing[:2] {
			p := learner.exchange(t, target.method, target.path, c.header, target.body)
			if p.status != c.status || p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %s: %d, want %d: %.200s", name, target.path, p.status, c.status, p.body)
			}
		}
		learner.unmoved(t)
	}
	for _, query := range []string{"query=" + url.QueryEscape("{viewer{signedIn}}"), "query=" + url.QueryEscape(`mutation{createConfiguredView(input:{name:"x",selection:{everything:true}}){configuredView{id}}}`)} {
		for _, method := range []string{"GET", "HEAD"} {
			if p := learner.exchange(t, method, "/graphql?"+query, fromOurPage(), ""); p.status != 405 {
				t.Errorf("%s: %d %s", method, p.status, p.body)
			}
		}
	}
	learner.unmoved(t)
}

func TestAttack41SignInStartedElsewhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"ALLOWED_ORIGINS": spa}})
	toSPA := "/auth/login?return_to=" + url.QueryEscape(spa+"/after")
	for name, c := range map[string]struct {
		site, referer, path string
		starts              bool
	}{
		"another site":                   {"cross-site", "https://evil.example/", "/auth/login", false},
		"another site, to our SPA":       {"cross-site", "", toSPA, false},
		"another site, in our name":      {"cross-site", spa + "/", toSPA, false},
		"a sibling":                      {"same-site", "", "/auth/login", false},
		"a sibling, to a page of ours":   {"same-site", "", "/auth/login?return_to=/s", false},
		"a sibling, to our SPA":          {"same-site", "http://localhost:6666/", toSPA, false},
		"a sibling, to itself":           {"same-site", "", "/auth/login?return_to=" + url.QueryEscape("http://localhost:6666/"), false},
		"a sibling whose name is longer": {"same-site", spa + "3/", toSPA, false},
		"to an origin whose name is one": {"same-site", "", "/auth/login?return_to=" + url.QueryEscape(spa+"3/"), false},
		"our SPA":                        {"same-site", spa + "/", toSPA, true},
		"who keeps their address":        {"same-site", "", toSPA, false},
		"our SPA, to a page of ours":     {"same-site", spa + "/", "/auth/login?return_to=/s", true},
		"our page":                       {"same-origin", h.url + "/", "/auth/login", true},
		"typed":                          {"none", "", "/auth/login", true},
		"a browser that does not say":    {"", "", toSPA, true},
	} {
		header := http.Header{"Sec-Fetch-Mode": {"navigate"}}
		if c.site != "" {
			header.Set("Sec-Fetch-Site", c.site)
		}
		if c.referer != "" {
			header.Set("Referer", c.referer)
		}
		p := h.browser().exchange(t, "GET", c.path, header, "")
		to := p.header.Get("Location")
		if p.status != 303 || strings.HasPrefix(to, h.app.devop) != c.starts || (to == "/") == c.starts || (p.header.Get("Set-Cookie") != "") != c.starts {
			t.Errorf("%s: %d %s, cookie %q", name, p.status, to, p.header.Get("Set-Cookie"))
		}
	}
	// A front end that is not listed gets nobody sent to it either.
	if p := h.browser().exchange(t, "GET", "/auth/login?return_to="+url.QueryEscape("http://localhost:6666/"), nil, ""); p.status != 400 {
		t.Errorf("%d %s", p.status, p.body)
	}
}

func TestAttack42SignOutByAddress(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	for name, header := range map[string]http.Header{
		"typed":           {"Accept": {"text/html"}, "Sec-Fetch-Site": {"none"}},
		"link":            {"Accept": {"text/html"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}},
		"image":           {"Accept": {"image/*"}, "Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Mode": {"no-cors"}},
		"image of a page": {"Accept": {"image/*"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"image"}, "X-Requested-By": {"learner-web"}},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			p := learner.exchange(t, method, "/auth/logout?everywhere=true", header, "")
			if p.status != 405 || p.header.Get("Allow") != "POST" || p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s by %s: %d %v", name, method, p.status, p.header)
			}
		}
	}
	learner.unmoved(t)
}

func TestAttack46ForgedLogoutTokensInNumbers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: limitedTo("backchannel=20/1m:40")})
	learner := h.signedIn(sample(t, adult).Subject)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	refused := 0
	for i := range 1000 {
		p := h.browser().exchange(t, "POST", "/auth/backchannel-logout", header, fmt.Sprintf("logout_token=eyJhbGciOiJFUzI1NiIsImtpZCI6Ing%d", i))
		if p.status == 429 {
			refused++
			if p.header.Get("Retry-After") != "3" || p.header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("%v", p.header)
			}
		} else if i >= 40 || p.status == 200 {
			t.Fatalf("token %d: %d %s", i, p.status, p.body)
		}
	}
	if refused != 960 {
		t.Errorf("%d of 1,000 were refused", refused)
	}
	learner.unmoved(t) // and nobody else is kept waiting
}

func TestAttack67HeadersThatNameAnotherHost(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, header := range []http.Header{
		{"Host": {"evil.example"}}, {"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Port": {"81"}, "X-Forwarded-Prefix": {"/evil"}},
		{"Forwarded": {"host=evil.example;proto=http"}}, {"X-Original-Url": {"https://evil.example/"}, "X-Rewrite-Url": {"/evil"}},
	} {
		p := h.browser().exchange(t, "GET", "/auth/login?return_to=/s", header, "")
		to, err := url.Parse(p.header.Get("Location"))
		if err != nil || p.status != 303 || to.Query().Get("redirect_uri") != h.url+"/auth/callback" || strings.Contains(fmt.Sprint(p.header), "evil") {
			t.Errorf("%v: %d %v", header, p.status, p.header)
		}
	}
	production := inProduction(t)
	if p := production.browser().exchange(t, "GET", "/auth/login", http.Header{"Host": {"evil.example"}, "X-Forwarded-Host": {"records.example.org"}}, ""); p.status != 421 {
		t.Errorf("%d", p.status)
	}
}

func TestAttack68CallbackIsKeptToItself(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, path := range []string{"/auth/callback?code=c0de-7741&state=x", "/auth/callback?error=access_denied&state=x", "/auth/callback"} {
		p := h.browser().exchange(t, "GET", path, http.Header{"Accept": {"text/html"}}, "")
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
			if p.header.Get(name) != want {
				t.Errorf("%s: %s: %q", path, name, p.header.Get(name))
			}
		}
		if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
		if p.body != "" && strings.Contains(p.header.Get("Content-Type"), "html") || strings.Contains(p.header.Get("Location")+p.body, "c0de") {
			t.Errorf("%s: %v %s", path, p.header, p.body)
		}
	}
	// Nor does the page of an app that is not there have to do with its code.
	p := h.browser().exchange(t, "GET", "/app/callback?code=c0de-7741&state=x", http.Header{"Accept": {"text/html"}}, "")
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive, nosnippet", "Set-Cookie": ""} {
		if p.header.Get(name) != want {
			t.Errorf("%s: %q", name, p.header.Get(name))
		}
	}
	if p.status != 200 || strings.Contains(p.body, "c0de") || strings.Contains(p.body, "<script") || !strings.Contains(p.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("%d %v %s", p.status, p.header, p.body)
	}
	if strings.Contains(h.logs.String(), "c0de-7741") {
		t.Error("the log holds the code")
	}
}

func TestAttack69NoDevelopmentInProduction(t *testing.T) {
	t.Parallel()
	env := oneLogin("OIDC_ISSUER", "", "DEVOP_ADDR", "127.0.0.1:0")
	if _, err := readEnv(env); err == nil || !strings.Contains(err.Error(), "OIDC_ISSUER must be set in production") {
		t.Errorf("%v", err)
	}
	production := inProduction(t)
	if production.app.devop != "" {
		t.Error("a production process has a development provider")
	}
	// Nothing that skips the provider's page can be sent through us to it.
	h := newHarness(t, harnessOptions{})
	for _, more := range []string{"dev_auto=1&login_hint=x", "login_hint=x", "prompt=none", "acr_values=x"} {
		p := h.browser().exchange(t, "GET", "/auth/login?return_to=/&"+more, nil, "")
		to, err := url.Parse(p.header.Get("Location"))
		if err != nil || p.status != 303 {
			t.Fatalf("%d %v", p.status, p.header)
		}
		for _, name := range []string{"dev_auto", "login_hint", "prompt", "acr_values"} {
			if to.Query().Has(name) {
				t.Errorf("%s reaches the provider: %s", name, to)
			}
		}
	}
}
