package signin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	// keysPause lies between two refreshes. Forged tokens with made-up key ids
	// cost the provider no more than that. The very first load does not count.
	keysPause = 30 * time.Second
	// keysRetry lies between two attempts while no keys are held at all.
	keysRetry = 2 * time.Second
	// A set is used as long as the provider says, within these bounds, and longer
	// while it cannot be fetched: a key withdrawn in haste is gone within the hour.
	keysLife    = 5 * time.Minute
	keysLifeMin = time.Minute
	keysLifeMax = time.Hour

	maxKeys    = 100
	minRSABits = 2048
)

const (
	errNoKeyID         = why("the token names no key")
	errUnknownKey      = why("the token's key is not among those held")
	errKeyUnfit        = why("the token's key is not meant for its algorithm")
	errBadSignature    = why("the signature is wrong")
	errMalformedToken  = why("not a compact token of a pinned algorithm")
	errNoKeys          = why("the keys could not be fetched")
	errKeysUnreadable  = why("the key set is not one")
	errKeysEmpty       = why("the key set has no usable key")
	errKeysUnavailable = why("the key set was not served")
)

// keySource says where the keys of a set come from.
type keySource struct {
	// name is what the log calls the keys.
	name    string
	address func(context.Context) (string, error)
	// parse gives the usable keys of a document by their ids, and fails when there
	// are none: nothing unusable replaces a set that is held.
	parse func([]byte) (map[string][]jose.JSONWebKey, error)
	// life is how long keys are used when their host does not say, lifeMax the
	// longest it may say.
	life, lifeMax time.Duration
}

// providerKeys are those that sign ID and logout tokens.
func providerKeys(p *provider) keySource {
	return keySource{
		name: "provider", parse: parseKeys, life: keysLife, lifeMax: keysLifeMax,
		address: func(ctx context.Context) (string, error) {
			m, err := p.metadata(ctx)
			if err != nil {
				return "", err
			}
			return m.keysURL, nil
		},
	}
}

// keySet verifies signatures by the keys of one source. It is an oidc.KeySet; the
// library's own one fetches anew for every bad signature, throws good keys away
// for an empty set, and looks at neither "alg" nor "use".
//
// It pins no algorithm: whoever verifies names exactly one.
type keySet struct {
	source keySource
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	flight singleflight.Group
	mu     sync.Mutex
	keys   map[string][]jose.JSONWebKey // by kid; never replaced by an empty set
	due    time.Time                    // when keys are to be fetched again
	life   time.Duration
	tried  time.Time // last refresh, or last failed first load
}

var asymmetric = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256}

// VerifySignature gives the payload of a compact token whose signature is right.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	parsed, err := jose.ParseSignedCompact(token, asymmetric)
	if err != nil || len(parsed.Signatures) != 1 {
		return nil, errMalformedToken
	}
	// Only the signed header counts, and of it only alg and kid: jku, x5u, jwk and
	// x5c name keys of the sender's choice.
	header := parsed.Signatures[0].Protected
	if header.KeyID == "" {
		return nil, errNoKeyID
	}
	candidates, err := k.find(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	fit := slices.DeleteFunc(slices.Clone(candidates), func(key jose.JSONWebKey) bool {
		return !fits(key, jose.SignatureAlgorithm(header.Algorithm))
	})
	if len(fit) == 0 {
		return nil, errKeyUnfit
	}
	for _, key := range fit {
		if payload, err := parsed.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errBadSignature
}

// find gives the keys with this id, fetching the set when it is missing, aged or
// does not have the id, as far as the pauses allow.
func (k *keySet) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	k.mu.Lock()
	known := k.keys[id]
	aged := k.aged()
	waits := !k.mayFetch()
	k.mu.Unlock()
	if known != nil && (!aged || waits) {
		return known, nil
	}

	err := k.refresh(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch known := k.keys[id]; {
	case known != nil: // also when an aged set could not be renewed
		return known, nil
	case len(k.keys) == 0:
		return nil, errors.Join(errNoKeys, err)
	default:
		return nil, errUnknownKey
	}
}

// aged and mayFetch are called with mu held.
func (k *keySet) aged() bool {
	left := k.due.Sub(k.now())
	return left <= 0 || left > k.life
}

func (k *keySet) mayFetch() bool {
	pause := keysPause
	if len(k.keys) == 0 {
		pause = keysRetry
	}
	since := k.now().Sub(k.tried)
	return k.tried.IsZero() || since >= pause || since < 0
}

// refresh fetches once, however many callers wait for it. The pause is judged
// inside the flight: who joins one under way gets its keys.
func (k *keySet) refresh(ctx context.Context) error {
	result := k.flight.DoChan("keys", func() (any, error) {
		k.mu.Lock()
		first := len(k.keys) == 0
		if !k.mayFetch() {
			k.mu.Unlock()
			return nil, nil
		}
		if !first {
			k.tried = k.now()
		}
		k.mu.Unlock()

		keys, life, err := k.fetch(context.WithoutCancel(ctx))
		k.mu.Lock()
		defer k.mu.Unlock()
		if err != nil {
			k.tried = k.now()
			k.log.WarnContext(ctx, "keys not fetched", "of", k.source.name, "why", reason(err))
			return nil, err
		}
		k.keys, k.life, k.due = keys, life, k.now().Add(life)
		if first {
			k.tried = time.Time{}
		}
		return nil, nil
	})
	select {
	case r := <-result:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *keySet) fetch(ctx context.Context) (map[string][]jose.JSONWebKey, time.Duration, error) {
	address, err := k.source.address(ctx)
	if err != nil {
		return nil, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, 0, errKeysUnavailable
	}
	keys, err := k.source.parse(body)
	return keys, k.source.lifeOf(resp.Header), err
}

// parseKeys gives the usable keys of a set by their id. One key that cannot be
// read does not spoil the others, as RFC 7517 section 5 asks.
func parseKeys(body []byte) (map[string][]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) > maxKeys {
		return nil, errKeysUnreadable
	}
	keys := map[string][]jose.JSONWebKey{}
	for _, raw := range set.Keys {
		if key, ok := parseKey(raw, ""); ok {
			keys[key.KeyID] = append(keys[key.KeyID], key)
		}
	}
	if len(keys) == 0 {
		return nil, errKeysEmpty
	}
	return keys, nil
}

// parseKey takes the public members only, so that certificates, which nobody
// here checks, can neither fail nor count. An id given stands for the key's own.
func parseKey(raw json.RawMessage, id string) (jose.JSONWebKey, bool) {
	var k struct {
		Type       string   `json:"kty"`
		ID         string   `json:"kid"`
		Use        string   `json:"use,omitempty"`
		Alg        string   `json:"alg,omitempty"`
		Operations []string `json:"key_ops,omitempty"`
		Curve      string   `json:"crv,omitempty"`
		X          string   `json:"x,omitempty"`
		Y          string   `json:"y,omitempty"`
		N          string   `json:"n,omitempty"`
		E          string   `json:"e,omitempty"`
		Private    string   `json:"d,omitempty"`
	}
	var key jose.JSONWebKey
	err := json.Unmarshal(raw, &k)
	if id != "" {
		k.ID = id
	}
	if err != nil || k.ID == "" || k.Private != "" ||
		(k.Use != "" && k.Use != "sig") ||
		(k.Operations != nil && !slices.Contains(k.Operations, "verify")) {
		return key, false
	}
	public, err := json.Marshal(k)
	if err != nil || key.UnmarshalJSON(public) != nil || !key.Valid() {
		return key, false
	}
	return key, slices.ContainsFunc(asymmetric, func(alg jose.SignatureAlgorithm) bool { return fits(key, alg) })
}

// fits says whether key may verify tokens signed with alg.
func fits(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	if key.Algorithm != "" && key.Algorithm != string(alg) {
		return false
	}
	switch public := key.Key.(type) {
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && public.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return (alg == jose.RS256 || alg == jose.PS256) && public.N.BitLen() >= minRSABits
	default:
		return false
	}
}

// lifeOf reads max-age, within our own bounds.
func (source keySource) lifeOf(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err == nil {
			return min(max(time.Duration(seconds)*time.Second, keysLifeMin), source.lifeMax)
		}
	}
	return source.life
}
