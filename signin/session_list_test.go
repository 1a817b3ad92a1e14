package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
)

// steppedUp marks the session as signed in freshly at this time; the zero time
// takes that away.
func (b *browser) steppedUp(at time.Time) {
	b.h.t.Helper()
	key, record := b.record()
	var members map[string]any
	if err := json.Unmarshal([]byte(record), &members); err != nil {
		b.h.t.Fatal(err)
	}
	delete(members, "stepUpAt")
	if !at.IsZero() {
		members["stepUpAt"] = at.UnixMilli()
	}
	changed, err := json.Marshal(members)
	if err != nil {
		b.h.t.Fatal(err)
	}
	left := b.h.mini.TTL(key)
	b.h.mini.Set(key, string(changed))
	b.h.mini.SetTTL(key, left)
}

// own sends what our own page sends.
func (b *browser) own(method, target string, changes ...change) *http.Response {
	return b.do(method, target, "", append([]change{header(RequestedByHeader, RequestedBy)}, changes...)...)
}

// id of the session that b holds.
func (b *browser) id() string {
	b.h.t.Helper()
	_, record := b.record()
	e, err := parseSession(record)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return e.Handle
}

func (b *browser) list() []listedSessionJSON {
	b.h.t.Helper()
	resp := b.get("/auth/sessions")
	body := bodyOf(b.h.t, resp)
	var out sessionListJSON
	if err := json.Unmarshal([]byte(body), &out); err != nil || resp.StatusCode != http.StatusOK {
		b.h.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return out.Sessions
}

func (h *house) wantGone(resp *http.Response) {
	h.t.Helper()
	if body := bodyOf(h.t, resp); resp.StatusCode != http.StatusNoContent || body != "" {
		h.t.Fatalf("got %d %q\n%s", resp.StatusCode, body, h.logs)
	}
}

// wantStepUp checks that the way to a fresh sign-in is told.
func (h *house) wantStepUp(resp *http.Response) {
	h.t.Helper()
	body := bodyOf(h.t, resp)
	var got struct {
		Status          int
		Type, Code, Ref string
		StepUp          struct{ URL, Action string }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" ||
		resp.StatusCode != http.StatusUnauthorized || got.Status != resp.StatusCode || got.Type != "about:blank" || got.Code != "step_up_required" ||
		got.StepUp.URL != publicURL+"/auth/step-up?action=end_sessions&return_to=/" || got.StepUp.Action != string(plr.ActionEndSessions) {
		h.t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	h.wantAudit(got.Ref, ProblemStepUpRequired)
}

func TestSessionList(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"newest first, the own one marked": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			h.pass(90 * time.Second)
			other := h.browser()
			other.signIn()
			want := []listedSessionJSON{
				{ID: other.id(), Kind: KindWeb, CreatedAt: "2026-11-21T12:01:30.000Z", LastSeenAt: "2026-11-21T12:01:30.000Z"},
				{ID: b.id(), Kind: KindWeb, CreatedAt: "2026-11-21T12:00:00.000Z", LastSeenAt: "2026-11-21T12:00:00.000Z", Current: true},
			}
			if got := b.list(); !slices.Equal(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if body := bodyOf(t, b.get("/auth/sessions")); !strings.Contains(body, `"deviceLabel":null`) {
				t.Errorf("got %s", body)
			}
			_, before := b.record()
			h.pass(5 * time.Minute)
			b.list()
			if _, after := b.record(); after != before {
				t.Error("asking extended the session")
			}
		},
		"of apps too": func(t *testing.T, _ *house, _ *browser) {
			h := newAppHouse(t)
			b, p := h.browser(), h.phone()
			b.signIn()
			p.signIn("app_lock", "true", "device_label", "Telephone")
			for range 5 {
				h.pass(29 * time.Minute)
				b.want(isSignedIn)
			}
			// Not seen for long, as apps that lock themselves may be.
			if !slices.ContainsFunc(b.list(), func(l listedSessionJSON) bool {
				return l.ID == p.tokens.SessionID && l.Kind == KindApp && !l.Current && l.DeviceLabel != nil && *l.DeviceLabel == "Telephone"
			}) {
				t.Errorf("got %+v", b.list())
			}
			p.renew()
			var out sessionListJSON
			if body := bodyOf(t, h.browser().get("/auth/sessions", p.bearer())); unmarshal(body, &out) != nil || len(out.Sessions) != 2 ||
				out.Sessions[0].Current == out.Sessions[1].Current {
				t.Errorf("to the app: %s", body)
			}
			if body := bodyOf(t, h.browser().get("/auth/session", p.bearer())); !strings.Contains(body, `"kind":"app"`) || !strings.Contains(body, `"deviceLabel":"Telephone"`) {
				t.Errorf("to the app: %s", body)
			}
			b.steppedUp(h.clock.Now())
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions/"+p.tokens.SessionID))
			p.want(isExpired)
			// And the app its own, without a cookie and so without the header.
			p.signIn()
			h.wantGone(h.browser().do(http.MethodDelete, "/auth/sessions/"+p.tokens.SessionID, "", p.bearer()))
			p.want(isExpired)
			b.want(isSignedIn)
		},
		"without the dead": func(t *testing.T, h *house, b *browser) {
			idle := h.browser()
			idle.signIn()
			h.pass(29 * time.Minute)
			b.signIn()
			h.clock.add(time.Minute) // Redis lags behind
			if list := b.list(); len(list) != 1 {
				t.Errorf("idle: %+v", list)
			}
			h.mini.FastForward(time.Minute)
			b.list()
			if members, _ := h.mini.ZMembers(indexKey(b.account())); len(members) != 1 {
				t.Errorf("an entry without a record was kept: %v", members)
			}
			other := h.browser()
			other.signIn()
			key, _ := other.record()
			h.mini.Set(key, "x")
			if list := b.list(); len(list) != 1 {
				t.Errorf("a record of no known form: %+v", list)
			}
		},
		"nobody, somebody over, two credentials, stores away": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(h.browser().get("/auth/sessions"), http.StatusUnauthorized, ProblemUnauthenticated)
			b.signIn()
			h.wantJSON(h.browser().get("/auth/sessions", header("Authorization", "Bearer lra_x")), http.StatusUnauthorized, ProblemSessionExpired)
			h.wantJSON(b.get("/auth/sessions", header("Authorization", "Bearer lra_x")), http.StatusBadRequest, ProblemAmbiguousCredentials)
			h.wantJSON(b.own(http.MethodPut, "/auth/sessions"), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
			h.wantJSON(b.get("/auth/sessions"), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
			h.mini.SetError("LOADING")
			h.wantJSON(b.get("/auth/sessions"), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		},
	})
}

func TestSessionLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var all []*browser
	for range maxSessions {
		b := h.browser()
		b.signIn()
		all = append(all, b)
		h.pass(time.Minute)
	}
	all[0].want(isSignedIn) // seen: no longer the one unseen for longest
	key, record := all[1].record()
	account, id := all[1].account(), all[1].id()
	h.pass(time.Second)
	last := h.browser()
	last.signIn()
	all[1].want(isExpired)
	for i, b := range append(slices.Delete(slices.Clone(all), 1, 2), last) {
		if got := b.who(); !strings.HasPrefix(got, isSignedIn) {
			t.Errorf("%d: %s", i, got)
		}
	}
	if list := last.list(); len(list) != maxSessions {
		t.Errorf("%d sessions", len(list))
	}
	if !strings.Contains(h.logs.String(), fmt.Sprintf(`"account":"%s","session":"%s","by":"limit"`, account, id)) {
		t.Error("no audit line")
	}
	h.mini.Set(key, record)
	all[1].want(isExpired) // durably
}

func TestEndSessionByID(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"another of one's own": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			key, record := other.record()
			id := other.id()
			b.steppedUp(h.clock.Now())
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions/"+id))
			other.want(isExpired)
			b.want(isSignedIn)
			h.mini.Set(key, record) // an older copy of Redis
			other.want(isExpired)
			h.mini.Del(key)
			h.wantJSON(b.own(http.MethodDelete, "/auth/sessions/"+id), http.StatusNotFound, ProblemNotFound)
			if !strings.Contains(h.logs.String(), fmt.Sprintf(`"session":"%s","by":"%s"`, id, b.id())) {
				t.Error("no audit line")
			}
		},
		"the own one takes no fresh sign-in": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			b.steppedUp(time.Time{})
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions/"+b.id()))
			if _, kept := b.cookies[SessionCookie]; kept {
				t.Error("the cookie was kept")
			}
		},
		"the durable store is away": func(_ *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			b.steppedUp(h.clock.Now())
			who := Who{State: StateSignedIn, Fresh: true, Account: copyOf(*h.book.list[b.account()]), Session: &SessionInfo{ID: b.id()}}
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
			if ended, err := h.End(h.t.Context(), who, other.id()); ended || plr.CodeOf(err) != plr.CodeUnavailable {
				h.t.Errorf("%v %v", ended, err)
			}
			h.wantJSON(b.own(http.MethodDelete, "/auth/sessions/"+other.id()), http.StatusServiceUnavailable, ProblemAccountStoreUnavailable)
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = nil })
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions/"+other.id()))
			other.want(isExpired)
		},
		"39, 40 what another site can send": func(_ *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			b.steppedUp(h.clock.Now())
			for _, target := range []string{"/auth/sessions", "/auth/sessions?except=current", "/auth/sessions/" + other.id()} {
				h.wantJSON(b.do(http.MethodDelete, target, ""), http.StatusForbidden, ProblemCrossOrigin)
				h.wantJSON(b.do(http.MethodDelete, target, "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", "text/plain")),
					http.StatusUnsupportedMediaType, ProblemUnsupportedMediaType)
				h.wantJSON(b.do(http.MethodDelete, target, "[]", header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json")),
					http.StatusBadRequest, ProblemInvalidBody)
				h.wantJSON(b.do(http.MethodDelete, target, strings.Repeat(" ", 2000), header(RequestedByHeader, RequestedBy)),
					http.StatusRequestEntityTooLarge, ProblemBodyTooLarge)
			}
			for _, target := range []string{"/auth/sessions/" + other.id(), "/auth/session/extend"} {
				h.wantJSON(b.get(target), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			}
			h.wantJSON(b.own(http.MethodDelete, "/auth/sessions/x", header("Authorization", "Bearer lra_x")), http.StatusBadRequest, ProblemAmbiguousCredentials)
			// Apps have no cookie and so need no header.
			h.wantJSON(h.browser().do(http.MethodDelete, "/auth/sessions/x", "", header("Authorization", "Bearer lra_x")), http.StatusUnauthorized, ProblemSessionExpired)
			b.want(isSignedIn)
			other.want(isSignedIn)
		},
		"nobody": func(_ *testing.T, h *house, b *browser) {
			h.wantJSON(b.own(http.MethodDelete, "/auth/sessions/x"), http.StatusUnauthorized, ProblemUnauthenticated)
			h.wantJSON(b.own(http.MethodDelete, "/auth/sessions"), http.StatusUnauthorized, ProblemUnauthenticated)
		},
	})
}

func TestEndOtherSessions(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"all but this one": func(t *testing.T, h *house, b *browser) {
			others := []*browser{h.browser(), h.browser()}
			for _, o := range others {
				o.signIn()
			}
			b.signIn()
			b.steppedUp(h.clock.Now())
			token := b.cookies[SessionCookie]
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current"))
			for _, o := range others {
				o.want(isExpired)
			}
			b.want(isSignedIn)
			if b.cookies[SessionCookie] != token || len(b.list()) != 1 {
				t.Errorf("cookies %v, list %+v", b.cookies, b.list())
			}
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current")) // and again
			b.want(isSignedIn)
			late := h.browser()
			late.signIn()
			late.want(isSignedIn)
			h.pass(2 * time.Minute)
			b.want(isSignedIn) // extended, and still itself
			redirectOf(t, late.logout(`{"everywhere":true}`))
			b.want(isExpired)
		},
		"this one too": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			b.steppedUp(h.clock.Now())
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions"))
			if len(b.cookies) != 0 {
				t.Errorf("cookies left: %v", b.cookies)
			}
			other.want(isExpired)
		},
		"another except": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			b.steppedUp(h.clock.Now())
			for _, query := range []string{"?except=", "?except=x", "?except=current&except=current", "?except=%zz", "?except=Current"} {
				h.wantJSON(b.own(http.MethodDelete, "/auth/sessions"+query), http.StatusBadRequest, ProblemInvalidExcept)
			}
			b.want(isSignedIn)
		},
		"one on no list": func(_ *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			h.mini.Del(indexKey(other.account()))
			b.signIn()
			b.steppedUp(h.clock.Now())
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current"))
			other.want(isExpired)
		},
		"a failure on the way is made good by the next try": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			key, record := other.record()
			b.signIn()
			account := copyOf(*h.book.list[b.account()])
			epoch, _ := h.mini.Get(epochKey(account.ID))
			who := Who{State: StateSignedIn, Fresh: true, Account: account, Session: &SessionInfo{ID: b.id()}}
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = plr.Unavailable(errors.New("canary"), 0) })
			if n, err := h.EndOthers(t.Context(), who); n != 0 || plr.CodeOf(err) != plr.CodeUnavailable {
				t.Errorf("%d %v", n, err)
			}
			h.book.edit(func(map[string]*plr.Account) { h.book.fault = nil })
			other.want(isExpired) // by Redis' word only
			if _, err := h.EndOthers(t.Context(), who); err != nil {
				t.Error(err)
			}
			b.want(isSignedIn)
			h.mini.Set(key, record)
			h.mini.Set(epochKey(account.ID), epoch)
			other.want(isExpired) // durably
		},
	})
}

func TestSessionsForResolvers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, other := h.browser(), h.browser()
	b.signIn()
	other.signIn()
	who := Who{State: StateSignedIn, Account: copyOf(*h.book.list[b.account()]), Session: &SessionInfo{ID: b.id()}}
	list, err := h.ListSessions(t.Context(), who)
	if err != nil || len(list) != 2 || list[0].Current == list[1].Current {
		t.Fatalf("%v %v", list, err)
	}
	var refused *plr.Error
	if _, err := h.End(t.Context(), who, other.id()); !errors.As(err, &refused) || refused.Code != plr.CodeStepUpRequired || refused.Action != plr.ActionEndSessions {
		t.Errorf("%v", err)
	}
	if _, err := h.EndOthers(t.Context(), who); plr.CodeOf(err) != plr.CodeStepUpRequired {
		t.Errorf("%v", err)
	}
	for want, who := range map[plr.Code]Who{plr.CodeUnauthenticated: {}, plr.CodeSessionExpired: {State: StateExpired}, plr.CodeUnavailable: {State: StateUnavailable}} {
		_, first := h.ListSessions(t.Context(), who)
		_, second := h.End(t.Context(), who, b.id())
		_, third := h.EndOthers(t.Context(), who)
		for _, err := range []error{first, second, third} {
			if plr.CodeOf(err) != want {
				t.Errorf("%s: %v", who.State, err)
			}
		}
	}
	who.Fresh = true
	if _, err := h.End(t.Context(), who, "ses_none"); !errors.As(err, &refused) || refused.Code != plr.CodeNotFound || !slices.Equal(refused.Path, []string{"input", "id"}) {
		t.Errorf("%v", err)
	}
	if ended, err := h.End(t.Context(), who, other.id()); !ended || err != nil {
		t.Errorf("%v %v", ended, err)
	}
	other.signIn()
	if n, err := h.EndOthers(t.Context(), who); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	other.want(isExpired)
	b.want(isSignedIn)
	gone := who
	gone.Session = &SessionInfo{ID: "ses_over"}
	if _, err := h.EndOthers(t.Context(), gone); plr.CodeOf(err) != plr.CodeSessionExpired {
		t.Errorf("by a session that is over: %v", err)
	}
	b.want(isSignedIn)
}

func TestAttack36TokenInURL(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	token := b.signIn()
	for _, name := range []string{"access_token", "token", "session", "bearer", url.QueryEscape(SessionCookie)} {
		query := "?" + name + "=" + token
		thief := h.browser()
		if got := bodyOf(t, thief.do(http.MethodPost, "/graphql"+query, "")); got != isNobody {
			t.Errorf("%s: %s", name, got)
		}
		if got := bodyOf(t, thief.get("/auth/session"+query)); got != "{\"authenticated\":false}\n" {
			t.Errorf("%s: %s", name, got)
		}
		h.wantJSON(thief.get("/auth/sessions"+query), http.StatusUnauthorized, ProblemUnauthenticated)
		h.wantJSON(thief.own(http.MethodDelete, "/auth/sessions"+query), http.StatusUnauthorized, ProblemUnauthenticated)
		h.wantJSON(thief.own(http.MethodPost, "/auth/session/extend"+query), http.StatusUnauthorized, ProblemUnauthenticated)
		redirectOf(t, thief.do(http.MethodPost, "/auth/logout"+query, "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json")))
	}
	b.want(isSignedIn) // and no token stands in the log: every house looks at its end
}

func TestAttack50EndingRacesExtending(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"extending revives nothing": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			key, record := b.record()
			var e session
			if err := json.Unmarshal([]byte(record), &e); err != nil {
				t.Fatal(err)
			}
			h.mini.Del(key)
			h.pass(2 * time.Minute)
			hash := hashOf(useWebSession, b.cookies[SessionCookie])
			if err := h.touchSession(t.Context(), hash, record, &e, h.clock.Now()); err != nil {
				t.Fatal(err)
			}
			if h.mini.Exists(key) {
				t.Error("revived")
			}
		},
		"extending overwrites no other change": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			key, record := b.record()
			var e session
			if err := json.Unmarshal([]byte(record), &e); err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(record, `"authTime":`, `"authTime":1`, 1)
			h.mini.Set(key, changed)
			hash := hashOf(useWebSession, b.cookies[SessionCookie])
			if err := h.touchSession(t.Context(), hash, record, &e, h.clock.Now()); err != nil {
				t.Fatal(err)
			}
			if got, _ := h.mini.Get(key); got != changed {
				t.Errorf("overwritten by %s", got)
			}
		},
		"ending the others revives none that was ended meanwhile": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			key, record := b.record()
			e, err := parseSession(record)
			if err != nil {
				t.Fatal(err)
			}
			v, err := h.verdictOn(t.Context(), h.book.list[e.Account])
			if err != nil {
				t.Fatal(err)
			}
			for _, now := range []string{"", "x", strings.Replace(record, `"epoch":"`+e.Epoch+`"`, `"epoch":"","nextEpoch":"`+e.Epoch+`"`, 1)} {
				h.mini.Del(key)
				if now != "" {
					h.mini.Set(key, now)
				}
				l := listedSession{session: *e, entry: entryOf(e, hashOf(useWebSession, b.cookies[SessionCookie])), record: record}
				if err := h.noteEpoch(t.Context(), v, &l, "7"); !ended(err) {
					t.Errorf("%v", err)
				}
				if got, _ := h.mini.Get(key); got != now {
					t.Errorf("%q became %q", now, got)
				}
				b.want(isExpired)
			}
		},
		"ending the others": func(t *testing.T, h *house, b *browser) {
			endingRace(t, h, b, func() { h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current")) })
			b.want(isSignedIn)
		},
		"ending all": func(t *testing.T, h *house, b *browser) {
			endingRace(t, h, b, func() { h.wantGone(b.own(http.MethodDelete, "/auth/sessions")) })
			b.want(isNobody)
		},
		"signing out everywhere": func(t *testing.T, h *house, b *browser) {
			endingRace(t, h, b, func() { redirectOf(t, b.logout(`{"everywhere":true}`)) })
			b.want(isNobody)
		},
		"two that each end the others": func(t *testing.T, h *house, b *browser) {
			for range 20 {
				one, other := h.browser(), h.browser()
				one.signIn()
				other.signIn()
				both := []*browser{one, other}
				for _, x := range both { // before either can end the other
					x.steppedUp(h.clock.Now())
				}
				var wg sync.WaitGroup
				for _, x := range both {
					wg.Go(func() { x.own(http.MethodDelete, "/auth/sessions?except=current") })
				}
				wg.Wait()
				if n := count(both); n > 1 {
					t.Fatalf("%d of two live", n)
				}
				h.pass(time.Second)
			}
		},
		"ending the others against signing out everywhere": func(t *testing.T, h *house, b *browser) {
			for range 20 {
				one, other := h.browser(), h.browser()
				one.signIn()
				other.signIn()
				h.pass(time.Second)
				account := one.account()
				one.steppedUp(h.clock.Now())
				var wg sync.WaitGroup
				wg.Go(func() { one.own(http.MethodDelete, "/auth/sessions?except=current") })
				wg.Go(func() { redirectOf(t, other.logout(`{"everywhere":true}`)) })
				wg.Wait()
				// Unless it was ended before it could, everywhere means everywhere.
				if count([]*browser{one}) == 1 {
					h.book.edit(func(list map[string]*plr.Account) {
						if list[account].SessionsInvalidBefore.Equal(h.clock.Now()) {
							t.Fatal("lived on")
						}
					})
				}
				h.pass(time.Second)
			}
		},
		"a sign-in under way": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			for range 20 {
				b.steppedUp(h.clock.Now())
				late := h.browser()
				query := h.op.authorize(late.leave(""))
				var wg sync.WaitGroup
				var began string
				wg.Go(func() { began = late.back(query).Header.Get("Location") })
				wg.Go(func() { h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current")) })
				wg.Wait()
				// It began before and was ended, was told so, or began afterwards: then
				// it is on the list.
				if got := late.who(); strings.HasPrefix(got, isSignedIn) != (len(b.list()) == 2) {
					t.Fatalf("arrived at %s, who: %s, list %+v", began, got, b.list())
				}
				h.pass(time.Second)
			}
		},
	})
}

func TestAttack50EndingOthersRacesRefresh(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *browser, app string) *http.Response{
		"all others": func(b *browser, _ string) *http.Response {
			return b.own(http.MethodDelete, "/auth/sessions?except=current")
		},
		"this one": func(b *browser, app string) *http.Response {
			return b.own(http.MethodDelete, "/auth/sessions/"+app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p, b := h.phone(), h.browser()
			p.signIn("app_lock", "true")
			b.signIn()
			h.pass(2 * time.Minute)
			b.steppedUp(h.clock.Now())
			hash, f := p.family()
			before, _ := h.mini.Get(familyKey(hash))
			epoch, _ := h.mini.Get(epochKey(f.Account))
			var wg sync.WaitGroup
			var mu sync.Mutex
			tokens := []*phone{p}
			for range 6 {
				wg.Go(func() {
					one := h.phone()
					h.browser().who(p.bearer()) // extends
					resp, body := one.grant(p.refreshForm())
					mu.Lock()
					defer mu.Unlock()
					if resp.StatusCode == http.StatusOK {
						must(unmarshal(body, &one.tokens))
						tokens = append(tokens, one)
					}
				})
			}
			wg.Go(func() { h.wantGone(end(b, f.Handle)) })
			wg.Wait()
			check := func() {
				t.Helper()
				for _, one := range tokens {
					one.want(isExpired)
					one.refuse(one.refreshForm(), http.StatusBadRequest, "invalid_grant")
				}
			}
			check()
			b.want(isSignedIn)
			if list := b.list(); len(list) != 1 {
				t.Errorf("list %+v", list)
			}
			h.mini.Set(familyKey(hash), before) // Redis as it was
			h.mini.Set(epochKey(f.Account), epoch)
			check()
		})
	}
}

// endingRace lets end, by b, race with requests that extend the sessions of
// others and of b. None of the others may live afterwards, nor be revived by a
// Redis as it was before.
func endingRace(t *testing.T, h *house, b *browser, end func()) {
	t.Helper()
	var others []*browser
	for range 3 {
		o := h.browser()
		o.signIn()
		others = append(others, o)
	}
	b.signIn()
	h.pass(2 * time.Minute) // every request extends
	b.steppedUp(h.clock.Now())
	account := b.account()
	before := map[string]string{}
	for _, key := range h.mini.Keys() {
		if strings.HasPrefix(key, "lr:s:") || strings.HasSuffix(key, ":epoch") {
			before[key], _ = h.mini.Get(key)
		}
	}
	kept := *b
	kept.cookies = map[string]string{SessionCookie: b.cookies[SessionCookie]}
	var wg sync.WaitGroup
	for _, o := range others {
		wg.Go(func() {
			for range 5 {
				o.who()
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			kept.who()
		}
	})
	wg.Go(end)
	wg.Wait()
	if n := count(others); n != 0 {
		t.Fatalf("%d of the others live", n)
	}
	mine, _ := h.mini.Get(sessionKey(hashOf(useWebSession, kept.cookies[SessionCookie])))
	epoch, _ := h.mini.Get(epochKey(account))
	for key, value := range before {
		h.mini.Set(key, value)
	}
	if n := count(others); n != 0 {
		t.Fatalf("%d of the others were revived", n)
	}
	if mine != "" {
		h.mini.Set(sessionKey(hashOf(useWebSession, kept.cookies[SessionCookie])), mine)
	}
	h.mini.Set(epochKey(account), epoch)
}

func count(browsers []*browser) (signedIn int) {
	for _, b := range browsers {
		if strings.HasPrefix(b.who(), isSignedIn) {
			signedIn++
		}
	}
	return signedIn
}

func TestAttack58FreshnessElsewhere(t *testing.T) {
	t.Parallel()
	eachWith(t, map[string]func(*testing.T, *house, *browser){
		"of another session": func(_ *testing.T, h *house, b *browser) {
			fresh := h.browser()
			fresh.signIn()
			b.signIn()
			b.steppedUp(time.Time{})
			fresh.steppedUp(h.clock.Now())
			h.wantStepUp(b.own(http.MethodDelete, "/auth/sessions/"+fresh.id()))
			h.wantStepUp(b.own(http.MethodDelete, "/auth/sessions?except=current"))
			h.wantStepUp(b.own(http.MethodDelete, "/auth/sessions"))
			fresh.want(isSignedIn)
			h.wantGone(fresh.own(http.MethodDelete, "/auth/sessions/"+b.id()))
		},
		"of an app, which has a way of its own": func(t *testing.T, _ *house, _ *browser) {
			h := newAppHouse(t)
			p, b := h.phone(), h.browser()
			p.signIn()
			b.signIn()
			b.steppedUp(h.clock.Now())
			h.pass(stepUpLife)
			p.renew() // fresh tokens are no fresh sign-in
			body := bodyOf(t, h.browser().do(http.MethodDelete, "/auth/sessions/"+b.id(), "", p.bearer()))
			if !strings.Contains(body, `"stepUp":{"action":"end_sessions","handoffUrl":"`+publicURL+`/auth/app/handoff","handoffAction":"step_up","authorizeUrl":"`+publicURL+`/auth/app/authorize"}`) {
				t.Errorf("got %s", body)
			}
			b.want(isSignedIn)
		},
		"past five minutes": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			b.steppedUp(h.clock.Now())
			until := stamp(h.clock.Now().Add(stepUpLife))
			if body := bodyOf(t, b.get("/auth/session")); !strings.Contains(body, `"stepUpUntil":"`+until+`"`) {
				t.Errorf("got %s", body)
			}
			h.pass(stepUpLife)
			h.wantStepUp(b.own(http.MethodDelete, "/auth/sessions/"+other.id()))
			h.wantStepUp(b.own(http.MethodDelete, "/auth/sessions?except=current"))
			if body := bodyOf(t, b.get("/auth/session")); !strings.Contains(body, `"stepUpUntil":null`) {
				t.Errorf("got %s", body)
			}
			other.want(isSignedIn)
		},
		"just within them": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			b.steppedUp(h.clock.Now())
			h.pass(stepUpLife - time.Millisecond)
			h.wantGone(b.own(http.MethodDelete, "/auth/sessions?except=current"))
		},
	})
}

func TestAttack64SessionOfAnotherAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b, stranger := h.browser(), h.browser()
	b.signIn()
	b.steppedUp(h.clock.Now())
	h.op.bend(func() { h.op.claims = func(c map[string]any) { c["sub"] = "canary-stranger" } })
	stranger.signIn()
	if list := b.list(); len(list) != 1 || list[0].ID == stranger.id() {
		t.Errorf("list %+v", list)
	}
	answers := map[string]bool{}
	for _, id := range []string{
		stranger.id(), "ses_0123456789abcdefghjkmnpqrs", "x", "%20", "ses_", "*", "..%2f", hashOf(useWebSession, stranger.cookies[SessionCookie]),
		stranger.id() + "." + hashOf(useWebSession, stranger.cookies[SessionCookie]), strings.Repeat("x", 3000), strings.ToUpper(b.id()), "%00",
	} {
		calls := h.mini.CommandCount()
		resp := b.own(http.MethodDelete, "/auth/sessions/"+id)
		took := h.mini.CommandCount() - calls
		var got map[string]any
		body := bodyOf(t, resp)
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != http.StatusNotFound {
			t.Errorf("%.40s: %d %s", id, resp.StatusCode, body)
		}
		delete(got, "ref")
		answers[fmt.Sprint(got, resp.Header, " after ", took, " commands")] = true
	}
	if len(answers) != 1 {
		t.Errorf("told apart: %v", answers)
	}
	stranger.want(isSignedIn)
	b.want(isSignedIn)
	// Not even when the list of the account names it.
	h.mini.ZAdd(indexKey(b.account()), 1e15, indexEntry(stranger.id(), hashOf(useWebSession, stranger.cookies[SessionCookie])))
	if list := b.list(); len(list) != 1 {
		t.Errorf("list %+v", list)
	}
	b.own(http.MethodDelete, "/auth/sessions?except=current")
	stranger.want(isSignedIn)
}

// Somebody signs in every minute and never signs out, as what watches a service
// does: each of those sessions ends another, and none that began is over at once.
func TestManySignIns(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	h.book.ending = func() { h.clock.add(time.Millisecond) } // it takes its time
	for i := range 300 {
		h.pass(time.Minute)
		if i%2 == 0 {
			p := h.phone()
			p.signIn()
			h.pass(2 * time.Second)
			p.want(isSignedIn)
			continue
		}
		b := h.browser()
		b.signIn()
		h.pass(2 * time.Second)
		if b.want(isSignedIn); t.Failed() {
			t.Fatalf("sign-in %d", i)
		}
	}
}
