package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// phone is somebody's app: the development provider's, which every service in
// development knows.
type phone struct {
	*browser // with the access token in its header, and no cookies
	refresh  string
}

// appTokens asks for tokens and gives them, or the error.
func (h *harness) appTokens(form url.Values) (access, refresh, fault string) {
	h.t.Helper()
	form.Set("client_id", "dev-app")
	p := h.browser().form("/auth/app/token", form)
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if err := json.Unmarshal([]byte(p.body), &got); err != nil || (p.status == http.StatusOK) != (got.Access != "") {
		h.t.Fatalf("tokens: %d %s", p.status, p.body)
	}
	return got.Access, got.Refresh, got.Error
}

// trade goes on an app's trip as the sample person and trades the code.
func (p *phone) trade(subject string, pairs ...string) {
	p.h.t.Helper()
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {"dev-app"}, "redirect_uri": {p.h.url + "/app/callback"}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	back, err := url.Parse(p.h.browser().trip("/auth/app/authorize?"+query.Encode(), subject).url)
	if err != nil || back.Query().Get("code") == "" {
		p.h.t.Fatalf("the app was sent to %s", back)
	}
	access, refresh, fault := p.h.appTokens(url.Values{
		"grant_type": {"authorization_code"}, "code": back.Query()["code"], "code_verifier": {verifier},
		"redirect_uri": {p.h.url + "/app/callback"}, "device_label": {"a telephone"},
	})
	if fault != "" {
		p.h.t.Fatalf("the code was refused: %s", fault)
	}
	p.hold(access, refresh)
}

func (p *phone) hold(access, refresh string) {
	p.header.Set("Authorization", "Bearer "+access)
	p.refresh = refresh
}

// renew refreshes and says whether new tokens came.
func (p *phone) renew() bool {
	p.h.t.Helper()
	access, refresh, fault := p.h.appTokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.refresh}})
	if fault == "" {
		p.hold(access, refresh)
	} else if fault != "invalid_grant" {
		p.h.t.Errorf("a refresh was answered %s", fault)
	}
	return fault == ""
}

func (h *harness) phone(subject string) *phone {
	h.t.Helper()
	p := &phone{browser: h.browser()}
	p.trade(subject)
	return p
}

func TestAppStory(t *testing.T) {
	t.Parallel()
	appStory(t, newHarness(t, harnessOptions{}))
}

// appStory is what a person does with apps and browsers side by side, whatever
// Redis is behind it.
func appStory(t *testing.T, h *harness) {
	t.Helper()
	subject := sample(t, adult).Subject
	over := func(p *phone, when string) {
		t.Helper()
		if p.alive() || p.renew() {
			t.Errorf("%s: the app's session lives", when)
		}
	}

	web, one, two := h.signedIn(subject), h.phone(subject), h.phone(subject)
	if !one.renew() || !one.alive() || !two.alive() {
		t.Fatal("an app does not work")
	}
	kinds := map[any]int{}
	list, _ := web.must(listSessions, nil).at("viewer", "sessions").([]any)
	for _, s := range list {
		kinds[s.(map[string]any)["kind"]]++
	}
	if kinds["WEB"] != 1 || kinds["APP"] != 2 {
		t.Errorf("sessions: %v", kinds)
	}
	if a := web.must(endOthers, nil); a.at("endOtherSessions", "endedCount") != 2.0 {
		t.Errorf("%s", a.raw)
	}
	over(one, "the browser ended the others")
	over(two, "the browser ended the others")

	// An app ends a browser's session, and gets new tokens by a step-up.
	app := h.phone(subject)
	app.must(endSession, vars("id", web.sessionID()))
	if web.alive() || !app.alive() {
		t.Error("the wrong session has ended")
	}
	before := *app
	before.browser = h.browser()
	before.header.Set("Authorization", app.header.Get("Authorization"))
	var handed struct{ Handoff string }
	p := app.do(http.MethodPost, "/auth/app/handoff", "application/json", strings.NewReader(`{"action":"step_up"}`))
	if err := json.Unmarshal([]byte(p.body), &handed); err != nil || p.status != http.StatusCreated {
		t.Fatalf("hand-off: %d %s", p.status, p.body)
	}
	id := app.sessionID()
	app.trade(subject, "action", "step_up", "handoff", handed.Handoff)
	if before.alive() || !app.alive() || app.sessionID() != id {
		t.Error("a step-up left the old token, or made another session")
	}

	// The person is told when a refresh token is used that was replaced twice since.
	stolen := *app
	for range 2 {
		if !app.renew() {
			t.Fatal("an honest refresh was refused")
		}
	}
	if stolen.renew() {
		t.Error("reuse was not noticed")
	}
	over(app, "a token was reused")
	web = h.signedIn(subject)
	if a := web.must(viewNotices, nil); a.at("viewer", "notices", 0, "kind") != "SESSION_TOKEN_REUSED" || a.at("viewer", "notices", 0, "message") == "" {
		t.Errorf("%s", a.raw)
	}

	// Revoked by the app, and signed out at the provider.
	one, two = h.phone(subject), h.phone(subject)
	if p := h.browser().form("/auth/app/revoke", url.Values{"token": {one.refresh}, "client_id": {"dev-app"}}); p.status != http.StatusOK {
		t.Errorf("revoking: %d %s", p.status, p.body)
	}
	over(one, "revoked")
	if !two.alive() || !web.alive() {
		t.Error("revoking one ended another")
	}
	if p := h.browser().form(h.app.devop+"/sign-out-everywhere", url.Values{"subject": {subject}}); p.status != http.StatusOK {
		t.Errorf("the provider's sign-out: %d %s", p.status, p.body)
	}
	over(two, "signed out at the provider")
	if web.alive() {
		t.Error("signed out at the provider: the browser's session lives")
	}
}
