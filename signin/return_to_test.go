package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

var hostileReturnTo = []string{
	"//", "//?x", "//evil", "//evil.example/x", `/\evil`, `\\evil`, `/\/evil`, "https:evil", "https://evil.example", "http://records.example/x",
	"/%2f%2fevil", "/%2Fevil", "/%5cevil", "/%252f%252fevil", "/a\tb", "/a%09b", "/..//evil", "/../x", "/%2e%2e/x", "/x/./y", "/x/..",
	"/a\r\nSet-Cookie: x=y", "/a%0d%0aSet-Cookie:%20x=y", "/a\x00", "/a%00", "/a%7f", "javascript:alert(1)", "/\u2028", "evil", "user@evil", "https://records.example@evil/",
	"//user:pass@evil", "/a#fragment", "/a b", "/%zz", "?x", "./x", "/" + strings.Repeat("a", 3000), "/auth/login", "/auth", "/%61uth/logout", "/a//b",
	"///evil", "/ /evil", " //evil", "data:text/html,x", "\t//evil", "/x\u00e9",
}

var honestReturnTo = []string{
	"/", "/records", "/records?page=2&sort=a%2Fb", "/records/evt_1", "/rhannu/%C5%B5", "/a%20b", "/authors", "/x?next=//evil", "/x?a=https://elsewhere.example/", "/@me",
}

// TestAttack29ReturnTo: signing in leads to a path on our own origin, and nowhere else.
func TestAttack29ReturnTo(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"hostile": func(t *testing.T, h *house, b *browser) {
			for _, s := range hostileReturnTo {
				h.wantJSON(b.get("/auth/login?return_to="+url.QueryEscape(s)), http.StatusBadRequest, ProblemInvalidReturnTo)
			}
			if h.op.count(discoveryPath) != 0 {
				t.Error("a refused return_to reached for the provider")
			}
		},
		"seen by a person": func(_ *testing.T, h *house, b *browser) {
			h.wantPage(b.get("/auth/login?return_to=//evil", header("Accept", "text/html")), ProblemInvalidReturnTo)
		},
		"changed in Redis": func(t *testing.T, h *house, b *browser) {
			u := b.leave("?return_to=/fine")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			h.mini.Set(key, strings.Replace(record, "/fine", "//evil.example", 1))
			if got := b.back(h.op.authorize(u)).Header.Get("Location"); got != "/" {
				t.Errorf("sent to %q", got)
			}
		},
		"return_to twice": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(b.get("/auth/login?return_to=/a&return_to=/b"), http.StatusBadRequest, ProblemInvalidReturnTo)
		},
		"broken query": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(b.get("/auth/login?return_to=%zz"), http.StatusBadRequest, ProblemInvalidReturnTo)
		},
	})
}

// TestAttack29FrontEndOrigins: an origin of ours that is listed opens no way to others.
func TestAttack29FrontEndOrigins(t *testing.T) {
	t.Parallel()
	const front = "https://app.records.example"
	h := newHouse(t, func(c *Config) { c.AllowedOrigins = []string{front, "https://other.records.example:8443"} })
	b := h.browser()
	hostile := []string{
		front + ".evil.example/", front + "@evil.example/", front + ":80@evil.example/", front + ":x@evil.example", front + ":443/", front + ":8443/", front + "./",
		front + `\@evil.example/`, front + `\evil`, front + "evil.example", front + "?x", front + "#x", front + "//evil.example", front + "/%2f%2fevil", front + "/..//x",
		front + "/a\r\nSet-Cookie: x=y", front + "/a\tb", front + "/auth/logout", "https://APP.records.example/", "HTTPS://app.records.example/", "http://app.records.example/",
		"https:/app.records.example/", "https:app.records.example/", "//app.records.example/", "https://app.records.example%2f@evil.example/", " " + front + "/",
		"https://user@app.records.example/", "https://other.records.example/", "https://other.records.example:84433/", "https://other.records.example:8443.evil.example/",
		front + "/" + strings.Repeat("a", 3000), "https://", "https:///", "null",
	}
	for _, s := range hostile {
		h.wantJSON(b.get("/auth/login?return_to="+url.QueryEscape(s)), http.StatusBadRequest, ProblemInvalidReturnTo)
	}
	for s, want := range map[string]string{
		front: front + "/", front + "/": front + "/", front + "/a?b=//c": front + "/a?b=//c", "https://other.records.example:8443/x": "https://other.records.example:8443/x", "/x": "/x",
	} {
		if got := b.back(h.op.authorize(b.leave("?return_to=" + url.QueryEscape(s)))).Header.Get("Location"); got != want {
			t.Errorf("%q led to %q", s, got)
		}
	}
	// No more so when Redis says it.
	for _, s := range hostile {
		if got := h.destination(&transaction{ReturnTo: s}); got != "/" {
			t.Errorf("%q from Redis leads to %q", s, got)
		}
	}
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, s := range honestReturnTo {
		b := h.browser()
		if got := b.back(h.op.authorize(b.leave("?return_to=" + url.QueryEscape(s)))).Header.Get("Location"); got != s {
			t.Errorf("%q led to %q", s, got)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, s := range append(hostileReturnTo, honestReturnTo...) {
		f.Add(s)
	}
	base, err := url.Parse(publicURL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := safeReturnTo(s)
		if !ok {
			return
		}
		// What a browser would make of it stays on our origin.
		browserView := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(got)
		u, err := base.Parse(browserView)
		if err != nil || u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
			t.Errorf("%q leads to %v", s, u)
		}
		if again, ok := safeReturnTo(got); !ok || again != got {
			t.Errorf("%q is not accepted at use", got)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add("code=x&state=" + strings.Repeat("A", 43))
	f.Add("error=a&state=;&iss=%zz")
	f.Fuzz(func(t *testing.T, query string) {
		a, ok := parseAnswer(query)
		if ok && (!isSecret(a.state) || (a.code == "") == (a.fault == "")) {
			t.Errorf("%q gave %+v", query, a)
		}
	})
}
