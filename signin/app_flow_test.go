package signin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func TestAppSession(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	if got := p.tokens; got.ExpiresIn != 600 || got.RefreshExpiresIn != 1800 || !strings.HasPrefix(got.SessionID, "ses_") {
		t.Fatalf("got %+v", got)
	}
	p.want(isSignedIn)
	if got := p.seen(); got != "app fresh=true identity=false device=Ceri’s phone" {
		t.Errorf("seen as %q", got)
	}
	first := p.tokens
	h.pass(9 * time.Minute)
	p.renew()
	if p.tokens.AccessToken == first.AccessToken || p.tokens.RefreshToken == first.RefreshToken || p.tokens.SessionID != first.SessionID {
		t.Errorf("got %+v after %+v", p.tokens, first)
	}
	p.want(isSignedIn)
	h.browser().want(isExpired, header("Authorization", "Bearer "+first.AccessToken))
	// On the list of the account's sessions.
	hash, f := p.family()
	if entries, err := h.mini.ZMembers(indexKey(f.Account)); err != nil || len(entries) != 1 || entries[0] != f.Handle+".f."+hash {
		t.Errorf("listed %v, %v", entries, err)
	}
	resp := p.post("/auth/app/revoke", "token="+p.tokens.RefreshToken+"&client_id="+appID)
	if body := bodyOf(t, resp); resp.StatusCode != http.StatusOK || body != "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	p.want(isExpired)
	p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
	if entries, _ := h.mini.ZMembers(indexKey(f.Account)); len(entries) != 0 {
		t.Errorf("still listed: %v", entries)
	}
	if a := h.book.list[f.Account]; !a.SessionEnded(f.Handle, h.clock.Now()) {
		t.Error("the durable store was not told")
	}
}

func TestAppLimits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *house, *phone){
		"access token": func(_ *testing.T, h *house, p *phone) {
			p.signIn()
			h.pass(10*time.Minute - time.Second)
			p.want(isSignedIn)
			h.pass(time.Second)
			p.want(isExpired)
			p.renew()
			p.want(isSignedIn)
		},
		"idle": func(_ *testing.T, h *house, p *phone) {
			p.signIn()
			h.pass(9 * time.Minute)
			p.want(isSignedIn) // counts as being there
			h.pass(30*time.Minute - time.Second)
			p.renew()
			h.pass(30 * time.Minute)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"idle by our clock when Redis lags": func(_ *testing.T, h *house, p *phone) {
			p.signIn()
			h.clock.add(30 * time.Minute)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"absolute": func(t *testing.T, h *house, p *phone) {
			p.signIn()
			for range 28 { // 11 h 40 min
				h.pass(25 * time.Minute)
				p.renew()
			}
			h.pass(15 * time.Minute)
			p.renew()
			if p.tokens.ExpiresIn != 300 || p.tokens.RefreshExpiresIn != 300 {
				t.Errorf("got %+v", p.tokens)
			}
			h.pass(5 * time.Minute)
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"with a lock: no idle limit": func(t *testing.T, h *house, p *phone) {
			p.signIn("app_lock", "true")
			if p.tokens.RefreshExpiresIn != 30*24*3600 {
				t.Errorf("got %+v", p.tokens)
			}
			h.pass(29 * 24 * time.Hour)
			p.want(isExpired)
			p.renew()
			p.want(isSignedIn)
			h.pass(24*time.Hour - time.Second)
			p.renew()
			h.pass(time.Second)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"with a lock: a web sign-in shortens nothing": func(_ *testing.T, h *house, p *phone) {
			p.signIn("app_lock", "true")
			h.browser().signIn()
			h.pass(28 * 24 * time.Hour)
			p.renew()
		},
		"without a lock, said so": func(t *testing.T, _ *house, p *phone) {
			p.signIn("app_lock", "false")
			if p.tokens.RefreshExpiresIn != 1800 {
				t.Errorf("got %+v", p.tokens)
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

func TestAppSessionAndStores(t *testing.T) {
	t.Parallel()
	down := plr.Unavailable(nil, 0)
	for name, test := range map[string]func(*testing.T, *house, *phone){
		"Redis flushed": func(_ *testing.T, h *house, p *phone) {
			h.mini.FlushAll()
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"66 epoch lost, then made anew": func(_ *testing.T, h *house, p *phone) {
			_, f := p.family()
			h.mini.Del(epochKey(f.Account))
			p.want(isExpired)
			h.browser().signIn()
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"Redis restarts": func(_ *testing.T, h *house, p *phone) {
			dump := h.mini
			dump.Close()
			p.want(isUnknown)
			p.refuse(p.refreshForm(), http.StatusServiceUnavailable, "temporarily_unavailable")
			must(dump.Restart())
			p.want(isSignedIn)
			p.renew()
		},
		"accounts down": func(_ *testing.T, h *house, p *phone) {
			h.pass(2 * time.Second)
			h.book.fault = down
			p.want(isUnknown)
			p.refuse(p.refreshForm(), http.StatusServiceUnavailable, "temporarily_unavailable")
			h.book.fault = nil
			p.renew()
			p.want(isSignedIn)
		},
		"revoked from an older copy of Redis": func(t *testing.T, h *house, p *phone) {
			hash, _ := p.family()
			record, err := h.mini.Get(familyKey(hash))
			must(err)
			p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			h.mini.Set(familyKey(hash), record)
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			if strings.Contains(h.logs.String(), string(auditRefreshReused)) {
				t.Error("taken for reuse")
			}
		},
		"revoking while accounts are down": func(t *testing.T, h *house, p *phone) {
			_, f := p.family()
			h.book.fault = down
			resp := p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.wantFault(resp, bodyOf(t, resp), http.StatusServiceUnavailable, "temporarily_unavailable")
			h.book.fault = nil
			p.want(isExpired) // dead at once
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			if resp := p.post("/auth/app/revoke", "token="+p.tokens.AccessToken); resp.StatusCode != http.StatusOK {
				t.Errorf("again: %d", resp.StatusCode)
			}
			if a := h.book.list[f.Account]; !a.SessionEnded(f.Handle, h.clock.Now()) {
				t.Error("the durable store was not told, the second time")
			}
		},
		"revoking while Redis is down": func(t *testing.T, h *house, p *phone) {
			h.mini.Close()
			resp := p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.wantFault(resp, bodyOf(t, resp), http.StatusServiceUnavailable, "temporarily_unavailable")
			must(h.mini.Restart())
			p.want(isSignedIn)
		},
		"signed out everywhere": func(_ *testing.T, h *house, p *phone) {
			b := h.browser()
			b.signIn()
			h.pass(time.Second)
			b.logout(`{"everywhere":true}`)
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"a record bound to a key, of a newer replica": func(_ *testing.T, h *house, p *phone) {
			hash, _ := p.family()
			record, err := h.mini.Get(familyKey(hash))
			must(err)
			h.mini.Set(familyKey(hash), strings.Replace(record, `{"v":1`, `{"cnf":{"jkt":"x"},"v":1`, 1))
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			p.signIn()
			p.want(isSignedIn)
			test(t, h, p)
		})
	}
}
