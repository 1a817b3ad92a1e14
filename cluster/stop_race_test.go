package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/cluster/mongotest"
)

// Opting out beside redemptions at both replicas, while the store is slow: when
// the acknowledgement arrives, every byte of every answer with data has arrived
// before it; whoever starts later is refused, at both replicas.
func TestOptOutAcrossReplicas(t *testing.T) {
	t.Parallel()
	bothHouses(t, func(t *testing.T, h *house) {
		random := rand.New(rand.NewPCG(1, 1))
		for round := range times(12, 200) {
			h.jitter(uint64(round)+1, time.Duration(random.IntN(8))*time.Millisecond)
			optOutRound(t, h, round, time.Duration(random.IntN(120))*time.Millisecond)
		}
		h.jitter(0, 0)
	})
}

// jitter makes the way to the store slow by up to about most, another time for
// each command. One decision in three is held back for much longer, so that it
// arrives when what it was based on may be over.
func (h *house) jitter(seed uint64, most time.Duration) {
	for i, store := range h.stores {
		if seed == 0 {
			store.Intercept(nil)
			continue
		}
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		store.Intercept(func(c *mongotest.Command) mongotest.Action {
			mu.Lock()
			defer mu.Unlock()
			delay := time.Duration(random.Int64N(int64(most) + 1))
			if c.Name == "findAndModify" && random.IntN(3) == 0 {
				delay += time.Duration(random.Int64N(int64(lateDecision)))
			}
			return mongotest.Action{Delay: delay}
		})
	}
}

const lateDecision = 300 * time.Millisecond

func optOutRound(t *testing.T, h *house, round int, wait time.Duration) {
	t.Helper()
	l := h.newLink()
	past := newHistory()
	var mu sync.Mutex
	var conns []*meteredConn
	var successes []*meteredConn
	var acked atomic.Bool
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				after := acked.Load()
				someone := newVisitor() // a connection of its own, so that its bytes are this answer's
				var conn *meteredConn
				id := fmt.Sprintf("opt-out-%d-%d-%d-of-the-test", round, worker, i)
				got := past.do(step{actClaim, id}, func() string {
					return outcomeOf(someone.send(h.replicas[(worker+i)%2], redeemLink, redemption(l.secret, id, ""), func(c *meteredConn) {
						mu.Lock()
						defer mu.Unlock()
						conn = c
						conns = append(conns, c)
					}))
				})
				someone.client.CloseIdleConnections()
				if got == opened {
					if after {
						t.Errorf("round %d: a link opened to somebody who began after the acknowledgement", round)
					}
					mu.Lock()
					successes = append(successes, conn)
					mu.Unlock()
				}
				if after {
					return
				}
			}
		})
	}
	<-time.After(wait)
	past.do(step{act: actOptOut}, func() string {
		a := h.learner.ask(h.replicas[round%2], setSharing, input("optOut", true, "consequencesAcknowledged", true))
		if a.at("setSharingPreference", "sharingPreference", "optedOut") != true {
			return lostOutcome
		}
		mu.Lock()
		for _, c := range conns {
			c.arrived()
		}
		mu.Unlock()
		acked.Store(true)
		return done
	})
	if !acked.Load() {
		close(stop)
	}
	wg.Wait()
	for _, c := range successes {
		if n := c.later(); n > 0 {
			t.Errorf("round %d: %d bytes of an answer with data arrived after the acknowledgement", round, n)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, r := range h.replicas {
		got := insist(ctx, func() string {
			return past.do(step{actClaim, "after-the-opt-out-of-the-test"}, func() string {
				return outcomeOf(newVisitor().ask(r, redeemLink, redemption(l.secret, "after-the-opt-out-of-the-test", "")))
			})
		})
		if acked.Load() && got != "PAUSED" {
			t.Errorf("round %d: after the acknowledgement %s says %s", round, r.name, got)
		}
	}
	if !acked.Load() {
		t.Errorf("round %d: the opt-out was not acknowledged", round)
	}
	past.mustHold(t, 0)
	h.clear()
}

// Signing out everywhere at one replica, beside requests of another session at
// the other: within a second the other session is over there too, and it never
// comes back, not even from a Redis that has forgotten the sign-out.
func TestSignOutEverywhereAcrossReplicas(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(3, 20) {
		first, second := newVisitor(), newVisitor()
		first.signIn(t, h.replicas[0], h.person.Subject)
		second.signIn(t, h.replicas[1], h.person.Subject)
		if a := second.ask(h.replicas[1], whoAmI, nil); a.text("learner", "uln") == "" {
			t.Fatalf("not signed in: %s", a.raw)
		}
		stale := h.redis.copyNow()
		var ack atomic.Int64
		began := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			other := second.again()
			wg.Go(func() {
				for {
					start, acked := time.Since(began), time.Duration(ack.Load())
					alive := other.ask(h.replicas[1], whoAmI, nil).text("learner", "uln") != ""
					if acked > 0 && alive && start > acked+time.Second {
						t.Errorf("round %d: alive %s after the sign-out", round, start-acked)
						return
					}
					if acked > 0 && start > acked+1100*time.Millisecond {
						return
					}
				}
			})
		}
		<-time.After(20 * time.Millisecond)
		eventually(t, 10*time.Second, "the sign-out is acknowledged", func() bool {
			return first.signOut(h.replicas[0], true).status == http.StatusOK
		})
		ack.Store(int64(time.Since(began)))
		wg.Wait()
		// The session's record comes back; the durable word stands against it.
		for _, f := range h.caches {
			f.lead(stale.addr)
		}
		for i, r := range h.replicas {
			var a *answer
			eventually(t, 10*time.Second, "an answer with the stale Redis", func() bool {
				a = second.ask(r, whoAmI, nil)
				return !a.unknown()
			})
			if a.text("learner", "uln") != "" {
				t.Errorf("round %d: replica %d revives a session that was ended", round, i+1)
			}
		}
		for _, f := range h.caches {
			f.lead(h.redis.addr)
		}
		stale.kill()
		h.learner = newVisitor()
		eventually(t, 10*time.Second, "signing in again", func() bool {
			p := h.learner.trySignIn(h.replicas[0], h.person.Subject)
			return p.status == http.StatusOK && h.learner.ask(h.replicas[1], whoAmI, nil).text("learner", "uln") != ""
		})
	}
}
