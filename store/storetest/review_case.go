package storetest

import (
	"errors"
	"testing"
	"time"

	"openplr/plr"
)

// opened opens a case that is not open yet.
func opened(t *testing.T, s plr.Store, c *plr.ReviewCase) *plr.ReviewCase {
	t.Helper()
	stored, created, err := s.CreateReviewCase(t.Context(), c)
	ok(t, err)
	if !created {
		t.Fatal("the case was open already")
	}
	return stored
}

func resolve(at time.Time) func(*plr.ReviewCase) error {
	return func(c *plr.ReviewCase) error {
		c.State, c.ClosedAt = plr.ReviewResolved, &at
		c.Resolution = &plr.ReviewResolution{Decision: plr.ReviewRefuse, ULN: c.ULN, By: "act_caseworker", At: at, Reason: "Ni ellir dweud."}
		c.Version++
		return nil
	}
}

func firstID(c *plr.ReviewCase) string {
	for id := range c.IDs {
		return id
	}
	return ""
}

var reviewCases = []testCase{
	{"a case is read back as it was opened, and is the caller's own", func(t *testing.T, s plr.Store) {
		c := Review(NewID("act"), NewULN(), T0)
		_, err := s.ReviewCase(t.Context(), firstID(c))
		refused(t, err, plr.CodeNotFound)
		want := copyOf(t, c)
		want.ID = firstID(c)
		got := opened(t, s, c)
		same(t, "returned", got, want)
		scribble(got)
		scribble(c)
		same(t, "read", must[*plr.ReviewCase](t)(s.ReviewCase(t.Context(), want.ID)), want)
	}},
	{"while a case is open, its like is the same case", func(t *testing.T, s plr.Store) {
		c := Review(NewID("act"), NewULN(), T0)
		first := opened(t, s, copyOf(t, c))
		c.OpenedAt, c.Holder = T0.Add(time.Hour), NewID("act")
		held, created, err := s.CreateReviewCase(t.Context(), copyOf(t, c))
		ok(t, err)
		if created {
			t.Error("it was opened twice")
		}
		same(t, "the first", held, first)
		for _, other := range []func(*plr.ReviewCase){
			func(c *plr.ReviewCase) { c.Kind = plr.ReviewTally }, func(c *plr.ReviewCase) { c.Claimant = NewID("act") },
			func(c *plr.ReviewCase) { c.ULN = NewULN() }, func(c *plr.ReviewCase) { c.ULN = "" },
		} {
			another := copyOf(t, c)
			other(another)
			if got := opened(t, s, another); got.ID == first.ID {
				t.Error("another case has its id")
			}
		}
	}},
	{"once it is resolved, another can be opened", func(t *testing.T, s plr.Store) {
		c := Review(NewID("act"), NewULN(), T0)
		ids := map[string]bool{}
		for range 3 {
			one := opened(t, s, copyOf(t, c))
			ids[one.ID] = true
			must[*plr.ReviewCase](t)(s.EditReviewCase(t.Context(), one.ID, resolve(T0.Add(time.Hour))))
		}
		if len(ids) != 3 {
			t.Fatalf("%d cases", len(ids))
		}
	}},
	{"many at once open one case", func(t *testing.T, s plr.Store) {
		c := Review(NewID("act"), NewULN(), T0)
		for round := range 2 { // the first of its kind, and one after it
			type answer struct {
				id      string
				created bool
			}
			answers := together(40, func(int) answer {
				got, created, err := s.CreateReviewCase(t.Context(), copyOf(t, c))
				if err != nil {
					t.Error(err)
					return answer{}
				}
				return answer{got.ID, created}
			})
			created := 0
			for _, a := range answers {
				if a.id != answers[0].id {
					t.Fatalf("round %d: two cases", round)
				}
				if a.created {
					created++
				}
			}
			if created != 1 {
				t.Fatalf("round %d: %d say that they opened it", round, created)
			}
			must[*plr.ReviewCase](t)(s.EditReviewCase(t.Context(), answers[0].id, resolve(T0)))
		}
	}},
	{"an edit is kept, one that is refused is not, and of many at once all are", func(t *testing.T, s plr.Store) {
		one := opened(t, s, Review(NewID("act"), NewULN(), T0))
		fault := errors.New("no")
		got, err := s.EditReviewCase(t.Context(), one.ID, func(c *plr.ReviewCase) error { c.Version = 99; return fault })
		if !errors.Is(err, fault) || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		for _, err := range together(20, func(int) error {
			return drop(s.EditReviewCase(t.Context(), one.ID, func(c *plr.ReviewCase) error { c.Version++; return nil }))
		}) {
			ok(t, err)
		}
		want := copyOf(t, one)
		want.Version = 21
		ok(t, resolve(T0.Add(time.Hour))(want))
		same(t, "returned", must[*plr.ReviewCase](t)(s.EditReviewCase(t.Context(), one.ID, resolve(T0.Add(time.Hour)))), want)
		same(t, "read", must[*plr.ReviewCase](t)(s.ReviewCase(t.Context(), one.ID)), want)
		_, err = s.EditReviewCase(t.Context(), NewID("rvw"), resolve(T0))
		refused(t, err, plr.CodeNotFound)
	}},
}

// reviewListCases have a store to themselves: the list is of all cases.
var reviewListCases = []testCase{
	{"review cases: newest first, page by page, by state and restriction", func(t *testing.T, s plr.Store) {
		list := func(q plr.ReviewQuery) (got []*plr.ReviewCase, total int) {
			t.Helper()
			got, total, err := s.ReviewCases(t.Context(), q)
			ok(t, err)
			return got, total
		}
		if got, total := list(plr.ReviewQuery{Restricted: true, Limit: 9}); len(got) != 0 || total != 0 {
			t.Fatalf("%d of %d in an empty store", len(got), total)
		}
		want := map[string]bool{}
		for i := range 30 { // three at each instant, in no order of time
			c := Review(NewID("act"), NewULN(), T0.Add(time.Duration(i*7%10)*time.Minute))
			c.Restricted = i%5 == 0
			c = opened(t, s, c)
			if i%3 == 0 {
				must[*plr.ReviewCase](t)(s.EditReviewCase(t.Context(), c.ID, resolve(T0)))
			}
			want[c.ID] = true
		}
		for _, q := range []plr.ReviewQuery{
			{Restricted: true}, {}, {State: plr.ReviewOpen}, {State: plr.ReviewResolved}, {State: plr.ReviewOpen, Restricted: true}, {State: plr.ReviewResolved, Restricted: true},
		} {
			number := map[plr.ReviewQuery]int{
				{Restricted: true}: 30, {}: 24, {State: plr.ReviewOpen}: 16, {State: plr.ReviewResolved}: 8, {State: plr.ReviewOpen, Restricted: true}: 20,
				{State: plr.ReviewResolved, Restricted: true}: 10,
			}[q]
			q.Limit = 4
			var last *plr.ReviewCase
			seen := 0
			for {
				page, total := list(q)
				if total != number {
					t.Fatalf("%+v: %d in all, want %d", q, total, number)
				}
				for _, c := range page {
					if !want[c.ID] || (c.Restricted && !q.Restricted) || (q.State != "" && c.State != q.State) {
						t.Errorf("%+v gives %+v", q, c)
					}
					if last != nil && (c.OpenedAt.After(last.OpenedAt) || (c.OpenedAt.Equal(last.OpenedAt) && c.ID >= last.ID)) {
						t.Errorf("%s %s behind %s %s", c.OpenedAt, c.ID, last.OpenedAt, last.ID)
					}
					last = c
					seen++
				}
				if len(page) < q.Limit {
					break
				}
				q.BeforeAt, q.BeforeID = last.OpenedAt, last.ID
			}
			if seen != number {
				t.Errorf("%+v: %d seen, want %d", q, seen, number)
			}
		}
	}},
}
