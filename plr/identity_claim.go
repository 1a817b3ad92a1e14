package plr

import (
	"context"
	"strings"
	"time"
)

// IdentityLife is how long a proved identity may be used for a claim.
const IdentityLife = 30 * time.Minute

// claimTime bounds a claim from its first counted step on.
const claimTime = 10 * time.Second

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
//   - CodeInvalid at uln: the number has no valid check digit. Nothing is counted.
//   - CodeIdentityNotProved: no identity was proved, or too long ago.
//   - CodeAlreadyDone: the account is connected.
//   - CodeLimitReached: with RetryAfter, too many failed today; without, the account
//     is locked or suspended and a caseworker has to look.
//   - CodeNotMatched: every other failure, whatever it was: same text, same time.
//
// CodeUnavailable: nothing is bound and nothing counted.
//
// The order is the promise: attempt counted, record looked for, audit entry
// written, then bound. Whoever is refused waits until Config.ClaimFloor is over, or
// a multiple of it.
func (s *Service) ClaimRecord(ctx context.Context, account *Account, in ClaimInput) (*ClaimOutcome, error) {
	began := s.clock()
	if in.ULN != nil {
		typed := ULN(strings.Join(strings.Fields(string(*in.ULN)), ""))
		if !typed.Valid() {
			return nil, refuse(CodeInvalid, T(
				"This is not a Unique Learner Number. It has 10 digits; check them.",
				"Nid yw hwn yn Rhif Unigryw'r Dysgwr. Mae ganddo 10 digid; gwiriwch nhw."), "uln")
		}
		in.ULN = &typed
	}
	if err := s.mayClaim(ctx, account.ID); err != nil {
		return nil, err
	}
	waiting := ctx
	// From here on attempts are counted and recorded: somebody who goes away must
	// not leave one without its entry.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTime)
	defer cancel()
	outcome, err := s.claim(ctx, account.ID, in)
	if err != nil {
		s.hold(waiting, began)
	}
	return outcome, err
}

// mayClaim looks at the account as it is stored: what the caller has may be a
// second old.
func (s *Service) mayClaim(ctx context.Context, id string) error {
	account, err := s.store.Account(ctx, id)
	switch {
	case err != nil:
		return err
	case account.SuspendedAt != nil:
		return underReview()
	case account.ULN != "":
		return alreadyConnected()
	}
	return nil
}

// claim counts the attempt, looks for the record, and settles the attempt.
func (s *Service) claim(ctx context.Context, id string, in ClaimInput) (*ClaimOutcome, error) {
	now := s.now()
	file, err := s.store.EditIdentity(ctx, id, func(f *IdentityFile) error {
		if f.Identity == nil || !fresh(&f.Identity.ProvedAt, now) || !fresh(&in.IdentityAt, now) {
			return notProved()
		}
		return f.TakeClaim(now)
	})
	if CodeOf(err) == CodeLimitReached {
		return nil, s.refusedClaim(ctx, id, in, now, err)
	}
	if err != nil {
		return nil, err
	}
	found, err := s.findClaimed(ctx, file, in, now)
	if err == nil {
		err = s.decide(ctx, id, found, now)
	}
	if err != nil {
		return nil, s.abandonClaim(ctx, id, in, now, err)
	}
	if found.result == ClaimBound {
		return s.claimBound(ctx, id, file.Identity, found, now)
	}
	return nil, s.claimFailed(ctx, id, found, now)
}

// findClaimed looks for the record. Every claim, whatever comes of it, makes the
// search and counts on a tally.
func (s *Service) findClaimed(ctx context.Context, file *IdentityFile, in ClaimInput, now time.Time) (*finding, error) {
	records, err := s.store.RecordsMatching(ctx, file.Identity.matchKeys(), maxCandidates)
	if err != nil {
		return nil, err
	}
	var named *Record
	if in.ULN != nil {
		named, err = s.store.Record(ctx, *in.ULN)
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
	}
	found := consider(file.Identity, records, named, in.ULN)
	if found.candidates, err = s.unlinked(ctx, found.candidates); err != nil {
		return nil, err
	}
	if found.rivals, err = s.unlinked(ctx, found.rivals); err != nil {
		return nil, err
	}
	found.judge(len(records) >= maxCandidates)
	key := tallyKey(string(found.considered(in.ULN)))
	if found.considered(in.ULN) == "" {
		key = tallyKey(file.AccountID) // nobody's, so that all claims do the same work
	}
	before, err := s.store.CountClaim(ctx, key, file.AccountID, now)
	if err != nil {
		return nil, err
	}
	found.uln = found.considered(in.ULN)
	found.tallied = before >= MaxClaimants
	return found, nil
}

// unlinked leaves out records whose number has since been linked to another:
// nothing leads to them any more.
func (s *Service) unlinked(ctx context.Context, candidates []candidate) ([]candidate, error) {
	var out []candidate
	for _, c := range candidates {
		master, err := s.store.MasterULN(ctx, c.record.ULN)
		if err != nil {
			return nil, err
		}
		if master == c.record.ULN {
			out = append(out, c)
		}
	}
	return out, nil
}

// decide turns a match that may not be bound by itself into what it is instead,
// and binds the one that may.
func (s *Service) decide(ctx context.Context, id string, found *finding, now time.Time) error {
	if found.result != ClaimBound {
		return nil
	}
	holder, err := s.holderOf(ctx, found.record, id)
	if err != nil {
		return err
	}
	if holder != nil {
		found.holder = holder.ID
	}
	switch {
	case found.record.restricted():
		found.result = ClaimRestricted
	case found.tallied:
		found.result = ClaimTallyExceeded
	case holder != nil:
		found.result = ClaimBoundElsewhere
	default:
		return s.bindClaimed(ctx, id, found, now)
	}
	return nil
}

// holderOf gives the account, other than the claimant's, that is bound to a
// number of the record: an older number leads to the record too.
func (s *Service) holderOf(ctx context.Context, record *Record, claimant string) (*Account, error) {
	for _, uln := range append([]ULN{record.ULN}, record.LinkedULNs...) {
		holder, err := s.store.AccountOf(ctx, uln)
		if err == nil && holder.ID != claimant {
			return holder, nil
		}
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// bindClaimed writes the audit entry and binds. An entry without its binding is
// followed by another that says why; a binding without its entry there is none.
func (s *Service) bindClaimed(ctx context.Context, id string, found *finding, now time.Time) error {
	if err := s.appendClaim(ctx, id, found, now); err != nil {
		return err
	}
	err := s.store.BindAccount(ctx, id, found.record.ULN, now)
	if err == nil || CodeOf(err) != CodeAlreadyDone {
		return err
	}
	holder, err := s.holderOf(ctx, found.record, id)
	if err != nil {
		return err
	}
	if holder == nil { // the account was bound to another number by a claim beside this one
		return alreadyConnected()
	}
	found.holder, found.result = holder.ID, ClaimBoundElsewhere
	return nil
}

// hold answers no failure before its time, so that none can be told from another
// by how long it took: at a whole number of floors after began, because on a store
// that is slow the first may be over.
func (s *Service) hold(ctx context.Context, began time.Time) {
	s.pause(ctx, s.claimFloor-s.clock().Sub(began)%s.claimFloor)
}

// sleep waits for d, or until nobody waits any more.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func underReview() *Error {
	return refuse(CodeLimitReached, T(
		"We need to check your details before you can go on. A caseworker will look at them.",
		"Mae angen i ni wirio eich manylion cyn y gallwch fynd ymlaen. Bydd gweithiwr achos yn edrych arnynt."))
}

func notProved() *Error {
	return refuse(CodeIdentityNotProved, T(
		"Prove who you are first. If you have done so, it was more than 30 minutes ago: do it again.",
		"Profwch pwy ydych chi yn gyntaf. Os ydych wedi gwneud hynny, roedd dros 30 munud yn ôl: gwnewch hynny eto."))
}

func notMatched() *Error {
	return refuse(CodeNotMatched, T(
		"We could not find your record with these details. It may help to enter your Unique Learner Number, or to update your name "+
			"and address where you proved your identity. If you think that you have a record, ask your school or college whether your details "+
			"there are right. A caseworker may look into it.",
		"Ni allem ddod o hyd i'ch cofnod gyda'r manylion hyn. Gall helpu os rhowch eich Rhif Unigryw'r Dysgwr, neu os diweddarwch eich enw "+
			"a'ch cyfeiriad lle profwyd pwy ydych chi. Os ydych yn credu bod gennych gofnod, gofynnwch i'ch ysgol neu goleg a yw eich manylion "+
			"yno yn gywir. Gall gweithiwr achos edrych ar y mater."))
}
