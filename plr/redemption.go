package plr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// RedeemInput is what somebody without an account says when opening a link.
type RedeemInput struct {
	Secret        string
	PIN           string
	Recipient     Recipient
	Purpose       SharingPurpose
	TermsAccepted bool
	// RedemptionID: a token of the caller's making, or one given out before.
	// Repeating it within RepeatWindow spends nothing. Empty: a new one is made.
	RedemptionID string
	Channel      AccessChannel
}

// RedeemOutcome is what comes of it: *SharedRecord, *PINRequired,
// *ShareUnavailable or *TryAgainLater.
type RedeemOutcome interface{ IsRedeemOutcome() }

// PINRequired: the link asks for a PIN, and none or a wrong one was given.
// Which of the two is not said, nor whether the link still works.
type PINRequired struct{ Message Text }

// IsRedeemOutcome marks PINRequired as an outcome.
func (PINRequired) IsRedeemOutcome() {}

// ShareUnavailable: nothing opens. Reason and ExpiredAt are told only to those
// who have proved everything the link asks for.
type ShareUnavailable struct {
	Reason    *UnavailableReason
	ExpiredAt *time.Time
	Message   Text
}

// IsRedeemOutcome marks ShareUnavailable as an outcome.
func (ShareUnavailable) IsRedeemOutcome() {}

// UnavailableReason is why a known link does not open.
type UnavailableReason string

// The reasons that may be told.
const (
	ReasonExpired   UnavailableReason = "EXPIRED"
	ReasonWithdrawn UnavailableReason = "WITHDRAWN"
	ReasonPaused    UnavailableReason = "PAUSED"
	ReasonUsedUp    UnavailableReason = "USED_UP"
)

// TryAgainLater: the service is busy with other attempts on this link.
type TryAgainLater struct {
	RetryAfter time.Duration
	Message    Text
}

// IsRedeemOutcome marks TryAgainLater as an outcome.
func (TryAgainLater) IsRedeemOutcome() {}

const (
	minRedemptionID = 20
	maxRedemptionID = 128
	busyRetry       = 2 * time.Second
	// redeemTime bounds a redemption from its first counted step on.
	redeemTime = 8 * time.Second
)

// Redeem opens a link. The order is the promise: attempt counted, PIN checked,
// data gathered, then one atomic claim that is the last check, then the access
// entry, then the data. The lease taken by the claim goes to the Disclosures
// in ctx; without one nothing is disclosed.
func (s *Service) Redeem(ctx context.Context, in RedeemInput) (RedeemOutcome, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if !wellFormedSecret(in.Secret) {
		return unknownShare(), nil
	}
	ref, link, err := s.linkBySecret(ctx, in.Secret)
	if err := ignoreNotFound(err); err != nil {
		return nil, err
	}
	if link == nil {
		return unknownShare(), nil
	}
	// From here on attempts are counted and recorded: a client that goes away
	// must not leave a guess or a use without its entry.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), redeemTime)
	defer cancel()
	if link.PINRequired() {
		if outcome, err := s.checkGuess(ctx, link, in); outcome != nil || err != nil {
			return outcome, err
		}
	}
	return s.open(ctx, ref, in)
}

func (in *RedeemInput) check() error {
	var faults faultList
	in.Recipient.check(&faults, "recipient")
	known := false
	for _, p := range purposes {
		known = known || p == in.Purpose
	}
	if !known {
		faults.add(refuse(CodeRequired, T("Choose what you need this for.", "Dewiswch pam mae angen hwn arnoch."), "purpose"))
	}
	if !in.TermsAccepted {
		faults.add(refuse(CodeAcknowledgementRequired, T("Accept the terms to see the record.", "Derbyniwch y telerau i weld y cofnod."), "termsAccepted"))
	}
	if n := len(in.RedemptionID); n > 0 && (n < minRedemptionID || n > maxRedemptionID) {
		faults.add(refuse(CodeOutOfRange, T(
			fmt.Sprintf("A redemption id has %d to %d characters that nobody can guess.", minRedemptionID, maxRedemptionID),
			fmt.Sprintf("Mae gan ddynodydd agor rhwng %d a %d nod na all neb eu dyfalu.", minRedemptionID, maxRedemptionID)), "redemptionId"))
	}
	return faults.err()
}

// linkBySecret finds the link a secret opens. Nil, without an error or with
// CodeNotFound, when there is none or its key was taken off the list.
func (s *Service) linkBySecret(ctx context.Context, secret string) (*SecretRef, *ShareLink, error) {
	ref, err := s.store.SecretOwner(ctx, secretHash(secret))
	if err != nil {
		return nil, nil, err
	}
	// A link made under a number that was linked to another since is dead: its
	// owner, now known under the other number, could neither see nor revoke it.
	if master, err := s.store.MasterULN(ctx, ref.ULN); err != nil || master != ref.ULN {
		return nil, nil, err
	}
	link, err := s.linkByRef(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	if derived, ok := s.secretOf(link); !ok || derived != secret {
		return nil, nil, nil
	}
	return ref, link, nil
}

// ignoreNotFound lets only faults through.
func ignoreNotFound(err error) error {
	if err != nil && CodeOf(err) == CodeNotFound {
		return nil
	}
	return err
}

func (s *Service) linkByRef(ctx context.Context, ref *SecretRef) (*ShareLink, error) {
	sharing, err := s.store.Sharing(ctx, ref.ULN)
	if err != nil {
		return nil, err
	}
	return s.linkIn(ctx, sharing, ref)
}

// linkIn gives the link from the document, or from among the revoked ones.
func (s *Service) linkIn(ctx context.Context, sharing *Sharing, ref *SecretRef) (*ShareLink, error) {
	if link := sharing.Links[ref.LinkID]; link != nil {
		return link, nil
	}
	return s.store.RevokedShareLink(ctx, ref.ULN, ref.LinkID)
}

// checkGuess returns an outcome unless the PIN is right. Whatever the link's
// state, the answer to a missing and a wrong PIN is the same.
func (s *Service) checkGuess(ctx context.Context, link *ShareLink, in RedeemInput) (RedeemOutcome, error) {
	pin, ok := normalPIN(in.PIN)
	if !ok {
		return pinRequired(), nil // it cannot be right, so it costs no guess
	}
	now := s.now()
	taken, current, err := s.store.TakeGuess(ctx, link.ULN, link.ID, now)
	if err != nil {
		return nil, err
	}
	if !taken {
		if !current.frozen(now) {
			return busy(), nil // the last guesses are still being checked
		}
		// The PIN is hashed all the same, so that a frozen link takes the time of
		// a wrong PIN; what comes of it is not looked at. Only when a slot is free:
		// a frozen link must not keep others waiting.
		if s.pinSlotFree() {
			_, _ = s.pinMatches(ctx, link.PINHash, pin)
		}
		if err := s.recordAttempt(ctx, link, in, AccessFrozen); err != nil {
			return nil, err
		}
		return pinRequired(), nil
	}
	right, err := s.pinMatches(ctx, link.PINHash, pin)
	if err != nil {
		// The PIN was not looked at, so the guess was none: a busy service must
		// not freeze links. If this fails too, the guess stays spent.
		return nil, cmp.Or(s.store.SettleGuess(ctx, link.ULN, link.ID, true, now), err)
	}
	if err := s.store.SettleGuess(ctx, link.ULN, link.ID, right, now); err != nil {
		return nil, err
	}
	if right {
		return nil, nil
	}
	if err := s.recordAttempt(ctx, link, in, AccessWrongPIN); err != nil {
		return nil, err
	}
	return pinRequired(), nil
}

// open gathers and claims, again when what the link may show changed between
// the two, and hands the granted claim on.
func (s *Service) open(ctx context.Context, ref *SecretRef, in RedeemInput) (RedeemOutcome, error) {
	disclosures := disclosuresOf(ctx)
	if disclosures == nil {
		return nil, errors.New("redeem called outside a disclosure")
	}
	redemption := in.RedemptionID
	if redemption == "" {
		var err error
		if redemption, err = newID(s.random, idRedeem); err != nil {
			return nil, err
		}
	}
	for range gatherings {
		outcome, err := s.openOnce(ctx, disclosures, ref, in, redemption)
		if outcome != nil || err != nil {
			return outcome, err
		}
	}
	return busy(), nil
}

// gatherings bounds how often data is gathered anew because the owner keeps
// changing what the link may show.
const gatherings = 5

// openOnce is one round of open; nil without an error when what it gathered
// was out of date.
func (s *Service) openOnce(ctx context.Context, disclosures *Disclosures, ref *SecretRef, in RedeemInput, redemption string) (RedeemOutcome, error) {
	// The edition is read before the data: a change in between makes it stale.
	sharing, err := s.store.Sharing(ctx, ref.ULN)
	if err != nil {
		return nil, err
	}
	link, err := s.linkIn(ctx, sharing, ref)
	if err != nil {
		return nil, err
	}
	shared, record, err := s.gather(ctx, link)
	if err != nil {
		return nil, err
	}
	if shared == nil { // the view is gone: there is nothing to open
		if err := s.recordAttempt(ctx, link, in, AccessLinkRevoked); err != nil {
			return nil, err
		}
		return unavailable(LinkRevoked, link.ExpiresAt), nil
	}
	lease, err := newID(s.random, idLease)
	if err != nil {
		return nil, err
	}
	began := time.Now() //nolint:forbidigo // monotonic: a lease ends on this process's own watch
	claim, err := s.store.ClaimRedemption(ctx, Claim{
		ULN: ref.ULN, LinkID: ref.LinkID, RedemptionHash: digest("redemption", ref.LinkID+"\x00"+redemption),
		LeaseID: lease, Now: s.now(), Restricted: record.restricted(), Edition: sharing.Edition,
	})
	if err != nil || claim.Stale {
		return nil, err
	}
	if claim.State != LinkActive {
		if err := s.recordAttempt(ctx, link, in, refusedAs[claim.State]); err != nil {
			return nil, err
		}
		return unavailable(claim.State, link.ExpiresAt), nil
	}
	disclosures.add(s, Renewal{
		ULN: ref.ULN, LinkID: ref.LinkID, LeaseID: lease, Restricted: record.restricted(), Edition: sharing.Edition,
	}, began)
	return s.recordOpening(ctx, in, claim, shared, redemption)
}

// recordOpening writes the access entry of a granted claim. What cannot be
// recorded is not disclosed.
func (s *Service) recordOpening(ctx context.Context, in RedeemInput, claim ClaimResult, shared *SharedRecord, redemption string) (RedeemOutcome, error) {
	entry, err := s.newAccessEntry(&claim.Link, in, AccessDisclosed)
	if err != nil {
		return nil, err
	}
	if claim.Repeat {
		entry.Result = AccessDisclosedAgain
	}
	entry.ItemsDisclosed, entry.FieldsDisclosed, entry.RedemptionCount = len(shared.Events), shared.Fields, claim.Link.RedemptionCount
	if err := s.store.AppendAccessEntry(ctx, entry); err != nil {
		return nil, err
	}
	shared.Reference, shared.RedemptionID, shared.ExpiresAt = *entry.Reference, &redemption, claim.Link.ExpiresAt
	return shared, nil
}

// gather projects what link shows now; nil when its view is gone.
func (s *Service) gather(ctx context.Context, link *ShareLink) (*SharedRecord, *Record, error) {
	l, err := s.Learner(ctx, link.ULN)
	if err != nil {
		return nil, nil, err
	}
	current, err := s.ViewOfLink(ctx, link)
	if err != nil {
		return nil, nil, err
	}
	pinned, err := s.store.ConfiguredViewVersion(ctx, link.ULN, link.ViewID, link.ViewVersion)
	if err != nil {
		return nil, nil, err
	}
	if current.DeletedAt != nil {
		return nil, l.Record, nil
	}
	return s.project(l, link.Language, pinned, current), l.Record, nil
}

var refusedAs = map[LinkState]AccessResult{
	LinkExpired: AccessLinkExpired, LinkRevoked: AccessLinkRevoked, LinkPaused: AccessLinkPaused,
	LinkUsedUp: AccessLinkUsedUp, LinkFrozen: AccessFrozen,
}

func (s *Service) recordAttempt(ctx context.Context, link *ShareLink, in RedeemInput, result AccessResult) error {
	entry, err := s.newAccessEntry(link, in, result)
	if err != nil {
		return err
	}
	return s.store.AppendAccessEntry(ctx, entry)
}

func unknownShare() *ShareUnavailable {
	return &ShareUnavailable{Message: T(
		"This link cannot be opened. Check that you have all of it, or ask the person who gave it to you for a new one.",
		"Ni ellir agor y ddolen hon. Gwiriwch fod gennych y cyfan ohoni, neu gofynnwch i'r sawl a'i rhoddodd i chi am un newydd.")}
}

func pinRequired() *PINRequired {
	return &PINRequired{Message: T(
		"This link needs the right PIN. Ask the person who gave you the link for it.",
		"Mae angen y PIN cywir ar y ddolen hon. Gofynnwch i'r sawl a roddodd y ddolen i chi amdano.")}
}

func busy() *TryAgainLater {
	return &TryAgainLater{RetryAfter: busyRetry, Message: T(
		"Somebody is opening this link at this moment. Try again in a few seconds.",
		"Mae rhywun yn agor y ddolen hon ar hyn o bryd. Rhowch gynnig arall arni ymhen ychydig eiliadau.")}
}

// unavailable tells why a link does not open to somebody who has proved
// everything it asks for. That it froze since is not told: see checkGuess.
func unavailable(state LinkState, expires time.Time) RedeemOutcome {
	if state == LinkFrozen {
		return pinRequired()
	}
	reason := ReasonWithdrawn
	text := T("The person who shared this has withdrawn the link. Their qualifications are not affected.",
		"Mae'r sawl a rannodd hwn wedi tynnu'r ddolen yn ôl. Nid yw hyn yn effeithio ar eu cymwysterau.")
	out := &ShareUnavailable{}
	switch state {
	case LinkExpired:
		reason, out.ExpiredAt = ReasonExpired, &expires
		text = T("This link has ended. The qualifications it showed have not: ask the person who gave you the link to extend it.",
			"Mae'r ddolen hon wedi dod i ben. Nid yw'r cymwysterau a ddangosai wedi dod i ben: gofynnwch i'r sawl a roddodd y ddolen i chi ei hymestyn.")
	case LinkUsedUp:
		reason = ReasonUsedUp
		text = T("This link has been opened as often as it may. Ask the person who gave it to you for a new one.",
			"Mae'r ddolen hon wedi'i hagor gynifer o weithiau ag y caniateir. Gofynnwch i'r sawl a'i rhoddodd i chi am un newydd.")
	case LinkPaused:
		reason = ReasonPaused
		text = T("The person who shared this has paused it. Ask them to resume the link.",
			"Mae'r sawl a rannodd hwn wedi'i oedi. Gofynnwch iddynt ailddechrau'r ddolen.")
	}
	out.Reason, out.Message = &reason, text
	return out
}
