package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// kill -9 at any moment, in the midst of everything that meets on a link:
// what was acknowledged is there afterwards, and one order explains every answer
// before and after. It strikes the only process of an embedded house and the
// second replica of the other.
func TestKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	bothHouses(t, func(t *testing.T, h *house) {
		random := rand.New(rand.NewPCG(2, 2))
		for round := range times(8, 60) {
			killRound(t, h, round, time.Duration(random.Int64N(int64(60*time.Millisecond))))
		}
	})
}

// made are the effects that a round asked for, by what makes them safe to repeat.
type made struct {
	mu   sync.Mutex
	ids  map[string]string // what each key was answered with; "" when the answer was lost
	sort []string
}

func (m *made) note(key, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.ids[key]; !ok {
		m.sort = append(m.sort, key)
	}
	if id != "" || m.ids[key] == "" {
		m.ids[key] = id
	}
}

func killRound(t *testing.T, h *house, round int, after time.Duration) {
	t.Helper()
	const limit = 5
	l := h.newLink("maxRedemptions", limit)
	past := newHistory()
	creates := &made{ids: map[string]string{}}
	victim := h.processes()[len(h.processes())-1]
	var wg sync.WaitGroup
	until := func(do func(i int) string) {
		wg.Go(func() {
			for i := range 30 {
				if out := do(i); out == lostOutcome || out == "" {
					return // the process is gone
				}
			}
		})
	}
	for worker := range 3 {
		someone := newVisitor()
		until(func(i int) string {
			id := fmt.Sprintf("kill-%d-%d-%d-of-the-test", round, worker, i/2)
			return past.do(step{actClaim, id}, func() string {
				return outcomeOf(someone.ask(victim, redeemLink, redemption(l.secret, id, "")))
			})
		})
	}
	until(func(i int) string {
		key := fmt.Sprintf("kill-%d-%d", round, i)
		creates.note(key, "")
		a := h.learner.ask(victim, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", key))
		creates.note(key, linkOf(a).id)
		return ownerOutcome(a)
	})
	until(func(i int) string {
		a, in := actOptOut, input("optOut", true, "consequencesAcknowledged", true)
		if i%2 == 1 {
			a, in = actResume, input("optOut", false, "resumeLinks", true)
		}
		return past.do(step{act: a}, func() string { return ownerOutcome(h.learner.ask(victim, setSharing, in)) })
	})
	<-time.After(after)
	victim.kill()
	wg.Wait()
	victim.up()
	if h.mongo == nil { // its sessions were in the process
		h.learner = newVisitor()
		h.learner.signIn(t, victim, h.person.Subject)
	}
	for _, r := range h.replicas {
		past.do(step{act: actLook}, func() string { return h.look(r, l) })
	}
	h.repeatClaims(past, l)
	for _, r := range h.replicas {
		past.do(step{act: actLook}, func() string { return h.look(r, l) })
	}
	past.mustHold(t, limit)
	h.repeatCreates(t, creates, 1)
	used, _ := h.uses(h.replicas[0], l)
	if n := h.disclosures(l, "DISCLOSED"); n > used {
		t.Errorf("round %d: %d first openings recorded, %d uses counted", round, n, used)
	}
	if n := h.disclosures(l, "DISCLOSED", "DISCLOSED_AGAIN"); n < past.outcomes(actClaim)[opened] {
		t.Errorf("round %d: %d openings recorded, %d answered", round, n, past.outcomes(actClaim)[opened])
	}
	h.clear()
}

// repeatClaims switches sharing on and asks again for every opening there was:
// those that were answered must still be repeats.
func (h *house) repeatClaims(past *history, l link) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	insist(ctx, func() string {
		return past.do(step{act: actResume}, func() string {
			return ownerOutcome(h.learner.ask(h.replicas[0], setSharing, input("optOut", false, "resumeLinks", true)))
		})
	})
	past.mu.Lock()
	ids := map[string]bool{}
	for _, op := range past.ops {
		if in := op.Input.(step); in.act == actClaim {
			ids[in.redemption] = true
		}
	}
	past.mu.Unlock()
	someone := newVisitor()
	for id := range ids {
		insist(ctx, func() string {
			return past.do(step{actClaim, id}, func() string {
				return outcomeOf(someone.ask(h.replicas[0], redeemLink, redemption(l.secret, id, "")))
			})
		})
	}
}

// repeatCreates asks again with every key at every replica: what was answered is
// given again, what was not exists once, and there is nothing else beside the
// links that were there before.
func (h *house) repeatCreates(t *testing.T, creates *made, before int) {
	t.Helper()
	for _, key := range creates.sort {
		for _, r := range h.replicas {
			a := h.learner.must(t, r, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", key))
			got := linkOf(a).id
			if want := creates.ids[key]; want != "" && got != want {
				t.Errorf("%s: key %s gave %s before and %s now", r.name, key, want, got)
			}
			creates.note(key, got)
		}
	}
	for _, r := range h.replicas {
		a := h.learner.must(t, r, readSharing, nil)
		live := 0
		for i := range 100 {
			switch a.text("learner", "shareLinks", "nodes", i, "status") {
			case "", "REVOKED":
			default:
				live++
			}
		}
		if live != before+len(creates.sort) {
			t.Errorf("%s has %d links, want %d", r.name, live, before+len(creates.sort))
		}
	}
}
