package devop

import (
	"context"
	"errors"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// One Login's lifetimes, where it has them.
const (
	pageLife        = 30 * time.Minute // how long the sign-in page may stay open
	codeLife        = 300 * time.Second
	accessTokenLife = 180 * time.Second
	idTokenLife     = 120 * time.Second
	assertionLife   = 300 * time.Second // the longest a client assertion may live
)

// store keeps what is under way, in memory. go-oidc brings a store of its own,
// which holds 100 entries, hands out shared pointers that its handlers then
// write to without a lock, and redeems a code in two steps.
type store struct {
	mu       sync.Mutex
	sessions *shelf[goidc.AuthnSession] // by session id
	grants   *shelf[goidc.Grant]        // by grant id
	codes    *shelf[string]             // grant id by code
	tokens   *shelf[goidc.Token]        // by access token
	seen     *shelf[struct{}]           // ids of client assertions
}

var (
	_ goidc.GrantManager       = (*store)(nil)
	_ goidc.AuthManager        = (*store)(nil)
	_ goidc.OpaqueTokenManager = (*store)(nil)
)

func newStore(now func() time.Time) *store {
	return &store{
		sessions: newShelf[goidc.AuthnSession](now),
		grants:   newShelf[goidc.Grant](now),
		codes:    newShelf[string](now),
		tokens:   newShelf[goidc.Token](now),
		seen:     newShelf[struct{}](now),
	}
}

// never replaces the library's deadlines on the way out: it would compare them
// with the machine's clock, and the shelf has already compared with ours.
const never = math.MaxInt

// SaveSession keeps a sign-in while its page is open and forgets it once it has
// ended, so that a page posted twice cannot mint a second code.
func (s *store) SaveSession(_ context.Context, as *goidc.AuthnSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if as.Status != goidc.StatusPending {
		s.sessions.drop(as.ID)
		return nil
	}
	copied := *as
	copied.Store = maps.Clone(as.Store)
	if _, ok := s.sessions.get(as.ID); ok {
		s.sessions.replace(as.ID, copied)
	} else {
		s.sessions.put(as.ID, copied, pageLife)
	}
	return nil
}

func (s *store) Session(_ context.Context, id string) (*goidc.AuthnSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	as, ok := s.sessions.get(id)
	if !ok {
		return nil, goidc.ErrNotFound
	}
	as.Store = maps.Clone(as.Store)
	as.ExpiresAt = never
	return &as, nil
}

// SaveGrant also decides the race of two redemptions of one code: both have read
// it as unused, the first to save wins, and the loser's refusal makes the library
// revoke the grant, as for any reuse.
func (s *store) SaveGrant(_ context.Context, g *goidc.Grant) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := *g
	copied.Store = maps.Clone(g.Store)
	old, ok := s.grants.get(g.ID)
	switch {
	case !ok:
		s.grants.put(g.ID, copied, codeLife+accessTokenLife)
		s.codes.put(g.AuthCode, g.ID, codeLife)
	case old.AuthCodeConsumedAt != 0 && g.RevokedAt == 0:
		return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "invalid grant",
			errors.New("the authorization code has already been redeemed"))
	default:
		s.grants.replace(g.ID, copied)
	}
	return nil
}

func (s *store) Grant(_ context.Context, id string) (*goidc.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grant(id)
}

func (s *store) GrantByAuthCode(_ context.Context, code string) (*goidc.Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.codes.get(code)
	if !ok {
		return nil, goidc.ErrNotFound
	}
	g, err := s.grant(id)
	// The library answers "expired_token" for a revoked grant; for a code only
	// invalid_grant is right.
	if err != nil || g.RevokedAt != 0 {
		return nil, goidc.ErrNotFound
	}
	return g, nil
}

func (s *store) grant(id string) (*goidc.Grant, error) {
	g, ok := s.grants.get(id)
	if !ok {
		return nil, goidc.ErrNotFound
	}
	g.Store = maps.Clone(g.Store)
	g.AuthCodeExpiresAt = never
	return &g, nil
}

func (s *store) SaveToken(_ context.Context, t *goidc.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.put(t.ID, *t, accessTokenLife)
	return nil
}

func (s *store) Token(_ context.Context, id string) (*goidc.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens.get(id)
	if !ok {
		return nil, goidc.ErrNotFound
	}
	t.ExpiresAt = never
	return &t, nil
}

// useAssertion refuses a client assertion that was seen before. Twice the
// longest life: the assertion's own times are judged by another clock.
func (s *store) useAssertion(_ context.Context, jti string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen.get(jti); ok {
		return errors.New("the client assertion was used before")
	}
	s.seen.put(jti, struct{}{}, 2*assertionLife)
	return nil
}
