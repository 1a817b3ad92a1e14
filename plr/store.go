package plr

import (
	"context"
	"time"
)

// Store keeps what the domain must not lose. This comment and those below are
// the contract that store/storetest holds every backend to.
//
//   - A call that returns nil has made its effect durable: it survives the death
//     of the process at the next instruction.
//   - Every operation is atomic: concurrent callers see all of it or nothing,
//     and operations on one learner's Sharing document happen in one order.
//   - What is returned belongs to the caller; changing it changes nothing stored.
//     What is passed in may be kept only as a copy.
//   - Functions passed in are pure, may be called more than once, and their
//     error is returned as it is with nothing stored.
//   - A missing object is an *Error with CodeNotFound, never (nil, nil). An
//     object of another owner is missing.
//   - A backend that cannot answer returns an *Error with CodeUnavailable.
//   - The time is passed in. No backend has a clock of its own.
type Store interface {
	// Ping says whether the store can serve now.
	Ping(ctx context.Context) error
	// Close ends every use of the store.
	Close() error

	RecordStore
	AccountStore
	IdentityStore
	SharingStore
	ViewStore
	ChallengeStore
	AccessStore
	RetentionStore
}

// RecordStore keeps learners' records by ULN.
type RecordStore interface {
	// Record gives the record kept under uln, or under the number uln is linked to.
	Record(ctx context.Context, uln ULN) (*Record, error)
	// ImportRecords applies each update with Record.Apply, each atomically by
	// itself; the changes come in the updates' order. An error may leave a
	// first part applied; repeating the call is harmless. A linked number leads to
	// the update's record from then on. An update for a number that is itself
	// linked goes to the number it is linked to. A record held under a number
	// that becomes linked stays where it is, and nothing leads to it any more.
	// NewLearner is set by the store when no record was held. Times in updates are
	// UTC and have at most millisecond precision: a backend may keep no more.
	ImportRecords(ctx context.Context, updates []RecordUpdate, now time.Time) ([]RecordChange, error)
	// MasterULN gives the number that uln is linked to, through however many
	// links, and uln itself when it is linked to none, known or not.
	MasterULN(ctx context.Context, uln ULN) (ULN, error)
	// HasRecords says whether any record is held.
	HasRecords(ctx context.Context) (bool, error)
	// RecordsMatching gives up to limit records of which one of MatchKeys is among
	// keys, without their events, in any order. A record held under a number that
	// is linked to another is given too. While the store cannot yet find every
	// record by its keys, it answers CodeUnavailable: none is ever missing.
	RecordsMatching(ctx context.Context, keys []string, limit int) ([]*Record, error)
}

// AccountStore keeps accounts and their binding to a ULN.
type AccountStore interface {
	// EnsureAccount gives the account of a.Issuer and a.Subject, storing a when
	// there is none. Of parallel calls exactly one stores.
	EnsureAccount(ctx context.Context, a *Account) (*Account, error)
	Account(ctx context.Context, id string) (*Account, error)
	// AccountOfSubject gives the account of issuer and subject.
	AccountOfSubject(ctx context.Context, issuer, subject string) (*Account, error)
	// RaiseProviderLogout raises ProviderLogoutAt to at; it never lowers it.
	RaiseProviderLogout(ctx context.Context, accountID string, at time.Time) error
	// BindAccount binds an account to uln. CodeAlreadyDone when the account is
	// bound to another number or the number to another account; binding the
	// same pair again is no error. Of parallel calls for one number or one
	// account, exactly one succeeds.
	BindAccount(ctx context.Context, accountID string, uln ULN, now time.Time) error
	// AccountOf gives the account that is bound to exactly this number.
	AccountOf(ctx context.Context, uln ULN) (*Account, error)
	// UnbindULN frees uln, if it is bound to this account; "" stands for whichever.
	UnbindULN(ctx context.Context, uln ULN, accountID string) error
	// InvalidateSessions raises SessionsInvalidBefore to before; it never lowers it.
	InvalidateSessions(ctx context.Context, accountID string, before time.Time) error
	// EndSession applies Account.EndSession. Of parallel calls, none undoes another.
	EndSession(ctx context.Context, accountID, handle string, until, now time.Time) error
	// SuspendAccount sets SuspendedAt; nil ends the suspension. An account that is
	// suspended keeps its first instant.
	SuspendAccount(ctx context.Context, accountID string, at *time.Time) error
	// AddNotice applies Account.AddNotice. Of parallel calls, none undoes another.
	AddNotice(ctx context.Context, accountID string, notice AccountNotice) error
	// AcknowledgeNotices applies Account.AcknowledgeNotices and gives the account.
	AcknowledgeNotices(ctx context.Context, accountID string, now time.Time) (*Account, error)
}

// IdentityStore keeps how accounts came, or did not come, to their records.
type IdentityStore interface {
	// Identity gives the account's file; NewIdentityFile when none is stored. The
	// account itself is not looked at.
	Identity(ctx context.Context, accountID string) (*IdentityFile, error)
	// EditIdentity applies edit to the file and gives it as stored.
	EditIdentity(ctx context.Context, accountID string, edit func(*IdentityFile) error) (*IdentityFile, error)
	// CountClaim applies ClaimTally.Count to the tally of key, and gives how many
	// accounts had been counted before, this one among them if it had been.
	CountClaim(ctx context.Context, key, accountID string, now time.Time) (before int, err error)
	// AppendClaimEntry adds to the audit of claims. It only grows.
	AppendClaimEntry(ctx context.Context, e *ClaimEntry) error
	// ClaimEntries gives an account's newest entries, newest first.
	ClaimEntries(ctx context.Context, accountID string, limit int) ([]*ClaimEntry, error)

	// CreateReviewCase stores c, under the first of ReviewCase.IDs that is free, and
	// gives it; created says that this call did. While a case of the same kind,
	// claimant and number is open, that one is given as it is. Of parallel calls
	// exactly one creates.
	CreateReviewCase(ctx context.Context, c *ReviewCase) (stored *ReviewCase, created bool, err error)
	ReviewCase(ctx context.Context, id string) (*ReviewCase, error)
	// EditReviewCase applies edit and gives the case as stored.
	EditReviewCase(ctx context.Context, id string, edit func(*ReviewCase) error) (*ReviewCase, error)
	// ReviewCases gives cases newest first (ties by id, highest first) and how many
	// match without regard to place and limit.
	ReviewCases(ctx context.Context, q ReviewQuery) (cases []*ReviewCase, total int, err error)
}

// SharingStore keeps one Sharing document per learner, the index from secrets
// to links, revoked links, and the history of the opt-out switch.
type SharingStore interface {
	// Sharing gives the learner's document; NewSharing when none is stored.
	Sharing(ctx context.Context, uln ULN) (*Sharing, error)
	// EditSharing applies an owner's edit to the document and returns it as stored.
	// An edit that changes nothing is stored too: what it saw is then confirmed.
	EditSharing(ctx context.Context, uln ULN, edit func(*Sharing) error) (*Sharing, error)
	// SetSharingPreference is EditSharing that also appends change to the
	// history; both are durable together.
	SetSharingPreference(ctx context.Context, uln ULN, change PreferenceChange, edit func(*Sharing) error) (*Sharing, error)
	// PreferenceChanges gives the history of the switch, newest first.
	PreferenceChanges(ctx context.Context, uln ULN) ([]PreferenceChange, error)

	// CreateShareLink stores link: the secret's index, then the link through
	// admit, which adds it to the document. Nothing can be opened by a secret
	// whose link is not in the document. idem may be nil: see Idempotency rules
	// at ViewStore. It returns the link as stored.
	CreateShareLink(ctx context.Context, link *ShareLink, ref SecretRef, idem *Idempotency, admit func(*Sharing) error) (*ShareLink, error)
	// RevokeShareLinks ends the links with these ids, all when ids is nil, and
	// says how many it ended. From its return on no claim on them succeeds. A
	// link revoked before stays as it was; an id that never was is CodeNotFound
	// with nothing changed.
	RevokeShareLinks(ctx context.Context, uln ULN, ids []string, now time.Time) (int, error)
	RevokedShareLink(ctx context.Context, uln ULN, id string) (*ShareLink, error)
	RevokedShareLinks(ctx context.Context, uln ULN) ([]*ShareLink, error)
	// SecretOwner leads from a secret's hash to its link.
	SecretOwner(ctx context.Context, hash string) (*SecretRef, error)

	// TakeGuess applies ShareLink.TakeGuess to a live or revoked link and gives
	// the link as it is then.
	TakeGuess(ctx context.Context, uln ULN, linkID string, now time.Time) (taken bool, link *ShareLink, err error)
	// SettleGuess applies ShareLink.SettleGuess to a live or revoked link.
	SettleGuess(ctx context.Context, uln ULN, linkID string, right bool, now time.Time) error
	// ClaimRedemption applies Sharing.Claim. It is the one decision on which
	// redemption, revocation and opt-out meet.
	ClaimRedemption(ctx context.Context, c Claim) (ClaimResult, error)
	// RenewLease applies Sharing.Renew.
	RenewLease(ctx context.Context, r Renewal) (LinkState, error)
	// ReleaseLease ends a lease; an unknown lease is no error.
	ReleaseLease(ctx context.Context, uln ULN, leaseID string) error
}

// ViewStore keeps configured views and every version of them.
//
// Idempotency rules for the creates here and elsewhere: when idem's key was used
// less than IdempotencyLife before idem.At, nothing is stored and the object
// first made comes back as it is now, or IdempotencyConflict when the stored
// hash is not among idem.Hashes. Of parallel calls with one key exactly one stores.
// Beyond MaxIdempotencyKeys of one learner a store may refuse a new one with
// IdempotencyLimit.
type ViewStore interface {
	// MadeBefore gives the id of the object that idem's key made, by the rules
	// above, or "" when a create with it would make a new one.
	MadeBefore(ctx context.Context, idem *Idempotency) (id string, err error)
	// CreateConfiguredView refuses with CodeLimitReached when the learner has
	// MaxConfiguredViews that are not deleted.
	CreateConfiguredView(ctx context.Context, v *ConfiguredView, idem *Idempotency) (*ConfiguredView, error)
	// UpdateConfiguredView applies edit and keeps the version before it.
	UpdateConfiguredView(ctx context.Context, uln ULN, id string, edit func(*ConfiguredView) error) (*ConfiguredView, error)
	// ConfiguredView gives the newest version, deleted or not.
	ConfiguredView(ctx context.Context, uln ULN, id string) (*ConfiguredView, error)
	ConfiguredViewVersion(ctx context.Context, uln ULN, id string, version int) (*ConfiguredView, error)
	// ConfiguredViews gives all of a learner's views, deleted ones too, in any order.
	ConfiguredViews(ctx context.Context, uln ULN) ([]*ConfiguredView, error)
}

// ChallengeStore keeps data challenges.
type ChallengeStore interface {
	// CreateDataChallenge stores c if admit, given the learner's challenges,
	// returns nil: check and insert are one step.
	CreateDataChallenge(ctx context.Context, c *DataChallenge, idem *Idempotency, admit func(existing []*DataChallenge) error) (*DataChallenge, error)
	UpdateDataChallenge(ctx context.Context, uln ULN, id string, edit func(*DataChallenge) error) (*DataChallenge, error)
	// DataChallenges gives all of a learner's challenges, newest first.
	DataChallenges(ctx context.Context, uln ULN) ([]*DataChallenge, error)
}

// AccessStore keeps access entries. They are only ever added.
type AccessStore interface {
	AppendAccessEntry(ctx context.Context, e *AccessEntry) error
	AccessEntry(ctx context.Context, uln ULN, id string) (*AccessEntry, error)
	// AccessEntries gives entries newest first (ties by id, highest first) and
	// how many match without regard to place and limit.
	AccessEntries(ctx context.Context, uln ULN, q AccessQuery) (entries []*AccessEntry, total int, err error)
}

// ViewLimit is the refusal of one view too many.
func ViewLimit() *Error {
	return refuse(CodeLimitReached, T("You have 50 views, which is the most you can have. Delete one first.",
		"Mae gennych 50 o weddau, sef y mwyaf y gallwch eu cael. Dilëwch un yn gyntaf."))
}

// AlreadyBound is the refusal of a binding that would break one-to-one.
func AlreadyBound() *Error {
	return refuse(CodeAlreadyDone, T("This cannot be connected.", "Ni ellir cysylltu hwn."))
}
