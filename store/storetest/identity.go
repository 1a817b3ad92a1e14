package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

func prove(at time.Time) func(*plr.IdentityFile) error {
	return func(f *plr.IdentityFile) error {
		f.Identity = Identity(at)
		return nil
	}
}

var identityCases = []testCase{
	{"an account without a file has an empty one", func(t *testing.T, s plr.Store) {
		id := NewID("act")
		same(t, "file", must[*plr.IdentityFile](t)(s.Identity(t.Context(), id)), plr.NewIdentityFile(id))
		_, err := s.Account(t.Context(), id)
		refused(t, err, plr.CodeNotFound)
	}},
	{"a file is read back as it was edited, and is the caller's own", func(t *testing.T, s plr.Store) {
		want := plr.NewIdentityFile(NewID("act"))
		want.Identity, want.SuspendedFor, want.FailedTotal, want.LastClaimFailed, want.MetRestricted, want.ReviewID = Identity(T0), plr.SuspendedMerged, 7, true, true, NewID("rvw")
		want.FailedClaims = []time.Time{T0, T0.Add(time.Millisecond)}
		want.Changes = []plr.IdentityChange{{Kind: plr.ChangeBound, At: T0, Route: plr.RouteSupport, Matched: []plr.MatchAttribute{plr.MatchPostCode}}}
		var kept *plr.IdentityFile
		got := must[*plr.IdentityFile](t)(s.EditIdentity(t.Context(), want.AccountID, func(f *plr.IdentityFile) error {
			*f = *copyOf(t, want)
			kept = f
			return nil
		}))
		same(t, "returned", got, want)
		scribble(got)
		scribble(kept)
		same(t, "read", must[*plr.IdentityFile](t)(s.Identity(t.Context(), want.AccountID)), want)
	}},
	{"an edit's refusal is given as it is and stores nothing", func(t *testing.T, s plr.Store) {
		id, fault := NewID("act"), errors.New("no")
		for range 2 { // before and after the first
			before := must[*plr.IdentityFile](t)(s.Identity(t.Context(), id))
			got, err := s.EditIdentity(t.Context(), id, func(f *plr.IdentityFile) error { f.FailedTotal = 99; return fault })
			if !errors.Is(err, fault) || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			same(t, "file", must[*plr.IdentityFile](t)(s.Identity(t.Context(), id)), before)
			must[*plr.IdentityFile](t)(s.EditIdentity(t.Context(), id, prove(T0)))
		}
	}},
	{"claims at once never count past the limit", func(t *testing.T, s plr.Store) {
		id := NewID("act")
		taken := 0
		for i, err := range together(40, func(i int) error {
			_, err := s.EditIdentity(t.Context(), id, func(f *plr.IdentityFile) error { return f.TakeClaim(T0.Add(time.Duration(i) * time.Second)) })
			return err
		}) {
			if err == nil {
				taken++
				continue
			}
			if plr.CodeOf(err) != plr.CodeLimitReached {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if f := must[*plr.IdentityFile](t)(s.Identity(t.Context(), id)); taken != plr.MaxFailedClaims || f.FailedTotal != taken || len(f.FailedClaims) != taken {
			t.Fatalf("%d were taken; the file says %+v", taken, f)
		}
	}},
	{"edits at once are all kept", func(t *testing.T, s plr.Store) {
		id := NewID("act")
		for _, err := range together(30, func(int) error {
			return drop(s.EditIdentity(t.Context(), id, func(f *plr.IdentityFile) error { f.FailedTotal++; return nil }))
		}) {
			ok(t, err)
		}
		if f := must[*plr.IdentityFile](t)(s.Identity(t.Context(), id)); f.FailedTotal != 30 {
			t.Fatalf("%d edits are kept", f.FailedTotal)
		}
	}},
	{"a tally counts each account once, and by its key", func(t *testing.T, s plr.Store) {
		key, a, b := NewID("key"), NewID("act"), NewID("act")
		count := func(want int, key, account string, at time.Time) {
			t.Helper()
			if got := must[int](t)(s.CountClaim(t.Context(), key, account, at)); got != want {
				t.Fatalf("%d before, want %d", got, want)
			}
		}
		count(0, key, a, T0)
		count(1, key, a, T0.Add(time.Hour))
		count(1, key, b, T0.Add(2*time.Hour))
		count(0, NewID("key"), b, T0.Add(2*time.Hour))
		count(2, key, a, T0.Add(24*time.Hour))                            // a's newest is 23 hours old
		count(1, key, b, T0.Add(26*time.Hour))                            // b's own has had its time
		count(0, key, NewID("act"), T0.Add(26*time.Hour+plr.ClaimWindow)) // and then all
	}},
	{"many accounts on one tally at once", func(t *testing.T, s plr.Store) {
		key := NewID("key")
		var accounts []string
		for range 50 {
			accounts = append(accounts, NewID("act"))
		}
		got := together(50, func(i int) int {
			n, err := s.CountClaim(t.Context(), key, accounts[i], T0)
			if err != nil {
				t.Error(err)
			}
			return n
		})
		slices.Sort(got)
		for i, n := range got {
			if n != min(i, plr.MaxClaimants) {
				t.Fatalf("they met %v before them", got)
			}
		}
	}},
	{"one account on one tally at once counts once", func(t *testing.T, s plr.Store) {
		key, account := NewID("key"), NewID("act")
		for _, n := range together(20, func(int) int { return must[int](t)(s.CountClaim(t.Context(), key, account, T0)) }) {
			if n > 1 {
				t.Fatalf("it met %d", n)
			}
		}
	}},
	{"claim entries come newest first and to their account", func(t *testing.T, s plr.Store) {
		id := NewID("act")
		if list := must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), id, 9)); len(list) != 0 {
			t.Fatalf("entries before the first: %v", list)
		}
		var want []*plr.ClaimEntry
		for _, minutes := range []int{5, 1, 9, 9, 7} {
			e := ClaimEntry(id, T0.Add(time.Duration(minutes)*time.Minute))
			ok(t, s.AppendClaimEntry(t.Context(), e))
			want = append(want, e)
		}
		ok(t, s.AppendClaimEntry(t.Context(), ClaimEntry(NewID("act"), T0)))
		slices.SortFunc(want, func(a, b *plr.ClaimEntry) int {
			if c := b.At.Compare(a.At); c != 0 {
				return c
			}
			if a.ID < b.ID {
				return 1
			}
			return -1
		})
		got := must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), id, 9))
		same(t, "all", got, want)
		scribble(got[0])
		same(t, "the newest two", must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), id, 2)), want[:2])
	}},
	{"an entry with the id of one that is there is a fault", func(t *testing.T, s plr.Store) {
		e := ClaimEntry(NewID("act"), T0)
		ok(t, s.AppendClaimEntry(t.Context(), e))
		again := copyOf(t, e)
		again.Outcome = plr.ClaimBound
		if err := s.AppendClaimEntry(t.Context(), again); err == nil {
			t.Error("it was replaced, or passed for added")
		}
		same(t, "entries", must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), e.AccountID, 9)), []*plr.ClaimEntry{e})
	}},
}

var noticeCases = []testCase{
	{"a suspension stays as it began, and ends", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		for _, step := range []struct{ set, want *time.Time }{
			{nil, nil}, {ptr(T0), ptr(T0)}, {ptr(T0.Add(time.Hour)), ptr(T0)}, {nil, nil}, {nil, nil}, {ptr(T0.Add(time.Hour)), ptr(T0.Add(time.Hour))},
		} {
			ok(t, s.SuspendAccount(t.Context(), a.ID, step.set))
			same(t, "suspended at", must[*plr.Account](t)(s.Account(t.Context(), a.ID)).SuspendedAt, step.want)
		}
		uln := NewULN() // nothing else is touched by it
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		if got := must[*plr.Account](t)(s.AccountOf(t.Context(), uln)); got.SuspendedAt == nil || got.ID != a.ID {
			t.Errorf("got %+v", got)
		}
		refused(t, s.SuspendAccount(t.Context(), NewID("act"), ptr(T0)), plr.CodeNotFound)
		refused(t, s.SuspendAccount(t.Context(), NewID("act"), nil), plr.CodeNotFound)
	}},
	{"notices are kept until they are seen, each kind once", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		add := func(kind plr.NoticeKind, at time.Time) {
			t.Helper()
			ok(t, s.AddNotice(t.Context(), a.ID, plr.AccountNotice{Kind: kind, At: at}))
		}
		add(plr.NoticeClaimedByAnother, T0)
		add(plr.NoticeClaimedByAnother, T0.Add(time.Minute))
		add(plr.NoticeMoved, T0.Add(time.Hour))
		want := []plr.AccountNotice{{Kind: plr.NoticeClaimedByAnother, At: T0}, {Kind: plr.NoticeMoved, At: T0.Add(time.Hour)}}
		same(t, "told", must[*plr.Account](t)(s.Account(t.Context(), a.ID)).Notices, want)
		want[0].SeenAt = ptr(T0.Add(time.Minute)) // the other is from later
		same(t, "seen", must[*plr.Account](t)(s.AcknowledgeNotices(t.Context(), a.ID, T0.Add(time.Minute))).Notices, want)
		add(plr.NoticeClaimedByAnother, T0.Add(2*time.Hour))
		want = append(want, plr.AccountNotice{Kind: plr.NoticeClaimedByAnother, At: T0.Add(2 * time.Hour)})
		same(t, "told again", must[*plr.Account](t)(s.Account(t.Context(), a.ID)).Notices, want)
		refused(t, s.AddNotice(t.Context(), NewID("act"), want[0]), plr.CodeNotFound)
		_, err := s.AcknowledgeNotices(t.Context(), NewID("act"), T0)
		refused(t, err, plr.CodeNotFound)
	}},
	{"notices, a binding and a suspension at once are all kept", func(t *testing.T, s plr.Store) {
		a, uln := ensured(t, s), NewULN()
		kinds := []plr.NoticeKind{plr.NoticeClaimedByAnother, plr.NoticeMoved, plr.NoticeConnected, plr.NoticeRestored, plr.NoticeRefused}
		for _, err := range together(len(kinds)+3, func(i int) error {
			switch i {
			case len(kinds):
				return s.BindAccount(t.Context(), a.ID, uln, T0)
			case len(kinds) + 1:
				return s.SuspendAccount(t.Context(), a.ID, ptr(T0))
			case len(kinds) + 2:
				return s.InvalidateSessions(t.Context(), a.ID, T0)
			}
			return s.AddNotice(t.Context(), a.ID, plr.AccountNotice{Kind: kinds[i], At: T0})
		}) {
			ok(t, err)
		}
		got := must[*plr.Account](t)(s.Account(t.Context(), a.ID))
		if len(got.Notices) != len(kinds) || got.ULN != uln || got.SuspendedAt == nil || !got.SessionsInvalidBefore.Equal(T0) {
			t.Fatalf("got %+v", got)
		}
	}},
	{"the oldest notices go first", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		for i := range plr.MaxNotices + 3 {
			at := T0.Add(time.Duration(i) * time.Hour)
			ok(t, s.AddNotice(t.Context(), a.ID, plr.AccountNotice{Kind: plr.NoticeMoved, At: at}))
			must[*plr.Account](t)(s.AcknowledgeNotices(t.Context(), a.ID, at))
		}
		list := must[*plr.Account](t)(s.Account(t.Context(), a.ID)).Notices
		if len(list) != plr.MaxNotices || !list[0].At.Equal(T0.Add(3*time.Hour)) {
			t.Fatalf("%d, from %s", len(list), list[0].At)
		}
	}},
}
