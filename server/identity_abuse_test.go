package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

// Numbers are linked one after the other: who is bound to the first holds the
// record of the last, and nobody takes it from them.
func TestClaimOfARecordHeldByAChainOfNumbers(t *testing.T) {
	t.Parallel()
	for _, batches := range []string{"one import after the other", "one import", "one import, the later link first"} {
		t.Run(batches, func(t *testing.T) {
			t.Parallel()
			c := newClaims(t)
			first := c.learner("Anna", "Test", here)
			second, third := c.learner("Anna", "Test", "ZZ11 2BB"), c.learner("Anna", "Test", "ZZ12 3CC")
			holder := c.proved("Anna", "Test", here)
			c.ok(c.claim(holder))
			links := []plr.RecordUpdate{{ULN: second, Linked: []plr.ULN{first}}, {ULN: third, Linked: []plr.ULN{second}}}
			if strings.HasSuffix(batches, "first") {
				slices.Reverse(links)
			}
			if strings.HasPrefix(batches, "one import after") {
				for _, link := range links {
					_, err := c.service.ImportRecords(t.Context(), []plr.RecordUpdate{link})
					c.ok(err)
				}
			} else {
				_, err := c.service.ImportRecords(t.Context(), links)
				c.ok(err)
			}
			c.refused(c.claim(c.proved("Anna", "Test", "ZZ12 3CC")), plr.CodeNotMatched)
			if one := c.oneCase(plr.ReviewBoundElsewhere); one.Holder != holder.ID || one.ULN != third {
				t.Errorf("%+v", one)
			}
			if got := c.bound(holder); got != third {
				t.Errorf("the holder reaches %q", got)
			}
		})
	}
}

// A record that comes under the sensitive learners policy takes its cases away
// from caseworkers, and leaves them the rest.
func TestCasesOfARecordRestrictedLater(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Held", "Person", here)
	c.learner("Same", "Twin", here)
	c.learner("Same", "Twin", here)
	c.ok(c.claim(c.proved("Held", "Person", here)))
	c.refused(c.claim(c.proved("Held", "Person", here)), plr.CodeNotMatched)
	hidden := c.oneCase(plr.ReviewBoundElsewhere)
	c.refused(c.claim(c.proved("Same", "Twin", here)), plr.CodeNotMatched)
	_, err := c.service.ImportRecords(t.Context(), []plr.RecordUpdate{{ULN: uln, Register: &plr.RegisterEntry{
		ULN: uln, GivenName: "Held", FamilyName: "Person", DateOfBirth: "2005-06-07", LastKnownPostCode: here, Restricted: true,
	}}})
	c.ok(err)
	_, err = c.service.ReviewCase(t.Context(), caseworker, hidden.ID)
	c.refused(err, plr.CodeNotFound)
	page, err := c.service.ReviewCases(t.Context(), caseworker, plr.PageRequest{First: 1}, nil)
	c.ok(err)
	if page.Total != 1 || page.HasNext || len(page.Items) != 1 || page.Items[0].Kind != plr.ReviewSeveral {
		t.Errorf("a caseworker sees %d: %+v", page.Total, page.Items)
	}
	if _, err := c.service.ReviewEvidence(t.Context(), caseworker, page.Items[0].ID); err != nil {
		t.Error(err)
	}
	if got, err := c.service.ReviewCase(t.Context(), specialist, hidden.ID); err != nil || !got.Restricted || got.Version != hidden.Version {
		t.Errorf("%+v, %v", got, err)
	}
	c.refused(c.resolve(c.account(), caseworker, hidden.ID, plr.ReviewRefuse), plr.CodeNotFound)
	c.ok(c.resolve(c.account(), specialist, hidden.ID, plr.ReviewRefuse))
}

// The one who failed may be the sensitive learner: no case of theirs shows a
// caseworker who they are and where they live.
func TestCasesOfAClaimantOfARestrictedRecord(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Secret", "Person", here, restricted)
	c.learner("Secret", "Person", "ZZ11 2BB")
	c.learner("Secret", "Person", "ZZ11 2BB")
	a := c.proved("Secret", "Person", "ZZ11 2BB")
	c.refused(c.claim(a), plr.CodeNotMatched)
	if one := c.oneCase(plr.ReviewSeveral); !one.Restricted {
		t.Fatalf("%+v", one)
	}
	c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Secret", "Person", here)))
	for range plr.MaxFailedClaims - 1 {
		c.refused(c.claim(a), plr.CodeNotMatched)
	}
	c.pass(plr.ClaimWindow)
	c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Secret", "Person", here)))
	for range plr.MaxFailedClaims {
		c.refused(c.claim(a), plr.CodeNotMatched)
	}
	moved := c.proved("Secret", "Person", "ZZ13 4DD") // an address the register does not know
	for day := range 2 {
		c.pass(time.Duration(day) * plr.ClaimWindow)
		c.ok(c.service.ProveIdentity(t.Context(), moved.ID, c.identity("Secret", "Person", "ZZ13 4DD")))
		for range plr.MaxFailedClaims {
			c.refused(c.claim(moved), plr.CodeNotMatched)
		}
	}
	if list := c.cases(caseworker...); len(list) != 0 {
		t.Errorf("a caseworker sees %+v", list)
	}
	if list := c.cases(specialist...); len(list) != 4 || !ofKind(list, moved.ID, plr.ReviewLocked) || !ofKind(list, a.ID, plr.ReviewLocked) {
		t.Errorf("a specialist sees %+v", list)
	}
}

// The register's own older entry of the same person is no twin.
func TestClaimBesideTheEntryBefore(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	old := c.learner("Samuel", "Test", here)
	master := c.learner("Sam", "Test", here, func(u *plr.RecordUpdate) { u.Linked = []plr.ULN{old} })
	a := c.proved("Samuel", "Test", here)
	c.ok(c.claim(a, master))
	if c.bound(a) != master {
		t.Error("it was not bound")
	}
}

// Brothers born on one day whose names begin alike live at one address.
func TestClaimOfASiblingsRecord(t *testing.T) {
	t.Parallel()
	middle := func(name string) func(*plr.RecordUpdate) {
		return func(u *plr.RecordUpdate) { u.Register.MiddleOtherName = name }
	}
	c := newClaims(t)
	adam := c.learner("Mohammed", "Testkhan", here, middle("Adam"))
	yusuf := c.learner("Mohammed Yusuf", "Testkhan", "ZZ11 2BB")
	for _, x := range []struct {
		name, given, code string
		typed             []plr.ULN
		uln               plr.ULN
	}{
		{"the brother's by the address", "Mohammed Yusuf", here, nil, ""},
		{"one with no entry of his own", "Mohammed Bilal", here, nil, ""},
		{"the brother's number", "Mohammed Yusuf", here, []plr.ULN{adam}, ""},
		{"his own, by the address", "Mohammed Adam", here, nil, adam},
		{"his own by number, though he moved", "Mohammed Yusuf", here, []plr.ULN{yusuf}, yusuf},
	} {
		a := c.proved(x.given, "Testkhan", x.code)
		if err := c.claim(a, x.typed...); (err == nil) != (x.uln != "") || c.bound(a) != x.uln {
			t.Errorf("%s: bound to %q, %v", x.name, c.bound(a), err)
		}
	}
}

// betweenStore does something just before an account is bound.
type betweenStore struct {
	plr.Store
	before, after func()
}

func (s *betweenStore) BindAccount(ctx context.Context, id string, uln plr.ULN, now time.Time) error {
	if s.before != nil {
		s.before()
	}
	err := s.Store.BindAccount(ctx, id, uln, now)
	if s.after != nil {
		s.after()
	}
	return err
}

// Case K, while a claim is under way: whoever is proved to be born on another day
// than the record says does not stay connected to it.
func TestAnotherBirthDateBesideAClaim(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			c := newClaims(t)
			c.learner("Anna", "Test", here)
			a := c.proved("Anna", "Test", here)
			other := c.identity("Anna", "Test", here)
			other.BirthDate = "2005-07-06"
			prove := func() { c.ok(c.service.ProveIdentity(t.Context(), a.ID, other)) }
			between := &betweenStore{Store: c.store}
			if when == "before" {
				between.before = prove
			} else {
				between.after = prove
			}
			service, err := plr.New(c.config(between))
			c.ok(err)
			out, err := service.ClaimRecord(t.Context(), a, plr.ClaimInput{IdentityAt: c.time()})
			if err == nil && out.Account.ULN != "" {
				t.Errorf("connected to %q", out.Account.ULN)
			}
			if c.bound(a) != "" || c.stored(a).SuspendedAt == nil {
				t.Errorf("%+v", c.stored(a))
			}
			if one := c.oneCase(plr.ReviewBirthDateChanged); one.Claimant != a.ID {
				t.Errorf("%+v", one)
			}
		})
	}
}

// A decision that was cut off and cannot be completed any more does not stand in
// the way of another.
func TestReviewCutOffForGood(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Anna", "Test", here)
	before, after, staff := c.proved("Anna", "Test", here), c.proved("Anna", "Test", here), c.account()
	c.ok(c.claim(before))
	c.refused(c.claim(after), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewBoundElsewhere)
	c.pass(plr.HolderNotice)
	whole := c.service
	var err error
	c.service, err = plr.New(c.config(withoutBinding{c.store}))
	c.ok(err)
	if err := c.resolve(staff, caseworker, one.ID, plr.ReviewConnect); plr.CodeOf(err) != plr.CodeUnavailable {
		t.Fatal(err)
	}
	c.service = whole
	other := c.proved("Anna", "Test", here)
	c.ok(c.claim(other)) // the record was nobody's
	if e := c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeLimitReached); e.RetryAfter != plr.HolderNotice {
		t.Errorf("again after %s", e.RetryAfter)
	}
	c.ok(c.resolve(staff, caseworker, one.ID, plr.ReviewRefuse))
	if c.bound(other) != uln || c.bound(after) != "" {
		t.Errorf("bound to %q and %q", c.bound(other), c.bound(after))
	}
}

// slowStore takes its time for every search.
type slowStore struct {
	plr.Store
	work func()
}

func (s slowStore) RecordsMatching(ctx context.Context, keys []string, limit int) ([]*plr.Record, error) {
	s.work()
	return s.Store.RecordsMatching(ctx, keys, limit)
}

// On a slow store a failure is answered at a multiple of its time.
func TestFailedClaimsOnASlowStore(t *testing.T) {
	t.Parallel()
	const floor = 750 * time.Millisecond
	for _, x := range []struct{ work, wait time.Duration }{
		{0, floor}, {time.Millisecond, floor - time.Millisecond}, {floor - 1, 1}, {floor, floor}, {floor + 1, floor - 1}, {2*floor + time.Millisecond, floor - time.Millisecond},
	} {
		c := newClaims(t)
		service, err := plr.New(c.config(slowStore{c.store, func() { c.pass(x.work) }}))
		c.ok(err)
		_, err = service.ClaimRecord(t.Context(), c.proved("Nobody", "Atall", here), plr.ClaimInput{IdentityAt: c.time()})
		c.refused(err, plr.CodeNotMatched)
		if !slices.Equal(c.paused, []time.Duration{x.wait}) {
			t.Errorf("after %s it waited %v, want %s", x.work, c.paused, x.wait)
		}
	}
}

// Whoever claims somebody's record again and again tells them once, until they
// have seen it, and never drowns out the rest.
func TestHoldersAreNotFlooded(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Held", "Person", here)
	holder := c.proved("Held", "Person", here)
	c.ok(c.claim(holder))
	for i := range 2 * plr.MaxNotices {
		c.pass(plr.ClaimWindow) // the tally forgets
		c.refused(c.claim(c.proved("Held", "Person", here)), plr.CodeNotMatched)
		c.refused(c.claim(c.proved("Held", "Person", here)), plr.CodeNotMatched)
		list := c.stored(holder).Notices
		if len(list) != min(i+1, plr.MaxNotices) {
			t.Fatalf("%d notices after %d", len(list), i+1)
		}
		if last := list[len(list)-1]; last.SeenAt != nil || !last.At.Equal(c.time()) {
			t.Fatalf("the newest is %+v", last)
		}
		_, err := c.service.AcknowledgeNotices(t.Context(), holder.ID)
		c.ok(err)
	}
}

// A sensitive learner's sharing is off before anybody is connected: also when the
// process ends between the two.
func TestSharingIsOffBeforeARestrictedRecordIsConnected(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Secret", "Person", here, restricted)
	_, err := c.store.SetSharingPreference(t.Context(), uln, plr.PreferenceChange{At: c.time(), Channel: plr.ChannelSelf}, func(sh *plr.Sharing) error {
		sh.OptIn(c.time(), false)
		return nil
	})
	c.ok(err)
	a := c.proved("Secret", "Person", here)
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewRestricted)
	c.service, err = plr.New(c.config(withoutBinding{c.store}))
	c.ok(err)
	if err := c.resolve(c.account(), specialist, one.ID, plr.ReviewConnect); plr.CodeOf(err) != plr.CodeUnavailable {
		t.Fatal(err)
	}
	if sharing, err := c.store.Sharing(t.Context(), uln); err != nil || !sharing.OptedOut || c.bound(a) != "" {
		t.Errorf("%+v, %v, bound to %q", sharing, err, c.bound(a))
	}
}

// Two decisions at once: one is made, and the other finds that.
func TestReviewResolvedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		c := newClaims(t)
		uln := c.learner("Anna", "Test", here)
		before, after, staff := c.proved("Anna", "Test", here), c.proved("Anna", "Test", here), c.account()
		c.ok(c.claim(before))
		c.refused(c.claim(after), plr.CodeNotMatched)
		one := c.oneCase(plr.ReviewBoundElsewhere)
		c.pass(plr.HolderNotice)
		decide := func(d plr.ReviewDecision) func() error {
			return func() error {
				_, err := c.service.ResolveReviewCase(t.Context(), staff, caseworker, plr.ResolveReviewCaseInput{
					ID: one.ID, Decision: d, Reason: "Seen and compared.", Version: one.Version,
				})
				return err
			}
		}
		c.ok(c.service.ProveIdentity(t.Context(), after.ID, c.identity("Anna", "Test", here)))
		errs := c.atOnce(decide(plr.ReviewConnect), decide(plr.ReviewConnect), decide(plr.ReviewRefuse), func() error {
			return c.claim(after) // beside them
		})
		decided := -1
		for i, err := range errs[:3] {
			if err == nil && decided >= 0 {
				t.Errorf("%d and %d both decided", decided, i)
			}
			if err == nil {
				decided = i
			}
		}
		got, err := c.store.ReviewCase(t.Context(), one.ID)
		if c.ok(err); got.State != plr.ReviewResolved || got.Resolution == nil {
			t.Fatalf("%+v: %v", got, errs)
		}
		want := before
		if got.Resolution.Decision == plr.ReviewConnect {
			want = after
		}
		if held, err := c.store.AccountOf(t.Context(), uln); err != nil || held.ID != want.ID {
			t.Errorf("after %s %+v holds it, %v", got.Resolution.Decision, held, err)
		}
	}
}
