package signin

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
)

func TestRenewedSession(t *testing.T) {
	t.Parallel()
	renewed := func(t *testing.T) (h *house, b *browser, oldKey, oldRecord, oldToken string) {
		h = newHouse(t)
		b = h.browser()
		oldToken = b.signIn()
		oldKey, oldRecord = b.record()
		b.arrives(stepUp, "/")
		return h, b, oldKey, oldRecord, oldToken
	}
	for name, test := range map[string]func(*testing.T){
		"a stale Redis brings the old token back": func(t *testing.T) {
			h, b, key, record, token := renewed(t)
			h.mini.Set(key, record)
			thief := h.browser()
			thief.cookies[SessionCookie] = token
			for range 12 { // also later, and however often it tries
				thief.want(isExpired)
				b.want(isSignedIn)
				h.pass(10 * time.Minute)
			}
		},
		"ending by the handle ends every token": func(t *testing.T) {
			h, b, _, _, _ := renewed(t)
			e := b.held()
			if err := h.book.EndSession(t.Context(), e.Account, e.Handle, time.UnixMilli(e.AbsoluteAt)); err != nil {
				t.Fatal(err)
			}
			h.pass(time.Second)
			b.want(isExpired)
		},
		"signing out everywhere ends it": func(t *testing.T) {
			_, b, _, _, _ := renewed(t)
			token := b.cookies[SessionCookie]
			b.logout(`{"everywhere":true}`)
			b.cookies[SessionCookie] = token
			b.want(isExpired)
		},
		"the absolute limit stays": func(t *testing.T) {
			h, b, _, _, _ := renewed(t)
			account := b.account()
			for range 28 { // 11 h 40 min
				h.pass(25 * time.Minute)
				b.arrives(stepUp, "/")
			}
			h.pass(19 * time.Minute)
			b.want(isSignedIn)
			h.pass(time.Minute)
			b.want(isExpired)
			if n := len(h.book.list[account].EndedSessions); n > 5 {
				t.Errorf("%d ended sessions are remembered", n)
			}
		},
		"the list names it once": func(t *testing.T) {
			h, b, _, _, _ := renewed(t)
			e := b.held()
			members, err := h.mini.ZMembers(indexKey(e.Account))
			if err != nil || !reflect.DeepEqual(members, []string{indexEntry(e.Handle, hashOf(useWebSession, b.cookies[SessionCookie]))}) {
				t.Errorf("%v %v", members, err)
			}
		},
		"signing out at the provider uses the newest ID token": func(t *testing.T) {
			h, b, _, _, _ := renewed(t)
			hash := hashOf(useWebSession, b.cookies[SessionCookie])
			if hint, err := h.sealer.open(b.held().Hint, hintContext(hash)); err != nil || hint == "" {
				t.Errorf("%q %v", hint, err)
			}
			if body := bodyOf(t, b.logout("{}")); !strings.Contains(body, "https://op.example/logout?id_token_hint=") {
				t.Errorf("%s", body)
			}
		},
		"roles are those of the newest sign-in": func(t *testing.T) {
			h := newHouse(t, func(c *Config) {
				c.StaffRoles = []StaffRole{{Role: plr.RoleCaseworker, Issuer: issuer, Claim: "groups", Value: "cases"}}
			})
			b := h.browser()
			claim("groups", "cases")(h)
			b.signIn()
			if got := b.held().Roles; !reflect.DeepEqual(got, []plr.Role{plr.RoleCaseworker}) {
				t.Fatalf("roles %v", got)
			}
			h.op.claims = nil
			b.arrives(stepUp, "/")
			if got := b.held().Roles; len(got) != 0 {
				t.Errorf("roles %v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t) })
	}
}

// A token that cannot be taken back durably is not replaced.
func TestRenewFailsClosed(t *testing.T) {
	t.Parallel()
	t.Run("accounts down", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		token := b.signIn()
		b.want(isSignedIn) // so that the account is held
		h.book.edit(func(list map[string]*plr.Account) { h.book.fault = errors.New("canary") })
		_, _, err := h.renewSession(t.Context(), hashOf(useWebSession, token), "canary-token", &proof{})
		if err == nil || storeProblem(err) != ProblemAccountStoreUnavailable {
			t.Errorf("got %v", err)
		}
		h.book.edit(func(list map[string]*plr.Account) { h.book.fault = nil })
		if keys := h.sessionKeys(); !reflect.DeepEqual(keys, []string{sessionKey(hashOf(useWebSession, token))}) {
			t.Errorf("left: %v", keys)
		}
		b.want(isSignedIn)
	})
	t.Run("ended while renewed", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		hash := hashOf(useWebSession, b.signIn())
		h.book.ending = func() { h.mini.Del(sessionKey(hash)) }
		_, _, err := h.renewSession(t.Context(), hash, "canary-token", &proof{})
		if !errors.Is(err, errNoSession) || len(h.sessionKeys()) != 0 {
			t.Errorf("%v, left: %v", err, h.sessionKeys())
		}
	})
	t.Run("two at once", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		hash := hashOf(useWebSession, b.signIn())
		results := make(chan error)
		for range 6 {
			go func() {
				_, _, err := h.renewSession(t.Context(), hash, "canary-token", &proof{})
				results <- err
			}()
		}
		renewed := 0
		for range 6 {
			if err := <-results; err == nil {
				renewed++
			} else if !errors.Is(err, errNoSession) {
				t.Error(err)
			}
		}
		if renewed != 1 || len(h.sessionKeys()) != 1 {
			t.Errorf("%d renewed, left: %v", renewed, h.sessionKeys())
		}
	})
}

// The token that a tab still holds signs out of the session that has a new one by
// now, for a moment; it opens nothing.
func TestSignOutByTheTokenOfAMomentAgo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body  string
		after time.Duration
		ends  bool
		other bool // the other session of the account ends too
	}{
		"at once":             {"{}", 0, true, false},
		"everywhere, at once": {`{"everywhere":true}`, time.Millisecond, true, true},
		"later":               {"{}", successorLife, false, false},
		"everywhere, later":   {`{"everywhere":true}`, successorLife, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b, tab, other := h.browser(), h.browser(), h.browser()
			other.signIn()
			tab.cookies[SessionCookie] = b.signIn()
			b.arrives(stepUp, "/")
			tab.want(isExpired)
			h.pass(test.after)
			redirect := redirectOf(t, tab.logout(test.body))
			if toProvider := strings.HasPrefix(redirect, "https://op.example/logout?id_token_hint="); toProvider != test.ends {
				t.Errorf("leads to %q", redirect)
			}
			for who, ended := range map[*browser]bool{b: test.ends, other: test.other} {
				if got := who.who(); strings.HasPrefix(got, isSignedIn) == ended {
					t.Errorf("ended %t, and is %s", ended, got)
				}
			}
		})
	}
}

// Whatever ends a session while a step-up renews it, ends it: at every moment.
func TestAttack50RenewingRacesEnding(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, *browser){
		"signing out":            func(_ *house, b *browser) { b.logout("{}") },
		"signing out everywhere": func(_ *house, b *browser) { b.logout(`{"everywhere":true}`) },
		"staff": func(h *house, b *browser) {
			if err := h.endAllSessions(h.t.Context(), "act_00000000000000000000000001"); err != nil {
				h.t.Error(err)
			}
		},
		"signing out at the provider": func(h *house, _ *browser) { h.wantAccepted(h.backchannel(h.logoutToken(nil))) },
		"another browser": func(h *house, b *browser) {
			other := h.browser()
			other.cookies = map[string]string{SessionCookie: b.cookies["other"]}
			h.wantGone(other.own(http.MethodDelete, "/auth/sessions?except=current"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for range 25 {
				b, other := h.browser(), h.browser()
				old := b.signIn()
				b.cookies["other"] = other.signIn()
				other.steppedUp(h.clock.Now())
				h.pass(time.Second)
				query := h.op.authorize(b.depart(stepUp))
				tab := h.browser()
				for name, value := range b.cookies {
					tab.cookies[name] = value
				}
				var wg sync.WaitGroup
				wg.Go(func() { end(h, tab) })
				wg.Go(func() { b.back(query) })
				wg.Wait()
				if got := b.who(); strings.HasPrefix(got, isSignedIn) {
					t.Fatalf("lives on: %s", got)
				}
				b.cookies[SessionCookie] = old
				if got := b.who(); strings.HasPrefix(got, isSignedIn) {
					t.Fatalf("the old token lives on: %s", got)
				}
				h.pass(time.Minute)
			}
		})
	}
}

func (h *house) sessionKeys() []string {
	var keys []string
	for _, key := range h.mini.Keys() {
		if strings.HasPrefix(key, "lr:s:") {
			keys = append(keys, key)
		}
	}
	return keys
}
