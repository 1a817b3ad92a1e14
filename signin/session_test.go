package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// key and record of the session that b holds.
func (b *browser) record() (key, record string) {
	b.h.t.Helper()
	key = sessionKey(hashOf(useWebSession, b.cookies[SessionCookie]))
	record, err := b.h.mini.Get(key)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return key, record
}

func (b *browser) account() string {
	b.h.t.Helper()
	_, record := b.record()
	var e session
	if err := json.Unmarshal([]byte(record), &e); err != nil {
		b.h.t.Fatal(err)
	}
	return e.Account
}

const (
	isSignedIn = "signed in"
	isExpired  = "expired SESSION_EXPIRED"
	isNobody   = "none UNAUTHENTICATED"
	isUnknown  = "unavailable UNAVAILABLE"
)

func (b *browser) want(state string, changes ...change) {
	b.h.t.Helper()
	got := b.who(changes...)
	if state == isSignedIn {
		if !strings.HasPrefix(got, "signed in act_") {
			b.h.t.Fatalf("who: %s\n%s", got, b.h.logs)
		}
	} else if got != state {
		b.h.t.Fatalf("who: %s, want %s", got, state)
	}
}

func TestSessionLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *house, *browser){
		"idle": func(_ *testing.T, h *house, b *browser) {
			h.pass(29 * time.Minute)
			b.want(isSignedIn)
			h.pass(29 * time.Minute)
			b.want(isSignedIn)
			h.pass(30 * time.Minute)
			b.want(isExpired)
		},
		"idle by our clock when Redis lags": func(_ *testing.T, h *house, b *browser) {
			h.clock.add(30 * time.Minute)
			b.want(isExpired)
		},
		"idle by Redis when our clock lags": func(_ *testing.T, h *house, b *browser) {
			h.mini.FastForward(30 * time.Minute)
			b.want(isExpired)
		},
		"absolute": func(_ *testing.T, h *house, b *browser) {
			for range 28 { // 11 h 40 min
				h.pass(25 * time.Minute)
				b.want(isSignedIn)
			}
			h.pass(19 * time.Minute)
			b.want(isSignedIn)
			h.pass(time.Minute)
			b.want(isExpired)
		},
		"extended at most once a minute": func(t *testing.T, h *house, b *browser) {
			_, before := b.record()
			h.pass(59 * time.Second)
			b.want(isSignedIn)
			if _, after := b.record(); after != before {
				t.Error("written within the minute")
			}
			h.pass(time.Second)
			b.want(isSignedIn)
			if _, after := b.record(); after == before {
				t.Error("not extended after a minute")
			}
			if left := h.mini.TTL(sessionKey(hashOf(useWebSession, b.cookies[SessionCookie]))); left != 30*time.Minute {
				t.Errorf("TTL %s", left)
			}
		},
		"pages under /auth/ extend nothing": func(t *testing.T, h *house, b *browser) {
			_, before := b.record()
			h.pass(5 * time.Minute)
			inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if From(r.Context()).State != StateSignedIn {
					t.Error("not signed in")
				}
			})
			h.app = h.Identify(inner)
			b.get("/auth-not")
			b.h.app = h.Identify(http.HandlerFunc(h.Session))
			_, touched := b.record()
			if touched == before {
				t.Error("a page was not counted as activity")
			}
			h.pass(5 * time.Minute)
			b.get("/auth/session")
			if _, after := b.record(); after != touched {
				t.Error("/auth/session extended the session")
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

// eachWith runs every test with a house and a browser of its own.
func eachWith(t *testing.T, tests map[string]func(*testing.T, *house, *browser)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			test(t, h, h.browser())
		})
	}
}

func TestAttack33SessionFixation(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"fixation": func(t *testing.T, h *house, victim *browser) {
			attacker := h.browser()
			planted := attacker.signIn()
			victim.cookies[SessionCookie] = planted
			if got := victim.signIn(); got == planted {
				t.Error("the token was kept over the login")
			}
			attacker.want(isExpired)
			victim.want(isSignedIn)
		},
		"a new token at each login, the old one dead": func(_ *testing.T, h *house, b *browser) {
			old := h.browser()
			old.cookies[SessionCookie] = b.signIn()
			b.signIn()
			old.want(isExpired)
			b.want(isSignedIn)
		},
		"a session begun meanwhile, from a provider on our own site": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			txn := b.cookies[TransactionCookie]
			between := h.browser()
			between.cookies[SessionCookie] = b.signIn()
			b.cookies[TransactionCookie] = txn
			b.get("/auth/callback?"+query.Encode(), header("Sec-Fetch-Site", "same-site")) // the strict cookie comes along
			b.want(isSignedIn)
			between.want(isExpired)
		},
		"a planted token of no session": func(_ *testing.T, h *house, b *browser) {
			planted := sessionPrefix + strings.Repeat("A", 43)
			b.cookies[SessionCookie] = planted
			if b.signIn() == planted {
				h.t.Error("adopted")
			}
		},
		"a refused sign-in ends no session": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			query := h.op.authorize(b.leave(""))
			query.Set("code", "wrong")
			h.wantPage(b.back(query), ProblemTokenExchangeFailed)
			b.want(isSignedIn)
		},
	})
}

func TestAttack34CookieTossing(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"two session cookies": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			b.want(isExpired, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: SessionCookie, Value: "tossed"}) })
			if _, kept := b.cookies[SessionCookie]; kept {
				t.Error("not cleared")
			}
			if n := strings.Count(h.logs.String(), `"code":"duplicate_cookie"`); n != 1 {
				t.Errorf("%d audit lines", n)
			}
		},
	})
}

func TestAttack37CookieAndBearer(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"cookie and bearer": func(t *testing.T, h *house, b *browser) {
			token := b.signIn()
			for _, value := range []string{"Bearer " + token, "bearer x", "BEARER", "  Bearer x"} {
				resp := b.do(http.MethodPost, "/graphql", "", header("Authorization", value))
				h.wantJSON(resp, http.StatusBadRequest, ProblemAmbiguousCredentials)
				h.wantJSON(b.get("/auth/session", header("Authorization", value)), http.StatusBadRequest, ProblemAmbiguousCredentials)
				h.wantJSON(b.logout("{}", header("Authorization", value)), http.StatusBadRequest, ProblemAmbiguousCredentials)
			}
			b.want(isSignedIn, header("Authorization", "Basic eDp5"))
		},
	})
}

func TestAttack38TokenOfAnotherUse(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"a cookie's token as bearer": func(t *testing.T, h *house, b *browser) {
			token := b.signIn()
			for _, value := range []string{
				"Bearer " + token, "Bearer", "bearer  ", "Bearer x", "Bearer lra_" + token[4:], "Bearer lrr_" + token[4:],
				"Bearer lra_", "Bearer " + strings.Repeat("x", 9000), "Bearer " + hashOf(useWebSession, token),
			} {
				h.browser().want(isExpired, header("Authorization", value))
			}
			h.browser().want(isNobody, header("Authorization", "Basic eDp5"))
			h.browser().want(isExpired, header("Authorization", "Bearer lra_x"), header("Authorization", "Bearer lra_y"))
			b.want(isSignedIn)
		},
		"tokens of another kind as cookie": func(_ *testing.T, h *house, b *browser) {
			token := b.signIn()
			for _, value := range []string{
				"lra_" + token[4:], token[4:], token + "x", "x", "", strings.Repeat("x", 5000),
				hashOf(useWebSession, token), sessionPrefix + strings.Repeat("B", 43),
			} {
				other := h.browser()
				other.cookies[SessionCookie] = value
				other.want(isExpired)
			}
		},
		"the browser's secret as session": func(_ *testing.T, h *house, b *browser) {
			b.leave("")
			b.cookies[SessionCookie] = sessionPrefix + b.cookies[TransactionCookie]
			b.want(isExpired)
		},
	})
}

func TestAttack66RedisForgets(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"flush": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.mini.FlushAll()
			b.want(isExpired)
			b.signIn()
			b.want(isSignedIn)
		},
		"epoch key evicted": func(_ *testing.T, h *house, b *browser) {
			old := h.browser()
			old.signIn()
			h.mini.Del(epochKey(old.account()))
			old.want(isExpired)
			b.signIn() // makes the key anew
			b.want(isSignedIn)
			old.want(isExpired)
		},
		"a record restored after a flush": func(_ *testing.T, h *house, b *browser) {
			old := h.browser()
			old.signIn()
			key, record := old.record()
			h.mini.FlushAll()
			b.signIn()
			h.mini.Set(key, record)
			old.want(isExpired)
		},
		"epoch lost between two sign-outs everywhere": func(_ *testing.T, h *house, b *browser) {
			var old []*browser
			for range 3 {
				other := h.browser()
				other.signIn()
				account := other.account()
				old = append(old, other)
				h.mini.Del(epochKey(account))
				if err := h.endAllSessions(h.t.Context(), account); err != nil {
					h.t.Fatal(err)
				}
				// Only Redis' word is tried here.
				h.book.edit(func(list map[string]*plr.Account) { list[account].SessionsInvalidBefore = time.Time{} })
				b.signIn()
				for _, o := range old {
					o.want(isExpired)
				}
			}
		},
		"stale Redis after a sign-out everywhere": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			account := b.account()
			key, record := b.record()
			epoch, _ := h.mini.Get(epochKey(account))
			h.clock.add(time.Second)
			if err := h.endAllSessions(h.t.Context(), account); err != nil {
				h.t.Fatal(err)
			}
			b.want(isExpired)
			h.mini.Set(key, record)
			h.mini.Set(epochKey(account), epoch)
			b.want(isExpired)
		},
		"stale Redis after signing out of one session": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			other := h.browser()
			other.signIn()
			key, record := b.record()
			token := b.cookies[SessionCookie]
			if resp := b.logout(""); resp.StatusCode != http.StatusOK {
				h.t.Fatal(resp.StatusCode)
			}
			h.mini.Set(key, record)
			b.cookies[SessionCookie] = token
			b.want(isExpired)
			other.want(isSignedIn)
		},
		"stale Redis after signing in anew": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			key, record := b.record()
			old := b.cookies[SessionCookie]
			b.signIn()
			h.mini.Set(key, record)
			b.want(isSignedIn)
			b.cookies[SessionCookie] = old
			b.want(isExpired)
		},
		"ended durably by another replica": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			account := b.account()
			h.book.edit(func(list map[string]*plr.Account) { list[account].ULN = "7673614579" })
			h.pass(time.Minute)
			b.want(isSignedIn) // and held in the cache
			if err := h.book.EndSessions(context.Background(), account, time.Time{}); err != nil {
				h.t.Fatal(err)
			}
			b.want(isSignedIn)
			h.pass(accountAge)
			b.want(isExpired)
		},
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"signing out while the durable store is away": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			token := b.cookies[SessionCookie]
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("away"), time.Second) })
			if resp := b.logout(""); resp.StatusCode != http.StatusOK {
				h.t.Fatal(resp.StatusCode)
			}
			if !strings.Contains(h.logs.String(), "signed out in Redis only") {
				h.t.Error("nobody is told")
			}
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = nil })
			b.cookies[SessionCookie] = token
			b.want(isExpired)
		},
		"a sign-in that runs out of time leaves nothing": func(t *testing.T, h *house, b *browser) {
			// First while it is listed, for Redis does not know the script yet; then before
			// anybody has looked whether it lives.
			for range 2 {
				query := h.op.authorize(b.leave(""))
				ctx, cancel := context.WithCancel(t.Context())
				h.mini.Server().SetPreHook(func(_ *server.Peer, command string, args ...string) bool {
					if len(args) > 2 && strings.HasSuffix(args[2], ":idx") {
						cancel()
					}
					return false
				})
				resp := b.back(query, func(r *http.Request) { *r = *r.WithContext(ctx) })
				h.mini.Server().SetPreHook(nil)
				if ctx.Err() == nil {
					t.Error("ran to the end")
				}
				cancel()
				h.wantPage(resp, ProblemSessionStoreUnavailable)
				if dump := h.mini.Dump(); strings.Contains(dump, "lr:s:") || strings.Contains(dump, ":idx") {
					t.Errorf("left behind:\n%s", dump)
				}
				if err := listSessionScript.Load(t.Context(), h.redis).Err(); err != nil {
					t.Fatal(err)
				}
			}
		},
		"a record of another form": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			key, _ := b.record()
			for _, record := range []string{"", "x", "null", "{}", `{"v":2}`} {
				h.mini.Set(key, record)
				b.want(isExpired)
			}
		},
	})
}

func TestAttack70AccountGone(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"sessions ended by staff": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.pass(time.Second)
			if err := h.book.EndSessions(h.t.Context(), b.account(), time.Time{}); err != nil {
				h.t.Fatal(err)
			}
			b.want(isExpired)
			h.wantJSON(b.get("/auth/sessions"), http.StatusUnauthorized, ProblemSessionExpired)
			h.wantJSON(b.own(http.MethodPost, "/auth/session/extend"), http.StatusUnauthorized, ProblemSessionExpired)
		},
		"account deleted": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.book.edit(func(list map[string]*plr.Account) { clear(list) })
			b.want(isExpired)
		},
	})
}

func TestStoresDown(t *testing.T) {
	t.Parallel()
	t.Run("Redis", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		query := h.op.authorize(b.leave(""))
		h.mini.SetError("LOADING the dataset is not in memory")
		b.want(isUnknown)
		if !strings.Contains(h.logs.String(), "Redis refused: LOADING") {
			t.Errorf("no word of what is wrong:\n%s", h.logs)
		}
		h.browser().want(isNobody)
		malformed := h.browser()
		malformed.cookies[SessionCookie] = "x"
		malformed.want(isExpired)
		h.wantPage(b.back(query), ProblemSessionStoreUnavailable)
		h.wantJSON(b.get("/auth/login"), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		h.wantPage(b.get("/auth/login", header("Accept", "text/html")), ProblemSessionStoreUnavailable)
		h.wantJSON(b.logout("{}"), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		if _, kept := b.cookies[SessionCookie]; !kept {
			t.Error("the cookie is gone while the session lives")
		}
		h.mini.SetError("")
		b.want(isSignedIn)
		h.mini.Close()
		b.want(isUnknown)
	})
	t.Run("Redis full", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		h.pass(2 * time.Minute)
		h.redis = readOnly{h.redis}
		b.want(isSignedIn)
		if !strings.Contains(h.logs.String(), "session not extended") {
			t.Error("nobody was told")
		}
	})
	t.Run("accounts", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		query := h.op.authorize(b.leave(""))
		h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
		b.want(isUnknown)
		h.wantPage(b.back(query), ProblemAccountStoreUnavailable)
		h.wantJSON(b.get("/auth/session"), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
		h.wantJSON(b.logout(`{"everywhere":true}`), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
	})
}

// readOnly is a Redis that has reached its memory limit: it reads and refuses to
// write.
type readOnly struct{ redis.UniversalClient }

func (r readOnly) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(errors.New("OOM command not allowed when used memory > 'maxmemory'"))
	return cmd
}

func TestAccountCache(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	accounts := &book{clock: c, list: map[string]*plr.Account{"bound": {ID: "bound", ULN: "7673614579"}, "new": {ID: "new"}}}
	cache := newAccountCache(accounts, c.Now)
	read := func(id string, want int) {
		t.Helper()
		a, err := cache.account(t.Context(), id)
		if err != nil || a.ID != id || accounts.reads != want {
			t.Fatalf("%v, %v, %d reads, want %d", a, err, accounts.reads, want)
		}
		a.ULN = "changed by the caller"
	}
	read("bound", 1)
	read("bound", 1)
	if a, _ := cache.account(t.Context(), "bound"); a.ULN != "7673614579" {
		t.Error("the caller's change was kept")
	}
	read("new", 2)
	read("new", 3) // an account without a record is never held
	c.add(accountAge - 1)
	read("bound", 3)
	c.add(1)
	read("bound", 4)
	cache.forget("bound")
	read("bound", 5)
	c.add(-time.Hour) // set back: what was read is not young for an hour
	read("bound", 6)
	for range 5 {
		c.add(accountAge)
		read("bound", accounts.reads+1)
	}
	if n := len(cache.young) + len(cache.old); n > 2 {
		t.Errorf("%d held", n)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := cache.account(t.Context(), "bound"); err != nil {
					t.Error(err)
				}
				cache.forget("bound")
			}
		})
	}
	wg.Wait()
}

func TestWho(t *testing.T) {
	t.Parallel()
	if who := From(t.Context()); who.State != StateNone || who.Account != nil {
		t.Errorf("without the middleware: %+v", who)
	}
	for want, who := range map[plr.Code]Who{
		plr.CodeUnauthenticated: {}, plr.CodeSessionExpired: {State: StateExpired}, plr.CodeUnavailable: {State: StateUnavailable},
	} {
		account, err := who.Require()
		var refusal *plr.Error
		if account != nil || !errors.As(err, &refusal) || refusal.Code != want || refusal.Text.EN == "" || refusal.Text.CY == "" {
			t.Errorf("%s: %v %v", who.State, account, err)
		}
	}
	if account, err := (Who{State: StateSignedIn}).Require(); account != nil || plr.CodeOf(err) != plr.CodeUnauthenticated {
		t.Errorf("signed in without an account: %v %v", account, err)
	}
	cause := errors.New("cause")
	if _, err := (Who{State: StateUnavailable, cause: cause}).Require(); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

func TestSealKeysRotate(t *testing.T) {
	t.Parallel()
	first := SealKey{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}
	second := SealKey{ID: "k2", Key: bytes.Repeat([]byte{2}, 32)}
	old, err := newSealer([]SealKey{first}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := old.seal("text", "context")
	if err != nil {
		t.Fatal(err)
	}
	rotated, _ := newSealer([]SealKey{second, first}, rand.Reader)
	if got, err := rotated.open(sealed, "context"); got != "text" {
		t.Errorf("%q %v", got, err)
	}
	if again, _ := rotated.seal("text", "context"); !strings.HasPrefix(again, "k2.") {
		t.Errorf("sealed as %q", again)
	}
	dropped, _ := newSealer([]SealKey{second}, rand.Reader)
	for name, open := range map[string]func() (string, error){
		"key gone":      func() (string, error) { return dropped.open(sealed, "context") },
		"other context": func() (string, error) { return rotated.open(sealed, "other") },
		"altered":       func() (string, error) { return rotated.open(sealed[:len(sealed)-2]+"AA", "context") },
		"short":         func() (string, error) { return rotated.open("k1.AAAA", "context") },
		"empty":         func() (string, error) { return rotated.open("", "context") },
		"not base64":    func() (string, error) { return rotated.open("k1.!", "context") },
		"other key":     func() (string, error) { return rotated.open("k2"+sealed[2:], "context") },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}
