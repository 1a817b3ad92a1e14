package cluster_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/cluster/mongotest"
)

// quick is how soon a caller must learn that the store does not answer: two
// seconds, and some for a busy machine.
const quick = 2500 * time.Millisecond

// recovery is how soon a replica serves again, without a restart, when what was
// gone is back.
const recovery = 10 * time.Second

// refusedWell fails the test unless the answer is a quick 503 that says when to
// come again and discloses nothing.
func (h *house) refusedWell(t testing.TB, what string, a *answer, within time.Duration) {
	t.Helper()
	if a.err != nil || a.status != http.StatusServiceUnavailable || a.retryAfter == "" || a.code() != "UNAVAILABLE" || a.took > within || strings.Contains(a.raw, h.person.FamilyName) {
		t.Errorf("%s: %d %v Retry-After %q after %s: %s", what, a.status, a.err, a.retryAfter, a.took, a.raw)
	}
}

// works waits until replica r serves everything again.
func (h *house) works(t testing.TB, r *replica, l link) {
	t.Helper()
	eventually(t, recovery, r.name+" serves again", func() bool {
		return r.probe("/readyz") == http.StatusOK && h.learner.ask(r, whoAmI, nil).text("learner", "uln") != "" &&
			outcomeOf(newVisitor().ask(r, redeemLink, redemption(l.secret, "", ""))) == opened
	})
}

// F1. The store is not there when a replica starts: it starts, says that it is
// alive and not ready, refuses, and serves as soon as the store is there.
func TestStoreAwayAtStart(t *testing.T) {
	h := prepared(t)
	h.replicas[0].up()
	h.stores[1].Stop()
	r := h.replicas[1]
	r.start()
	eventually(t, 10*time.Second, "alive without a store", func() bool { return r.probe("/healthz") == http.StatusOK })
	h.replicas[1] = h.replicas[0] // to make the learner and a link
	h.settle()
	l := h.newLink()
	h.replicas[1] = r
	if got := r.probe("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("ready without a store: %d", got)
	}
	for range 3 {
		h.refusedWell(t, "the record", h.learner.ask(r, whoAmI, nil), quick)
		h.refusedWell(t, "a link", newVisitor().ask(r, redeemLink, redemption(l.secret, "", "")), quick)
	}
	if err := h.stores[1].Start(); err != nil {
		t.Fatal(err)
	}
	h.works(t, r, l)
}

// F2. The store goes away and comes back, while 50 people ask.
func TestStoreAwayInOperation(t *testing.T) {
	h := replicated(t)
	r := h.replicas[1]
	l := h.newLink("maxRedemptions", 1)
	h.works(t, r, h.newLink())
	// The same crowd with the store there, so that the pools are as full as they get.
	crowd(200, 50, func(int) { h.learner.ask(r, whoAmI, nil) })
	before := r.fileHandles()
	for range times(1, 5) {
		h.stores[1].Stop()
		var mu sync.Mutex
		slowest := time.Duration(0)
		crowd(times(200, 1000), 50, func(i int) {
			var a *answer
			if i%2 == 0 {
				a = h.learner.ask(r, whoAmI, nil)
			} else {
				a = newVisitor().ask(r, redeemLink, redemption(l.secret, fmt.Sprintf("while-it-was-away-%d-of-the-test", i), ""))
			}
			h.refusedWell(t, fmt.Sprint("request ", i), a, quick)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, a.took)
		})
		t.Logf("the slowest refusal took %s", slowest)
		if r.probe("/readyz") != http.StatusServiceUnavailable || r.probe("/healthz") != http.StatusOK {
			t.Error("without a store it must be alive and not ready")
		}
		// The other replica does not suffer.
		if a := h.learner.ask(h.replicas[0], whoAmI, nil); a.text("learner", "uln") == "" {
			t.Errorf("the other replica: %s", a.raw)
		}
		if err := h.stores[1].Start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		h.works(t, r, h.newLink())
		t.Logf("serving again after %s", time.Since(began))
	}
	if used, _ := h.uses(h.replicas[0], l); used != 0 {
		t.Errorf("%d uses spent while the store was away", used)
	}
	t.Logf("%d open files and connections before, %d at the end", before, r.fileHandles())
	eventually(t, recovery, "open files and connections are as many as before", func() bool { return r.fileHandles() <= before+20 })
}

// F3. The store did it, the answer was lost: asking again with the same key, or
// the same redemption id, gives exactly one effect.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for name, op := range map[string]fatal{
		"createShareLink": fatalCreate(&roundState{}), "redeem": fatalRedeem(&roundState{}),
		"opt-out": fatalOptOut(&roundState{}), "raise challenge": fatalChallenge(&roundState{}),
	} {
		t.Run(name, func(t *testing.T) {
			points := slices.DeleteFunc(commandsOf(t, h, op), func(p killPoint) bool { return p.after })
			slices.SortStableFunc(points, func(a, b killPoint) int { return cmp.Compare(b.weight, a.weight) }) // writes first
			for round := 1; round <= min(len(points), times(4, 9)); round++ {
				n := points[round-1].n
				op.begin(h, round)
				// The driver sends a write again; both answers are lost.
				h.stores[1].Intercept(loseReplies(n))
				got := op.run(h, h.replicas[1])
				h.stores[1].Intercept(nil)
				if got.err != nil {
					t.Errorf("command %d: the caller got no answer: %v", n, got.err)
				}
				t.Run(fmt.Sprint("command ", n), func(t *testing.T) {
					eventually(t, recovery, "ready", func() bool { return h.replicas[1].probe("/readyz") == http.StatusOK })
					op.check(t, h, got)
				})
				h.clear()
			}
		})
	}
}

// loseReplies lets the commands from the n-th on be done and drops two answers.
func loseReplies(n int) func(*mongotest.Command) mongotest.Action {
	var mu sync.Mutex
	seen := 0
	return func(*mongotest.Command) mongotest.Action {
		mu.Lock()
		defer mu.Unlock()
		seen++
		return mongotest.Action{DropReply: seen == n || seen == n+1}
	}
}

// F4. A slow store: health is quick all the while, everything is answered in
// bounded time, and what cannot be done in time is refused.
func TestSlowStore(t *testing.T) {
	h := replicated(t)
	r := h.replicas[1]
	for _, delay := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 10 * time.Second} {
		l := h.newLink()
		h.stores[1].Delay(delay)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				// A redemption is a dozen steps. An operation may take ten seconds, and
				// letting go of its lease two more.
				a := newVisitor().ask(r, redeemLink, redemption(l.secret, "", ""))
				if a.err != nil || a.took > 13*time.Second {
					t.Errorf("delay %s: %d %v after %s: %s", delay, a.status, a.err, a.took, a.raw)
				}
				if delay > 2*time.Second {
					h.refusedWell(t, "delay "+delay.String(), a, 2*quick)
				}
			})
			wg.Go(func() {
				began := time.Now()
				if got := r.probe("/healthz"); got != http.StatusOK || time.Since(began) > 500*time.Millisecond {
					t.Errorf("delay %s: health %d after %s", delay, got, time.Since(began))
				}
			})
		}
		wg.Wait()
		h.stores[1].Delay(0)
		h.works(t, r, h.newLink())
		h.clear()
	}
}

// F5. The primary steps down again and again in the midst of writes. The driver
// asks once more; what stays unknown is known by its key.
func TestStepDown(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for round := range times(3, 30) {
		for i, store := range h.stores {
			store.Intercept(stepDowns(uint64(round*2 + i)))
		}
		useLimitRound(t, h, 3, round, times(30, 100))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		creates := &made{ids: map[string]string{}}
		crowd(10, 5, func(i int) {
			key := fmt.Sprintf("step-down-%d-%d", round, i)
			insist(ctx, func() string {
				a := h.learner.ask(h.replicas[i%2], createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", key))
				creates.note(key, linkOf(a).id)
				return ownerOutcome(a)
			})
		})
		cancel()
		for _, store := range h.stores {
			store.Intercept(nil)
		}
		h.repeatCreates(t, creates, 0)
		h.clear()
	}
}

// stepDowns answers every seventh write or so as a server that is no primary
// any more, in one of the ways there are, and drops an answer now and then.
func stepDowns(seed uint64) func(*mongotest.Command) mongotest.Action {
	var mu sync.Mutex
	n := seed
	return func(c *mongotest.Command) mongotest.Action {
		mu.Lock()
		defer mu.Unlock()
		if !writes(c) {
			return mongotest.Action{}
		}
		switch n++; n % 14 {
		case 0:
			return mongotest.Action{Reply: steppedDown(10107, "NotWritablePrimary")}
		case 5:
			return mongotest.Action{Reply: steppedDown(91, "ShutdownInProgress")}
		case 9:
			return mongotest.Action{Reply: steppedDown(189, "PrimarySteppedDown")}
		case 12:
			return mongotest.Action{DropReply: true}
		}
		return mongotest.Action{}
	}
}
