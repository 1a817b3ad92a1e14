package signin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
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

// TestAttack60DIDDocumentDown: a document once read serves on, without one the
// person is asked to come back.
func TestAttack60DIDDocumentDown(t *testing.T) {
	t.Parallel()
	down := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != didPath {
			return false
		}
		w.WriteHeader(http.StatusBadGateway)
		return true
	}
	t.Run("without a copy", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		h.op.before = down
		h.failsIdentity(b, ProblemProviderUnavailable)
		h.op.bend(func() { h.op.before = nil })
		h.pass(keysRetry)
		b.arrives(identityStart, "/")
	})
	t.Run("with a copy, aged", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		b.arrives(identityStart, "/")
		h.op.bend(func() { h.op.before = down })
		h.pass(25 * time.Hour)
		b.signIn()
		for range breakerFaults + 1 { // and signing in goes on beside it
			h.pass(keysPause)
			b.arrives(identityStart, "/")
		}
		if !strings.Contains(h.logs.String(), `"keys not fetched","of":"identity"`) {
			t.Error("nobody was told")
		}
	})
	t.Run("unusable documents replace nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		b.arrives(identityStart, "/")
		for name, body := range map[string]string{
			"HTML": "<p>canary", "empty": `{}`, "no methods": `{"id":"` + identityDID + `","assertionMethod":[]}`,
			"other": `{"id":"did:web:evil.example","assertionMethod":[{"id":"did:web:evil.example#key-1"}]}`,
			"5 MB":  strings.Repeat(" ", 5<<20) + "{}",
		} {
			h.op.bend(func() {
				h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == didPath {
						w.Write([]byte(body))
					}
					return r.URL.Path == didPath
				}
			})
			h.pass(61 * time.Minute) // what the document said of its life
			b.signIn()
			n := h.op.count(didPath)
			b.arrives(identityStart, "/")
			if h.op.count(didPath) != n+1 {
				t.Errorf("%s: not asked for", name)
			}
		}
	})
}

func TestDIDKeyRotation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	b.arrives(identityStart, "/")
	h.pass(time.Minute)
	b.arrives(identityStart, "/")
	if n := h.op.count(didPath); n != 1 {
		t.Errorf("%d fetches for one document", n)
	}
	old := h.op.identityKey
	h.op.bend(func() { h.op.identityKey = newECKey(identityDID + "#key-2") })
	b.arrives(identityStart, "/") // a new key is looked for at once
	if n := h.op.count(didPath); n != 2 {
		t.Errorf("%d fetches", n)
	}
	h.op.bend(func() {
		h.op.signCore = func(_ *forge, c map[string]any) string {
			return signWith(old, jose.ES256, c, map[string]any{"kid": old.id})
		}
	})
	for range 5 { // the old key is withdrawn; and made-up ones cost no fetches
		h.wantPage(b.back(h.op.authorize(b.depart(identityStart))), ProblemIdentityInvalid)
	}
	if n := h.op.count(didPath); n != 2 {
		t.Errorf("%d fetches within the pause", n)
	}
	h.pass(keysPause)
	h.wantPage(b.back(h.op.authorize(b.depart(identityStart))), ProblemIdentityInvalid)
	if n := h.op.count(didPath); n != 3 {
		t.Errorf("%d fetches after it", n)
	}
}

func TestDIDDocumentLife(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"": time.Hour, "max-age=3600, private": time.Hour, "max-age=86400": 24 * time.Hour,
		"max-age=864000": 24 * time.Hour, "max-age=1": time.Minute,
	} {
		if got := identityKeys(IdentityConfig{}).lifeOf(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
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

// TestAttack17UserInfo: userinfo about somebody else, of another form or without
// end is refused.
func TestAttack17UserInfo(t *testing.T) {
	t.Parallel()
	answer := func(contentType, body string) func(*house) {
		return func(h *house) {
			h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/userinfo" {
					return false
				}
				w.Header().Set("Content-Type", contentType)
				w.Write([]byte(body))
				return true
			}
		}
	}
	info := func(name string, value any) func(*house) {
		return func(h *house) { h.op.userInfo = func(i map[string]any) { i[name] = value } }
	}
	for name, attack := range map[string]struct {
		bend func(*house)
		code Problem
	}{
		"sub of another":        {info("sub", "canary-other"), ProblemIdentityInvalid},
		"sub empty":             {info("sub", ""), ProblemIdentityInvalid},
		"sub null":              {info("sub", nil), ProblemIdentityInvalid},
		"HTML":                  {answer("text/html", "<p>canary"), ProblemTokenExchangeFailed},
		"JSON said to be HTML":  {answer("text/html", `{"sub":"`+person+`"}`), ProblemTokenExchangeFailed},
		"a signed answer":       {answer("application/jwt", "canary"), ProblemTokenExchangeFailed},
		"no type":               {answer("", "{}"), ProblemTokenExchangeFailed},
		"null":                  {answer("application/json", "null"), ProblemTokenExchangeFailed},
		"a list":                {answer("application/json", "[]"), ProblemTokenExchangeFailed},
		"core identity no text": {info(coreClaim, 7), ProblemTokenExchangeFailed},
		"address no list":       {info(addressField, "canary"), ProblemTokenExchangeFailed},
		"5 MB":                  {answer("application/json", `{"filler":"`+strings.Repeat("f", 5<<20)+`"}`), ProblemTokenExchangeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			attack.bend(h)
			h.failsIdentity(b, attack.code)
		})
	}
}

// TestAttack25UserInfoDown: without userinfo the trip fails and nothing else does.
func TestAttack25UserInfoDown(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"401": func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example/userinfo")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"no answer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			if before == nil {
				h.op.timesOut = "/userinfo"
			} else {
				h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/userinfo" {
						before(w)
					}
					return r.URL.Path == "/userinfo"
				}
			}
			h.failsIdentity(b, ProblemTokenExchangeFailed)
			if n := h.op.count("/userinfo"); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func FuzzParseDID(f *testing.F) {
	f.Add([]byte(`{"id":"did:web:identity.example","assertionMethod":[{"id":"did:web:identity.example#a","publicKeyJwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}]}`))
	f.Add([]byte(`{"id":"did:web:identity.example","assertionMethod":["#a",null,7]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseDID(body, identityDID)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys and %v", len(keys), err)
		}
	})
}
