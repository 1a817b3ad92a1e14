package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"openplr/cluster/mongotest"
)

// What one operation of a person costs in commands to MongoDB. The figures are
// what docs/operators/sizing.md reckons with: whoever adds a command there
// changes both, or finds a way around it. The end of an opening's lease is
// written after its answer, so it may be counted for what comes next.
func TestCommandsPerOperation(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	r := h.replicas[1]
	var mu sync.Mutex
	counts := map[string]int{}
	count := func(c *mongotest.Command) mongotest.Action {
		mu.Lock()
		defer mu.Unlock()
		counts[c.Name+" "+c.Collection]++
		return mongotest.Action{}
	}
	h.stores[0].Intercept(count) // people come back from the provider here
	h.stores[1].Intercept(count)
	open, locked := h.newLink(), h.newLink("pin", "k7qx9zw2")
	for _, c := range []struct {
		name string
		do   func()
		most int
	}{
		{"sign in", func() { newVisitor().signIn(t, r, h.person.Subject) }, 4},
		{"a page of the record", func() { h.learner.must(t, r, readEvents, nil) }, 5},
		{"make a link", func() { h.learner.must(t, r, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT")) }, 10},
		{"open a link", func() { newVisitor().must(t, r, redeemLink, redemption(open.secret, "", "")) }, 13},
		{"open a link with a PIN", func() { newVisitor().must(t, r, redeemLink, redemption(locked.secret, "", "k7qx9zw2")) }, 17},
		{"open an unknown link", func() { newVisitor().must(t, r, redeemLink, redemption(strings.Repeat("A", len(open.secret)), "", "")) }, 2},
		{"switch sharing off", func() { h.learner.must(t, r, setSharing, input("optOut", true, "consequencesAcknowledged", true)) }, 12},
	} {
		mu.Lock()
		clear(counts)
		mu.Unlock()
		c.do()
		mu.Lock()
		total := 0
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			total += counts[name]
			lines = append(lines, fmt.Sprintf("%d %s", counts[name], name))
		}
		mu.Unlock()
		t.Logf("%-24s %2d commands: %s", c.name, total, strings.Join(lines, ", "))
		if total > c.most {
			t.Errorf("%s costs %d commands, more than %d", c.name, total, c.most)
		}
	}
}
