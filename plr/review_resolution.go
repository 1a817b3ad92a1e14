package plr

import (
	"context"
	"time"
)

// HolderNotice is how long a holder has been told before a review may move their
// record to another account.
const HolderNotice = 7 * 24 * time.Hour

const maxReviewReason = 1000

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
// CodeAlreadyDone for a case that is resolved or a claimant with another record,
// CodeVersionMismatch, CodeNotMatched when the claimant's verified name and date
// of birth are not the record's, CodeLimitReached with RetryAfter before the
// holder has had HolderNotice, CodeForbidden without a role or for one's own case.
//
// The decision is noted first, then its effects are made, each of which may be
// made again, then the case is closed: a decision that was cut off is completed
// by repeating it, and nobody can decide otherwise meanwhile.
func (s *Service) ResolveReviewCase(ctx context.Context, by *Account, roles []Role, in ResolveReviewCaseInput) (*ReviewCase, error) {
	c, err := s.ReviewCase(ctx, roles, in.ID)
	if err != nil {
		return nil, err
	}
	if by.ID == c.Claimant || by.ID == c.Holder {
		return nil, Forbidden()
	}
	if err := in.check(c); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTime)
	defer cancel()
	_, restricted := mayReview(roles)
	move, err := s.prepareMove(ctx, c, in, restricted)
	if err != nil {
		// A decision that was cut off and cannot be completed any more makes room for
		// another.
		return nil, s.withdrawDecision(ctx, c.ID, c.Resolution, err)
	}
	now := s.now()
	if c, err = s.store.EditReviewCase(ctx, c.ID, func(c *ReviewCase) error {
		if err := in.fits(c); err != nil {
			return err
		}
		c.Resolution = &ReviewResolution{Decision: in.Decision, By: by.ID, At: now, Reason: in.Reason}
		if move != nil {
			c.Resolution.ULN = move.record.ULN
		}
		c.Version++
		return nil
	}); err != nil {
		return nil, err
	}
	noted := c.Resolution
	if in.Decision == ReviewConnect {
		err = s.connectReviewed(ctx, c, move)
	} else {
		err = s.refuseReviewed(ctx, c)
	}
	if err != nil {
		return nil, s.withdrawDecision(ctx, c.ID, noted, err)
	}
	return s.store.EditReviewCase(ctx, c.ID, func(c *ReviewCase) error {
		if c.State == ReviewResolved { // by a repetition of this decision
			return nil
		}
		c.State, c.ClosedAt, c.Resolution = ReviewResolved, &now, noted
		c.Version++
		return nil
	})
}

// check looks at the input and at the case as it was read, before anything else.
func (in *ResolveReviewCaseInput) check(c *ReviewCase) error {
	var faults faultList
	faults.add(paragraph(in.Reason, maxReviewReason, "reason"))
	if in.Decision != ReviewConnect && in.Decision != ReviewRefuse {
		faults.add(refuse(CodeRequired, T("Choose what is to be done.", "Dewiswch beth sydd i'w wneud."), "decision"))
	}
	switch {
	case in.ULN != nil && (!in.ULN.Valid() || (c.ULN != "" && *in.ULN != c.ULN)):
		faults.add(refuse(CodeInvalid, T("This is not the number of a record to connect here.", "Nid rhif cofnod i'w gysylltu yma yw hwn."), "uln"))
	case in.ULN == nil && c.ULN == "" && in.Decision == ReviewConnect:
		faults.add(refuse(CodeRequired, T("Enter the number of the record to connect.", "Rhowch rif y cofnod i'w gysylltu."), "uln"))
	}
	if err := faults.err(); err != nil {
		return err
	}
	return in.fits(c)
}

// fits says whether the case still is as the caseworker saw it, and undecided or
// decided alike.
func (in *ResolveReviewCaseInput) fits(c *ReviewCase) error {
	switch {
	case c.State == ReviewResolved, c.Resolution != nil && c.Resolution.Decision != in.Decision:
		return refuse(CodeAlreadyDone, T("This case has been decided.", "Mae'r achos hwn wedi'i benderfynu."), "id")
	case c.Version != in.Version:
		return refuse(CodeVersionMismatch, T("This case has changed since you read it. Read it again.",
			"Mae'r achos hwn wedi newid ers i chi ei ddarllen. Darllenwch ef eto."), "version")
	}
	return nil
}

// withdrawDecision takes a decision off a case whose effects were refused, so that
// another can be made. A fault leaves it: what was done is not known.
func (s *Service) withdrawDecision(ctx context.Context, id string, noted *ReviewResolution, cause error) error {
	if noted == nil || len(Refusals(cause)) == 0 {
		return cause
	}
	if _, err := s.store.EditReviewCase(ctx, id, func(c *ReviewCase) error {
		if c.State == ReviewOpen && c.Resolution != nil && c.Resolution.By == noted.By && c.Resolution.At.Equal(noted.At) {
			c.Resolution = nil
			c.Version++
		}
		return nil
	}); err != nil {
		return err
	}
	return cause
}

// move is what a decision to connect comes to.
type move struct {
	claimant *Account
	record   *Record
	by       []MatchAttribute
	route    VerificationRoute
}

// prepareMove checks everything that a decision to connect rests on.
func (s *Service) prepareMove(ctx context.Context, c *ReviewCase, in ResolveReviewCaseInput, restricted bool) (*move, error) {
	if in.Decision != ReviewConnect {
		return nil, nil
	}
	uln, path := c.ULN, "id"
	if uln == "" {
		uln, path = *in.ULN, "uln"
	}
	record, err := s.store.Record(ctx, uln)
	if err != nil {
		return nil, withPath(err, path)
	}
	if record.restricted() && !restricted {
		return nil, NotFound(path)
	}
	claimant, err := s.store.Account(ctx, c.Claimant)
	if err != nil {
		return nil, err
	}
	if claimant.ULN != "" {
		if master, err := s.store.MasterULN(ctx, claimant.ULN); err != nil {
			return nil, err
		} else if master != record.ULN {
			return nil, AlreadyBound()
		}
	}
	file, err := s.store.Identity(ctx, c.Claimant)
	if err != nil {
		return nil, err
	}
	by, same := matchPerson(file.Identity, record.Register)
	if !same {
		return nil, refuse(CodeNotMatched, T(
			"The verified name and date of birth of the claimant are not those of the record.",
			"Nid enw a dyddiad geni dilys yr hawlydd yw rhai'r cofnod."), path)
	}
	return &move{claimant, record, by, file.Identity.Route}, s.awaitHolder(ctx, c, record)
}

// awaitHolder refuses to move a record whose holder has not been told for
// HolderNotice. One that the case does not know is told now.
func (s *Service) awaitHolder(ctx context.Context, c *ReviewCase, record *Record) error {
	holder, err := s.holderOf(ctx, record, c.Claimant)
	if err != nil || holder == nil {
		return err
	}
	now := s.now()
	if holder.ID != c.Holder || c.HolderToldAt == nil {
		if err := s.notify(ctx, holder.ID, NoticeClaimedByAnother); err != nil {
			return err
		}
		if c, err = s.store.EditReviewCase(ctx, c.ID, func(c *ReviewCase) error {
			if c.Holder != holder.ID || c.HolderToldAt == nil {
				c.Holder, c.HolderToldAt = holder.ID, &now
				c.Version++
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if wait := c.HolderToldAt.Add(HolderNotice).Sub(now); wait > 0 {
		e := refuse(CodeLimitReached, T(
			"Another account holds this record. It can be moved 7 days after its holder was told.",
			"Mae cyfrif arall yn dal y cofnod hwn. Gellir ei symud 7 diwrnod ar ôl dweud wrth ei ddeiliad."), "id")
		e.RetryAfter = wait
		return e
	}
	return nil
}

// withPath points a refusal at the field it came from.
func withPath(err error, path string) error {
	if CodeOf(err) == CodeNotFound {
		return NotFound(path)
	}
	return err
}
