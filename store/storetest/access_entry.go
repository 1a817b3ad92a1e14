package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

func appended(t *testing.T, s plr.Store, e *plr.AccessEntry) *plr.AccessEntry {
	t.Helper()
	ok(t, s.AppendAccessEntry(t.Context(), e))
	return e
}

// entriesOf reads one page and checks the total.
func entriesOf(t *testing.T, s plr.Store, uln plr.ULN, q plr.AccessQuery, wantTotal int) []*plr.AccessEntry {
	t.Helper()
	entries, total, err := s.AccessEntries(t.Context(), uln, q)
	ok(t, err)
	if total != wantTotal {
		t.Fatalf("%+v: total %d, want %d", q, total, wantTotal)
	}
	return entries
}

// newestFirst is the order entries come in.
func newestFirst(a, b *plr.AccessEntry) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
}

var accessCases = []testCase{
	{"an entry is read back as it was added", func(t *testing.T, s plr.Store) {
		e := Entry(NewULN(), NewID("lnk"), T0, plr.AccessDisclosed)
		entriesOf(t, s, e.ULN, plr.AccessQuery{Limit: 10}, 0)
		want := copyOf(t, appended(t, s, e))
		same(t, "by id", must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), e.ULN, e.ID)), want)
		same(t, "in the list", entriesOf(t, s, e.ULN, plr.AccessQuery{Limit: 10}, 1), []*plr.AccessEntry{want})
	}},
	{"a failed attempt has no reference and shows nothing", func(t *testing.T, s plr.Store) {
		e := Entry(NewULN(), NewID("lnk"), T0, plr.AccessWrongPIN)
		e.Reference, e.ItemsDisclosed, e.FieldsDisclosed, e.Recipient = nil, 0, nil, plr.Recipient{Name: "Test"}
		got := must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), e.ULN, appended(t, s, e).ID))
		if same(t, "entry", got, e); got.Reference != nil {
			t.Fatal("a reference came back")
		}
	}},
	{"what is filled at reading is not stored", func(t *testing.T, s plr.Store) {
		e := Entry(NewULN(), NewID("lnk"), T0, plr.AccessDisclosed)
		e.ShareLink = Link(e.ULN)
		if got := must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), e.ULN, appended(t, s, e).ID)); got.ShareLink != nil {
			t.Fatal("an entry came back with a link")
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		e := Entry(NewULN(), NewID("lnk"), T0, plr.AccessDisclosed)
		want := copyOf(t, e)
		scribble(appended(t, s, e))
		scribble(must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), want.ULN, want.ID)))
		scribble(entriesOf(t, s, want.ULN, plr.AccessQuery{Limit: 1}, 1))
		same(t, "entry", must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), want.ULN, want.ID)), want)
	}},
	{"an entry is never replaced", func(t *testing.T, s plr.Store) {
		e := Entry(NewULN(), NewID("lnk"), T0, plr.AccessDisclosed)
		want := copyOf(t, appended(t, s, e))
		for _, at := range []time.Time{T0, T0.Add(time.Hour)} {
			e.At, e.Result = at, plr.AccessWrongPIN
			_ = s.AppendAccessEntry(t.Context(), e) // whether it is told or not
		}
		same(t, "by id", must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), e.ULN, e.ID)), want)
		same(t, "in the list", entriesOf(t, s, e.ULN, plr.AccessQuery{Limit: 10}, 1), []*plr.AccessEntry{want})
	}},
	{"newest first, and of one instant the highest id first", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var want []*plr.AccessEntry
		for _, at := range []time.Duration{0, 3, -4, 3, 0, 3, 86400, -4, 0} {
			want = append(want, appended(t, s, Entry(uln, NewID("lnk"), T0.Add(at*time.Second), plr.AccessDisclosed)))
		}
		slices.SortFunc(want, newestFirst)
		same(t, "entries", entriesOf(t, s, uln, plr.AccessQuery{Limit: 100}, 9), want)
		same(t, "limited", entriesOf(t, s, uln, plr.AccessQuery{Limit: 4}, 9), want[:4])
	}},
	{"an instant of a millisecond is kept apart from the next", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		older := appended(t, s, Entry(uln, NewID("lnk"), T0, plr.AccessDisclosed))
		newer := appended(t, s, Entry(uln, NewID("lnk"), T0.Add(time.Millisecond), plr.AccessDisclosed))
		same(t, "entries", entriesOf(t, s, uln, plr.AccessQuery{Limit: 9}, 2), []*plr.AccessEntry{newer, older})
		same(t, "behind the newer", entriesOf(t, s, uln, plr.AccessQuery{Limit: 9, BeforeAt: newer.At, BeforeID: newer.ID}, 2), []*plr.AccessEntry{older})
	}},
	{"a place need not be an entry", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		a := appended(t, s, Entry(uln, NewID("lnk"), T0, plr.AccessDisclosed))
		b := appended(t, s, Entry(uln, NewID("lnk"), T0, plr.AccessDisclosed))
		for _, c := range []struct {
			name string
			at   time.Time
			id   string
			want []*plr.AccessEntry
		}{
			{"behind both in time", T0.Add(time.Second), "acc_0", []*plr.AccessEntry{b, a}},
			{"before both in time", T0.Add(-time.Second), "acc_z", nil},
			{"above both", T0, "acc_z", []*plr.AccessEntry{b, a}},
			{"between them", T0, a.ID + "0", []*plr.AccessEntry{a}},
			{"below both", T0, "acc_", nil},
		} {
			same(t, c.name, entriesOf(t, s, uln, plr.AccessQuery{Limit: 9, BeforeAt: c.at, BeforeID: c.id}, 2), c.want)
		}
	}},
	{"paging with every filter, against a model", func(t *testing.T, s plr.Store) {
		r := rand.New(rand.NewPCG(1, 3))
		uln, other := NewULN(), NewULN()
		links := []string{NewID("lnk"), NewID("lnk"), NewID("lnk")}
		results := []plr.AccessResult{plr.AccessDisclosed, plr.AccessDisclosedAgain, plr.AccessWrongPIN, plr.AccessLinkExpired}
		var entries []*plr.AccessEntry
		for i := range 90 {
			e := Entry(uln, links[r.IntN(3)], T0.Add(time.Duration(r.IntN(12))*time.Second), results[r.IntN(4)])
			entries = append(entries, appended(t, s, e))
			if i%9 == 0 {
				appended(t, s, Entry(other, e.LinkID, e.At, e.Result))
			}
		}
		slices.SortFunc(entries, newestFirst)
		for _, filter := range []plr.AccessQuery{
			{}, {LinkID: links[1]}, {Results: results[:1]}, {Results: results[1:3]}, {LinkID: links[0], Results: results[2:]},
			{LinkID: NewID("lnk")}, {Results: []plr.AccessResult{plr.AccessFrozen}},
		} {
			var want []*plr.AccessEntry
			for _, e := range entries {
				if (filter.LinkID == "" || filter.LinkID == e.LinkID) && (filter.Results == nil || slices.Contains(filter.Results, e.Result)) {
					want = append(want, e)
				}
			}
			for _, limit := range []int{1, 7, 200} {
				q, got := filter, []*plr.AccessEntry(nil)
				q.Limit = limit
				for {
					page := entriesOf(t, s, uln, q, len(want))
					if len(page) > limit {
						t.Fatalf("%d entries on a page of %d", len(page), limit)
					}
					got = append(got, page...)
					if len(page) == 0 {
						break
					}
					q.BeforeAt, q.BeforeID = page[len(page)-1].At, page[len(page)-1].ID
				}
				same(t, fmt.Sprintf("%+v in pages of %d", filter, limit), got, want)
			}
		}
	}},
	{"entries added at once are all there", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		want := together(100, func(i int) *plr.AccessEntry {
			e := Entry(uln, NewID("lnk"), T0.Add(time.Duration(i%7)*time.Second), plr.AccessDisclosed)
			if err := s.AppendAccessEntry(t.Context(), e); err != nil {
				t.Error(err)
			}
			return e
		})
		slices.SortFunc(want, newestFirst)
		same(t, "entries", entriesOf(t, s, uln, plr.AccessQuery{Limit: 200}, 100), want)
	}},
	{"entries are the learner's alone", func(t *testing.T, s plr.Store) {
		e := appended(t, s, Entry(NewULN(), NewID("lnk"), T0, plr.AccessDisclosed))
		alike(t, func(uln plr.ULN, id string) error {
			got, err := s.AccessEntry(t.Context(), uln, id)
			if err != nil && got != nil {
				t.Error("an entry beside the error")
			}
			return err
		}, e.ULN, e.ID, NewID("acc"))
		for _, q := range []plr.AccessQuery{{Limit: 9}, {Limit: 9, LinkID: e.LinkID}} {
			if list := entriesOf(t, s, NewULN(), q, 0); len(list) != 0 {
				t.Fatalf("somebody else sees %v", list)
			}
		}
	}},
}
