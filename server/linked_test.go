package main

import (
	"testing"
	"time"

	"openplr/plr"
)

// Somebody whose number the register has linked to another keeps one record and
// one switch, whichever number their account was bound to.
func TestLinkedNumberSharesAsTheMaster(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	leaver, adult := samplePeople(t)[0], samplePeople(t)[1]
	learner, other := h.signedIn(leaver.Subject), h.signedIn(samplePeople(t)[2].Subject)
	_, before := sharedLink(t, learner)

	// The register links the number to a new one, which nobody is bound to.
	const master = plr.ULN("9900002007")
	if !master.Valid() {
		t.Fatal("the test's number has a wrong check digit")
	}
	link := func(to plr.ULN, old plr.ULN) {
		t.Helper()
		name := plr.EventIDOf("990000000001")
		update := plr.RecordUpdate{ULN: to, Linked: []plr.ULN{old}, EventsAnswer: true, Events: []plr.LearningEvent{{ID: name, EventID: "990000000001", Source: plr.SourceAO}}}
		if _, err := h.app.service.ImportRecords(t.Context(), []plr.RecordUpdate{update}); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(2 * time.Second) // accounts are remembered for a second
	}
	link(master, leaver.ULN)
	if a := learner.must(`{ learner { uln learningEvents { totalCount } } }`, nil); a.at("learner", "uln") != string(master) {
		t.Fatalf("%s", a.raw)
	}
	if a := h.browser().must(redeem, redeemVars(before, "")); outcome(a) != "ShareUnavailable" || a.at("redeemShareLink", "outcome", "reason") != nil {
		t.Errorf("a link nobody can revoke any more still opens: %s", a.raw)
	}
	_, secret := sharedLink(t, learner)
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	if a := learner.must(`{ learner { sharingPreference { optedOut } } }`, nil); a.at("learner", "sharingPreference", "optedOut") != true {
		t.Errorf("%s", a.raw)
	}
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "ShareUnavailable" {
		t.Errorf("%s", a.raw)
	}

	// Two accounts must never reach one record.
	link(adult.ULN, samplePeople(t)[2].ULN)
	if a := other.must(`{ viewer { identity { status } } learner { uln } }`, nil); a.at("learner") != nil || a.at("viewer", "identity", "status") != "SUSPENDED" {
		t.Errorf("a second account reaches somebody's record: %s", a.raw)
	}
}
