package plr

import (
	"context"
	"errors"
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
	// IdentityUnbound: signed in; no identity proved yet.
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

// IdentityBinding gives where the account stands.
func (s *Service) IdentityBinding(ctx context.Context, account *Account) (*IdentityBinding, error) {
	return nil, Unavailable(errors.New("not built"), 0)
}
