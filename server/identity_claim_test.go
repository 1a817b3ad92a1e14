package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/boltstore"
)

// claims is the domain on a store of its own, with a clock that stands still and
// pauses that only move it.
type claims struct {
	t       *testing.T
	store   *faultyStore
	service *plr.Service

	mu     sync.Mutex
	now    time.Time
	paused []time.Duration
	people int
}

func newClaims(t *testing.T) *claims {
	t.Helper()
	file, err := boltstore.Open(filepath.Join(t.TempDir(), "openplr.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	c := &claims{t: t, store: &faultyStore{Store: file}, now: time.Date(2026, 8, 20, 7, 0, 0, 0, time.UTC)}
	c.service, err = plr.New(c.config(c.store))
	c.ok(err)
	return c
}

func (c *claims) config(store plr.Store) plr.Config {
	return plr.Config{
		Store: store, Now: c.time, Random: rand.Reader, LinkKeys: plr.LinkKeys{{ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}},
		PublicURL: "https://records.test", Marking: "OFFICIAL", PINSlots: 1,
		Pause: func(_ context.Context, d time.Duration) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.paused = append(c.paused, d)
		},
	}
}

var testULNs atomic.Int64

// testULN gives a test number that no other call in this process gives.
func testULN() plr.ULN {
	for {
		stem := 995_000_000 + testULNs.Add(1)
		for digit := range 10 {
			if uln := plr.ULN(fmt.Sprintf("%d%d", stem, digit)); uln.Valid() {
				return uln
			}
		}
	}
}

func (c *claims) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *claims) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *claims) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%v (cause: %v)", err, errors.Unwrap(err))
	}
}

func (c *claims) refused(err error, code plr.Code) *plr.Error {
	c.t.Helper()
	list := plr.Refusals(err)
	var one *plr.Error
	if errors.As(err, &one) {
		list = []*plr.Error{one}
	}
	if len(list) != 1 || list[0].Code != code {
		c.t.Fatalf("got %v, want %s", err, code)
	}
	return list[0]
}

// learner imports a learner of this name, born 7 June 2005, at the postcode.
func (c *claims) learner(given, family, code string, change ...func(*plr.RecordUpdate)) plr.ULN {
	c.t.Helper()
	uln := testULN()
	u := plr.RecordUpdate{ULN: uln, Register: &plr.RegisterEntry{
		ULN: uln, GivenName: given, FamilyName: family, DateOfBirth: "2005-06-07", LastKnownPostCode: code,
	}}
	for _, do := range change {
		do(&u)
	}
	_, err := c.service.ImportRecords(c.t.Context(), []plr.RecordUpdate{u})
	c.ok(err)
	return uln
}

func restricted(u *plr.RecordUpdate) { u.Register.Restricted = true }

// account signs somebody new in.
func (c *claims) account() *plr.Account {
	c.t.Helper()
	c.mu.Lock()
	c.people++
	subject := fmt.Sprint("subject ", c.people)
	c.mu.Unlock()
	a, err := c.service.SignedIn(c.t.Context(), "https://issuer.test", subject)
	c.ok(err)
	return a
}

func (c *claims) identity(given, family, code string) plr.VerifiedIdentity {
	return plr.VerifiedIdentity{
		Names: []plr.VerifiedName{{Given: given, Family: family}}, BirthDate: "2005-06-07", PostCodes: []string{code},
		Route: plr.RouteOneLoginP2, ProvedAt: c.time(),
	}
}

// proved signs somebody new in and proves who they are.
func (c *claims) proved(given, family, code string) *plr.Account {
	c.t.Helper()
	a := c.account()
	c.ok(c.service.ProveIdentity(c.t.Context(), a.ID, c.identity(given, family, code)))
	return a
}

// claim claims with an identity that was proved just now.
func (c *claims) claim(a *plr.Account, typed ...plr.ULN) error {
	in := plr.ClaimInput{IdentityAt: c.time()}
	if len(typed) > 0 {
		in.ULN = &typed[0]
	}
	out, err := c.service.ClaimRecord(c.t.Context(), a, in)
	if (out == nil) == (err == nil) {
		c.t.Errorf("outcome %v beside %v", out, err)
	}
	return err
}

func (c *claims) bound(a *plr.Account) plr.ULN {
	c.t.Helper()
	got, err := c.service.Account(c.t.Context(), a.ID)
	c.ok(err)
	return got.ULN
}

func (c *claims) stored(a *plr.Account) *plr.Account {
	c.t.Helper()
	got, err := c.store.Account(c.t.Context(), a.ID)
	c.ok(err)
	return got
}

// entries are the outcomes of an account's claims, newest first.
func (c *claims) entries(a *plr.Account) (out []plr.ClaimDecision) {
	c.t.Helper()
	list, err := c.store.ClaimEntries(c.t.Context(), a.ID, 99)
	c.ok(err)
	for _, e := range list {
		out = append(out, e.Outcome)
	}
	return out
}

var specialist = []plr.Role{plr.RoleSpecialist}

// cases are the open ones that somebody with the roles sees, newest first.
func (c *claims) cases(roles ...plr.Role) []*plr.ReviewCase {
	c.t.Helper()
	open := plr.ReviewOpen
	page, err := c.service.ReviewCases(c.t.Context(), roles, plr.PageRequest{First: 100}, &plr.ReviewCaseFilter{State: &open})
	c.ok(err)
	return page.Items
}

func (c *claims) oneCase(kind plr.ReviewKind) *plr.ReviewCase {
	c.t.Helper()
	list := c.cases(specialist...)
	if len(list) != 1 || list[0].Kind != kind {
		c.t.Fatalf("%d cases are open: %+v", len(list), list)
	}
	return list[0]
}

func (c *claims) file(a *plr.Account) *plr.IdentityFile {
	c.t.Helper()
	f, err := c.store.Identity(c.t.Context(), a.ID)
	c.ok(err)
	return f
}

const here = "ZZ10 1AA"

func TestClaimBinds(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	old := testULN()
	anna := c.learner("Anna", "Prŷs-Jones", here)
	other := c.learner("Beth", "Prys Jones", "ZZ11 2BB")
	linked := c.learner("Cai", "Test", "", func(u *plr.RecordUpdate) { u.Linked = []plr.ULN{old} })
	for _, x := range []struct {
		name    string
		account *plr.Account
		typed   []plr.ULN
		uln     plr.ULN
		by      []plr.MatchAttribute
	}{
		{"by the postcode", c.proved("ANNA Maria", "Prys Jones", "zz101aa"), nil, anna, []plr.MatchAttribute{plr.MatchBirthDate, plr.MatchGivenName, plr.MatchFamilyName, plr.MatchPostCode}},
		{"by a synonym and the number, with spaces", c.proved("Elizabeth", "Prys-Jones", here), []plr.ULN{other[:5] + " " + other[5:]}, other, []plr.MatchAttribute{plr.MatchBirthDate, plr.MatchGivenNameSynonym, plr.MatchFamilyName, plr.MatchULN}},
		{"by an older number", c.proved("Cai", "Test", here), []plr.ULN{old}, linked, []plr.MatchAttribute{plr.MatchBirthDate, plr.MatchGivenName, plr.MatchFamilyName, plr.MatchULN}},
	} {
		if x.typed == nil {
			x.typed = []plr.ULN{}
		}
		in := plr.ClaimInput{IdentityAt: c.time()}
		if len(x.typed) > 0 {
			in.ULN = &x.typed[0]
		}
		if x.uln == other { // Beth is in the group of Elizabeth
			in.ULN = &x.typed[0]
		}
		out, err := c.service.ClaimRecord(t.Context(), x.account, in)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if out.Account.ULN != x.uln || out.Account.BoundAt == nil || !reflect.DeepEqual(out.Matched, x.by) {
			t.Errorf("%s: bound to %q by %v", x.name, out.Account.ULN, out.Matched)
		}
		if got := c.bound(x.account); got != x.uln {
			t.Errorf("%s: bound to %q", x.name, got)
		}
		if got := c.entries(x.account); len(got) != 1 || got[0] != plr.ClaimBound {
			t.Errorf("%s: entries %v", x.name, got)
		}
		f := c.file(x.account)
		if last := f.Changes[len(f.Changes)-1]; last.Kind != plr.ChangeBound || last.Route != plr.RouteOneLoginP2 || f.FailedTotal != 0 || len(f.FailedClaims) != 0 {
			t.Errorf("%s: file %+v", x.name, f)
		}
		c.refused(c.claim(x.account, x.typed...), plr.CodeAlreadyDone)
		b, err := c.service.IdentityBinding(t.Context(), out.Account)
		if err != nil || b.Status != plr.IdentityBound || b.BoundAt == nil {
			t.Errorf("%s: %+v, %v", x.name, b, err)
		}
	}
	if n := len(c.cases(specialist...)); n != 0 || len(c.paused) != 0 {
		t.Errorf("%d cases, paused %v", n, c.paused)
	}
}

// Cases A, B, C, D, F and the silent review: the same in every word, and none
// before its time.
func TestClaimFailuresAreAlike(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	anna := c.learner("Anna", "Test", here)
	c.learner("Same", "Twin", here)
	c.learner("Same", "Twin", here)
	secret := c.learner("Secret", "Person", here, restricted)
	held := c.learner("Held", "Person", here)
	tallied := c.learner("Tallied", "Person", here)
	bare := c.learner("", "", "", func(u *plr.RecordUpdate) { u.Register = nil })
	retired, master := c.learner("Gone", "Person", here), testULN()
	c.learner("Other", "Person", "ZZ12 3CC", func(u *plr.RecordUpdate) { u.ULN, u.Register.ULN, u.Linked = master, master, []plr.ULN{retired} })
	holder := c.proved("Held", "Person", here)
	c.ok(c.claim(holder))
	for range plr.MaxClaimants {
		c.refused(c.claim(c.proved("Wrong", "Person", here), tallied), plr.CodeNotMatched)
	}
	c.paused = nil

	var texts []string
	var errs []plr.Error
	for _, x := range []struct {
		name    string
		account *plr.Account
		typed   []plr.ULN
		outcome plr.ClaimDecision
		kind    plr.ReviewKind
	}{
		{"nobody", c.proved("Nobody", "Atall", here), nil, plr.ClaimNoMatch, ""},
		{"another place", c.proved("Anna", "Test", "ZZ13 4DD"), nil, plr.ClaimNoMatch, ""},
		{"no fixed abode is no factor", c.proved("Anna", "Test", "ZZ99 9ZZ"), nil, plr.ClaimNoMatch, ""},
		{"several", c.proved("Same", "Twin", here), nil, plr.ClaimSeveral, plr.ReviewSeveral},
		{"a stranger's number", c.proved("Nobody", "Atall", here), []plr.ULN{anna}, plr.ClaimWrongULN, ""},
		{"a stranger's number beside a match by postcode", c.proved("Anna", "Test", here), []plr.ULN{held}, plr.ClaimWrongULN, ""},
		{"a number that nobody has", c.proved("Anna", "Test", here), []plr.ULN{testULN()}, plr.ClaimNoMatch, ""},
		{"events alone", c.proved("Anna", "Test", here), []plr.ULN{bare}, plr.ClaimWrongULN, ""},
		{"a record that nothing leads to", c.proved("Gone", "Person", here), nil, plr.ClaimNoMatch, ""},
		{"its number leads to another", c.proved("Gone", "Person", here), []plr.ULN{retired}, plr.ClaimWrongULN, ""},
		{"restricted", c.proved("Secret", "Person", here), nil, plr.ClaimRestricted, plr.ReviewRestricted},
		{"restricted, by number", c.proved("Secret", "Person", "ZZ99 9ZZ"), []plr.ULN{secret}, plr.ClaimRestricted, plr.ReviewRestricted},
		{"bound to another", c.proved("Held", "Person", here), nil, plr.ClaimBoundElsewhere, plr.ReviewBoundElsewhere},
		{"bound to another, by number", c.proved("Held", "Person", here), []plr.ULN{held}, plr.ClaimBoundElsewhere, plr.ReviewBoundElsewhere},
		{"too many before", c.proved("Tallied", "Person", here), []plr.ULN{tallied}, plr.ClaimTallyExceeded, plr.ReviewTally},
		{"too many before, by postcode", c.proved("Tallied", "Person", here), nil, plr.ClaimTallyExceeded, plr.ReviewTally},
	} {
		before := len(c.cases(specialist...))
		err := c.claim(x.account, x.typed...)
		e := c.refused(err, plr.CodeNotMatched)
		texts, errs = append(texts, fmt.Sprintf("%+v %v %v", e.Text, e.Path, e.RetryAfter)), append(errs, *e)
		if got := c.entries(x.account); len(got) != 1 || got[0] != x.outcome {
			t.Errorf("%s: entries %v, want %s", x.name, got, x.outcome)
		}
		opened := c.cases(specialist...)
		switch {
		case x.kind == "" && len(opened) != before:
			t.Errorf("%s: a case was opened: %+v", x.name, opened[0])
		case x.kind != "" && (len(opened) != before+1 || opened[0].Kind != x.kind && !ofKind(opened, x.account.ID, x.kind)):
			t.Errorf("%s: no case %s: %d of %d", x.name, x.kind, len(opened), before)
		}
		if c.bound(x.account) != "" {
			t.Errorf("%s: it was bound", x.name)
		}
		b, err := c.service.IdentityBinding(t.Context(), c.stored(x.account))
		if err != nil || b.Status != plr.IdentityUnmatched || b.ClaimsLeft != plr.MaxFailedClaims-1 || b.ClaimAgainAt != nil {
			t.Errorf("%s: %+v, %v", x.name, b, err)
		}
	}
	for i := range texts {
		if texts[i] != texts[0] || !reflect.DeepEqual(errs[i], errs[0]) {
			t.Errorf("one failure is told from another: %s", texts[i])
		}
	}
	if len(c.paused) != len(texts) {
		t.Errorf("%d of %d waited", len(c.paused), len(texts))
	}
	for _, d := range c.paused {
		if d != 750*time.Millisecond { // the clock stands still
			t.Errorf("waited %s", d)
		}
	}
	if c.bound(holder) != held {
		t.Error("the holder lost the record")
	}
	if list := c.stored(holder).Notices; len(list) != 1 || list[0].Kind != plr.NoticeClaimedByAnother {
		t.Errorf("the holder was told %v", list)
	}
}

func ofKind(list []*plr.ReviewCase, claimant string, kind plr.ReviewKind) bool {
	for _, c := range list {
		if c.Claimant == claimant && c.Kind == kind {
			return true
		}
	}
	return false
}

func TestClaimRefusals(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Anna", "Test", here)
	a := c.proved("Anna", "Test", here)
	for _, typed := range []plr.ULN{"", "1", uln[:9] + "x", uln[:9], uln + "0", "9999999999", "0000000000"} {
		if e := c.refused(c.claim(a, typed), plr.CodeInvalid); len(e.Path) != 1 || e.Path[0] != "uln" {
			t.Errorf("%q: at %v", typed, e.Path)
		}
	}
	claimAt := func(a *plr.Account, at time.Time) error {
		_, err := c.service.ClaimRecord(t.Context(), a, plr.ClaimInput{IdentityAt: at})
		return err
	}
	c.refused(c.claim(c.account()), plr.CodeIdentityNotProved)    // never
	c.refused(claimAt(a, time.Time{}), plr.CodeIdentityNotProved) // not in this session
	c.pass(plr.IdentityLife)
	c.refused(claimAt(a, c.time().Add(-plr.IdentityLife)), plr.CodeIdentityNotProved) // too long ago
	c.refused(claimAt(a, c.time()), plr.CodeIdentityNotProved)                        // kept too long ago
	if f := c.file(a); f.FailedTotal != 0 || len(c.entries(a)) != 0 {
		t.Errorf("something was counted: %+v", f)
	}
	c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Anna", "Test", here)))
	c.pass(plr.IdentityLife - time.Millisecond)
	c.ok(claimAt(a, c.time().Add(time.Millisecond-plr.IdentityLife)))
}

func TestClaimLockouts(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	uln := c.learner("Anna", "Test", here)
	a := c.proved("Nobody", "Atall", here)
	again := func() { c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Nobody", "Atall", here))) }
	for range plr.MaxFailedClaims {
		c.refused(c.claim(a, uln), plr.CodeNotMatched)
	}
	if e := c.refused(c.claim(a, uln), plr.CodeLimitReached); e.RetryAfter != plr.ClaimWindow {
		t.Errorf("again after %s", e.RetryAfter)
	}
	// The right person under the same number is one of two accounts: bound.
	c.ok(c.claim(c.proved("Anna", "Test", here), uln))
	c.pass(plr.ClaimWindow)
	again()
	for range plr.MaxFailedClaims {
		c.refused(c.claim(a), plr.CodeNotMatched)
	}
	lockedCase := c.oneCase(plr.ReviewLocked)
	if c.file(a).ReviewID != lockedCase.ID || lockedCase.Claimant != a.ID {
		t.Errorf("%+v", lockedCase)
	}
	c.pass(99 * plr.ClaimWindow)
	again()
	for range 2 {
		if e := c.refused(c.claim(a), plr.CodeLimitReached); e.RetryAfter != 0 {
			t.Errorf("again after %s", e.RetryAfter)
		}
	}
	c.oneCase(plr.ReviewLocked)
	c.refused(c.service.MayProveIdentity(t.Context(), a.ID, false), plr.CodeLimitReached)
	if b, err := c.service.IdentityBinding(t.Context(), a); err != nil || b.Status != plr.IdentityLocked || b.ClaimsLeft != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	if got := c.entries(a); len(got) != 13 || got[0] != plr.ClaimRefused || got[2] != plr.ClaimNoMatch {
		t.Errorf("%d entries: %v", len(got), got)
	}
}

// Claims at once never get past the limit, and one of several is bound.
func TestClaimsAtOnce(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Anna", "Test", here)
	guesser := c.proved("Nobody", "Atall", here)
	var accounts []*plr.Account
	for range plr.MaxClaimants {
		accounts = append(accounts, c.proved("Anna", "Test", here))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[plr.Code]int{}
	bound := 0
	for i := range 20 {
		wg.Go(func() {
			err := c.claim(guesser)
			mu.Lock()
			defer mu.Unlock()
			codes[plr.CodeOf(err)]++
		})
		if i < len(accounts) {
			wg.Go(func() {
				err := c.claim(accounts[i])
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					bound++
				} else if plr.CodeOf(err) != plr.CodeNotMatched {
					t.Errorf("%v", err)
				}
			})
		}
	}
	wg.Wait()
	if codes[plr.CodeNotMatched] != plr.MaxFailedClaims || codes[plr.CodeLimitReached] != 20-plr.MaxFailedClaims {
		t.Errorf("%v", codes)
	}
	if bound != 1 {
		t.Errorf("%d were bound", bound)
	}
}

// A register that does not answer binds nothing and counts nothing.
func TestClaimWithoutTheStore(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Anna", "Test", here)
	a := c.proved("Anna", "Test", here)
	away := &withoutSearch{Store: c.store}
	var err error
	inner := c.service
	c.service, err = plr.New(c.config(away))
	c.ok(err)
	for range plr.MaxFailedClaims + 1 {
		if err := c.claim(a); plr.CodeOf(err) != plr.CodeUnavailable {
			t.Fatal(err)
		}
	}
	if f := c.file(a); f.FailedTotal != 0 || f.LastClaimFailed {
		t.Errorf("%+v", f)
	}
	if got := c.entries(a); len(got) != plr.MaxFailedClaims+1 || got[0] != plr.ClaimRegisterUnavailable {
		t.Errorf("entries %v", got)
	}
	c.service = inner
	c.ok(c.claim(a))
}

type withoutSearch struct{ plr.Store }

func (withoutSearch) RecordsMatching(context.Context, []string, int) ([]*plr.Record, error) {
	return nil, plr.Unavailable(errMarked, time.Second)
}

// Nothing is bound whose audit cannot be written.
func TestClaimWithoutAudit(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	c.learner("Anna", "Test", here)
	a := c.proved("Anna", "Test", here)
	service, err := plr.New(c.config(withoutAudit{c.store}))
	c.ok(err)
	if _, err := service.ClaimRecord(t.Context(), a, plr.ClaimInput{IdentityAt: c.time()}); plr.CodeOf(err) != plr.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if c.bound(a) != "" {
		t.Error("it was bound")
	}
}

type withoutAudit struct{ plr.Store }

func (withoutAudit) AppendClaimEntry(context.Context, *plr.ClaimEntry) error {
	return plr.Unavailable(errMarked, time.Second)
}
