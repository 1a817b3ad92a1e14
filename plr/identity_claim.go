package plr

import (
	"context"
	"errors"
	"time"
)

// IdentityLife is how long a proved identity may be used for a claim.
const IdentityLife = 30 * time.Minute

// ClaimInput is what somebody says who wants to be connected to their record.
type ClaimInput struct {
	// ULN as the person typed it, nil when they know none. With one, no other
	// record can be the answer.
	ULN *ULN
	// IdentityAt is when this session's person last proved their identity, zero
	// when they have not.
	IdentityAt time.Time
}

// ClaimOutcome is a claim that succeeded.
type ClaimOutcome struct {
	// Account as it is now, bound.
	Account *Account
	// Matched are the attributes that agreed with the record.
	Matched []MatchAttribute
}

// ClaimRecord connects the account to the one record that the verified identity
// belongs to. Its refusals, all of them user errors:
//
//   - CodeInvalid at input.uln: the number has no valid check digit. Nothing is counted.
//   - CodeIdentityNotProved: no identity was proved, or too long ago.
//   - CodeAlreadyDone: the account is connected.
//   - CodeLimitReached: with RetryAfter, too many failed today; without, the account
//     is locked or suspended and a caseworker has to look.
//   - CodeNotMatched: every other failure, whatever it was: same text, same time.
//
// CodeUnavailable: nothing is bound and nothing counted.
func (s *Service) ClaimRecord(ctx context.Context, account *Account, in ClaimInput) (*ClaimOutcome, error) {
	return nil, Unavailable(errors.New("not built"), 0)
}

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

// ClaimDecision is what came of a claim. The claimant is told only whether it was ClaimBound.
type ClaimDecision string

// The results.
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

// MatchAttribute is something of a verified identity that agrees with a record.
type MatchAttribute string

// The attributes.
const (
	MatchBirthDate          MatchAttribute = "BIRTH_DATE"
	MatchGivenName          MatchAttribute = "GIVEN_NAME"
	MatchGivenNameSynonym   MatchAttribute = "GIVEN_NAME_SYNONYM"
	MatchFamilyName         MatchAttribute = "FAMILY_NAME"
	MatchPreviousFamilyName MatchAttribute = "PREVIOUS_FAMILY_NAME"
	MatchULN                MatchAttribute = "ULN"
	MatchPostCode           MatchAttribute = "POST_CODE"
)
