package signin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The whole way with nothing of ours in between: sockets, a client with a cookie
// jar, http on localhost, and a provider on another site.
func TestSignInAndOutOverSockets(t *testing.T) {
	t.Parallel()
	app := httptest.NewUnstartedServer(nil)
	address := "http://localhost:" + app.Listener.Addr().String()[strings.LastIndex(app.Listener.Addr().String(), ":")+1:]
	op := httptest.NewUnstartedServer(nil)
	h := newHouse(t, func(c *Config) {
		c.PublicURL = address
		c.Issuer = "http://" + op.Listener.Addr().String()
		c.Transport = nil
	})
	pages := http.NewServeMux()
	pages.Handle("/", h.app)
	pages.HandleFunc("GET /records", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "records page") })
	pages.HandleFunc("GET /signed-out", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "signed out") })
	app.Config.Handler = pages
	op.Config.Handler = h.op
	app.Start()
	op.Start()
	t.Cleanup(func() { app.Close(); op.Close() })

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 5 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	fetch := func(method, target, body string) (string, *http.Response) {
		t.Helper()
		req, err := http.NewRequest(method, target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost {
			req.Header.Set(RequestedByHeader, RequestedBy)
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return bodyOf(t, resp), resp
	}

	if body, _ := fetch(http.MethodPost, address+"/graphql", ""); body != "none UNAUTHENTICATED" {
		t.Fatalf("before: %s", body)
	}
	body, resp := fetch(http.MethodGet, address+"/auth/login?return_to=/records%3Fpage%3D2&ui_locales=cy", "")
	if body != "records page" || resp.Request.URL.RequestURI() != "/records?page=2" {
		t.Fatalf("arrived at %s: %s\n%s", resp.Request.URL, body, h.logs)
	}
	if body, _ := fetch(http.MethodPost, address+"/graphql", ""); !strings.HasPrefix(body, "signed in act_") {
		t.Fatalf("after: %s", body)
	}
	body, _ = fetch(http.MethodPost, address+"/auth/logout", "{}")
	var out struct{ Redirect string }
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	body, resp = fetch(http.MethodGet, out.Redirect, "")
	if body != "signed out" {
		t.Fatalf("signed out at %s: %s", resp.Request.URL, body)
	}
	if body, _ := fetch(http.MethodPost, address+"/graphql", ""); body != "none UNAUTHENTICATED" {
		t.Fatalf("afterwards: %s", body)
	}
}

func TestLoginSendsToProvider(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	resp := b.get("/auth/login?ui_locales=cy&return_to=/x")
	u, _ := url.Parse(resp.Header.Get("Location"))
	if u.Query().Get("ui_locales") != "cy" {
		t.Errorf("ui_locales is %q", u.Query().Get("ui_locales"))
	}
	raw := resp.Header.Get("Set-Cookie")
	for _, want := range []string{TransactionCookie + "=", "Path=/", "Max-Age=3600", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(raw, want) {
			t.Errorf("cookie %q lacks %s", raw, want)
		}
	}
	if u := b.leave("?ui_locales=%3Cscript%3E"); u.Query().Has("ui_locales") {
		t.Errorf("passed on %q", u.RawQuery)
	}
	resp = b.back(h.op.authorize(b.leave("")))
	raw = strings.Join(resp.Header.Values("Set-Cookie"), "\n")
	for _, want := range []string{SessionCookie + "=lrw_", "SameSite=Strict"} {
		if !strings.Contains(raw, want) {
			t.Errorf("cookies %q lack %s", raw, want)
		}
	}
	if strings.Contains(raw, "Max-Age=3600") {
		t.Errorf("cookies %q: session must end with the browser", raw)
	}
}

// A front end of ours on another origin of the same site may begin trips, and is
// where they end; no other site may.
func TestFrontEndOnAnotherOrigin(t *testing.T) {
	t.Parallel()
	const spa = "https://app.records.example"
	h := newHouse(t, func(c *Config) { c.AllowedOrigins = []string{spa} })
	b := h.browser()
	sameSite := header("Sec-Fetch-Site", "same-site")
	u := b.depart("/auth/login?return_to="+spa+"/records", sameSite, header("Referer", spa+"/"))
	if got := b.back(h.op.authorize(u)).Header.Get("Location"); got != spa+"/records" {
		t.Errorf("ended at %q", got)
	}
	b.depart(stepUp, sameSite, header("Referer", spa+"/share"))
	for _, changes := range [][]change{
		{sameSite}, {sameSite, header("Referer", "https://other.records.example/")}, {sameSite, header("Referer", spa+".evil.example/")},
		{sameSite, header("Referer", "https://evil.example/?"+spa)}, {sameSite, header("Referer", "http://app.records.example/")},
		{header("Sec-Fetch-Site", "cross-site"), header("Referer", spa+"/")},
	} {
		resp := b.get("/auth/login", changes...)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 0 {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	first, second := b.leave("?return_to=/first"), b.leave("?return_to=/second")
	if first.Query().Get("state") == second.Query().Get("state") {
		t.Fatal("one state for two sign-ins")
	}
	if got := b.back(h.op.authorize(second)).Header.Get("Location"); got != "/second" {
		t.Errorf("second tab arrived at %q", got)
	}
	if got := b.back(h.op.authorize(first)).Header.Get("Location"); got != "/first" {
		t.Errorf("first tab arrived at %q", got)
	}
	if got := b.who(); !strings.HasPrefix(got, "signed in") {
		t.Errorf("who: %s", got)
	}
	// Signing out takes the secret away: what is still under way ends nowhere.
	third := b.leave("")
	b.logout("{}")
	h.wantPage(b.back(h.op.authorize(third)), ProblemBrowserMismatch)
}

func TestSessionStatus(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	if got := bodyOf(t, b.get("/auth/session")); got != "{\"authenticated\":false}\n" {
		t.Errorf("nobody: %s", got)
	}
	b.signIn()
	h.pass(90 * time.Second)
	b.who() // extends
	h.pass(10 * time.Minute)
	var got struct {
		Authenticated bool
		Session       struct {
			ID, Kind, CreatedAt, IdleExpiresAt, AbsoluteExpiresAt, AuthTime string
			StepUpUntil                                                     *string
		}
		Account  struct{ ID string }
		Identity struct{ Status string }
	}
	for range 2 { // asking extends nothing
		if err := json.Unmarshal([]byte(bodyOf(t, b.get("/auth/session"))), &got); err != nil {
			t.Fatal(err)
		}
	}
	if !got.Authenticated || !strings.HasPrefix(got.Session.ID, "ses_") || got.Session.Kind != "web" ||
		got.Session.CreatedAt != "2026-11-21T12:00:00.000Z" || got.Session.IdleExpiresAt != "2026-11-21T12:31:30.000Z" ||
		got.Session.AbsoluteExpiresAt != "2026-11-22T00:00:00.000Z" || got.Session.AuthTime != "2026-11-21T11:59:50.000Z" ||
		!strings.HasPrefix(got.Account.ID, "act_") || got.Identity.Status != "unbound" {
		t.Errorf("got %+v", got)
	}
	for _, a := range h.book.list {
		a.ULN = "7673614579"
	}
	h.pass(time.Second)
	if body := bodyOf(t, b.get("/auth/session")); !strings.Contains(body, `"identity":{"status":"bound"}`) {
		t.Errorf("bound: %s", body)
	}
	h.mini.Close()
	h.wantJSON(b.get("/auth/session"), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
}

func TestClientKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) {
		c.OtherClientKeys = []ClientKey{{ID: "client-2", Key: opRSAKey().Public()}}
	})
	resp := h.browser().get("/.well-known/jwks.json")
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(bodyOf(t, resp)), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || set.Keys[0]["kid"] != "client-1" || set.Keys[1]["kid"] != "client-2" ||
		resp.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Fatalf("%v %v", resp.Header, set)
	}
	for _, key := range set.Keys {
		for name := range key {
			if !strings.Contains(" kty kid use alg n e ", " "+name+" ") {
				t.Errorf("published %q", name)
			}
		}
	}
}
