package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var errRefusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

const discoveryPath = "/.well-known/openid-configuration"

// TestAttack11MetadataOfAnotherIssuer: a provider that is not the configured one is
// never used, and a start with it fails.
func TestAttack11MetadataOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(map[string]any){
		"without the slash":   func(m map[string]any) { m["issuer"] = strings.TrimSuffix(issuer, "/") },
		"integration":         func(m map[string]any) { m["issuer"] = "https://op.integration.example/" },
		"http endpoint":       func(m map[string]any) { m["token_endpoint"] = "http://op.example/token" },
		"http keys, loopback": func(m map[string]any) { m["jwks_uri"] = "http://127.0.0.1/jwks" },
		"no keys":             func(m map[string]any) { delete(m, "jwks_uri") },
		"script as sign-out":  func(m map[string]any) { m["end_session_endpoint"] = "javascript:canary" },
		"userinfo in the URL": func(m map[string]any) { m["authorization_endpoint"] = "https://op.example@evil.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.op.metadata = bend
			if err := h.CheckProvider(t.Context()); !errors.Is(err, ErrProviderMismatch) {
				t.Errorf("check says %v", err)
			}
			h.wantJSON(h.browser().get("/auth/login"), http.StatusServiceUnavailable, ProblemProviderUnavailable)
		})
	}
}

// A provider on this machine, as developers have it, leads nowhere else.
func TestAttack11LoopbackProvider(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"http://127.0.0.1:8090/token": true, "http://localhost:8091/token": true, "http://[::1]:8090/token": true, "https://op.example/token": true,
		"http://op.example/token": false, "http://localhost.example/token": false, "http://127.0.0.1.example/token": false, "http://10.0.0.1/token": false,
	} {
		h := newHouse(t, func(c *Config) { c.Issuer = "http://127.0.0.1:8090/" })
		h.op.metadata = func(m map[string]any) { m["token_endpoint"] = address }
		if err := h.CheckProvider(t.Context()); (err == nil) != good || (!good && !errors.Is(err, ErrProviderMismatch)) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A clock that is set back makes nothing last longer.
func TestProviderClockSetBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.browser().signIn()
	h.clock.add(-24 * time.Hour)
	h.browser().signIn()
	if metadata, keys := h.op.count(discoveryPath), h.op.count("/jwks"); metadata != 2 || keys != 2 {
		t.Errorf("metadata read %d times, keys %d", metadata, keys)
	}
	h.browser().signIn()
	if metadata, keys := h.op.count(discoveryPath), h.op.count("/jwks"); metadata != 2 || keys != 2 {
		t.Errorf("and then %d and %d", metadata, keys)
	}
	// Nor do the pauses between refreshes.
	h.op.bend(func() { h.op.keys = []signingKey{newECKey("op-2")} })
	h.clock.add(-time.Second)
	h.browser().signIn()
}

// TestAttack20ProviderHosts: endpoints lie on hosts that are allowed.
func TestAttack20ProviderHosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ProviderHosts = []string{"keys.example"} })
	h.op.metadata = func(m map[string]any) { m["jwks_uri"] = "https://keys.example/jwks" }
	h.browser().signIn()
	h = newHouse(t, func(c *Config) { c.ProviderHosts = []string{"keys.example"} })
	h.op.metadata = func(m map[string]any) { m["token_endpoint"] = "https://evil.example/token" }
	if err := h.CheckProvider(t.Context()); !errors.Is(err, ErrProviderMismatch) {
		t.Errorf("check says %v", err)
	}
}

// TestAttack20MetadataMove: metadata that change at run time move nothing to
// another host.
func TestAttack20MetadataMove(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(map[string]any){
		"token endpoint on another host": func(m map[string]any) { m["token_endpoint"] = "https://evil.example/token" },
		"another port":                   func(m map[string]any) { m["token_endpoint"] = "https://op.example:8443/token" },
		"userinfo on another host":       func(m map[string]any) { m["userinfo_endpoint"] = "https://evil.example/userinfo" },
		"authorize on another host":      func(m map[string]any) { m["authorization_endpoint"] = "https://evil.example/authorize" },
		"keys on another host":           func(m map[string]any) { m["jwks_uri"] = "https://op.example.evil.example/jwks" },
		"sign-out on another host":       func(m map[string]any) { m["end_session_endpoint"] = "https://evil.example/logout" },
		"a name before the host":         func(m map[string]any) { m["token_endpoint"] = "https://op.example@evil.example/token" },
		"another issuer":                 func(m map[string]any) { m["issuer"] = "https://evil.example/" },
		"plain http":                     func(m map[string]any) { m["jwks_uri"] = "http://op.example/jwks" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.browser().signIn()
			h.op.bend(func() { h.op.metadata = bend })
			h.pass(metadataLife + time.Second)
			h.browser().signIn() // by the copy held
			if n := h.op.count(discoveryPath); n != 2 {
				t.Errorf("metadata read %d times", n)
			}
			if !strings.Contains(h.logs.String(), `"level":"ERROR","msg":"provider metadata not renewed"`) {
				t.Errorf("no alert:\n%s", h.logs)
			}
			h.op.bend(func() { h.op.metadata = func(m map[string]any) { m["token_endpoint"] = "https://op.example/token" } })
			h.pass(metadataRetry + time.Second)
			h.browser().signIn()
			if n := h.op.count(discoveryPath); n != 3 {
				t.Errorf("metadata read %d times in the end", n)
			}
		})
	}
}

// TestAttack21KeysRotate: a sign-in under way survives a rotation of keys.
func TestAttack21KeysRotate(t *testing.T) {
	t.Parallel()
	t.Run("rotated between authorize and callback", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.browser().signIn()
		b := h.browser()
		query := h.op.authorize(b.leave(""))
		h.op.bend(func() { h.op.keys = append([]signingKey{newECKey("op-2")}, h.op.keys...) })
		if got := b.back(query).Header.Get("Location"); got != "/" {
			t.Fatalf("ended at %s\n%s", got, h.logs)
		}
		if n := h.op.count("/jwks"); n != 2 {
			t.Errorf("%d JWKS fetches", n)
		}
	})
	t.Run("many callbacks meet one rotation", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.browser().signIn()
		h.op.bend(func() { h.op.keys = []signingKey{newECKey("op-2")} })
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				b := h.browser()
				if got := b.back(h.op.authorize(b.leave(""))).Header.Get("Location"); got != "/" {
					t.Errorf("ended at %s", got)
				}
			})
		}
		wg.Wait()
		if n := h.op.count("/jwks"); n != 2 {
			t.Errorf("%d JWKS fetches", n)
		}
	})
}

// TestAttack22KeyWithdrawn: a key that is withdrawn signs nothing any more.
func TestAttack22KeyWithdrawn(t *testing.T) {
	t.Parallel()
	t.Run("old key withdrawn", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		old := h.op.keys[0]
		h.browser().signIn()
		h.op.bend(func() { h.op.keys = []signingKey{newECKey("op-2")} })
		h.browser().signIn()
		h.op.bend(func() {
			h.op.sign = func(_ *forge, c map[string]any) string {
				return signWith(old, old.alg, c, map[string]any{"kid": old.id})
			}
		})
		b := h.browser()
		h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIDTokenInvalid)
	})
	t.Run("old key withdrawn in silence", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		old := h.op.keys[0]
		h.browser().signIn()
		h.op.bend(func() {
			h.op.keys = []signingKey{newECKey("op-2")}
			h.op.sign = func(_ *forge, c map[string]any) string {
				return signWith(old, old.alg, c, map[string]any{"kid": old.id})
			}
		})
		h.browser().signIn() // within the life of the set held
		h.pass(keysLife)
		b := h.browser()
		h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIDTokenInvalid)
	})
}

// TestAttack09UnknownKids: made-up key ids cost the provider one refresh in 30 s.
func TestAttack09UnknownKids(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.browser().signIn()
	try := func(n int) {
		for range n {
			_, err := h.keys.VerifySignature(t.Context(), signWith(newECKey("x"), "ES256", map[string]any{}, map[string]any{"kid": rand43(t)}))
			if !errors.Is(err, errUnknownKey) {
				t.Errorf("got %v", err)
			}
		}
	}
	try(50)
	if n := h.op.count("/jwks"); n != 2 {
		t.Errorf("%d fetches", n)
	}
	h.pass(keysPause - time.Second)
	try(5)
	if n := h.op.count("/jwks"); n != 2 {
		t.Errorf("%d fetches after 29 s", n)
	}
	h.pass(time.Second)
	try(5)
	if n := h.op.count("/jwks"); n != 3 {
		t.Errorf("%d fetches after 30 s", n)
	}
}

// TestForgedTokensOfAKnownKid: they fetch nothing.
func TestForgedTokensOfAKnownKid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.browser().signIn()
	forged := signWith(newECKey("op-1"), "ES256", map[string]any{}, map[string]any{"kid": "op-1"})
	for range 50 {
		if _, err := h.keys.VerifySignature(t.Context(), forged); !errors.Is(err, errBadSignature) {
			t.Errorf("got %v", err)
		}
	}
	if n := h.op.count("/jwks"); n != 1 {
		t.Errorf("%d fetches", n)
	}
}

func rand43(t *testing.T) string {
	t.Helper()
	s, err := newSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAttack23KeySetFaults: whatever comes in place of the keys, those held serve on.
func TestAttack23KeySetFaults(t *testing.T) {
	t.Parallel()
	huge := []byte(`{"keys":[` + strings.Repeat(" ", 20<<20) + `]}`)
	for name, jwks := range map[string]http.HandlerFunc{
		"empty":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"keys":[]}`) },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{}`) },
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"HTML":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>canary</html>") },
		"20 MB":   func(w http.ResponseWriter, _ *http.Request) { w.Write(huge) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/jwks", http.StatusFound)
		},
		"unusable": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"keys":[{"kty":"oct","kid":"op-1","k":"AAAA"},{"kty":"EC","kid":"op-1","crv":"P-256"},7,{"kty":"RSA","kid":"op-1","n":"AQAB","e":"AQAB"}]}`)
		},
		"slow": nil,
	} {
		bend := func(h *house) {
			if h.op.jwks = jwks; jwks == nil {
				h.op.timesOut = "/jwks"
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.browser().signIn()
			h.op.bend(func() { bend(h) })
			h.pass(keysLife)
			h.browser().signIn()
			h.browser().signIn()
			if n := h.op.count("/jwks"); n != 2 {
				t.Errorf("%d fetches", n)
			}
			if !strings.Contains(h.logs.String(), "keys not fetched") {
				t.Error("nobody was told")
			}
		})
		t.Run(name+" at first", func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			bend(h)
			b := h.browser()
			h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemProviderUnavailable)
			h.op.bend(func() { h.op.jwks, h.op.timesOut = nil, "" })
			h.pass(keysRetry)
			h.browser().signIn()
		})
	}
}

func TestKeySetLife(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": keysLife, "no-store": keysLife, "public, max-age=600": 10 * time.Minute, "Max-Age=\"900\"": 15 * time.Minute,
		"max-age=0": keysLifeMin, "max-age=31536000": keysLifeMax, "max-age=-1": keysLife, "max-age=x": keysLife,
		"max-age=99999999999999999999": keysLife, "s-maxage=5": keysLife,
	} {
		if got := providerKeys(nil).lifeOf(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// TestAttack24ProviderDownAtStart: the service waits for its provider.
func TestAttack24ProviderDownAtStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.op.transport = errRefusedDial
	if err := h.CheckProvider(t.Context()); err == nil || errors.Is(err, ErrProviderMismatch) {
		t.Errorf("check says %v", err)
	}
	resp := h.browser().get("/auth/login")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.wantJSON(resp, http.StatusServiceUnavailable, ProblemProviderUnavailable)
	h.wantPage(h.browser().get("/auth/login", header("Accept", "text/html,*/*")), ProblemProviderUnavailable)
	for range 10 {
		h.browser().get("/auth/login")
	}
	if n := h.op.count(discoveryPath); n != breakerFaults {
		t.Errorf("%d calls to a provider that is down", n)
	}
	h.op.bend(func() { h.op.transport = nil })
	h.pass(breakerPause)
	b := h.browser()
	b.signIn()

	h.op.bend(func() { h.op.transport = errRefusedDial })
	h.pass(20 * time.Minute)
	if got := b.who(); !strings.HasPrefix(got, "signed in") {
		t.Errorf("the session did not outlive the provider: %s", got)
	}
}

func TestDiscoveryFaults(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"500": func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(500)
			io.WriteString(w, "canary")
			return true
		},
		"HTML": func(w http.ResponseWriter, _ *http.Request) bool { io.WriteString(w, "<p>canary"); return true },
		"5 MB": func(w http.ResponseWriter, _ *http.Request) bool { w.Write(make([]byte, 5<<20)); return true },
		"302": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
			return true
		},
		"slow": hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if name == "slow" {
				h.client.Transport.(*transport).timeout = 20 * time.Millisecond
			}
			h.op.before = before
			h.wantJSON(h.browser().get("/auth/login"), http.StatusServiceUnavailable, ProblemProviderUnavailable)
		})
	}
}

// tokenFaults runs sign-ins that meet a fault of the token endpoint. nil: it cannot
// be reached.
func tokenFaults(t *testing.T, list map[string]func(http.ResponseWriter, *http.Request) bool) {
	t.Helper()
	for name, before := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			old := h.browser()
			old.signIn()
			b := h.browser()
			query := h.op.authorize(b.leave(""))
			h.op.bend(func() {
				if h.op.before = before; before == nil {
					h.op.transport = errRefusedDial
				}
			})
			if name == "slow" {
				h.client.Transport.(*transport).timeout = 20 * time.Millisecond
			}
			h.wantPage(b.back(query), ProblemTokenExchangeFailed)
			if n := h.op.count("/token"); n != 2 { // one for each browser
				t.Errorf("%d token calls", n)
			}
			if got := old.who(); !strings.HasPrefix(got, "signed in") {
				t.Errorf("another session was touched: %s", got)
			}
		})
	}
}

// TestAttack17TokenEndpoint: an answer of another form or without end is refused.
func TestAttack17TokenEndpoint(t *testing.T) {
	t.Parallel()
	tokenFaults(t, map[string]func(http.ResponseWriter, *http.Request) bool{
		"HTML": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<p>canary")
			return true
		},
		"5 MB": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"access_token":"x","filler":"`))
			w.Write(bytes.Repeat([]byte("f"), 5<<20))
			w.Write([]byte(`"}`))
			return true
		},
	})
}

// TestAttack25TokenEndpointDown: a code is sent once, and nobody else is touched.
func TestAttack25TokenEndpointDown(t *testing.T) {
	t.Parallel()
	tokenFaults(t, map[string]func(http.ResponseWriter, *http.Request) bool{
		"down": nil,
		"500":  func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true },
		"redirect": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example/token", http.StatusTemporaryRedirect)
			return true
		},
	})
}

// TestAttack26SlowProvider: a slow provider is waited for so long and no longer.
func TestAttack26SlowProvider(t *testing.T) {
	t.Parallel()
	tokenFaults(t, map[string]func(http.ResponseWriter, *http.Request) bool{
		"slow": hang,
	})
}

func TestClientRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *Config) { c.ClientKey = opRSAKey() })
	b := h.browser()
	h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemTokenExchangeFailed)
	if !strings.Contains(h.logs.String(), `"level":"ERROR"`) {
		t.Error("nobody was called")
	}
	for code, alarm := range map[string]bool{
		"invalid_client": true, "unauthorized_client": true, "invalid_request": true, "unsupported_grant_type": true, "invalid_grant": false, "canary": false,
	} {
		h := newHouse(t)
		b := h.browser()
		query := h.op.authorize(b.leave(""))
		h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				reply(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": "canary"})
			}
			return r.URL.Path == "/token"
		}
		h.wantPage(b.back(query), ProblemTokenExchangeFailed)
		if got := strings.Contains(h.logs.String(), `"level":"ERROR"`); got != alarm {
			t.Errorf("%s: alarm %t", code, got)
		}
	}
}

// TestAttack26BreakerAndSlots: a provider that hangs binds neither goroutines nor
// people.
func TestAttack26BreakerAndSlots(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tr := h.client.Transport.(*transport)
	tr.timeout = 20 * time.Millisecond
	tr.slots = make(chan struct{}, 2)
	h.op.before = hang
	ask := func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"token", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = tr.RoundTrip(req)
		return err
	}
	for range breakerFaults {
		if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	if err := ask(); !errors.Is(err, errProviderResting) {
		t.Errorf("got %v", err)
	}
	h.clock.add(-time.Hour) // set back: must not rest for an hour
	if err := ask(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := ask(); !errors.Is(err, errProviderResting) {
		t.Errorf("after the trial: %v", err)
	}
	h.clock.add(breakerPause)
	tr.timeout = time.Minute // from here on nothing hangs
	h.op.bend(func() {
		h.op.before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(200); return true }
	})
	if got, err := tr.RoundTrip(httptest.NewRequest(http.MethodGet, issuer, http.NoBody)); err != nil || got.Body.Close() != nil {
		t.Fatalf("the trial: %v", err)
	}
	var open []*http.Response
	for range 2 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer, http.NoBody)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	if err := ask(); !errors.Is(err, errProviderBusy) {
		t.Errorf("third call at once: %v", err)
	}
	for _, resp := range open {
		resp.Body.Close()
		resp.Body.Close()
	}
	if len(tr.slots) != 0 {
		t.Errorf("%d slots still taken", len(tr.slots))
	}
}

// stalled answers at once and never comes to the end.
type stalled struct{}

func (stalled) RoundTrip(r *http.Request) (*http.Response, error) {
	rest, end := io.Pipe()
	context.AfterFunc(r.Context(), func() { end.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), rest)), ContentLength: -1}, nil
}

// TestAttack26SlowBody: who hangs in the middle of an answer is left alone as well.
func TestAttack26SlowBody(t *testing.T) {
	t.Parallel()
	client := newProviderClient(stalled{}, "openplr-test/1", (&clock{}).Now)
	tr := client.Transport.(*transport)
	if tr.timeout != 5*time.Second || cap(tr.slots) != 512 {
		t.Errorf("waits %s with %d calls at once", tr.timeout, cap(tr.slots))
	}
	tr.timeout = 20 * time.Millisecond
	ask := func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	for range breakerFaults + 1 { // closing the tab says nothing about the provider
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if err := ask(ctx); errors.Is(err, errProviderResting) {
			t.Fatal("left alone because callers left")
		}
		cancel()
	}
	for range breakerFaults {
		if err := ask(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	}
	if err := ask(t.Context()); !errors.Is(err, errProviderResting) {
		t.Errorf("got %v", err)
	}
	if len(tr.slots) != 0 {
		t.Errorf("%d slots still taken", len(tr.slots))
	}
}

// A person who closes the tab says nothing about the provider.
func TestCallerGoingAwayOpensNoBreaker(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range breakerFaults + 1 {
		ctx, cancel := context.WithCancel(t.Context())
		h.op.before = func(w http.ResponseWriter, r *http.Request) bool { cancel(); return hang(w, r) }
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, issuer, http.NoBody)
		if _, err := h.client.Do(req); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		cancel()
	}
}

func TestOneReadForManyCallers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	entered, gate := make(chan struct{}, 8), make(chan struct{})
	h.op.before = func(http.ResponseWriter, *http.Request) bool {
		entered <- struct{}{}
		<-gate
		return false
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.provider.metadata(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered
	close(gate)
	wg.Wait()
	// Who came after the flight found the copy.
	if n := h.op.count(discoveryPath); n != 1 {
		t.Errorf("%d reads", n)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AA","e":"AQAB"},null,[]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys and %v", len(keys), err)
		}
	})
}
