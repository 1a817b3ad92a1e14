package plr

import (
	"context"
	"slices"
	"time"
)

// VerifiedIdentity is what a provider has proved about who somebody is. The
// signed statement it came in is never kept.
type VerifiedIdentity struct {
	// Names are all the person has or had, the current one first.
	Names []VerifiedName
	// BirthDate is YYYY-MM-DD.
	BirthDate Date
	// PostCodes are where the person lives or lived, the current one first.
	PostCodes []string
	Route     VerificationRoute
	ProvedAt  time.Time
}

// VerifiedName is one name. Given holds all given names, in order, with spaces.
type VerifiedName struct{ Given, Family string }

// VerificationRoute is how an identity was proved.
type VerificationRoute string

// The routes.
const (
	// RouteOneLoginP2: a core identity JWT at level P2.
	RouteOneLoginP2 VerificationRoute = "ONE_LOGIN_P2"
	// RouteProviderVouched: staff of a learning provider vouched.
	RouteProviderVouched VerificationRoute = "PROVIDER_VOUCHED"
	// RouteSupport: a caseworker checked papers.
	RouteSupport VerificationRoute = "SUPPORT"
)

// maxVerified bounds the names and postcodes kept of one identity: a history is
// short, and whoever wrote the list is not us.
const maxVerified = 50

func (v *VerifiedIdentity) clone() *VerifiedIdentity {
	out := *v
	out.Names = slices.Clone(v.Names[:min(len(v.Names), maxVerified)])
	out.PostCodes = slices.Clone(v.PostCodes[:min(len(v.PostCodes), maxVerified)])
	out.ProvedAt = v.ProvedAt.UTC().Truncate(time.Millisecond)
	return &out
}

// sameName says whether the current names are written alike, but for what
// foldName takes away.
func (v *VerifiedIdentity) sameName(w *VerifiedIdentity) bool {
	if len(v.Names) == 0 || len(w.Names) == 0 {
		return len(v.Names) == len(w.Names)
	}
	a, b := v.Names[0], w.Names[0]
	return foldName(a.Given) == foldName(b.Given) && foldName(a.Family) == foldName(b.Family)
}

// ProveIdentity keeps what the provider has just proved about the person of an
// account. A bound account whose date of birth is now another, than before or
// than the register's, is suspended for review. Another name changes nothing but
// the history.
func (s *Service) ProveIdentity(ctx context.Context, accountID string, identity VerifiedIdentity) error {
	if !isID(accountID, idAccount) {
		return NotFound("id")
	}
	account, err := s.store.Account(ctx, accountID)
	if err != nil {
		return err
	}
	file, err := s.store.Identity(ctx, accountID)
	if err != nil {
		return err
	}
	// The account is closed before the new date is kept: kept first, a second
	// attempt would find that nothing has changed.
	if account.ULN != "" && account.SuspendedAt == nil {
		if err := s.checkBirthDate(ctx, account, file.Identity, identity.BirthDate); err != nil {
			return err
		}
	}
	if file, err = s.store.EditIdentity(ctx, accountID, func(f *IdentityFile) error {
		f.prove(identity.clone())
		return nil
	}); err != nil || account.ULN != "" {
		return err
	}
	return s.checkBound(ctx, accountID, file.Identity.BirthDate)
}

// checkBound is checkBirthDate for an account that may have been bound beside the
// proof. The claim and the proof both end with it: whichever ends last finds what
// the other did.
func (s *Service) checkBound(ctx context.Context, accountID string, born Date) error {
	account, err := s.store.Account(ctx, accountID)
	if err != nil || account.ULN == "" || account.SuspendedAt != nil {
		return err
	}
	return s.checkBirthDate(ctx, account, nil, born)
}

// prove puts the identity on the file, unless a newer one is there.
func (f *IdentityFile) prove(v *VerifiedIdentity) {
	before := f.Identity
	if before != nil && before.ProvedAt.After(v.ProvedAt) {
		return
	}
	f.Identity = v
	f.note(IdentityChange{Kind: ChangeProved, At: v.ProvedAt, Route: v.Route})
	if before == nil {
		return
	}
	if !before.sameName(v) {
		f.note(IdentityChange{Kind: ChangeNameChanged, At: v.ProvedAt, Route: v.Route})
	}
	if before.BirthDate != v.BirthDate {
		f.note(IdentityChange{Kind: ChangeBirthDateChanged, At: v.ProvedAt, Route: v.Route})
	}
}

// checkBirthDate suspends a bound account whose person has now been proved to be
// born on another day.
func (s *Service) checkBirthDate(ctx context.Context, account *Account, before *VerifiedIdentity, born Date) error {
	record, err := s.store.Record(ctx, account.ULN)
	if err := ignoreNotFound(err); err != nil {
		return err
	}
	changed := before != nil && before.BirthDate != born
	c := &ReviewCase{Kind: ReviewBirthDateChanged, Claimant: account.ID, ULN: account.ULN}
	if record != nil && record.Register != nil {
		changed = changed || (record.Register.DateOfBirth != "" && record.Register.DateOfBirth != born)
		c.ULN, c.Restricted = record.ULN, record.restricted()
	}
	if !changed {
		return nil
	}
	return s.suspend(ctx, account, c, SuspendedBirthDate)
}

// suspendMerged suspends an account whose number the register has linked to one
// that somebody else is bound to.
func (s *Service) suspendMerged(ctx context.Context, account, holder *Account, master ULN) error {
	record, err := s.store.Record(ctx, master)
	if err := ignoreNotFound(err); err != nil {
		return err
	}
	return s.suspend(ctx, account, &ReviewCase{
		Kind: ReviewMerged, Claimant: account.ID, Holder: holder.ID, ULN: master, Restricted: record != nil && record.restricted(),
	}, SuspendedMerged)
}

// suspend opens the case, stops all sharing by the account, and closes it, in this
// order: an account that is closed without a case would stay closed, and as long
// as it is not closed all of this is made again. The links go first: what is
// doubtful to the person themselves is shown to nobody else.
func (s *Service) suspend(ctx context.Context, account *Account, c *ReviewCase, why SuspensionReason) error {
	if _, err := s.openReview(ctx, c); err != nil {
		return err
	}
	if err := s.stopSharing(ctx, account, c); err != nil {
		return err
	}
	now := s.now()
	if err := s.store.SuspendAccount(ctx, account.ID, &now); err != nil {
		return err
	}
	account.SuspendedAt = &now
	_, err := s.store.EditIdentity(ctx, account.ID, func(f *IdentityFile) error {
		f.SuspendedFor = why
		f.note(IdentityChange{Kind: ChangeSuspended, At: now})
		return nil
	})
	return err
}

// stopSharing switches off what the account has shared: under its own number, and
// under the one that the register leads it to unless that is another's.
func (s *Service) stopSharing(ctx context.Context, account *Account, c *ReviewCase) error {
	if err := s.switchOffByReview(ctx, account.ULN); err != nil {
		return err
	}
	if c.ULN == account.ULN || c.Holder != "" {
		return nil
	}
	return s.switchOffByReview(ctx, c.ULN)
}

// MayProveIdentity says whether an identity trip makes sense for the account:
// CodeAlreadyDone when it is bound and renew is false, CodeLimitReached when its
// claims are locked. A suspended person may always prove again who they are.
func (s *Service) MayProveIdentity(ctx context.Context, accountID string, renew bool) error {
	if !isID(accountID, idAccount) {
		return NotFound("id")
	}
	account, err := s.store.Account(ctx, accountID)
	switch {
	case err != nil:
		return err
	case account.SuspendedAt != nil:
		return nil
	case account.ULN != "" && !renew:
		return alreadyConnected()
	case account.ULN != "":
		return nil
	}
	file, err := s.store.Identity(ctx, accountID)
	if err == nil && file.Locked() {
		return claimsLocked()
	}
	return err
}

func alreadyConnected() *Error {
	return refuse(CodeAlreadyDone, T(
		"Your account is connected to your learning record already.",
		"Mae eich cyfrif eisoes wedi'i gysylltu â'ch cofnod dysgu."))
}
