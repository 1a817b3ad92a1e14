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
		first.signIn(t, h.replicas[0], h.person.Subject)
		second.signIn(t, h.replicas[1], h.person.Subject)
		app := h.newPhone(t, h.replicas[1], h.person.Subject)
		probes := []func(r *replica) (alive, known bool){
			func(r *replica) (bool, bool) { return signedIn(first, r) },
			func(r *replica) (bool, bool) { return signedIn(second, r) },
			func(r *replica) (bool, bool) { return h.alive(r, app.access) },
		}
		for i, probe := range probes {
			if alive, _ := probe(h.replicas[i%2]); !alive {
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
		if p := h.signOutAtProvider(h.person.Subject); p.status != http.StatusOK {
			t.Fatalf("round %d: the service did not take the sign-out: %d %v", round, p.status, p.err)
		}
		ack.Store(int64(time.Since(began)))
		wg.Wait()
		dead := func(when string) {
			t.Helper()
			for i, probe := range probes {
				for _, r := range h.replicas {
					var alive, known bool
					eventually(t, 10*time.Second, "an answer "+when, func() bool {
						alive, known = probe(r)
						return known
					})
					if alive {
						t.Errorf("round %d: session %d revived at %s %s", round, i, r.name, when)
					}
				}
			}
			if status, got := h.renew(h.replicas[round%2], app.refresh); status == http.StatusOK {
				t.Errorf("round %d: a refresh gave tokens %s: %+v", round, when, got.Session)
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
			alive, _ := signedIn(h.learner, h.replicas[1])
			return p.status == http.StatusOK && alive
		})
	}
}

// signedIn says whether replica r takes the visitor's cookie, and whether it could tell.
func signedIn(v *visitor, r *replica) (alive, known bool) {
	a := v.ask(r, `{ viewer { signedIn } }`, nil)
	return a.at("viewer", "signedIn") == true, !a.unknown()
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
		if alive, _ := signedIn(h.learner, r); !alive {
			t.Errorf("%s lost the browser's session", r.name)
		}
		if alive, _ := h.alive(r, app.access); !alive {
			t.Errorf("%s lost the app's session", r.name)
		}
	}
	if status, got := h.renew(h.replicas[1], app.refresh); status != http.StatusOK {
		t.Errorf("a refresh after the restart: %d %s", status, got.Error)
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
				if alive, _ := h.alive(r, access); !alive {
					t.Errorf("round %d: %s does not take the new token", round, r.name)
				}
				if alive, _ := h.alive(r, app.access); alive {
					t.Errorf("round %d: %s takes the old token", round, r.name)
				}
			}
			if status, _ := h.renew(h.replicas[(round+1)%2], refresh); status != http.StatusOK {
				t.Errorf("round %d: the next refresh was answered %d", round, status)
			}
		}
	}
}

// Attack 50 with two processes: signing out everywhere beside refreshes and
// requests that move idle limits. What is acknowledged stands: no token lives.
func TestAttack50SignOutEverywhereBesideRefreshes(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(3, 20) {
		leaver := newVisitor()
		leaver.signIn(t, h.replicas[0], h.person.Subject)
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
					if status == http.StatusOK {
						mu.Lock()
						tokens = append(tokens, got)
						mu.Unlock()
					} else if status == http.StatusBadRequest {
						return // it is over
					}
				}
			})
		}
		<-time.After(time.Duration(20+round*7) * time.Millisecond)
		eventually(t, 10*time.Second, "the sign-out is acknowledged", func() bool {
			return leaver.signOut(h.replicas[0], true).status == http.StatusOK
		})
		<-time.After(1100 * time.Millisecond) // what one replica may take to hear of it
		close(stop)
		wg.Wait()
		for _, r := range h.replicas {
			for i, token := range tokens {
				if alive, _ := h.alive(r, token.Access); alive {
					t.Errorf("round %d: access token %d of %d lives at %s", round, i, len(tokens), r.name)
				}
			}
			if status, _ := h.renew(r, tokens[len(tokens)-1].Refresh); status == http.StatusOK {
				t.Errorf("round %d: %s gives tokens after the sign-out", round, r.name)
			}
		}
	}
}
