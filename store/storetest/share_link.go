package storetest

import (
	"testing"
	"time"

	"openplr/plr"
)

// created stores a link as a Service does.
func created(t *testing.T, s plr.Store, link *plr.ShareLink) *plr.ShareLink {
	t.Helper()
	return must[*plr.ShareLink](t)(s.CreateShareLink(t.Context(), link, Ref(link), nil, admit(link)))
}

func admit(link *plr.ShareLink) func(*plr.Sharing) error {
	return func(sh *plr.Sharing) error { return sh.Admit(link, false) }
}

// live reads a link from the document.
func live(t *testing.T, s plr.Store, link *plr.ShareLink) *plr.ShareLink {
	t.Helper()
	l := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)).Links[link.ID]
	if l == nil {
		t.Fatalf("link %s is not in the document", link.ID)
	}
	return l
}

var shareLinkCases = []testCase{
	{"a link is in the document, and its secret leads to it", func(t *testing.T, s plr.Store) {
		link := WithLimit(WithPIN(Link(NewULN())), 5)
		got := created(t, s, link)
		same(t, "returned", got, link)
		same(t, "stored", live(t, s, link), link)
		same(t, "secret's owner", must[*plr.SecretRef](t)(s.SecretOwner(t.Context(), Ref(link).Hash)), Ref(link))
	}},
	{"a link comes back as admit left it", func(t *testing.T, s plr.Store) {
		link := Link(NewULN())
		for range 3 {
			must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
				sh.OptOut(T0)
				sh.OptIn(T0, false)
				return nil
			}))
		}
		if got := created(t, s, link); got.Generation != 3 {
			t.Fatalf("made in generation %d", got.Generation)
		}
	}},
	{"an unknown secret leads nowhere", func(t *testing.T, s plr.Store) {
		ref, err := s.SecretOwner(t.Context(), "no such hash")
		refused(t, err, plr.CodeNotFound)
		if ref != nil {
			t.Fatal("got a reference beside the error")
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		link := WithLimit(WithPIN(Link(NewULN())), 5)
		ref, want := Ref(link), copyOf(t, link)
		got := created(t, s, link)
		scribble(link)
		scribble(got)
		same(t, "link", live(t, s, want), want)
		scribble(must[*plr.SecretRef](t)(s.SecretOwner(t.Context(), ref.Hash)))
		same(t, "secret's owner", must[*plr.SecretRef](t)(s.SecretOwner(t.Context(), ref.Hash)), ref)

		_, taken, err := s.TakeGuess(t.Context(), want.ULN, want.ID, T0)
		ok(t, err)
		scribble(taken)
		claim := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(want, T0)))
		scribble(&claim)
		want.GuessesLeft, want.GuessAt, want.RedemptionCount = plr.GuessBudget-1, T0, 1
		after := live(t, s, want)
		after.Redemptions = nil
		same(t, "link after a guess and a claim", after, want)

		must[int](t)(s.RevokeShareLinks(t.Context(), want.ULN, nil, T0))
		ended := must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), want.ULN, want.ID))
		wantEnded := copyOf(t, ended)
		scribble(ended)
		scribble(must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), want.ULN))[0])
		same(t, "revoked link", must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), want.ULN, want.ID)), wantEnded)
	}},
	{"a link that is not admitted leaves nothing", func(t *testing.T, s plr.Store) {
		link := Link(NewULN())
		got, err := s.CreateShareLink(t.Context(), link, Ref(link), nil, func(sh *plr.Sharing) error {
			sh.Links[link.ID] = link
			return errEdit
		})
		if err != errEdit || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)), plr.NewSharing(link.ULN))
		opensNothing(t, s, link)
	}},
	{"no link while sharing is off", func(t *testing.T, s plr.Store) {
		link := Link(NewULN())
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error { sh.OptOut(T0); return nil }))
		_, err := s.CreateShareLink(t.Context(), link, Ref(link), nil, admit(link))
		refused(t, err, plr.CodeSharingOff)
		opensNothing(t, s, link)
	}},
	{"the limit of live links holds, also at once", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var links []*plr.ShareLink
		for range plr.MaxLiveLinks + 15 {
			links = append(links, Link(uln))
		}
		errs := together(len(links), func(i int) error {
			_, err := s.CreateShareLink(t.Context(), links[i], Ref(links[i]), nil, admit(links[i]))
			return err
		})
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), uln))
		if len(doc.Links) != plr.MaxLiveLinks {
			t.Fatalf("%d links", len(doc.Links))
		}
		for i, err := range errs {
			if err == nil {
				live(t, s, links[i])
				continue
			}
			refused(t, err, plr.CodeLimitReached)
			opensNothing(t, s, links[i])
		}
	}},
	{"revoked links do not count against the limit", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		for range 2 {
			for range plr.MaxLiveLinks {
				created(t, s, Link(uln))
			}
			if n := must[int](t)(s.RevokeShareLinks(t.Context(), uln, nil, T0)); n != plr.MaxLiveLinks {
				t.Fatalf("ended %d", n)
			}
		}
		if n := len(must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), uln))); n != 2*plr.MaxLiveLinks {
			t.Fatalf("%d revoked links", n)
		}
	}},
	{"revoking moves the link out of the document", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		other := created(t, s, Link(link.ULN))
		claim := Claim(link, T0)
		must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), claim))
		want := live(t, s, link)
		if n := must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, []string{link.ID}, T0.Add(time.Second))); n != 1 {
			t.Fatalf("ended %d", n)
		}
		want.RevokedAt = ptr(T0.Add(time.Second))
		want.Version++
		same(t, "revoked link", must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), link.ULN, link.ID)), want)
		same(t, "revoked links", must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), link.ULN)), []*plr.ShareLink{want})
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		if len(doc.Links) != 1 || doc.Links[other.ID] == nil {
			t.Fatalf("links left: %v", doc.Links)
		}
		if _, held := doc.Leases[claim.LeaseID]; !held {
			t.Fatal("the lease of a disclosure under way is gone")
		}
		same(t, "secret's owner", must[*plr.SecretRef](t)(s.SecretOwner(t.Context(), Ref(link).Hash)), Ref(link))
		if got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0))); got.State != plr.LinkRevoked {
			t.Fatalf("a claim finds it %s", got.State)
		}
	}},
	{"the last link gone leaves a document that can be used", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, nil, T0))
		usable(t, must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)))
		created(t, s, Link(link.ULN))
	}},
	{"a link revoked before stays as it was", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, []string{link.ID}, T0))
		want := must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), link.ULN, link.ID))
		for _, ids := range [][]string{{link.ID}, {link.ID, link.ID}, nil} {
			if n := must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, ids, T0.Add(time.Hour))); n != 0 {
				t.Fatalf("ended %d", n)
			}
		}
		same(t, "revoked link", must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), link.ULN, link.ID)), want)
	}},
	{"revoking some, none, and the same twice in one call", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		a, b, c := created(t, s, Link(uln)), created(t, s, Link(uln)), created(t, s, Link(uln))
		for _, step := range []struct {
			ids  []string
			want int
		}{{[]string{}, 0}, {[]string{a.ID, a.ID}, 1}, {[]string{a.ID, b.ID}, 1}, {nil, 1}, {nil, 0}} {
			if n := must[int](t)(s.RevokeShareLinks(t.Context(), uln, step.ids, T0)); n != step.want {
				t.Fatalf("%v: ended %d, want %d", step.ids, n, step.want)
			}
		}
		must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), uln, c.ID))
		if n := must[int](t)(s.RevokeShareLinks(t.Context(), NewULN(), nil, T0)); n != 0 {
			t.Fatalf("ended %d links of somebody without any", n)
		}
	}},
	{"an id that never was stops the whole call", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		a, b, foreign := created(t, s, Link(uln)), created(t, s, Link(uln)), created(t, s, Link(NewULN()))
		must[int](t)(s.RevokeShareLinks(t.Context(), uln, []string{b.ID}, T0))
		before := must[*plr.Sharing](t)(s.Sharing(t.Context(), uln))
		for _, ids := range [][]string{{a.ID, NewID("lnk")}, {NewID("lnk"), a.ID}, {a.ID, b.ID, foreign.ID}, {""}} {
			n, err := s.RevokeShareLinks(t.Context(), uln, ids, T0)
			refused(t, err, plr.CodeNotFound)
			if n != 0 {
				t.Fatalf("%v: ended %d", ids, n)
			}
		}
		same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)), before)
		if n := len(must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), uln))); n != 1 {
			t.Fatalf("%d revoked links", n)
		}
		live(t, s, foreign)
	}},
	{"revoking at once ends each link once", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var ids []string
		for range 20 {
			ids = append(ids, created(t, s, Link(uln)).ID)
		}
		ended := together(20, func(i int) int {
			which := ids
			if i%2 == 0 {
				which = nil
			} else if i%3 == 0 {
				which = ids[i:]
			}
			n, err := s.RevokeShareLinks(t.Context(), uln, which, T0)
			if err != nil {
				t.Error(err)
			}
			return n
		})
		total := 0
		for _, n := range ended {
			total += n
		}
		revoked := must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), uln))
		if total != 20 || len(revoked) != 20 {
			t.Fatalf("the calls ended %d links, %d are revoked", total, len(revoked))
		}
		for _, link := range revoked {
			if link.Version != 2 {
				t.Fatalf("%s was revoked %d times", link.ID, link.Version-1)
			}
		}
	}},
	{"a revoked link is the owner's alone", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		_, err := s.RevokedShareLink(t.Context(), link.ULN, link.ID)
		refused(t, err, plr.CodeNotFound) // not revoked yet
		must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, nil, T0))
		alike(t, func(uln plr.ULN, id string) error {
			_, err := s.RevokedShareLink(t.Context(), uln, id)
			return err
		}, link.ULN, link.ID, NewID("lnk"))
		if links := must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), NewULN())); len(links) != 0 {
			t.Fatalf("somebody else sees %v", links)
		}
	}},
}

// opensNothing checks that link does not exist and its secret cannot open it.
// A secret's index may be left over, as long as it leads to no link.
func opensNothing(t *testing.T, s plr.Store, link *plr.ShareLink) {
	t.Helper()
	if must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)).Links[link.ID] != nil {
		t.Fatal("the link is in the document")
	}
	_, err := s.RevokedShareLink(t.Context(), link.ULN, link.ID)
	refused(t, err, plr.CodeNotFound)
	if got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0))); got.State == plr.LinkActive {
		t.Fatal("the link opens")
	}
}

// alike checks that an id of somebody else's object and one that never was are
// answered the same, and that the owner is not.
func alike(t *testing.T, call func(plr.ULN, string) error, owner plr.ULN, id, never string) {
	t.Helper()
	foreign, unknown := call(NewULN(), id), call(owner, never)
	refused(t, foreign, plr.CodeNotFound)
	refused(t, unknown, plr.CodeNotFound)
	same(t, "the two refusals", foreign, unknown)
	ok(t, call(owner, id))
}

var guessCases = []testCase{
	{"guesses are taken until none is left", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		for left := plr.GuessBudget - 1; left >= 0; left-- {
			at := T0.Add(time.Duration(left) * time.Second)
			taken, got, err := s.TakeGuess(t.Context(), link.ULN, link.ID, at)
			ok(t, err)
			if !taken || got.GuessesLeft != left || !got.GuessAt.Equal(at) {
				t.Fatalf("taken %v: %+v", taken, got)
			}
			same(t, "stored", live(t, s, link), got)
		}
		taken, got, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0.Add(time.Hour))
		ok(t, err)
		if taken || got.GuessesLeft != 0 || !got.GuessAt.Equal(T0) {
			t.Fatalf("taken %v: %+v", taken, got)
		}
	}},
	{"of 300 guesses at once five are taken", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		taken := together(300, func(int) bool {
			taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			if err != nil {
				t.Error(err)
			}
			return taken
		})
		n := 0
		for _, one := range taken {
			if one {
				n++
			}
		}
		if n != plr.GuessBudget || live(t, s, link).GuessesLeft != 0 {
			t.Fatalf("%d guesses were taken, %d are left", n, live(t, s, link).GuessesLeft)
		}
	}},
	{"a right guess comes back, a wrong one does not", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		for _, step := range []struct {
			right bool
			left  int
		}{{true, 5}, {false, 4}, {true, 4}, {false, 3}} {
			_, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			ok(t, err)
			ok(t, s.SettleGuess(t.Context(), link.ULN, link.ID, step.right, T0))
			if got := live(t, s, link); got.GuessesLeft != step.left || got.FrozenAt != nil {
				t.Fatalf("%+v: %+v", step, got)
			}
		}
	}},
	{"right guesses at once give all back", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		together(100, func(int) error {
			taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			if err == nil && taken {
				err = s.SettleGuess(t.Context(), link.ULN, link.ID, true, T0)
			}
			if err != nil {
				t.Error(err)
			}
			return err
		})
		if got := live(t, s, link); got.GuessesLeft != plr.GuessBudget {
			t.Fatalf("%d guesses left", got.GuessesLeft)
		}
	}},
	{"the last wrong guess freezes, and a new budget unfreezes", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		for range plr.GuessBudget {
			_, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			ok(t, err)
		}
		// All are being checked: only busy.
		if got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0))); got.State != plr.LinkActive {
			t.Fatalf("while the guesses are checked it is %s", got.State)
		}
		ok(t, s.SettleGuess(t.Context(), link.ULN, link.ID, false, T0.Add(time.Second)))
		if got := live(t, s, link); got.FrozenAt == nil || !got.FrozenAt.Equal(T0.Add(time.Second)) {
			t.Fatalf("got %+v", got)
		}
		got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0.Add(time.Second))))
		if got.State != plr.LinkFrozen || got.Link.RedemptionCount != 1 {
			t.Fatalf("a claim finds it %s after %d openings", got.State, got.Link.RedemptionCount)
		}
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
			sh.Links[link.ID].GuessesLeft, sh.Links[link.ID].FrozenAt = plr.GuessBudget, nil
			return nil
		}))
		if got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0.Add(time.Minute)))); got.State != plr.LinkActive {
			t.Fatalf("after unfreezing it is %s", got.State)
		}
		taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
		if ok(t, err); !taken {
			t.Fatal("no guess after unfreezing")
		}
	}},
	{"a check that never reports back counts as wrong", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		for range plr.GuessBudget {
			_, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			ok(t, err)
		}
		for _, step := range []struct {
			after time.Duration
			want  plr.LinkState
		}{{10*time.Second - time.Millisecond, plr.LinkActive}, {10 * time.Second, plr.LinkFrozen}} {
			if got := must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0.Add(step.after)))); got.State != step.want {
				t.Fatalf("after %v it is %s", step.after, got.State)
			}
		}
	}},
	{"guesses on a revoked link count as before", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		must[int](t)(s.RevokeShareLinks(t.Context(), link.ULN, nil, T0))
		for range 2 {
			taken, got, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			if ok(t, err); !taken || got.RevokedAt == nil {
				t.Fatalf("taken %v: %+v", taken, got)
			}
		}
		ok(t, s.SettleGuess(t.Context(), link.ULN, link.ID, true, T0))
		got := must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), link.ULN, link.ID))
		if got.GuessesLeft != plr.GuessBudget-1 || got.Version != 2 {
			t.Fatalf("got %+v", got)
		}
		if len(must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)).Links) != 0 {
			t.Fatal("the guess brought the link back")
		}
	}},
	{"guesses while the link is being revoked are all counted", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		taken := together(40, func(i int) bool {
			if i == 20 {
				if _, err := s.RevokeShareLinks(t.Context(), link.ULN, nil, T0); err != nil {
					t.Error(err)
				}
				return false
			}
			taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
			if err != nil {
				t.Error(err)
			}
			return taken
		})
		n := 0
		for _, one := range taken {
			if one {
				n++
			}
		}
		if n != plr.GuessBudget {
			t.Fatalf("%d guesses were taken", n)
		}
	}},
	{"a link without a PIN has no guesses", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		taken, got, err := s.TakeGuess(t.Context(), link.ULN, link.ID, T0)
		if ok(t, err); taken {
			t.Fatal("a guess was taken")
		}
		same(t, "link", got, link)
	}},
	{"guesses are the owner's link's alone", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithPIN(Link(NewULN())))
		calls := []func(plr.ULN, string) error{
			func(uln plr.ULN, id string) error {
				taken, got, err := s.TakeGuess(t.Context(), uln, id, T0)
				if err != nil && (taken || got != nil) {
					t.Error("a guess beside the error")
				}
				return err
			},
			func(uln plr.ULN, id string) error { return s.SettleGuess(t.Context(), uln, id, true, T0) },
		}
		for _, call := range calls {
			alike(t, call, link.ULN, link.ID, NewID("lnk"))
		}
		if got := live(t, s, link); got.GuessesLeft != plr.GuessBudget {
			t.Fatalf("%d guesses left", got.GuessesLeft)
		}
	}},
}
