package devop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// What a sign-in remembers on its way to the tokens.
const (
	keyAuthTime = "auth_time" // int64, when the person signed in
	keySession  = "sid"       // string, of this trip alone
	keyATHash   = "at_hash"   // string
)

// claimsSupported is published; idTokenClaims and userInfoClaims fulfil it.
var claimsSupported = []string{
	goidc.ClaimSubject, goidc.ClaimAuthTime,
	goidc.ClaimEmail, goidc.ClaimEmailVerified,
	goidc.ClaimName, goidc.ClaimGivenName, goidc.ClaimFamilyName, goidc.ClaimBirthdate,
	claimCoreIdentity, claimAddress, claimReturnCode,
}

// idTokenClaims adds to iss, sub, aud and nonce, which the library sets, and puts
// the times on our clock: what is returned here wins over the library's values.
// "vot" is the credential level alone, even when an identity was proved.
func (p *provider) idTokenClaims(_ context.Context, g *goidc.Grant) map[string]any {
	now := p.cfg.Now()
	claims := map[string]any{
		goidc.ClaimIssuedAt: now.Unix(),
		goidc.ClaimExpiry:   now.Add(idTokenLife).Unix(),
		goidc.ClaimAuthTime: g.Store[keyAuthTime],
		"sid":               g.Store[keySession],
		"vot":               askedIn(g.Store).level.credential,
		"vtm":               p.at(trustmarkPath),
	}
	if hash, ok := g.Store[keyATHash]; ok {
		claims[goidc.ClaimAccessTokenHash] = hash
	}
	return claims
}

// noteToken runs between the making of the access token and that of the ID token
// and carries at_hash from one to the other; the library leaves it out in the
// code flow. Nothing but the hash is kept.
func (p *provider) noteToken(_ context.Context, t *goidc.Token, g *goidc.Grant) error {
	if g.Store == nil {
		g.Store = make(map[string]any)
	}
	sum := sha256.Sum256([]byte(t.ID)) // the id of an opaque token is the token
	g.Store[keyATHash] = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return nil
}

func (p *provider) userInfoClaims(ctx context.Context, g *goidc.Grant) map[string]any {
	person, ok := p.person(g.Subject)
	if !ok {
		return nil
	}
	scopes := strings.Fields(g.Scopes)
	claims := make(map[string]any)
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	if slices.Contains(scopes, goidc.ScopeEmail.ID) && person.Email != "" {
		claims[goidc.ClaimEmail] = person.Email
		claims[goidc.ClaimEmailVerified] = true
	}
	if slices.Contains(scopes, goidc.ScopeProfile.ID) {
		set(goidc.ClaimName, person.Name)
		set(goidc.ClaimGivenName, person.GivenName)
		set(goidc.ClaimFamilyName, person.FamilyName)
		set(goidc.ClaimBirthdate, person.BirthDate)
	}
	if asked := askedIn(g.Store); asked.level.identity {
		proof, err := p.identityClaims(person, asked.claims)
		if err != nil {
			p.logFault(ctx, err) // and no identity
		}
		maps.Copy(claims, proof)
	}
	return claims
}
