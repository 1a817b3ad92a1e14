package main

import (
	"context"
	"sync/atomic"
	"testing"

	"openplr/plr"
)

// gatheringStore stops the first redemption between gathering and claiming.
type gatheringStore struct {
	plr.Store
	taken   atomic.Bool
	reached chan struct{}
	release chan struct{}
}

func (s *gatheringStore) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	if s.taken.CompareAndSwap(false, true) {
		s.reached <- struct{}{}
		<-s.release
	}
	return s.Store.ClaimRedemption(ctx, c)
}

// What was gathered before the owner narrowed a view, or challenged an event,
// never leaves after that was acknowledged.
func TestChangesOvertakeWhatWasGathered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(l *browser, view, event string)
		check  func(t *testing.T, events []any)
	}{
		"a field is taken away": {
			func(l *browser, view, _ string) {
				l.must(`mutation($i: UpdateConfiguredViewInput!) { updateConfiguredView(input: $i) { userErrors { code } } }`,
					vars("id", view, "expectedVersion", 1, "fields", []string{"SUBJECT"}))
			},
			func(t *testing.T, events []any) {
				if len(events) == 0 || events[0].(map[string]any)["grade"] != nil {
					t.Errorf("%v", events)
				}
			},
		},
		"sensitive data is reported": {
			func(l *browser, _, event string) {
				l.must(`mutation($i: RaiseDataChallengeInput!) { raiseDataChallenge(input: $i) { userErrors { code } } }`,
					vars("eventId", event, "kind", "SENSITIVE_DATA", "explanation", "This tells about my health."))
			},
			func(t *testing.T, events []any) {
				if len(events) != 0 {
					t.Errorf("the event still shows: %v", events)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := &gatheringStore{reached: make(chan struct{}), release: make(chan struct{})}
			h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { held.Store = s; return held }})
			learner := h.signedIn(samplePeople(t)[0].Subject)
			event := learner.must(`{ learner { learningEvents(first: 1) { nodes { id } } } }`, nil).at("learner", "learningEvents", "nodes", 0, "id").(string)
			view := learner.must(createView, vars("name", "One", "selection", map[string]any{"events": []string{event}}, "fields", []string{"SUBJECT", "GRADE"})).
				at("createConfiguredView", "configuredView", "id").(string)
			secret := secretOf(t, learner.must(createLink, vars("viewId", view, "purpose", "OTHER")).at("createShareLink", "shareLink", "url"))
			answered := make(chan *gqlAnswer, 1)
			go func() { answered <- h.browser().ask(redeem, redeemVars(secret, "")) }()
			<-held.reached
			c.change(learner, view, event)
			close(held.release)
			a := <-answered
			if outcome(a) != "SharedRecord" {
				t.Fatalf("%s", a.raw)
			}
			c.check(t, a.at("redeemShareLink", "outcome", "events").([]any))
			if n := learner.must(`{ learner { shareLinks { nodes { redemptionCount } } } }`, nil).at("learner", "shareLinks", "nodes", 0, "redemptionCount"); n != float64(1) {
				t.Errorf("%v uses were spent", n)
			}
		})
	}
}
