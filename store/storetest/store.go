package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"openplr/plr"
)

// world is one learner with one of everything.
type world struct {
	uln       plr.ULN
	account   *plr.Account
	link      *plr.ShareLink
	view      *plr.ConfiguredView
	challenge *plr.DataChallenge
	entry     *plr.AccessEntry
	review    *plr.ReviewCase
}

func newWorld(t *testing.T, s plr.Store) *world {
	t.Helper()
	w := &world{uln: NewULN()}
	must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{Update(w.uln, 1)}, T0))
	w.account = must[*plr.Account](t)(s.EnsureAccount(t.Context(), Account()))
	w.link = created(t, s, WithPIN(Link(w.uln)))
	w.view = createdView(t, s, View(w.uln))
	w.challenge = raised(t, s, Challenge(w.uln, T0))
	w.entry = appended(t, s, Entry(w.uln, w.link.ID, T0, plr.AccessDisclosed))
	w.review = opened(t, s, Review(w.account.ID, w.uln, T0))
	return w
}

// state is everything a store says about the world, in words.
func (w *world) state(t *testing.T, s plr.Store) string {
	t.Helper()
	entries, total, err := s.AccessEntries(t.Context(), w.uln, plr.AccessQuery{Limit: 100})
	ok(t, err)
	return text(t, []any{
		must[*plr.Record](t)(s.Record(t.Context(), w.uln)), must[*plr.Account](t)(s.Account(t.Context(), w.account.ID)),
		must[*plr.Sharing](t)(s.Sharing(t.Context(), w.uln)), must[[]plr.PreferenceChange](t)(s.PreferenceChanges(t.Context(), w.uln)),
		must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), w.uln)), must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), w.uln)),
		must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), w.uln)), entries, total,
		must[*plr.IdentityFile](t)(s.Identity(t.Context(), w.account.ID)), must[[]*plr.ClaimEntry](t)(s.ClaimEntries(t.Context(), w.account.ID, 100)),
		w.reviewState(t, s),
	})
}

func (w *world) reviewState(t *testing.T, s plr.Store) *plr.ReviewCase {
	t.Helper()
	if w.review == nil {
		return nil
	}
	return must[*plr.ReviewCase](t)(s.ReviewCase(t.Context(), w.review.ID))
}

// call is one method, called so that it would succeed.
type call struct {
	name string
	do   func(ctx context.Context, s plr.Store, w *world) error
}

func drop[T any](_ T, err error) error { return err }

// calls is every method of plr.Store but Close.
var calls = []call{
	{"Ping", func(ctx context.Context, s plr.Store, _ *world) error { return s.Ping(ctx) }},
	{"Record", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.Record(ctx, w.uln)) }},
	{"ImportRecords", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.ImportRecords(ctx, []plr.RecordUpdate{Update(w.uln, 1)}, T0))
	}},
	{"HasRecords", func(ctx context.Context, s plr.Store, _ *world) error { return drop(s.HasRecords(ctx)) }},
	{"EnsureAccount", func(ctx context.Context, s plr.Store, _ *world) error { return drop(s.EnsureAccount(ctx, Account())) }},
	{"EnsureAccount again", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.EnsureAccount(ctx, w.account)) }},
	{"Account", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.Account(ctx, w.account.ID)) }},
	{"BindAccount", func(ctx context.Context, s plr.Store, w *world) error {
		return s.BindAccount(ctx, w.account.ID, w.uln, T0)
	}},
	{"UnbindULN", func(ctx context.Context, s plr.Store, w *world) error { return s.UnbindULN(ctx, w.uln, "") }},
	{"AccountOfSubject", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.AccountOfSubject(ctx, w.account.Issuer, w.account.Subject))
	}},
	{"RaiseProviderLogout", func(ctx context.Context, s plr.Store, w *world) error {
		return s.RaiseProviderLogout(ctx, w.account.ID, T0)
	}},
	{"InvalidateSessions", func(ctx context.Context, s plr.Store, w *world) error {
		return s.InvalidateSessions(ctx, w.account.ID, T0)
	}},
	{"EndSession", func(ctx context.Context, s plr.Store, w *world) error {
		return s.EndSession(ctx, w.account.ID, "ses_1", T0.Add(time.Hour), T0)
	}},
	{"RecordsMatching", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.RecordsMatching(ctx, plr.MatchKeys(Update(w.uln, 0).Register), 1))
	}},
	{"SuspendAccount", func(ctx context.Context, s plr.Store, w *world) error {
		return s.SuspendAccount(ctx, w.account.ID, ptr(T0))
	}},
	{"AddNotice", func(ctx context.Context, s plr.Store, w *world) error {
		return s.AddNotice(ctx, w.account.ID, plr.AccountNotice{Kind: plr.NoticeRestored, At: T0})
	}},
	{"AcknowledgeNotices", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.AcknowledgeNotices(ctx, w.account.ID, T0))
	}},
	{"Identity", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.Identity(ctx, w.account.ID)) }},
	{"EditIdentity", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.EditIdentity(ctx, w.account.ID, prove(T0)))
	}},
	{"CountClaim", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.CountClaim(ctx, string(w.uln), w.account.ID, T0))
	}},
	{"AppendClaimEntry", func(ctx context.Context, s plr.Store, w *world) error {
		return s.AppendClaimEntry(ctx, ClaimEntry(w.account.ID, T0))
	}},
	{"ClaimEntries", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.ClaimEntries(ctx, w.account.ID, 1))
	}},
	{"CreateReviewCase", func(ctx context.Context, s plr.Store, w *world) error {
		_, _, err := s.CreateReviewCase(ctx, Review(NewID("act"), w.uln, T0))
		return err
	}},
	{"ReviewCase", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.ReviewCase(ctx, w.review.ID)) }},
	{"EditReviewCase", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.EditReviewCase(ctx, w.review.ID, resolve(T0)))
	}},
	{"ReviewCases", func(ctx context.Context, s plr.Store, _ *world) error {
		_, _, err := s.ReviewCases(ctx, plr.ReviewQuery{Limit: 1})
		return err
	}},
	{"Sharing", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.Sharing(ctx, w.uln)) }},
	{"EditSharing", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.EditSharing(ctx, w.uln, func(sh *plr.Sharing) error { sh.OptIn(T0, true); return nil }))
	}},
	{"SetSharingPreference", func(ctx context.Context, s plr.Store, w *world) error {
		change := plr.PreferenceChange{At: T0}
		return drop(s.SetSharingPreference(ctx, w.uln, change, switchTo(change)))
	}},
	{"PreferenceChanges", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.PreferenceChanges(ctx, w.uln)) }},
	{"CreateShareLink", func(ctx context.Context, s plr.Store, w *world) error {
		link := Link(w.uln)
		return drop(s.CreateShareLink(ctx, link, Ref(link), OwnedBy(w.uln, Idempotency(NewID("key"), "input", T0)), admit(link)))
	}},
	{"RevokeShareLinks", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.RevokeShareLinks(ctx, w.uln, []string{w.link.ID}, T0))
	}},
	{"RevokedShareLink", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.RevokedShareLink(ctx, w.uln, w.link.ID))
	}},
	{"RevokedShareLinks", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.RevokedShareLinks(ctx, w.uln)) }},
	{"SecretOwner", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.SecretOwner(ctx, Ref(w.link).Hash))
	}},
	{"TakeGuess", func(ctx context.Context, s plr.Store, w *world) error {
		_, _, err := s.TakeGuess(ctx, w.uln, w.link.ID, T0)
		return err
	}},
	{"SettleGuess", func(ctx context.Context, s plr.Store, w *world) error {
		return s.SettleGuess(ctx, w.uln, w.link.ID, false, T0)
	}},
	{"ClaimRedemption", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.ClaimRedemption(ctx, Claim(w.link, T0)))
	}},
	{"MasterULN", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.MasterULN(ctx, w.uln)) }},
	{"AccountOf", func(ctx context.Context, s plr.Store, w *world) error {
		return ignoreNotFound(drop(s.AccountOf(ctx, w.uln)))
	}},
	{"RenewLease", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.RenewLease(ctx, plr.Renewal{ULN: w.uln, LinkID: w.link.ID, LeaseID: NewID("lse"), Now: T0}))
	}},
	{"MadeBefore", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.MadeBefore(ctx, OwnedBy(w.uln, Idempotency(NewID("key"), "input", T0))))
	}},
	{"ReleaseLease", func(ctx context.Context, s plr.Store, w *world) error {
		return s.ReleaseLease(ctx, w.uln, NewID("lse"))
	}},
	{"CreateConfiguredView", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.CreateConfiguredView(ctx, View(w.uln), OwnedBy(w.uln, Idempotency(NewID("key"), "input", T0))))
	}},
	{"UpdateConfiguredView", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.UpdateConfiguredView(ctx, w.uln, w.view.ID, rename("another", T0)))
	}},
	{"ConfiguredView", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.ConfiguredView(ctx, w.uln, w.view.ID))
	}},
	{"ConfiguredViewVersion", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.ConfiguredViewVersion(ctx, w.uln, w.view.ID, 1))
	}},
	{"ConfiguredViews", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.ConfiguredViews(ctx, w.uln)) }},
	{"CreateDataChallenge", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.CreateDataChallenge(ctx, Challenge(w.uln, T0), OwnedBy(w.uln, Idempotency(NewID("key"), "input", T0)), anyChallenge))
	}},
	{"UpdateDataChallenge", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.UpdateDataChallenge(ctx, w.uln, w.challenge.ID, withdraw))
	}},
	{"DataChallenges", func(ctx context.Context, s plr.Store, w *world) error { return drop(s.DataChallenges(ctx, w.uln)) }},
	{"AppendAccessEntry", func(ctx context.Context, s plr.Store, w *world) error {
		return s.AppendAccessEntry(ctx, Entry(w.uln, w.link.ID, T0, plr.AccessDisclosed))
	}},
	{"AccessEntry", func(ctx context.Context, s plr.Store, w *world) error {
		return drop(s.AccessEntry(ctx, w.uln, w.entry.ID))
	}},
	{"AccessEntries", func(ctx context.Context, s plr.Store, w *world) error {
		_, _, err := s.AccessEntries(ctx, w.uln, plr.AccessQuery{Limit: 1})
		return err
	}},
}

// EachCall makes every call but Close once, each so that it succeeds, and gives
// do its name: for tests that watch what a store does on the way.
func EachCall(t *testing.T, s plr.Store, do func(name string, call func(context.Context) error)) {
	w := newWorld(t, s)
	for _, c := range calls {
		do(c.name, func(ctx context.Context) error { return c.do(ctx, s, w) })
	}
}

// lifecycle cases have a store to themselves.
var lifecycle = []testCase{
	{"a store that answers", func(t *testing.T, s plr.Store) {
		ok(t, s.Ping(t.Context()))
		if must[bool](t)(s.HasRecords(t.Context())) {
			t.Fatal("an empty store has records")
		}
		w := newWorld(t, s)
		if !must[bool](t)(s.HasRecords(t.Context())) {
			t.Fatal("no records after an import")
		}
		for _, c := range calls {
			if err := c.do(t.Context(), s, w); err != nil {
				t.Errorf("%s: %v", c.name, err) // each is made so that it succeeds, in this order
			}
		}
	}},
	{"a context that is done", func(t *testing.T, s plr.Store) {
		w := newWorld(t, s)
		before := w.state(t, s)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		for ctx, cause := range map[context.Context]error{cancelled: context.Canceled, late: context.DeadlineExceeded} {
			for _, c := range calls {
				err := c.do(ctx, s, w)
				if plr.CodeOf(err) != plr.CodeUnavailable || !errors.Is(err, cause) {
					t.Errorf("%s: got %v, want UNAVAILABLE because of %v", c.name, err, cause)
				}
			}
		}
		if after := w.state(t, s); after != before {
			t.Fatalf("something was stored:\n%s\nbefore:\n%s", after, before)
		}
	}},
	{"a closed store", func(t *testing.T, s plr.Store) {
		w := newWorld(t, s)
		ok(t, s.Close())
		for _, c := range calls {
			if err := c.do(t.Context(), s, w); err == nil || plr.CodeOf(err) != plr.CodeUnavailable {
				t.Errorf("%s: got %v, want UNAVAILABLE", c.name, err)
			}
		}
	}},
	{"closing while it is used", func(t *testing.T, s plr.Store) {
		w := newWorld(t, s)
		together(41, func(i int) error {
			if i == 20 {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return nil
			}
			for {
				for _, c := range []call{calls[1], calls[5+i%20]} {
					switch err := c.do(t.Context(), s, w); {
					case plr.CodeOf(err) == plr.CodeUnavailable:
						return nil
					case err != nil && plr.CodeOf(err) == plr.CodeInternal:
						t.Errorf("%s: %v", c.name, err)
						return err
					}
				}
			}
		})
	}},
}

// errPanic is what the functions below panic with.
var errPanic = errors.New("the function passed in panics")

// functionCases: what is passed in may panic, and the store goes on.
var functionCases = func() (cases []testCase) {
	for _, c := range []call{
		{"EditSharing", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.EditSharing(ctx, w.uln, func(sh *plr.Sharing) error { sh.OptOut(T0); panic(errPanic) }))
		}},
		{"SetSharingPreference", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.SetSharingPreference(ctx, w.uln, plr.PreferenceChange{}, func(sh *plr.Sharing) error { sh.OptOut(T0); panic(errPanic) }))
		}},
		{"CreateShareLink", func(ctx context.Context, s plr.Store, w *world) error {
			link := Link(w.uln)
			return drop(s.CreateShareLink(ctx, link, Ref(link), OwnedBy(w.uln, Idempotency("panic", "input", T0)), func(*plr.Sharing) error { panic(errPanic) }))
		}},
		{"EditIdentity", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.EditIdentity(ctx, w.account.ID, func(f *plr.IdentityFile) error { f.FailedTotal++; panic(errPanic) }))
		}},
		{"EditReviewCase", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.EditReviewCase(ctx, w.review.ID, func(c *plr.ReviewCase) error { c.Version++; panic(errPanic) }))
		}},
		{"UpdateConfiguredView", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.UpdateConfiguredView(ctx, w.uln, w.view.ID, func(v *plr.ConfiguredView) error { v.Version++; panic(errPanic) }))
		}},
		{"CreateDataChallenge", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.CreateDataChallenge(ctx, Challenge(w.uln, T0), OwnedBy(w.uln, Idempotency("panic", "input", T0)), func([]*plr.DataChallenge) error { panic(errPanic) }))
		}},
		{"UpdateDataChallenge", func(ctx context.Context, s plr.Store, w *world) error {
			return drop(s.UpdateDataChallenge(ctx, w.uln, w.challenge.ID, func(c *plr.DataChallenge) error { c.Version++; panic(errPanic) }))
		}},
	} {
		cases = append(cases, testCase{"a panic in " + c.name + " stores nothing and harms nobody", func(t *testing.T, s plr.Store) {
			w := newWorld(t, s)
			before := w.state(t, s)
			ok(t, panics(t.Context(), c, s, w))
			if after := w.state(t, s); after != before {
				t.Fatalf("something was stored:\n%s\nbefore:\n%s", after, before)
			}
			entries := together(30, func(i int) *plr.AccessEntry {
				if i%2 == 0 {
					if err := panics(t.Context(), c, s, w); err != nil {
						t.Error(err)
					}
					return nil
				}
				e := Entry(w.uln, w.link.ID, T0.Add(time.Minute), plr.AccessDisclosed)
				if err := s.AppendAccessEntry(t.Context(), e); err != nil {
					t.Error(err)
				}
				return e
			})
			for _, e := range entries {
				if e != nil {
					must[*plr.AccessEntry](t)(s.AccessEntry(t.Context(), w.uln, e.ID))
				}
			}
		}})
	}
	return cases
}()

// panics makes the call, and says what is wrong when its panic comes to
// nothing: it reaches the caller, or the call says that it failed.
func panics(ctx context.Context, c call, s plr.Store, w *world) (wrong error) {
	defer func() {
		if p := recover(); p != nil && p != errPanic {
			wrong = fmt.Errorf("another panic than the function's: %v", p)
		}
	}()
	if err := c.do(ctx, s, w); err == nil {
		return errors.New("the call says that it succeeded")
	}
	return nil
}

// ignoreNotFound lets an operation pass that finds nothing in this world.
func ignoreNotFound(err error) error {
	if err != nil && plr.CodeOf(err) == plr.CodeNotFound {
		return nil
	}
	return err
}
