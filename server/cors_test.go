package main

import (
	"net/http"
	"strings"
	"testing"
)

const spa = "http://localhost:5173"

// fromSPA is what a browser adds to a request of a script on another origin of the
// site, and what the front end sends itself.
func fromSPA(origin string, more ...string) http.Header {
	return fromOurPage(append([]string{"Origin", origin, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, more...)...)
}

func preflight(origin string) http.Header {
	return http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,x-requested-by"},
		"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"},
	}
}

func leave(h http.Header) (out []string) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			out = append(out, name)
		}
	}
	return out
}

// A front end on another origin of the site works with its cookie, and reads
// refusals too.
func TestListedOriginsWork(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: limitedTo("graphql=3/1m", "ALLOWED_ORIGINS", spa+",http://localhost:5174")})
	learner := h.signedIn(sample(t, adult).Subject)
	for _, path := range []string{"/graphql", "/auth/session", "/auth/session/extend", "/auth/sessions", "/auth/sessions/ses_x", "/auth/logout"} {
		p := learner.exchange(t, "OPTIONS", path, preflight(spa), "")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": spa, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "GET, POST, DELETE",
			"Access-Control-Allow-Headers": "Accept-Language, Content-Type, X-Requested-By", "Access-Control-Max-Age": "600",
			"Vary": "Origin", "Cache-Control": "no-store", "Set-Cookie": "",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
		if p.status != http.StatusNoContent || p.body != "" {
			t.Errorf("%s: %d %q", path, p.status, p.body)
		}
	}
	want := func(p page, status int, words string) {
		t.Helper()
		if p.status != status || !strings.Contains(p.body, words) {
			t.Errorf("%d, want %d: %s", p.status, status, p.body)
		}
		if p.header.Get("Access-Control-Allow-Origin") != spa || p.header.Get("Access-Control-Allow-Credentials") != "true" ||
			p.header.Get("Access-Control-Expose-Headers") != "Retry-After, RateLimit, RateLimit-Policy" || !strings.Contains(strings.Join(p.header.Values("Vary"), ","), "Origin") {
			t.Errorf("%v", p.header)
		}
	}
	const who = `{"query":"{viewer{signedIn}}"}`
	want(learner.exchange(t, "GET", "/auth/session", fromSPA(spa), ""), 200, `"authenticated":true`)
	want(learner.exchange(t, "POST", "/graphql", fromSPA(spa), who), 200, `"signedIn":true`)
	want(learner.exchange(t, "POST", "/graphql", fromSPA(spa), "{"), 400, "BAD_REQUEST")
	want(learner.exchange(t, "POST", "/graphql", fromSPA(spa, "X-Requested-By", ""), who), 403, "CSRF_BLOCKED")
	want(learner.exchange(t, "POST", "/graphql", fromSPA(spa), who), 429, "RATE_LIMITED")
	// The header that only our own pages can send is asked for all the same.
	want(learner.exchange(t, "POST", "/auth/logout", fromSPA(spa, "X-Requested-By", ""), "{}"), 403, "cross_origin")
	want(learner.exchange(t, "POST", "/auth/logout", fromSPA(spa), "{}"), 200, `"redirect"`)
	want(learner.exchange(t, "GET", "/auth/session", fromSPA(spa), ""), 200, `"authenticated":false`)
}

// Everybody else is told nothing, and changes nothing.
func TestOtherOriginsGetNoLeave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"ALLOWED_ORIGINS": spa}})
	learner := h.signedIn(sample(t, adult).Subject)
	for _, origin := range []string{
		"null", "https://evil.example", "http://localhost:5174", "http://localhost", "http://LOCALHOST:5173", spa + "/", spa + ".evil.example",
		"https://localhost:5173", "http://localhost:51733", "http://a.localhost:5173", spa + "," + spa, " ", "*",
	} {
		for _, path := range []string{"/graphql", "/auth/session", "/auth/logout"} {
			if p := learner.exchange(t, "OPTIONS", path, preflight(origin), ""); p.status < 400 || len(leave(p.header)) > 0 || p.header.Get("Vary") != "Origin" {
				t.Errorf("%q asks for leave for %s: %d %v", origin, path, p.status, p.header)
			}
		}
		if p := learner.exchange(t, "GET", "/auth/session", fromSPA(origin), ""); len(leave(p.header)) > 0 || p.header.Get("Vary") != "Origin" {
			t.Errorf("%q reads: %v", origin, p.header)
		}
		if p := learner.exchange(t, "POST", "/graphql", fromSPA(origin), viewMutation); p.status != 403 || len(leave(p.header)) > 0 || p.answer(t).code() != "CSRF_BLOCKED" {
			t.Errorf("%q: %d %v", origin, p.status, p.header)
		}
		if p := learner.exchange(t, "POST", "/auth/logout", fromSPA(origin), "{}"); p.status != 403 || len(leave(p.header)) > 0 {
			t.Errorf("%q signs out: %d %v", origin, p.status, p.header)
		}
	}
	twice := fromSPA(spa)
	twice["Origin"] = []string{spa, "https://evil.example"}
	if p := learner.exchange(t, "GET", "/auth/session", twice, ""); len(leave(p.header)) > 0 {
		t.Errorf("two origins: %v", p.header)
	}
	// Where no script of a front end has anything to do, nobody gets leave.
	for _, path := range []string{"/", "/s", "/auth/login?return_to=/", "/auth/callback", "/explorer", "/.well-known/jwks.json", "/healthz", "/static/app.css", "/auth/sessionsx"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			if p := learner.exchange(t, method, path, preflight(spa), ""); len(leave(p.header)) > 0 {
				t.Errorf("%s %s: %v", method, path, p.header)
			}
		}
	}
	if n := learner.holdings().views; n != 0 {
		t.Errorf("%v views were made", n)
	}
	// Without the setting there is nobody.
	plain := newHarness(t, harnessOptions{})
	if p := plain.browser().exchange(t, "OPTIONS", "/graphql", preflight(spa), ""); p.status != 405 || len(leave(p.header)) > 0 {
		t.Errorf("%d %v", p.status, p.header)
	}
}
