package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

var caseworker = []plr.Role{plr.RoleCaseworker}

// resolve decides a case as it stands now.
func (c *claims) resolve(by *plr.Account, roles []plr.Role, id string, decision plr.ReviewDecision, typed ...plr.ULN) error {
	c.t.Helper()
	held, err := c.store.ReviewCase(c.t.Context(), id)
	c.ok(err)
	in := plr.ResolveReviewCaseInput{ID: id, Decision: decision, Reason: "Seen and compared.", Version: held.Version}
	if len(typed) > 0 {
		in.ULN = &typed[0]
	}
	out, err := c.service.ResolveReviewCase(c.t.Context(), by, roles, in)
	if err == nil && (out.State != plr.ReviewResolved || out.Resolution.By != by.ID || out.Resolution.Decision != decision || out.ClosedAt == nil) {
		c.t.Errorf("resolved as %+v", out)
	}
	return err
}

// stopped says whether sharing under the number is off by a review.
func (c *claims) stopped(uln plr.ULN) bool {
	c.t.Helper()
	sharing, err := c.store.Sharing(c.t.Context(), uln)
	c.ok(err)
	history, err := c.store.PreferenceChanges(c.t.Context(), uln)
	c.ok(err)
	return sharing.OptedOut && len(history) > 0 && history[0].Channel == plr.ChannelReview
}

func (c *claims) told(a *plr.Account) (out []plr.NoticeKind) {
	c.t.Helper()
	for _, n := range c.stored(a).Notices {
		out = append(out, n.Kind)
	}
	return out
}

// Case E: a person with a new subject. The record moves when its holder has been
// told for seven days, and not before.
func TestReviewMovesARecord(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Anna", "Test", here)
	before, after, staff := c.proved("Anna", "Test", here), c.proved("Anna", "Test", here), c.account()
	c.ok(c.claim(before))
	c.refused(c.claim(after), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewBoundElsewhere)
	if one.Claimant != after.ID || one.Holder != before.ID || one.ULN != uln || one.Restricted || one.HolderToldAt == nil {
		t.Fatalf("%+v", one)
	}
	if got := c.told(before); !slices.Equal(got, []plr.NoticeKind{plr.NoticeClaimedByAnother}) || len(c.told(after)) != 0 {
		t.Errorf("told %v and %v", got, c.told(after))
	}
	for _, roles := range [][]plr.Role{nil, {"LEARNER"}} {
		c.refused(c.resolve(staff, roles, one.ID, plr.ReviewConnect), plr.CodeForbidden)
	}
	c.refused(c.resolve(after, caseworker, one.ID, plr.ReviewConnect), plr.CodeForbidden) // one's own
	c.refused(c.resolve(before, caseworker, one.ID, plr.ReviewRefuse), plr.CodeForbidden)
	if e := c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeLimitReached); e.RetryAfter != plr.HolderNotice {
		t.Errorf("again after %s", e.RetryAfter)
	}
	evidence, err := c.service.ReviewEvidence(t.Context(), caseworker, one.ID)
	if err != nil || evidence.ConnectFrom == nil || len(evidence.Matched) != 3 || evidence.Register.ULN != uln || len(evidence.Attempts) != 1 || evidence.HolderSeenAt != nil {
		t.Errorf("%+v, %v", evidence, err)
	}
	c.pass(plr.HolderNotice - time.Millisecond)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeLimitReached)
	_, err = c.service.AcknowledgeNotices(t.Context(), before.ID)
	c.ok(err)
	if evidence, err = c.service.ReviewEvidence(t.Context(), caseworker, one.ID); err != nil || evidence.HolderSeenAt == nil {
		t.Errorf("%+v, %v", evidence, err)
	}
	c.pass(time.Millisecond)
	if c.stopped(uln) {
		t.Error("the holder's sharing stopped before the decision")
	}
	c.ok(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect))
	if c.bound(before) != "" || c.bound(after) != uln {
		t.Errorf("bound %q and %q", c.bound(before), c.bound(after))
	}
	if !c.stopped(uln) {
		t.Error("links that another account made go on")
	}
	if old := c.stored(before); !old.SessionEnded("any", c.time().Add(-time.Millisecond)) {
		t.Error("the sessions of the account before live on")
	}
	if got := c.told(before); !slices.Contains(got, plr.NoticeMoved) {
		t.Errorf("told %v", got)
	}
	if got := c.told(after); !slices.Equal(got, []plr.NoticeKind{plr.NoticeConnected}) {
		t.Errorf("told %v", got)
	}
	for a, kind := range map[*plr.Account]plr.IdentityChangeKind{before: plr.ChangeMoved, after: plr.ChangeBound} {
		changes := c.file(a).Changes
		if changes[len(changes)-1].Kind != kind {
			t.Errorf("%s: history %+v", kind, changes)
		}
	}
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeAlreadyDone)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewRefuse), plr.CodeAlreadyDone)
}

// A holder that came after the case was opened is told first, too.
func TestReviewTellsALaterHolder(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Same", "Twin", here)
	uln := c.learner("Same", "Twin", here)
	a, later, staff := c.proved("Same", "Twin", here), c.proved("Same", "Twin", here), c.account()
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewSeveral)
	c.pass(plr.HolderNotice)
	c.ok(c.service.ProveIdentity(t.Context(), later.ID, c.identity("Same", "Twin", here)))
	c.ok(c.claim(later, uln))
	for _, typed := range []plr.ULN{"", "9999999999"} {
		c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect, typed), plr.CodeInvalid)
	}
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeRequired)
	if e := c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect, uln), plr.CodeLimitReached); e.RetryAfter != plr.HolderNotice {
		t.Errorf("again after %s", e.RetryAfter)
	}
	if got := c.told(later); !slices.Equal(got, []plr.NoticeKind{plr.NoticeClaimedByAnother}) {
		t.Errorf("told %v", got)
	}
	c.pass(plr.HolderNotice)
	c.ok(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect, uln))
	if c.bound(later) != "" || c.bound(a) != uln {
		t.Error("it was not moved")
	}
	held, err := c.service.ReviewCase(t.Context(), caseworker, one.ID)
	if err != nil || held.Resolution.ULN != uln {
		t.Errorf("%+v, %v", held, err)
	}
}

// Case F: a record under the sensitive learners policy is for specialists, and
// its sharing begins switched off.
func TestReviewOfARestrictedRecord(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Secret", "Person", here, restricted)
	open := c.learner("Plain", "Person", "ZZ11 2BB")
	a, staff := c.proved("Secret", "Person", here), c.account()
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewRestricted)
	if len(c.cases(caseworker...)) != 0 {
		t.Error("a caseworker sees it")
	}
	_, err := c.service.ReviewCase(t.Context(), caseworker, one.ID)
	c.refused(err, plr.CodeNotFound)
	_, err = c.service.ReviewEvidence(t.Context(), caseworker, one.ID)
	c.refused(err, plr.CodeNotFound)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect), plr.CodeNotFound)

	// Somebody switched sharing on before: it does not stay on.
	_, err = c.store.SetSharingPreference(t.Context(), uln, plr.PreferenceChange{At: c.time(), Channel: plr.ChannelSelf}, func(sh *plr.Sharing) error {
		sh.OptIn(c.time(), false)
		return nil
	})
	c.ok(err)
	c.ok(c.resolve(staff, specialist, one.ID, plr.ReviewConnect))
	if c.bound(a) != uln {
		t.Fatal("it was not connected")
	}
	sharing, err := c.store.Sharing(t.Context(), uln)
	c.ok(err)
	history, err := c.store.PreferenceChanges(t.Context(), uln)
	c.ok(err)
	if !sharing.Off(true) || !sharing.OptedOut || history[0].Channel != plr.ChannelReview {
		t.Errorf("sharing %+v, history %+v", sharing, history)
	}

	// A caseworker cannot reach such a record by a case of another kind.
	b := c.proved("Nobody", "Atall", here)
	for range plr.MaxFailedClaims {
		c.refused(c.claim(b), plr.CodeNotMatched)
	}
	c.pass(plr.ClaimWindow)
	c.ok(c.service.ProveIdentity(t.Context(), b.ID, c.identity("Plain", "Person", "ZZ13 4DD")))
	for range plr.MaxFailedClaims {
		c.refused(c.claim(b), plr.CodeNotMatched)
	}
	locked := c.oneCase(plr.ReviewLocked)
	e := c.refused(c.resolve(staff, caseworker, locked.ID, plr.ReviewConnect, uln), plr.CodeNotFound)
	unknown := c.refused(c.resolve(staff, caseworker, locked.ID, plr.ReviewConnect, testULN()), plr.CodeNotFound)
	if e.Text != unknown.Text || !slices.Equal(e.Path, unknown.Path) {
		t.Errorf("%+v is told from %+v", e, unknown)
	}
	c.ok(c.resolve(staff, caseworker, locked.ID, plr.ReviewConnect, open))
	if f := c.file(b); c.bound(b) != open || f.Locked() || f.ReviewID != "" {
		t.Errorf("bound to %q, %+v", c.bound(b), f)
	}
}

// What somebody once claimed of a restricted record is for specialists, in the
// evidence of every case of theirs.
func TestEvidenceHidesRestrictedAttempts(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Same", "Twin", here)
	c.learner("Same", "Twin", here)
	secret := c.learner("Secret", "Person", here, restricted)
	a := c.proved("Same", "Twin", here)
	c.refused(c.claim(a, secret), plr.CodeNotMatched)
	c.pass(time.Minute)
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewSeveral)
	for _, x := range []struct {
		roles []plr.Role
		want  int
	}{{caseworker, 1}, {specialist, 2}} {
		evidence, err := c.service.ReviewEvidence(t.Context(), x.roles, one.ID)
		if err != nil || len(evidence.Attempts) != x.want || evidence.Attempts[0].Outcome != plr.ClaimSeveral {
			t.Errorf("%v: %+v, %v", x.roles, evidence, err)
		}
	}
}

// A date that is the register's by now, but was another when the person was
// proved before, closes the account too.
func TestABirthDateUnlikeTheOneBeforeSuspends(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Anna", "Test", here)
	a := c.proved("Anna", "Test", here)
	c.ok(c.claim(a))
	_, err := c.service.ImportRecords(t.Context(), []plr.RecordUpdate{{ULN: uln, Register: &plr.RegisterEntry{
		ULN: uln, GivenName: "Anna", FamilyName: "Test", DateOfBirth: "2005-07-06",
	}}})
	c.ok(err)
	other := c.identity("Anna", "Test", here)
	other.BirthDate = "2005-07-06"
	c.ok(c.service.ProveIdentity(t.Context(), a.ID, other))
	if c.bound(a) != "" || c.oneCase(plr.ReviewBirthDateChanged).Claimant != a.ID {
		t.Error("it stayed open")
	}
}

// A refusal tells nobody whose claim looked like an ordinary failure.
func TestReviewRefuses(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Secret", "Person", here, restricted)
	a, staff := c.proved("Secret", "Person", here), c.account()
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewRestricted)
	c.ok(c.resolve(staff, specialist, one.ID, plr.ReviewRefuse))
	if c.bound(a) != "" || len(c.told(a)) != 0 {
		t.Errorf("bound to %q, told %v", c.bound(a), c.told(a))
	}
	c.refused(c.claim(a), plr.CodeNotMatched) // and a new case opens
	if two := c.oneCase(plr.ReviewRestricted); two.ID == one.ID {
		t.Error("the resolved case was opened again")
	}
}

func TestReviewChecksAgain(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Same", "Twin", here)
	c.learner("Same", "Twin", here)
	uln := c.learner("Anna", "Test", here)
	a, staff := c.proved("Same", "Twin", here), c.account()
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewSeveral)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect, uln), plr.CodeNotMatched)
	c.refused(c.resolve(staff, caseworker, one.ID, "PERHAPS"), plr.CodeRequired)
	for reason, code := range map[string]plr.Code{"": plr.CodeRequired, "  ": plr.CodeRequired, strings.Repeat("x", 1001): plr.CodeTooLong, "\x00": plr.CodeInvalid} {
		_, err := c.service.ResolveReviewCase(t.Context(), staff, caseworker, plr.ResolveReviewCaseInput{ID: one.ID, Decision: plr.ReviewRefuse, Reason: reason, Version: one.Version})
		c.refused(err, code)
	}
	_, err := c.service.ResolveReviewCase(t.Context(), staff, caseworker, plr.ResolveReviewCaseInput{ID: one.ID, Decision: plr.ReviewRefuse, Reason: "no", Version: one.Version + 1})
	c.refused(err, plr.CodeVersionMismatch)
	for _, id := range []string{"", "rvw_1", "rvw_" + strings.Repeat("0", 26), a.ID} {
		_, err := c.service.ReviewCase(t.Context(), caseworker, id)
		c.refused(err, plr.CodeNotFound)
	}
	for _, page := range []plr.PageRequest{{First: 0}, {First: 101}} {
		_, err := c.service.ReviewCases(t.Context(), caseworker, page, nil)
		c.refused(err, plr.CodeOutOfRange)
	}
	bad := "bad"
	_, err = c.service.ReviewCases(t.Context(), caseworker, plr.PageRequest{First: 1, After: &bad}, nil)
	c.refused(err, plr.CodeInvalid)
	_, err = c.service.ReviewCases(t.Context(), nil, plr.PageRequest{First: 1}, nil)
	c.refused(err, plr.CodeForbidden)
	if got, err := c.store.ReviewCase(t.Context(), one.ID); err != nil || got.Resolution != nil || got.State != plr.ReviewOpen {
		t.Errorf("%+v, %v", got, err)
	}
}

// Pages of cases follow each other without gap or repeat.
func TestReviewCasesInPages(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Same", "Twin", here)
	c.learner("Same", "Twin", here)
	for range 7 {
		c.pass(time.Minute)
		c.refused(c.claim(c.proved("Same", "Twin", here)), plr.CodeNotMatched)
	}
	seen := map[string]bool{}
	page := plr.PageRequest{First: 3}
	for n := 0; ; n++ {
		got, err := c.service.ReviewCases(t.Context(), caseworker, page, nil)
		c.ok(err)
		for _, one := range got.Items {
			seen[one.ID] = true
		}
		if got.Total != 7 || got.HasNext != (n < 2) || got.HasPrevious != (n > 0) {
			t.Errorf("page %d: %+v", n, got)
		}
		if !got.HasNext {
			break
		}
		page.After = &got.Cursors[len(got.Cursors)-1]
	}
	if len(seen) != 7 {
		t.Errorf("%d seen", len(seen))
	}
}

// Case K: another date of birth closes the account until somebody has looked.
func TestAnotherBirthDateSuspends(t *testing.T) {
	t.Parallel()
	for _, decision := range []plr.ReviewDecision{plr.ReviewConnect, plr.ReviewRefuse} {
		t.Run(string(decision), func(t *testing.T) {
			t.Parallel()
			c := newClaims(t)
			uln := c.learner("Anna", "Test", here)
			a, staff := c.proved("Anna", "Test", here), c.account()
			c.ok(c.claim(a))
			c.pass(time.Hour)
			married := c.identity("Anna", "Married", here) // case J: a name alone
			c.ok(c.service.ProveIdentity(t.Context(), a.ID, married))
			if c.bound(a) != uln || len(c.cases(specialist...)) != 0 {
				t.Fatal("another name closed the account")
			}
			if f := c.file(a); f.Changes[len(f.Changes)-1].Kind != plr.ChangeNameChanged || f.Identity.Names[0].Family != "Married" {
				t.Errorf("%+v", f)
			}
			c.pass(time.Hour)
			other := c.identity("Anna", "Test", here)
			other.BirthDate = "2005-07-06"
			for range 2 { // also when the answer was lost
				c.ok(c.service.ProveIdentity(t.Context(), a.ID, other))
			}
			one := c.oneCase(plr.ReviewBirthDateChanged)
			_, err := c.service.SetSharingPreference(t.Context(), uln, plr.SetSharingPreferenceInput{})
			c.refused(err, plr.CodeIdentityRequired) // a session that does not know it yet
			if !c.stopped(uln) {
				t.Error("what is closed to the person is still shared")
			}
			closed, err := c.service.Account(t.Context(), a.ID)
			c.ok(err)
			again, err := c.service.SignedIn(t.Context(), a.Issuer, a.Subject)
			c.ok(err)
			for _, got := range []*plr.Account{closed, again} {
				if got.ULN != "" || got.BoundAt != nil || got.SuspendedAt == nil {
					t.Fatalf("%+v", got)
				}
			}
			if b, err := c.service.IdentityBinding(t.Context(), closed); err != nil || b.Status != plr.IdentitySuspended {
				t.Errorf("%+v, %v", b, err)
			}
			c.refused(c.claim(closed), plr.CodeLimitReached)
			c.ok(c.service.MayProveIdentity(t.Context(), a.ID, false))
			c.refused(c.claim(c.proved("Anna", "Test", here)), plr.CodeNotMatched) // the number stays taken
			if decision == plr.ReviewConnect {
				c.refused(c.resolve(staff, caseworker, one.ID, decision), plr.CodeNotMatched)
				c.pass(time.Hour)
				c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Anna", "Test", here)))
				if c.bound(a) != "" {
					t.Fatal("it opened by itself")
				}
			}
			c.ok(c.resolve(staff, caseworker, one.ID, decision))
			want, notice, change := uln, plr.NoticeRestored, plr.ChangeRestored
			if decision == plr.ReviewRefuse {
				want, notice, change = "", plr.NoticeDisconnected, plr.ChangeUnbound
			}
			f := c.file(a)
			if got := c.stored(a); got.SuspendedAt != nil || got.ULN != want || !slices.Equal(c.told(a)[len(c.told(a))-1:], []plr.NoticeKind{notice}) {
				t.Errorf("%+v", got)
			}
			if f.SuspendedFor != "" || f.Changes[len(f.Changes)-1].Kind != change {
				t.Errorf("%+v", f)
			}
		})
	}
}

// Case L: the register links a bound number to one that somebody else holds.
func TestMergedNumbersSuspend(t *testing.T) {
	t.Parallel()
	for _, decision := range []plr.ReviewDecision{plr.ReviewConnect, plr.ReviewRefuse} {
		t.Run(string(decision), func(t *testing.T) {
			t.Parallel()
			c := newClaims(t)
			old, master := c.learner("Anna", "Test", here), c.learner("Anna", "Test", "ZZ11 2BB")
			a, b, staff := c.proved("Anna", "Test", here), c.proved("Anna", "Test", "ZZ11 2BB"), c.account()
			c.ok(c.claim(a))
			c.ok(c.claim(b))
			_, err := c.service.ImportRecords(t.Context(), []plr.RecordUpdate{{ULN: master, Linked: []plr.ULN{old}}})
			c.ok(err)
			for range 2 {
				if c.bound(a) != "" || c.bound(b) != master {
					t.Fatalf("bound to %q and %q", c.bound(a), c.bound(b))
				}
			}
			one := c.oneCase(plr.ReviewMerged)
			if one.Claimant != a.ID || one.Holder != b.ID || one.ULN != master || c.stored(a).SuspendedAt == nil {
				t.Fatalf("%+v", one)
			}
			if !c.stopped(old) || c.stopped(master) {
				t.Error("the links of the one who is closed out must stop, and no others")
			}
			if decision == plr.ReviewConnect {
				c.refused(c.resolve(staff, caseworker, one.ID, decision), plr.CodeLimitReached)
				c.pass(plr.HolderNotice)
			}
			c.ok(c.resolve(staff, caseworker, one.ID, decision))
			wantA, wantB := plr.ULN(""), master
			if decision == plr.ReviewConnect {
				wantA, wantB = master, ""
			}
			if c.bound(a) != wantA || c.bound(b) != wantB || c.stored(a).SuspendedAt != nil || len(c.cases(specialist...)) != 0 {
				t.Errorf("bound to %q and %q", c.bound(a), c.bound(b))
			}
		})
	}
}

// Whoever holds an older number of a record holds the record.
func TestAnOlderNumberIsHeldToo(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	old := c.learner("Anna", "Test", here)
	a, b := c.proved("Anna", "Test", here), c.proved("Anna", "Test", here)
	c.ok(c.claim(a))
	master := c.learner("Anna", "Test", here, func(u *plr.RecordUpdate) { u.Linked = []plr.ULN{old} })
	c.refused(c.claim(b, master), plr.CodeNotMatched)
	if one := c.oneCase(plr.ReviewBoundElsewhere); one.Holder != a.ID {
		t.Errorf("%+v", one)
	}
	if c.bound(a) != master {
		t.Errorf("the holder has %q", c.bound(a))
	}
}

// Notices of a suspended or bound person are theirs to acknowledge.
func TestAcknowledgeNotices(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	a := c.account()
	c.ok(c.store.AddNotice(t.Context(), a.ID, plr.AccountNotice{Kind: plr.NoticeMoved, At: c.time()}))
	got, err := c.service.AcknowledgeNotices(t.Context(), a.ID)
	if err != nil || len(got.Notices) != 1 || got.Notices[0].SeenAt == nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range []string{"", "act_1", "act_" + strings.Repeat("0", 26)} {
		_, err := c.service.AcknowledgeNotices(t.Context(), id)
		c.refused(err, plr.CodeNotFound)
	}
}

// A decision that was cut off is completed by repeating it; meanwhile nobody can
// decide otherwise.
func TestReviewCutOff(t *testing.T) {
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
	if c.bound(before) != "" || c.bound(after) != "" {
		t.Error("the record is somebody's")
	}
	c.oneCase(plr.ReviewBoundElsewhere)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewRefuse), plr.CodeAlreadyDone)
	c.ok(c.resolve(c.account(), caseworker, one.ID, plr.ReviewConnect))
	if c.bound(after) != uln {
		t.Error("it was not completed")
	}
}

type withoutBinding struct{ plr.Store }

func (withoutBinding) BindAccount(context.Context, string, plr.ULN, time.Time) error {
	return plr.Unavailable(errMarked, time.Second)
}

// A decision whose effects are refused is taken back.
func TestReviewTakenBack(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Same", "Twin", here)
	uln := c.learner("Same", "Twin", here)
	a, staff := c.proved("Same", "Twin", here), c.account()
	c.refused(c.claim(a), plr.CodeNotMatched)
	one := c.oneCase(plr.ReviewSeveral)
	whole := c.service
	var err error
	c.service, err = plr.New(c.config(takenMeanwhile{c.store}))
	c.ok(err)
	c.refused(c.resolve(staff, caseworker, one.ID, plr.ReviewConnect, uln), plr.CodeAlreadyDone)
	c.service = whole
	if one := c.oneCase(plr.ReviewSeveral); one.Resolution != nil {
		t.Errorf("%+v", one)
	}
	c.ok(c.resolve(staff, caseworker, one.ID, plr.ReviewRefuse))
}

// takenMeanwhile is a store in which somebody else is always faster.
type takenMeanwhile struct{ plr.Store }

func (takenMeanwhile) BindAccount(context.Context, string, plr.ULN, time.Time) error {
	return plr.AlreadyBound()
}
