package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/go-jose/go-jose/v4"

	"openplr/plr"
)

// logoutClaims are those of a good logout token of now for the one person of the
// tests, as One Login makes them; a value of nil takes one away.
func (h *house) logoutClaims(changes map[string]any) map[string]any {
	h.op.mu.Lock()
	h.op.serial++
	id := fmt.Sprintf("logout-canary-%d", h.op.serial)
	h.op.mu.Unlock()
	now := h.clock.Now().Unix()
	claims := map[string]any{
		"iss": issuer, "aud": clientID, "sub": person, "iat": now, "exp": now + 120, "jti": id,
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// logoutToken signs a good logout token but for these changes.
func (h *house) logoutToken(changes map[string]any) string {
	return signWith(h.op.keys[0], jose.ES256, h.logoutClaims(changes), map[string]any{"kid": "op-1", "typ": "logout+jwt"})
}

// backchannel posts a logout token as the provider does: from its own machine,
// without cookies.
func (h *house) backchannel(token string) *http.Response {
	return h.postBackchannel(url.Values{"logout_token": {token}}.Encode())
}

func (h *house) postBackchannel(body string, changes ...change) *http.Response {
	r := httptest.NewRequest(http.MethodPost, publicURL+"/auth/backchannel-logout", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range changes {
		c(r)
	}
	w := httptest.NewRecorder()
	h.app.ServeHTTP(w, r)
	return w.Result()
}

func (h *house) wantAccepted(resp *http.Response) {
	h.t.Helper()
	if body := bodyOf(h.t, resp); resp.StatusCode != http.StatusOK || body != "" || resp.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("got %d %q %v\n%s", resp.StatusCode, body, resp.Header, h.logs)
	}
}

func (h *house) wantNoLogoutToken(resp *http.Response) {
	h.t.Helper()
	if body := bodyOf(h.t, resp); resp.StatusCode != http.StatusBadRequest || body != "{\"error\":\"invalid_request\"}\n" ||
		resp.Header.Get("Cache-Control") != "no-store" {
		h.t.Fatalf("got %d %q %v\n%s", resp.StatusCode, body, resp.Header, h.logs)
	}
	if n := strings.Count(h.logs.String(), `"code":"logout_token_invalid"`); n != 1 {
		h.t.Errorf("%d audit lines", n)
	}
}

func (h *house) signOuts() int { return strings.Count(h.logs.String(), `"by":"provider"`) }

func TestBackchannelLogout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *house, *browser){
		"ends every session of the person": func(t *testing.T, h *house, b *browser) {
			other, stranger := h.browser(), h.browser()
			other.signIn()
			h.op.bend(func() { h.op.claims = func(c map[string]any) { c["sub"] = "canary-stranger" } })
			stranger.signIn()
			account := b.account()
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			b.want(isExpired)
			other.want(isExpired)
			stranger.want(isSignedIn)
			if !strings.Contains(h.logs.String(), `"account":"`+account+`","by":"provider"`) || h.signOuts() != 1 {
				t.Errorf("no audit line:\n%s", h.logs)
			}
		},
		"holds by Redis alone, at once on every replica": func(t *testing.T, h *house, b *browser) {
			account := b.account()
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			h.book.edit(func(list map[string]*plr.Account) { list[account].ProviderLogoutAt = time.Time{} })
			b.want(isExpired)
		},
		"told to one replica, at once on the other": func(t *testing.T, h *house, b *browser) {
			h.book.edit(func(list map[string]*plr.Account) { list[b.account()].ULN = "9900000004" })
			h.pass(time.Minute)
			b.want(isSignedIn) // and the account is held in the cache here
			other, err := New(h.config)
			if err != nil {
				t.Fatal(err)
			}
			here := h.app
			h.app = routes(other)
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			h.app = here
			b.want(isExpired)
		},
		"holds durably at once where it was told": func(_ *testing.T, h *house, b *browser) {
			h.book.edit(func(list map[string]*plr.Account) { list[b.account()].ULN = "9900000004" })
			h.pass(time.Minute)
			b.want(isSignedIn) // and the account is held in the cache
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			h.mini.Del(providerLogoutKey(subjectHash(issuer, person)))
			b.want(isExpired)
		},
		"the provider hangs up": func(t *testing.T, h *house, b *browser) {
			gone, hangUp := context.WithCancel(t.Context())
			hangUp()
			h.postBackchannel(url.Values{"logout_token": {h.logoutToken(nil)}}.Encode(), func(r *http.Request) { *r = *r.WithContext(gone) })
			b.want(isExpired)
			if h.signOuts() != 1 {
				t.Errorf("no audit line:\n%s", h.logs)
			}
		},
		"holds durably when Redis forgets": func(t *testing.T, h *house, b *browser) {
			key, record := b.record()
			epoch, _ := h.mini.Get(epochKey(b.account()))
			account := b.account()
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			h.mini.FlushAll()
			h.mini.Set(key, record)
			h.mini.Set(epochKey(account), epoch)
			b.want(isExpired)
		},
		"a sign-in in the second of the sign-out counts as before it": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.wantAccepted(h.backchannel(h.logoutToken(map[string]any{"iat": h.clock.Now().Add(-10 * time.Second).Unix()})))
			h.wantPage(b.back(query), ProblemSignedOutMeanwhile)
			h.clock.add(time.Second)
			b.signIn()
			b.want(isSignedIn)
		},
		"in the second of the proof, by either word alone": func(_ *testing.T, h *house, b *browser) {
			account, key := b.account(), providerLogoutKey(subjectHash(issuer, person))
			h.wantAccepted(h.backchannel(h.logoutToken(map[string]any{"iat": h.clock.Now().Add(-10 * time.Second).Unix()})))
			held, _ := h.mini.Get(key)
			h.mini.Del(key)
			b.want(isExpired)
			h.mini.Set(key, held)
			h.book.edit(func(list map[string]*plr.Account) { list[account].ProviderLogoutAt = time.Time{} })
			b.want(isExpired)
			h.mini.Del(key)
			b.want(isSignedIn) // it was these words, and nothing else
		},
		"an older token than the last takes nothing back": func(_ *testing.T, h *house, b *browser) {
			h.pass(5 * time.Second)
			older := h.logoutToken(map[string]any{"iat": h.clock.Now().Add(-time.Minute).Unix()})
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			h.wantAccepted(h.backchannel(older))
			b.want(isExpired)
		},
		"a session id is no word against anybody": func(_ *testing.T, h *house, b *browser) {
			h.wantNoLogoutToken(h.backchannel(h.logoutToken(map[string]any{"sub": nil, "sid": "journey"})))
			b.want(isSignedIn)
		},
		"provider with RSA logout tokens": func(_ *testing.T, h *house, b *browser) {
			h.config.LogoutTokenAlg = "RS256"
			key := signingKey{private: opRSAKey(), id: "rsa", alg: jose.RS256}
			h.op.bend(func() { h.op.keys = append(h.op.keys, key) })
			h.pass(keysPause)
			h.wantAccepted(h.backchannel(signWith(key, jose.RS256, h.logoutClaims(nil), map[string]any{"kid": "rsa", "typ": "logout+jwt"})))
			b.want(isExpired)
		},
		"several audiences with azp ours, type with its prefix, a fractional time": func(_ *testing.T, h *house, b *browser) {
			claims := h.logoutClaims(map[string]any{"aud": []string{"other", clientID}, "azp": clientID, "iat": float64(h.clock.Now().Unix()) + 0.5})
			h.wantAccepted(h.backchannel(signWith(h.op.keys[0], jose.ES256, claims, map[string]any{"kid": "op-1", "typ": "Application/Logout+JWT"})))
			b.want(isExpired)
		},
		"a session kept by an older version dies too": func(t *testing.T, h *house, b *browser) {
			key, record := b.record()
			old := strings.Replace(record, `"opSub":"`+subjectHash(issuer, person)+`",`, "", 1)
			if old == record {
				t.Fatal("no subject in the record")
			}
			h.mini.Set(key, old)
			b.want(isSignedIn)
			h.wantAccepted(h.backchannel(h.logoutToken(nil)))
			b.want(isExpired)
		},
		"other methods, types and sizes": func(t *testing.T, h *house, b *browser) {
			token := h.logoutToken(nil)
			body := url.Values{"logout_token": {token}}.Encode()
			h.wantJSON(b.get("/auth/backchannel-logout?"+body), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			for _, contentType := range []string{"", "application/json", "text/plain", "multipart/form-data; boundary=x", "application/logout+jwt"} {
				resp := h.postBackchannel(body, func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
				h.wantJSON(resp, http.StatusUnsupportedMediaType, ProblemUnsupportedMediaType)
			}
			h.wantJSON(h.postBackchannel("filler="+strings.Repeat("x", maxBackchannelBody)+"&"+body), http.StatusRequestEntityTooLarge, ProblemBodyTooLarge)
			chunked := func(r *http.Request) { r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} }
			h.wantJSON(h.postBackchannel("filler="+strings.Repeat("x", maxBackchannelBody)+"&"+body, chunked), http.StatusRequestEntityTooLarge, ProblemBodyTooLarge)
			b.want(isSignedIn)
			h.wantAccepted(h.postBackchannel(body+"&other=x", chunked, func(r *http.Request) {
				r.Header.Set("Content-Type", "Application/x-www-form-urlencoded; charset=utf-8")
			}))
			b.want(isExpired)
		},
		"the provider's keys cannot be had": func(_ *testing.T, h *house, _ *browser) {
			other := newHouse(h.t)
			other.op.keys = h.op.keys
			other.op.transport = errRefusedDial
			resp := other.backchannel(other.logoutToken(nil))
			if resp.Header.Get("Retry-After") == "" {
				h.t.Error("no Retry-After")
			}
			other.wantJSON(resp, http.StatusServiceUnavailable, ProblemProviderUnavailable)
		},
		"the account store is away": func(_ *testing.T, h *house, b *browser) {
			token := h.logoutToken(nil)
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
			h.wantJSON(h.backchannel(token), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = nil })
			b.want(isExpired) // by Redis' word
			h.wantAccepted(h.backchannel(token))
			if h.signOuts() != 1 {
				h.t.Errorf("%d audit lines", h.signOuts())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.browser()
			b.signIn()
			test(t, h, b)
		})
	}
}

func TestAttack43ForgedLogoutToken(t *testing.T) {
	t.Parallel()
	changed := func(changes map[string]any) func(*house) string {
		return func(h *house) string { return h.logoutToken(changes) }
	}
	headed := func(header map[string]any) func(*house) string {
		return func(h *house) string { return signWith(h.op.keys[0], jose.ES256, h.logoutClaims(nil), header) }
	}
	event := func(value any) func(*house) string {
		return changed(map[string]any{"events": map[string]any{logoutEvent: value}})
	}
	good := map[string]any{"kid": "op-1", "typ": "logout+jwt"}
	for name, forge := range map[string]func(*house) string{
		"signature of another key": func(h *house) string {
			return signWith(newECKey("op-1"), jose.ES256, h.logoutClaims(nil), good)
		},
		"signature damaged": func(h *house) string {
			token := h.logoutToken(nil)
			return token[:len(token)-8] + "AAAAAAAA"
		},
		"claims changed after signing": func(h *house) string {
			token, other := strings.Split(h.logoutToken(nil), "."), strings.Split(h.logoutToken(nil), ".")
			return token[0] + "." + other[1] + "." + token[2]
		},
		"alg none": func(h *house) string {
			parts := strings.Split(h.logoutToken(nil), ".")
			return secretEncoding.EncodeToString([]byte(`{"alg":"none","kid":"op-1","typ":"logout+jwt"}`)) + "." + parts[1] + "."
		},
		"RS256 when ES256 is pinned": func(h *house) string {
			key := signingKey{private: opRSAKey(), id: "rsa", alg: jose.RS256}
			h.op.bend(func() { h.op.keys = append(h.op.keys, key) })
			return signWith(key, jose.RS256, h.logoutClaims(nil), map[string]any{"kid": "rsa", "typ": "logout+jwt"})
		},
		"HS256 with the public key": func(h *house) string {
			public, err := jose.JSONWebKey{Key: h.op.keys[0].private, KeyID: "op-1"}.MarshalJSON()
			must(err)
			return signBytes(public, jose.HS256, []byte(`{}`), good)
		},
		"unknown kid":           headed(map[string]any{"kid": "op-2", "typ": "logout+jwt"}),
		"no kid":                headed(map[string]any{"typ": "logout+jwt"}),
		"typ JWT":               headed(map[string]any{"kid": "op-1", "typ": "JWT"}),
		"typ missing":           headed(map[string]any{"kid": "op-1"}),
		"typ no text":           headed(map[string]any{"kid": "op-1", "typ": 7}),
		"typ of another prefix": headed(map[string]any{"kid": "op-1", "typ": "text/logout+jwt"}),
		"wrong iss":             changed(map[string]any{"iss": "https://evil.example/"}),
		"iss without its slash": changed(map[string]any{"iss": strings.TrimSuffix(issuer, "/")}),
		"iss missing":           changed(map[string]any{"iss": nil}),
		"wrong aud":             changed(map[string]any{"aud": "another"}),
		"aud missing":           changed(map[string]any{"aud": nil}),
		"aud empty":             changed(map[string]any{"aud": []string{}}),
		"aud no text":           changed(map[string]any{"aud": 7}),
		"two audiences, no azp": changed(map[string]any{"aud": []string{clientID, "evil"}}),
		"two audiences, other azp": changed(map[string]any{
			"aud": []string{clientID, "evil"}, "azp": "evil",
		}),
		"azp of another": changed(map[string]any{"azp": "evil"}),
		"an ID token": func(h *house) string {
			now := h.clock.Now().Unix()
			return signWith(h.op.keys[0], jose.ES256, map[string]any{
				"iss": issuer, "sub": person, "aud": clientID, "exp": now + 120, "iat": now, "nonce": "n", "auth_time": now,
			}, map[string]any{"kid": "op-1", "typ": "JWT"})
		},
		"nonce":               changed(map[string]any{"nonce": "n"}),
		"nonce empty":         changed(map[string]any{"nonce": ""}),
		"no events":           changed(map[string]any{"events": nil}),
		"another event":       changed(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}}),
		"events a list":       changed(map[string]any{"events": []string{logoutEvent}}),
		"event a text":        event("x"),
		"event null":          event(map[string]any(nil)),
		"event a list":        event([]string{}),
		"event a number":      event(1),
		"event true":          event(true),
		"jti missing":         changed(map[string]any{"jti": nil}),
		"jti empty":           changed(map[string]any{"jti": ""}),
		"jti a number":        changed(map[string]any{"jti": 7}),
		"jti of 256 bytes":    changed(map[string]any{"jti": strings.Repeat("j", 256)}),
		"sub missing":         changed(map[string]any{"sub": nil}),
		"sub empty":           changed(map[string]any{"sub": ""}),
		"sub of 256 bytes":    changed(map[string]any{"sub": strings.Repeat("s", 256)}),
		"sub with line break": changed(map[string]any{"sub": person + "\n"}),
		"claims no object":    func(h *house) string { return signBytes(h.op.keys[0].private, jose.ES256, []byte(`[]`), good) },
		"claims no JSON":      func(h *house) string { return signBytes(h.op.keys[0].private, jose.ES256, []byte(`x`), good) },
		"nonce null":          func(h *house) string { return nonceNull(h, good) },
		"header damaged":      func(h *house) string { return strings.Replace(h.logoutToken(nil), ".", "A.", 1) },
		"nothing":             func(*house) string { return "" },
		"no token":            func(*house) string { return "canary" },
		"JSON serialisation": func(h *house) string {
			parts := strings.Split(h.logoutToken(nil), ".")
			return `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.browser()
			b.signIn()
			h.wantNoLogoutToken(h.backchannel(forge(h)))
			b.want(isSignedIn)
			if h.signOuts() != 0 {
				t.Error("told of as a sign-out")
			}
		})
	}
	for name, body := range map[string]func(token string) string{
		"no form":       func(string) string { return "%zz" },
		"no field":      func(token string) string { return "token=" + token },
		"twice":         func(token string) string { return "logout_token=" + token + "&logout_token=" + token },
		"empty":         func(string) string { return "" },
		"in no field":   func(token string) string { return token },
		"semicolon":     func(token string) string { return "x=1;logout_token=" + token },
		"field's case":  func(token string) string { return "Logout_Token=" + token },
		"in an address": func(string) string { return "x=y" },
	} {
		t.Run("form: "+name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.browser()
			b.signIn()
			token := h.logoutToken(nil)
			h.wantNoLogoutToken(h.postBackchannel(body(token), func(r *http.Request) { r.URL.RawQuery = "logout_token=" + token }))
			b.want(isSignedIn)
		})
	}
}

func nonceNull(h *house, header map[string]any) string {
	claims := h.logoutClaims(nil)
	claims["nonce"] = nil // signWith writes it as null
	return signWith(h.op.keys[0], jose.ES256, claims, header)
}

func TestAttack44ReplayedLogoutToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.signIn()
	token := h.logoutToken(nil)
	h.wantAccepted(h.backchannel(token))
	b.want(isExpired)
	h.pass(11 * time.Second) // past the ten seconds by which the sign-in is older than its token
	b.signIn()
	for range 3 {
		h.wantAccepted(h.backchannel(token))
		b.want(isSignedIn)
	}
	h.pass(100 * time.Second)
	h.wantAccepted(h.backchannel(token))
	b.want(isSignedIn)
	if n := h.signOuts(); n != 1 {
		t.Errorf("%d audit lines for one sign-out", n)
	}
	h.pass(time.Minute)
	h.wantNoLogoutToken(h.backchannel(token)) // by now it is too old itself
	// Also when Redis has lost what it remembered.
	h.pass(time.Minute)
	fresh := h.logoutToken(nil)
	h.wantAccepted(h.backchannel(fresh))
	h.pass(11 * time.Second)
	h.mini.FlushAll()
	b.signIn()
	h.wantAccepted(h.backchannel(fresh))
	b.want(isSignedIn)
}

func TestAttack45LogoutTokenOutOfTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		iat, exp any // seconds from now, or as they stand
		good     bool
	}{
		{"now, for two minutes", 0, 120, true},
		{"60 s ahead", 60, 120, true},
		{"61 s ahead", 61, 120, false},
		{"a day ahead", 86400, 86520, false},
		{"ten minutes long", 0, 600, true},
		{"a second longer", 0, 601, false},
		{"ten years long", 0, 315360000, false},
		{"29 s late", -120, -29, true},
		{"30 s late", -120, -30, false},
		{"an hour late", -3720, -3600, false},
		{"ends before it begins", 30, 20, false},
		{"ends as it begins", 10, 10, false},
		{"iat missing", nil, 120, false},
		{"exp missing", 0, nil, false},
		{"iat no number", "now", 120, false},
		{"exp no number", 0, "soon", false},
		{"iat beyond numbers", 1e300, 120, false},
		{"exp beyond numbers", 0, 1e300, false},
		{"iat negative", -1e12, 120, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.browser()
			b.signIn()
			at := func(v any) any {
				if seconds, ok := v.(int); ok {
					return h.clock.Now().Unix() + int64(seconds)
				}
				return v
			}
			h.pass(10 * time.Second)
			resp := h.backchannel(h.logoutToken(map[string]any{"iat": at(test.iat), "exp": at(test.exp)}))
			if test.good {
				h.wantAccepted(resp)
				return
			}
			h.wantNoLogoutToken(resp)
			b.want(isSignedIn)
		})
	}
}

// The server room answers 429 long before; here nothing is limited.
func TestAttack46LogoutTokenFlood(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.signIn()
	known := signWith(newECKey("op-1"), jose.ES256, h.logoutClaims(nil), map[string]any{"kid": "op-1", "typ": "logout+jwt"})
	stranger := newECKey("x")
	flood := func(n int) {
		t.Helper()
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := range n / 4 {
					token := known
					if i%2 == 0 {
						kid := fmt.Sprintf("made-up-%d-%d", worker, i)
						token = signWith(stranger, jose.ES256, map[string]any{}, map[string]any{"kid": kid, "typ": "logout+jwt"})
					}
					if resp := h.backchannel(token); resp.StatusCode != http.StatusBadRequest {
						t.Errorf("got %d", resp.StatusCode)
					}
				}
			})
		}
		wg.Wait()
	}
	if n := h.op.count("/jwks"); n != 1 {
		t.Fatalf("%d fetches before", n)
	}
	flood(1000)
	if n := h.op.count("/jwks"); n != 2 {
		t.Errorf("%d fetches", n)
	}
	h.pass(keysPause)
	flood(100)
	if n := h.op.count("/jwks"); n != 3 {
		t.Errorf("%d fetches after the pause", n)
	}
	b.want(isSignedIn)
	h.wantAccepted(h.backchannel(h.logoutToken(nil)))
	b.want(isExpired)
}

func TestAttack47LogoutOfSomebodyUnknown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.signIn()
	unknown, known := h.backchannel(h.logoutToken(map[string]any{"sub": "canary-nobody"})), h.backchannel(h.logoutToken(nil))
	if fmt.Sprint(known.Header) != fmt.Sprint(unknown.Header) {
		t.Errorf("%v and %v", known.Header, unknown.Header)
	}
	h.wantAccepted(known)
	h.wantAccepted(unknown)
	if n := len(h.book.list); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestAttack48LogoutDuringCallback(t *testing.T) {
	t.Parallel()
	t.Run("of somebody new", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		query := h.op.authorize(b.leave(""))
		h.wantAccepted(h.backchannel(h.logoutToken(nil)))
		h.wantPage(b.back(query), ProblemSignedOutMeanwhile)
		b.want(isNobody)
		if strings.Contains(h.mini.Dump(), "lr:s:") {
			t.Errorf("a session was left:\n%s", h.mini.Dump())
		}
		for _, a := range h.book.list {
			if members, _ := h.mini.ZMembers(indexKey(a.ID)); len(members) != 0 {
				t.Errorf("listed: %v", members)
			}
		}
	})
	t.Run("known durably only", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		query := h.op.authorize(b.leave(""))
		h.wantAccepted(h.backchannel(h.logoutToken(nil)))
		h.mini.Del(providerLogoutKey(subjectHash(issuer, person)))
		h.wantPage(b.back(query), ProblemSignedOutMeanwhile)
	})
	t.Run("between the proof and the session", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		query := h.op.authorize(b.leave(""))
		token := h.logoutToken(nil)
		h.op.bend(func() {
			h.op.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/token" {
					h.wantAccepted(h.backchannel(token))
				}
				return false
			}
		})
		h.wantPage(b.back(query), ProblemSignedOutMeanwhile)
	})
	t.Run("at every moment", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		for range 40 {
			b := h.browser()
			query := h.op.authorize(b.leave(""))
			token := h.logoutToken(nil)
			var wg sync.WaitGroup
			wg.Go(func() { h.wantAccepted(h.backchannel(token)) })
			wg.Go(func() { b.back(query) })
			wg.Wait()
			if got := b.who(); strings.HasPrefix(got, isSignedIn) {
				t.Fatalf("who: %s", got)
			}
			h.pass(time.Minute)
		}
	})
}

func TestAttack49LogoutWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		account := b.account()
		token := h.logoutToken(nil)
		h.mini.SetError("LOADING the dataset is not in memory")
		resp := h.backchannel(token)
		if resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		h.wantJSON(resp, http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		h.book.edit(func(list map[string]*plr.Account) {
			if !list[account].ProviderLogoutAt.Equal(h.clock.Now()) {
				t.Error("not told to the durable store")
			}
		})
		h.mini.SetError("")
		b.want(isExpired) // by the durable word already
		h.wantAccepted(h.backchannel(token))
		if h.signOuts() != 1 || !h.mini.Exists(providerLogoutKey(subjectHash(issuer, person))) {
			t.Errorf("the repetition did not count:\n%s", h.logs)
		}
	})
	t.Run("fails after the revocation", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		token := h.logoutToken(nil)
		h.mini.Server().SetPreHook(func(c *server.Peer, _ string, args ...string) bool {
			if len(args) == 0 || !strings.HasPrefix(args[0], "lr:jti:") {
				return false
			}
			c.WriteError("OOM command not allowed")
			return true
		})
		h.wantJSON(h.backchannel(token), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		h.mini.Server().SetPreHook(nil)
		if !h.mini.Exists(providerLogoutKey(subjectHash(issuer, person))) {
			t.Error("failed before the revocation")
		}
		b.want(isExpired) // not lost
		h.wantAccepted(h.backchannel(token))
	})
}
