package plr

import (
	"context"
	"time"
)

// IdentityBinding is where an account stands on its way to a record, as far as
// its person may know: nothing of it tells why a claim failed.
type IdentityBinding struct {
	Status  IdentityStatus
	BoundAt *time.Time
	// ProvedAt is when an identity was last proved; nil for never.
	ProvedAt *time.Time
	Route    VerificationRoute
	// ClaimsLeft is how many claims may fail until the person has to wait.
	ClaimsLeft int
	// ClaimAgainAt is when another claim is heard; nil for now, or never by itself.
	ClaimAgainAt *time.Time
}

// IdentityStatus is where the connection between an account and a record stands.
type IdentityStatus string

// The statuses.
const (
	// IdentityNone: nobody is signed in.
	IdentityNone IdentityStatus = "NONE"
	// IdentityUnbound: signed in; no identity proved, or too long ago for a claim.
	IdentityUnbound IdentityStatus = "UNBOUND"
	// IdentityProved: an identity is proved; a claim may follow.
	IdentityProved IdentityStatus = "PROVED"
	// IdentityUnmatched: the newest claim came to nothing.
	IdentityUnmatched IdentityStatus = "UNMATCHED"
	// IdentityLocked: too many claims failed; a caseworker has to look.
	IdentityLocked IdentityStatus = "LOCKED"
	// IdentityBound: connected to exactly one record.
	IdentityBound IdentityStatus = "BOUND"
	// IdentitySuspended: connected, but closed until a caseworker has looked.
	IdentitySuspended IdentityStatus = "SUSPENDED"
)

// IdentityBinding gives where the account stands; nil is nobody's.
func (s *Service) IdentityBinding(ctx context.Context, account *Account) (*IdentityBinding, error) {
	if account == nil {
		return &IdentityBinding{Status: IdentityNone}, nil
	}
	file, err := s.store.Identity(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	b := &IdentityBinding{BoundAt: account.BoundAt}
	if v := file.Identity; v != nil {
		b.ProvedAt, b.Route = &v.ProvedAt, v.Route
	}
	switch {
	case account.SuspendedAt != nil:
		b.Status = IdentitySuspended
		return b, nil
	case account.ULN != "":
		b.Status = IdentityBound
		return b, nil
	case file.Locked():
		b.Status = IdentityLocked
		return b, nil
	case file.LastClaimFailed:
		b.Status = IdentityUnmatched
	case fresh(b.ProvedAt, now):
		b.Status = IdentityProved
	default:
		b.Status = IdentityUnbound
	}
	b.ClaimsLeft = file.claimsLeft(now)
	if wait := file.ClaimAgainIn(now); wait > 0 {
		at := now.Add(wait)
		b.ClaimAgainAt = &at
	}
	return b, nil
}

// fresh says whether what was proved at that time is good for a claim.
func fresh(provedAt *time.Time, now time.Time) bool {
	return provedAt != nil && !provedAt.IsZero() && now.Before(provedAt.Add(IdentityLife))
}
