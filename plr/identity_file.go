package plr

import (
	"slices"
	"time"
)

// IdentityFile is what is kept of an account's way to a record: the newest
// identity proved, the claims that failed, and what has happened to the
// connection. One document per account.
//
// Its methods are pure: a store applies them to the current document inside
// one atomic step.
type IdentityFile struct {
	SchemaVersion int
	AccountID     string
	// Identity is the newest one proved; nil before the first.
	Identity *VerifiedIdentity
	// SuspendedFor says why the account is suspended, "" while it is not. That it
	// is suspended stands on the account.
	SuspendedFor SuspensionReason
	// FailedClaims are the failed attempts, and those under way, of the last
	// ClaimWindow, oldest first.
	FailedClaims []time.Time
	// FailedTotal counts all of them, those of earlier days too.
	FailedTotal int
	// LastClaimFailed: the newest claim came to nothing.
	LastClaimFailed bool
	// MetRestricted: a claim met a record under the sensitive learners policy whose
	// learner has the person's name and date of birth. Cases about this account are
	// for specialists from then on: the person may be that learner.
	MetRestricted bool
	// ReviewID is the review case opened when the account was locked.
	ReviewID string
	// Changes is the history, oldest first: the newest MaxIdentityChanges.
	Changes []IdentityChange
}

// SuspensionReason is why an account is suspended.
type SuspensionReason string

// The reasons.
const (
	// SuspendedBirthDate: the person was proved anew with another date of birth.
	SuspendedBirthDate SuspensionReason = "BIRTH_DATE_CHANGED"
	// SuspendedMerged: the number was linked to one that somebody else is bound to.
	SuspendedMerged SuspensionReason = "MERGED"
)

// IdentityChange is one event in the history of an account's connection.
type IdentityChange struct {
	Kind IdentityChangeKind
	At   time.Time
	// Route is how the identity was proved that the change goes by.
	Route VerificationRoute
	// Matched are the attributes that agreed with the record.
	Matched []MatchAttribute
}

// IdentityChangeKind is what happened.
type IdentityChangeKind string

// The kinds.
const (
	ChangeProved           IdentityChangeKind = "PROVED"
	ChangeNameChanged      IdentityChangeKind = "NAME_CHANGED"
	ChangeBirthDateChanged IdentityChangeKind = "BIRTH_DATE_CHANGED"
	ChangeBound            IdentityChangeKind = "BOUND"
	ChangeSuspended        IdentityChangeKind = "SUSPENDED"
	ChangeRestored         IdentityChangeKind = "RESTORED"
	// ChangeMoved: the record was connected to another account by review.
	ChangeMoved IdentityChangeKind = "MOVED"
	// ChangeUnbound: a review found that the record is not this person's.
	ChangeUnbound IdentityChangeKind = "UNBOUND"
)

// Limits on claims.
const (
	// ClaimWindow is how long a failed claim counts.
	ClaimWindow = 24 * time.Hour
	// MaxFailedClaims within ClaimWindow; one more is refused.
	MaxFailedClaims = 5
	// MaxFailedClaimsEver locks the account: a caseworker has to look.
	MaxFailedClaimsEver = 10
	// MaxIdentityChanges bounds the history.
	MaxIdentityChanges = 50
)

// NewIdentityFile is the file of an account that has proved nothing yet.
func NewIdentityFile(accountID string) *IdentityFile {
	return &IdentityFile{SchemaVersion: 1, AccountID: accountID}
}

// Locked: only a review leads on from here.
func (f *IdentityFile) Locked() bool { return f.FailedTotal >= MaxFailedClaimsEver }

// TakeClaim counts a claim before it is evaluated, so that claims made in
// parallel or cut off still count. It refuses when too many have failed.
func (f *IdentityFile) TakeClaim(now time.Time) error {
	if f.Locked() {
		return claimsLocked()
	}
	f.FailedClaims = f.countedClaims(now)
	if wait := f.ClaimAgainIn(now); wait > 0 {
		return tooManyClaims(wait)
	}
	f.FailedClaims = append(f.FailedClaims, now)
	f.FailedTotal++
	return nil
}

// SettleClaim says what became of the claim counted at: one that did not fail
// gets its attempt back.
func (f *IdentityFile) SettleClaim(at time.Time, failed bool) {
	if f.LastClaimFailed = failed; !failed {
		f.giveBack(at)
	}
}

// giveBack uncounts a claim that nothing was decided on.
func (f *IdentityFile) giveBack(at time.Time) {
	if i := slices.IndexFunc(f.FailedClaims, at.Equal); i >= 0 {
		f.FailedClaims = slices.Delete(f.FailedClaims, i, i+1)
	}
	f.FailedTotal = max(f.FailedTotal-1, 0)
}

// ClaimAgainIn is how long to wait until another claim is heard, 0 for not at all.
func (f *IdentityFile) ClaimAgainIn(now time.Time) time.Duration {
	live := f.countedClaims(now)
	if len(live) < MaxFailedClaims {
		return 0
	}
	return live[len(live)-MaxFailedClaims].Add(ClaimWindow).Sub(now)
}

// claimsLeft is how many claims are heard until one is refused.
func (f *IdentityFile) claimsLeft(now time.Time) int {
	return max(min(MaxFailedClaims-len(f.countedClaims(now)), MaxFailedClaimsEver-f.FailedTotal), 0)
}

func (f *IdentityFile) countedClaims(now time.Time) []time.Time {
	live := slices.DeleteFunc(slices.Clone(f.FailedClaims), func(at time.Time) bool { return !at.Add(ClaimWindow).After(now) })
	slices.SortFunc(live, time.Time.Compare) // replicas' clocks differ a little
	return live
}

// note adds to the history.
func (f *IdentityFile) note(c IdentityChange) {
	f.Changes = append(f.Changes, c)
	if over := len(f.Changes) - MaxIdentityChanges; over > 0 {
		f.Changes = slices.Delete(f.Changes, 0, over)
	}
}

func claimsLocked() *Error {
	return refuse(CodeLimitReached, T(
		"You have tried to connect to your record too many times. A caseworker has to look at it before you can go on.",
		"Rydych wedi ceisio cysylltu â'ch cofnod ormod o weithiau. Rhaid i weithiwr achos edrych arno cyn y gallwch fynd ymlaen."))
}

func tooManyClaims(wait time.Duration) *Error {
	e := refuse(CodeLimitReached, T(
		"You have tried to connect to your record too many times today. Try again later.",
		"Rydych wedi ceisio cysylltu â'ch cofnod ormod o weithiau heddiw. Rhowch gynnig arall arni yn nes ymlaen."))
	e.RetryAfter = wait
	return e
}
