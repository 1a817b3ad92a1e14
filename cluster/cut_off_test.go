package cluster

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/storetest"
)

// cutOff loses every write to a collection, as when the process dies before it,
// until it is mended, which waits until the store has noticed.
func cutOff(t *testing.T, front *mongotest.Front, s plr.Store, collection string) (mend func()) {
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		return mongotest.Action{DropBefore: c.Collection == collection && c.Name != "find"}
	})
	return func() {
		front.Intercept(nil)
		for began := time.Now(); s.Ping(t.Context()) != nil; runtime.Gosched() {
			if time.Since(began) > 10*time.Second {
				t.Fatal("the store does not come back")
			}
		}
	}
}

func unavailable(t *testing.T, err error) {
	t.Helper()
	if plr.CodeOf(err) != plr.CodeUnavailable {
		t.Fatalf("got %v, want UNAVAILABLE", err)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCutOff: what a process that died left half-done is as if done, or as if
// never begun, and the next act finishes it.
func TestCutOff(t *testing.T) {
	front := mongotest.Start(t).Front
	s := openStore(t, front.URI()+"cut_off", time.Second, nil)

	t.Run("a view stands in no list until the create is repeated", func(t *testing.T) {
		view := storetest.View(storetest.NewULN())
		idem := storetest.OwnedBy(view.ULN, storetest.Idempotency("key", "input", storetest.T0))
		mend := cutOff(t, front, s, "views")
		_, err := s.CreateConfiguredView(t.Context(), view, idem)
		unavailable(t, err)
		mend()
		if list, err := s.ConfiguredViews(t.Context(), view.ULN); err != nil || len(list) != 0 {
			t.Fatalf("%v, %v", list, err)
		}
		again := storetest.View(view.ULN)
		made, err := s.CreateConfiguredView(t.Context(), again, idem)
		if ok(t, err); made.ID != view.ID {
			t.Fatalf("the repeat made %s, the first %s", made.ID, view.ID)
		}
		if list, err := s.ConfiguredViews(t.Context(), view.ULN); err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
	})
	t.Run("a challenge is there for the next one's check", func(t *testing.T) {
		first := storetest.Challenge(storetest.NewULN(), storetest.T0)
		all := func([]*plr.DataChallenge) error { return nil }
		mend := cutOff(t, front, s, "challenges")
		_, err := s.CreateDataChallenge(t.Context(), first, nil, all)
		unavailable(t, err)
		mend()
		_, err = s.CreateDataChallenge(t.Context(), storetest.Challenge(first.ULN, storetest.T0), nil, func(existing []*plr.DataChallenge) error {
			if len(existing) != 1 || existing[0].ID != first.ID {
				t.Errorf("the check saw %v", existing)
			}
			return nil
		})
		ok(t, err)
	})
	t.Run("a move of the switch is in the history", func(t *testing.T) {
		uln := storetest.NewULN()
		mend := cutOff(t, front, s, "preference_changes")
		for i := range 2 {
			change := plr.PreferenceChange{OptedOut: i == 0, At: storetest.T0, Channel: plr.ChannelSelf}
			_, err := s.SetSharingPreference(t.Context(), uln, change, func(sh *plr.Sharing) error { sh.OptedOut = change.OptedOut; return nil })
			ok(t, err)
			if i == 0 {
				mend()
			}
		}
		history, err := s.PreferenceChanges(t.Context(), uln)
		if ok(t, err); len(history) != 2 || history[0].OptedOut || !history[1].OptedOut {
			t.Fatalf("%v", history)
		}
	})
	t.Run("a revoked link is revoked wherever it stands", func(t *testing.T) {
		link := storetest.Link(storetest.NewULN())
		admit := func(sh *plr.Sharing) error { return sh.Admit(link, false) }
		_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, admit)
		ok(t, err)
		mend := cutOff(t, front, s, "revoked_links")
		n, err := s.RevokeShareLinks(t.Context(), link.ULN, nil, storetest.T0)
		if ok(t, err); n != 1 {
			t.Fatalf("ended %d", n)
		}
		mend()
		for range 2 { // before and after it is carried over
			r, err := s.ClaimRedemption(t.Context(), storetest.Claim(link, storetest.T0))
			if ok(t, err); r.State != plr.LinkRevoked {
				t.Fatalf("it is %s", r.State)
			}
			list, err := s.RevokedShareLinks(t.Context(), link.ULN)
			if ok(t, err); len(list) != 1 || list[0].Version != 2 {
				t.Fatalf("%v", list)
			}
			_, err = s.RevokedShareLink(t.Context(), link.ULN, link.ID)
			ok(t, err)
			if n, err := s.RevokeShareLinks(t.Context(), link.ULN, []string{link.ID}, storetest.T0.Add(time.Hour)); n != 0 || err != nil {
				t.Fatalf("ended %d again, %v", n, err)
			}
			doc, err := s.EditSharing(t.Context(), link.ULN, func(*plr.Sharing) error { return nil })
			if ok(t, err); len(doc.Links) != 0 {
				t.Fatalf("links: %v", doc.Links)
			}
		}
	})
	t.Run("a reserved number is bound to nobody, and free after a while", func(t *testing.T) {
		a, b, uln := storetest.Account(), storetest.Account(), storetest.NewULN()
		for _, account := range []*plr.Account{a, b} {
			_, err := s.EnsureAccount(t.Context(), account)
			ok(t, err)
		}
		mend := cutOff(t, front, s, "accounts")
		unavailable(t, s.BindAccount(t.Context(), a.ID, uln, storetest.T0))
		mend()
		if _, err := s.AccountOf(t.Context(), uln); plr.CodeOf(err) != plr.CodeNotFound {
			t.Fatalf("got %v", err)
		}
		unavailable(t, s.BindAccount(t.Context(), b.ID, uln, storetest.T0)) // it may yet come to something
		ok(t, s.BindAccount(t.Context(), b.ID, uln, storetest.T0.Add(time.Hour)))
		if got, err := s.AccountOf(t.Context(), uln); err != nil || got.ID != b.ID {
			t.Fatalf("%v, %v", got, err)
		}
		if err := s.BindAccount(t.Context(), a.ID, uln, storetest.T0.Add(2*time.Hour)); plr.CodeOf(err) != plr.CodeAlreadyDone {
			t.Fatalf("got %v", err)
		}
	})
}

// TestGuessWhileALinkIsCarriedOut: a guess counted between the copying of a
// revoked link and its removal is not given back.
func TestGuessWhileALinkIsCarriedOut(t *testing.T) {
	server := mongotest.Start(t)
	front := server.Listen(t)
	s, other := openStore(t, front.URI()+"guess", patience, nil), openStore(t, server.URI()+"guess", patience, nil)
	link := storetest.WithPIN(storetest.Link(storetest.NewULN()))
	_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
	ok(t, err)
	guess := func() {
		if taken, _, err := other.TakeGuess(t.Context(), link.ULN, link.ID, storetest.T0); err != nil || !taken {
			t.Errorf("taken %v, %v", taken, err)
		}
	}
	once := sync.OnceFunc(guess)
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		if c.Collection != "sharing" || c.Name != "update" {
			return mongotest.Action{}
		}
		return mongotest.Action{Before: once}
	})
	if n, err := s.RevokeShareLinks(t.Context(), link.ULN, nil, storetest.T0); n != 1 || err != nil {
		t.Fatalf("ended %d, %v", n, err)
	}
	guess()
	got, err := s.RevokedShareLink(t.Context(), link.ULN, link.ID)
	if ok(t, err); got.GuessesLeft != plr.GuessBudget-2 {
		t.Fatalf("%d guesses left after two", got.GuessesLeft)
	}
}
