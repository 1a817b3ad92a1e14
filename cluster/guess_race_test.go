package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

const rightPIN = "k7qx9zw2"

// However many people try PINs at both replicas, five are looked at. Neither a
// Redis that loses everything nor a restart of all processes gives another; the
// owner does, five more each time.
func TestGuessesAcrossReplicas(t *testing.T) {
	t.Parallel()
	bothHouses(t, func(t *testing.T, h *house) {
		for round := range times(2, 10) {
			l := h.newLink("pin", rightPIN)
			for budget := 1; budget <= 2; budget++ {
				guess(t, h, l, 40)
				if n := h.disclosures(l, "WRONG_PIN"); n != 5*budget {
					t.Errorf("round %d: %d guesses were looked at, want %d", round, n, 5*budget)
				}
				lose(h)
				guess(t, h, l, 10)
				// The right PIN comes too late, and nothing tells it from a wrong one.
				if got := tryPIN(t, h, h.replicas[1], l, rightPIN); got != "PinRequired" {
					t.Errorf("round %d: the right PIN on a frozen link: %s", round, got)
				}
				if n := h.disclosures(l, "WRONG_PIN"); n != 5*budget {
					t.Errorf("round %d: after the loss %d guesses were looked at, want %d", round, n, 5*budget)
				}
				h.learner.must(t, h.replicas[0], unfreeze, input("id", l.id))
			}
			if got := tryPIN(t, h, h.replicas[0], l, rightPIN); got != opened {
				t.Errorf("round %d: the right PIN: %s", round, got)
			}
			h.clear()
		}
	})
}

// guess tries n wrong PINs at once at both replicas.
func guess(t *testing.T, h *house, l link, n int) {
	var mu sync.Mutex
	counts := map[string]int{}
	crowd(n, 20, func(i int) {
		got := tryPIN(t, h, h.replicas[i%2], l, fmt.Sprintf("wrong%04d", i))
		mu.Lock()
		defer mu.Unlock()
		counts[got]++
	})
	if counts["PinRequired"] != n {
		t.Errorf("wrong PINs: %v", counts)
	}
}

func tryPIN(t *testing.T, h *house, r *replica, l link, pin string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	someone := newVisitor()
	return insist(ctx, func() string { return outcomeOf(someone.ask(r, redeemLink, redemption(l.secret, "", pin))) })
}

// lose loses everything that is not durable: Redis and all processes.
func lose(h *house) {
	h.t.Helper()
	if h.redis != nil {
		h.redis.flush()
	}
	for _, r := range h.processes() {
		r.kill()
	}
	for _, r := range h.processes() {
		r.up()
	}
	h.learner = newVisitor()
	h.learner.signIn(h.t, h.replicas[0], h.person.Subject)
}

// processes are the replicas, each once.
func (h *house) processes() []*replica {
	if h.mongo == nil {
		return h.replicas[:1]
	}
	return h.replicas
}

// A hundred calls with one key at both replicas make one link; the same key
// with another input makes none.
func TestIdempotentCreateAcrossReplicas(t *testing.T) {
	t.Parallel()
	bothHouses(t, func(t *testing.T, h *house) {
		for round := range times(3, 50) {
			key := fmt.Sprintf("round-%d", round)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			var mu sync.Mutex
			ids := map[string]int{}
			crowd(100, 24, func(i int) {
				var a *answer
				insist(ctx, func() string {
					a = h.learner.ask(h.replicas[i%2], createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", key))
					return ownerOutcome(a)
				})
				mu.Lock()
				defer mu.Unlock()
				ids[linkOf(a).id]++
			})
			cancel()
			if len(ids) != 1 || ids[""] > 0 {
				t.Errorf("round %d: %v", round, ids)
			}
			other := h.learner.ask(h.replicas[round%2], createLink, input("viewId", h.view, "purpose", "EDUCATION", "idempotencyKey", key))
			if other.at("createShareLink", "shareLink") != nil || other.text("createShareLink", "userErrors", 0, "code") != "CONFLICT" {
				t.Errorf("round %d: the key with another input: %s", round, other.raw)
			}
			for _, r := range h.replicas {
				if n := h.learner.must(t, r, readSharing, nil).number("learner", "shareLinks", "totalCount"); n != round+1 {
					t.Errorf("round %d: %s has %d links", round, r.name, n)
				}
			}
			h.clear()
		}
	})
}
