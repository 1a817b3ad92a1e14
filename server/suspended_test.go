package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"openplr/plr"
)

// Case K over the API: whoever was proved to be born on another day reaches
// nothing of the record by any way, nor does anybody by what they shared.
func TestSuspendedAccountReachesNothing(t *testing.T) {
	t.Parallel()
	var store plr.Store
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store {
		store = s
		return s
	}})
	person := sample(t, adult)
	b := h.signedIn(person.Subject)
	id, secret := sharedLink(t, b)
	view := b.everythingView()
	learner := b.must(`{learner{id uln learningEvents(first:1){nodes{id}}}}`, nil)
	event := learner.at("learner", "learningEvents", "nodes", 0, "id").(string)
	image := fmt.Sprintf("/share-links/%s/qr.png", id)
	if p := b.get(image); p.status != http.StatusOK {
		t.Fatalf("%d", p.status)
	}
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Fatalf("%s", a.raw)
	}
	account, err := store.AccountOf(t.Context(), person.ULN)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app.service.ProveIdentity(t.Context(), account.ID, plr.VerifiedIdentity{
		Names: []plr.VerifiedName{{Given: "Any", Family: "Name"}}, BirthDate: "1901-02-03", Route: plr.RouteOneLoginP2, ProvedAt: h.clock.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Second) // what is known of an account may be a second old
	a := b.must(`{viewer{signedIn identity{status boundAt}} learner{uln}}`, nil)
	if a.at("learner") != nil || a.at("viewer", "signedIn") != true || a.at("viewer", "identity", "status") != "SUSPENDED" {
		t.Errorf("%s", a.raw)
	}
	for _, node := range []string{id, view, event, learner.at("learner", "id").(string)} {
		if a := b.must(`query($id:ID!){node(id:$id){id}}`, map[string]any{"id": node}); a.at("node") != nil {
			t.Errorf("%s", a.raw)
		}
	}
	if p := b.get(image); p.status != http.StatusNotFound {
		t.Errorf("the picture: %d", p.status)
	}
	for name, m := range map[string]struct {
		query string
		in    map[string]any
	}{
		"a view":   {createView, vars("name", "All", "selection", map[string]any{"everything": true})},
		"a link":   {createLink, vars("viewId", view, "purpose", "EMPLOYMENT")},
		"revoking": {revokeLink, vars("id", id)},
		"opt-in":   {setSharing, vars("optOut", false, "resumeLinks", true)},
		"a claim":  {claimRecord, vars("uln", string(person.ULN))},
	} {
		a := b.ask(m.query, m.in)
		if got := refusal(t, a); got != "!IDENTITY_REQUIRED" && (name != "a claim" || got != "LIMIT_REACHED") {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "ShareUnavailable" {
		t.Errorf("a link of theirs opens: %s", a.raw)
	}
}
