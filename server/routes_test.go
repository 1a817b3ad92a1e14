package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Every address of sign-in is there, for its methods alone, and has its limit.
func TestRoutesOfSignIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"APP_CLIENTS": `[{"id":"lr","redirectUris":["https://records.example.org/app/callback"],"appleAppIds":["ABCDE12345.org.example.records"],
	 "androidApps":[{"package":"org.example.records","fingerprints":["14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"]}]}]`}})
	for path, c := range map[string]struct{ methods, limit string }{
		"/auth/login":                             {"GET", limitSignIn},
		"/auth/callback":                          {"GET", limitSignIn},
		"/auth/step-up":                           {"GET", limitSignIn},
		"/auth/identity/start":                    {"GET", limitSignIn},
		"/auth/identity/return":                   {"GET", limitPage},
		"/auth/session":                           {"GET", limitPage},
		"/auth/session/extend":                    {"POST", limitPage},
		"/auth/sessions":                          {"GET DELETE", limitPage},
		"/auth/sessions/ses_x":                    {"DELETE", limitPage},
		"/auth/logout":                            {"POST", limitPage},
		"/auth/signed-out":                        {"GET", limitPage},
		"/auth/backchannel-logout":                {"POST", limitBackchannel},
		"/auth/app/authorize":                     {"GET", limitSignIn},
		"/auth/app/token":                         {"POST", limitAppToken},
		"/auth/app/revoke":                        {"POST", limitAppToken},
		"/auth/app/handoff":                       {"POST", limitPage},
		"/app/callback":                           {"GET", limitPage},
		"/identity/continue":                      {"GET", limitPage},
		"/.well-known/jwks.json":                  {"GET", ""},
		"/.well-known/apple-app-site-association": {"GET", ""},
		"/.well-known/assetlinks.json":            {"GET", ""},
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			p := h.browser().exchange(t, method, path, fromOurPage(), "")
			known := slices.Contains(strings.Fields(c.methods), method)
			if refused := p.status == http.StatusMethodNotAllowed || p.status == http.StatusNotFound; refused == known {
				t.Errorf("%s %s: %d", method, path, p.status)
			}
			if strings.HasPrefix(path, "/auth/") && !known && (p.status != http.StatusMethodNotAllowed || p.header.Get("Allow") == "") {
				t.Errorf("%s %s: %d, Allow %q", method, path, p.status, p.header.Get("Allow"))
			}
			if got, _, _ := strings.Cut(strings.Trim(p.header.Get("RateLimit-Policy"), `"`), `"`); known && got != c.limit {
				t.Errorf("%s %s counts as %q, want %q", method, path, got, c.limit)
			}
			if strings.HasPrefix(path, "/auth/") && p.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: Cache-Control %q", method, path, p.header.Get("Cache-Control"))
			}
		}
	}
}

// The provider and apps call without anything that a browser adds.
func TestCallsThatNoBrowserMakes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, path := range []string{"/auth/backchannel-logout", "/auth/app/token", "/auth/app/revoke"} {
		if p := h.browser().exchange(t, "POST", path, form, "x=1"); p.status == 403 || p.status == 404 || p.status == 405 {
			t.Errorf("%s: %d %s", path, p.status, p.body)
		}
		// A page of somebody's that makes a browser do it is turned away.
		foreign := form.Clone()
		foreign.Set("Origin", "https://evil.example")
		if p := h.browser().exchange(t, "POST", path, foreign, "x=1"); p.status != 403 {
			t.Errorf("%s: %d %s", path, p.status, p.body)
		}
	}
}

// An app that is not known, or wants its answer sent elsewhere, is told so on a
// page: a redirect would go to anybody.
func TestAppsThatAreNotKnownGetAPage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, query := range []string{"", "client_id=x&redirect_uri=https://evil.example/", "client_id=dev-app&redirect_uri=" + h.url + "/app/callback/", "client_id=dev-app&redirect_uri=https://evil.example/app/callback"} {
		for lang, words := range map[string]string{"en": "The app could not sign you in", "cy": "ap eich mewngofnodi"} {
			header := http.Header{"Accept": {"text/html"}, "Accept-Language": {lang}}
			p := h.browser().exchange(t, "GET", "/auth/app/authorize?response_type=code&state=s&code_challenge_method=S256&code_challenge="+strings.Repeat("A", 43)+"&"+query, header, "")
			if p.status != 400 || p.header.Get("Location") != "" || !strings.Contains(p.body, words) || !strings.Contains(p.body, "ref_") || strings.Contains(p.body, "evil") {
				t.Errorf("%s: %d %v %s", query, p.status, p.header, p.body)
			}
			if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: %s", query, policy)
			}
		}
	}
}
