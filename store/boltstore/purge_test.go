package boltstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/storetest"
)

// old is one object of each kind whose time began at an instant, under a
// learner of its own.
type old struct {
	uln     plr.ULN
	revoked *plr.ShareLink
	expired *plr.ShareLink
	view    *plr.ConfiguredView
	key     *plr.Idempotency
	entries map[plr.AccessResult]*plr.AccessEntry
	closed  *plr.DataChallenge
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// age makes one of everything as if at the instant, and nothing newer.
func age(t *testing.T, s *Store, at time.Time) *old {
	t.Helper()
	ctx, uln := t.Context(), storetest.NewULN()
	o := &old{
		uln: uln, revoked: storetest.Link(uln), expired: storetest.Link(uln), view: storetest.View(uln), closed: storetest.Challenge(uln, at),
		key: storetest.Idempotency(storetest.NewID("key"), "input", at), entries: map[plr.AccessResult]*plr.AccessEntry{},
	}
	_, err := s.ImportRecords(ctx, []plr.RecordUpdate{storetest.Update(uln, 1)}, at)
	ok(t, err)
	o.revoked.CreatedAt, o.revoked.EditedAt, o.revoked.ExpiresAt = at.Add(-time.Hour), at.Add(-time.Hour), at.AddDate(1, 0, 0)
	o.expired.CreatedAt, o.expired.EditedAt, o.expired.ExpiresAt = at.Add(-time.Hour), at.Add(-time.Hour), at
	for _, link := range []*plr.ShareLink{o.revoked, o.expired} {
		_, err = s.CreateShareLink(ctx, link, storetest.Ref(link), nil, put(link))
		ok(t, err)
	}
	_, err = s.RevokeShareLinks(ctx, uln, []string{o.revoked.ID}, at)
	ok(t, err)
	_, err = s.CreateConfiguredView(ctx, o.view, o.key)
	ok(t, err)
	for range 2 {
		_, err = s.UpdateConfiguredView(ctx, uln, o.view.ID, func(v *plr.ConfiguredView) error {
			v.Version++
			v.DeletedAt = &at
			return nil
		})
		ok(t, err)
	}
	_, err = s.CreateDataChallenge(ctx, o.closed, nil, func([]*plr.DataChallenge) error { return nil })
	ok(t, err)
	_, err = s.UpdateDataChallenge(ctx, uln, o.closed.ID, func(c *plr.DataChallenge) error {
		c.Status, c.UpdatedAt = plr.ChallengeWithdrawn, at
		return nil
	})
	ok(t, err)
	open := storetest.Challenge(uln, at) // never closed: stays for ever
	_, err = s.CreateDataChallenge(ctx, open, nil, func([]*plr.DataChallenge) error { return nil })
	ok(t, err)
	for range 2 { // the newer of the two stays
		_, err = s.SetSharingPreference(ctx, uln, plr.PreferenceChange{OptedOut: true, At: at}, func(*plr.Sharing) error { return nil })
		ok(t, err)
	}
	for _, result := range []plr.AccessResult{plr.AccessDisclosed, plr.AccessDisclosedAgain, plr.AccessWrongPIN} {
		o.entries[result] = storetest.Entry(uln, o.expired.ID, at, result)
		ok(t, s.AppendAccessEntry(ctx, o.entries[result]))
	}
	return o
}

// there says what of each kind is still to be found, through the store's own reads.
func (o *old) there(t *testing.T, s *Store) plr.Purged {
	t.Helper()
	ctx := t.Context()
	n := func(err error) int {
		if plr.CodeOf(err) == plr.CodeNotFound {
			return 0
		}
		ok(t, err)
		return 1
	}
	var p plr.Purged
	_, err := s.Record(ctx, o.uln)
	p.Records = n(err)
	for result, e := range o.entries {
		_, err = s.AccessEntry(ctx, o.uln, e.ID)
		if result == plr.AccessWrongPIN {
			p.Attempts += n(err)
		} else {
			p.Disclosures += n(err)
		}
	}
	_, total, err := s.AccessEntries(ctx, o.uln, plr.AccessQuery{Limit: 10})
	ok(t, err)
	if total != p.Attempts+p.Disclosures {
		t.Errorf("%d entries in the list, %d by id", total, p.Attempts+p.Disclosures)
	}
	_, err = s.RevokedShareLink(ctx, o.uln, o.revoked.ID)
	p.ShareLinks = n(err)
	doc, err := s.Sharing(ctx, o.uln)
	ok(t, err)
	p.ShareLinks += len(doc.Links)
	secrets := 0
	for _, link := range []*plr.ShareLink{o.revoked, o.expired} {
		_, err = s.SecretOwner(ctx, storetest.Ref(link).Hash)
		secrets += n(err)
	}
	if secrets != p.ShareLinks {
		t.Errorf("%d secrets lead to %d links", secrets, p.ShareLinks)
	}
	_, err = s.ConfiguredView(ctx, o.uln, o.view.ID)
	p.Views = n(err)
	for version := 1; version <= 3; version++ {
		if _, err = s.ConfiguredViewVersion(ctx, o.uln, o.view.ID, version); n(err) != p.Views {
			t.Errorf("version %d of the view: %v", version, err)
		}
	}
	challenges, err := s.DataChallenges(ctx, o.uln)
	ok(t, err)
	p.Challenges = len(challenges) - 1
	changes, err := s.PreferenceChanges(ctx, o.uln)
	ok(t, err)
	p.Preferences = len(changes) - 1
	err = s.read(ctx, func(x *tx) error {
		if x.has(idempotency, keyOf(o.key.Key)) {
			p.IdempotencyKeys = 1
		}
		return nil
	})
	ok(t, err)
	return p
}

// everything is what age makes, but what is never removed.
var everything = plr.Purged{Records: 1, Disclosures: 2, Attempts: 1, ShareLinks: 2, Views: 1, Challenges: 1, Preferences: 1, IdempotencyKeys: 1}

// TestPurgeAtEachBoundary: by the retention table at several days of the
// calendar, what ended just after the boundary or at it stays, and what ended
// just before it goes.
func TestPurgeAtEachBoundary(t *testing.T) {
	t.Parallel()
	days := []time.Time{
		storetest.T0,
		time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC), // six years before is no 29 February: 1 March 2022
		time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 29, 1, 30, 0, 0, plr.London()), // an hour that is not there
		time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	kinds := map[string]struct {
		boundary func(plr.Due) time.Time
		count    func(*plr.Purged) *int
	}{
		"records":     {func(d plr.Due) time.Time { return d.Records }, func(p *plr.Purged) *int { return &p.Records }},
		"disclosures": {func(d plr.Due) time.Time { return d.Disclosures }, func(p *plr.Purged) *int { return &p.Disclosures }},
		"attempts":    {func(d plr.Due) time.Time { return d.Attempts }, func(p *plr.Purged) *int { return &p.Attempts }},
		"share links": {func(d plr.Due) time.Time { return d.ShareLinks }, func(p *plr.Purged) *int { return &p.ShareLinks }},
		"views":       {func(d plr.Due) time.Time { return d.Views }, func(p *plr.Purged) *int { return &p.Views }},
		"challenges":  {func(d plr.Due) time.Time { return d.Challenges }, func(p *plr.Purged) *int { return &p.Challenges }},
		"preferences": {func(d plr.Due) time.Time { return d.Preferences }, func(p *plr.Purged) *int { return &p.Preferences }},
		"idempotency keys": {func(d plr.Due) time.Time { return d.IdempotencyKeys },
			func(p *plr.Purged) *int { return &p.IdempotencyKeys }},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, now := range days {
				s := temp(t)
				due := plr.DueAt(now)
				boundary := kind.boundary(due)
				// One kind at a time: the others' times are set so that nothing is due.
				var only plr.Due
				switch name {
				case "records":
					only.Records = boundary
				case "disclosures":
					only.Disclosures = boundary
				case "attempts":
					only.Attempts = boundary
				case "share links":
					only.ShareLinks = boundary
				case "views":
					only.Views = boundary
				case "challenges":
					only.Challenges = boundary
				case "preferences":
					only.Preferences = boundary
				case "idempotency keys":
					only.IdempotencyKeys = boundary
				}
				after, at, before := age(t, s, boundary.Add(time.Millisecond)), age(t, s, boundary), age(t, s, boundary.Add(-time.Millisecond))
				want := plr.Purged{}
				*kind.count(&want) = *kind.count(new(everything))
				for _, dry := range []bool{true, false} {
					got, err := s.Purge(t.Context(), only, dry)
					ok(t, err)
					if got != want {
						t.Errorf("%s, dry %v: %+v, want %+v", now, dry, got, want)
					}
				}
				left := everything
				*kind.count(&left) = 0
				for o, want := range map[*old]plr.Purged{after: everything, at: everything, before: left} {
					if got := o.there(t, s); got != want {
						t.Errorf("%s: left are %+v, want %+v", now, got, want)
					}
				}
				if got, err := s.Purge(t.Context(), only, false); err != nil || got != (plr.Purged{}) {
					t.Errorf("again: %+v, %v", got, err)
				}
			}
		})
	}
}

// The table's years are the calendar's, and its days 24 hours.
func TestDueAt(t *testing.T) {
	t.Parallel()
	d := plr.DueAt(time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC))
	for name, c := range map[string]struct{ got, want time.Time }{
		"records, 66 years":       {d.Records, time.Date(1962, 3, 1, 12, 0, 0, 0, time.UTC)},
		"disclosures, 6 years":    {d.Disclosures, time.Date(2022, 3, 1, 12, 0, 0, 0, time.UTC)},
		"attempts, 90 days":       {d.Attempts, time.Date(2027, 12, 1, 12, 0, 0, 0, time.UTC)},
		"idempotency keys, 48 h":  {d.IdempotencyKeys, time.Date(2028, 2, 27, 12, 0, 0, 0, time.UTC)},
		"share links, 6 years":    {d.ShareLinks, d.Disclosures},
		"views, 6 years":          {d.Views, d.Disclosures},
		"challenges, 6 years":     {d.Challenges, d.Disclosures},
		"preferences, 6 years":    {d.Preferences, d.Disclosures},
		"a leap year's record":    {plr.DueAt(time.Date(2094, 2, 28, 0, 0, 0, 0, time.UTC)).Records, time.Date(2028, 2, 28, 0, 0, 0, 0, time.UTC)},
		"a record of 29 February": {plr.DueAt(time.Date(2094, 3, 1, 0, 0, 0, 0, time.UTC)).Records, time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if !c.got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	// Where the machine stands changes nothing: since 4 January this place's clock
	// was put forward, so 90 days of its calendar are an hour short.
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2027, 4, 4, 12, 0, 0, 0, time.UTC)
	if here, there := plr.DueAt(at), plr.DueAt(at.In(london)); here != there || !there.Attempts.Equal(at.Add(-90*24*time.Hour)) {
		t.Errorf("in London attempts before %v are due, want %v", there.Attempts, here.Attempts)
	}
}

// Zero instants remove nothing, whatever the age.
func TestPurgeOfNothing(t *testing.T) {
	t.Parallel()
	s := temp(t)
	o := age(t, s, time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
	if got, err := s.Purge(t.Context(), plr.Due{}, false); err != nil || got != (plr.Purged{}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if got := o.there(t, s); got != everything {
		t.Errorf("%+v", got)
	}
}

// A deleted view stays while a link names it that is kept, live or revoked.
func TestPurgeKeepsViewsThatLinksName(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]bool{"live": false, "revoked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := temp(t), t.Context()
			due := plr.DueAt(storetest.T0)
			o := age(t, s, due.Views.Add(-time.Hour))
			link := storetest.Link(o.uln)
			link.ViewID = o.view.ID
			_, err := s.CreateShareLink(ctx, link, storetest.Ref(link), nil, put(link))
			ok(t, err)
			ended := link.ExpiresAt
			if revoke {
				ended = storetest.T0
				_, err = s.RevokeShareLinks(ctx, o.uln, []string{link.ID}, ended)
				ok(t, err)
			}
			for _, dry := range []bool{true, false} {
				if got, err := s.Purge(ctx, due, dry); err != nil || got.Views != 0 {
					t.Fatalf("dry %v: %+v, %v", dry, got, err)
				}
			}
			// When the link goes, the view goes in the same purge, and is counted so.
			later := plr.DueAt(ended.AddDate(6, 0, 0).Add(time.Millisecond))
			for _, dry := range []bool{true, false} {
				if got, err := s.Purge(ctx, later, dry); err != nil || got.Views != 1 || got.ShareLinks != 1 {
					t.Fatalf("dry %v: %+v, %v", dry, got, err)
				}
			}
		})
	}
}

// Several steps, cut off at random and run again, leave what is due nowhere and
// touch nothing else.
func TestPurgeInSteps(t *testing.T) {
	t.Parallel()
	s := temp(t)
	due := plr.DueAt(storetest.T0)
	r := rand.New(rand.NewPCG(3, 3))
	uln := storetest.NewULN()
	gone, kept := 0, 0
	for i := range 3 * removeAtOnce {
		at := due.Attempts.Add(-time.Duration(i+1) * time.Second)
		if r.IntN(3) == 0 {
			at, kept = due.Attempts.Add(time.Duration(i)*time.Second), kept+1
		} else {
			gone++
		}
		ok(t, s.AppendAccessEntry(t.Context(), storetest.Entry(uln, "lnk", at, plr.AccessWrongPIN)))
	}
	if got, err := s.Purge(t.Context(), due, true); err != nil || got.Attempts != gone {
		t.Fatalf("%+v, %v, want %d", got, err, gone)
	}
	removed := 0
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		cut := &cutContext{Context: ctx, after: 1 + r.IntN(12), cancel: cancel}
		got, err := s.Purge(cut, due, false)
		removed += got.Attempts
		cancel()
		if err != nil && plr.CodeOf(err) != plr.CodeUnavailable {
			t.Fatal(err)
		}
	}
	got, err := s.Purge(t.Context(), due, false)
	ok(t, err)
	if removed += got.Attempts; removed != gone {
		t.Errorf("%d removed in all, want %d", removed, gone)
	}
	if _, total, err := s.AccessEntries(t.Context(), uln, plr.AccessQuery{Limit: 1}); err != nil || total != kept {
		t.Errorf("%d left, want %d, %v", total, kept, err)
	}
}

// cutContext ends when it has been asked so often.
type cutContext struct {
	context.Context
	after  int
	cancel context.CancelFunc
}

func (c *cutContext) Err() error {
	if c.after--; c.after <= 0 {
		c.cancel()
	}
	return c.Context.Err()
}

// What is changed between the look and the removal so that it is no longer due
// stays: the transaction that removes looks again.
func TestPurgeLooksAgain(t *testing.T) {
	t.Parallel()
	s, ctx := temp(t), t.Context()
	due := plr.DueAt(storetest.T0)
	o := age(t, s, due.Records.Add(-time.Hour))
	w := sweep{in: records, due: recordDue(due.Records)}
	key := keyOf(string(o.uln))
	_, err := s.ImportRecords(ctx, []plr.RecordUpdate{storetest.Update(o.uln, 1)}, storetest.T0)
	ok(t, err)
	if n, err := s.removeDue(ctx, w, [][]byte{key, []byte("gone meanwhile")}); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if got := o.there(t, s); got.Records != 1 {
		t.Error("a record that was just updated is gone")
	}
}

// A secret whose link an earlier purge removed, before it was cut off, goes with
// the next; the secret of a link that is there stays.
func TestPurgeRemovesOrphanedSecrets(t *testing.T) {
	t.Parallel()
	s, ctx := temp(t), t.Context()
	link := storetest.Link(storetest.NewULN())
	_, err := s.CreateShareLink(ctx, link, storetest.Ref(link), nil, put(link))
	ok(t, err)
	orphan := plr.SecretRef{Hash: "orphan", ULN: link.ULN, LinkID: "lnk_gone"}
	ok(t, s.write(ctx, func(x *tx) error { return x.put(secrets, keyOf(orphan.Hash), orphan) }))
	_, err = s.Purge(ctx, plr.DueAt(storetest.T0), false)
	ok(t, err)
	if _, err := s.SecretOwner(ctx, orphan.Hash); plr.CodeOf(err) != plr.CodeNotFound {
		t.Errorf("the orphan: %v", err)
	}
	if _, err := s.SecretOwner(ctx, storetest.Ref(link).Hash); err != nil {
		t.Errorf("the other: %v", err)
	}
}

// TestMarkRestored: every link is paused by hand, every session before now is
// over, in as many steps as it takes.
func TestMarkRestored(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint("keep links ", keep), func(t *testing.T) {
			t.Parallel()
			s, ctx := temp(t), t.Context()
			const learners = removeAtOnce + 3
			var links []*plr.ShareLink
			var accounts []*plr.Account
			err := s.write(ctx, func(x *tx) error { // one transaction: many fsyncs would take long
				for i := range learners {
					link := storetest.Link(storetest.NewULN())
					link.Paused = i == 0 // one is paused already
					doc := plr.NewSharing(link.ULN)
					doc.Links[link.ID] = link
					doc.Leases["lse"] = plr.Lease{LinkID: link.ID, Until: storetest.T0}
					account := storetest.Account()
					if err := x.putSharing(doc); err != nil {
						return err
					}
					links = append(links, link)
					accounts = append(accounts, account)
				}
				return nil
			})
			ok(t, err)
			for _, a := range accounts[:5] {
				_, err := s.EnsureAccount(ctx, a)
				ok(t, err)
			}
			ok(t, s.InvalidateSessions(ctx, accounts[0].ID, storetest.T0.Add(time.Hour)))
			got, err := s.MarkRestored(ctx, storetest.T0, keep)
			ok(t, err)
			want := Restored{Links: learners - 1, Accounts: 4}
			if keep {
				want.Links = 0
			}
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			for i, link := range links {
				doc, err := s.Sharing(ctx, link.ULN)
				ok(t, err)
				if l := doc.Links[link.ID]; l.Paused != (!keep || i == 0) || (!keep && i > 0 && l.Version != 2) || (len(doc.Leases) == 0) == keep {
					t.Fatalf("link %d: %+v, %d leases", i, l, len(doc.Leases))
				}
			}
			for i, a := range accounts[:5] {
				account, err := s.Account(ctx, a.ID)
				ok(t, err)
				at := storetest.T0
				if i == 0 {
					at = at.Add(time.Hour)
				}
				if !account.SessionsInvalidBefore.Equal(at) {
					t.Errorf("account %d: %v", i, account.SessionsInvalidBefore)
				}
			}
		})
	}
}
