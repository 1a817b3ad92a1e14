package plr

import (
	"context"
	"slices"
	"time"
)

// ClaimEntry is the audit of one attempt to claim a record.
type ClaimEntry struct {
	SchemaVersion int
	ID            string
	AccountID     string
	// ULN is the number considered, "" when there was none.
	ULN     ULN
	At      time.Time
	Outcome ClaimDecision
	// Matched are the attributes that agreed.
	Matched []MatchAttribute
	// Restricted: the record is under the sensitive learners policy; only
	// specialists may read the entry.
	Restricted bool
}

// ClaimDecision is what came of a claim. The claimant is told only whether it was
// ClaimBound.
type ClaimDecision string

// The decisions.
const (
	ClaimBound               ClaimDecision = "BOUND"
	ClaimNoMatch             ClaimDecision = "NO_MATCH"
	ClaimSeveral             ClaimDecision = "SEVERAL"
	ClaimWrongULN            ClaimDecision = "WRONG_ULN"
	ClaimBoundElsewhere      ClaimDecision = "BOUND_ELSEWHERE"
	ClaimRestricted          ClaimDecision = "RESTRICTED"
	ClaimTallyExceeded       ClaimDecision = "TALLY_EXCEEDED"
	ClaimRegisterUnavailable ClaimDecision = "REGISTER_UNAVAILABLE"
	// ClaimRefused: too many have failed, so that this one was not looked at.
	ClaimRefused ClaimDecision = "REFUSED"
)

// MaxClaimants is how many accounts may fail on one number within ClaimWindow;
// every claim after them goes to review.
const MaxClaimants = 5

// ClaimTally counts the accounts that have lately claimed one number.
type ClaimTally struct {
	SchemaVersion int
	// Key is a digest of the number.
	Key string
	// Claimants are digests of accounts, oldest first: the newest MaxClaimants.
	Claimants []Claimant
	// UpdatedAt is when one was last counted.
	UpdatedAt time.Time
}

// Claimant is one account of a tally.
type Claimant struct {
	Account string
	At      time.Time
}

// NewClaimTally is a tally that nobody is on.
func NewClaimTally(key string) *ClaimTally { return &ClaimTally{SchemaVersion: 1, Key: key} }

// Count adds an account, and says how many there were before. An account that is
// there is not added again, but counts from now on. It is pure.
func (t *ClaimTally) Count(accountID string, now time.Time) (before int) {
	name := digest("claimant", accountID)
	t.Claimants = slices.DeleteFunc(slices.Clone(t.Claimants), func(c Claimant) bool { return !c.At.Add(ClaimWindow).After(now) })
	before = len(t.Claimants)
	t.Claimants = slices.DeleteFunc(t.Claimants, func(c Claimant) bool { return c.Account == name })
	if len(t.Claimants) == MaxClaimants {
		t.Claimants = t.Claimants[1:]
	}
	t.Claimants = append(t.Claimants, Claimant{Account: name, At: now})
	t.UpdatedAt = now
	return before
}

// tallyKey names what a tally is of, without showing it.
func tallyKey(name string) string { return digest("tally", name) }

// appendClaim writes the audit of a claim.
func (s *Service) appendClaim(ctx context.Context, accountID string, found *finding, at time.Time) error {
	id, err := newID(s.random, idClaim)
	if err != nil {
		return err
	}
	return s.store.AppendClaimEntry(ctx, &ClaimEntry{
		SchemaVersion: 1, ID: id, AccountID: accountID, ULN: found.uln, At: at, Outcome: found.result, Matched: found.by,
		Restricted: found.touchesRestricted(),
	})
}

// touchesRestricted says whether a record under the sensitive learners policy was
// considered, whatever came of it.
func (f *finding) touchesRestricted() bool {
	return (f.record != nil && f.record.restricted()) || (f.named != nil && f.named.restricted()) ||
		slices.ContainsFunc(f.candidates, func(c candidate) bool { return c.record.restricted() })
}

// maybeRestricted says whether the claimant may be a learner under the sensitive
// learners policy: one of their name and date of birth is.
func (f *finding) maybeRestricted() bool {
	return slices.ContainsFunc(append(slices.Clone(f.rivals), f.candidates...), func(c candidate) bool { return c.record.restricted() })
}

// refusedClaim records a claim that was not looked at, and opens the case of an
// account that is locked.
func (s *Service) refusedClaim(ctx context.Context, id string, in ClaimInput, now time.Time, refusal error) error {
	found := &finding{result: ClaimRefused}
	found.uln = found.considered(in.ULN)
	if err := s.appendClaim(ctx, id, found, now); err != nil {
		return err
	}
	file, err := s.store.Identity(ctx, id)
	if err != nil {
		return err
	}
	if err := s.reviewLocked(ctx, file); err != nil {
		return err
	}
	return refusal
}

// abandonClaim gives the attempt back: nothing was decided. What else goes wrong
// meanwhile changes nothing of the answer.
func (s *Service) abandonClaim(ctx context.Context, id string, in ClaimInput, now time.Time, cause error) error {
	found := &finding{result: ClaimRegisterUnavailable}
	if len(Refusals(cause)) > 0 {
		found.result = ClaimRefused
	}
	found.uln = found.considered(in.ULN)
	_ = s.appendClaim(ctx, id, found, now)
	_, _ = s.store.EditIdentity(ctx, id, func(f *IdentityFile) error {
		f.giveBack(now)
		return nil
	})
	return cause
}

// claimBound settles a claim that succeeded. It is bound: what cannot be noted
// now does not undo it.
func (s *Service) claimBound(ctx context.Context, id string, v *VerifiedIdentity, found *finding, now time.Time) (*ClaimOutcome, error) {
	file, err := s.store.EditIdentity(ctx, id, func(f *IdentityFile) error {
		f.SettleClaim(now, false)
		f.note(IdentityChange{Kind: ChangeBound, At: now, Route: v.Route, Matched: found.by})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if file.Identity.BirthDate != v.BirthDate { // proved anew meanwhile
		if err := s.checkBound(ctx, id, file.Identity.BirthDate); err != nil {
			return nil, err
		}
	}
	account, err := s.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if account.SuspendedAt != nil {
		return nil, underReview()
	}
	return &ClaimOutcome{Account: account, Matched: found.by}, nil
}

// claimFailed settles a claim that came to nothing, and opens what cases follow.
// Whatever failed, the claimant is told the same.
func (s *Service) claimFailed(ctx context.Context, id string, found *finding, now time.Time) error {
	if err := s.appendClaim(ctx, id, found, now); err != nil {
		return err
	}
	kind := map[ClaimDecision]ReviewKind{
		ClaimSeveral: ReviewSeveral, ClaimRestricted: ReviewRestricted, ClaimTallyExceeded: ReviewTally, ClaimBoundElsewhere: ReviewBoundElsewhere,
	}[found.result]
	if kind != "" {
		c := &ReviewCase{Kind: kind, Claimant: id, Holder: found.holder, ULN: found.uln, Restricted: found.touchesRestricted() || found.maybeRestricted()}
		if _, err := s.openReview(ctx, c); err != nil {
			return err
		}
	}
	file, err := s.store.EditIdentity(ctx, id, func(f *IdentityFile) error {
		f.SettleClaim(now, true)
		f.MetRestricted = f.MetRestricted || found.maybeRestricted()
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.reviewLocked(ctx, file); err != nil {
		return err
	}
	return notMatched()
}

// reviewLocked opens the case of a locked account, once.
func (s *Service) reviewLocked(ctx context.Context, file *IdentityFile) error {
	if !file.Locked() || file.ReviewID != "" {
		return nil
	}
	c, err := s.openReview(ctx, &ReviewCase{Kind: ReviewLocked, Claimant: file.AccountID, Restricted: file.MetRestricted})
	if err != nil {
		return err
	}
	_, err = s.store.EditIdentity(ctx, file.AccountID, func(f *IdentityFile) error {
		f.ReviewID = c.ID
		return nil
	})
	return err
}
