package storetest

import (
	"testing"
	"time"

	"openplr/plr"
)

// retentionCases have a store to themselves, because Purge goes through it all.
var retentionCases = []testCase{
	{"purge: what is due goes, what is not stays", func(t *testing.T, s plr.Store) {
		now := T0.AddDate(70, 0, 0)
		due := plr.DueAt(now)
		gone, kept := aged(t, s, due, -time.Millisecond), aged(t, s, due, 0)
		before := kept.state(t, s)
		want := plr.Purged{Records: 1, Disclosures: 2, Attempts: 1, ShareLinks: 2, Views: 1, Challenges: 1, Preferences: 1, ClaimEntries: 2, ReviewCases: 1, ClaimTallies: 1, IdempotencyKeys: 3}
		for range 2 { // a dry run removes nothing
			same(t, "would be removed", purged(t, s, due, true), want)
		}
		same(t, "nothing is due at no time", purged(t, s, plr.Due{}, false), plr.Purged{})
		same(t, "removed", purged(t, s, due, false), want)
		same(t, "removed by a second run", purged(t, s, due, false), plr.Purged{})

		_, err := s.Record(t.Context(), gone.uln)
		refused(t, err, plr.CodeNotFound)
		doc := must[*plr.Sharing](t)(s.Sharing(t.Context(), gone.uln))
		left := must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), gone.uln))
		if len(doc.Links) != 0 || len(left) != 0 {
			t.Errorf("%d live and %d revoked links are left", len(doc.Links), len(left))
		}
		for _, link := range []*plr.ShareLink{gone.expired, gone.revoked} {
			_, err := s.SecretOwner(t.Context(), Ref(link).Hash)
			refused(t, err, plr.CodeNotFound)
		}
		for version := 1; version <= 2; version++ {
			_, err = s.ConfiguredViewVersion(t.Context(), gone.uln, gone.view.ID, version)
			refused(t, err, plr.CodeNotFound)
		}
		if list := must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), gone.uln)); len(list) != 1 || list[0].Status != plr.ChallengeOpen {
			t.Errorf("challenges left: %v", list)
		}
		if list := must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), gone.uln)); len(list) != 1 || list[0].OptedOut {
			t.Errorf("changes left: %v", list)
		}
		if _, total, err := s.AccessEntries(t.Context(), gone.uln, plr.AccessQuery{Limit: 9}); total != 0 || err != nil {
			t.Errorf("%d entries left, %v", total, err)
		}

		matching(t, s, plr.MatchKeys(Update(gone.uln, 0).Register), kept.uln)
		if list := must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), gone.account.ID, 9)); len(list) != 0 {
			t.Errorf("%d claim entries left", len(list))
		}
		_, err = s.ReviewCase(t.Context(), gone.review.ID)
		refused(t, err, plr.CodeNotFound)
		must[*plr.ReviewCase](t)(s.ReviewCase(t.Context(), gone.open.ID))

		same(t, "who is kept", kept.state(t, s), before)
		for _, link := range []*plr.ShareLink{kept.expired, kept.revoked} {
			must[*plr.SecretRef](t)(s.SecretOwner(t.Context(), Ref(link).Hash))
		}
		must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), kept.uln, kept.view.ID, 1))
	}},
	{"purge: a view stays as long as a link that is kept names it", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		live, ended := createdView(t, s, View(uln)), createdView(t, s, View(uln))
		for _, v := range []*plr.ConfiguredView{live, ended} {
			must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), uln, v.ID, remove(T0)))
		}
		naming := func(v *plr.ConfiguredView) *plr.ShareLink {
			link := Link(uln)
			link.ViewID = v.ID
			return created(t, s, link)
		}
		naming(live)
		must[int](t)(s.RevokeShareLinks(t.Context(), uln, []string{naming(ended).ID}, T0))
		due := plr.Due{Views: T0.Add(time.Hour), ShareLinks: T0}
		same(t, "removed while both are named", purged(t, s, due, false), plr.Purged{})
		due.ShareLinks = T0.Add(time.Hour) // the revoked one is due, the live one ends later
		same(t, "would be removed", purged(t, s, due, true), plr.Purged{ShareLinks: 1, Views: 1})
		same(t, "removed", purged(t, s, due, false), plr.Purged{ShareLinks: 1, Views: 1})
		must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), uln, live.ID))
		_, err := s.ConfiguredView(t.Context(), uln, ended.ID)
		refused(t, err, plr.CodeNotFound)
	}},
	{"purge: a link that was extended is kept", func(t *testing.T, s plr.Store) {
		link := created(t, s, Link(NewULN()))
		must[*plr.Sharing](t)(s.EditSharing(t.Context(), link.ULN, func(sh *plr.Sharing) error {
			sh.Links[link.ID].EditedAt, sh.Links[link.ID].ExpiresAt = T0.Add(time.Hour), T0.AddDate(1, 0, 0)
			return nil
		}))
		same(t, "removed", purged(t, s, plr.Due{ShareLinks: link.ExpiresAt.Add(time.Second)}, false), plr.Purged{})
		live(t, s, link)
	}},
	{"purge: a forgotten key makes anew, one that is remembered does not", func(t *testing.T, s plr.Store) {
		for _, c := range creations {
			uln, idem := NewULN(), Idempotency(NewID("key"), "input", T0)
			must[any](t)(c.create(t, s, uln, idem))
			purged(t, s, plr.Due{IdempotencyKeys: T0}, false)
			must[any](t)(c.create(t, s, uln, idem))
			holds(t, s, c, uln, 1)
			purged(t, s, plr.Due{IdempotencyKeys: T0.Add(time.Millisecond)}, false)
			must[any](t)(c.create(t, s, uln, idem))
			holds(t, s, c, uln, 2)
		}
	}},
	{"purge: more than one step's worth", func(t *testing.T, s plr.Store) {
		const n = 450
		uln := NewULN()
		for i := range n {
			appended(t, s, Entry(uln, NewID("lnk"), T0.Add(time.Duration(i/3)*time.Millisecond), plr.AccessWrongPIN))
		}
		due := plr.Due{Attempts: T0.Add(n / 3 / 2 * time.Millisecond)}
		want := plr.Purged{Attempts: n / 2}
		same(t, "would be removed", purged(t, s, due, true), want)
		same(t, "removed", purged(t, s, due, false), want)
		entriesOf(t, s, uln, plr.AccessQuery{Limit: 1}, n-n/2)
	}},
}

func purged(t *testing.T, s plr.Store, due plr.Due, dry bool) plr.Purged {
	t.Helper()
	r, is := s.(plr.RetentionStore)
	if !is {
		t.Fatal("the store has no Purge")
	}
	return must[plr.Purged](t)(r.Purge(t.Context(), due, dry))
}

// elder is a learner with one of everything that can be due, and more that cannot.
type elder struct {
	world
	expired, revoked *plr.ShareLink
	open             *plr.ReviewCase
	tally            string
}

// aged makes a learner whose things are as much past their time as the offset is
// below zero.
func aged(t *testing.T, s plr.Store, due plr.Due, offset time.Duration) *elder {
	t.Helper()
	uln, ctx := NewULN(), t.Context()
	at := func(d time.Time) time.Time { return d.Add(offset) }
	key := func() *plr.Idempotency {
		return OwnedBy(uln, Idempotency(NewID("key"), "input", at(due.IdempotencyKeys)))
	}

	must[[]plr.RecordChange](t)(s.ImportRecords(ctx, []plr.RecordUpdate{Update(uln, 1)}, at(due.Records)))
	account := must[*plr.Account](t)(s.EnsureAccount(ctx, Account()))

	expired, revoked := Link(uln), Link(uln)
	expired.CreatedAt, expired.EditedAt, expired.ExpiresAt = at(due.ShareLinks).AddDate(0, 0, -1), at(due.ShareLinks).AddDate(0, 0, -1), at(due.ShareLinks)
	expired = must[*plr.ShareLink](t)(s.CreateShareLink(ctx, expired, Ref(expired), key(), admit(expired)))
	revoked.ExpiresAt = due.ShareLinks.AddDate(10, 0, 0)
	revoked = created(t, s, revoked)
	must[int](t)(s.RevokeShareLinks(ctx, uln, []string{revoked.ID}, at(due.ShareLinks)))

	view := must[*plr.ConfiguredView](t)(s.CreateConfiguredView(ctx, View(uln), key()))
	view = must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(ctx, uln, view.ID, remove(at(due.Views))))
	createdView(t, s, View(uln)) // not deleted: never due

	open, closed := Challenge(uln, at(due.Challenges).AddDate(-9, 0, 0)), Challenge(uln, at(due.Challenges).AddDate(0, 0, -9))
	raised(t, s, open)
	closed = must[*plr.DataChallenge](t)(s.CreateDataChallenge(ctx, closed, key(), anyChallenge))
	must[*plr.DataChallenge](t)(s.UpdateDataChallenge(ctx, uln, closed.ID, func(c *plr.DataChallenge) error {
		err := withdraw(c)
		c.UpdatedAt = at(due.Challenges)
		return err
	}))

	for _, out := range []bool{true, false} {
		change := plr.PreferenceChange{OptedOut: out, At: at(due.Preferences), Channel: plr.ChannelSelf}
		must[*plr.Sharing](t)(s.SetSharingPreference(ctx, uln, change, func(*plr.Sharing) error { return nil }))
	}
	entry := appended(t, s, Entry(uln, expired.ID, at(due.Disclosures), plr.AccessDisclosed))
	appended(t, s, Entry(uln, expired.ID, at(due.Disclosures), plr.AccessDisclosedAgain))
	appended(t, s, Entry(uln, expired.ID, at(due.Attempts), plr.AccessFrozen))
	for range 2 {
		ok(t, s.AppendClaimEntry(ctx, ClaimEntry(account.ID, at(due.ClaimEntries))))
	}
	review := opened(t, s, Review(account.ID, uln, at(due.ReviewCases).AddDate(-1, 0, 0)))
	review = must[*plr.ReviewCase](t)(s.EditReviewCase(ctx, review.ID, resolve(at(due.ReviewCases))))
	waiting := opened(t, s, Review(account.ID, uln, at(due.ReviewCases).AddDate(-1, 0, 0))) // however old
	tally := NewID("key")
	must[int](t)(s.CountClaim(ctx, tally, account.ID, at(due.ClaimTallies)))
	return &elder{world{uln: uln, account: account, link: expired, view: view, challenge: closed, entry: entry, review: review}, expired, revoked, waiting, tally}
}
