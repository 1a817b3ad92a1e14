package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"
)

// freshFor is how long a sign-in counts as one of the last minutes.
const freshFor = 5 * time.Minute

// linkOn gives the variables of a link on a view.
func linkOn(view string, more ...any) map[string]any {
	return vars(append([]any{"viewId", view, "purpose", "OTHER"}, more...)...)
}

// What opens much needs a sign-in of the last minutes. What cannot be accepted is
// said first, and nothing is kept of what was refused.
func TestStepUpForNewLinks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	narrow, everything := learner.narrowView(), learner.everythingView()
	const day = 24 * time.Hour
	const month = 30 * day
	in := func(d time.Duration) string { return h.clock.Now().Add(d).Format(time.RFC3339Nano) }
	for _, late := range []bool{false, true} {
		name := "just signed in"
		if late {
			learner.pass(freshFor)
			name = "five minutes later"
		}
		for _, c := range []struct {
			name     string
			in       map[string]any
			want     string
			needsNew bool
		}{
			{name: "narrow, by default", in: linkOn(narrow)},
			{name: "narrow, 30 days", in: linkOn(narrow, "expiresAt", in(month))},
			{name: "narrow, a millisecond longer", in: linkOn(narrow, "expiresAt", in(month+time.Millisecond)), needsNew: true},
			{name: "narrow, a year", in: linkOn(narrow, "expiresAt", in(365*day)), needsNew: true},
			{name: "everything, an hour", in: linkOn(everything, "expiresAt", in(time.Hour)), needsNew: true},
			{name: "everything, with a bad label", in: linkOn(everything, "label", ""), want: "REQUIRED label"},
			{name: "everything, too long", in: linkOn(everything, "expiresAt", in(400*day)), want: "OUT_OF_RANGE expiresAt"},
			{name: "somebody's view", in: linkOn("vew_00000000000000000000000000"), want: "NOT_FOUND viewId"},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				before := learner.holdings()
				a := learner.ask(createLink, c.in)
				want, made := c.want, 0.0
				switch {
				case late && c.needsNew:
					want = "!STEP_UP_REQUIRED"
				case want == "":
					made = 1
				}
				if got := refusal(t, a); got != want || a.status != http.StatusOK {
					t.Errorf("%q, want %q: %d %s", got, want, a.status, a.raw)
				}
				if after := learner.holdings(); after.links != before.links+made {
					t.Errorf("%v links became %v", before.links, after.links)
				}
			})
		}
	}
}

// A retry of a call that succeeded gets its answer, however late it comes.
func TestStepUpIsNotAskedOfARetry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	in := linkOn(learner.everythingView(), "idempotencyKey", "key")
	first := learner.must(createLink, in).at("createShareLink", "shareLink", "id")
	learner.pass(freshFor)
	if again := learner.must(createLink, in).at("createShareLink", "shareLink", "id"); again != first {
		t.Errorf("%v, then %v", first, again)
	}
	if a := learner.ask(createLink, with(in["i"].(map[string]any), "idempotencyKey", "another")); refusal(t, a) != "!STEP_UP_REQUIRED" {
		t.Errorf("%s", a.raw)
	}
}

// Giving needs it, taking away never does.
func TestStepUpForEditedLinks(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	start := h.clock.Now()
	at := func(days int) string { return start.AddDate(0, 0, days).Format(time.RFC3339Nano) }
	links := map[string]any{}
	for name, in := range map[string]map[string]any{
		"short":      linkOn(learner.narrowView(), "expiresAt", at(5), "maxRedemptions", 5),
		"long":       linkOn(learner.narrowView(), "expiresAt", at(60), "maxRedemptions", 5),
		"everything": linkOn(learner.everythingView(), "expiresAt", at(5), "maxRedemptions", 5),
	} {
		links[name] = learner.must(createLink, in).at("createShareLink", "shareLink", "id")
	}
	learner.pass(freshFor)
	version := map[string]int{"short": 1, "long": 1, "everything": 1}
	for _, c := range []struct {
		link, name string
		change     []any
		want       string
	}{
		{"short", "to 29 days", []any{"expiresAt", at(29)}, ""},
		{"short", "to 31 days", []any{"expiresAt", at(31)}, "!STEP_UP_REQUIRED"},
		{"short", "to 31 days with a bad label", []any{"expiresAt", at(31), "label", ""}, "REQUIRED label"},
		{"short", "more uses", []any{"maxRedemptions", 50}, ""},
		{"short", "no limit", []any{"maxRedemptions", nil}, ""},
		{"long", "a label", []any{"label", "x"}, ""},
		{"long", "an earlier end", []any{"expiresAt", at(50)}, ""},
		{"long", "the same end", []any{"expiresAt", at(50)}, ""},
		{"long", "a later end", []any{"expiresAt", at(51)}, "!STEP_UP_REQUIRED"},
		{"long", "more uses", []any{"maxRedemptions", 6}, "!STEP_UP_REQUIRED"},
		{"long", "fewer uses", []any{"maxRedemptions", 4}, ""},
		{"long", "no limit", []any{"maxRedemptions", nil}, "!STEP_UP_REQUIRED"},
		{"long", "under 30 days", []any{"expiresAt", at(20), "maxRedemptions", 4}, ""},
		{"everything", "a label", []any{"label", "x"}, ""},
		{"everything", "a later end", []any{"expiresAt", at(6)}, "!STEP_UP_REQUIRED"},
		{"everything", "more uses", []any{"maxRedemptions", 6}, "!STEP_UP_REQUIRED"},
		{"everything", "an earlier end and fewer uses", []any{"expiresAt", at(4), "maxRedemptions", 1}, ""},
	} {
		t.Run(c.link+"/"+c.name, func(t *testing.T) {
			a := learner.ask(updateLink, vars(append([]any{"id", links[c.link], "expectedVersion", version[c.link]}, c.change...)...))
			if got := refusal(t, a); got != c.want {
				t.Errorf("%q, want %q: %s", got, c.want, a.raw)
			}
			if c.want == "" {
				version[c.link]++
			}
		})
	}
	if a := learner.ask(`mutation($i:RevokeShareLinkInput!){revokeShareLink(input:$i){userErrors{code}}}`, vars("id", links["long"])); refusal(t, a) != "" {
		t.Errorf("revoking: %s", a.raw)
	}
}

// The refusal says where to go, in the caller's language; who goes there and
// proves themselves can do it for five minutes, in that session and no other.
func TestStepUpThroughTheProvider(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	// The provider judges our assertions by the machine's clock: they must not
	// come from the future, nor be a minute old. So the trip is made before the
	// sign-in has grown old.
	h.clock.Advance(-30 * time.Second)
	learner, elsewhere := h.signedIn(person.Subject), h.signedIn(person.Subject)
	in := linkOn(learner.everythingView())
	h.clock.Advance(30 * time.Second)
	if back := learner.trip("/auth/step-up?action=share&return_to=/", person.Subject); back.url != h.url+"/" {
		t.Fatalf("%d %s", back.status, back.url)
	}
	h.clock.Advance(freshFor - time.Second) // 4:59 after the step-up, 5:29 after the sign-ins
	if a := learner.ask(createLink, in); refusal(t, a) != "" {
		t.Errorf("after a step-up: %s", a.raw)
	}
	a := elsewhere.post(string(mustJSON(map[string]any{"query": createLink, "variables": in})), http.Header{"Accept-Language": {"cy"}})
	if refusal(t, a) != "!STEP_UP_REQUIRED" || a.Errors[0].Message != "Mewngofnodwch unwaith eto i wneud hyn." {
		t.Fatalf("in another session: %s", a.raw)
	}
	way, _ := a.Errors[0].Extensions["stepUp"].(map[string]any)
	if want := h.url + "/auth/step-up?action=share&return_to=/"; len(way) != 2 || way["action"] != "share" || way["url"] != want {
		t.Errorf("%v, want %s", way, want)
	}
	h.clock.Advance(2 * time.Second)
	if a := learner.ask(createLink, in); refusal(t, a) != "!STEP_UP_REQUIRED" {
		t.Errorf("five minutes after a step-up: %s", a.raw)
	}
	// The address leads to the provider, which is told to ask anew.
	elsewhere.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := elsewhere.get(way["url"].(string))
	to, err := url.Parse(p.header.Get("Location"))
	if err != nil || p.status != http.StatusSeeOther || !to.IsAbs() || (to.Query().Get("max_age") != "0" && to.Query().Get("prompt") != "login") {
		t.Errorf("%d %s", p.status, to)
	}
}

// Somebody without a record is told where identity is proved.
func TestIdentityRequiredSaysWhereToGo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	nobody := h.signedIn(sample(t, "Meredith").Subject)
	a := nobody.ask(createView, vars("name", "x", "selection", map[string]any{"everything": true}))
	if a.code() != "IDENTITY_REQUIRED" || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if way, _ := a.Errors[0].Extensions["identity"].(map[string]any); len(way) != 1 || way["url"] != h.url+"/auth/identity/start" {
		t.Errorf("%v", way)
	}
}

// appSession signs the person in as the app of the development provider does, and
// gives a client that holds nothing but the access token.
func (h *harness) appSession(subject, device string) *browser {
	h.t.Helper()
	const verifier = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	challenge := sha256.Sum256([]byte(verifier))
	redirect := h.url + "/app/callback"
	system := h.browser()
	back := system.trip("/auth/app/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"dev-app"}, "redirect_uri": {redirect}, "state": {"state"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode(), subject)
	at, err := url.Parse(back.url)
	if err != nil {
		h.t.Fatal(err)
	}
	app := h.browser()
	tokens := app.form("/auth/app/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")}, "code_verifier": {verifier},
		"client_id": {"dev-app"}, "redirect_uri": {redirect}, "device_label": {device},
	})
	var got struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(tokens.body), &got); err != nil || got.Access == "" {
		h.t.Fatalf("no tokens: %s, then %d %s", back.url, tokens.status, tokens.body)
	}
	app.header.Set("Authorization", "Bearer "+got.Access)
	return app
}

// An app has no cookie to take to the provider: it is told of the hand-off.
func TestStepUpForApps(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	app, web, nobody := h.appSession(person.Subject, "My phone"), h.signedIn(person.Subject), h.appSession(sample(t, "Meredith").Subject, "")
	kinds := map[any]any{}
	for _, s := range app.must(listSessions, nil).at("viewer", "sessions").([]any) {
		kinds[s.(map[string]any)["kind"]] = s.(map[string]any)["deviceLabel"]
	}
	if len(kinds) != 2 || kinds["APP"] != "My phone" || kinds["WEB"] != nil {
		t.Errorf("%v", kinds)
	}
	in := linkOn(app.everythingView())
	app.must(createLink, in)
	h.clock.Advance(freshFor)
	want := map[string]any{"handoffUrl": h.url + "/auth/app/handoff", "authorizeUrl": h.url + "/auth/app/authorize", "handoffAction": "step_up", "action": "share"}
	a := app.ask(createLink, in)
	if way := a.Errors[0].Extensions["stepUp"]; a.code() != "STEP_UP_REQUIRED" || !reflect.DeepEqual(way, any(want)) {
		t.Errorf("%s", a.raw)
	}
	delete(want, "action")
	want["handoffAction"] = "identity"
	a = nobody.ask(createView, vars("name", "x", "selection", map[string]any{"everything": true}))
	if way := a.Errors[0].Extensions["identity"]; a.code() != "IDENTITY_REQUIRED" || !reflect.DeepEqual(way, any(want)) {
		t.Errorf("%s", a.raw)
	}
	if !web.alive() {
		t.Error("the browser's session has ended")
	}
}
