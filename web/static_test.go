package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"openplr/web"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, mediaType := range map[string]string{
		"/static/govuk.css": "text/css; charset=utf-8", "/static/app.css": "text/css; charset=utf-8", "/static/pages.css": "text/css; charset=utf-8",
		"/static/redeem.js": "text/javascript; charset=utf-8", "/static/home.js": "text/javascript; charset=utf-8",
		"/static/print.js": "text/javascript; charset=utf-8", "/static/LICENSES.txt": "text/plain; charset=utf-8",
		"/explorer": "text/html; charset=utf-8", "/explorer/": "text/html; charset=utf-8",
		"/explorer/explorer.js": "text/javascript; charset=utf-8", "/explorer/explorer.css": "text/css; charset=utf-8",
	} {
		w := s.get(name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != mediaType || w.Body.Len() == 0 {
			t.Errorf("%s: %d %s, %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=300" {
			t.Errorf("%s without its hash: %s", name, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s lacks the common headers", name)
		}
		if again := s.get(name, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s again: %d", name, again.Code)
		}
		packed := s.get(name, "Accept-Encoding", "br, gzip;q=0.8")
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plain, err := io.ReadAll(z); err != nil || string(plain) != w.Body.String() {
			t.Errorf("%s packed is not the same: %v", name, err)
		}
		if again := s.get(name, "If-None-Match", packed.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s packed again: %d", name, again.Code)
		}
		if refused := s.get(name, "Accept-Encoding", "gzip;q=0"); refused.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s packed although refused", name)
		}
	}
}

func TestAddressesInPagesAreForGood(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	addresses := regexp.MustCompile(`/static/[^"]+`).FindAllString(s.get("/s").Body.String(), -1)
	if len(addresses) != 4 {
		t.Fatalf("page loads %v", addresses)
	}
	for _, a := range addresses {
		w := s.get(a)
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %s", a, w.Code, w.Header().Get("Cache-Control"))
		}
		if other := s.get(a[:len(a)-4] + "0000"); other.Header().Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s with another hash: %s", a, other.Header().Get("Cache-Control"))
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{
		"/static/", "/static", "/static/src/govuk.scss", "/static/package.json", "/static/bundle.sh", "/static/../pages.go",
		"/static/%2e%2e/pages.go", "/static//govuk.css", "/explorer/package.json", "/explorer/../doc.go", "/explorer/dist/explorer.js",
	} {
		if w := s.get(path); w.Code == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
	off := newSite(t, func(c *web.Config) { c.Explorer = false })
	for _, path := range []string{"/explorer", "/explorer/", "/explorer/explorer.js"} {
		if w := off.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s is served although the explorer is off", path)
		}
	}
	if strings.Contains(off.get("/").Body.String(), "/explorer") {
		t.Error("the start page links to an explorer that is off")
	}
}
