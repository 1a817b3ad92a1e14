package plr

import (
	"context"
	"errors"
	"time"
)

// ReviewCase is a claim, or a connection, that a caseworker has to decide on.
type ReviewCase struct {
	SchemaVersion int
	ID            string
	Kind          ReviewKind
	State         ReviewState
	// Claimant is the account that wants, or has, the record.
	Claimant string
	// Holder is the account that is bound to it now, "" for none.
	Holder string
	// ULN is the record's number, "" when none was found.
	ULN      ULN
	OpenedAt time.Time
	// Restricted: for specialists only. To others the case does not exist.
	Restricted bool
	// Version counts changes, from 1.
	Version    int
	Resolution *ReviewResolution
}

// IsNode marks ReviewCase as one of the API's nodes.
func (ReviewCase) IsNode() {}

// ReviewKind is why somebody has to look.
type ReviewKind string

// The kinds.
const (
	// ReviewBoundElsewhere: the record matches, but another account is bound to it.
	ReviewBoundElsewhere ReviewKind = "BOUND_ELSEWHERE"
	// ReviewSeveral: several records match.
	ReviewSeveral ReviewKind = "SEVERAL"
	// ReviewRestricted: the record is under the sensitive learners policy.
	ReviewRestricted ReviewKind = "RESTRICTED"
	// ReviewTally: too many accounts have failed on this record today.
	ReviewTally ReviewKind = "TALLY"
	// ReviewLocked: the account has failed too often.
	ReviewLocked ReviewKind = "LOCKED"
	// ReviewBirthDateChanged: a bound person was proved anew with another date of birth.
	ReviewBirthDateChanged ReviewKind = "BIRTH_DATE_CHANGED"
	// ReviewMerged: the register linked a bound number to one that is bound to another account.
	ReviewMerged ReviewKind = "MERGED"
)

// ReviewState is where a case stands.
type ReviewState string

// The states.
const (
	ReviewOpen     ReviewState = "OPEN"
	ReviewResolved ReviewState = "RESOLVED"
)

// ReviewResolution is how a case ended.
type ReviewResolution struct {
	Decision ReviewDecision
	// By is the caseworker's account.
	By     string
	At     time.Time
	Reason string
}

// ReviewDecision is what a caseworker decides.
type ReviewDecision string

// The decisions.
const (
	// ReviewConnect: the claimant is the record's learner.
	ReviewConnect ReviewDecision = "CONNECT"
	// ReviewRefuse: the claimant is not, or it cannot be told.
	ReviewRefuse ReviewDecision = "REFUSE"
)

// HolderNotice is how long a holder has been told before a review may move their
// record to another account.
const HolderNotice = 7 * 24 * time.Hour

// ReviewCaseFilter chooses cases.
type ReviewCaseFilter struct {
	State *ReviewState
}

// ReviewCases gives a page of the cases that somebody with these roles may see,
// newest first. CodeForbidden without a role for it.
func (s *Service) ReviewCases(ctx context.Context, roles []Role, page PageRequest, filter *ReviewCaseFilter) (*Page[*ReviewCase], error) {
	return nil, Unavailable(errors.New("not built"), 0)
}

// ReviewCase gives one case. CodeNotFound for one that these roles may not see.
func (s *Service) ReviewCase(ctx context.Context, roles []Role, id string) (*ReviewCase, error) {
	return nil, Unavailable(errors.New("not built"), 0)
}

// ReviewEvidence is what a decision goes by.
type ReviewEvidence struct {
	// Identity is what the claimant has proved; nil for nothing.
	Identity *VerifiedIdentity
	// Register is the entry of the case's number; nil when there is none.
	Register *RegisterEntry
	// Matched are the attributes that agree.
	Matched []MatchAttribute
	// Attempts are the claimant's newest claims, newest first.
	Attempts []*ClaimEntry
	// ConnectFrom is when CONNECT becomes possible, nil for at once.
	ConnectFrom *time.Time
}

// ReviewEvidence gives what is known for a case.
func (s *Service) ReviewEvidence(ctx context.Context, roles []Role, id string) (*ReviewEvidence, error) {
	return nil, Unavailable(errors.New("not built"), 0)
}

// ResolveReviewCaseInput is a caseworker's decision.
type ResolveReviewCaseInput struct {
	ID       string
	Decision ReviewDecision
	// Reason in the caseworker's words: 1 to 1000 characters.
	Reason string
	// ULN names the record to connect when the case has no number.
	ULN *ULN
	// Version of the case as the caseworker saw it.
	Version int
}

// ResolveReviewCase ends a case. Refusals: CodeNotFound at id or uln,
// CodeAlreadyDone for a case that is resolved, CodeVersionMismatch,
// CodeNotMatched when the claimant's verified name and date of birth are not the
// record's, CodeLimitReached with RetryAfter before the holder has had
// HolderNotice, CodeForbidden without a role or for one's own case.
func (s *Service) ResolveReviewCase(ctx context.Context, by *Account, roles []Role, in ResolveReviewCaseInput) (*ReviewCase, error) {
	return nil, Unavailable(errors.New("not built"), 0)
}
