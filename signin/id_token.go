package signin

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"openplr/plr"
)

const (
	// expiryLeeway and issuedAhead allow for clocks that differ.
	expiryLeeway = 30 * time.Second
	issuedAhead  = 60 * time.Second

	maxIDToken = 16 << 10
	// maxSubject is the limit of OpenID Connect Core, section 2.
	maxSubject = 255
)

const (
	errNoIDToken    = why("the provider sent no ID token")
	errTokenTooLong = why("the ID token is too long")
	errWrongType    = why("the token's type is not that of an ID token")
	errClaims       = why("issuer, audience or form of the claims is wrong")
	errExpired      = why("the ID token has expired")
	errIssuedAt     = why("the ID token was issued in the future, or says not when")
	errAuthorized   = why("the ID token was issued to another party")
	errNonce        = why("the nonce is wrong")
	errSubject      = why("the subject is empty, too long or not ASCII")
	errAuthTime     = why("the person is said to have signed in in the future")
	errAtHash       = why("the access token does not belong to the ID token")
)

// proof is what an ID token proves.
type proof struct {
	subject string
	// authTime is when the person proved themselves, by the provider's clock: its
	// auth_time or, when it sends none, the time it issued the token.
	authTime time.Time
	// authTimeSent: the token has an auth_time.
	authTimeSent bool
	// vector is the vector of trust, when one was asked for.
	vector string
	// roles are what the person may do as staff.
	roles []plr.Role
	// freshAt is when, by our clock, the person proved themselves on this very trip;
	// zero when the provider let them pass by an older sign-in. See SignIn.freshAt.
	freshAt time.Time
	// identity: the trip proved who the person is.
	identity bool
}

// checkIDToken accepts an ID token that the provider gave us, now, in answer to
// the request that carried the nonce with this hash and asked for the vector of
// trust vtr, if any. The error is a why or wraps one.
func (s *SignIn) checkIDToken(ctx context.Context, raw, accessToken, nonceHash, vtr string) (*proof, error) {
	switch {
	case raw == "":
		return nil, errNoIDToken
	case len(raw) > maxIDToken:
		return nil, errTokenTooLong
	}
	alg := jose.SignatureAlgorithm(s.config.IDTokenAlg)
	// Strict about the form: the library would take the JSON serialisation too.
	parsed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, errMalformedToken
	}
	// A logout token is signed by the same keys and has nearly the same claims.
	if typ, ok := parsed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType]; ok {
		if word, _ := typ.(string); !strings.EqualFold(word, "JWT") {
			return nil, errWrongType
		}
	}

	keys := &noting{set: s.keys}
	token, err := oidc.NewVerifier(s.config.Issuer, keys, &oidc.Config{
		ClientID:             s.config.ClientID,
		SupportedSigningAlgs: []string{s.config.IDTokenAlg},
		Now:                  func() time.Time { return s.now().Add(-expiryLeeway) },
	}).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case keys.err != nil:
		return nil, keys.err
	case errors.As(err, &expired):
		return nil, errExpired
	case err != nil:
		return nil, errClaims
	}
	var claims struct {
		Issuer          string   `json:"iss"`
		AuthorizedParty *string  `json:"azp"`
		AuthTime        *float64 `json:"auth_time"`
	}
	var all map[string]json.RawMessage
	if token.Claims(&claims) != nil || token.Claims(&all) != nil || claims.Issuer != s.config.Issuer {
		return nil, errClaims
	}

	switch now := s.now(); {
	case token.IssuedAt.Unix() <= 0 || token.IssuedAt.After(now.Add(issuedAhead)):
		return nil, errIssuedAt
	case claims.AuthorizedParty != nil && *claims.AuthorizedParty != s.config.ClientID,
		claims.AuthorizedParty == nil && len(token.Audience) > 1:
		return nil, errAuthorized
	case token.Nonce == "" || subtle.ConstantTimeCompare([]byte(hashOf(useNonce, token.Nonce)), []byte(nonceHash)) != 1:
		return nil, errNonce
	case !isSubject(token.Subject):
		return nil, errSubject
	case token.AccessTokenHash != "" && token.VerifyAccessToken(accessToken) != nil:
		return nil, errAtHash
	}
	p := &proof{subject: token.Subject, authTime: token.IssuedAt, roles: s.rolesOf(token.Subject, all)}
	if claims.AuthTime != nil && *claims.AuthTime > 0 && *claims.AuthTime < 1<<40 {
		p.authTime, p.authTimeSent = time.Unix(int64(*claims.AuthTime), 0), true
	}
	// Such a session would outlive the provider's sign-out.
	if p.authTime.After(s.now().Add(issuedAhead)) {
		return nil, errAuthTime
	}
	if vtr != "" {
		if json.Unmarshal(all["vot"], &p.vector) != nil || !coversCredentials(p.vector, vtr) {
			return nil, errAssurance
		}
	}
	return p, nil
}

// noting remembers why the key set refused: the library keeps only the words.
type noting struct {
	set *keySet
	err error
}

func (n *noting) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := n.set.VerifySignature(ctx, token)
	n.err = err
	return payload, err
}

func isSubject(s string) bool {
	if s == "" || len(s) > maxSubject {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
