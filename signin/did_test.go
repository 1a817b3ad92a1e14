package signin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestAttack60DIDDocumentDown: a document once read serves on, without one the
// person is asked to come back.
func TestAttack60DIDDocumentDown(t *testing.T) {
	t.Parallel()
	down := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != didPath {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	t.Run("without a copy", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		h.op.before = down
		h.failsIdentity(b, ProblemProviderUnavailable)
		h.op.bend(func() { h.op.before = nil })
		h.pass(keysRetry)
		b.arrives(identityStart, "/")
	})
	t.Run("with a copy, aged", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		b.arrives(identityStart, "/")
		h.op.bend(func() { h.op.before = down })
		h.pass(25 * time.Hour)
		b.signIn()
		for range breakerFaults + 1 { // and signing in goes on beside it
			h.pass(keysPause)
			b.arrives(identityStart, "/")
		}
		if !strings.Contains(h.logs.String(), `"keys not fetched","of":"identity"`) {
			t.Error("nobody was told")
		}
	})
	t.Run("unusable documents replace nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		b.arrives(identityStart, "/")
		for name, body := range map[string]string{
			"HTML": "<p>canary", "empty": `{}`, "no methods": `{"id":"` + identityDID + `","assertionMethod":[]}`,
			"other": `{"id":"did:web:evil.example","assertionMethod":[{"id":"did:web:evil.example#key-1"}]}`,
			"5 MB":  strings.Repeat(" ", 5<<20) + "{}",
		} {
			h.op.bend(func() {
				h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == didPath {
						w.Write([]byte(body))
					}
					return r.URL.Path == didPath
				}
			})
			h.pass(61 * time.Minute) // what the document said of its life
			b.signIn()
			n := h.op.count(didPath)
			b.arrives(identityStart, "/")
			if h.op.count(didPath) != n+1 {
				t.Errorf("%s: not asked for", name)
			}
		}
	})
}

func TestDIDKeyRotation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	b.arrives(identityStart, "/")
	h.pass(time.Minute)
	b.arrives(identityStart, "/")
	if n := h.op.count(didPath); n != 1 {
		t.Errorf("%d fetches for one document", n)
	}
	old := h.op.identityKey
	h.op.bend(func() { h.op.identityKey = newECKey(identityDID + "#key-2") })
	b.arrives(identityStart, "/") // a new key is looked for at once
	if n := h.op.count(didPath); n != 2 {
		t.Errorf("%d fetches", n)
	}
	h.op.bend(func() {
		h.op.signCore = func(_ *forge, c map[string]any) string {
			return signWith(old, jose.ES256, c, map[string]any{"kid": old.id})
		}
	})
	for range 5 { // the old key is withdrawn; and made-up ones cost no fetches
		h.wantPage(b.back(h.op.authorize(b.depart(identityStart))), ProblemIdentityInvalid)
	}
	if n := h.op.count(didPath); n != 2 {
		t.Errorf("%d fetches within the pause", n)
	}
	h.pass(keysPause)
	h.wantPage(b.back(h.op.authorize(b.depart(identityStart))), ProblemIdentityInvalid)
	if n := h.op.count(didPath); n != 3 {
		t.Errorf("%d fetches after it", n)
	}
}

func TestDIDDocumentLife(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": time.Hour, "max-age=3600, private": time.Hour, "max-age=86400": 24 * time.Hour,
		"max-age=864000": 24 * time.Hour, "max-age=1": time.Minute,
	} {
		if got := identityKeys(IdentityConfig{}).lifeOf(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func FuzzParseDID(f *testing.F) {
	f.Add([]byte(`{"id":"did:web:identity.example","assertionMethod":[{"id":"did:web:identity.example#a","publicKeyJwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}]}`))
	f.Add([]byte(`{"id":"did:web:identity.example","assertionMethod":["#a",null,7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseDID(body, identityDID)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys and %v", len(keys), err)
		}
	})
}
