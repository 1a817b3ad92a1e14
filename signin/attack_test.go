package signin

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The numbers are those of the attack cases that sign-in is held to.

func TestCallbackAttacks(t *testing.T) {
	t.Parallel()
	madeUp := strings.Repeat("A", 43)
	for name, attack := range map[string]func(*testing.T, *house, *browser){
		"1 replay": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			b.back(query)
			token := b.cookies[SessionCookie]
			h.wantPage(b.back(query), ProblemStateUsed)
			if b.cookies[SessionCookie] != token || !strings.HasPrefix(b.who(), "signed in") {
				t.Error("the first session did not stay")
			}
			if n := h.op.count("/token"); n != 1 {
				t.Errorf("%d token calls", n)
			}
		},
		"1 replay in parallel": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			jar := b.cookies
			results := make(chan string)
			for range 8 {
				go func() {
					tab := h.browser()
					for name, value := range jar {
						tab.cookies[name] = value
					}
					results <- tab.back(query).Header.Get("Location")
				}()
			}
			arrived := 0
			for range 8 {
				if got := <-results; got == "/" {
					arrived++
				} else if !strings.Contains(got, "code=state_used") {
					t.Errorf("got %q", got)
				}
			}
			if n := h.op.count("/token"); arrived != 1 || n != 1 {
				t.Errorf("%d arrived, %d token calls", arrived, n)
			}
		},
		"2 unknown state": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			resp := b.back(url.Values{"code": {"x"}, "state": {madeUp}})
			h.wantPage(resp, ProblemStateUnknown)
			if len(resp.Cookies()) != 0 {
				t.Error("the cookie of the sign-in under way was touched")
			}
			if got := b.back(query).Header.Get("Location"); got != "/" {
				t.Errorf("the sign-in under way ended at %q", got)
			}
		},
		"2 state after its hour": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.clock.add(transactionLife) // Redis lags behind
			h.wantPage(b.back(query), ProblemStateUnknown)
		},
		"3 login CSRF": func(_ *testing.T, h *house, attacker *browser) {
			query := h.op.authorize(attacker.leave(""))
			h.wantPage(h.browser().back(query), ProblemBrowserMismatch)
			// And spent, for the attacker as well.
			h.wantPage(attacker.back(query), ProblemStateUsed)
		},
		"3 login CSRF, victim with a sign-in of their own": func(_ *testing.T, h *house, attacker *browser) {
			query := h.op.authorize(attacker.leave(""))
			victim := h.browser()
			victim.leave("")
			h.wantPage(victim.back(query), ProblemBrowserMismatch)
		},
		"4 state of no form": func(t *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			h.mini.Close() // refused before anything is looked up
			for _, query := range []string{
				"", "code=x", "code=x&state=", "code=x&state=" + state + "&state=" + state, "code=x&state=" + strings.Repeat("a", 10<<10),
				"code=x&state=" + state[:42], "code=x&state=" + state + "A", "code=x&state=" + state[:42] + "%00", "code=x&state=" + state[:42] + "!",
				"state=" + state, "code=&state=" + state, "code=x&error=y&state=" + state, "code=x&code=y&state=" + state,
				"error=x&error=y&state=" + state, "code=x&iss=a&iss=b&state=" + state, "code=%zz&state=" + state, "code=x;state=" + state,
				"code=" + strings.Repeat("c", maxCode+1) + "&state=" + state,
			} {
				h.wantJSON(b.get("/auth/callback?"+query), http.StatusBadRequest, ProblemCallbackInvalid)
			}
		},
		"19 mix-up: another iss": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			query.Set("iss", "https://evil.example/")
			h.wantPage(b.back(query), ProblemIssuerMismatch)
			if h.op.count("/token") != 0 {
				h.t.Error("the code was sent all the same")
			}
		},
		"19 mix-up: iss empty": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			query.Set("iss", "")
			h.wantPage(b.back(query), ProblemIssuerMismatch)
		},
		"19 mix-up: iss missing though promised": func(_ *testing.T, h *house, b *browser) {
			h.op.bend(func() {
				h.op.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
			})
			h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIssuerMismatch)
			query := h.op.authorize(b.leave(""))
			query.Set("iss", issuer)
			if got := b.back(query).Header.Get("Location"); got != "/" {
				h.t.Errorf("with the right iss: %q", got)
			}
		},
		"27 verifier of another transaction": func(_ *testing.T, h *house, b *browser) {
			first, second := h.op.authorize(b.leave("")), h.op.authorize(b.leave(""))
			first.Set("code", second.Get("code"))
			h.wantPage(b.back(first), ProblemTokenExchangeFailed)
		},
		"28 code injection, at a provider without PKCE": func(_ *testing.T, h *house, victim *browser) {
			h.op.bend(func() { h.op.noPKCE = true })
			stolen := h.op.authorize(h.browser().leave(""))
			query := h.op.authorize(victim.leave(""))
			query.Set("code", stolen.Get("code"))
			h.wantPage(victim.back(query), ProblemIDTokenInvalid)
		},
		"31 hostile error": func(t *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			resp := b.back(url.Values{
				"error": {"<script>canary</script>"}, "error_description": {strings.Repeat("canary", 500)},
				"error_uri": {"https://canary.example/"}, "state": {state},
			})
			h.wantPage(resp, ProblemProviderError)
			if strings.Contains(resp.Header.Get("Location")+bodyOf(t, resp), "canary") {
				t.Error("text of the provider was passed on")
			}
		},
		"32 error in another browser": func(_ *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			h.wantPage(h.browser().back(url.Values{"error": {"access_denied"}, "state": {state}}), ProblemBrowserMismatch)
		},
		"34 two transaction cookies": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			resp := b.back(query, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: TransactionCookie, Value: madeUp}) })
			h.wantPage(resp, ProblemBrowserMismatch)
			if _, kept := b.cookies[TransactionCookie]; kept {
				t.Error("not cleared")
			}
		},
		"65 the verifier sealed for another transaction": func(_ *testing.T, h *house, b *browser) {
			first, second := b.leave(""), b.leave("")
			key := func(u *url.URL) string { return transactionKey(hashOf(useState, u.Query().Get("state"))) }
			record, err := h.mini.Get(key(second))
			if err != nil {
				h.t.Fatal(err)
			}
			h.mini.Set(key(first), record)
			h.wantPage(b.back(h.op.authorize(first)), ProblemStateUnknown)
		},
		"58 a trip for a purpose not known here": func(t *testing.T, h *house, b *browser) {
			u := b.leave("")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			h.mini.Set(key, strings.Replace(record, `"sign_in"`, `"payment"`, 1))
			h.wantPage(b.back(h.op.authorize(u)), ProblemStateUnknown)
		},
		"29 return_to changed in Redis": func(t *testing.T, h *house, b *browser) {
			u := b.leave("?return_to=/fine")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			h.mini.Set(key, strings.Replace(record, "/fine", "//evil.example", 1))
			if got := b.back(h.op.authorize(u)).Header.Get("Location"); got != "/" {
				t.Errorf("sent to %q", got)
			}
		},
		"68 HEAD uses nothing up": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.wantJSON(b.do(http.MethodHead, "/auth/callback?"+query.Encode(), "", fromProvider), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			if got := b.back(query).Header.Get("Location"); got != "/" {
				t.Errorf("afterwards: %q", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			attack(t, h, h.browser())
		})
	}
}

func TestProviderErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for fault, want := range map[string]Problem{
		"access_denied": ProblemAccessDenied, "temporarily_unavailable": ProblemTemporarilyUnavailable,
		"unauthorized_client": ProblemServiceSuspended, "login_required": ProblemReauthFailed,
		"server_error": ProblemProviderError, "invalid_request": ProblemProviderError,
	} {
		b := h.browser()
		h.wantPage(b.back(url.Values{"error": {fault}, "state": {b.leave("").Query().Get("state")}}), want)
	}
}

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

func TestIDTokenAttacks(t *testing.T) {
	t.Parallel()
	ps256 := func(c *Config) { c.IDTokenAlg = "PS256" }
	none := func(_ signingKey, claims map[string]any) string {
		payload, _ := json.Marshal(claims)
		return secretEncoding.EncodeToString([]byte(`{"alg":"none","kid":"op-1","typ":"JWT"}`)) + "." + secretEncoding.EncodeToString(payload) + "."
	}
	stranger := newECKey("op-1")
	for _, attack := range []struct {
		name   string
		bend   func(*house)
		config func(*Config)
		good   bool
		code   Problem // ProblemIDTokenInvalid when empty
	}{
		{name: "good token", bend: func(*house) {}, good: true},
		{name: "good token, PS256", bend: rsaKey(nil, jose.PS256), config: ps256, good: true},
		{name: "good token without at_hash and auth_time", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { delete(c, "at_hash"); delete(c, "auth_time") }
		}, good: true},
		{name: "good token without typ", bend: withHeader(map[string]any{"kid": "op-1"}), good: true},

		{name: "5 nonce missing", bend: claim("nonce", nil)},
		{name: "5 nonce empty", bend: claim("nonce", "")},
		{name: "5 nonce wrong", bend: claim("nonce", strings.Repeat("n", 43))},

		{name: "6 alg none", bend: sign(none)},
		{name: "6 alg none with the signature of a good token", bend: sign(func(k signingKey, c map[string]any) string {
			good := signWith(k, k.alg, c, map[string]any{"kid": "op-1"})
			return none(k, c) + good[strings.LastIndex(good, ".")+1:]
		})},
		{name: "7 HS256 with the public key", bend: func(h *house) {
			h.op.sign = func(op *forge, claims map[string]any) string {
				public, _ := json.Marshal(op.publicKeys()[0])
				payload, _ := json.Marshal(claims)
				return signBytes(public, jose.HS256, payload, map[string]any{"kid": "op-1"})
			}
		}},
		{name: "7 HS256 with the public key as PEM", config: ps256, bend: func(h *house) {
			rsaKey(nil, jose.PS256)(h)
			h.op.sign = func(op *forge, claims map[string]any) string {
				der, _ := x509.MarshalPKIXPublicKey(opRSAKey().Public())
				payload, _ := json.Marshal(claims)
				return signBytes(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jose.HS256, payload, map[string]any{"kid": "rsa"})
			}
		}},
		{name: "8 RS256 where ES256 is pinned", bend: rsaKey(map[string]any{"alg": "RS256"}, jose.RS256)},
		{name: "8 PS256 where ES256 is pinned", bend: rsaKey(nil, jose.PS256)},
		{name: "8 PS256 under a key for RS256", config: ps256, bend: rsaKey(map[string]any{"alg": "RS256"}, jose.PS256)},
		{name: "8 RS256 where PS256 is pinned", config: ps256, bend: rsaKey(map[string]any{"alg": "RS256"}, jose.RS256)},
		{name: "8 key for encryption, and no other", config: ps256, bend: rsaKey(map[string]any{"use": "enc"}, jose.PS256), code: ProblemProviderUnavailable},
		{name: "8 key for encryption beside a good one", config: ps256, bend: func(h *house) {
			rsaKey(map[string]any{"use": "enc"}, jose.PS256)(h)
			h.op.keys = append(h.op.keys, newECKey("op-1"))
		}},
		{name: "8 key with other operations", config: ps256, bend: func(h *house) {
			rsaKey(map[string]any{"key_ops": []string{"encrypt"}}, jose.PS256)(h)
			h.op.keys = append(h.op.keys, newECKey("op-1"))
		}},
		{name: "9 signature of another key", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{"kid": "op-1"})
		})},
		{name: "9 signature damaged", bend: sign(func(k signingKey, c map[string]any) string {
			good := signWith(k, k.alg, c, map[string]any{"kid": "op-1"})
			return good[:len(good)-8] + "AAAAAAAA"
		})},
		{name: "9 claims changed after signing", bend: sign(func(k signingKey, c map[string]any) string {
			parts := strings.Split(signWith(k, k.alg, c, map[string]any{"kid": "op-1"}), ".")
			c["sub"] = "canary-other"
			payload, _ := json.Marshal(c)
			return parts[0] + "." + secretEncoding.EncodeToString(payload) + "." + parts[2]
		})},
		{name: "9 unknown kid", bend: withHeader(map[string]any{"kid": "op-2"})},
		{name: "10 no kid", bend: withHeader(nil)},
		{name: "10 empty kid", bend: withHeader(map[string]any{"kid": ""})},
		{name: "10 jwk of the attacker", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{
				"kid": "op-1", "jwk": (&jose.JSONWebKey{Key: stranger.private, KeyID: "op-1"}).Public(),
			})
		})},
		{name: "10 jku and x5u of the attacker", bend: sign(func(_ signingKey, c map[string]any) string {
			return signWith(stranger, jose.ES256, c, map[string]any{
				"kid": "evil", "jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert",
			})
		})},
		{name: "11 wrong iss", bend: claim("iss", "https://evil.example/")},
		{name: "11 iss without the slash", bend: claim("iss", strings.TrimSuffix(issuer, "/"))},
		{name: "11 iss missing", bend: claim("iss", nil)},
		{name: "12 wrong aud", bend: claim("aud", "another")},
		{name: "12 aud missing", bend: claim("aud", nil)},
		{name: "12 two audiences without azp", bend: claim("aud", []string{clientID, "evil"})},
		{name: "12 two audiences and azp of the other", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "evil"}, "evil" }
		}},
		{name: "12 azp of another", bend: claim("azp", "evil")},
		{name: "12 azp empty", bend: claim("azp", "")},
		{name: "12 two audiences and azp ours", bend: func(h *house) {
			h.op.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{clientID, "other"}, clientID }
		}, good: true},
		{name: "13 expired", bend: claim("exp", from(-time.Hour))},
		{name: "13 31 s late", bend: claim("exp", from(-31*time.Second))},
		{name: "13 29 s late", bend: claim("exp", from(-29*time.Second)), good: true},
		{name: "13 exp missing", bend: claim("exp", nil)},
		{name: "13 exp no number", bend: claim("exp", "soon")},
		{name: "14 iat a day ahead", bend: claim("iat", from(24*time.Hour))},
		{name: "14 iat 61 s ahead", bend: claim("iat", from(61*time.Second))},
		{name: "14 iat 30 s ahead", bend: claim("iat", from(30*time.Second)), good: true},
		{name: "14 iat missing", bend: claim("iat", nil)},
		{name: "14 nbf 6 min ahead", bend: claim("nbf", from(6*time.Minute))},
		{name: "16 at_hash wrong", bend: claim("at_hash", atHash("other"))},
		{name: "17 no ID token", bend: sign(func(signingKey, map[string]any) string { return "" })},
		{name: "17 not a token", bend: sign(func(signingKey, map[string]any) string { return "canary" })},
		{name: "17 token of 20 kB", bend: claim("filler", strings.Repeat("f", 20<<10))},
		{name: "17 JSON serialisation", bend: sign(func(k signingKey, c map[string]any) string {
			parts := strings.Split(signWith(k, k.alg, c, map[string]any{"kid": "op-1"}), ".")
			return `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
		})},
		{name: "18 empty sub", bend: claim("sub", "")},
		{name: "18 sub missing", bend: claim("sub", nil)},
		{name: "18 sub of 10 kB", bend: claim("sub", strings.Repeat("s", 10<<10))},
		{name: "18 sub with a line break", bend: claim("sub", "canary\nx")},
		{name: "43 a logout token", bend: withHeader(map[string]any{"kid": "op-1", "typ": "logout+jwt"})},
		{name: "43 typ no text", bend: withHeader(map[string]any{"kid": "op-1", "typ": 7})},
	} {
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

func TestNonceOfAnotherTransaction(t *testing.T) { // 5
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	other := b.leave("").Query().Get("nonce")
	claim("nonce", other)(h)
	h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIDTokenInvalid)
}

func TestLoginAttacks(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]func(*testing.T, *house, *browser){
		"29 return_to twice": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(b.get("/auth/login?return_to=/a&return_to=/b"), http.StatusBadRequest, ProblemInvalidReturnTo)
		},
		"29 broken query": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(b.get("/auth/login?return_to=%zz"), http.StatusBadRequest, ProblemInvalidReturnTo)
		},
		"36 token in the URL": func(t *testing.T, h *house, b *browser) {
			token := b.signIn()
			if got := bodyOf(t, h.browser().do(http.MethodPost, "/graphql?access_token="+token, "")); got != "none UNAUTHENTICATED" {
				t.Errorf("got %s", got)
			}
		},
		"41 another site starts a sign-in": func(t *testing.T, h *house, b *browser) {
			for _, site := range []string{"cross-site", "same-site"} {
				resp := b.get("/auth/login?return_to=/x", header("Sec-Fetch-Site", site))
				if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 0 {
					t.Errorf("%s: %d %v", site, resp.StatusCode, resp.Header)
				}
			}
			for _, site := range []string{"same-origin", "none"} {
				b.leave("", header("Sec-Fetch-Site", site))
			}
			if n := strings.Count(h.logs.String(), `"refused"`); n != 2 {
				t.Errorf("%d audit lines", n)
			}
		},
		"67 host headers": func(t *testing.T, _ *house, b *browser) {
			u := b.leave("", func(r *http.Request) { r.Host = "evil.example" },
				header("X-Forwarded-Host", "evil.example"), header("X-Forwarded-Proto", "http"), header("Forwarded", "host=evil.example"))
			if got := u.Query().Get("redirect_uri"); got != publicURL+CallbackPath {
				t.Errorf("redirect_uri %q", got)
			}
		},
		"68 other methods": func(_ *testing.T, h *house, b *browser) {
			for _, method := range []string{http.MethodHead, http.MethodPost} {
				h.wantJSON(b.do(method, "/auth/login", ""), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			attack(t, h, h.browser())
		})
	}
}
