package signin

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

const stepUp = "/auth/step-up?action=share"

func reauth(way Reauth) func(*Config) { return func(c *Config) { c.Reauth = way } }

func TestStepUpTrip(t *testing.T) {
	t.Parallel()
	for way, want := range map[Reauth]map[string]any{
		ReauthMaxAge:            {"max_age": 0.0},
		ReauthPromptLogin:       {"prompt": "login"},
		ReauthSignedPromptLogin: {"prompt": "login", "id_token_hint": ""},
		ReauthNone:              {},
	} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, reauth(way))
			b := h.browser()
			claim("auth_time", from(-30*time.Minute))(h) // signed in at the provider long ago
			token := b.signIn()
			before := b.held()
			if before.StepUpAt != 0 {
				t.Error("fresh by an older sign-in")
			}
			hint, err := h.sealer.open(before.Hint, hintContext(hashOf(useWebSession, token)))
			if err != nil {
				t.Fatal(err)
			}
			h.op.claims = nil
			h.pass(20 * time.Minute)
			b.arrives(stepUp+"&return_to=/share", "/share")

			for _, name := range []string{"max_age", "prompt", "id_token_hint"} {
				expected := want[name]
				if expected == "" {
					expected = hint
				}
				if got := h.op.asked[name]; got != expected {
					t.Errorf("%s is %v, want %v", name, got, expected)
				}
			}
			if _, signed := h.op.asked["aud"]; signed != (way == ReauthSignedPromptLogin) {
				t.Errorf("signed: %t", signed)
			}
			if got := h.op.asked["vtr"]; !reflect.DeepEqual(got, []any{"Cl.Cm"}) {
				t.Errorf("vtr %v", got)
			}
			after := b.held()
			now := h.clock.Now()
			if b.cookies[SessionCookie] == token || after.Handle != before.Handle || after.AbsoluteAt != before.AbsoluteAt ||
				after.CreatedAt != before.CreatedAt || after.StepUpAt != now.UnixMilli() || after.IdentityAt != 0 ||
				after.AuthTime != now.Add(-10*time.Second).UnixMilli() {
				t.Errorf("session was %+v and is %+v", before, after)
			}
			b.want(isSignedIn)
			b.cookies[SessionCookie] = token
			b.want(isExpired)
		})
	}
}

func TestStepUpRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.signIn()
	for _, query := range []string{"", "?action=", "?action=everything", "?action=SHARE", "?action=share&action=export"} {
		h.wantJSON(b.get("/auth/step-up"+query), http.StatusBadRequest, ProblemInvalidAction)
	}
	h.wantPage(b.get("/auth/step-up?action=x", header("Accept", "text/html")), ProblemInvalidAction)
	h.wantJSON(b.get(stepUp+"&return_to=https://evil.example/"), http.StatusBadRequest, ProblemInvalidReturnTo)
	h.wantJSON(h.browser().get(stepUp), http.StatusUnauthorized, ProblemUnauthenticated)
	h.wantPage(h.browser().get(stepUp, header("Accept", "text/html")), ProblemUnauthenticated)
	for _, site := range []string{"cross-site", "same-site"} {
		if resp := b.get(stepUp, header("Sec-Fetch-Site", site)); resp.Header.Get("Location") != "/" {
			t.Errorf("%s: %v", site, resp.Header)
		}
	}
	h.wantJSON(b.do(http.MethodPost, stepUp, ""), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
	for _, action := range []plr.StepUpAction{plr.ActionShare, plr.ActionExport, plr.ActionClaimRecord, plr.ActionEndSessions, plr.ActionResolveReview} {
		b.depart("/auth/step-up?action=" + string(action))
	}
	h.pass(31 * time.Minute)
	h.wantJSON(b.get(stepUp), http.StatusUnauthorized, ProblemSessionExpired)
}

// TestAttack57StepUpNotRenewed: an older sign-in, or somebody else's, renews nothing.
func TestAttack57StepUpNotRenewed(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]struct {
		way  Reauth
		bend func(*house)
		// signed: every request is, and the provider takes no other.
		signed bool
		good   bool
		code   Problem
	}{
		"auth_time of this trip":        {way: ReauthMaxAge, bend: claim("auth_time", from(0)), good: true},
		"auth_time a minute before it":  {way: ReauthMaxAge, bend: claim("auth_time", from(-60*time.Second)), good: true},
		"old auth_time":                 {way: ReauthMaxAge, bend: claim("auth_time", from(-61*time.Second)), code: ProblemReauthFailed},
		"auth_time of an hour ago":      {way: ReauthPromptLogin, bend: claim("auth_time", from(-time.Hour)), code: ProblemReauthFailed},
		"no auth_time":                  {way: ReauthMaxAge, bend: claim("auth_time", nil), code: ProblemReauthFailed},
		"no auth_time, unsigned prompt": {way: ReauthPromptLogin, bend: claim("auth_time", nil), code: ProblemReauthFailed},
		"no auth_time, nothing asked":   {way: ReauthNone, bend: claim("auth_time", nil), code: ProblemReauthFailed},
		"no auth_time, signed prompt":   {way: ReauthSignedPromptLogin, bend: claim("auth_time", nil), signed: true, good: true},
		// The person at the browser has put an unsigned request in the place of ours.
		"no auth_time, prompt left out": {way: ReauthSignedPromptLogin, bend: claim("auth_time", nil), code: ProblemReauthFailed},
		"old auth_time, signed prompt":  {way: ReauthSignedPromptLogin, bend: claim("auth_time", from(-time.Hour)), code: ProblemReauthFailed},
		"auth_time in the future":       {way: ReauthMaxAge, bend: claim("auth_time", from(2*time.Minute)), code: ProblemIDTokenInvalid},
		"auth_time zero":                {way: ReauthMaxAge, bend: claim("auth_time", 0), code: ProblemReauthFailed},
		"another person":                {way: ReauthMaxAge, bend: claim("sub", "canary-other"), code: ProblemSubjectMismatch},
		"weaker than asked for":         {way: ReauthMaxAge, bend: claim("vot", "Cl"), code: ProblemAssuranceTooLow},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, reauth(attack.way), func(c *Config) { c.RequestObject = attack.signed })
			b := h.browser()
			token := b.signIn()
			h.pass(10 * time.Minute)
			query := h.op.authorize(b.depart(stepUp))
			before := b.held()
			attack.bend(h)
			resp := b.back(query)
			if attack.good {
				if got := resp.Header.Get("Location"); got != "/" {
					t.Errorf("ended at %q\n%s", got, h.logs)
				}
				return
			}
			h.wantPage(resp, attack.code)
			if b.cookies[SessionCookie] != token || !reflect.DeepEqual(b.held(), before) {
				t.Error("the session did not stay as it was")
			}
			if len(h.book.list) != 1 {
				t.Errorf("%d accounts", len(h.book.list))
			}
			b.want(isSignedIn)
		})
	}
	t.Run("login_required ends the session", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		key, record := b.record()
		u := b.depart(stepUp)
		h.wantPage(b.back(url.Values{"error": {"login_required"}, "state": {u.Query().Get("state")}}), ProblemReauthFailed)
		b.want(isExpired)
		h.mini.Set(key, record) // an older copy of Redis
		h.pass(time.Second)
		b.want(isExpired)
	})
	t.Run("login_required, and the page closed at once", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		trip := &transaction{Purpose: purposeStepUp, Session: hashOf(useWebSession, b.cookies[SessionCookie])}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if code, _ := h.refusedBy(ctx, trip, "login_required"); code != ProblemReauthFailed {
			t.Errorf("%s", code)
		}
		b.want(isExpired)
	})
	t.Run("login_required, and the browser hangs up", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		u := b.depart(stepUp)
		ctx, hangUp := context.WithCancel(t.Context())
		defer hangUp()
		h.book.ending = hangUp // before Redis is told
		b.back(url.Values{"error": {"login_required"}, "state": {u.Query().Get("state")}}, func(r *http.Request) { *r = *r.WithContext(ctx) })
		if ctx.Err() == nil || len(h.left()) != 0 {
			t.Errorf("left: %v", h.left())
		}
	})
	t.Run("login_required, Redis down", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		trip := &transaction{Purpose: purposeStepUp, Session: hashOf(useWebSession, b.cookies[SessionCookie])}
		h.mini.Close()
		if code, err := h.refusedBy(t.Context(), trip, "login_required"); code != ProblemSessionStoreUnavailable || err == nil {
			t.Errorf("%s %v", code, err)
		}
	})
	t.Run("login_required in another browser ends nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		u := b.depart(stepUp)
		h.wantPage(h.browser().back(url.Values{"error": {"login_required"}, "state": {u.Query().Get("state")}}), ProblemBrowserMismatch)
		b.want(isSignedIn)
	})
	t.Run("login_required at sign-in ends nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		u := b.leave("")
		h.wantPage(b.back(url.Values{"error": {"login_required"}, "state": {u.Query().Get("state")}}), ProblemReauthFailed)
		b.want(isSignedIn)
	})
	t.Run("the same subject of another provider", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		query := h.op.authorize(b.depart(stepUp))
		h.book.edit(func(list map[string]*plr.Account) { list[b.account()].Issuer = "https://former.example/" })
		h.pass(2 * time.Second) // the account is read anew
		h.wantPage(b.back(query), ProblemSubjectMismatch)
	})
	t.Run("an identity trip, on which nobody was told to ask anew", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t, oneLogin, signedRequests, reauth(ReauthSignedPromptLogin))
		claim("auth_time", nil)(h)
		b := h.browser()
		b.signIn()
		b.arrives(identityStart, "/")
		if e := b.held(); e.StepUpAt != 0 || e.IdentityAt == 0 {
			t.Errorf("%+v", e)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browser()
		b.signIn()
		u := b.depart(stepUp)
		h.wantPage(b.back(url.Values{"error": {"access_denied"}, "state": {u.Query().Get("state")}}), ProblemAccessDenied)
		b.want(isSignedIn)
	})
	t.Run("the session of another account, written into the trip", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b, other := h.browser(), h.browser()
		claim("sub", "canary-other")(h)
		other.signIn()
		h.op.claims = nil
		b.signIn()
		u := b.depart(stepUp)
		key := transactionKey(hashOf(useState, u.Query().Get("state")))
		record, err := h.mini.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		h.mini.Set(key, strings.Replace(record, hashOf(useWebSession, b.cookies[SessionCookie]), hashOf(useWebSession, other.cookies[SessionCookie]), 1))
		h.wantPage(b.back(h.op.authorize(u)), ProblemSessionExpired)
		other.want(isSignedIn)
	})
}

// Leaving on a trip is a sign of the person: the session idles from there.
func TestDepartureExtends(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browser()
	b.signIn()
	h.pass(29 * time.Minute)
	query := h.op.authorize(b.depart(stepUp))
	h.pass(29 * time.Minute)
	if got := b.back(query).Header.Get("Location"); got != "/" {
		t.Errorf("ended at %q\n%s", got, h.logs)
	}
}

func TestStepUpOfASessionThatEnded(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, *browser){
		"signed out":            func(_ *house, b *browser) { b.logout("{}") },
		"signed out everywhere": func(_ *house, b *browser) { b.logout(`{"everywhere":true}`) },
		"idle":                  func(h *house, _ *browser) { h.pass(31 * time.Minute) },
		"lost with Redis":       func(h *house, _ *browser) { h.mini.Del(epochKey("act_00000000000000000000000001")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.browser()
			b.signIn()
			jar := map[string]string{}
			query := h.op.authorize(b.depart(stepUp))
			for name, value := range b.cookies {
				jar[name] = value
			}
			end(h, b)
			b.cookies = jar
			h.wantPage(b.back(query), ProblemSessionExpired)
			b.want(isExpired)
		})
	}
}

// Freshness is earned by proving oneself on the trip, of whatever purpose.
func TestFreshness(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin)
	b := h.browser()
	b.signIn()
	if got := b.held().StepUpAt; got != h.clock.Now().UnixMilli() {
		t.Errorf("a fresh sign-in: %d", got)
	}
	first := h.clock.Now()
	h.pass(10 * time.Minute)
	claim("auth_time", from(-10*time.Minute))(h)
	b.arrives(identityStart, "/")
	if got := b.held().StepUpAt; got != first.UnixMilli() {
		t.Errorf("an identity trip by an older sign-in: %d", got)
	}
	identity := b.held().IdentityAt
	h.pass(time.Minute)
	h.op.claims = nil
	b.arrives(stepUp, "/")
	if e := b.held(); e.StepUpAt != h.clock.Now().UnixMilli() || e.IdentityAt != identity {
		t.Errorf("after a step-up: %+v", e)
	}
	h.op.claims = nil
	left := h.clock.Now()
	query := b.depart(identityStart)
	h.pass(20 * time.Minute)
	claim("auth_time", from(-18*time.Minute))(h)
	if got := b.back(h.op.authorize(query)).Header.Get("Location"); got != "/" {
		t.Fatalf("ended at %q\n%s", got, h.logs)
	}
	if e := b.held(); e.StepUpAt != left.Add(2*time.Minute).UnixMilli() {
		t.Errorf("a sign-in at the beginning of a long trip counts from %s", time.UnixMilli(e.StepUpAt))
	}
	claim("auth_time", from(30*time.Second))(h)
	b.arrives(stepUp, "/")
	if e := b.held(); e.StepUpAt != h.clock.Now().UnixMilli() {
		t.Errorf("a provider whose clock is ahead makes it last until %s", time.UnixMilli(e.StepUpAt).Add(stepUpLife))
	}
	claim("auth_time", nil)(h)
	h.pass(time.Minute)
	b.signIn()
	if e := b.held(); e.StepUpAt != 0 || e.IdentityAt != 0 {
		t.Errorf("a new session inherits: %+v", e)
	}
}
