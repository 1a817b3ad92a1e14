package cluster_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
)

func writes(c *mongotest.Command) bool {
	switch c.Name {
	case "insert", "update", "delete", "findAndModify", "bulkWrite":
		return true
	}
	return false
}

func steppedDown(code int32, name string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: "not primary"}, {Key: "code", Value: code},
		{Key: "codeName", Value: name}, {Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}}
}

// F6. The store takes everything and answers nothing, and 500 people ask: each
// is refused soon, nothing is left behind, and it is over when the store is back.
func TestBlackHole(t *testing.T) {
	h := replicated(t)
	r, l := h.replicas[1], h.newLink()
	h.works(t, r, l)
	h.stores[1].BlackHole(true)
	var mu sync.Mutex
	slowest := time.Duration(0)
	var wg sync.WaitGroup
	for range 500 {
		someone := newVisitor()
		wg.Go(func() {
			a := someone.ask(r, redeemLink, redemption(l.secret, "", ""))
			someone.client.CloseIdleConnections()
			h.refusedWell(t, "in the storm", a, 2*quick)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, a.took)
		})
	}
	wg.Wait()
	t.Logf("the slowest of 500 refusals took %s", slowest)
	if r.probe("/healthz") != http.StatusOK {
		t.Error("not alive")
	}
	h.stores[1].BlackHole(false)
	began := time.Now()
	h.works(t, r, l)
	t.Logf("serving again after %s", time.Since(began))

	// As many goroutines as in a replica that had no storm, and some for
	// connections that have not idled out.
	calm := newReplica(t, "calm replica", nil)
	for k, v := range r.env {
		if k != "LISTEN_ADDR" && k != "DATA_DIR" {
			calm.env[k] = v
		}
	}
	calm.up()
	h.works(t, calm, l)
	stormy, quiet := r.goroutines(), calm.goroutines()
	t.Logf("%d goroutines after the storm, %d without one", stormy, quiet)
	if stormy > quiet+60 {
		t.Errorf("%d goroutines after the storm, %d without one", stormy, quiet)
	}
}

// Audit before data: an opening whose entry cannot be written shows nothing;
// whoever asked gets in with the same redemption id once it can, for one use.
func TestNoEntryNoData(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	for i, r := range h.replicas {
		l := h.newLink("maxRedemptions", 1)
		for name, act := range map[string]mongotest.Action{
			"refused":  {Reply: bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: "disk full"}, {Key: "code", Value: int32(14031)}, {Key: "codeName", Value: "OutOfDiskSpace"}}},
			"cut off":  {DropBefore: true},
			"too late": {Delay: 5 * time.Second, DropBefore: true},
		} {
			h.stores[i].Intercept(func(c *mongotest.Command) mongotest.Action {
				if c.Collection == "access_entries" && writes(c) {
					return act
				}
				return mongotest.Action{}
			})
			a := newVisitor().ask(r, redeemLink, redemption(l.secret, "the-one-who-waits-of-the-test", ""))
			if outcomeOf(a) != lostOutcome || strings.Contains(a.raw, h.person.FamilyName) || strings.Contains(a.raw, "SharedRecord") {
				t.Errorf("%s at %s: %d %s", name, r.name, a.status, a.raw)
			}
			h.refusedWell(t, name+" at "+r.name, a, 2*quick)
		}
		h.stores[i].Intercept(nil)
		if n := h.disclosures(l, "DISCLOSED", "DISCLOSED_AGAIN"); n != 0 {
			t.Errorf("%d openings recorded, none was shown", n)
		}
		if out := outcomeOf(newVisitor().must(t, r, redeemLink, redemption(l.secret, "the-one-who-waits-of-the-test", ""))); out != opened {
			t.Errorf("%s: once it can be recorded: %s", r.name, out)
		}
		if used, _ := h.uses(r, l); used != 1 {
			t.Errorf("%s: %d uses", r.name, used)
		}
		if n := h.disclosures(l, "DISCLOSED", "DISCLOSED_AGAIN"); n != 1 {
			t.Errorf("%d openings recorded, one was shown", n)
		}
	}
}
