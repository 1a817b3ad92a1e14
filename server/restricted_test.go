package main

import (
	"testing"
	"time"

	"openplr/plr"
)

// A learner who comes under the sensitive learners policy keeps no link that
// the policy would not allow, whatever the switch says.
func TestRestrictionReachesOldLinks(t *testing.T) {
	t.Parallel()
	for name, movedBefore := range map[string]bool{"the switch never moved": false, "the switch moved before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			leaver := samplePeople(t)[0]
			learner := h.signedIn(leaver.Subject)
			if movedBefore {
				learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
				learner.must(setSharing, vars("optOut", false))
			}
			_, open := sharedLink(t, learner, "expiresAt", h.clock.Now().Add(300*24*time.Hour).Format(time.RFC3339))
			_, short := sharedLink(t, learner, "pin", "k7qx9zw2", "expiresAt", h.clock.Now().Add(48*time.Hour).Format(time.RFC3339))

			update := plr.RecordUpdate{ULN: leaver.ULN, Register: &plr.RegisterEntry{
				ULN: leaver.ULN, GivenName: leaver.GivenName, FamilyName: leaver.FamilyName, DateOfBirth: leaver.BirthDate, Restricted: true,
			}}
			if _, err := h.app.service.ImportRecords(t.Context(), []plr.RecordUpdate{update}); err != nil {
				t.Fatal(err)
			}
			closed := func(secret, pin string) {
				t.Helper()
				if a := h.browser().must(redeem, redeemVars(secret, pin)); outcome(a) != "ShareUnavailable" {
					t.Errorf("%s", a.raw)
				}
			}
			closed(open, "")
			if !movedBefore {
				closed(short, "k7qx9zw2")
			}
			learner.must(setSharing, vars("optOut", false))
			closed(open, "")
			if !movedBefore {
				closed(short, "k7qx9zw2") // resumeLinks was not asked for
			}
			learner.must(setSharing, vars("optOut", false, "resumeLinks", true))
			closed(open, "")
			if a := h.browser().must(redeem, redeemVars(short, "k7qx9zw2")); outcome(a) != "SharedRecord" {
				t.Errorf("a link that keeps the rules: %s", a.raw)
			}
			id := learner.must(`{ learner { shareLinks(first: 2) { nodes { id status pinRequired } } } }`, nil)
			for i := range 2 {
				link := id.at("learner", "shareLinks", "nodes", i).(map[string]any)
				if link["pinRequired"] == true {
					continue
				}
				a := learner.ask(`mutation($i: ResumeShareLinkInput!) { resumeShareLink(input: $i) { shareLink { id } userErrors { code path } } }`, vars("id", link["id"]))
				if link["status"] != "PAUSED" || a.at("resumeShareLink", "userErrors", 0, "code") != "OUT_OF_RANGE" {
					t.Errorf("%v %s", link, a.raw)
				}
			}
		})
	}
}
