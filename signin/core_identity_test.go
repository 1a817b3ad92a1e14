package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"openplr/plr"
)

// coreClaims bends claims of the core identity; nil takes one away.
func coreClaims(change map[string]any) func(*house) {
	return func(h *house) {
		h.op.core = func(c map[string]any) {
			for name, value := range change {
				if f, ok := value.(func(time.Time) any); ok {
					value = f(h.clock.Now())
				}
				if value == nil {
					delete(c, name)
				} else {
					c[name] = value
				}
			}
		}
	}
}

// signCore bends how the core identity is signed, by the key of the DID document.
func signCore(f func(k signingKey, claims map[string]any) string) func(*house) {
	return func(h *house) {
		h.op.signCore = func(op *forge, claims map[string]any) string { return f(op.identityKey, claims) }
	}
}

func coreKid(kid string) func(*house) {
	return signCore(func(k signingKey, c map[string]any) string {
		return signWith(k, jose.ES256, c, map[string]any{"kid": kid, "typ": "JWT"})
	})
}

// TestAttack60CoreIdentityForged: nothing but a core identity that the configured
// DID signed for this person and us, now and at the level asked for, proves anything.
func TestAttack60CoreIdentityForged(t *testing.T) {
	t.Parallel()
	stranger := newECKey("x")
	es384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	kid := identityDID + "#key-1"
	for name, attack := range map[string]struct {
		bend func(*house)
		good bool
		code Problem // ProblemIdentityInvalid when empty
	}{
		"good":                    {bend: func(*house) {}, good: true},
		"good: P3":                {bend: coreClaims(map[string]any{"vot": "P3"}), good: true},
		"good: without nbf":       {bend: coreClaims(map[string]any{"nbf": nil}), good: true},
		"good: aud a list of one": {bend: coreClaims(map[string]any{"aud": []string{clientID}}), good: true},
		"good: 29 s late":         {bend: coreClaims(map[string]any{"exp": from(-29 * time.Second)}), good: true},
		"good: issued 30 min ago": {bend: coreClaims(map[string]any{"iat": from(-30 * time.Minute)}), good: true},
		"absent":                  {bend: signCore(func(signingKey, map[string]any) string { return "" }), code: ProblemIdentityNotProved},
		"no token":                {bend: signCore(func(signingKey, map[string]any) string { return "canary" })},
		"vot P1":                  {bend: coreClaims(map[string]any{"vot": "P1"})},
		"vot P0":                  {bend: coreClaims(map[string]any{"vot": "P0"})},
		"vot Cl.Cm":               {bend: coreClaims(map[string]any{"vot": "Cl.Cm"})},
		"vot missing":             {bend: coreClaims(map[string]any{"vot": nil})},
		"vot no text":             {bend: coreClaims(map[string]any{"vot": 2})},
		"vot twice":               {bend: coreClaims(map[string]any{"vot": "P1.P2"})},
		"vot of no form":          {bend: coreClaims(map[string]any{"vot": "P2 "})},
		"wrong iss":               {bend: coreClaims(map[string]any{"iss": "https://evil.example/"})},
		"iss of the provider":     {bend: coreClaims(map[string]any{"iss": issuer})},
		"iss missing":             {bend: coreClaims(map[string]any{"iss": nil})},
		"wrong aud":               {bend: coreClaims(map[string]any{"aud": "another"})},
		"aud missing":             {bend: coreClaims(map[string]any{"aud": nil})},
		"aud us and another":      {bend: coreClaims(map[string]any{"aud": []string{clientID, "another"}})},
		"wrong sub":               {bend: coreClaims(map[string]any{"sub": "canary-other"})},
		"sub missing":             {bend: coreClaims(map[string]any{"sub": nil})},
		"expired":                 {bend: coreClaims(map[string]any{"exp": from(-time.Minute)})},
		"31 s late":               {bend: coreClaims(map[string]any{"exp": from(-31 * time.Second)})},
		"exp missing":             {bend: coreClaims(map[string]any{"exp": nil})},
		"nbf 2 min ahead":         {bend: coreClaims(map[string]any{"nbf": from(2 * time.Minute)})},
		"nbf no time":             {bend: coreClaims(map[string]any{"nbf": -1})},
		"iat 2 min ahead":         {bend: coreClaims(map[string]any{"iat": from(2 * time.Minute)})},
		"iat missing":             {bend: coreClaims(map[string]any{"iat": nil})},
		"subject of no form":      {bend: coreClaims(map[string]any{"vc": "canary"})},
		"claims no object": {bend: signCore(func(k signingKey, _ map[string]any) string {
			return signBytes(k.private, jose.ES256, []byte("null"), map[string]any{"kid": kid})
		})},
		"kid of another DID":          {bend: coreKid("did:web:evil.example#key-1")},
		"kid of a DID that begins so": {bend: coreKid(identityDID + ".evil.example#key-1")},
		"kid without the DID":         {bend: coreKid("key-1")},
		"kid without the key":         {bend: coreKid(identityDID)},
		"kid unknown":                 {bend: coreKid(identityDID + "#key-2")},
		"no kid":                      {bend: signCore(func(k signingKey, c map[string]any) string { return signWith(k, jose.ES256, c, nil) })},
		"alg none": {bend: signCore(func(_ signingKey, c map[string]any) string {
			payload, _ := json.Marshal(c)
			return secretEncoding.EncodeToString([]byte(`{"alg":"none","kid":"`+kid+`"}`)) + "." + secretEncoding.EncodeToString(payload) + "."
		})},
		"alg HS256 with the public key": {bend: signCore(func(k signingKey, c map[string]any) string {
			public, _ := (&jose.JSONWebKey{Key: k.private, KeyID: k.id}).Public().MarshalJSON()
			payload, _ := json.Marshal(c)
			return signBytes(public, jose.HS256, payload, map[string]any{"kid": kid})
		})},
		"alg ES384": {bend: signCore(func(_ signingKey, c map[string]any) string {
			return signWith(signingKey{private: es384}, jose.ES384, c, map[string]any{"kid": kid})
		})},
		"alg PS256": {bend: signCore(func(_ signingKey, c map[string]any) string {
			return signWith(signingKey{private: opRSAKey()}, jose.PS256, c, map[string]any{"kid": kid})
		})},
		"signature of another key": {bend: signCore(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{"kid": kid})
		})},
		"signature of the key for ID tokens": {bend: func(h *house) {
			h.op.signCore = func(op *forge, c map[string]any) string {
				return signWith(op.keys[0], jose.ES256, c, map[string]any{"kid": kid})
			}
		}},
		"key of the attacker in the header": {bend: signCore(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{
				"kid": kid, "jwk": (&jose.JSONWebKey{Key: stranger.private, KeyID: kid}).Public(),
			})
		})},
		"claims changed after signing": {bend: signCore(func(k signingKey, c map[string]any) string {
			part := strings.Split(signWith(k, jose.ES256, c, map[string]any{"kid": kid}), ".")
			c["vot"] = "P3"
			payload, _ := json.Marshal(c)
			return part[0] + "." + secretEncoding.EncodeToString(payload) + "." + part[2]
		})},
		"JSON serialisation": {bend: signCore(func(k signingKey, c map[string]any) string {
			part := strings.Split(signWith(k, jose.ES256, c, map[string]any{"kid": kid}), ".")
			return `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`
		})},
		"70 kB": {bend: coreClaims(map[string]any{"filler": strings.Repeat("f", 70<<10)})},
		"document of another DID": {bend: func(h *house) {
			h.op.document = func(d map[string]any) { d["id"] = "did:web:evil.example" }
		}, code: ProblemProviderUnavailable},
		"key not for assertions": {bend: func(h *house) {
			h.op.document = func(d map[string]any) {
				d["verificationMethod"], d["assertionMethod"] = d["assertionMethod"], []string{kid}
			}
		}, code: ProblemProviderUnavailable},
		"key of another controller": {bend: func(h *house) {
			h.op.document = func(d map[string]any) {
				d["assertionMethod"].([]map[string]any)[0]["controller"] = "did:web:evil.example"
			}
		}, code: ProblemProviderUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			attack.bend(h)
			if attack.good {
				b.arrives(identityStart, "/")
				if len(h.book.proved) != 1 {
					t.Error("not kept")
				}
				return
			}
			code := attack.code
			if code == "" {
				code = ProblemIdentityInvalid
			}
			h.failsIdentity(b, code)
			if code == ProblemIdentityInvalid && !strings.Contains(h.logs.String(), `"level":"ERROR","msg":"refused","code":"identity_invalid"`) {
				t.Errorf("nobody is called:\n%s", h.logs)
			}
		})
	}
}

// TestAttack61CoreIdentityOfAnotherTrip: one that was issued to another client, to
// somebody else or for an earlier trip is no proof.
func TestAttack61CoreIdentityOfAnotherTrip(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(*house){
		"another client's": coreClaims(map[string]any{"aud": "another-service"}),
		"another person's": coreClaims(map[string]any{"sub": "canary-other"}),
		"31 min old, and good for a day": coreClaims(map[string]any{
			"iat": from(-31 * time.Minute), "nbf": from(-31 * time.Minute), "exp": from(24 * time.Hour),
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			bend(h)
			h.failsIdentity(b, ProblemIdentityInvalid)
		})
	}
	t.Run("replayed from an earlier trip", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		var first string
		h.op.signCore = func(op *forge, c map[string]any) string {
			if first == "" {
				first = signWith(op.identityKey, jose.ES256, c, map[string]any{"kid": op.identityKey.id})
			}
			return first
		}
		b.arrives(identityStart, "/")
		h.pass(20 * time.Minute)
		b.want(isSignedIn)
		h.pass(11 * time.Minute)
		h.wantPage(b.back(h.op.authorize(b.depart(identityStart))), ProblemIdentityInvalid)
	})
}

// TestAttack59AnotherPersonsIdentity: whoever comes back from an identity trip
// must be who left on it.
func TestAttack59AnotherPersonsIdentity(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	claim("sub", "canary-other")(h)
	coreClaims(map[string]any{"sub": "canary-other"})(h)
	h.op.userInfo = func(info map[string]any) { info["sub"] = "canary-other" }
	h.failsIdentity(b, ProblemSubjectMismatch)
	if h.op.count("/userinfo") != 0 {
		t.Error("asked for somebody else's names")
	}
	h.book.edit(func(list map[string]*plr.Account) {
		if len(list) != 1 {
			t.Errorf("%d accounts", len(list))
		}
	})
}
