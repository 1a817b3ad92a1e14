package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// Of 500 people who try a link for n at once, at both replicas, exactly n get
// in, however the attempts fall. Whoever gets no answer asks again with the same
// redemption id, as the API says, and spends nothing twice.
func TestUseLimitAcrossReplicas(t *testing.T) {
	t.Parallel()
	rounds := times(5, 50)
	for _, limit := range []int{1, 7} {
		for from := 0; from < rounds; from += roundsPerHouse() {
			t.Run(fmt.Sprintf("limit %d from round %d", limit, from), func(t *testing.T) {
				t.Parallel()
				bothHouses(t, func(t *testing.T, h *house) {
					for round := from; round < min(from+roundsPerHouse(), rounds); round++ {
						useLimitRound(t, h, limit, round, times(60, 500))
					}
				})
			})
		}
	}
}

// roundsPerHouse bounds how many access entries a house holds: FerretDB reads
// them all to count some, and is too slow for the product's deadlines beyond a
// thousand or two.
func roundsPerHouse() int { return times(5, 2) }

func useLimitRound(t *testing.T, h *house, limit, round, attempts int) {
	l := h.newLink("maxRedemptions", limit)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	past := newHistory()
	var mu sync.Mutex
	counts := map[string]int{}
	people := []*visitor{newVisitor(), newVisitor()}
	crowd(attempts, 24, func(i int) {
		id := fmt.Sprintf("redemption-%d-%d-%d-of-the-test", limit, round, i)
		got := insist(ctx, func() string {
			return past.do(step{actClaim, id}, func() string {
				return outcomeOf(people[i%2].ask(h.replicas[i%2], redeemLink, redemption(l.secret, id, "")))
			})
		})
		mu.Lock()
		defer mu.Unlock()
		counts[got]++
	})
	if counts[opened] != limit || counts["USED_UP"] != attempts-limit {
		t.Errorf("limit %d, round %d: %v", limit, round, counts)
	}
	for _, r := range h.replicas {
		if n, status := h.uses(r, l); n != limit || status != "USED_UP" {
			t.Errorf("limit %d, round %d: %s counts %d, %s", limit, round, r.name, n, status)
		}
	}
	// An opening without an entry would be a disclosure nobody knows of.
	if n := h.disclosures(l, "DISCLOSED", "DISCLOSED_AGAIN"); n < limit {
		t.Errorf("limit %d, round %d: %d access entries", limit, round, n)
	}
	past.mustHold(t, limit)
	h.clear()
}

// Everything that meets on one link, at both replicas at once, has an order
// that explains every answer.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	bothHouses(t, func(t *testing.T, h *house) {
		for round := range times(6, 60) {
			h.jitter(uint64(round)+1, 4*time.Millisecond)
			mixedRound(t, h, round)
		}
	})
}

func mixedRound(t *testing.T, h *house, round int) {
	const limit = 9
	l := h.newLink("maxRedemptions", limit)
	past := newHistory()
	owner := func(a act, r *replica, query string, variables map[string]any) {
		past.do(step{act: a}, func() string { return ownerOutcome(h.learner.ask(r, query, variables)) })
	}
	var wg sync.WaitGroup
	for worker := range 6 {
		someone := newVisitor()
		wg.Go(func() {
			for i := range 5 {
				id := fmt.Sprintf("mixed-%d-%d-%d-of-the-test", round, worker, i/2) // every other one is a repeat
				past.do(step{actClaim, id}, func() string {
					return outcomeOf(someone.ask(h.replicas[(worker+i)%2], redeemLink, redemption(l.secret, id, "")))
				})
			}
		})
	}
	wg.Go(func() {
		off, on := input("optOut", true, "consequencesAcknowledged", true), input("optOut", false, "resumeLinks", true)
		owner(actOptOut, h.replicas[round%2], setSharing, off)
		owner(actResume, h.replicas[1-round%2], setSharing, on)
		if round%3 == 0 {
			owner(actRevoke, h.replicas[0], revokeLink, input("id", l.id))
		} else {
			owner(actOptOut, h.replicas[1-round%2], setSharing, off)
			owner(actOptIn, h.replicas[round%2], setSharing, input("optOut", false))
		}
	})
	wg.Wait()
	past.mustHold(t, limit)
	h.clear()
}
