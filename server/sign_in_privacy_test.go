package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openplr/signin"
)

// Signing in, proving who one is, claiming with and without success, an app, a
// caseworker, and everything of it again in ways that fail: nothing personal and
// no secret is in the log, and no secret in the store.
func TestSigningInAndClaimingLeavesNothingPersonal(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, uln := sampleBy(t, "callum.westerdale@example.com")
	again, _ := sampleBy(t, "amber.again@example.com")
	restricted, _ := sampleBy(t, "linden.marchbank@example.com")
	private := map[string]string{"device": "Qxtelephone", "reason": "Qxreason", "state of an app": "Qxappstate"}
	for _, p := range samplePeople(t) {
		if !slices.Contains([]string{subject, again, restricted}, p.Subject) {
			continue
		}
		for what, value := range map[string]string{
			"subject": p.Subject, "ULN": string(p.ULN), "family name": p.FamilyName, "given name": p.GivenName, "date of birth": string(p.BirthDate), "e-mail": p.Email,
		} {
			private[what+" of "+p.Email] = value
		}
		for _, code := range p.PostCodes {
			private["postcode "+code] = code
		}
	}
	secrets := map[string]string{}
	note := func(b *browser) {
		for _, c := range b.client.Jar.Cookies(mustURL(t, h.url+"/graphql")) {
			secrets[c.Name+" "+c.Value[:8]] = c.Value
		}
	}

	learner := h.signedIn(subject)
	note(learner)
	learner.prove(subject)
	note(learner)
	for _, in := range []map[string]any{vars("uln", "9900001000"), vars("uln", string(uln)+"0"), vars("uln", string(uln))} {
		learner.ask(claimRecord, in)
	}
	if a := learner.must(viewIdentity, nil); a.at("learner", "uln") != string(uln) {
		t.Fatalf("%s", a.raw)
	}
	other, hidden := h.claimant(again), h.claimant(restricted)
	other.ask(claimRecord, vars())
	hidden.ask(claimRecord, vars())
	staff := h.caseworker()
	id := staff.must(listCases, nil).at("casework", "reviewCases", "nodes", 0, "id")
	staff.must(resolveCase, vars("id", id, "decision", "REFUSE", "reason", private["reason"], "expectedVersion", 1))

	app := h.phone(subject)
	for _, token := range []string{app.refresh, strings.TrimPrefix(app.header.Get("Authorization"), "Bearer ")} {
		secrets[token[:8]] = token
	}
	stolen := *app
	for range 2 {
		if !app.renew() {
			t.Fatal("an honest refresh was refused")
		}
	}
	if stolen.renew() {
		t.Fatal("a token that was replaced twice gave others")
	}
	secrets["the last refresh token"] = app.refresh

	// Again, broken: tokens and personal things where nothing like them belongs.
	personal := private["family name of callum.westerdale@example.com"] + string(uln)
	for _, path := range []string{
		"/auth/login?return_to=" + url.QueryEscape("//"+personal), "/auth/callback?" + url.Values{"error": {personal}, "error_description": {personal}, "state": {personal}}.Encode(),
		"/auth/callback?" + url.Values{"code": {app.refresh}, "state": {app.refresh}}.Encode(), "/auth/step-up?action=" + personal,
		"/auth/identity/start?return_to=" + personal, "/auth/app/authorize?client_id=" + personal + "&state=" + private["state of an app"],
		"/app/callback?code=" + app.refresh, "/sign-in/problem?code=" + personal + "&ref=" + personal, "/auth/sessions/" + app.refresh, "/graphql?access_token=" + app.refresh,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			learner.exchange(t, method, path, fromOurPage("Accept", "text/html"), `{"`+personal+`":"`+app.refresh+`"}`)
		}
	}
	for path, form := range map[string]url.Values{
		"/auth/app/token":          {"grant_type": {"refresh_token"}, "refresh_token": {app.refresh}, "client_id": {personal}, "device_label": {private["device"]}},
		"/auth/app/revoke":         {"token": {app.refresh}, "client_id": {personal}},
		"/auth/backchannel-logout": {"logout_token": {personal + "." + app.refresh}},
	} {
		h.browser().form(path, form)
	}
	learner.header.Set(signin.RequestedByHeader, signin.RequestedBy)
	learner.do(http.MethodPost, "/auth/logout", "application/json", strings.NewReader(`{"everywhere":true}`))

	log := strings.ToLower(h.logs.String())
	if strings.Count(log, "msg=request ") < 60 || !strings.Contains(log, "msg=refused") {
		t.Fatal("the log has too few lines to say anything")
	}
	maps.Copy(private, secrets)
	for what, value := range private {
		if value != "" && strings.Contains(log, strings.ToLower(value)) {
			t.Errorf("the log holds the %s", what)
		}
	}
	h.app.stop()
	stored, err := os.ReadFile(filepath.Join(h.dir, "openplr.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(stored, []byte(private["reason"])) {
		t.Fatal("the store's file does not hold what it must: this looks in the wrong place")
	}
	for what, value := range secrets {
		if bytes.Contains(stored, []byte(value)) {
			t.Errorf("the store holds the secret %s", what)
		}
	}
}
