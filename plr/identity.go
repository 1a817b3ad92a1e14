package plr

import (
	"context"
	"errors"
	"time"
)

// VerifiedIdentity is what a provider has proved about who somebody is. The
// signed statement it came in is never kept.
type VerifiedIdentity struct {
	// Names are all the person has or had, the current one first.
	Names []VerifiedName
	// BirthDate is YYYY-MM-DD.
	BirthDate Date
	// PostCodes are where the person lives or lived, the current one first.
	PostCodes []string
	Route     VerificationRoute
	ProvedAt  time.Time
}

// VerifiedName is one name. Given holds all given names, in order, with spaces.
type VerifiedName struct{ Given, Family string }

// VerificationRoute is how an identity was proved.
type VerificationRoute string

// The routes.
const (
	// RouteOneLoginP2: a core identity JWT at level P2.
	RouteOneLoginP2 VerificationRoute = "ONE_LOGIN_P2"
	// RouteProviderVouched: staff of a learning provider vouched.
	RouteProviderVouched VerificationRoute = "PROVIDER_VOUCHED"
	// RouteSupport: a caseworker checked papers.
	RouteSupport VerificationRoute = "SUPPORT"
)

// ProveIdentity keeps what the provider has just proved about the person of an
// account. A bound account whose date of birth is now another is suspended.
func (s *Service) ProveIdentity(ctx context.Context, accountID string, identity VerifiedIdentity) error {
	return Unavailable(errors.New("not built"), 0)
}

// MayProveIdentity says whether an identity trip makes sense for the account:
// CodeAlreadyDone when it is bound and renew is false, CodeLimitReached when its
// claims are locked.
func (s *Service) MayProveIdentity(ctx context.Context, accountID string, renew bool) error {
	return Unavailable(errors.New("not built"), 0)
}
