package signin

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// change one claim; nil takes it away.
func claim(name string, value any) func(*house) {
	return func(h *house) {
		h.op.claims = func(c map[string]any) {
			if f, ok := value.(func(time.Time) any); ok {
				value = f(h.clock.Now())
			}
			if value == nil {
				delete(c, name)
				return
			}
			c[name] = value
		}
	}
}

func from(d time.Duration) func(time.Time) any {
	return func(now time.Time) any { return now.Add(d).Unix() }
}

// sign bends how the token is signed, by the provider's first key.
func sign(f func(k signingKey, claims map[string]any) string) func(*house) {
	return func(h *house) {
		h.op.sign = func(op *forge, claims map[string]any) string { return f(op.keys[0], claims) }
	}
}

func withHeader(header map[string]any) func(*house) {
	return sign(func(k signingKey, claims map[string]any) string { return signWith(k, k.alg, claims, header) })
}

// rsaKey makes the provider sign with an RSA key published with these members.
func rsaKey(public map[string]any, alg jose.SignatureAlgorithm) func(*house) {
	return func(h *house) {
		h.op.keys = []signingKey{{private: opRSAKey(), id: "rsa", alg: jose.PS256, public: public}}
		h.op.sign = func(op *forge, claims map[string]any) string {
			return signWith(op.keys[0], alg, claims, map[string]any{"kid": "rsa", "typ": "JWT"})
		}
	}
}

// tokenAttack is an ID token that is bent; good when it must be accepted all the same.
type tokenAttack struct {
	name   string
	bend   func(*house)
	config func(*Config)
	good   bool
	code   Problem // ProblemIDTokenInvalid when empty
}

func ps256(c *Config) { c.IDTokenAlg = "PS256" }

func algNone(_ signingKey, claims map[string]any) string {
	payload, _ := json.Marshal(claims)
	return secretEncoding.EncodeToString([]byte(`{"alg":"none","kid":"op-1","typ":"JWT"}`)) + "." + secretEncoding.EncodeToString(payload) + "."
}

// stranger's key goes by the id of the provider's.
var stranger = newECKey("op-1")

func tokenAttacks(t *testing.T, list []tokenAttack) {
	t.Helper()
	for _, attack := range list {
		t.Run(attack.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *Config) {
				if attack.config != nil {
					attack.config(c)
				}
			})
			attack.bend(h)
			b := h.browser()
			resp := b.back(h.op.authorize(b.leave("")))
			if attack.good {
				if got := resp.Header.Get("Location"); got != "/" {
					t.Fatalf("refused: %s\n%s", got, h.logs)
				}
				return
			}
			h.wantPage(resp, cmp.Or(attack.code, ProblemIDTokenInvalid))
			if len(h.book.list) != 0 {
				t.Error("an account was made")
			}
			if h.op.count("/jwks") > 2 {
				t.Errorf("%d JWKS fetches", h.op.count("/jwks"))
			}
			if got := b.who(); got != "none UNAUTHENTICATED" {
				t.Errorf("who: %s", got)
			}
		})
	}
}

func TestGoodIDTokens(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "plain", bend: func(*house) {}, good: true},
		{name: "PS256", bend: rsaKey(nil, jose.PS256), config: ps256, good: true},
		{name: "without at_hash and auth_time", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { delete(c, "at_hash"); delete(c, "auth_time") }
		}, good: true},
		{name: "without typ", bend: withHeader(map[string]any{"kid": "op-1"}), good: true},
		{name: "key beside others of kinds unknown here", bend: func(h *house) {
			h.op.jwks = func(w http.ResponseWriter, _ *http.Request) {
				keys := []any{
					map[string]any{"kty": "OKP", "kid": "op-1", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig"},
					map[string]any{"kty": "AKP", "kid": "future", "alg": "ML-DSA-65", "pub": "AAAA"}, map[string]any{"kty": "oct", "kid": "op-1", "k": "AAAA"},
					map[string]any{"kty": "EC", "kid": "op-1", "crv": "secp256k1", "x": "AAAA", "y": "AAAA"}, map[string]any{"kty": 7}, "x", nil,
				}
				for _, key := range h.op.publicKeys() {
					key["x5c"], key["x5t"] = []string{"no certificate"}, "AA"
					keys = append(keys, key)
				}
				reply(w, http.StatusOK, map[string]any{"keys": keys})
			}
		}, good: true},
	})
}

// TestAttack05Nonce: a token that does not answer this very request.
func TestAttack05Nonce(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "nonce missing", bend: claim("nonce", nil)},
		{name: "nonce empty", bend: claim("nonce", "")},
		{name: "nonce wrong", bend: claim("nonce", strings.Repeat("n", 43))},
	})
}

// TestAttack06AlgNone: a token that nobody signed.
func TestAttack06AlgNone(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "alg none", bend: sign(algNone)},
		{name: "alg none with the signature of a good token", bend: sign(func(k signingKey, c map[string]any) string {
			good := signWith(k, k.alg, c, map[string]any{"kid": "op-1"})
			return algNone(k, c) + good[strings.LastIndex(good, ".")+1:]
		})},
	})
}

// TestAttack07HMACWithPublicKey: a public key is no secret to sign with.
func TestAttack07HMACWithPublicKey(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "HS256 with the public key", bend: func(h *house) {
			h.op.sign = func(op *forge, claims map[string]any) string {
				public, _ := json.Marshal(op.publicKeys()[0])
				payload, _ := json.Marshal(claims)
				return signBytes(public, jose.HS256, payload, map[string]any{"kid": "op-1"})
			}
		}},
		{name: "HS256 with the public key as PEM", config: ps256, bend: func(h *house) {
			rsaKey(nil, jose.PS256)(h)
			h.op.sign = func(op *forge, claims map[string]any) string {
				der, _ := x509.MarshalPKIXPublicKey(opRSAKey().Public())
				payload, _ := json.Marshal(claims)
				return signBytes(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jose.HS256, payload, map[string]any{"kid": "rsa"})
			}
		}},
	})
}

// TestAttack08KeyForAnotherUse: a key is good for its own algorithm and use only.
func TestAttack08KeyForAnotherUse(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "RS256 where ES256 is pinned", bend: rsaKey(map[string]any{"alg": "RS256"}, jose.RS256)},
		{name: "PS256 where ES256 is pinned", bend: rsaKey(nil, jose.PS256)},
		{name: "PS256 under a key for RS256", config: ps256, bend: rsaKey(map[string]any{"alg": "RS256"}, jose.PS256)},
		{name: "RS256 where PS256 is pinned", config: ps256, bend: rsaKey(map[string]any{"alg": "RS256"}, jose.RS256)},
		{name: "key for encryption, and no other", config: ps256, bend: rsaKey(map[string]any{"use": "enc"}, jose.PS256), code: ProblemProviderUnavailable},
		{name: "key for encryption beside a good one", config: ps256, bend: func(h *house) {
			rsaKey(map[string]any{"use": "enc"}, jose.PS256)(h)
			h.op.keys = append(h.op.keys, newECKey("op-1"))
		}},
		{name: "key with other operations", config: ps256, bend: func(h *house) {
			rsaKey(map[string]any{"key_ops": []string{"encrypt"}}, jose.PS256)(h)
			h.op.keys = append(h.op.keys, newECKey("op-1"))
		}},
	})
}

// TestAttack09Signature: a signature that is wrong, or of a key unknown.
func TestAttack09Signature(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "signature of another key", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{"kid": "op-1"})
		})},
		{name: "signature damaged", bend: sign(func(k signingKey, c map[string]any) string {
			good := signWith(k, k.alg, c, map[string]any{"kid": "op-1"})
			return good[:len(good)-8] + "AAAAAAAA"
		})},
		{name: "claims changed after signing", bend: sign(func(k signingKey, c map[string]any) string {
			parts := strings.Split(signWith(k, k.alg, c, map[string]any{"kid": "op-1"}), ".")
			c["sub"] = "canary-other"
			payload, _ := json.Marshal(c)
			return parts[0] + "." + secretEncoding.EncodeToString(payload) + "." + parts[2]
		})},
		{name: "unknown kid", bend: withHeader(map[string]any{"kid": "op-2"})},
	})
}

// TestAttack10HeaderKeys: no key but the provider's own is ever used.
func TestAttack10HeaderKeys(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "no kid", bend: withHeader(nil)},
		{name: "empty kid", bend: withHeader(map[string]any{"kid": ""})},
		{name: "jwk of the attacker", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{
				"kid": "op-1", "jwk": (&jose.JSONWebKey{Key: stranger.private, KeyID: "op-1"}).Public(),
			})
		})},
		{name: "jku and x5u of the attacker", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{
				"kid": "evil", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert",
			})
		})},
	})
}

// TestAttack11WrongIssuer: a token of another issuer, be it by one character.
func TestAttack11WrongIssuer(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "wrong iss", bend: claim("iss", "https://evil.example/")},
		{name: "iss without the slash", bend: claim("iss", strings.TrimSuffix(issuer, "/"))},
		{name: "iss of the integration environment", bend: claim("iss", "https://op.integration.example/")},
		{name: "iss missing", bend: claim("iss", nil)},
	})
}

// TestAttack12WrongAudience: a token for somebody else.
func TestAttack12WrongAudience(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "wrong aud", bend: claim("aud", "another")},
		{name: "aud missing", bend: claim("aud", nil)},
		{name: "two audiences without azp", bend: claim("aud", []string{clientID, "evil"})},
		{name: "two audiences and azp of the other", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "evil"}, "evil" }
		}},
		{name: "azp of another", bend: claim("azp", "evil")},
		{name: "azp empty", bend: claim("azp", "")},
		{name: "two audiences and azp ours", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "other"}, clientID }
		}, good: true},
	})
}

// TestAttack13Expired: a token that is no longer valid, or for ever.
func TestAttack13Expired(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "expired", bend: claim("exp", from(-time.Hour))},
		{name: "31 s late", bend: claim("exp", from(-31*time.Second))},
		{name: "29 s late", bend: claim("exp", from(-29*time.Second)), good: true},
		{name: "exp missing", bend: claim("exp", nil)},
		{name: "exp no number", bend: claim("exp", "soon")},
	})
}

// TestAttack14IssuedAhead: a token of the future.
func TestAttack14IssuedAhead(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "iat a day ahead", bend: claim("iat", from(24*time.Hour))},
		{name: "iat 61 s ahead", bend: claim("iat", from(61*time.Second))},
		{name: "iat 30 s ahead", bend: claim("iat", from(30*time.Second)), good: true},
		{name: "iat missing", bend: claim("iat", nil)},
		{name: "auth_time 61 s ahead", bend: claim("auth_time", from(61*time.Second))},
		{name: "auth_time 30 s ahead", bend: claim("auth_time", from(30*time.Second)), good: true},
		{name: "nbf 6 min ahead", bend: claim("nbf", from(6*time.Minute))},
	})
}

// TestAttack16AtHash: an access token that does not belong to the ID token.
func TestAttack16AtHash(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "at_hash wrong", bend: claim("at_hash", atHash("other"))},
		{name: "at_hash of the whole digest", bend: claim("at_hash", hashOf("", "other"))},
		{name: "at_hash no text", bend: claim("at_hash", 7)},
	})
}

// TestAttack17TokenForm: what is no compact token, or none of honest length.
func TestAttack17TokenForm(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "no ID token", bend: sign(func(signingKey, map[string]any) string { return "" })},
		{name: "not a token", bend: sign(func(signingKey, map[string]any) string { return "canary" })},
		{name: "token of 20 kB", bend: claim("filler", strings.Repeat("f", 20<<10))},
		{name: "JSON serialisation", bend: sign(func(k signingKey, c map[string]any) string {
			parts := strings.Split(signWith(k, k.alg, c, map[string]any{"kid": "op-1"}), ".")
			return `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
		})},
	})
}

// TestAttack18Subject: a subject that names nobody.
func TestAttack18Subject(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "empty sub", bend: claim("sub", "")},
		{name: "sub missing", bend: claim("sub", nil)},
		{name: "sub of 10 kB", bend: claim("sub", strings.Repeat("s", 10<<10))},
		{name: "sub with a line break", bend: claim("sub", "canary\nx")},
	})
}

// What is signed by the same keys for another purpose is no ID token.
func TestLogoutTokenIsNoIDToken(t *testing.T) {
	t.Parallel()
	tokenAttacks(t, []tokenAttack{
		{name: "a logout token", bend: withHeader(map[string]any{"kid": "op-1", "typ": "logout+jwt"})},
		{name: "typ no text", bend: withHeader(map[string]any{"kid": "op-1", "typ": 7})},
	})
}

func TestAttack05NonceOfAnotherTransaction(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	other := b.leave("").Query().Get("nonce")
	claim("nonce", other)(h)
	h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIDTokenInvalid)
}
