package signin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
)

// The numbers are those of the attack cases that sign-in is held to.

func TestAttack36AppTokenInTheAddress(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	for _, target := range []string{"/graphql?access_token=", "/graphql?token=", "/auth/session?access_token="} {
		body := bodyOf(t, h.browser().get(target+p.tokens.AccessToken))
		if !strings.HasPrefix(body, isNobody) && body != "{\"authenticated\":false}\n" {
			t.Errorf("%s: %s", target, body)
		}
	}
	// Nor does a form's own address count.
	resp := p.post("/auth/app/token?"+p.refreshForm().Encode(), "")
	p.wantFault(resp, bodyOf(t, resp), http.StatusUnauthorized, "invalid_client")
	resp = p.post("/auth/app/revoke?token="+p.tokens.AccessToken, "")
	p.wantFault(resp, bodyOf(t, resp), http.StatusBadRequest, "invalid_request")
	p.want(isSignedIn)
}

func TestAttack37CookieAndAccessToken(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	b := h.browser()
	b.signIn()
	h.wantJSON(b.do(http.MethodPost, "/graphql", "", p.bearer()), http.StatusBadRequest, ProblemAmbiguousCredentials)
	h.wantJSON(b.do(http.MethodPost, "/auth/app/handoff", `{"action":"step_up"}`, p.bearer(), header("Content-Type", "application/json")),
		http.StatusBadRequest, ProblemAmbiguousCredentials)
	b.want(isSignedIn)
	p.want(isSignedIn)
}

func TestAttack38TokensInEachOthersPlace(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	web := h.browser().signIn()
	access, refresh := p.tokens.AccessToken, p.tokens.RefreshToken
	for name, cookie := range map[string]string{
		"access as cookie": access, "refresh as cookie": refresh,
		"access as web": sessionPrefix + access[len(accessPrefix):], "access cut to a web token": sessionPrefix + access[len(accessPrefix):][:43],
	} {
		b := h.browser()
		b.cookies[SessionCookie] = cookie
		if got := b.who(); got != isExpired {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, bearer := range map[string]string{
		"web": web, "refresh": refresh, "refresh named access": accessPrefix + refresh[len(refreshPrefix):],
		"web named access": accessPrefix + web[len(sessionPrefix):], "empty": "", "cut": access[:len(access)-1], "longer": access + "A",
		"secret changed": access[:len(access)-4] + "AAAA", "locator changed": accessPrefix + "AAAA" + access[8:],
	} {
		if got := h.browser().who(header("Authorization", "Bearer "+bearer)); got != isExpired {
			t.Errorf("%s: %s", name, got)
		}
	}
	p.refuse(with(p.refreshForm(), "refresh_token", refreshPrefix+web[len(sessionPrefix):]), http.StatusBadRequest, "invalid_grant")
	p.refuse(with(p.refreshForm(), "refresh_token", access), http.StatusBadRequest, "invalid_grant")
	p.want(isSignedIn)
}

func TestAttack51RefreshTokenReused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*house, *phone){
		"the thief comes late": func(h *house, p *phone) {
			stolen := p.refreshForm()
			p.renew()
			h.pass(refreshGrace)
			p.refuse(stolen, http.StatusBadRequest, "invalid_grant")
		},
		"the thief comes first": func(h *house, p *phone) {
			thief := h.phone()
			thief.tokens = p.tokens
			thief.renew()
			thief.want(isSignedIn)
			h.pass(refreshGrace)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			thief.want(isExpired)
			thief.refuse(thief.refreshForm(), http.StatusBadRequest, "invalid_grant")
		},
		"two rotations ago, within the half minute": func(_ *house, p *phone) {
			stolen := p.refreshForm()
			p.renew()
			p.renew()
			p.refuse(stolen, http.StatusBadRequest, "invalid_grant")
		},
		"made up by who knows an access token": func(_ *house, p *phone) {
			p.refuse(with(p.refreshForm(), "refresh_token", refreshPrefix+p.tokens.AccessToken[len(accessPrefix):]), http.StatusBadRequest, "invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			p.signIn()
			hash, f := p.family()
			test(h, p)
			// Both parties must sign in anew, whatever becomes of Redis.
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			if a := h.book.list[f.Account]; !a.SessionEnded(f.Handle, h.clock.Now()) || h.mini.Exists(familyKey(hash)) {
				t.Error("not ended for good")
			}
			if got := h.book.list[f.Account].Notices; len(got) != 1 || got[0].Kind != plr.NoticeTokenReused || !got[0].At.Equal(h.clock.Now()) {
				t.Errorf("the person is told %v", got)
			}
			if n := strings.Count(h.logs.String(), `"code":"`+string(auditRefreshReused)+`"`); n != 1 || !strings.Contains(h.logs.String(), `"session":"`+f.Handle) {
				t.Errorf("%d audit lines of reuse\n%s", n, h.logs)
			}
		})
	}
}

func TestAttack51WhileAccountsAreDown(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	_, f := p.family()
	stolen := p.refreshForm()
	p.renew()
	h.pass(refreshGrace)
	h.book.fault = plr.Unavailable(nil, 0)
	p.refuse(stolen, http.StatusServiceUnavailable, "temporarily_unavailable")
	h.book.fault = nil
	p.want(isExpired) // dead all the same
	if n := strings.Count(h.logs.String(), `"besides":"`+string(auditRefreshReused)+`"`); n != 1 {
		t.Errorf("%d audit lines of reuse\n%s", n, h.logs)
	}
	p.refuse(stolen, http.StatusBadRequest, "invalid_grant")
	if a := h.book.list[f.Account]; !a.SessionEnded(f.Handle, h.clock.Now()) {
		t.Error("not ended for good")
	}
}

func TestAttack52DoubleRefresh(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	again := p.refreshForm()
	first := p.renew()
	h.pass(refreshGrace - time.Millisecond)
	if second := p.take(again); second != first {
		t.Errorf("got %s after %s", second, first)
	}
	p.want(isSignedIn)
	// The second answer did not start the half minute anew.
	h.pass(time.Millisecond)
	p.refuse(again, http.StatusBadRequest, "invalid_grant")
	p.want(isExpired)
}

func TestAttack52ManyRefreshesAtOnce(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	h.pass(2 * time.Minute) // requests with the access token write too
	form, access := p.refreshForm(), p.bearer()
	answers := make(chan string, 50)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if i%5 == 0 {
				h.browser().who(access)
			}
			resp, body := h.phone().grant(form)
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			answers <- body
		})
	}
	wg.Wait()
	close(answers)
	first := <-answers
	for answer := range answers {
		if answer != first {
			t.Fatalf("got %s and %s", first, answer)
		}
	}
	if got := p.take(form); got != first {
		t.Fatalf("got %s, then %s", first, got)
	}
	p.want(isSignedIn)
	p.renew()
	p.want(isSignedIn)
}

func TestAttack52AfterStepUp(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	old := p.refreshForm()
	p.take(p.form(p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`)))))
	// A refresh that was on its way: refused, and no harm done.
	p.refuse(old, http.StatusBadRequest, "invalid_grant")
	p.want(isSignedIn)
	// Later it is somebody else's.
	h.pass(refreshGrace)
	p.refuse(old, http.StatusBadRequest, "invalid_grant")
	p.want(isExpired)
}

func TestAttack53Code(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("x", 43)
	for name, test := range map[string]func(*testing.T, *house, *phone, url.Values){
		"wrong verifier": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "code_verifier", other), http.StatusBadRequest, "invalid_grant")
		},
		"the challenge as verifier": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "code_verifier", challengeOf(p.verifier)), http.StatusBadRequest, "invalid_grant")
		},
		"another app": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "client_id", "lr-android"), http.StatusBadRequest, "invalid_grant")
		},
		"another address": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "redirect_uri", "https://records.example/app/other"), http.StatusBadRequest, "invalid_grant")
		},
		"too late by our clock": func(_ *testing.T, h *house, p *phone, form url.Values) {
			h.clock.add(appCodeLife)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"too late by Redis": func(_ *testing.T, h *house, p *phone, form url.Values) {
			h.mini.FastForward(appCodeLife)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"61 seconds": func(_ *testing.T, h *house, p *phone, form url.Values) {
			h.pass(61 * time.Second)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"used twice": func(t *testing.T, h *house, p *phone, form url.Values) {
			p.take(form)
			p.want(isSignedIn)
			_, f := p.family()
			h.pass(9 * time.Minute)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
			p.want(isExpired)
			p.refuse(p.refreshForm(), http.StatusBadRequest, "invalid_grant")
			if a := h.book.list[f.Account]; !a.SessionEnded(f.Handle, h.clock.Now()) || !strings.Contains(h.logs.String(), string(auditCodeReused)) {
				t.Error("not ended for good, or not told")
			}
		},
		"used twice, the second time by who has no verifier": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.take(form)
			p.refuse(with(form, "code_verifier", other), http.StatusBadRequest, "invalid_grant")
			p.want(isExpired)
		},
		"used twice, first by who has no verifier": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "code_verifier", other), http.StatusBadRequest, "invalid_grant")
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"used twice while accounts are down": func(_ *testing.T, h *house, p *phone, form url.Values) {
			p.take(form)
			h.book.fault = plr.Unavailable(nil, 0)
			p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
			h.book.fault = nil
			p.want(isExpired)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"the code of a step-up, used twice": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.take(form)
			stepUp := p.form(p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`))))
			p.take(stepUp)
			p.want(isSignedIn)
			p.refuse(stepUp, http.StatusBadRequest, "invalid_grant")
			p.want(isExpired)
		},
		"after signing out everywhere": func(_ *testing.T, h *house, p *phone, form url.Values) {
			b := h.browser()
			b.signIn()
			b.logout(`{"everywhere":true}`)
			p.refuse(form, http.StatusBadRequest, "invalid_grant")
		},
		"made up": func(_ *testing.T, _ *house, p *phone, form url.Values) {
			p.refuse(with(form, "code", strings.Repeat("A", 43)), http.StatusBadRequest, "invalid_grant")
			p.refuse(with(form, "code", "x"), http.StatusBadRequest, "invalid_grant")
			p.refuse(with(form, "code", strings.Repeat("A", 4000)), http.StatusBadRequest, "invalid_grant")
			p.take(form)
		},
		"the web's own session as code": func(_ *testing.T, h *house, p *phone, form url.Values) {
			web := h.browser().signIn()
			p.refuse(with(form, "code", web[len(sessionPrefix):]), http.StatusBadRequest, "invalid_grant")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			test(t, h, p, p.form(p.code(p.query())))
		})
	}
}

// Of many who present one code at once at most one gets tokens, and they open
// nothing once another has been seen.
func TestAttack53CodeRace(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	form := p.form(p.code(p.query()))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []*phone
	for range 20 {
		wg.Go(func() {
			one := h.phone()
			resp, body := one.grant(form)
			mu.Lock()
			defer mu.Unlock()
			if resp.StatusCode == http.StatusOK {
				must(unmarshal(body, &one.tokens))
				won = append(won, one)
			}
		})
	}
	wg.Wait()
	if len(won) > 1 {
		t.Fatalf("%d got tokens", len(won))
	}
	for _, one := range won {
		one.want(isExpired)
	}
	if families := slices.DeleteFunc(h.mini.Keys(), func(key string) bool { return !strings.HasPrefix(key, "lr:f:") }); len(families) != 0 {
		t.Errorf("left: %v", families)
	}
}

// A person presents the code again between its being taken and the session's
// beginning: there is nothing to end yet, and still nothing may live.
func TestAttack53CodeUsedAgainMeanwhile(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	form := p.form(p.code(p.query()))
	h.book.meanwhile = func() {
		h.book.meanwhile = nil
		h.phone().refuse(form, http.StatusBadRequest, "invalid_grant")
	}
	h.pass(2 * time.Second) // so that the account is read again
	p.refuse(form, http.StatusBadRequest, "invalid_grant")
	if h.book.meanwhile != nil {
		t.Fatal("nothing happened meanwhile")
	}
	if families := slices.DeleteFunc(h.mini.Keys(), func(key string) bool { return !strings.HasPrefix(key, "lr:f:") }); len(families) != 0 {
		t.Errorf("left: %v", families)
	}
}

func TestAttack54CodeWithoutVerifier(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	code := p.code(p.query())
	// Who intercepts the link has everything in it, and the address it was begun
	// with; not what the challenge was made of.
	for _, form := range []url.Values{
		with(p.form(code), "code_verifier", ""),
		with(p.form(code), "code_verifier", p.verifier[:42]),
		with(p.form(code), "code_verifier", strings.Repeat("v", 129)),
		with(p.form(code), "code_verifier", strings.Repeat("v", 43)+"!"),
	} {
		p.refuse(form, http.StatusBadRequest, "invalid_request")
	}
	thief := h.phone()
	thief.refuse(with(p.form(code), "code_verifier", thief.verifier), http.StatusBadRequest, "invalid_grant")
	thief.refuse(with(p.form(code), "code_verifier", challengeOf(p.verifier)), http.StatusBadRequest, "invalid_grant")
	if families := slices.DeleteFunc(h.mini.Keys(), func(key string) bool { return !strings.HasPrefix(key, "lr:f:") }); len(families) != 0 {
		t.Errorf("sessions: %v", families)
	}
}

func TestAttack55RedirectAddress(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t, func(c *Config) {
		c.PublicURL = "http://localhost:8080"
		c.AppClients = append(c.AppClients, AppClient{ID: "lr-dev", RedirectURIs: []string{"http://127.0.0.1:3999/callback"}})
	})
	p := h.phone()
	for _, address := range []string{
		"", appRedirect + "/", appRedirect + "x", appRedirect + "?x=y", appRedirect + "#x", appRedirect + "%2f..", appRedirect + "/../callback",
		"https://records.example/app/Callback", "https://RECORDS.example/app/callback", "HTTPS://records.example/app/callback",
		"http://records.example/app/callback", "https://records.example:443/app/callback", "https://records.example:8443/app/callback",
		"https://records.example./app/callback", "https://user@records.example/app/callback", "https://records.example@evil.example/app/callback",
		"https://records.example.evil.example/app/callback", "https://evil.example/app/callback", "https://records.example/app/*", "https://records.example/app",
		"https://records.example//app/callback", " " + appRedirect, appRedirect + " ", appRedirect + "\n", "javascript:alert(1)", "lr-ios:callback",
		"http://127.0.0.1:3999/callback", // another app's
	} {
		resp := p.authorize(with(p.query(), "redirect_uri", address))
		h.wantJSON(resp, http.StatusBadRequest, ProblemAppClientInvalid)
		if resp.Header.Get("Location") != "" || len(resp.Cookies()) != 0 {
			t.Errorf("%q: %v", address, resp.Header)
		}
	}
	dev := with(p.query(), "client_id", "lr-dev")
	for _, address := range []string{
		"http://127.0.0.1/callback", "http://127.0.0.1:4000/callback", "http://localhost:3999/callback", "http://[::1]:3999/callback", "https://127.0.0.1:3999/callback",
	} {
		h.wantJSON(p.authorize(with(dev, "redirect_uri", address)), http.StatusBadRequest, ProblemAppClientInvalid)
	}
	if resp := p.authorize(with(dev, "redirect_uri", "http://127.0.0.1:3999/callback")); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the right one: %d", resp.StatusCode)
	}
	for _, id := range []string{"", "LR-IOS", "lr-ios ", "lr-io", "lr-ios2", "lr%2dios"} {
		h.wantJSON(p.authorize(with(p.query(), "client_id", id)), http.StatusBadRequest, ProblemAppClientInvalid)
	}
	// Said twice, even alike: two readers might see two requests.
	for name, values := range p.query() {
		resp := p.browser.get("/auth/app/authorize?" + p.query().Encode() + "&" + url.Values{name: values}.Encode())
		h.wantJSON(resp, http.StatusBadRequest, ProblemAppClientInvalid)
	}
	h.wantJSON(p.browser.get("/auth/app/authorize?"+p.query().Encode()+"&x=%zz"), http.StatusBadRequest, ProblemAppClientInvalid)
	h.wantJSON(p.browser.get("/auth/app/authorize?"+p.query().Encode()+"&x="+strings.Repeat("x", maxAppQuery)), http.StatusBadRequest, ProblemAppClientInvalid)
}

func TestAttack56NoChallenge(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	challenge := challengeOf(p.verifier)
	for name, query := range map[string]url.Values{
		"none":             with(p.query(), "code_challenge", "", "code_challenge_method", ""),
		"no challenge":     with(p.query(), "code_challenge", ""),
		"no method":        with(p.query(), "code_challenge_method", ""), // plain, by RFC 7636
		"plain":            with(p.query(), "code_challenge_method", "plain"),
		"plain, verifier":  with(p.query(), "code_challenge_method", "plain", "code_challenge", p.verifier),
		"s256":             with(p.query(), "code_challenge_method", "s256"),
		"too short":        with(p.query(), "code_challenge", challenge[:42]),
		"too long":         with(p.query(), "code_challenge", challenge+"A"),
		"padded":           with(p.query(), "code_challenge", challenge+"="),
		"other characters": with(p.query(), "code_challenge", challenge[:42]+"+"),
		"no base64url":     with(p.query(), "code_challenge", challenge[:42]+"B"), // bits left over
	} {
		resp := p.authorize(query)
		if resp.StatusCode != http.StatusFound {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		p.refusedWith(resp, "invalid_request", ProblemAppRequestInvalid)
	}
}

// A refresh on its way while the person signs out everywhere: whichever comes
// first, no token survives.
func TestAttack50RefreshRace(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, *phone, *browser){
		"revoked":               func(_ *house, p *phone, _ *browser) { p.post("/auth/app/revoke", "token="+p.tokens.AccessToken) },
		"signed out everywhere": func(_ *house, _ *phone, b *browser) { b.logout(`{"everywhere":true}`) },
		"ended in Redis alone": func(h *house, p *phone, _ *browser) {
			hash, _ := p.family()
			h.mini.Del(familyKey(hash))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p, b := h.phone(), h.browser()
			p.signIn()
			b.signIn()
			h.pass(2 * time.Minute)
			var wg sync.WaitGroup
			var mu sync.Mutex
			got := []*phone{p}
			for i := range 12 {
				wg.Go(func() {
					if i == 6 {
						end(h, p, b)
						return
					}
					one := h.phone()
					h.browser().who(p.bearer()) // extends
					resp, body := one.grant(p.refreshForm())
					mu.Lock()
					defer mu.Unlock()
					if resp.StatusCode == http.StatusOK {
						must(unmarshal(body, &one.tokens))
						got = append(got, one)
					}
				})
			}
			wg.Wait()
			h.pass(accountAge)
			for _, one := range got {
				one.want(isExpired)
				one.refuse(one.refreshForm(), http.StatusBadRequest, "invalid_grant")
			}
		})
	}
}

// The moment itself: the session ends after a refresh has read it.
func TestAttack50RotationRevivesNothing(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	hash, _ := p.family()
	f, record, err := h.readFamily(context.Background(), hash)
	must(err)
	p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
	if done, err := h.replaceFamily(context.Background(), hash, record, f); err != nil || done {
		t.Errorf("replaced: %t %v", done, err)
	}
	p.want(isExpired)
}
