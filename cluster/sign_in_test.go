package cluster_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// signOutAtProvider is what a person does at the provider's own page: it tells
// the service, by a logout token, before it answers.
func (h *house) signOutAtProvider(subject string) page {
	return newVisitor().do(http.MethodPost, h.replicas[1].env["OIDC_ISSUER"]+"/sign-out-everywhere",
		"application/x-www-form-urlencoded", url.Values{"subject": {subject}}.Encode())
}

// The provider signs somebody out: within a second every session of theirs is
// over at both replicas, in browsers and apps, and none ever comes back: not
// from a Redis with an old copy, not after it lost everything.
func TestBackchannelLogoutAcrossReplicas(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(2, 10) {
		first, second := newVisitor(), newVisitor()
		first.goThrough(t, h.replicas[0], "/auth/login?return_to=/", h.person.Subject)
		second.goThrough(t, h.replicas[1], "/auth/login?return_to=/", h.person.Subject)
		app := h.newPhone(t, h.replicas[1], h.person.Subject)
		probes := []func(r *replica) (alive, known bool){
			signedIn(first), signedIn(second), h.holds(app.access),
		}
		for i, probe := range probes {
			if !lives(t, h.replicas[i%2], probe) {
				t.Fatalf("round %d: session %d is not alive to begin with", round, i)
			}
		}
		stale := h.redis.copyNow()
		var ack atomic.Int64
		began := time.Now()
		var wg sync.WaitGroup
		for i, probe := range probes {
			for _, r := range h.replicas {
				wg.Go(func() {
					for {
						start, acked := time.Since(began), time.Duration(ack.Load())
						alive, _ := probe(r)
						if acked > 0 && alive && start > acked+time.Second {
							t.Errorf("round %d: session %d alive at %s %s after the provider's sign-out", round, i, r.name, start-acked)
							return
						}
						if acked > 0 && start > acked+1100*time.Millisecond {
							return
						}
					}
				})
			}
		}
		eventually(t, 10*time.Second, "the service takes the provider's sign-out", func() bool {
			return h.signOutAtProvider(h.person.Subject).status == http.StatusOK
		})
		ack.Store(int64(time.Since(began)))
		wg.Wait()
		dead := func(when string) {
			t.Helper()
			for i, probe := range probes {
				for _, r := range h.replicas {
					if lives(t, r, probe) {
						t.Errorf("round %d: session %d revived at %s %s", round, i, r.name, when)
					}
				}
			}
			if app.renew(t, h.replicas[round%2]) {
				t.Errorf("round %d: a refresh gave tokens %s", round, when)
			}
		}
		for _, f := range h.caches {
			f.lead(stale.addr)
		}
		dead("with the stale Redis")
		for _, f := range h.caches {
			f.lead(h.redis.addr)
		}
		stale.kill()
		dead("with the Redis of before")
		h.redis.flush()
		dead("after a flush")
		// Times of the provider are whole seconds: a sign-in in the second of the
		// sign-out counts as before it.
		h.learner = newVisitor()
		eventually(t, 10*time.Second, "signing in again", func() bool {
			p := h.learner.trySignIn(h.replicas[0], h.person.Subject)
			alive, _ := signedIn(h.learner)(h.replicas[1])
			return p.status == http.StatusOK && alive
		})
	}
}

// signedIn says whether a replica takes the visitor's cookie, and whether it could tell.
func signedIn(v *visitor) func(r *replica) (alive, known bool) {
	return func(r *replica) (alive, known bool) {
		a := v.ask(r, `{ viewer { signedIn } }`, nil)
		return a.at("viewer", "signedIn") == true, !a.unknown()
	}
}

// Sessions outlive the processes: both replicas are killed and started again.
func TestSessionsOutliveTheProcesses(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	app := h.newPhone(t, h.replicas[0], h.person.Subject)
	for _, r := range h.replicas {
		r.kill()
	}
	for _, r := range h.replicas {
		r.up()
	}
	for _, r := range h.replicas {
		if !lives(t, r, signedIn(h.learner)) {
			t.Errorf("%s lost the browser's session", r.name)
		}
		if !lives(t, r, h.holds(app.access)) {
			t.Errorf("%s lost the app's session", r.name)
		}
	}
	if !app.renew(t, h.replicas[1]) {
		t.Error("a refresh after the restart gave no tokens")
	}
}

// Attack 52 with two processes: an app's refresh is sent to both at once, as a
// client does that lost the answer. One rotation; all are told the same.
func TestAttack52DoubleRefreshAcrossReplicas(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(5, 50) {
		app := h.newPhone(t, h.replicas[round%2], h.person.Subject)
		var mu sync.Mutex
		given := map[string]int{}
		crowd(12, 12, func(i int) {
			status, got := h.renew(h.replicas[i%2], app.refresh)
			mu.Lock()
			defer mu.Unlock()
			switch status {
			case http.StatusOK:
				given[got.Access+" "+got.Refresh]++
			case 0, http.StatusServiceUnavailable: // may be asked again
			default:
				t.Errorf("round %d: an honest refresh was answered %d %s", round, status, got.Error)
			}
		})
		if len(given) != 1 {
			t.Fatalf("round %d: %d different answers to one refresh", round, len(given))
		}
		for pair := range given {
			access, refresh, _ := strings.Cut(pair, " ")
			for _, r := range h.replicas {
				if !lives(t, r, h.holds(access)) {
					t.Errorf("round %d: %s does not take the new token", round, r.name)
				}
				if lives(t, r, h.holds(app.access)) {
					t.Errorf("round %d: %s takes the old token", round, r.name)
				}
			}
			if next := (&phone{h, access, refresh}); !next.renew(t, h.replicas[(round+1)%2]) {
				t.Errorf("round %d: the next refresh gave no tokens", round)
			}
		}
	}
}

// The same while the ways to Redis are cut again and again, so that commands are
// done whose answers are lost: whoever asks again is told what the others are,
// and nobody's session ends over it.
func TestAttack52RefreshWhileAnswersAreLost(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(3, 30) {
		app := h.newPhone(t, h.replicas[round%2], h.person.Subject)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for i, f := range h.caches {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(time.Duration(3+2*i+round%3) * time.Millisecond):
						f.cut()
					}
				}
			})
		}
		var mu sync.Mutex
		given, unknown := map[string]int{}, 0
		crowd(8, 8, func(i int) {
			for range 400 { // far less than the half minute in all
				status, got := h.renew(h.replicas[i%2], app.refresh)
				again := status == 0 || status == http.StatusServiceUnavailable
				mu.Lock()
				switch {
				case again:
					unknown++
				case status == http.StatusOK:
					given[got.Access+" "+got.Refresh]++
				default:
					t.Errorf("round %d: an honest refresh was answered %d %s", round, status, got.Error)
				}
				mu.Unlock()
				if !again {
					return
				}
			}
		})
		close(stop)
		wg.Wait()
		if len(given) != 1 {
			t.Fatalf("round %d: %d different answers to one refresh, %d unknown", round, len(given), unknown)
		}
		for pair := range given {
			access, refresh, _ := strings.Cut(pair, " ")
			next := &phone{h, access, refresh}
			if !lives(t, h.replicas[0], h.holds(access)) || !next.renew(t, h.replicas[1]) {
				t.Errorf("round %d: the session has ended", round)
			}
		}
		t.Logf("round %d: %d answers were lost on the way", round, unknown)
	}
}

// Attack 50 with two processes: signing out everywhere beside refreshes and
// requests that move idle limits. What is acknowledged stands: no token lives.
func TestAttack50SignOutEverywhereBesideRefreshes(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(3, 20) {
		leaver := newVisitor()
		leaver.goThrough(t, h.replicas[0], "/auth/login?return_to=/", h.person.Subject)
		app := h.newPhone(t, h.replicas[1], h.person.Subject)
		var mu sync.Mutex
		tokens := []tokenAnswer{{Access: app.access, Refresh: app.refresh}}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for i, r := range h.replicas {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					mu.Lock()
					last := tokens[len(tokens)-1]
					mu.Unlock()
					if i == 0 {
						h.alive(r, last.Access)
						continue
					}
					status, got := h.renew(r, last.Refresh)
					switch status {
					case http.StatusOK:
						mu.Lock()
						tokens = append(tokens, got)
						mu.Unlock()
					case http.StatusBadRequest: // it is over
						return
					}
				}
			})
		}
		<-time.After(time.Duration(20+round*7) * time.Millisecond)
		leave(t, leaver, h.replicas[0])
		<-time.After(1100 * time.Millisecond) // what one replica may take to hear of it
		close(stop)
		wg.Wait()
		for _, r := range h.replicas {
			for i, token := range tokens {
				if lives(t, r, h.holds(token.Access)) {
					t.Errorf("round %d: access token %d of %d lives at %s", round, i, len(tokens), r.name)
				}
			}
			if last := (&phone{h: h, refresh: tokens[len(tokens)-1].Refresh}); last.renew(t, r) {
				t.Errorf("round %d: %s gives tokens after the sign-out", round, r.name)
			}
		}
	}
}

// Attack 66 with two processes. Redis is short of room and throws keys away,
// though it should not: what it loses ends sessions, and none that has ended
// comes back, whatever was lost and whoever signs in afterwards.
func TestAttack66EvictedKeysReviveNothing(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for _, c := range []struct {
		name, pattern     string
		leave             bool // the person signs out everywhere first
		browser, app, any bool // what lives afterwards
	}{
		{"the epoch", "lr:a:*:epoch", false, false, false, true},
		{"the epoch, after signing out everywhere", "lr:a:*:epoch", true, false, false, true},
		{"records of browsers", "lr:s:*", false, false, true, true},
		{"records of apps", "lr:f:*", false, true, false, true},
		{"the lists", "lr:a:*:idx", false, true, true, true},
		{"the lists, after signing out everywhere", "lr:a:*:idx", true, false, false, true},
		{"the provider's sign-outs", "lr:opout:*", false, true, true, false},
	} {
		browser := newVisitor()
		browser.goThrough(t, h.replicas[0], "/auth/login?return_to=/", h.person.Subject)
		app := h.newPhone(t, h.replicas[1], h.person.Subject)
		if c.leave {
			leave(t, browser.again(), h.replicas[1])
		}
		if n := h.redis.evict(c.pattern); n == 0 && c.any {
			t.Errorf("%s: there are no such keys", c.name)
		}
		looks := func(when string, wantBrowser, wantApp bool) {
			t.Helper()
			for _, r := range h.replicas {
				if alive := lives(t, r, signedIn(browser)); alive != wantBrowser {
					t.Errorf("%s, %s: the browser's session lives: %t at %s", c.name, when, alive, r.name)
				}
				if alive := lives(t, r, h.holds(app.access)); alive != wantApp {
					t.Errorf("%s, %s: the app's session lives: %t at %s", c.name, when, alive, r.name)
				}
			}
		}
		looks("afterwards", c.browser, c.app)
		newVisitor().goThrough(t, h.replicas[1], "/auth/login?return_to=/", h.person.Subject)
		looks("after another sign-in", c.browser, c.app)
		if got := app.renew(t, h.replicas[0]); got != c.app {
			t.Errorf("%s: a refresh gives tokens: %t", c.name, got)
		}
		// Whatever is left ends with a sign-out everywhere, lists or no lists.
		leaver := newVisitor()
		leaver.goThrough(t, h.replicas[0], "/auth/login?return_to=/", h.person.Subject)
		leave(t, leaver, h.replicas[0])
		looks("after signing out everywhere", false, false)
	}
}

// leave signs out everywhere, until that is acknowledged.
func leave(t testing.TB, v *visitor, r *replica) {
	t.Helper()
	eventually(t, 10*time.Second, "the sign-out is acknowledged", func() bool { return v.signOut(r, true).status == http.StatusOK })
}
