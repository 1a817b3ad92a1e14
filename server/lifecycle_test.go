package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What was acknowledged is there after a restart, and the link still opens:
// the keys that derive its secret were kept.
func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var id, secret string
	t.Run("before", func(t *testing.T) {
		h := newHarness(t, harnessOptions{dir: dir})
		id, secret = sharedLink(t, h.signedIn(samplePeople(t)[0].Subject), "pin", "k7qx9zw2")
		for _, name := range []string{"link-keys", "session-keys", "oidc-client-key.pem", "devop-signing-key.pem"} {
			info, err := os.Stat(filepath.Join(dir, "keys", name))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", name, info, err)
			}
		}
	})
	h := newHarness(t, harnessOptions{dir: dir})
	if a := h.browser().must(redeem, redeemVars(secret, "k7qx9zw2")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	learner := h.signedIn(samplePeople(t)[0].Subject)
	if a := learner.must(`query($id: ID!) { node(id: $id) { ... on ShareLink { redemptionCount } } }`, map[string]any{"id": id}); a.at("node", "redemptionCount") != float64(1) {
		t.Errorf("%s", a.raw)
	}
}

// A link dies with the key it was derived by, and lives while that key is on the list.
func TestLinkKeyRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := "a:"+strings.Repeat("A", 43)+"=", "b:"+strings.Repeat("B", 42)+"A="
	var secret string
	for _, step := range []struct{ name, keys, want string }{
		{"made", first, "SharedRecord"}, {"rotated", second + "," + first, "SharedRecord"}, {"removed", second, "ShareUnavailable"},
	} {
		t.Run(step.name, func(t *testing.T) {
			h := newHarness(t, harnessOptions{dir: dir, env: map[string]string{"LINK_KEYS": step.keys}})
			learner := h.signedIn(samplePeople(t)[0].Subject)
			if secret == "" {
				_, secret = sharedLink(t, learner)
			}
			a := h.browser().must(redeem, redeemVars(secret, ""))
			if outcome(a) != step.want {
				t.Errorf("%s", a.raw)
			}
			if step.name == "removed" {
				if a.at("redeemShareLink", "outcome", "reason") != nil {
					t.Errorf("a link without its key is told apart from an unknown one: %s", a.raw)
				}
				if l := learner.must(`{ learner { shareLinks { nodes { url qrCode { size } } } } }`, nil); l.at("learner", "shareLinks", "nodes", 0, "url") != nil {
					t.Errorf("%s", l.raw)
				}
			}
		})
	}
}

func TestProbesAndStop(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	b := h.browser()
	for _, path := range []string{"/healthz", "/readyz"} {
		if p := b.get(path); p.status != 200 {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	h.app.health.stopping.Store(true)
	if p := b.get("/readyz"); p.status != 503 || p.header.Get("Retry-After") == "" {
		t.Errorf("stopping: %d", p.status)
	}
	if p := b.get("/healthz"); p.status != 200 {
		t.Errorf("live while stopping: %d", p.status)
	}
}

// Sessions end by time: idle and absolute, by the service's clock.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	for range 3 {
		h.clock.Advance(20 * time.Minute)
		learner.must(`{ learner { uln } }`, nil)
	}
	h.clock.Advance(31 * time.Minute)
	if a := learner.ask(`{ viewer { signedIn } learner { uln } }`, nil); a.status != 200 || (a.code() != "SESSION_EXPIRED" && a.code() != "UNAUTHENTICATED") || a.at("viewer", "signedIn") != false {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// Sessions in a real Redis outlive a restart of the service.
func TestRealRedis(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	o := harnessOptions{dir: t.TempDir(), env: map[string]string{"REDIS_URL": server.url()}}
	var cookies *jar
	var before string
	t.Run("before", func(t *testing.T) {
		h := newHarness(t, o)
		b := h.signedIn(samplePeople(t)[0].Subject)
		cookies, before = b.client.Jar.(*jar), strings.TrimPrefix(h.url, "http://")
	})
	h := newHarness(t, o)
	b := h.browser()
	b.client.Jar = &jar{cookies: map[string]map[string]*http.Cookie{strings.TrimPrefix(h.url, "http://"): cookies.cookies[before]}}
	if a := b.must(`{ viewer { signedIn } learner { uln } }`, nil); a.at("viewer", "signedIn") != true {
		t.Errorf("%s", a.raw)
	}
	// The whole of Redis lost costs a sign-in, and nothing else.
	server.kill()
	if p := b.get("/readyz"); p.status != 503 {
		t.Errorf("ready without Redis: %d", p.status)
	}
	if a := b.ask(`{ learner { uln } }`, nil); a.status != 503 || a.code() != "UNAVAILABLE" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// A start that fails says why, in words, and leaves nothing open.
func TestStartFailuresAreTold(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	taken := freeListener(t)
	t.Cleanup(func() { _ = taken.Close() })
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"data file in use": {map[string]string{"DATA_DIR": h.dir}, "stop it first"},
		"port in use":      {map[string]string{"LISTEN_ADDR": taken.Addr().String()}, "LISTEN_ADDR"},
		"no certificate":   {map[string]string{"LISTEN_ADDR": "127.0.0.1:0", "DEVOP_ADDR": "127.0.0.1:0", "TLS_CERT_FILE": "none.pem", "TLS_KEY_FILE": "none.pem"}, "TLS_CERT_FILE"},
		"broken Redis URL": {map[string]string{"REDIS_URL": "nonsense://u:hunter2@h"}, "REDIS_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{"DATA_DIR": t.TempDir(), "PUBLIC_URL": "http://localhost:1"}
			for k, v := range c.env {
				env[k] = v
			}
			_, err := runCommand(t, env)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
		})
	}
}
