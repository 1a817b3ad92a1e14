package cluster_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// F9. Redis loses everything: sessions end, and nothing that is durable moves.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	l := h.newLink("maxRedemptions", 2)
	id := "before-the-flush-of-the-test"
	if out := outcomeOf(newVisitor().must(t, h.replicas[0], redeemLink, redemption(l.secret, id, ""))); out != opened {
		t.Fatal(out)
	}
	key := input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", "flushed")
	made := linkOf(h.learner.must(t, h.replicas[0], createLink, key)).id
	h.learner.must(t, h.replicas[1], setSharing, input("optOut", true, "consequencesAcknowledged", true))

	h.redis.flush()
	for _, r := range h.replicas {
		if a := h.learner.ask(r, whoAmI, nil); a.text("learner", "uln") != "" {
			t.Errorf("%s: a session outlived Redis", r.name)
		}
		if out := outcomeOf(newVisitor().must(t, r, redeemLink, redemption(l.secret, "", ""))); out != "PAUSED" {
			t.Errorf("%s: the link says %s", r.name, out)
		}
	}
	h.learner = newVisitor()
	h.learner.signIn(t, h.replicas[1], h.person.Subject)
	if again := linkOf(h.learner.must(t, h.replicas[1], createLink, key)).id; again != made {
		t.Errorf("the key made %s and now %s", made, again)
	}
	h.learner.must(t, h.replicas[0], setSharing, input("optOut", false, "resumeLinks", true))
	for i, want := range []struct{ id, out string }{{id, opened}, {"after-the-flush-of-the-test", opened}, {"third-after-the-flush-of-the-test", "USED_UP"}} {
		if out := outcomeOf(newVisitor().must(t, h.replicas[i%2], redeemLink, redemption(l.secret, want.id, ""))); out != want.out {
			t.Errorf("opening %d: %s, want %s", i, out, want.out)
		}
	}
}

// F21. One replica sees Redis and not the store, the other the store and not
// Redis: neither is ready, neither discloses what it cannot check, a link opens
// where the store is, and the use is spent once.
func TestAsymmetricPartition(t *testing.T) {
	h := replicated(t)
	l := h.newLink("maxRedemptions", 1)
	noStore, noRedis := h.replicas[0], h.replicas[1]
	h.stores[0].Stop()
	h.caches[1].stop()
	for _, r := range h.replicas {
		eventually(t, 5*time.Second, r.name+" is not ready", func() bool { return r.probe("/readyz") == http.StatusServiceUnavailable })
		h.refusedWell(t, "the record at "+r.name, h.learner.ask(r, whoAmI, nil), quick)
		h.refusedWell(t, "opting out at "+r.name, h.learner.ask(r, setSharing, input("optOut", true, "consequencesAcknowledged", true)), quick)
	}
	id := "across-the-partition-of-the-test"
	h.refusedWell(t, "a link without the store", newVisitor().ask(noStore, redeemLink, redemption(l.secret, id, "")), quick)
	if out := outcomeOf(newVisitor().ask(noRedis, redeemLink, redemption(l.secret, id, ""))); out != opened {
		t.Errorf("a link without Redis: %s", out)
	}
	if err := h.stores[0].Start(); err != nil {
		t.Fatal(err)
	}
	h.caches[1].start(t)
	for _, r := range h.replicas {
		eventually(t, recovery, r.name+" serves again", func() bool {
			return r.probe("/readyz") == http.StatusOK && h.learner.ask(r, whoAmI, nil).text("learner", "uln") != ""
		})
	}
	for i, want := range []struct{ id, out string }{{id, opened}, {"another-after-it-of-the-test", "USED_UP"}} {
		if out := outcomeOf(newVisitor().must(t, h.replicas[i], redeemLink, redemption(l.secret, want.id, ""))); out != want.out {
			t.Errorf("opening %d: %s, want %s", i, out, want.out)
		}
	}
}

// F13. The provider is gone: who is signed in stays so, who wants to sign in
// learns so, a person by a page and a program by a 503; links open. (Keys that are rotated or
// garbage, and clocks that differ: package signin's own tests.)
func TestProviderAway(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	l := h.newLink()
	h.replicas[0].kill() // it runs the provider
	r := h.replicas[1]
	for range 3 {
		if a := h.learner.ask(r, whoAmI, nil); a.text("learner", "uln") == "" {
			t.Errorf("signed in before: %s", a.raw)
		}
	}
	if out := outcomeOf(newVisitor().ask(r, redeemLink, redemption(l.secret, "", ""))); out != opened {
		t.Errorf("a link: %s", out)
	}
	if got := r.probe("/readyz"); got != http.StatusOK {
		t.Errorf("a provider that is away must not take the replica out: %d", got)
	}
	r.kill()
	r.env["PUBLIC_URL"] = r.url // so that its problem page is its own
	r.up()
	program := newVisitor()
	program.accept = "application/json"
	if p := program.do(http.MethodGet, r.url+"/auth/login?return_to=/", "", ""); p.status != http.StatusServiceUnavailable || !strings.Contains(p.body, "provider_unavailable") {
		t.Errorf("a program without a provider: %d %v %s", p.status, p.err, p.body)
	}
	if p := newVisitor().do(http.MethodGet, r.url+"/auth/login?return_to=/", "", ""); !strings.Contains(p.url, "provider_unavailable") || !strings.Contains(p.body, "You cannot sign in at the moment") {
		t.Errorf("a person without a provider: %d %v %s\n%.300s", p.status, p.err, p.url, p.body)
	}
	if a := h.learner.ask(r, whoAmI, nil); a.text("learner", "uln") == "" {
		t.Errorf("signed in before, at a replica that started without the provider: %s", a.raw)
	}
}

// F20. A newer version has written fields that this one does not know: they
// survive what this one writes. There is no older version that speaks to a
// store over the wire, so this stands for a mixture of versions.
func TestFieldsOfANewerVersionSurvive(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	l := h.newLink("maxRedemptions", 5)
	client, err := mongo.Connect(options.Client().ApplyURI(h.mongo.URI()).
		SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	defer func() { _ = client.Disconnect(ctx) }()
	sharing := client.Database("openplr").Collection("sharing")
	ours := bson.D{{Key: "_id", Value: string(h.person.ULN)}}
	newer := bson.D{{Key: "ofANewerVersion", Value: "kept"}, {Key: "links." + l.id + ".ofANewerVersion", Value: "kept"}}
	if got, err := sharing.UpdateOne(ctx, ours, bson.D{{Key: "$set", Value: newer}}); err != nil || got.MatchedCount != 1 {
		t.Fatalf("%v %v", got, err)
	}
	for i, r := range h.replicas {
		h.learner.must(t, r, setSharing, input("optOut", true, "consequencesAcknowledged", true))
		h.learner.must(t, r, setSharing, input("optOut", false, "resumeLinks", true))
		if out := outcomeOf(newVisitor().must(t, r, redeemLink, redemption(l.secret, fmt.Sprintf("newer-version-%d-of-the-test", i), ""))); out != opened {
			t.Errorf("%s: %s", r.name, out)
		}
		h.newLink()
	}
	var stored bson.Raw
	if err := sharing.FindOne(ctx, ours).Decode(&stored); err != nil {
		t.Fatal(err)
	}
	for _, path := range [][]string{{"ofANewerVersion"}, {"links", l.id, "ofANewerVersion"}} {
		if got, _ := stored.Lookup(path...).StringValueOK(); got != "kept" {
			t.Errorf("%v is lost", path)
		}
	}
}
