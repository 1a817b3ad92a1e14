package signin

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

const identityStart = "/auth/identity/start"

// identity of the person whom the forging provider vouches for.
func verified(at time.Time) plr.VerifiedIdentity {
	return plr.VerifiedIdentity{
		Names:     []plr.VerifiedName{{Given: "Rhian Mair", Family: "ap canary Rhys"}, {Given: "Rhian Mair", Family: "Bowen-canary"}},
		BirthDate: "2007-02-28", PostCodes: []string{"LL57 9ZZ", "SA99 2XX", "CF99 1XX"},
		Route: plr.RouteOneLoginP2, ProvedAt: at,
	}
}

func TestIdentityTrip(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	token := b.signIn()
	before := b.held()
	if h.op.asked["vtr"] == nil || h.op.asked["vtr"].([]any)[0] != "Cl.Cm" || h.op.asked["claims"] != nil {
		t.Errorf("sign-in asked for %v", h.op.asked)
	}
	h.pass(10 * time.Minute)

	resp := b.get(identityStart + "?return_to=/claim&ui_locales=cy")
	if raw := resp.Header.Get("Set-Cookie"); !strings.Contains(raw, "Max-Age=7200") {
		t.Errorf("transaction cookie %q", raw)
	}
	u := b.depart(identityStart + "?return_to=/claim&ui_locales=cy")
	resp = b.back(h.op.authorize(u))
	if got := resp.Header.Get("Location"); got != "/claim" {
		t.Fatalf("ended at %q\n%s", got, h.logs)
	}
	if got := u.Query().Get("vtr"); got != `["Cl.Cm.P2"]` {
		t.Errorf("vtr %s", got)
	}
	var claims, want any
	if err := json.Unmarshal([]byte(u.Query().Get("claims")), &claims); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"userinfo":{"`+coreClaim+`":null,"`+addressField+`":null,"`+returnClaim+`":null}}`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(claims, want) || u.Query().Get("ui_locales") != "cy" {
		t.Errorf("asked for %v", u.Query())
	}

	after := b.held()
	if b.cookies[SessionCookie] == token {
		t.Error("the token stayed")
	}
	if got := h.book.proved[after.Account]; len(got) != 1 || !reflect.DeepEqual(got[0], verified(h.clock.Now())) {
		t.Errorf("kept %+v", got)
	}
	now := h.clock.Now().UnixMilli()
	if after.Handle != before.Handle || after.AbsoluteAt != before.AbsoluteAt || after.CreatedAt != before.CreatedAt ||
		after.IdentityAt != now || after.LastSeen != now || after.StepUpAt != now || after.Vector != "Cl.Cm" {
		t.Errorf("session was %+v and is %+v", before, after)
	}
	b.want(isSignedIn)
	b.cookies[SessionCookie] = token
	b.want(isExpired)
}

func TestIdentityStartRefusals(t *testing.T) {
	t.Parallel()
	page := header("Accept", "text/html,*/*")
	for name, test := range map[string]struct {
		config func(*Config)
		do     func(*house, *browser)
	}{
		"nobody": {do: func(h *house, _ *browser) {
			h.wantJSON(h.browser().get(identityStart), http.StatusUnauthorized, ProblemUnauthenticated)
			h.wantPage(h.browser().get(identityStart, page), ProblemUnauthenticated)
		}},
		"session over": {do: func(h *house, b *browser) {
			h.pass(31 * time.Minute)
			h.wantJSON(b.get(identityStart), http.StatusUnauthorized, ProblemSessionExpired)
			h.wantPage(b.get(identityStart, page), ProblemSessionExpired)
		}},
		"cookie of no form": {do: func(h *house, b *browser) {
			b.cookies[SessionCookie] = "x"
			h.wantJSON(b.get(identityStart), http.StatusUnauthorized, ProblemSessionExpired)
		}},
		"two cookies": {do: func(h *house, b *browser) {
			resp := b.get(identityStart, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: SessionCookie, Value: "x"}) })
			h.wantJSON(resp, http.StatusUnauthorized, ProblemSessionExpired)
		}},
		"cookie and bearer": {do: func(h *house, b *browser) {
			h.wantJSON(b.get(identityStart, header("Authorization", "Bearer x")), http.StatusBadRequest, ProblemAmbiguousCredentials)
		}},
		"bearer only": {do: func(h *house, _ *browser) {
			h.wantJSON(h.browser().get(identityStart, header("Authorization", "Bearer x")), http.StatusUnauthorized, ProblemUnauthenticated)
		}},
		"return_to of another": {do: func(h *house, b *browser) {
			h.wantJSON(b.get(identityStart+"?return_to=//evil.example"), http.StatusBadRequest, ProblemInvalidReturnTo)
		}},
		"bound": {do: func(h *house, b *browser) {
			h.book.edit(func(list map[string]*plr.Account) { list[b.account()].ULN = "7673614579" })
			h.wantJSON(b.get(identityStart), http.StatusConflict, ProblemAlreadyBound)
			h.wantPage(b.get(identityStart, page), ProblemAlreadyBound)
			h.wantJSON(b.get(identityStart+"?renew=yes"), http.StatusConflict, ProblemAlreadyBound)
			b.depart(identityStart + "?renew=true")
		}},
		"locked": {do: func(h *house, b *browser) {
			h.book.locked = true
			h.wantJSON(b.get(identityStart), http.StatusLocked, ProblemBindingLocked)
			h.wantPage(b.get(identityStart, page), ProblemBindingLocked)
		}},
		"store down": {do: func(h *house, b *browser) {
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = errors.New("canary") })
			h.wantJSON(b.get(identityStart), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
		}},
		"Redis down": {do: func(h *house, b *browser) {
			h.mini.Close()
			h.wantJSON(b.get(identityStart), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		}},
		"provider without": {config: func(c *Config) { c.Identity = IdentityConfig{} }, do: func(h *house, b *browser) {
			h.wantJSON(b.get(identityStart), http.StatusNotFound, ProblemIdentityUnavailable)
			h.wantPage(b.get(identityStart, page), ProblemIdentityUnavailable)
		}},
		"another site": {do: func(_ *house, b *browser) {
			resp := b.get(identityStart, header("Sec-Fetch-Site", "cross-site"))
			if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
				b.h.t.Errorf("%d %v", resp.StatusCode, resp.Header)
			}
		}},
		"POST": {do: func(h *house, b *browser) {
			h.wantJSON(b.do(http.MethodPost, identityStart, ""), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, func(c *Config) {
				if test.config != nil {
					test.config(c)
				}
			})
			b := h.browser()
			b.signIn()
			test.do(h, b)
		})
	}
}

func TestIdentityReturn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	resp := h.browser().get("/auth/identity/return?code=canary&state=canary")
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != "/auth/login?return_to=%2Fidentity%2Fcontinue" {
		t.Errorf("%d to %q", resp.StatusCode, got)
	}
	h.browser().arrives(resp.Header.Get("Location"), "/identity/continue")
	// Coming from another site signs nobody in by itself, not even from the provider's:
	// they are led to where they can do it.
	login := resp.Header.Get("Location")
	for path, want := range map[string]string{login: "/", "/auth/identity/return": "/identity/continue"} {
		resp = h.browser().get(path, header("Sec-Fetch-Site", "cross-site"))
		if got := resp.Header.Get("Location"); got != want || len(resp.Cookies()) != 0 {
			t.Errorf("%s from another site: to %q", path, got)
		}
	}
}

// failsIdentity goes on an identity trip that must end with code, and checks that
// it left the session as it was.
func (h *house) failsIdentity(b *browser, code Problem) {
	h.t.Helper()
	h.pass(time.Minute) // whatever was fetched for the sign-in may have changed
	query := h.op.authorize(b.depart(identityStart))
	token, before := b.cookies[SessionCookie], b.held()
	h.wantPage(b.back(query), code)
	if b.cookies[SessionCookie] != token || !reflect.DeepEqual(b.held(), before) {
		h.t.Error("the session did not stay as it was")
	}
	if len(h.book.proved) != 0 {
		h.t.Errorf("kept %+v", h.book.proved)
	}
	b.want(isSignedIn)
}

func TestIdentityNotProved(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(map[string]any){
		"nothing": func(info map[string]any) { delete(info, coreClaim) },
		"null":    func(info map[string]any) { info[coreClaim] = nil },
		"return codes": func(info map[string]any) {
			delete(info, coreClaim)
			info[returnClaim] = []map[string]any{{"code": "A"}, {"code": "X"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			h.op.userInfo = bend
			h.failsIdentity(b, ProblemIdentityNotProved)
		})
	}
	t.Run("return code beside a proof", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		h.op.userInfo = func(info map[string]any) { info[returnClaim] = []map[string]any{{"code": "P"}} }
		b.arrives(identityStart, "/")
		if len(h.book.proved) != 1 {
			t.Error("not kept")
		}
	})
	t.Run("access_denied", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		u := b.depart(identityStart)
		h.wantPage(b.back(map[string][]string{"error": {"access_denied"}, "state": {u.Query().Get("state")}}), ProblemAccessDenied)
		b.want(isSignedIn)
	})
}

func TestWhatIdentityKeeps(t *testing.T) {
	t.Parallel()
	name := func(from, until string, words ...string) map[string]any {
		n := map[string]any{"nameParts": parts(words...)}
		if from != "" {
			n["validFrom"] = from
		}
		if until != "" {
			n["validUntil"] = until
		}
		return n
	}
	for title, test := range map[string]struct {
		subject  map[string]any
		info     func(map[string]any)
		names    []plr.VerifiedName
		birth    plr.Date
		codes    []string
		unusable bool
	}{
		"one name, no address": {
			subject: map[string]any{"name": []any{name("", "", "Ann", "Lee")}, "birthDate": []any{map[string]any{"value": "2008-01-02"}}},
			info:    func(info map[string]any) { delete(info, addressField) },
			names:   []plr.VerifiedName{{Given: "Ann", Family: "Lee"}}, birth: "2008-01-02",
		},
		"names in any order, one twice": {
			subject: map[string]any{
				"name": []any{
					name("", "2010-01-01", "Ann", "Old"), name("", "2019-01-01", "Ann", "Newer"), name("2019-01-01", "", "Ann", "Now"),
					name("2001-01-01", "", "Ann", "Always"), name("", "2002-01-01", "Ann", "Now"),
				},
				"birthDate": []any{map[string]any{"value": "2008-01-02"}, map[string]any{"value": "2008-01-02"}},
			},
			info: func(info map[string]any) { info[addressField] = nil },
			names: []plr.VerifiedName{
				{Given: "Ann", Family: "Now"}, {Given: "Ann", Family: "Always"}, {Given: "Ann", Family: "Newer"}, {Given: "Ann", Family: "Old"},
			}, birth: "2008-01-02",
		},
		"spaces and other parts": {
			subject: map[string]any{
				"name": []any{map[string]any{"nameParts": []any{
					map[string]any{"type": "GivenName", "value": " Ann  Marie "}, map[string]any{"type": "Title", "value": "Dr"},
					map[string]any{"type": "FamilyName", "value": "de"}, map[string]any{"type": "FamilyName", "value": "Silva"},
				}}},
				"birthDate": []any{map[string]any{"value": "2008-01-02"}},
			},
			info:  func(info map[string]any) { info[addressField] = []any{} },
			names: []plr.VerifiedName{{Given: "Ann Marie", Family: "de Silva"}}, birth: "2008-01-02",
		},
		"two dates of birth": {unusable: true, subject: map[string]any{
			"name": []any{name("", "", "Ann", "Lee")}, "birthDate": []any{map[string]any{"value": "2008-01-02"}, map[string]any{"value": "2008-02-01"}},
		}},
		"no date of birth": {unusable: true, subject: map[string]any{"name": []any{name("", "", "Ann", "Lee")}}},
		"a date that is none": {unusable: true, subject: map[string]any{
			"name": []any{name("", "", "Ann", "Lee")}, "birthDate": []any{map[string]any{"value": "2007-02-29"}},
		}},
		"no name": {unusable: true, subject: map[string]any{"name": []any{name("", "", " ")}, "birthDate": []any{map[string]any{"value": "2008-01-02"}}}},
		"a name with a control character": {unusable: true, subject: map[string]any{
			"name": []any{name("", "", "Ann\x00", "Lee")}, "birthDate": []any{map[string]any{"value": "2008-01-02"}},
		}},
		"more names than anybody has": {unusable: true, subject: map[string]any{
			"name": slices.Repeat([]any{name("", "", "Ann", "Lee")}, 101), "birthDate": []any{map[string]any{"value": "2008-01-02"}},
		}},
		"names no list": {unusable: true, subject: map[string]any{"name": "Ann Lee", "birthDate": []any{map[string]any{"value": "2008-01-02"}}}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			h.op.core = func(c map[string]any) { c["vc"] = map[string]any{"credentialSubject": test.subject} }
			h.op.userInfo = test.info
			if test.unusable {
				h.failsIdentity(b, ProblemIdentityInvalid)
				return
			}
			b.arrives(identityStart, "/")
			want := plr.VerifiedIdentity{Names: test.names, BirthDate: test.birth, PostCodes: test.codes, Route: plr.RouteOneLoginP2, ProvedAt: h.clock.Now()}
			if got := h.book.proved[b.account()]; len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("kept %+v", got)
			}
		})
	}
}

func TestIdentityStoreDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	query := h.op.authorize(b.depart(identityStart))
	h.op.userInfo = func(map[string]any) { // from here on
		h.book.edit(func(map[string]*plr.Account) { h.book.fault = errors.New("canary") })
	}
	h.wantPage(b.back(query), ProblemAccountStoreUnavailable)
	h.book.edit(func(map[string]*plr.Account) { h.book.fault = nil })
	if len(h.book.proved) != 0 {
		t.Error("kept")
	}
	b.want(isSignedIn)
}

// Proving an identity often takes longer than a session lives unused.
func TestIdentityOutlastsTheSession(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(h *house, b *browser)
		want      Problem // none: signed in
	}{
		"it ran out":                         {func(h *house, _ *browser) { h.pass(31 * time.Minute) }, ""},
		"it ran out, and Redis still has it": {func(h *house, _ *browser) { h.clock.add(31 * time.Minute) }, ""},
		"signed out everywhere, then it ran out": {func(h *house, b *browser) {
			b.logout(`{"everywhere":true}`)
			h.pass(31 * time.Minute)
		}, ProblemSessionExpired},
		"signed out, then it would have run out": {func(h *house, b *browser) {
			b.logout("{}")
			h.pass(31 * time.Minute)
		}, ProblemSessionExpired},
		"signed out at the provider, then it ran out": {func(h *house, b *browser) {
			if err := h.book.ProviderLogout(t.Context(), b.held().Account, h.clock.Now()); err != nil {
				t.Error(err)
			}
			h.pass(31 * time.Minute)
		}, ProblemSessionExpired},
		"a trip that does not say which session it left from": {func(h *house, _ *browser) {
			for _, key := range h.mini.Keys() {
				if record, err := h.mini.Get(key); err == nil && strings.Contains(record, `"purpose":"identity"`) {
					h.mini.Set(key, strings.Replace(record, `"handle":`, `"former":`, 1))
				}
			}
			h.pass(31 * time.Minute)
		}, ProblemSessionExpired},
		"the account is gone": {func(h *house, _ *browser) {
			h.book.edit(func(list map[string]*plr.Account) { clear(list) })
			h.pass(31 * time.Minute)
		}, ProblemSessionExpired},
		"the accounts are down": {func(h *house, _ *browser) {
			h.pass(31 * time.Minute)
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
		}, ProblemAccountStoreUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			before := b.held()
			u := b.depart(identityStart)
			txn := b.cookies[TransactionCookie]
			test.meanwhile(h, b)
			b.cookies[TransactionCookie] = txn
			resp := b.back(h.op.authorize(u))
			if test.want != "" {
				h.wantPage(resp, test.want)
				if len(h.book.proved) != 0 {
					t.Error("kept")
				}
				return
			}
			if got := resp.Header.Get("Location"); got != "/" {
				t.Fatalf("ended at %q\n%s", got, h.logs)
			}
			b.want(isSignedIn)
			after := b.held()
			if after.Handle == before.Handle || after.Account != before.Account || after.IdentityAt != h.clock.Now().UnixMilli() || len(h.book.proved) != 1 {
				t.Errorf("before %+v, after %+v", before, after)
			}
		})
	}
	t.Run("another person comes back", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin)
		b := h.browser()
		b.signIn()
		u := b.depart(identityStart)
		h.pass(31 * time.Minute)
		claim("sub", "canary-other")(h)
		h.wantPage(b.back(h.op.authorize(u)), ProblemSubjectMismatch)
	})
}

// A session that somebody ended stays ended for a trip that outlasts even its
// longest life, when nothing else would have to remember it any more.
func TestIdentityOutlastsASessionThatWasEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin, func(c *Config) { c.WebIdle, c.WebAbsolute = 30*time.Minute, 30*time.Minute })
	b, other := h.browser(), h.browser()
	b.signIn()
	u := b.depart(identityStart)
	txn := b.cookies[TransactionCookie]
	h.pass(10 * time.Minute)
	b.logout("{}")
	h.pass(30 * time.Minute)
	other.signIn() // and what is not needed is forgotten
	other.logout("{}")
	h.pass(time.Hour)
	b.cookies[TransactionCookie] = txn
	h.wantPage(b.back(h.op.authorize(u)), ProblemSessionExpired)
	b.want(isNobody)
}

func TestIdentityOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	token := b.cookies[SessionCookie]
	query := h.op.authorize(b.depart(identityStart))
	txn := b.cookies[TransactionCookie]
	b.logout("{}")
	b.cookies[TransactionCookie] = txn
	h.wantPage(b.back(query), ProblemSessionExpired)
	b.cookies[SessionCookie] = token
	b.want(isExpired)
	if len(h.book.proved) != 0 || h.op.count("/userinfo") != 0 {
		t.Error("asked for a session that had ended")
	}
}

func TestIdentityTripLife(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	query := h.op.authorize(b.depart(identityStart + "?return_to=/claim"))
	for range 4 { // the person reads on in another tab meanwhile
		h.pass(25 * time.Minute)
		b.want(isSignedIn)
	}
	if got := b.back(query).Header.Get("Location"); got != "/claim" {
		t.Errorf("after 100 min: %q\n%s", got, h.logs)
	}
	query = h.op.authorize(b.depart(identityStart))
	h.clock.add(identityLife)
	h.wantPage(b.back(query), ProblemStateUnknown)
}
