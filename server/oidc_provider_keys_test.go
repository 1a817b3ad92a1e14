package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"openplr/signin"
)

// Another provider, which reads our keys from jwks_uri and keeps its copy for as
// long as we say, follows our key while it is replaced as operators are told to:
// published first, then signing, then alone. A key that nobody announced is refused,
// and so is the old one by whoever reads the keys afterwards.
func TestClientKeyRotationAtAnotherProvider(t *testing.T) {
	t.Parallel()
	p, newcomer := newOtherProvider(t), newOtherProvider(t)
	dir := t.TempDir()
	first, firstPublic := clientKeyFiles(t, dir, "first")
	second, secondPublic := clientKeyFiles(t, dir, "second")
	third, _ := clientKeyFiles(t, dir, "third")

	// One address, whichever process serves behind it.
	var behind atomic.Pointer[url.URL]
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind.Load())
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(front.Close)

	for _, step := range []struct {
		name             string
		at               *otherProvider
		file, id, others string
		works            bool
	}{
		{"announced", p, first, "k1", "k2=" + secondPublic, true},
		{"replaced", p, second, "k2", "k1=" + firstPublic, true},
		{"done", p, second, "k2", "", true},
		{"not announced", p, third, "k3", "", false},
		{"done, at a newcomer", newcomer, second, "k2", "", true},
		{"gone, at a newcomer", newcomer, first, "k1", "", false},
	} {
		env := step.at.env()
		maps.Copy(env, map[string]string{
			"PUBLIC_URL": front.URL, "OIDC_CLIENT_KEY_FILE": step.file, "OIDC_CLIENT_KEY_ID": step.id, "OIDC_OTHER_CLIENT_KEYS": step.others,
		})
		h := newHarness(t, harnessOptions{env: env})
		direct, err := url.Parse(h.url)
		if err != nil {
			t.Fatal(err)
		}
		behind.Store(direct)
		h.url = front.URL
		if step.at.out.String() == "" { // not started yet
			step.at.start(t, h, nil)
		}
		b := h.browser()
		end := step.at.signInAt(b, "morgan")
		if refused := strings.HasPrefix(end.url, front.URL+signin.ProblemPath+"?code=token_exchange_failed&"); refused == step.works || end.status != http.StatusOK {
			t.Errorf("%s: sign-in ended at %d %s", step.name, end.status, end.url)
		}
		isSignedIn(t, b, step.works)
	}
}
