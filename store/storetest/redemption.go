package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
)

func claimed(t *testing.T, s plr.Store, c plr.Claim) plr.ClaimResult {
	t.Helper()
	return must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), c))
}

// claimAll claims n times at once and counts the answers.
func claimAll(t *testing.T, s plr.Store, n int, claim func(i int) plr.Claim) (states map[plr.LinkState]int, repeats int) {
	t.Helper()
	states = map[plr.LinkState]int{}
	for _, r := range together(n, func(i int) plr.ClaimResult {
		r, err := s.ClaimRedemption(t.Context(), claim(i))
		if err != nil {
			t.Error(err)
		}
		return r
	}) {
		states[r.State]++
		if r.Repeat {
			repeats++
		}
	}
	return states, repeats
}

// claimCases: the rules one by one, then the races of every way in with every way to stop.
var claimCases = slices.Concat(claimRules, stopRaces(), notStarvedCases)

var claimRules = []testCase{
	{"a claim spends a use and takes the lease", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 3))
		c := Claim(link, T0)
		got := claimed(t, s, c)
		if got.State != plr.LinkActive || got.Repeat || got.Link.RedemptionCount != 1 || got.Link.ID != link.ID {
			t.Fatalf("got %+v", got)
		}
		same(t, "link", live(t, s, link), got.Link)
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		same(t, "leases", doc.Leases, map[string]plr.Lease{c.LeaseID: {LinkID: link.ID, Until: T0.Add(plr.LeaseLife)}})
	}},
	{"what was gathered before a change is claimed in vain", func(t *testing.T, s plr.Store) {
		owner := NewULN()
		link := created(t, s, WithLimit(Link(owner), 1))
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), owner, func(sh *plr.Sharing) error { sh.Edition++; return nil }))
		c := Claim(link, T0)
		if got := claimed(t, s, c); !got.Stale || got.State != plr.LinkActive {
			t.Fatalf("got %+v", got)
		}
		if doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), owner)); len(doc.Leases) != 0 || doc.Links[link.ID].RedemptionCount != 0 {
			t.Fatalf("a stale claim left %+v", doc)
		}
		c.Edition = 1
		if got := claimed(t, s, c); got.Stale || got.State != plr.LinkActive || got.Link.RedemptionCount != 1 {
			t.Fatalf("got %+v", got)
		}
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), owner, func(sh *plr.Sharing) error { sh.Edition++; return nil }))
		r := plr.Renewal{ULN: owner, LinkID: link.ID, LeaseID: c.LeaseID, Now: T0, Edition: 1}
		if got := must[plr.LinkState](t)(s.RenewLease(t.Context(), r)); got == plr.LinkActive {
			t.Error("a lease on what was before the change was renewed")
		}
	}},
	{"a lease is renewed while the link lives, and only then", func(t *testing.T, s plr.Store) {
		owner := NewULN()
		link := created(t, s, WithLimit(Link(owner), 1))
		c := Claim(link, T0)
		claimed(t, s, c) // the only use: the claim's own lease must still be renewable
		renew := func(r plr.Renewal) plr.LinkState {
			t.Helper()
			return must[plr.LinkState](t)(s.RenewLease(t.Context(), r))
		}
		r := plr.Renewal{ULN: owner, LinkID: link.ID, LeaseID: c.LeaseID, Now: T0.Add(time.Second)}
		if got := renew(r); got != plr.LinkActive {
			t.Fatalf("got %s", got)
		}
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), owner))
		same(t, "leases", doc.Leases, map[string]plr.Lease{c.LeaseID: {LinkID: link.ID, Until: r.Now.Add(plr.LeaseLife)}})
		restricted, late, unknown, foreign := r, r, r, r
		restricted.Restricted, late.Now, unknown.LinkID, foreign.ULN = true, link.ExpiresAt, NewID("lnk"), NewULN()
		free, other := r, r
		free.LeaseID, other.Edition = NewID("lse"), 1
		for _, refused := range []plr.Renewal{restricted, late, unknown, foreign, free, other} {
			if got := renew(refused); got == plr.LinkActive {
				t.Errorf("renewed: %+v", refused)
			}
		}
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), owner, func(sh *plr.Sharing) error { sh.OptOut(T0); return nil }))
		if got := renew(r); got != plr.LinkPaused {
			t.Errorf("after the opt-out: %s", got)
		}
		must[int](t)(s.RevokeShareLinks(t.Context(), owner, nil, T0))
		if got := renew(r); got != plr.LinkRevoked {
			t.Errorf("after the revocation: %s", got)
		}
	}},
	{"a link that never was, or somebody else's, is as good as revoked", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		unknown, foreign := Claim(link, T0), Claim(link, T0)
		unknown.LinkID, foreign.ULN = NewID("lnk"), NewULN()
		for _, c := range []plr.Claim{unknown, foreign} {
			if got := claimed(t, s, c); got.State != plr.LinkRevoked {
				t.Fatalf("got %+v", got)
			}
			if doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), c.ULN)); len(doc.Leases) != 0 {
				t.Fatalf("leases: %v", doc.Leases)
			}
		}
	}},
	{"one use, 200 claims at once", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 1))
		states, repeats := claimAll(t, s, 200, func(int) plr.Claim { return Claim(link, T0) })
		if states[plr.LinkActive] != 1 || states[plr.LinkUsedUp] != 199 || repeats != 0 {
			t.Fatalf("%v, %d repeats", states, repeats)
		}
		if got := live(t, s, link); got.RedemptionCount != 1 {
			t.Fatalf("count %d", got.RedemptionCount)
		}
	}},
	{"seven uses, 200 claims at once", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 7))
		states, _ := claimAll(t, s, 200, func(int) plr.Claim { return Claim(link, T0) })
		if states[plr.LinkActive] != 7 || states[plr.LinkUsedUp] != 193 {
			t.Fatalf("%v", states)
		}
		if got := live(t, s, link); got.RedemptionCount != 7 {
			t.Fatalf("count %d", got.RedemptionCount)
		}
	}},
	{"one redemption many times at once spends once", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 2))
		states, repeats := claimAll(t, s, 100, func(int) plr.Claim {
			c := Claim(link, T0)
			c.RedemptionHash = "the same"
			return c
		})
		if states[plr.LinkActive] != 100 || repeats != 99 {
			t.Fatalf("%v, %d repeats", states, repeats)
		}
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		if doc.Links[link.ID].RedemptionCount != 1 || len(doc.Leases) != 100 {
			t.Fatalf("count %d, %d leases", doc.Links[link.ID].RedemptionCount, len(doc.Leases))
		}
	}},
	{"three redemptions many times at once spend three", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 3))
		states, repeats := claimAll(t, s, 90, func(i int) plr.Claim {
			c := Claim(link, T0)
			c.RedemptionHash = fmt.Sprint("one of three: ", i%3)
			return c
		})
		if states[plr.LinkActive] != 90 || repeats != 87 || live(t, s, link).RedemptionCount != 3 {
			t.Fatalf("%v, %d repeats", states, repeats)
		}
	}},
	{"claims of many links of one learner at once", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var links []*plr.ShareLink
		for range 10 {
			links = append(links, created(t, s, WithLimit(Link(uln), 3)))
		}
		states, _ := claimAll(t, s, 100, func(i int) plr.Claim { return Claim(links[i%10], T0) })
		if states[plr.LinkActive] != 30 || states[plr.LinkUsedUp] != 70 {
			t.Fatalf("%v", states)
		}
	}},
	{"a repeat spends nothing for half an hour", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(Link(NewULN()), 2))
		c := Claim(link, T0)
		for _, step := range []struct {
			after  time.Duration
			repeat bool
			count  int
		}{
			{0, false, 1}, {0, true, 1}, {plr.RepeatWindow - time.Millisecond, true, 1}, // a repeat does not renew the window
			{plr.RepeatWindow, false, 2},
		} {
			c.Now, c.LeaseID = T0.Add(step.after), NewID("lse")
			got := claimed(t, s, c)
			if got.State != plr.LinkActive || got.Repeat != step.repeat || got.Link.RedemptionCount != step.count {
				t.Fatalf("after %v: %+v", step.after, got)
			}
		}
		// Used up: the last redemption still repeats, for its own half hour.
		other := Claim(link, c.Now)
		if got := claimed(t, s, other); got.State != plr.LinkUsedUp {
			t.Fatalf("another redemption finds it %s", got.State)
		}
		c.LeaseID, c.Now = NewID("lse"), c.Now.Add(plr.RepeatWindow-time.Millisecond)
		if got := claimed(t, s, c); got.State != plr.LinkActive || !got.Repeat {
			t.Fatalf("the repeat finds %+v", got)
		}
		c.LeaseID, c.Now = NewID("lse"), c.Now.Add(time.Millisecond)
		if got := claimed(t, s, c); got.State != plr.LinkUsedUp || got.Repeat {
			t.Fatalf("after the window: %+v", got)
		}
	}},
	{"a redemption belongs to one link", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		a, b := Claim(created(t, s, Link(uln)), T0), Claim(created(t, s, Link(uln)), T0)
		b.RedemptionHash = a.RedemptionHash
		for _, c := range []plr.Claim{a, b} {
			if got := claimed(t, s, c); got.Repeat || got.Link.RedemptionCount != 1 {
				t.Fatalf("got %+v", got)
			}
		}
	}},
	{"a link ends exactly at its expiry", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		c := Claim(link, link.ExpiresAt.Add(-time.Millisecond))
		if got := claimed(t, s, c); got.State != plr.LinkActive {
			t.Fatalf("just before: %s", got.State)
		}
		c.Now, c.LeaseID = link.ExpiresAt, NewID("lse")
		got := claimed(t, s, c) // a repeat, too, is refused
		if got.State != plr.LinkExpired || got.Link.RedemptionCount != 1 {
			t.Fatalf("at the instant: %+v", got)
		}
		if _, taken := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)).Leases[c.LeaseID]; taken {
			t.Fatal("a refused claim took a lease")
		}
	}},
	{"what the owner did decides", func(t *testing.T, s plr.Store) {
		later := T0.Add(25 * time.Hour) // behind the link's expiry
		for _, c := range []struct {
			name       string
			edit       func(*plr.Sharing, *plr.ShareLink)
			now        time.Time
			restricted bool
			want       plr.LinkState
		}{
			{"nothing", func(*plr.Sharing, *plr.ShareLink) {}, T0, false, plr.LinkActive},
			{"paused", func(_ *plr.Sharing, l *plr.ShareLink) { l.Paused = true }, T0, false, plr.LinkPaused},
			{"paused and expired", func(_ *plr.Sharing, l *plr.ShareLink) { l.Paused = true }, later, false, plr.LinkExpired},
			{"extended", func(_ *plr.Sharing, l *plr.ShareLink) { l.ExpiresAt = later.Add(time.Hour) }, later, false, plr.LinkActive},
			{"opted out", func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptOut(T0) }, T0, false, plr.LinkPaused},
			{"opted out and in", func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptOut(T0); sh.OptIn(T0, false) }, T0, false, plr.LinkPaused},
			{"opted out and in with links", func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptOut(T0); sh.OptIn(T0, true) }, T0, false, plr.LinkActive},
			{"paused, opted out and in with links", func(sh *plr.Sharing, l *plr.ShareLink) {
				l.Paused = true
				sh.OptOut(T0)
				sh.OptIn(T0, true)
			}, T0, false, plr.LinkPaused},
			{"resumed by hand after the opt-out", func(sh *plr.Sharing, l *plr.ShareLink) {
				sh.OptOut(T0)
				sh.OptIn(T0, false)
				l.Generation = sh.Generation
			}, T0, false, plr.LinkActive},
			{"restricted", func(*plr.Sharing, *plr.ShareLink) {}, T0, true, plr.LinkPaused},
			{"restricted, opted in, link resumed", func(sh *plr.Sharing, l *plr.ShareLink) { WithPIN(l); sh.OptIn(T0, true) }, T0, true, plr.LinkActive},
			{"restricted, opted in, link not resumed", func(sh *plr.Sharing, l *plr.ShareLink) { WithPIN(l); sh.OptIn(T0, false) }, T0, true, plr.LinkPaused},
			{"restricted, link without a PIN", func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptIn(T0, true) }, T0, true, plr.LinkPaused},
			{"restricted, link of a year", func(sh *plr.Sharing, l *plr.ShareLink) {
				WithPIN(l).ExpiresAt = T0.Add(300 * 24 * time.Hour)
				sh.OptIn(T0, true)
			}, T0, true, plr.LinkPaused},
			{"used up", func(_ *plr.Sharing, l *plr.ShareLink) { l.MaxRedemptions = ptr(0) }, T0, false, plr.LinkUsedUp},
			{"frozen", func(_ *plr.Sharing, l *plr.ShareLink) { WithPIN(l).GuessesLeft, l.FrozenAt = 0, ptr(T0) }, T0, false, plr.LinkFrozen},
		} {
			t.Run(c.name, func(t *testing.T) {
				link := created(t, s, Link(NewULN()))
				must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
					c.edit(sh, sh.Links[link.ID])
					return nil
				}))
				claim := Claim(link, c.now)
				claim.Restricted = c.restricted
				got := claimed(t, s, claim)
				doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
				_, lease := doc.Leases[claim.LeaseID]
				spent := doc.Links[link.ID].RedemptionCount == 1
				if active := c.want == plr.LinkActive; got.State != c.want || lease != active || spent != active {
					t.Fatalf("got %s, lease %v, spent %v; want %s", got.State, lease, spent, c.want)
				}
			})
		}
	}},
	{"an ended lease is forgotten, an unknown one is no error", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		a, b := Claim(link, T0), Claim(link, T0)
		claimed(t, s, a)
		claimed(t, s, b)
		for range 2 {
			ok(t, s.ReleaseLease(t.Context(), link.ULN, a.LeaseID))
		}
		ok(t, s.ReleaseLease(t.Context(), link.ULN, NewID("lse")))
		ok(t, s.ReleaseLease(t.Context(), NewULN(), b.LeaseID)) // somebody else's
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		if _, held := doc.Leases[b.LeaseID]; len(doc.Leases) != 1 || !held {
			t.Fatalf("leases: %v", doc.Leases)
		}
		if doc.LiveLeases(link.ID, T0) != 1 || doc.LiveLeases(NewID("lnk"), T0) != 0 {
			t.Fatal("the lease left is not the link's")
		}
	}},
	{"leases nobody released do not pile up", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		for i := range 20 {
			claimed(t, s, Claim(link, T0.Add(time.Duration(i)*time.Minute)))
		}
		if doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)); len(doc.Leases) != 1 {
			t.Fatalf("%d leases", len(doc.Leases))
		}
	}},
	{"a repeat and a renewal obey what the owner did, also when the link is used up", func(t *testing.T, s plr.Store) {
		for _, c := range []struct {
			name string
			edit func(*plr.Sharing, *plr.ShareLink)
			now  time.Time
			want plr.LinkState
		}{
			{"nothing", func(*plr.Sharing, *plr.ShareLink) {}, T0, plr.LinkActive},
			{"paused", func(_ *plr.Sharing, l *plr.ShareLink) { l.Paused = true }, T0, plr.LinkPaused},
			{"opted out", func(sh *plr.Sharing, _ *plr.ShareLink) { sh.OptOut(T0) }, T0, plr.LinkPaused},
			{"frozen", func(_ *plr.Sharing, l *plr.ShareLink) { WithPIN(l).GuessesLeft, l.FrozenAt = 0, ptr(T0) }, T0, plr.LinkFrozen},
			{"expired", func(_ *plr.Sharing, l *plr.ShareLink) { l.ExpiresAt = T0.Add(time.Second) }, T0.Add(time.Second), plr.LinkExpired},
		} {
			t.Run(c.name, func(t *testing.T) {
				link := created(t, s, WithLimit(Link(NewULN()), 1))
				claim := Claim(link, T0)
				claimed(t, s, claim)
				must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
					c.edit(sh, sh.Links[link.ID])
					return nil
				}))
				before := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
				repeat := claim
				repeat.Now, repeat.LeaseID = c.now, NewID("lse")
				if got := claimed(t, s, repeat); got.State != c.want {
					t.Errorf("the repeat finds it %s, want %s", got.State, c.want)
				}
				renewal := plr.Renewal{ULN: link.ULN, LinkID: link.ID, LeaseID: claim.LeaseID, Now: c.now}
				if got := must[plr.LinkState](t)(s.RenewLease(t.Context(), renewal)); got != c.want {
					t.Errorf("the renewal finds it %s, want %s", got, c.want)
				}
				if after := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)); c.want != plr.LinkActive {
					same(t, "leases", after.Leases, before.Leases)
				}
			})
		}
	}},
}

// wayIn is a way to get, or to keep, leave to disclose. open tries it and gives
// what it was told and the lease it would have.
type wayIn struct {
	name string
	// uses is the link's limit; 0 for none.
	uses int
	open func(ctx context.Context, s plr.Store, link *plr.ShareLink, claimant int) (state plr.LinkState, lease string, err error)
}

var waysIn = []wayIn{
	{"claim", 0, func(ctx context.Context, s plr.Store, link *plr.ShareLink, _ int) (plr.LinkState, string, error) {
		c := Claim(link, T0)
		r, err := s.ClaimRedemption(ctx, c)
		return r.State, c.LeaseID, err
	}},
	{"repeat of a claim", 1, func(ctx context.Context, s plr.Store, link *plr.ShareLink, _ int) (plr.LinkState, string, error) {
		c := Claim(link, T0)
		c.RedemptionHash = "the only one"
		r, err := s.ClaimRedemption(ctx, c)
		return r.State, c.LeaseID, err
	}},
	{"renewal", 0, func(ctx context.Context, s plr.Store, link *plr.ShareLink, claimant int) (plr.LinkState, string, error) {
		lease := fmt.Sprint("lease of ", claimant)
		doc, err := s.Sharing(ctx, link.ULN)
		if err != nil {
			return "", lease, err
		}
		if _, held := doc.Leases[lease]; !held { // only what a claim took can be renewed
			c := Claim(link, T0)
			c.LeaseID, c.RedemptionHash = lease, lease
			r, err := s.ClaimRedemption(ctx, c)
			return r.State, lease, err
		}
		at := T0.Add(time.Duration(made.Add(1)%1000) * time.Millisecond) // so that each renewal leaves a trace
		state, err := s.RenewLease(ctx, plr.Renewal{ULN: link.ULN, LinkID: link.ID, LeaseID: lease, Now: at})
		return state, lease, err
	}},
}

var waysToStop = []struct {
	name string
	stop func(ctx context.Context, s plr.Store, link *plr.ShareLink) error
	want plr.LinkState
}{
	{"an opt-out", func(ctx context.Context, s plr.Store, link *plr.ShareLink) error {
		change := plr.PreferenceChange{OptedOut: true, At: T0, Channel: plr.ChannelSelf}
		return drop(s.SetSharingPreference(ctx, link.ULN, change, switchTo(change)))
	}, plr.LinkPaused},
	{"a pause", func(ctx context.Context, s plr.Store, link *plr.ShareLink) error {
		return drop(s.EditSharing(ctx, link.ULN, func(sh *plr.Sharing) error {
			sh.Links[link.ID].Paused = true
			return nil
		}))
	}, plr.LinkPaused},
	{"a revocation", func(ctx context.Context, s plr.Store, link *plr.ShareLink) error {
		return drop(s.RevokeShareLinks(ctx, link.ULN, []string{link.ID}, T0))
	}, plr.LinkRevoked},
	{"revoking all", func(ctx context.Context, s plr.Store, link *plr.ShareLink) error {
		return drop(s.RevokeShareLinks(ctx, link.ULN, nil, T0))
	}, plr.LinkRevoked},
}

func stopRaces() (cases []testCase) {
	for _, in := range waysIn {
		for _, end := range waysToStop {
			cases = append(cases, testCase{"no " + in.name + " after " + end.name + " is acknowledged", func(t *testing.T, s plr.Store) {
				stopRace(t, s, in, end.stop, end.want)
			}})
		}
	}
	return cases
}

// stopRace lets twenty claimants open a link again and again. When a hundred
// have been let in the link is stopped. Whoever begins after that call returned
// is refused, and of everybody who was let in before, the lease is seen by the
// one who stopped the link, and the use is counted.
func stopRace(t *testing.T, s plr.Store, in wayIn, stop func(context.Context, plr.Store, *plr.ShareLink) error, want plr.LinkState) {
	const claimants, before = 20, 100
	link := Link(NewULN())
	if in.uses > 0 {
		WithLimit(link, in.uses)
	}
	created(t, s, link)
	var acknowledged atomic.Bool
	var mu sync.Mutex
	opened, leases := 0, map[string]bool{}
	enough := make(chan struct{})
	begin := sync.OnceFunc(func() { close(enough) })
	var doc *plr.Sharing

	together(claimants+1, func(i int) error {
		if i == claimants {
			<-enough
			err := stop(t.Context(), s, link)
			if err == nil {
				doc, err = s.Sharing(t.Context(), link.ULN)
			}
			if err != nil {
				t.Error(err)
			}
			acknowledged.Store(true)
			return err
		}
		for {
			after := acknowledged.Load()
			state, lease, err := in.open(t.Context(), s, link, i)
			switch {
			case err != nil:
				t.Error(err)
				begin() // nobody may wait for openings that will not come
				return err
			case state == plr.LinkActive && after:
				t.Error("who began after the acknowledgement was let in")
			case state == plr.LinkActive:
				mu.Lock()
				leases[lease] = true
				if opened++; opened == before {
					begin()
				}
				mu.Unlock()
			case state != want:
				t.Errorf("refused as %s, want %s", state, want)
			}
			if after {
				return nil
			}
		}
	})
	if t.Failed() {
		return
	}
	for lease := range leases {
		if doc.Leases[lease].LinkID != link.ID {
			t.Fatal("whoever stopped the link did not see the lease of one who was let in")
		}
	}
	if n := doc.LiveLeases(link.ID, T0); n != len(leases) {
		t.Fatalf("%d live leases, %d were let in", n, len(leases))
	}
	last := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
	for lease := range leases {
		if !last.Leases[lease].Until.Equal(doc.Leases[lease].Until) {
			t.Fatal("a lease was made longer after the link was stopped")
		}
	}
	now := last.Links[link.ID]
	if now == nil {
		now = must[*plr.ShareLink](t)(s.RevokedShareLink(t.Context(), link.ULN, link.ID))
	}
	if spent := map[string]int{"claim": opened, "repeat of a claim": 1, "renewal": claimants}[in.name]; now.RedemptionCount != spent {
		t.Fatalf("count %d, want %d", now.RedemptionCount, spent)
	}
}

// notStarvedCases: who stops sharing does not wait for those who open links.
var notStarvedCases = func() (cases []testCase) {
	for _, end := range waysToStop {
		cases = append(cases, testCase{end.name + " is not held up by fifty who open the link without pause", func(t *testing.T, s plr.Store) {
			const claimants, tooMany = 50, 1000
			link := created(t, s, Link(NewULN()))
			var begun, ended atomic.Bool
			var between atomic.Int64
			together(claimants+1, func(i int) error {
				if i == claimants {
					begun.Store(true)
					defer ended.Store(true)
					if err := end.stop(t.Context(), s, link); err != nil {
						t.Error(err)
					}
					return nil
				}
				for !ended.Load() && between.Load() < tooMany {
					c := Claim(link, T0)
					r, err := s.ClaimRedemption(t.Context(), c)
					if err == nil && r.State == plr.LinkActive {
						err = s.ReleaseLease(t.Context(), link.ULN, c.LeaseID)
					}
					if err != nil {
						t.Error(err)
						return err
					}
					if begun.Load() && r.State == plr.LinkActive {
						between.Add(1)
					}
				}
				return nil
			})
			if n := between.Load(); n >= tooMany {
				t.Fatalf("%d openings were let in first", n)
			}
		}})
	}
	return cases
}()
