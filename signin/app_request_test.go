package signin

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func TestAppAuthorize(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	query := p.query()
	// The trip to the provider has secrets of its own.
	u := p.leave(with(query, "ui_locales", "cy"))
	if got := u.Query(); got.Get("ui_locales") != "cy" || got.Get("state") == p.state || got.Get("code_challenge") == query.Get("code_challenge") ||
		got.Get("redirect_uri") != publicURL+CallbackPath {
		t.Errorf("left for %s", u)
	}
	// No rule about who sent the browser: the system's browser comes from an app.
	for _, site := range []string{"none", "cross-site", "same-site", "same-origin"} {
		if resp := p.browser.get("/auth/app/authorize?"+query.Encode(), header("Sec-Fetch-Site", site)); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", site, resp.StatusCode)
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodPost} {
		resp := p.browser.do(method, "/auth/app/authorize?"+query.Encode(), "")
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != http.MethodGet {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	for name, bad := range map[string]url.Values{
		"no response_type":  with(query, "response_type", ""),
		"token":             with(query, "response_type", "token"),
		"code and more":     with(query, "response_type", "code id_token"),
		"unknown action":    with(query, "action", "admin"),
		"hand-off missing":  with(query, "action", "step_up"),
		"hand-off too many": with(query, "handoff", strings.Repeat("A", 43)),
	} {
		resp := p.authorize(bad)
		if resp.StatusCode != http.StatusFound || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %d %v", name, resp.StatusCode, resp.Header)
		}
		p.refusedWith(resp, "invalid_request", ProblemAppRequestInvalid)
	}
	for name, state := range map[string]string{"none": "", "too long": strings.Repeat("s", 513), "controls": "a\nb", "not ASCII": "é"} {
		got := p.answer(p.authorize(with(query, "state", state)))
		if got.Get("error") != "invalid_request" || got.Has("state") {
			t.Errorf("state %s: %v", name, got)
		}
	}
	for _, state := range []string{"s", strings.Repeat("s", 512), `"a b"&c=d#e?f%00`} {
		p.state = state
		p.refusedWith(p.authorize(with(query, "state", state, "response_type", "")), "invalid_request", ProblemAppRequestInvalid)
	}
}

func TestAppWithoutClients(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.phone()
	h.wantJSON(p.authorize(p.query()), http.StatusBadRequest, ProblemAppClientInvalid)
	p.refuse(p.form(strings.Repeat("A", 43)), http.StatusUnauthorized, "invalid_client")
	for _, file := range []string{"/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"} {
		h.wantJSON(h.browser().get(file), http.StatusNotFound, ProblemNoApps)
	}
}

func TestAppErrorPage(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t, func(c *Config) {
		c.ErrorPage = func(w http.ResponseWriter, _ *http.Request, status int, ref string) {
			w.WriteHeader(status)
			io.WriteString(w, ref)
		}
	})
	p := h.phone()
	resp := p.authorize(with(p.query(), "client_id", "x"))
	ref := bodyOf(t, resp)
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	h.wantAudit(ref, ProblemAppClientInvalid)
}

func TestAppTripFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault string
		code  Problem
		way   func(*house, *phone) *http.Response
	}{
		"cancelled": {"access_denied", ProblemAccessDenied, func(_ *house, p *phone) *http.Response {
			state := p.leave(p.query()).Query().Get("state")
			return p.browser.back(url.Values{"error": {"access_denied"}, "state": {state}})
		}},
		"the provider asks to come back": {"temporarily_unavailable", ProblemTemporarilyUnavailable, func(_ *house, p *phone) *http.Response {
			state := p.leave(p.query()).Query().Get("state")
			return p.browser.back(url.Values{"error": {"temporarily_unavailable"}, "state": {state}})
		}},
		"no proof": {"server_error", ProblemIDTokenInvalid, func(h *house, p *phone) *http.Response {
			h.op.bend(func() { h.op.claims = func(c map[string]any) { c["nonce"] = "other" } })
			return p.browser.back(h.op.authorize(p.leave(p.query())))
		}},
		"accounts down": {"temporarily_unavailable", ProblemAccountStoreUnavailable, func(h *house, p *phone) *http.Response {
			query := h.op.authorize(p.leave(p.query()))
			h.book.fault = plr.Unavailable(nil, 0)
			return p.browser.back(query)
		}},
		"the provider is down": {"temporarily_unavailable", ProblemProviderUnavailable, func(h *house, p *phone) *http.Response {
			h.op.bend(func() { h.op.transport = io.ErrUnexpectedEOF })
			return p.authorize(p.query())
		}},
		"Redis is down": {"temporarily_unavailable", ProblemSessionStoreUnavailable, func(h *house, p *phone) *http.Response {
			h.mini.Close()
			return p.authorize(p.query())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			p.refusedWith(test.way(h, p), test.fault, test.code)
		})
	}
	// In another browser than it began in, nobody is told anything of the app.
	h := newAppHouse(t)
	p := h.phone()
	h.wantPage(h.browser().back(h.op.authorize(p.leave(p.query()))), ProblemBrowserMismatch)
}

func TestAppTokenRequests(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	code := p.form(p.code(p.query()))
	long := strings.Repeat("ŵ", 64)
	for name, form := range map[string]url.Values{
		"no code": with(code, "code", ""), "no address": with(code, "redirect_uri", ""), "no refresh token": with(p.refreshForm(), "refresh_token", ""),
		"device too long": with(code, "device_label", long+"x"), "device with a line": with(code, "device_label", "a\nb"),
		"device turns text": with(code, "device_label", "a\u202eb"), "device isolates": with(code, "device_label", "a\u2066b"),
		"device unseen": with(code, "device_label", "a\u200bb"), "device no UTF-8": with(code, "device_label", "a\xffb"),
		"lock": with(code, "app_lock", "yes"), "lock in capitals": with(code, "app_lock", "TRUE"),
	} {
		t.Log(name)
		p.refuse(form, http.StatusBadRequest, "invalid_request")
	}
	p.refuse(with(code, "grant_type", ""), http.StatusBadRequest, "unsupported_grant_type")
	p.refuse(with(code, "grant_type", "password"), http.StatusBadRequest, "unsupported_grant_type")
	p.refuse(with(code, "client_id", ""), http.StatusUnauthorized, "invalid_client")
	p.refuse(with(code, "client_id", "x"), http.StatusUnauthorized, "invalid_client")
	for name, values := range code {
		resp := p.post("/auth/app/token", code.Encode()+"&"+url.Values{name: values}.Encode())
		p.wantFault(resp, bodyOf(t, resp), http.StatusBadRequest, "invalid_request")
	}
	for name, body := range map[string]string{
		"not a form": "{}%zz", "a semicolon": code.Encode() + ";x=y", "too long": code.Encode() + "&x=" + strings.Repeat("x", maxAppForm),
	} {
		t.Log(name)
		resp := p.post("/auth/app/token", body)
		p.wantFault(resp, bodyOf(t, resp), http.StatusBadRequest, "invalid_request")
	}
	for _, contentType := range []string{"application/json", "text/plain", "multipart/form-data; boundary=x", ""} {
		resp := p.post("/auth/app/token", code.Encode(), func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
		p.wantFault(resp, bodyOf(t, resp), http.StatusBadRequest, "invalid_request")
	}
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		if resp := p.browser.do(method, "/auth/app/token?"+code.Encode(), ""); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	// After all that the code is as good as new, and what comes along without
	// being asked for does not count.
	b := h.browser()
	b.signIn()
	resp := b.do(http.MethodPost, "/auth/app/token", with(code, "device_label", "  "+long+" ", "scope", "all").Encode(),
		header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), header("Authorization", "Basic eDp5"))
	must(unmarshal(bodyOf(t, resp), &p.tokens))
	h.secret(p.tokens.AccessToken, p.tokens.RefreshToken)
	if got := p.seen(); got != "app fresh=true identity=false device="+long {
		t.Errorf("seen as %q", got)
	}
	b.want(isSignedIn)
	p.refuse(with(p.refreshForm(), "client_id", "lr-android"), http.StatusBadRequest, "invalid_grant")
	p.refuse(with(p.refreshForm(), "client_id", "x"), http.StatusUnauthorized, "invalid_client")
	p.want(isSignedIn)
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("open to %q", got)
	}
}

func TestAppTokenWithoutRedis(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	form := p.form(p.code(p.query()))
	h.mini.Close()
	p.refuse(form, http.StatusServiceUnavailable, "temporarily_unavailable")
	must(h.mini.Restart())
	p.take(form)
	p.want(isSignedIn)
}

func TestAppStepUp(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	_, before := p.family()
	h.pass(6 * time.Minute)
	if got := p.seen(); !strings.Contains(got, "fresh=false") {
		t.Fatalf("seen as %q", got)
	}
	old := p.tokens
	code := p.code(with(p.query(), "action", "step_up", "handoff", p.handoff(`{"action":"step_up"}`)))
	p.want(isSignedIn) // until the app has the new tokens
	p.take(p.form(code))
	if got := p.seen(); !strings.Contains(got, "fresh=true") || p.tokens.SessionID != old.SessionID {
		t.Errorf("seen as %q, session %s after %s", got, p.tokens.SessionID, old.SessionID)
	}
	h.browser().want(isExpired, header("Authorization", "Bearer "+old.AccessToken))
	// It prolongs nothing: the session began when it began.
	if _, after := p.family(); after.AbsoluteAt != before.AbsoluteAt || after.CreatedAt != before.CreatedAt || after.Device != before.Device {
		t.Errorf("%+v after %+v", after, before)
	}
	p.renew()
	if got := p.seen(); !strings.Contains(got, "fresh=true") {
		t.Errorf("seen as %q after a refresh", got)
	}
	h.pass(5 * time.Minute)
	if got := p.seen(); !strings.Contains(got, "fresh=false") {
		t.Errorf("seen as %q", got)
	}
}

func TestAppHandoff(t *testing.T) {
	t.Parallel()
	stepUp := func(p *phone, handoff string) url.Values {
		return with(p.query(), "action", "step_up", "handoff", handoff)
	}
	for name, test := range map[string]func(*testing.T, *house, *phone){
		"used twice": func(_ *testing.T, _ *house, p *phone) {
			handoff := p.handoff(`{"action":"step_up"}`)
			p.leave(stepUp(p, handoff))
			p.refusedWith(p.authorize(stepUp(p, handoff)), "invalid_request", ProblemHandoffInvalid)
		},
		"too late by our clock": func(_ *testing.T, h *house, p *phone) {
			handoff := p.handoff(`{"action":"step_up"}`)
			h.clock.add(handoffLife)
			p.refusedWith(p.authorize(stepUp(p, handoff)), "invalid_request", ProblemHandoffInvalid)
		},
		"too late by Redis": func(_ *testing.T, h *house, p *phone) {
			handoff := p.handoff(`{"action":"step_up"}`)
			h.mini.FastForward(handoffLife)
			p.refusedWith(p.authorize(stepUp(p, handoff)), "invalid_request", ProblemHandoffInvalid)
		},
		"for another action": func(_ *testing.T, _ *house, p *phone) {
			p.refusedWith(p.authorize(stepUp(p, p.handoff(`{"action":"identity"}`))), "invalid_request", ProblemHandoffInvalid)
		},
		"for another app": func(_ *testing.T, _ *house, p *phone) {
			query := with(stepUp(p, p.handoff(`{"action":"step_up"}`)), "client_id", "lr-android")
			p.refusedWith(p.authorize(query), "invalid_request", ProblemHandoffInvalid)
		},
		"made up": func(_ *testing.T, _ *house, p *phone) {
			for _, handoff := range []string{strings.Repeat("A", 43), "x", strings.Repeat("A", 4000)} {
				p.refusedWith(p.authorize(stepUp(p, handoff)), "invalid_request", ProblemHandoffInvalid)
			}
		},
		"of a session that has ended": func(_ *testing.T, _ *house, p *phone) {
			handoff := p.handoff(`{"action":"step_up"}`)
			p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.refusedWith(p.authorize(stepUp(p, handoff)), "login_required", ProblemSessionExpired)
		},
		"of a session that ends on the way": func(_ *testing.T, h *house, p *phone) {
			u := p.leave(stepUp(p, p.handoff(`{"action":"step_up"}`)))
			p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.refusedWith(p.browser.back(h.op.authorize(u)), "login_required", ProblemSessionExpired)
		},
		"of a session that ends before the code is traded": func(_ *testing.T, _ *house, p *phone) {
			code := p.code(stepUp(p, p.handoff(`{"action":"step_up"}`)))
			p.post("/auth/app/revoke", "token="+p.tokens.AccessToken)
			p.refuse(p.form(code), http.StatusBadRequest, "invalid_grant")
			p.want(isExpired)
		},
		"signed out everywhere before the code is traded": func(_ *testing.T, h *house, p *phone) {
			code := p.code(stepUp(p, p.handoff(`{"action":"step_up"}`)))
			b := h.browser()
			b.signIn()
			b.logout(`{"everywhere":true}`)
			p.refuse(p.form(code), http.StatusBadRequest, "invalid_grant")
		},
		"59 another person comes back": func(_ *testing.T, h *house, p *phone) {
			u := p.leave(stepUp(p, p.handoff(`{"action":"step_up"}`)))
			h.op.bend(func() { h.op.claims = func(c map[string]any) { c["sub"] = person + "-other" } })
			p.refusedWith(p.browser.back(h.op.authorize(u)), "access_denied", ProblemSubjectMismatch)
			p.want(isSignedIn)
		},
		"refreshed on the way": func(_ *testing.T, h *house, p *phone) {
			u := p.leave(stepUp(p, p.handoff(`{"action":"step_up"}`)))
			p.renew()
			query := p.answer(p.browser.back(h.op.authorize(u)))
			p.renew()
			p.take(p.form(query.Get("code")))
			p.want(isSignedIn)
		},
		"requests": func(t *testing.T, h *house, p *phone) {
			json := func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }
			for _, body := range []string{"", "{}", "[]", "null", `{"action":"sign_in"}`, `{"action":"x"}`, `{"action":1}`, `{"action":"step_up"} x`} {
				h.wantJSON(p.post("/auth/app/handoff", body, p.bearer(), json), http.StatusBadRequest, ProblemInvalidBody)
			}
			h.wantJSON(p.post("/auth/app/handoff", `{"action":"step_up"}`, p.bearer()), http.StatusUnsupportedMediaType, ProblemUnsupportedMediaType)
			h.wantJSON(p.post("/auth/app/handoff", `"`+strings.Repeat("x", maxBody)+`"`, p.bearer(), json), http.StatusRequestEntityTooLarge, ProblemBodyTooLarge)
			for bearer, code := range map[string]Problem{
				"": ProblemUnauthenticated, "Basic eDp5": ProblemUnauthenticated, "Bearer": ProblemSessionExpired, "Bearer x": ProblemSessionExpired,
				"Bearer " + p.tokens.RefreshToken: ProblemSessionExpired,
			} {
				resp := p.post("/auth/app/handoff", `{"action":"step_up"}`, json, header("Authorization", bearer))
				if resp.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
					t.Errorf("%q: %v", bearer, resp.Header)
				}
				h.wantJSON(resp, http.StatusUnauthorized, code)
			}
			h.wantJSON(p.post("/auth/app/handoff", `{"action":"step_up"}`, json, p.bearer(), p.bearer()), http.StatusUnauthorized, ProblemSessionExpired)
			h.mini.Close()
			h.wantJSON(p.post("/auth/app/handoff", `{"action":"step_up"}`, json, p.bearer()), http.StatusServiceUnavailable, ProblemSessionStoreUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAppHouse(t)
			p := h.phone()
			p.signIn()
			test(t, h, p)
		})
	}
}

func TestAppRevoke(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	p := h.phone()
	p.signIn()
	for _, body := range []string{"token=x", "token=" + strings.Repeat("A", 68), "token=" + accessPrefix + strings.Repeat("A", 64), "token=x&client_id=unknown"} {
		if resp := p.post("/auth/app/revoke", body); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
	for _, body := range []string{"", "token=", "token=a&token=b", "client_id=" + appID} {
		resp := p.post("/auth/app/revoke", body)
		p.wantFault(resp, bodyOf(t, resp), http.StatusBadRequest, "invalid_request")
	}
	if resp := h.browser().get("/auth/app/revoke?token=" + p.tokens.AccessToken); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	p.want(isSignedIn)
	old := p.tokens.RefreshToken
	h.pass(9 * time.Minute)
	p.renew()
	h.pass(9 * time.Minute)
	for range 2 { // an old token is as good for this, and again changes nothing
		if resp := p.post("/auth/app/revoke", "token="+old+"&token_type_hint=access_token"); resp.StatusCode != http.StatusOK {
			t.Errorf("%d", resp.StatusCode)
		}
		p.want(isExpired)
	}
}

func TestAppLinks(t *testing.T) {
	t.Parallel()
	h := newAppHouse(t)
	for file, want := range map[string]string{
		"/.well-known/apple-app-site-association": `{"applinks":{"details":[{"appIDs":["ABCDE12345.example.records"],"components":[{"/":"/app/callback"}]}]}}`,
		"/.well-known/assetlinks.json": `[{"relation":["delegate_permission/common.handle_all_urls"],"target":{"namespace":"android_app",` +
			`"package_name":"example.records","sha256_cert_fingerprints":["` + strings.TrimSuffix(strings.Repeat("0A:", 32), ":") + `"]}}]`,
	} {
		resp := h.browser().get(file)
		if body := bodyOf(t, resp); strings.TrimSpace(body) != want || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%s: %v %s", file, resp.Header, body)
		}
	}
}

func TestAppFaults(t *testing.T) {
	t.Parallel()
	config := func() Config {
		return Config{PublicURL: publicURL, AppClients: appClients()}
	}
	good := config()
	good.setAppDefaults()
	if faults := good.appFaults(); len(faults) != 0 {
		t.Fatal(faults)
	}
	for want, spoil := range map[string]func(*Config){
		`id ""`:                  func(c *Config) { c.AppClients[0].ID = "" },
		`id "LR"`:                func(c *Config) { c.AppClients[0].ID = "LR" },
		`id "a b"`:               func(c *Config) { c.AppClients[0].ID = "a b" },
		"is not 1 to 64":         func(c *Config) { c.AppClients[0].ID = strings.Repeat("a", 65) },
		"stands twice":           func(c *Config) { c.AppClients[1].ID = appID },
		"has no redirect URI":    func(c *Config) { c.AppClients[0].RedirectURIs = nil },
		`URI ""`:                 func(c *Config) { c.AppClients[0].RedirectURIs[0] = "" },
		`URI "http://r.`:         func(c *Config) { c.AppClients[0].RedirectURIs[0] = "http://r.example/x" },
		`URI "http://127`:        func(c *Config) { c.AppClients[0].RedirectURIs[0] = "http://127.0.0.1:1/x" },
		`URI "lr-ios:x"`:         func(c *Config) { c.AppClients[0].RedirectURIs[0] = "lr-ios:x" },
		`URI "https://r/x#"`:     func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/x#" },
		`URI "https://r/x#y"`:    func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/x#y" },
		`URI "https://r/x?"`:     func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/x?" },
		`URI "https://r/x?y"`:    func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/x?y" },
		`URI "https://u@r/x"`:    func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://u@r/x" },
		`URI "https://*.r/x"`:    func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://*.r/x" },
		`URI "https://r/*"`:      func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/*" },
		`URI "https://r/a/../b"`: func(c *Config) { c.AppClients[0].RedirectURIs[0] = "https://r/a/../b" },
		`URI "/app/callback"`:    func(c *Config) { c.AppClients[0].RedirectURIs[0] = "/app/callback" },
		"Apple app id":           func(c *Config) { c.AppClients[0].AppleAppIDs[0] = "example.records" },
		"Android package":        func(c *Config) { c.AppClients[1].AndroidApps[0].Package = "records" },
		"32 pairs":               func(c *Config) { c.AppClients[1].AndroidApps[0].Fingerprints[0] = "0A:0B" },
		"fingerprints":           func(c *Config) { c.AppClients[1].AndroidApps[0].Fingerprints = nil },
		"AppAccess":              func(c *Config) { c.AppAccess = 11 * time.Minute },
		"AppAccess 1s":           func(c *Config) { c.AppAccess = time.Second },
		"AppIdle":                func(c *Config) { c.AppIdle = 61 * time.Minute },
		"AppAbsolute":            func(c *Config) { c.AppAbsolute = 25 * time.Hour },
		"AppLockedAbsolute":      func(c *Config) { c.AppLockedAbsolute = 31 * 24 * time.Hour },
	} {
		c := config()
		spoil(&c)
		c.setAppDefaults()
		faults := c.appFaults()
		if len(faults) == 0 || !strings.Contains(faults[0].Error(), want) {
			t.Errorf("%s: %v", want, faults)
		}
	}
	local := config()
	local.PublicURL = "http://localhost:8080"
	local.AppClients[0].RedirectURIs[0] = "http://127.0.0.1:3999/callback"
	local.setAppDefaults()
	if faults := local.appFaults(); len(faults) != 0 {
		t.Error(faults)
	}
}
