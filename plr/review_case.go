package plr

import (
	"context"
	"fmt"
	"slices"
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
	// HolderToldAt is when the holder was told; nil when there is none.
	HolderToldAt *time.Time
	// ClosedAt is when the case was resolved.
	ClosedAt *time.Time
	// Restricted: for specialists only. To others the case does not exist.
	Restricted bool
	// Version counts changes, from 1.
	Version int
	// Resolution of a case that is still open is a decision under way: its effects
	// may have been made in part, and repeating it completes them.
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
	// ULN is the number that was connected, "" when none was.
	ULN ULN
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

// maxReviewIDs bounds how many cases there can be of one kind, claimant and
// number, one after another.
const maxReviewIDs = 1000

// IDs are the ids that the case may have, one after the other: derived from what
// it is about, so that a case is opened once, however often it is asked for.
func (c *ReviewCase) IDs(yield func(string) bool) {
	for n := range maxReviewIDs {
		if !yield(idOf(idReview, fmt.Sprintf("%s\x00%s\x00%s\x00%d", c.Kind, c.Claimant, c.ULN, n))) {
			return
		}
	}
}

// openReview opens a case, unless it is open already, and tells the holder.
func (s *Service) openReview(ctx context.Context, c *ReviewCase) (*ReviewCase, error) {
	now := s.now()
	c.SchemaVersion, c.State, c.OpenedAt, c.Version = 1, ReviewOpen, now, 1
	if c.Holder != "" {
		c.HolderToldAt = &now
		// First, so that no case waits for somebody who was not told.
		if err := s.notify(ctx, c.Holder, NoticeClaimedByAnother); err != nil {
			return nil, err
		}
	}
	stored, _, err := s.store.CreateReviewCase(ctx, c)
	return stored, err
}

// ReviewCaseFilter chooses cases.
type ReviewCaseFilter struct {
	State *ReviewState
}

// ReviewQuery is what a store is asked for.
type ReviewQuery struct {
	// State to keep, "" for both.
	State ReviewState
	// Restricted: those for specialists too.
	Restricted bool
	// BeforeAt and BeforeID are the place behind which to begin; zero for the newest.
	BeforeAt time.Time
	BeforeID string
	Limit    int
}

// mayReview says whether these roles answer review cases, and restricted ones.
func mayReview(roles []Role) (may, restricted bool) {
	restricted = slices.Contains(roles, RoleSpecialist)
	return restricted || slices.Contains(roles, RoleCaseworker), restricted
}

// ReviewCases gives a page of the cases that somebody with these roles may see,
// newest first. CodeForbidden without a role for it.
func (s *Service) ReviewCases(ctx context.Context, roles []Role, page PageRequest, filter *ReviewCaseFilter) (*Page[*ReviewCase], error) {
	may, restricted := mayReview(roles)
	if !may {
		return nil, Forbidden()
	}
	if err := page.check(); err != nil {
		return nil, err
	}
	q := ReviewQuery{Restricted: restricted, Limit: page.First + 1}
	sort := "reviews"
	if filter != nil && filter.State != nil {
		q.State = *filter.State
	}
	if page.After != nil {
		key, id, ok := parseCursor(*page.After, sort)
		at, err := time.Parse(time.RFC3339Nano, key)
		if !ok || err != nil || !isID(id, idReview) {
			return nil, badCursor()
		}
		q.BeforeAt, q.BeforeID = at, id
	}
	cases, total, err := s.reviewCases(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &Page[*ReviewCase]{Total: total, HasNext: len(cases) > page.First, HasPrevious: page.After != nil}
	out.Items = cases[:min(page.First, len(cases))]
	for _, c := range out.Items {
		out.Cursors = append(out.Cursors, makeCursor(sort, timeKey(c.OpenedAt), c.ID))
	}
	return out, nil
}

// reviewCases asks the store, and asks again without the cases that are found to
// be for specialists.
func (s *Service) reviewCases(ctx context.Context, q ReviewQuery) (cases []*ReviewCase, total int, err error) {
	for {
		if cases, total, err = s.store.ReviewCases(ctx, q); err != nil || q.Restricted {
			return cases, total, err
		}
		hidden := false
		for _, c := range cases {
			if err := s.restrict(ctx, c); err != nil {
				return nil, 0, err
			}
			hidden = hidden || c.Restricted
		}
		if !hidden {
			return cases, total, nil
		}
	}
}

// restrict marks a case as one for specialists when it has become one since it
// was opened: its record came under the sensitive learners policy, or its claimant
// has claimed one that is.
func (s *Service) restrict(ctx context.Context, c *ReviewCase) error {
	if c.Restricted {
		return nil
	}
	file, err := s.store.Identity(ctx, c.Claimant)
	if err != nil {
		return err
	}
	restricted := file.MetRestricted
	if !restricted && c.ULN != "" {
		record, err := s.store.Record(ctx, c.ULN)
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		restricted = record != nil && record.restricted()
	}
	if !restricted {
		return nil
	}
	c.Restricted = true
	_, err = s.store.EditReviewCase(ctx, c.ID, func(c *ReviewCase) error {
		c.Restricted = true // the version stays: nothing has changed that a decision goes by
		return nil
	})
	return err
}

// ReviewCase gives one case. CodeNotFound for one that these roles may not see.
func (s *Service) ReviewCase(ctx context.Context, roles []Role, id string) (*ReviewCase, error) {
	may, restricted := mayReview(roles)
	if !may {
		return nil, Forbidden()
	}
	if !isID(id, idReview) {
		return nil, NotFound("id")
	}
	c, err := s.store.ReviewCase(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.restrict(ctx, c); err != nil {
		return nil, err
	}
	if c.Restricted && !restricted {
		return nil, NotFound("id")
	}
	return c, nil
}

// ReviewEvidence is what a decision goes by.
type ReviewEvidence struct {
	// Identity is what the claimant has proved; nil for nothing.
	Identity *VerifiedIdentity
	// Register is the entry of the case's number; nil when there is none.
	Register *RegisterEntry
	// Matched are the attributes of name and birth that agree.
	Matched []MatchAttribute
	// Attempts are the claimant's newest claims, newest first.
	Attempts []*ClaimEntry
	// HolderSeenAt is when the holder acknowledged that they were told: somebody is
	// there. Nil until then.
	HolderSeenAt *time.Time
	// ConnectFrom is when CONNECT becomes possible, nil for at once.
	ConnectFrom *time.Time
}

const maxAttemptsShown = 50

// ReviewEvidence gives what is known for a case.
func (s *Service) ReviewEvidence(ctx context.Context, roles []Role, id string) (*ReviewEvidence, error) {
	c, err := s.ReviewCase(ctx, roles, id)
	if err != nil {
		return nil, err
	}
	_, restricted := mayReview(roles)
	file, err := s.store.Identity(ctx, c.Claimant)
	if err != nil {
		return nil, err
	}
	e := &ReviewEvidence{Identity: file.Identity}
	if c.ULN != "" {
		record, err := s.store.Record(ctx, c.ULN)
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
		if record != nil && record.Register != nil {
			e.Register = record.Register
			e.Matched, _ = matchPerson(file.Identity, record.Register)
		}
	}
	if e.Attempts, err = s.store.ClaimEntries(ctx, c.Claimant, maxAttemptsShown); err != nil {
		return nil, err
	}
	e.Attempts = slices.DeleteFunc(e.Attempts, func(a *ClaimEntry) bool { return a.Restricted && !restricted })
	return e, s.holderEvidence(ctx, c, e)
}

func (s *Service) holderEvidence(ctx context.Context, c *ReviewCase, e *ReviewEvidence) error {
	if c.Holder == "" || c.HolderToldAt == nil {
		return nil
	}
	if from := c.HolderToldAt.Add(HolderNotice); from.After(s.now()) {
		e.ConnectFrom = &from
	}
	holder, err := s.store.Account(ctx, c.Holder)
	if err := ignoreNotFound(err); err != nil || holder == nil {
		return err
	}
	for _, n := range holder.Notices {
		if n.Kind == NoticeClaimedByAnother && n.SeenAt != nil && !n.SeenAt.Before(*c.HolderToldAt) {
			e.HolderSeenAt = n.SeenAt
		}
	}
	return nil
}
