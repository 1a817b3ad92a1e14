package signin

import (
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// assertionLife is short because an assertion is used once, at once.
const assertionLife = 60 * time.Second

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertions authenticate us to the provider by private_key_jwt. The private key
// stays behind crypto.Signer, so that it can live in a key service.
type assertions struct {
	signer jose.Signer
	// requests signs authorization requests, with the same key under another type.
	requests jose.Signer
	clientID string
	issuer   string
	now      func() time.Time
	random   io.Reader
	// published is our public key set, as served.
	published []byte
}

func newAssertions(c Config) (*assertions, error) {
	alg := jose.SignatureAlgorithm(c.AssertionAlg)
	if alg != jose.PS256 && alg != jose.RS256 {
		return nil, fmt.Errorf("AssertionAlg %q is neither PS256 nor RS256", c.AssertionAlg)
	}
	if c.ClientKey == nil || c.ClientKeyID == "" {
		return nil, errors.New("ClientKey or ClientKeyID is missing")
	}
	keys := jose.JSONWebKeySet{}
	for _, key := range append([]ClientKey{{ID: c.ClientKeyID, Key: c.ClientKey.Public()}}, c.OtherClientKeys...) {
		public, ok := key.Key.(*rsa.PublicKey)
		if !ok || public.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("client key %q is not RSA of at least %d bits", key.ID, minRSABits)
		}
		if key.ID == "" || slices.ContainsFunc(keys.Keys, func(k jose.JSONWebKey) bool { return k.KeyID == key.ID }) {
			return nil, fmt.Errorf("client key id %q is empty or stands twice", key.ID)
		}
		keys.Keys = append(keys.Keys, jose.JSONWebKey{Key: public, KeyID: key.ID, Algorithm: string(alg), Use: "sig"})
	}
	published, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	key := jose.SigningKey{Algorithm: alg, Key: cryptosigner.Opaque(hashLongSalt{c.ClientKey})}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", c.ClientKeyID))
	if err != nil {
		return nil, err
	}
	requests, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(requestType).WithHeader("kid", c.ClientKeyID))
	if err != nil {
		return nil, err
	}
	return &assertions{
		signer: signer, requests: requests, clientID: c.ClientID, issuer: c.Issuer, now: c.Now, random: c.Random, published: published,
	}, nil
}

// hashLongSalt signs PS256 with a salt as long as the hash, as RFC 7518 section 3.5
// demands. Left to itself the library asks for the longest salt that fits, which
// Go's own verification accepts and strict providers refuse.
type hashLongSalt struct{ crypto.Signer }

func (s hashLongSalt) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: pss.Hash}
	}
	return s.Signer.Sign(random, digest, opts)
}

// assertion makes a fresh one. Its audience is the issuer: the only value that
// every provider accepts, and what the revision of RFC 7523 wants.
func (a *assertions) assertion() (string, error) {
	id, err := newID(a.random, "jti")
	if err != nil {
		return "", err
	}
	now := a.now()
	claims, err := json.Marshal(map[string]any{
		"iss": a.clientID, "sub": a.clientID, "aud": a.issuer,
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(), "jti": id,
	})
	if err != nil {
		return "", err
	}
	signed, err := a.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// ClientKey is a public key that is published beside the one in use: the next
// one before it signs, the last one for the day that providers may cache it.
type ClientKey struct {
	ID  string
	Key crypto.PublicKey
}

// ClientKeys serves GET /.well-known/jwks.json: our public keys, for the provider.
func (s *SignIn) ClientKeys(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.assertions.published)
}
