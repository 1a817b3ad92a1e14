package signin

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func TestAppIdentity(t *testing.T) {
	t.Parallel()
	identity := func(p *phone, body string) url.Values {
		return with(p.query(), "action", "identity", "handoff", p.handoff(body))
	}
	bind := func(h *house) {
		h.book.edit(func(list map[string]*plr.Account) {
			for _, a := range list {
				a.ULN = "9900000004"
			}
		})
	}
	for name, test := range map[string]func(*testing.T, *house, *phone){
		"proved": func(t *testing.T, h *house, p *phone) {
			h.pass(6 * time.Minute)
			old := p.tokens
			p.take(p.form(p.code(identity(p, `{"action":"identity"}`))))
			_, f := p.family()
			if got := h.book.proved[f.Account]; len(got) != 1 || !reflect.DeepEqual(got[0], verified(h.clock.Now())) {
				t.Errorf("kept %+v", got)
			}
			if got := p.seen(); !strings.HasPrefix(got, "app fresh=true identity=true") || p.tokens.SessionID != old.SessionID {
				t.Errorf("seen as %q", got)
			}
			p.tokens = old
			p.want(isExpired)
		},
		"not proved": func(_ *testing.T, h *house, p *phone) {
			h.op.bend(func() { h.op.userInfo = func(info map[string]any) { delete(info, coreClaim) } })
			u := p.leave(identity(p, `{"action":"identity"}`))
			p.refusedWith(p.browser.back(h.op.authorize(u)), "access_denied", ProblemIdentityNotProved)
			p.want(isSignedIn)
		},
		"the session ends on the way: nothing is kept": func(t *testing.T, h *house, p *phone) {
			u := p.leave(identity(p, `{"action":"identity"}`))
			p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.refusedWith(p.browser.back(h.op.authorize(u)), "login_required", ProblemSessionExpired)
			if len(h.book.proved) != 0 {
				t.Errorf("kept %+v", h.book.proved)
			}
		},
		"bound already, and to be renewed": func(_ *testing.T, h *house, p *phone) {
			bind(h)
			p.refusedWith(p.authorize(identity(p, `{"action":"identity"}`)), "access_denied", ProblemAlreadyBound)
			p.take(p.form(p.code(identity(p, `{"action":"identity","renew":true}`))))
			p.want(isSignedIn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t, oneLogin)
			p := h.phone()
			p.signIn()
			test(t, h, p)
		})
	}
	// Where nobody can prove their identity.
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	p.refusedWith(p.authorize(identity(p, `{"action":"identity"}`)), "access_denied", ProblemIdentityUnavailable)
}

// 57: a provider that lets the person pass by an older sign-in, or finds that it is
// not they.
func TestAppStepUpFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(*house, *url.URL) url.Values
		ends   bool
	}{
		"57 an old sign-in": {answer: func(h *house, u *url.URL) url.Values {
			h.op.bend(func() {
				h.op.claims = func(c map[string]any) { c["auth_time"] = h.clock.Now().Add(-10 * time.Minute).Unix() }
			})
			return h.op.authorize(u)
		}},
		"57 login_required": {ends: true, answer: func(_ *house, u *url.URL) url.Values {
			return url.Values{"error": {"login_required"}, "state": {u.Query().Get("state")}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			p.signIn()
			u := p.leave(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`)))
			p.refusedWith(p.browser.back(test.answer(h, u)), "access_denied", ProblemReauthFailed)
			if test.ends {
				p.want(isExpired)
			} else {
				p.want(isSignedIn)
			}
		})
	}
}
