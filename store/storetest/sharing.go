package storetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

var errEdit = errors.New("the edit refuses")

var sharingCases = []testCase{
	{"nothing stored gives a new document that can be used", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		for range 2 { // reading makes nothing
			doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), uln))
			same(t, "document", doc, plr.NewSharing(uln))
			usable(t, doc)
		}
	}},
	{"an edit is stored and comes back", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		doc := must[*plr.Sharing](t)(s.EditSharing(t.Context(), uln, func(sh *plr.Sharing) error {
			usable(t, sh)
			sh.OptOut(T0)
			return nil
		}))
		if doc.ULN != uln || !doc.OptedOut || !doc.ChangedAt.Equal(T0) || doc.Generation != 1 {
			t.Fatalf("got %+v", doc)
		}
		usable(t, doc)
		same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)), doc)
	}},
	{"an edit that leaves no maps", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		usable(t, must[*plr.Sharing](t)(s.EditSharing(t.Context(), uln, func(sh *plr.Sharing) error {
			sh.Links, sh.Leases = nil, nil
			return nil
		})))
		usable(t, must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)))
		link := created(t, s, Link(uln))
		if got := claimed(t, s, Claim(link, T0)); got.State != plr.LinkActive {
			t.Fatalf("got %+v", got)
		}
	}},
	{"a refused edit stores nothing and its error comes back as it is", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		before := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		doc, err := s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
			sh.OptOut(T0)
			delete(sh.Links, link.ID)
			return errEdit
		})
		if err != errEdit || doc != nil {
			t.Fatalf("got %v, %v", doc, err)
		}
		same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)), before)
	}},
	{"the revision rises with every write", func(t *testing.T, s plr.Store) {
		uln, last := NewULN(), int64(-1)
		for range 3 {
			doc := must[*plr.Sharing](t)(s.EditSharing(t.Context(), uln, func(*plr.Sharing) error { return nil }))
			if doc.Revision <= last {
				t.Fatalf("revision %d after %d", doc.Revision, last)
			}
			last = doc.Revision
		}
	}},
	{"what is returned and what an edit kept are copies", func(t *testing.T, s plr.Store) {
		link := created(t, s, WithLimit(WithPIN(Link(NewULN())), 3))
		must[plr.ClaimResult](t)(s.ClaimRedemption(t.Context(), Claim(link, T0)))
		want := copyOf(t, must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)))
		scribble(must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)))
		same(t, "after changing what was read", must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN)), want)
		var kept *plr.Sharing
		doc := must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
			kept = sh
			return nil
		}))
		scribble(kept)
		scribble(doc)
		got := must[*plr.Sharing](t)(s.Sharing(t.Context(), link.ULN))
		got.Revision = want.Revision
		same(t, "after changing what an edit got and gave", got, want)
	}},
	{"edits at once are all applied", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		revisions := together(100, func(int) int64 {
			doc, err := s.EditSharing(t.Context(), uln, func(sh *plr.Sharing) error {
				sh.Generation++
				return nil
			})
			if err != nil {
				t.Error(err)
				return 0
			}
			return doc.Revision
		})
		if doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)); doc.Generation != 100 {
			t.Fatalf("%d of 100 edits are there", doc.Generation)
		}
		slices.Sort(revisions)
		if len(slices.Compact(revisions)) != 100 {
			t.Fatal("two edits made the same revision")
		}
	}},
	{"the switch and its history move together", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		if history := must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), uln)); len(history) != 0 {
			t.Fatalf("a history before the first move: %v", history)
		}
		var want []plr.PreferenceChange
		for i := range 12 {
			change := plr.PreferenceChange{OptedOut: i%2 == 0, At: T0.Add(time.Duration(i) * time.Second), Channel: plr.ChannelSelf}
			doc := must[*plr.Sharing](t)(s.SetSharingPreference(t.Context(), uln, change, switchTo(change)))
			if doc.OptedOut != change.OptedOut || !doc.ChangedAt.Equal(change.At) {
				t.Fatalf("got %+v", doc)
			}
			same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)), doc)
			want = slices.Insert(want, 0, change)
			same(t, "history, newest first", must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), uln)), want)
		}
		if history := must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), NewULN())); len(history) != 0 {
			t.Fatal("somebody else has this history")
		}
	}},
	{"a refused move leaves no history", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		_, err := s.SetSharingPreference(t.Context(), uln, plr.PreferenceChange{OptedOut: true, At: T0}, func(sh *plr.Sharing) error {
			sh.OptOut(T0)
			return errEdit
		})
		if err != errEdit {
			t.Fatalf("got %v", err)
		}
		same(t, "document", must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)), plr.NewSharing(uln))
		if history := must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), uln)); len(history) != 0 {
			t.Fatalf("history: %v", history)
		}
	}},
	{"moves at once are all in the history, in the order they took effect", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		docs := together(30, func(i int) *plr.Sharing {
			// All at one instant: only the order of writing tells them apart.
			change := plr.PreferenceChange{OptedOut: i%3 == 0, At: T0, Channel: plr.PreferenceChannel(fmt.Sprint(i))}
			doc, err := s.SetSharingPreference(t.Context(), uln, change, func(sh *plr.Sharing) error {
				sh.Generation++
				sh.OptedOut, sh.ChangedAt = change.OptedOut, &change.At
				return nil
			})
			if err != nil {
				t.Error(err)
				return plr.NewSharing(uln)
			}
			return doc
		})
		history := must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), uln))
		if len(history) != 30 {
			t.Fatalf("%d moves in the history", len(history))
		}
		for i, doc := range docs {
			if at := history[30-doc.Generation]; at.Channel != plr.PreferenceChannel(fmt.Sprint(i)) || at.OptedOut != doc.OptedOut {
				t.Fatalf("move %d took effect as number %d, where the history has %+v", i, doc.Generation, at)
			}
		}
	}},
	{"random acts, against a model", func(t *testing.T, s plr.Store) {
		for seed := range uint64(4) {
			(&sharingModel{t: t, s: s, r: rand.New(rand.NewPCG(seed, 2)), now: T0}).run(200)
		}
	}},
}

func switchTo(change plr.PreferenceChange) func(*plr.Sharing) error {
	return func(sh *plr.Sharing) error {
		if change.OptedOut {
			sh.OptOut(change.At)
		} else {
			sh.OptIn(change.At, false)
		}
		return nil
	}
}

func usable(t *testing.T, doc *plr.Sharing) {
	t.Helper()
	if doc.Links == nil || doc.Leases == nil {
		t.Error("the document's maps are not made")
	}
}

// sharingModel does random acts on a store and on one document in memory, with
// plr's own functions. It compares the document after every act, the rest now
// and then.
type sharingModel struct {
	t   *testing.T
	s   plr.Store
	r   *rand.Rand
	now time.Time

	doc     *plr.Sharing
	revoked map[string]*plr.ShareLink
	history []plr.PreferenceChange
	ids     []string
	leases  []string
}

func (m *sharingModel) run(steps int) {
	uln := NewULN()
	m.doc, m.revoked, m.ids = plr.NewSharing(uln), map[string]*plr.ShareLink{}, []string{NewID("lnk")} // the first never comes to be
	acts := []struct {
		weight int
		do     func(plr.ULN)
	}{
		{6, m.create}, {20, m.claim}, {8, m.renew}, {10, m.guess}, {10, m.settle}, {4, m.edit}, {2, m.revoke}, {3, m.move}, {5, m.release}, {5, m.wait},
	}
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	for step := range steps {
		n := m.r.IntN(total)
		for _, a := range acts {
			if n -= a.weight; n < 0 {
				a.do(uln)
				break
			}
		}
		m.compare(uln)
		if step%10 == 9 {
			m.compareRest(uln)
		}
	}
}

func (m *sharingModel) link() string { return m.ids[m.r.IntN(len(m.ids))] }

func (m *sharingModel) create(uln plr.ULN) {
	link := Link(uln)
	link.CreatedAt, link.ExpiresAt = m.now, m.now.Add(time.Duration(1+m.r.IntN(6))*time.Hour)
	if m.r.IntN(2) == 0 {
		WithLimit(link, 1+m.r.IntN(4))
	}
	if m.r.IntN(2) == 0 {
		WithPIN(link)
	}
	mine := copyOf(m.t, link)
	want := m.doc.Admit(mine, false)
	_, err := m.s.CreateShareLink(m.t.Context(), link, Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
	if want != nil {
		refused(m.t, err, plr.CodeOf(want))
		return
	}
	ok(m.t, err)
	m.ids = append(m.ids, link.ID)
}

func (m *sharingModel) claim(uln plr.ULN) {
	c := plr.Claim{
		ULN: uln, LinkID: m.link(), RedemptionHash: fmt.Sprint("redemption ", m.r.IntN(5)), LeaseID: NewID("lse"), Now: m.now,
		Restricted: m.r.IntN(10) == 0,
	}
	want := m.doc.Claim(c)
	got := must[plr.ClaimResult](m.t)(m.s.ClaimRedemption(m.t.Context(), c))
	m.fadeLink(&want.Link)
	m.fadeLink(&got.Link)
	same(m.t, "claim", got, want)
	m.leases = append(m.leases, c.LeaseID)
}

func (m *sharingModel) renew(uln plr.ULN) {
	r := plr.Renewal{ULN: uln, LinkID: m.link(), LeaseID: NewID("lse"), Now: m.now, Restricted: m.r.IntN(10) == 0}
	if len(m.leases) > 0 {
		r.LeaseID = m.leases[m.r.IntN(len(m.leases))]
	}
	want := m.doc.Renew(r)
	if got := must[plr.LinkState](m.t)(m.s.RenewLease(m.t.Context(), r)); got != want {
		m.t.Fatalf("renewed as %s, want %s", got, want)
	}
}

func (m *sharingModel) find(id string) *plr.ShareLink {
	if link := m.doc.Links[id]; link != nil {
		return link
	}
	return m.revoked[id]
}

func (m *sharingModel) guess(uln plr.ULN) {
	id := m.link()
	taken, link, err := m.s.TakeGuess(m.t.Context(), uln, id, m.now)
	mine := m.find(id)
	if mine == nil {
		refused(m.t, err, plr.CodeNotFound)
		return
	}
	ok(m.t, err)
	if want := mine.TakeGuess(m.now); taken != want {
		m.t.Fatalf("taken: %v, want %v", taken, want)
	}
	mine = copyOf(m.t, mine)
	m.fadeLink(link)
	m.fadeLink(mine)
	same(m.t, "link after the guess", link, mine)
}

func (m *sharingModel) settle(uln plr.ULN) {
	id, right := m.link(), m.r.IntN(3) == 0
	err := m.s.SettleGuess(m.t.Context(), uln, id, right, m.now)
	mine := m.find(id)
	if mine == nil {
		refused(m.t, err, plr.CodeNotFound)
		return
	}
	ok(m.t, err)
	mine.SettleGuess(right, m.now)
}

func (m *sharingModel) edit(uln plr.ULN) {
	id, act := m.link(), m.r.IntN(4)
	edit := func(sh *plr.Sharing) error {
		link := sh.Links[id]
		if link == nil {
			return errEdit
		}
		switch act {
		case 0:
			link.Paused = true
		case 1:
			link.Paused, link.Generation = false, sh.Generation
		case 2:
			link.GuessesLeft, link.FrozenAt = plr.GuessBudget, nil
		case 3:
			link.ExpiresAt, link.MaxRedemptions, link.Recipient = m.now.Add(time.Hour), nil, nil
		}
		link.Version++
		return nil
	}
	want := edit(m.doc)
	if _, err := m.s.EditSharing(m.t.Context(), uln, edit); !errors.Is(err, want) {
		m.t.Fatalf("got %v, want %v", err, want)
	}
}

func (m *sharingModel) revoke(uln plr.ULN) {
	var ids []string
	if m.r.IntN(8) > 0 {
		for range 1 + m.r.IntN(3) {
			ids = append(ids, m.link())
		}
	}
	n, err := m.s.RevokeShareLinks(m.t.Context(), uln, ids, m.now)
	if slices.ContainsFunc(ids, func(id string) bool { return m.find(id) == nil }) {
		refused(m.t, err, plr.CodeNotFound)
		return
	}
	ok(m.t, err)
	if ids == nil {
		ids = slices.Collect(maps.Keys(m.doc.Links))
	}
	want, at := 0, m.now
	for _, id := range ids {
		if link := m.doc.Links[id]; link != nil {
			link.RevokedAt = &at
			link.Version++
			m.revoked[id] = link
			delete(m.doc.Links, id)
			want++
		}
	}
	if n != want {
		m.t.Fatalf("ended %d links, want %d", n, want)
	}
}

func (m *sharingModel) move(uln plr.ULN) {
	change := plr.PreferenceChange{OptedOut: m.r.IntN(3) == 0, At: m.now, Channel: plr.ChannelSelf}
	resume := m.r.IntN(2) == 0
	edit := func(sh *plr.Sharing) error {
		if change.OptedOut {
			sh.OptOut(change.At)
		} else {
			sh.OptIn(change.At, resume)
		}
		return nil
	}
	must[*plr.Sharing](m.t)(m.s.SetSharingPreference(m.t.Context(), uln, change, edit))
	ok(m.t, edit(m.doc))
	m.history = slices.Insert(m.history, 0, change)
}

func (m *sharingModel) release(uln plr.ULN) {
	lease := NewID("lse")
	if len(m.leases) > 0 && m.r.IntN(5) > 0 {
		lease = m.leases[m.r.IntN(len(m.leases))]
	}
	ok(m.t, m.s.ReleaseLease(m.t.Context(), uln, lease))
	m.doc.Release(lease)
}

func (m *sharingModel) wait(plr.ULN) {
	m.now = m.now.Add([]time.Duration{time.Millisecond, time.Second, 5 * time.Second, 11 * time.Second, 31 * time.Minute}[m.r.IntN(5)])
}

func (m *sharingModel) compare(uln plr.ULN) {
	m.t.Helper()
	got := must[*plr.Sharing](m.t)(m.s.Sharing(m.t.Context(), uln))
	want := copyOf(m.t, m.doc)
	if g, w := got.LiveLeases("", m.now), want.LiveLeases("", m.now); g != w {
		m.t.Fatalf("%d live leases, want %d", g, w)
	}
	m.fade(got)
	m.fade(want)
	same(m.t, "document", got, want)
}

// compareRest compares what lies beside the document.
func (m *sharingModel) compareRest(uln plr.ULN) {
	m.t.Helper()
	same(m.t, "history", must[[]plr.PreferenceChange](m.t)(m.s.PreferenceChanges(m.t.Context(), uln)), m.history)
	revoked := map[string]*plr.ShareLink{}
	for _, link := range must[[]*plr.ShareLink](m.t)(m.s.RevokedShareLinks(m.t.Context(), uln)) {
		m.fadeLink(link)
		revoked[link.ID] = link
	}
	faded := copyOf(m.t, m.revoked)
	for _, link := range faded {
		m.fadeLink(link)
	}
	same(m.t, "revoked links", revoked, faded)
}

// fade takes away what time has ended: when it leaves the document is each
// store's own business.
func (m *sharingModel) fade(doc *plr.Sharing) {
	doc.Revision = 0
	maps.DeleteFunc(doc.Leases, func(_ string, l plr.Lease) bool { return !m.now.Before(l.Until) })
	for _, link := range doc.Links {
		m.fadeLink(link)
	}
}

func (m *sharingModel) fadeLink(link *plr.ShareLink) {
	maps.DeleteFunc(link.Redemptions, func(_ string, at time.Time) bool { return !m.now.Before(at.Add(plr.RepeatWindow)) })
}
