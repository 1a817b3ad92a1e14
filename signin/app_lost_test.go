package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// lostReply has Redis do one command, on a key that begins so, whose answer then
// gets lost.
type lostReply struct {
	command, key string
	lost         bool
}

func (l *lostReply) DialHook(next redis.DialHook) redis.DialHook { return next }
func (l *lostReply) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (l *lostReply) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		args, at := cmd.Args(), 1
		if strings.HasPrefix(cmd.Name(), "eval") {
			at = 3
		}
		if err == nil && !l.lost && strings.HasPrefix(cmd.Name(), l.command) && len(args) > at && strings.HasPrefix(fmt.Sprint(args[at]), l.key) {
			l.lost = true
			err = errors.New("the answer is lost")
			cmd.SetErr(err)
		}
		return err
	}
}

// loses makes the house lose one answer from here on.
func (h *house) loses(command, key string) *lostReply {
	l := &lostReply{command: command, key: key}
	h.redis.AddHook(l)
	return l
}

// left gives the sessions that Redis still has a record of.
func (h *house) left() []string {
	return slices.DeleteFunc(h.mini.Keys(), func(key string) bool { return !strings.HasPrefix(key, "lr:f:") && !strings.HasPrefix(key, "lr:s:") })
}

// Redis did what it was asked, and the answer got lost: an app that is told to try
// again gets what it would have got, or signs in anew; no session is left over
// that nobody holds.
func TestAppAndLostAnswers(t *testing.T) {
	t.Parallel()
	stepUp := func(p *phone) url.Values {
		return p.form(p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`))))
	}
	for name, test := range map[string]func(*testing.T, *house, *phone){
		"a refresh": func(t *testing.T, h *house, p *phone) {
			p.signIn()
			form := p.refreshForm()
			l := h.loses("eval", "lr:f:")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			p.take(form)
			p.want(isSignedIn)
			p.renew()
			if !l.lost || len(h.left()) != 1 {
				t.Errorf("%v", h.left())
			}
		},
		"taking a code": func(t *testing.T, h *house, p *phone) {
			form := p.form(p.code(p.query()))
			l := h.loses("eval", "lr:code:")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
			if !l.lost || len(h.left()) != 0 {
				t.Errorf("%v", h.left())
			}
		},
		"writing the session": func(t *testing.T, h *house, p *phone) {
			form := p.form(p.code(p.query()))
			l := h.loses("set", "lr:f:")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			if !l.lost || len(h.left()) != 0 {
				t.Errorf("%v", h.left())
			}
		},
		"listing the session": func(t *testing.T, h *house, p *phone) {
			form := p.form(p.code(p.query()))
			l := h.loses("eval", "lr:a:{act_00000000000000000000000001}:idx")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			if !l.lost || len(h.left()) != 0 || h.mini.Exists(indexKey("act_00000000000000000000000001")) {
				t.Errorf("%v", h.mini.Keys())
			}
		},
		"a browser's session being listed": func(t *testing.T, h *house, p *phone) {
			l := h.loses("eval", "lr:a:{act_00000000000000000000000001}:idx")
			u := p.browser.leave("")
			h.wantPage(p.browser.back(h.op.authorize(u)), ProblemSessionStoreUnavailable)
			if !l.lost || len(h.left()) != 0 {
				t.Errorf("%v", h.left())
			}
		},
		"seeing whether the code came again": func(t *testing.T, h *house, p *phone) {
			form := p.form(p.code(p.query()))
			l := h.loses("getrange", "lr:code:")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			if !l.lost || len(h.left()) != 0 {
				t.Errorf("%v", h.left())
			}
		},
		"taking the code of a step-up": func(t *testing.T, h *house, p *phone) {
			p.signIn()
			form := stepUp(p)
			l := h.loses("eval", "lr:code:")
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
			if p.want(isSignedIn); !l.lost {
				t.Error("nothing was lost")
			}
			p.renew() // nothing came of the code
		},
		"a hand-off": func(t *testing.T, h *house, p *phone) {
			p.signIn()
			query := with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`))
			l := h.loses("getdel", "lr:handoff:")
			p.refusedWith(p.authorize(query), "temporarily_unavailable", ProblemSessionStoreUnavailable)
			p.refusedWith(p.authorize(query), "invalid_request", ProblemHandoffInvalid)
			if p.want(isSignedIn); !l.lost {
				t.Error("nothing was lost")
			}
		},
		"revoking": func(t *testing.T, h *house, p *phone) {
			p.signIn()
			l := h.loses("del", "lr:f:")
			for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
				if resp := p.post("/auth/app/revoke", "token="+p.tokens.AccessToken); resp.StatusCode != want {
					t.Errorf("%d, want %d", resp.StatusCode, want)
				}
				p.want(isExpired)
			}
			if !l.lost {
				t.Error("nothing was lost")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			test(t, h, h.phone())
		})
	}
}

// Whoever catches the code of a step-up cannot trade it, and signs nobody out.
// What was got by a code still ends with its second use.
func TestAttack53CaughtStepUpCode(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	code := func() url.Values {
		return p.form(p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`))))
	}
	form := code()
	p.refuse(with(form, "code_verifier", strings.Repeat("x", 43)), http.StatusBadRequest, "invalid_grant")
	p.refuse(form, http.StatusBadRequest, "invalid_grant")
	p.want(isSignedIn)
	p.renew()
	form = code()
	p.take(form)
	p.renew()
	p.refuse(form, http.StatusBadRequest, "invalid_grant")
	p.want(isExpired)
}

// A Redis that lost its last writes has the refresh token before in force again.
// Whoever has kept it gets no further than to the app's next refresh, which ends
// the session for good.
func TestAttack51AfterLostWrites(t *testing.T) {
	t.Parallel()
	for name, thief := range map[string]bool{"a thief comes first": true, "the app alone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p, other := h.phone(), h.phone()
			p.signIn()
			hash, f := p.family()
			record, err := h.mini.Get(familyKey(hash))
			must(err)
			other.tokens = p.tokens
			p.renew()
			h.mini.Set(familyKey(hash), record)
			if thief {
				other.renew()
			}
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			for range 2 {
				other.want(isExpired)
				other.refuse(other.refreshForm(), http.StatusBadRequest, "invalid_grant")
				h.mini.Set(familyKey(hash), record)
			}
			if got := h.book.list[f.Account].Notices; len(got) != 1 || got[0].Kind != plr.NoticeTokenReused {
				t.Errorf("the person is told %v", got)
			}
		})
	}
}

// The person is told of a reused token once it is durable that the session has
// ended; that nobody could be told keeps no session alive.
func TestAttack51Notice(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	_, f := p.family()
	stolen := p.refreshForm()
	p.renew()
	h.pass(refreshGrace)
	h.book.ending = func() { h.book.untold = true }
	p.refuse(stolen, http.StatusBadRequest, "invalid_grant")
	p.want(isExpired)
	if !strings.Contains(h.logs.String(), "nobody told of a reused token") || len(h.book.list[f.Account].Notices) != 0 {
		t.Errorf("%v\n%s", h.book.list[f.Account].Notices, h.logs)
	}
}

// A clock that is behind, or was set back, signs out everywhere: no session comes
// back that began by another clock, nor one that began since.
func TestAttack66SignedOutByAClockBehind(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	type kept struct {
		key, record string
		want        func(string)
	}
	var all []kept
	var account string
	for round := range 3 {
		b, p := h.browser(), h.phone()
		b.signIn()
		p.signIn()
		key, record := b.record()
		hash, _ := p.family()
		family, err := h.mini.Get(familyKey(hash))
		must(err)
		all = append(all, kept{key, record, func(state string) { b.want(state) }}, kept{familyKey(hash), family, p.want})
		account = b.account()
		epoch, err := h.mini.Get(epochKey(account))
		must(err)
		h.pass(-10 * time.Second)
		must(h.endAllSessions(t.Context(), account))
		h.mini.Set(epochKey(account), epoch)
		for i, k := range all {
			h.mini.Set(k.key, k.record)
			if k.want(isExpired); t.Failed() {
				t.Fatalf("round %d: session %d lives", round, i)
			}
		}
	}
	b := h.browser()
	b.signIn()
	b.want(isSignedIn)
}

// The durable store forgets a session that was ended when its record, should an
// older copy of Redis have it, has reached its limit by itself: not before.
func TestAttack66OldCopyLongAfter(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	locked, plain, b := h.phone(), h.phone(), h.browser()
	locked.signIn("app_lock", "true")
	plain.signIn()
	b.signIn()
	account := b.account()
	epoch, err := h.mini.Get(epochKey(account))
	must(err)
	copies := map[string]string{}
	for _, key := range h.left() {
		copies[key], err = h.mini.Get(key)
		must(err)
	}
	token := b.cookies[SessionCookie]
	for _, p := range []*phone{locked, plain} {
		p.post("/auth/app/revoke", "token="+p.tokens.RefreshToken)
	}
	b.logout("")
	for _, wait := range []time.Duration{0, 29 * time.Minute, 2 * time.Minute, 31 * time.Minute, 5 * time.Hour, 20 * 24 * time.Hour} {
		h.pass(wait)
		other := h.browser()
		other.signIn()
		other.logout("") // what may be forgotten is forgotten now
		for key, record := range copies {
			h.mini.Set(key, record)
		}
		h.mini.Set(epochKey(account), epoch)
		for _, p := range []*phone{locked, plain} {
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			h.mini.Set(epochKey(account), epoch)
		}
		b.cookies[SessionCookie] = token
		b.want(isExpired)
	}
	if n := len(h.book.list[account].EndedSessions); n > 2 { // the locked one, and the last
		t.Errorf("%d are remembered", n)
	}
}

// What an app says about its lock counts when its session begins: a step-up
// neither prolongs a session nor shortens it.
func TestAppLockAtStepUp(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"true", "false"} {
		for _, later := range []string{"true", "false", ""} {
			h := newAppHouse(t)
			p := h.phone()
			p.signIn("app_lock", lock)
			_, before := p.family()
			h.pass(time.Minute)
			form := p.form(p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`))))
			p.take(with(form, "app_lock", later))
			if _, after := p.family(); after.AppLock != before.AppLock || after.Idle != before.Idle || after.AbsoluteAt != before.AbsoluteAt {
				t.Errorf("%s, then %q: %+v, then %+v", lock, later, before.session, after.session)
			}
		}
	}
}
