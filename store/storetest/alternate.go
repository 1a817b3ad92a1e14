package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"openplr/plr"
)

// Alternate gives every call to the next of several stores on the same data, as
// requests go to replicas. With it the suite holds them to the contract together.
func Alternate(stores ...plr.Store) plr.Store { return &alternating{stores: stores} }

type alternating struct {
	stores []plr.Store
	calls  atomic.Uint64
}

func (x *alternating) next() plr.Store { return x.stores[x.calls.Add(1)%uint64(len(x.stores))] }

func (x *alternating) Close() error {
	var errs []error
	for _, s := range x.stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (x *alternating) Purge(ctx context.Context, due plr.Due, dry bool) (plr.Purged, error) {
	r, is := x.next().(plr.RetentionStore)
	if !is {
		return plr.Purged{}, errors.New("the store has no Purge")
	}
	return r.Purge(ctx, due, dry)
}

func (x *alternating) Record(ctx context.Context, uln plr.ULN) (*plr.Record, error) {
	return x.next().Record(ctx, uln)
}

func (x *alternating) ImportRecords(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	return x.next().ImportRecords(ctx, updates, now)
}

func (x *alternating) MasterULN(ctx context.Context, uln plr.ULN) (plr.ULN, error) {
	return x.next().MasterULN(ctx, uln)
}

func (x *alternating) HasRecords(ctx context.Context) (bool, error) {
	return x.next().HasRecords(ctx)
}

func (x *alternating) EnsureAccount(ctx context.Context, a *plr.Account) (*plr.Account, error) {
	return x.next().EnsureAccount(ctx, a)
}

func (x *alternating) Account(ctx context.Context, id string) (*plr.Account, error) {
	return x.next().Account(ctx, id)
}

func (x *alternating) AccountOfSubject(ctx context.Context, issuer, subject string) (*plr.Account, error) {
	return x.next().AccountOfSubject(ctx, issuer, subject)
}

func (x *alternating) RaiseProviderLogout(ctx context.Context, accountID string, at time.Time) error {
	return x.next().RaiseProviderLogout(ctx, accountID, at)
}

func (x *alternating) BindAccount(ctx context.Context, accountID string, uln plr.ULN, now time.Time) error {
	return x.next().BindAccount(ctx, accountID, uln, now)
}

func (x *alternating) AccountOf(ctx context.Context, uln plr.ULN) (*plr.Account, error) {
	return x.next().AccountOf(ctx, uln)
}

func (x *alternating) UnbindULN(ctx context.Context, uln plr.ULN, accountID string) error {
	return x.next().UnbindULN(ctx, uln, accountID)
}

func (x *alternating) InvalidateSessions(ctx context.Context, accountID string, before time.Time) error {
	return x.next().InvalidateSessions(ctx, accountID, before)
}

func (x *alternating) EndSession(ctx context.Context, accountID, handle string, until, now time.Time) error {
	return x.next().EndSession(ctx, accountID, handle, until, now)
}

func (x *alternating) RecordsMatching(ctx context.Context, keys []string, limit int) ([]*plr.Record, error) {
	return x.next().RecordsMatching(ctx, keys, limit)
}

func (x *alternating) SuspendAccount(ctx context.Context, accountID string, at *time.Time) error {
	return x.next().SuspendAccount(ctx, accountID, at)
}

func (x *alternating) AddNotice(ctx context.Context, accountID string, notice plr.AccountNotice) error {
	return x.next().AddNotice(ctx, accountID, notice)
}

func (x *alternating) AcknowledgeNotices(ctx context.Context, accountID string, now time.Time) (*plr.Account, error) {
	return x.next().AcknowledgeNotices(ctx, accountID, now)
}

func (x *alternating) Identity(ctx context.Context, accountID string) (*plr.IdentityFile, error) {
	return x.next().Identity(ctx, accountID)
}

func (x *alternating) EditIdentity(ctx context.Context, accountID string, edit func(*plr.IdentityFile) error) (*plr.IdentityFile, error) {
	return x.next().EditIdentity(ctx, accountID, edit)
}

func (x *alternating) CountClaim(ctx context.Context, key, accountID string, now time.Time) (before int, err error) {
	return x.next().CountClaim(ctx, key, accountID, now)
}

func (x *alternating) AppendClaimEntry(ctx context.Context, e *plr.ClaimEntry) error {
	return x.next().AppendClaimEntry(ctx, e)
}

func (x *alternating) ClaimEntries(ctx context.Context, accountID string, limit int) ([]*plr.ClaimEntry, error) {
	return x.next().ClaimEntries(ctx, accountID, limit)
}

func (x *alternating) CreateReviewCase(ctx context.Context, c *plr.ReviewCase) (stored *plr.ReviewCase, created bool, err error) {
	return x.next().CreateReviewCase(ctx, c)
}

func (x *alternating) ReviewCase(ctx context.Context, id string) (*plr.ReviewCase, error) {
	return x.next().ReviewCase(ctx, id)
}

func (x *alternating) EditReviewCase(ctx context.Context, id string, edit func(*plr.ReviewCase) error) (*plr.ReviewCase, error) {
	return x.next().EditReviewCase(ctx, id, edit)
}

func (x *alternating) ReviewCases(ctx context.Context, q plr.ReviewQuery) (cases []*plr.ReviewCase, total int, err error) {
	return x.next().ReviewCases(ctx, q)
}

func (x *alternating) Sharing(ctx context.Context, uln plr.ULN) (*plr.Sharing, error) {
	return x.next().Sharing(ctx, uln)
}

func (x *alternating) EditSharing(ctx context.Context, uln plr.ULN, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	return x.next().EditSharing(ctx, uln, edit)
}

func (x *alternating) SetSharingPreference(ctx context.Context, uln plr.ULN, change plr.PreferenceChange, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	return x.next().SetSharingPreference(ctx, uln, change, edit)
}

func (x *alternating) PreferenceChanges(ctx context.Context, uln plr.ULN) ([]plr.PreferenceChange, error) {
	return x.next().PreferenceChanges(ctx, uln)
}

func (x *alternating) CreateShareLink(ctx context.Context, link *plr.ShareLink, ref plr.SecretRef, idem *plr.Idempotency, admit func(*plr.Sharing) error) (*plr.ShareLink, error) {
	return x.next().CreateShareLink(ctx, link, ref, idem, admit)
}

func (x *alternating) RevokeShareLinks(ctx context.Context, uln plr.ULN, ids []string, now time.Time) (int, error) {
	return x.next().RevokeShareLinks(ctx, uln, ids, now)
}

func (x *alternating) RevokedShareLink(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	return x.next().RevokedShareLink(ctx, uln, id)
}

func (x *alternating) RevokedShareLinks(ctx context.Context, uln plr.ULN) ([]*plr.ShareLink, error) {
	return x.next().RevokedShareLinks(ctx, uln)
}

func (x *alternating) SecretOwner(ctx context.Context, hash string) (*plr.SecretRef, error) {
	return x.next().SecretOwner(ctx, hash)
}

func (x *alternating) TakeGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (taken bool, link *plr.ShareLink, err error) {
	return x.next().TakeGuess(ctx, uln, linkID, now)
}

func (x *alternating) SettleGuess(ctx context.Context, uln plr.ULN, linkID string, right bool, now time.Time) error {
	return x.next().SettleGuess(ctx, uln, linkID, right, now)
}

func (x *alternating) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	return x.next().ClaimRedemption(ctx, c)
}

func (x *alternating) RenewLease(ctx context.Context, r plr.Renewal) (plr.LinkState, error) {
	return x.next().RenewLease(ctx, r)
}

func (x *alternating) ReleaseLease(ctx context.Context, uln plr.ULN, leaseID string) error {
	return x.next().ReleaseLease(ctx, uln, leaseID)
}

func (x *alternating) MadeBefore(ctx context.Context, idem *plr.Idempotency) (id string, err error) {
	return x.next().MadeBefore(ctx, idem)
}

func (x *alternating) CreateConfiguredView(ctx context.Context, v *plr.ConfiguredView, idem *plr.Idempotency) (*plr.ConfiguredView, error) {
	return x.next().CreateConfiguredView(ctx, v, idem)
}

func (x *alternating) UpdateConfiguredView(ctx context.Context, uln plr.ULN, id string, edit func(*plr.ConfiguredView) error) (*plr.ConfiguredView, error) {
	return x.next().UpdateConfiguredView(ctx, uln, id, edit)
}

func (x *alternating) ConfiguredView(ctx context.Context, uln plr.ULN, id string) (*plr.ConfiguredView, error) {
	return x.next().ConfiguredView(ctx, uln, id)
}

func (x *alternating) ConfiguredViewVersion(ctx context.Context, uln plr.ULN, id string, version int) (*plr.ConfiguredView, error) {
	return x.next().ConfiguredViewVersion(ctx, uln, id, version)
}

func (x *alternating) ConfiguredViews(ctx context.Context, uln plr.ULN) ([]*plr.ConfiguredView, error) {
	return x.next().ConfiguredViews(ctx, uln)
}

func (x *alternating) CreateDataChallenge(ctx context.Context, c *plr.DataChallenge, idem *plr.Idempotency, admit func(existing []*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	return x.next().CreateDataChallenge(ctx, c, idem, admit)
}

func (x *alternating) UpdateDataChallenge(ctx context.Context, uln plr.ULN, id string, edit func(*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	return x.next().UpdateDataChallenge(ctx, uln, id, edit)
}

func (x *alternating) DataChallenges(ctx context.Context, uln plr.ULN) ([]*plr.DataChallenge, error) {
	return x.next().DataChallenges(ctx, uln)
}

func (x *alternating) AppendAccessEntry(ctx context.Context, e *plr.AccessEntry) error {
	return x.next().AppendAccessEntry(ctx, e)
}

func (x *alternating) AccessEntry(ctx context.Context, uln plr.ULN, id string) (*plr.AccessEntry, error) {
	return x.next().AccessEntry(ctx, uln, id)
}

func (x *alternating) AccessEntries(ctx context.Context, uln plr.ULN, q plr.AccessQuery) (entries []*plr.AccessEntry, total int, err error) {
	return x.next().AccessEntries(ctx, uln, q)
}

func (x *alternating) Ping(ctx context.Context) error { return x.next().Ping(ctx) }
