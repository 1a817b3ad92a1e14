package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/plr"
)

const (
	// coreIdentityAge is how old a core identity may be: it tells of the trip that
	// has just ended, not of an earlier one.
	coreIdentityAge = 30 * time.Minute
	maxCoreIdentity = 64 << 10
	maxNames        = 100
	maxPostCodes    = 100
)

const (
	errNoCoreIdentity = why("the provider vouches for no identity")
	errCoreForm       = why("the core identity is not a compact ES256 token")
	errCoreDID        = why("the core identity's key is of another DID")
	errCoreClaims     = why("issuer, audience, subject or form of the core identity is wrong")
	errCoreTime       = why("the core identity is not valid now")
	errCoreLevel      = why("the core identity vouches for less than was asked")
	errCoreNames      = why("the core identity has no usable name")
	errCoreBirth      = why("the core identity has no one date of birth")
)

// coreIdentity is the part of a core identity JWT that is used.
type coreIdentity struct {
	Issuer    string       `json:"iss"`
	Audience  jwt.Audience `json:"aud"`
	Subject   string       `json:"sub"`
	Expires   *float64     `json:"exp"`
	NotBefore *float64     `json:"nbf"`
	Issued    *float64     `json:"iat"`
	Vector    string       `json:"vot"`
	Statement credentials  `json:"vc"`
}

type credentials struct {
	Person struct {
		Names      []nameClaim `json:"name"`
		BirthDates []struct {
			Value string `json:"value"`
		} `json:"birthDate"`
	} `json:"credentialSubject"`
}

type nameClaim struct {
	ValidFrom  string `json:"validFrom"`
	ValidUntil string `json:"validUntil"`
	Parts      []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"nameParts"`
}

// checkCoreIdentity accepts a core identity JWT that was issued to us, just now,
// about this subject, and gives what it says.
func (s *SignIn) checkCoreIdentity(ctx context.Context, raw, subject string) (*coreIdentity, error) {
	if len(raw) > maxCoreIdentity {
		return nil, errCoreForm
	}
	parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(parsed.Signatures) != 1 {
		return nil, errCoreForm
	}
	if did, _, found := strings.Cut(parsed.Signatures[0].Protected.KeyID, "#"); !found || did != s.config.Identity.DID {
		return nil, errCoreDID
	}
	payload, err := s.identityKeys.VerifySignature(ctx, raw)
	if err != nil {
		return nil, err
	}
	var c *coreIdentity
	if err := json.Unmarshal(payload, &c); err != nil || c == nil || c.Issuer != s.config.Identity.Issuer ||
		len(c.Audience) != 1 || c.Audience[0] != s.config.ClientID || c.Subject == "" || c.Subject != subject {
		return nil, errCoreClaims
	}
	now := s.now()
	expires, ok := instant(c.Expires)
	issued, ok2 := instant(c.Issued)
	switch {
	case !ok || !ok2 || !now.Before(expires.Add(expiryLeeway)),
		issued.After(now.Add(issuedAhead)), now.Sub(issued) > coreIdentityAge:
		return nil, errCoreTime
	case c.NotBefore != nil:
		if begins, ok := instant(c.NotBefore); !ok || begins.After(now.Add(issuedAhead)) {
			return nil, errCoreTime
		}
	}
	if !vectorForm.MatchString(c.Vector) || identityLevel(c.Vector) < identityLevel(s.config.Identity.VTR) {
		return nil, errCoreLevel
	}
	return c, nil
}

// instant reads a time as tokens write it.
func instant(seconds *float64) (time.Time, bool) {
	if seconds == nil || *seconds <= 0 || *seconds >= 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0), true
}

// verifiedIdentity takes from the statement, and from the addresses beside it,
// what is kept.
func verifiedIdentity(c *coreIdentity, addresses []addressClaim, now time.Time) (plr.VerifiedIdentity, error) {
	identity := plr.VerifiedIdentity{Route: plr.RouteOneLoginP2, ProvedAt: now}
	names := slices.Clone(c.Statement.Person.Names)
	if len(names) > maxNames || len(addresses) > maxPostCodes {
		return identity, errCoreNames
	}
	slices.SortStableFunc(names, func(a, b nameClaim) int {
		return currentFirst(a.ValidFrom, a.ValidUntil, b.ValidFrom, b.ValidUntil)
	})
	for _, n := range names {
		var given, family []string
		for _, part := range n.Parts {
			if strings.ContainsFunc(part.Value, unicode.IsControl) {
				return identity, errCoreNames
			}
			switch part.Type {
			case "GivenName":
				given = append(given, strings.Fields(part.Value)...)
			case "FamilyName":
				family = append(family, strings.Fields(part.Value)...)
			}
		}
		name := plr.VerifiedName{Given: strings.Join(given, " "), Family: strings.Join(family, " ")}
		if name != (plr.VerifiedName{}) && !slices.Contains(identity.Names, name) {
			identity.Names = append(identity.Names, name)
		}
	}
	if len(identity.Names) == 0 {
		return identity, errCoreNames
	}
	for _, b := range c.Statement.Person.BirthDates {
		date, ok := plr.ParseDate(b.Value)
		if !ok || (identity.BirthDate != "" && date != identity.BirthDate) {
			return identity, errCoreBirth
		}
		identity.BirthDate = date
	}
	if identity.BirthDate == "" {
		return identity, errCoreBirth
	}
	identity.PostCodes = postCodes(addresses)
	return identity, nil
}

// postCodes gives each once, in capitals with single spaces.
func postCodes(addresses []addressClaim) []string {
	addresses = slices.Clone(addresses)
	slices.SortStableFunc(addresses, func(a, b addressClaim) int {
		return currentFirst(a.ValidFrom, a.ValidUntil, b.ValidFrom, b.ValidUntil)
	})
	var codes []string
	for _, a := range addresses {
		code := strings.ToUpper(strings.Join(strings.Fields(a.PostalCode), " "))
		if code != "" && !strings.ContainsFunc(code, unicode.IsControl) && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// currentFirst orders what has an end after what has none, and within both the
// newer before the older. The provider promises no order.
func currentFirst(fromA, untilA, fromB, untilB string) int {
	if (untilA == "") != (untilB == "") {
		if untilA == "" {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(untilB, untilA), strings.Compare(fromB, fromA))
}
