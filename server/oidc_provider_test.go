package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"openplr/signin"
)

// Signing in and out at a provider that nobody here wrote takes configuration and
// nothing else.
func TestSignInAtAnotherProvider(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	h := newHarness(t, harnessOptions{env: p.env()})
	if h.app.devop != "" {
		t.Fatal("the development provider runs beside the one configured")
	}
	p.start(t, h, nil)

	const name = "morgan-of-the-other-provider"
	learner := h.browser()
	callback := p.callbackOf(learner, name)
	if query := callback.Query(); query.Get("code") == "" || query.Get("iss") != p.issuer {
		t.Fatalf("the callback carries %s", callback.RawQuery)
	}
	isSignedIn(t, learner, false)
	if home := learner.get(callback.String()); home.status != 200 || home.url != h.url+"/" {
		t.Fatalf("sign-in ended at %d %s", home.status, home.url)
	}
	// Whoever they are, nobody has connected them with a record.
	viewer := learner.must(`{ viewer { signedIn identity { status } } learner { uln } }`, nil)
	if viewer.at("viewer", "signedIn") != true || viewer.at("viewer", "identity", "status") != "UNBOUND" || viewer.at("learner") != nil {
		t.Fatalf("%s", viewer.raw)
	}
	account := accountOf(learner)

	learner.header.Set(signin.RequestedByHeader, signin.RequestedBy)
	out := learner.do("POST", "/auth/logout", "application/json", strings.NewReader("{}"))
	var where struct{ Redirect string }
	if err := json.Unmarshal([]byte(out.body), &where); err != nil || out.status != 200 || !strings.HasPrefix(where.Redirect, p.issuer+"/session/end?") {
		t.Fatalf("sign-out: %d %s", out.status, out.body)
	}
	isSignedIn(t, learner, false)
	if end := learner.fill(learner.get(where.Redirect), url.Values{"logout": {"yes"}}); end.status != 200 || end.url != h.url+"/signed-out" {
		t.Errorf("sign-out ended at %d %s", end.status, end.url)
	}

	// The provider asks again who is there, and means the same person by the same name.
	p.signInAt(learner, name)
	if again := accountOf(learner); again == "" || again != account {
		t.Errorf("account %q, the first time %q", again, account)
	}
	other := h.browser()
	p.signInAt(other, "alex")
	if theirs := accountOf(other); theirs == "" || theirs == account {
		t.Errorf("another person's account is %q", theirs)
	}
	end, err := url.Parse(where.Redirect)
	if err != nil {
		t.Fatal(err)
	}
	hint := end.Query().Get("id_token_hint")
	for _, private := range []string{name, subjectOf(t, hint), hint, callback.Query().Get("code"), callback.Query().Get("state")} {
		if private == "" || strings.Contains(h.logs.String(), private) {
			t.Errorf("the log holds %q", private)
		}
	}
}

// What another provider sent for one sign-in opens no other.
func TestAnotherProvidersAnswersWorkOnce(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	h := newHarness(t, harnessOptions{env: p.env()})
	p.start(t, h, nil)

	learner := h.browser()
	used := p.callbackOf(learner, "morgan")
	learner.get(used.String())
	isSignedIn(t, learner, true)
	if again := learner.get(used.String()); !strings.HasPrefix(again.url, h.url+signin.ProblemPath+"?code=state_used&") {
		t.Errorf("the callback a second time ended at %s", again.url)
	}
	isSignedIn(t, learner, true) // by the first time

	unused := p.callbackOf(h.browser(), "morgan")
	for name, c := range map[string]struct {
		change func(url.Values)
		want   signin.Problem
	}{
		"a code that was used before":           {func(q url.Values) { q.Set("code", used.Query().Get("code")) }, signin.ProblemTokenExchangeFailed},
		"a code meant for another browser":      {func(q url.Values) { q.Set("code", unused.Query().Get("code")) }, signin.ProblemTokenExchangeFailed},
		"a made-up code":                        {func(q url.Values) { q.Set("code", "made-up") }, signin.ProblemTokenExchangeFailed},
		"the state of another browser":          {func(q url.Values) { q.Set("state", unused.Query().Get("state")) }, signin.ProblemBrowserMismatch},
		"another issuer":                        {func(q url.Values) { q.Set("iss", p.issuer+"/") }, signin.ProblemIssuerMismatch},
		"no issuer, though the provider has it": {func(q url.Values) { q.Del("iss") }, signin.ProblemIssuerMismatch},
	} {
		b := h.browser()
		callback := p.callbackOf(b, "alex")
		query := callback.Query()
		c.change(query)
		callback.RawQuery = query.Encode()
		if end := b.get(callback.String()); !strings.HasPrefix(end.url, h.url+signin.ProblemPath+"?code="+string(c.want)+"&") {
			t.Errorf("%s: ended at %s, want %s", name, end.url, c.want)
		}
		isSignedIn(t, b, false)
	}
}

// Whoever holds the client's name and not its key gets nothing for a code.
func TestAnotherProviderRefusesAnotherKey(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	registered := publicKeys(p.key)
	another, err := newClientKey()
	if err != nil {
		t.Fatal(err)
	}
	p.keyFile = keyFile(t, another)
	h := newHarness(t, harnessOptions{env: p.env()})
	p.start(t, h, map[string]any{"clientKeys": registered})

	b := h.browser()
	end := p.signInAt(b, "morgan")
	if !strings.HasPrefix(end.url, h.url+signin.ProblemPath+"?code=token_exchange_failed&") {
		t.Errorf("ended at %s", end.url)
	}
	isSignedIn(t, b, false)
	// Somebody has to be woken up for this, and told nothing of the provider's words.
	if log := h.logs.String(); !strings.Contains(log, "the provider refused our client authentication") || strings.Contains(log, "invalid_client") {
		t.Error("the log does not say in our words that the client was refused")
	}
}
