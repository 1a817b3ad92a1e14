package main

import (
	"net/http"
	"testing"
	"time"
)

const (
	listSessions = `{viewer{signedIn session{id} sessions{id kind createdAt lastSeenAt authenticatedAt idleExpiresAt absoluteExpiresAt stepUpUntil deviceLabel current}}}`
	endSession   = `mutation($i:EndSessionInput!){endSession(input:$i){endedSessionId userErrors{code message path}}}`
	endOthers    = `mutation{endOtherSessions{endedCount userErrors{code message path}}}`
)

// sessionID is the handle of the browser's own session.
func (b *browser) sessionID() string {
	b.h.t.Helper()
	id, _ := b.must(`{viewer{session{id}}}`, nil).at("viewer", "session", "id").(string)
	return id
}

// alive says whether the browser is signed in, by a request that needs it.
func (b *browser) alive() bool {
	b.h.t.Helper()
	a := b.ask(`{learner{uln}}`, nil)
	if code := a.code(); code != "" && code != "SESSION_EXPIRED" {
		b.h.t.Errorf("%s", a.raw)
	}
	return a.code() == ""
}

func TestSessionsAreListed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	if a := h.browser().must(listSessions, nil); len(a.at("viewer", "sessions").([]any)) != 0 {
		t.Errorf("nobody has sessions: %s", a.raw)
	}
	h.clock.Advance(-10 * time.Second) // the provider judges our assertions by the machine's clock
	first := h.signedIn(sample(t, adult).Subject)
	h.clock.Advance(10 * time.Second)
	second, stranger := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	own := map[*browser]string{first: first.sessionID(), second: second.sessionID()}
	for _, b := range []*browser{first, second} {
		a := b.must(listSessions, nil)
		list := a.at("viewer", "sessions").([]any)
		if len(list) != 2 {
			t.Fatalf("%s", a.raw)
		}
		for i, of := range []*browser{second, first} { // newest first
			s := list[i].(map[string]any)
			if s["id"] != own[of] || s["current"] != (of == b) || s["kind"] != "WEB" || s["deviceLabel"] != nil {
				t.Errorf("session %d: %v", i, s)
			}
			began, err := time.Parse(time.RFC3339, s["createdAt"].(string))
			if err != nil {
				t.Fatal(err)
			}
			for name, after := range map[string]time.Duration{
				"lastSeenAt": 0, "idleExpiresAt": 30 * time.Minute, "absoluteExpiresAt": 12 * time.Hour, "stepUpUntil": freshFor,
			} {
				if want := began.Add(after).Format("2006-01-02T15:04:05.000Z"); s[name] != want {
					t.Errorf("%s is %v, want %s", name, s[name], want)
				}
			}
			if at, err := time.Parse(time.RFC3339, s["authenticatedAt"].(string)); err != nil || began.Sub(at).Abs() > time.Minute {
				t.Errorf("authenticatedAt is %v, the session began at %s", s["authenticatedAt"], began)
			}
		}
	}
	if a := stranger.must(listSessions, nil); len(a.at("viewer", "sessions").([]any)) != 1 || a.at("viewer", "sessions", 0, "id") != a.at("viewer", "session", "id") {
		t.Errorf("another person sees %s", a.raw)
	}
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	mine, lost, stranger := h.signedIn(person.Subject), h.signedIn(person.Subject), h.signedIn(sample(t, another).Subject)
	id := lost.sessionID()
	if a := mine.must(endSession, vars("id", id)); a.at("endSession", "endedSessionId") != id {
		t.Errorf("%s", a.raw)
	}
	if lost.alive() || !mine.alive() {
		t.Error("the wrong session has ended")
	}
	if a := mine.must(listSessions, nil); len(a.at("viewer", "sessions").([]any)) != 1 {
		t.Errorf("%s", a.raw)
	}
	// Whatever is not one of one's own is answered alike.
	answers := map[string]string{}
	for name, other := range map[string]string{
		"ended": id, "somebody else's": stranger.sessionID(), "unknown": "ses_00000000000000000000000000", "garbage": "\u0000x", "empty": "", "account": "act_00000000000000000000000000",
	} {
		a := mine.ask(endSession, vars("id", other))
		if refusal(t, a) != "NOT_FOUND id" {
			t.Errorf("%s: %s", name, a.raw)
		}
		answers[a.raw] = name
	}
	if len(answers) != 1 || !stranger.alive() {
		t.Errorf("%v", answers)
	}
	// Leaving is free, however long ago one has signed in.
	mine.pass(freshFor)
	own := mine.sessionID()
	if a := mine.must(endSession, vars("id", own)); a.at("endSession", "endedSessionId") != own {
		t.Errorf("%s", a.raw)
	}
	if mine.alive() {
		t.Error("one's own session lives on")
	}
	for name, b := range map[string]*browser{"SESSION_EXPIRED": mine, "UNAUTHENTICATED": h.browser()} {
		if a := b.ask(endSession, vars("id", own)); a.code() != name {
			t.Errorf("%s: %s", name, a.raw)
		}
		if a := b.ask(endOthers, nil); a.code() != name {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

// Somebody at a screen that was left open cannot shut the owner out elsewhere.
func TestEndingOtherSessionsNeedsAFreshSignIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	mine, other := h.signedIn(person.Subject), h.signedIn(person.Subject)
	id := other.sessionID()
	mine.pass(freshFor)
	for name, a := range map[string]*gqlAnswer{
		"one": mine.ask(endSession, vars("id", id)), "all": mine.ask(endOthers, nil), "one that is not there": mine.ask(endSession, vars("id", "x")),
	} {
		way := map[string]any{}
		if len(a.Errors) > 0 {
			way, _ = a.Errors[0].Extensions["stepUp"].(map[string]any)
		}
		if a.code() != "STEP_UP_REQUIRED" || a.status != http.StatusOK || way["action"] != "end_sessions" || way["url"] != h.url+"/auth/step-up?action=end_sessions&return_to=/" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if !other.alive() {
		t.Error("the other session has ended")
	}
}

func TestEndOtherSessions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	mine, a, b, stranger := h.signedIn(person.Subject), h.signedIn(person.Subject), h.signedIn(person.Subject), h.signedIn(sample(t, another).Subject)
	for _, want := range []float64{2, 0} {
		if got := mine.must(endOthers, nil); got.at("endOtherSessions", "endedCount") != want {
			t.Errorf("%s, want %v", got.raw, want)
		}
	}
	if a.alive() || b.alive() {
		t.Error("another session lives")
	}
	if !mine.alive() || !stranger.alive() {
		t.Error("too much has ended")
	}
}
