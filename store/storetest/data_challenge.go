package storetest

import (
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

func anyChallenge([]*plr.DataChallenge) error { return nil }

func raised(t *testing.T, s plr.Store, c *plr.DataChallenge) *plr.DataChallenge {
	t.Helper()
	return must[*plr.DataChallenge](t)(s.CreateDataChallenge(t.Context(), c, nil, anyChallenge))
}

func withdraw(c *plr.DataChallenge) error {
	c.Status, c.UpdatedAt = plr.ChallengeWithdrawn, T0.Add(time.Hour)
	c.Version++
	return nil
}

var challengeCases = []testCase{
	{"a challenge is read back as it was made", func(t *testing.T, s plr.Store) {
		c := Challenge(NewULN(), T0)
		if list := must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), c.ULN)); len(list) != 0 {
			t.Fatalf("challenges before the first: %v", list)
		}
		same(t, "returned", raised(t, s, c), c)
		same(t, "read", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), c.ULN)), []*plr.DataChallenge{c})
	}},
	{"challenges come newest first, to the reader and to admit", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var want []*plr.DataChallenge
		for _, minutes := range []int{5, 1, 9, 3, 7} { // not in the order of time
			c := Challenge(uln, T0.Add(time.Duration(minutes)*time.Minute))
			var seen []*plr.DataChallenge
			must[*plr.DataChallenge](t)(s.CreateDataChallenge(t.Context(), c, nil, func(existing []*plr.DataChallenge) error {
				seen = copyOf(t, existing)
				return nil
			}))
			same(t, "given to admit", seen, want)
			want = append(want, c)
			slices.SortFunc(want, func(a, b *plr.DataChallenge) int { return b.CreatedAt.Compare(a.CreatedAt) })
			same(t, "read", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), uln)), want)
		}
	}},
	{"a challenge that is not admitted leaves nothing", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		first := raised(t, s, Challenge(uln, T0))
		got, err := s.CreateDataChallenge(t.Context(), Challenge(uln, T0), nil, func(existing []*plr.DataChallenge) error {
			scribble(existing)
			return errEdit
		})
		if err != errEdit || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		same(t, "challenges", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), uln)), []*plr.DataChallenge{first})
	}},
	{"check and insert are one step", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		const most = 3
		errs := together(60, func(int) error {
			_, err := s.CreateDataChallenge(t.Context(), Challenge(uln, T0), nil, func(existing []*plr.DataChallenge) error {
				if len(existing) >= most {
					return errEdit
				}
				return nil
			})
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if err != errEdit {
				t.Fatal(err)
			}
		}
		if held := len(must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), uln))); made != most || held != most {
			t.Fatalf("%d made, %d held", made, held)
		}
	}},
	{"an edit is stored and comes back", func(t *testing.T, s plr.Store) {
		c := raised(t, s, Challenge(NewULN(), T0))
		got := must[*plr.DataChallenge](t)(s.UpdateDataChallenge(t.Context(), c.ULN, c.ID, withdraw))
		ok(t, withdraw(c))
		same(t, "returned", got, c)
		same(t, "read", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), c.ULN)), []*plr.DataChallenge{c})
	}},
	{"a refused edit stores nothing and its error comes back as it is", func(t *testing.T, s plr.Store) {
		c := raised(t, s, Challenge(NewULN(), T0))
		got, err := s.UpdateDataChallenge(t.Context(), c.ULN, c.ID, func(edited *plr.DataChallenge) error {
			ok(t, withdraw(edited))
			return errEdit
		})
		if err != errEdit || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		same(t, "challenges", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), c.ULN)), []*plr.DataChallenge{c})
	}},
	{"edits at once are all applied", func(t *testing.T, s plr.Store) {
		c := raised(t, s, Challenge(NewULN(), T0))
		together(50, func(int) error {
			_, err := s.UpdateDataChallenge(t.Context(), c.ULN, c.ID, withdraw)
			if err != nil {
				t.Error(err)
			}
			return err
		})
		if got := must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), c.ULN))[0]; got.Version != 51 {
			t.Fatalf("version %d", got.Version)
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		c := Challenge(NewULN(), T0)
		want := copyOf(t, c)
		scribble(raised(t, s, c))
		scribble(c)
		var kept *plr.DataChallenge
		edited := must[*plr.DataChallenge](t)(s.UpdateDataChallenge(t.Context(), want.ULN, want.ID, func(c *plr.DataChallenge) error {
			kept = c
			return withdraw(c)
		}))
		ok(t, withdraw(want))
		scribble(kept)
		scribble(edited)
		scribble(must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), want.ULN)))
		same(t, "challenges", must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), want.ULN)), []*plr.DataChallenge{want})
	}},
	{"challenges are the owner's alone", func(t *testing.T, s plr.Store) {
		c := raised(t, s, Challenge(NewULN(), T0))
		alike(t, func(uln plr.ULN, id string) error {
			got, err := s.UpdateDataChallenge(t.Context(), uln, id, func(*plr.DataChallenge) error { return nil })
			if err != nil && got != nil {
				t.Error("a challenge beside the error")
			}
			return err
		}, c.ULN, c.ID, NewID("dch"))
		if list := must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), NewULN())); len(list) != 0 {
			t.Fatalf("somebody else sees %v", list)
		}
	}},
}
