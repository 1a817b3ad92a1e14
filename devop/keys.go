package devop

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// clientKeys reads the app's public keys and refuses what One Login would
// refuse: anything but RSA of 2048 bits and a kid of its own.
func clientKeys(c Config) (goidc.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	switch {
	case len(c.ClientJWKS) > 0 && c.ClientKey != nil:
		return goidc.JSONWebKeySet{}, errors.New("give ClientJWKS or ClientKey, not both")
	case len(c.ClientJWKS) > 0:
		if err := json.Unmarshal(c.ClientJWKS, &set); err != nil {
			return goidc.JSONWebKeySet{}, fmt.Errorf("ClientJWKS: %w", err)
		}
	case c.ClientKey != nil:
		set.Keys = []jose.JSONWebKey{{Key: c.ClientKey, KeyID: c.ClientKeyID}}
	}
	if len(set.Keys) == 0 {
		return goidc.JSONWebKeySet{}, errors.New("the client has no key: give ClientJWKS or ClientKey")
	}

	seen := make(map[string]bool, len(set.Keys))
	for i := range set.Keys {
		key := &set.Keys[i]
		pub, ok := key.Key.(*rsa.PublicKey) // a private key is refused here too
		switch {
		case !ok || pub.N.BitLen() < 2048:
			return goidc.JSONWebKeySet{}, fmt.Errorf("client key %d is not a public RSA key of at least 2048 bits", i)
		case key.KeyID == "" || seen[key.KeyID]:
			return goidc.JSONWebKeySet{}, fmt.Errorf("client key %d has no key id of its own", i)
		case key.Use != "" && key.Use != string(goidc.KeyUsageSignature):
			return goidc.JSONWebKeySet{}, fmt.Errorf("client key %d is not for signing", i)
		case key.Algorithm != "" && !slices.Contains(assertionAlgs, goidc.SignatureAlgorithm(key.Algorithm)):
			return goidc.JSONWebKeySet{}, fmt.Errorf("client key %d is for %s, not for %v", i, key.Algorithm, assertionAlgs)
		}
		seen[key.KeyID] = true
		// Without a kid in the assertion the library looks for a key by this
		// field. Empty means that it finds none, so a kid is required.
		key.Algorithm = ""
	}
	return goidc.JSONWebKeySet{Keys: set.Keys}, nil
}

// publicJWK is the published half of the signing key. Its id is the RFC 7638
// thumbprint: a key kept across restarts keeps its id.
func publicJWK(signer crypto.Signer) (jose.JSONWebKey, error) {
	key := jose.JSONWebKey{
		Key:       signer.Public(),
		Use:       string(goidc.KeyUsageSignature),
		Algorithm: string(idTokenAlg),
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("devop: key id: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return key, nil
}

// rawSigner signs as JOSE wants it. A crypto.Signer over ECDSA answers ASN.1,
// JWS takes the two numbers side by side (RFC 7518 3.4), and go-oidc v0.24.0
// passes on whatever the signer returns.
type rawSigner struct{ crypto.Signer }

func (s rawSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := s.Signer.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("devop: the signing key did not return an ECDSA signature")
	}
	const size = 32 // bytes of a P-256 coordinate
	if sig.R.Sign() <= 0 || sig.S.Sign() <= 0 || sig.R.BitLen() > 8*size || sig.S.BitLen() > 8*size {
		return nil, errors.New("devop: the signing key returned a signature that is not on P-256")
	}
	out := make([]byte, 2*size)
	sig.R.FillBytes(out[:size])
	sig.S.FillBytes(out[size:])
	return out, nil
}

// signES256 makes a JWT of ours beside the library's: those of which it knows
// nothing. Both signers of the configuration are on P-256.
func signES256(signer crypto.Signer, typ, keyID string, claims any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": string(idTokenAlg), "typ": typ, "kid": keyID})
	if err != nil {
		return "", fmt.Errorf("devop: JWT header: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("devop: JWT claims: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rawSigner{signer}.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
