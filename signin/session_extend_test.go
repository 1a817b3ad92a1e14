package signin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func TestExtendSession(t *testing.T) {
	t.Parallel()
	extend := func(b *browser) *http.Response { return b.own(http.MethodPost, "/auth/session/extend") }
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"moves the idle limit": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			h.pass(28 * time.Minute)
			resp := extend(b)
			body := bodyOf(t, resp)
			var got struct {
				Authenticated bool
				Session       struct{ IdleExpiresAt, LastSeenAt string }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusOK || !got.Authenticated ||
				got.Session.IdleExpiresAt != "2026-11-21T12:58:00.000Z" || got.Session.LastSeenAt != "2026-11-21T12:28:00.000Z" {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if status := bodyOf(t, b.get("/auth/session")); status != body {
				t.Errorf("then %s, before %s", status, body)
			}
			h.pass(29 * time.Minute)
			b.want(isSignedIn)
		},
		"writes at most once a minute": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			_, before := b.record()
			h.pass(59 * time.Second)
			if resp := extend(b); resp.StatusCode != http.StatusOK {
				t.Error(resp.StatusCode)
			}
			if _, after := b.record(); after != before {
				t.Error("written")
			}
		},
		"never beyond the absolute limit": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			for range 28 { // 11 h 40 min
				h.pass(25 * time.Minute)
				extend(b)
			}
			if body := bodyOf(t, extend(b)); !strings.Contains(body, `"idleExpiresAt":"2026-11-22T00:00:00.000Z"`) {
				t.Errorf("got %s", body)
			}
			h.pass(20 * time.Minute)
			h.wantJSON(extend(b), http.StatusUnauthorized, ProblemSessionExpired)
		},
		"revives nothing": func(t *testing.T, h *house, b *browser) {
			h.wantJSON(extend(b), http.StatusUnauthorized, ProblemUnauthenticated)
			b.signIn()
			key, _ := b.record()
			h.pass(30 * time.Minute)
			h.wantJSON(extend(b), http.StatusUnauthorized, ProblemSessionExpired)
			if h.mini.Exists(key) {
				t.Error("revived")
			}
		},
		"cannot be written": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.pass(2 * time.Minute)
			h.redis = readOnly{h.redis}
			h.wantJSON(extend(b), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
			b.want(isSignedIn)
		},
		"stores away": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
			h.wantJSON(extend(b), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
			h.mini.SetError("LOADING")
			h.wantJSON(extend(b), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		},
		"what another site can send": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			h.wantJSON(b.do(http.MethodPost, "/auth/session/extend", ""), http.StatusForbidden, ProblemCrossOrigin)
			h.wantJSON(b.do(http.MethodPost, "/auth/session/extend", "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", "text/plain")),
				http.StatusUnsupportedMediaType, ProblemUnsupportedMediaType)
			if resp := b.do(http.MethodPost, "/auth/session/extend", "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json")); resp.StatusCode != http.StatusOK {
				h.t.Errorf("got %d", resp.StatusCode)
			}
		},
	})
}
