package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"openplr/signin"
)

// Each way to have somebody sign in once more at another provider. It says when
// they did only where it was told to make them: without its word a step-up is
// refused, also when the person takes out of the address what we asked for.
func TestStepUpAtAnotherProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env        map[string]string
		objects    string     // the provider's word on signed requests
		change     url.Values // of the address, by the person; an empty value takes out
		whenChange string     // what comes of it then: a problem, or nothing when it does not matter
		refused    bool
	}{
		"max_age":         {env: map[string]string{"OIDC_REAUTH": "max_age"}, change: url.Values{"max_age": {""}}, whenChange: "reauth_failed"},
		"prompt=login":    {env: map[string]string{"OIDC_REAUTH": "prompt_login"}, change: url.Values{"prompt": {""}}, whenChange: "reauth_failed"},
		"nothing asked":   {env: map[string]string{"OIDC_REAUTH": "none"}, refused: true},
		"max_age, signed": {env: map[string]string{"OIDC_REAUTH": "max_age", "OIDC_USE_JAR": "true"}, objects: "required", change: url.Values{"max_age": {"9999"}}},
		"prompt, signed":  {env: map[string]string{"OIDC_REAUTH": "jar_prompt_login", "OIDC_USE_JAR": "true"}, objects: "required", change: url.Values{"prompt": {"none"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newOtherProvider(t)
			env := p.env()
			maps.Copy(env, c.env)
			h := newHarness(t, harnessOptions{env: env})
			settings := map[string]any{}
			if c.objects != "" {
				settings["requestObjects"] = c.objects
			}
			p.start(t, h, settings)
			learner := h.browser()
			p.signInAt(learner, "morgan")
			account, before := accountOf(learner), sessionOf(learner)
			if account == "" || before.StepUpUntil != nil { // nothing says that they did not pass by an older sign-in
				t.Fatalf("after sign-in: %q %+v", account, before)
			}
			if strings.Contains(c.env["OIDC_REAUTH"], "max_age") {
				p.nextSecond(t) // to the provider, this second's sign-in is 0 seconds old
			}

			if c.change != nil {
				way := p.stepUpAddress(learner, c.change)
				if end := learner.get(way); c.whenChange != "" {
					if !strings.HasPrefix(end.url, h.url+signin.ProblemPath+"?code="+c.whenChange+"&") {
						t.Errorf("changed on the way: ended at %d %s", end.status, end.url)
					}
				} else if !p.asksWho(end) {
					t.Errorf("changed on the way, the provider does not ask: %d %s", end.status, end.url)
				}
				if s := sessionOf(learner); s.ID != before.ID || s.StepUpUntil != nil {
					t.Errorf("changed on the way: %+v, before %+v", s, before)
				}
			}

			end := learner.get(p.stepUpAddress(learner, nil))
			if c.refused {
				if !strings.HasPrefix(end.url, h.url+signin.ProblemPath+"?code=reauth_failed&") {
					t.Errorf("ended at %d %s", end.status, end.url)
				}
				if s := sessionOf(learner); s.ID != before.ID || s.StepUpUntil != nil {
					t.Errorf("%+v, before %+v", s, before)
				}
				return
			}
			if !p.asksWho(end) {
				t.Fatalf("the provider does not ask: %d %s", end.status, end.url)
			}
			if end = learner.fill(end, url.Values{"login": {"morgan"}, "password": {"any"}}); end.status != 200 || end.url != h.url+"/" {
				t.Fatalf("ended at %d %s", end.status, end.url)
			}
			s := sessionOf(learner)
			if s.ID != before.ID || accountOf(learner) != account || s.StepUpUntil == nil {
				t.Fatalf("%+v, before %+v", s, before)
			}
			if left := s.StepUpUntil.Sub(h.clock.Now()); left > freshFor || left < freshFor-10*time.Second {
				t.Errorf("fresh for %s more", left)
			}
		})
	}
}

// Somebody else who signs in when a person is asked to does it for themselves, and
// gets nothing of that person's.
func TestAnotherPersonStepsUpAtAnotherProvider(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	h := newHarness(t, harnessOptions{env: p.env()})
	p.start(t, h, nil)
	learner := h.browser()
	p.signInAt(learner, "morgan")
	before := sessionOf(learner)
	p.nextSecond(t)
	question := learner.get(p.stepUpAddress(learner, nil))
	// The provider signs the one out before the other comes in, and has the other consent.
	change := learner.fill(question, url.Values{"login": {"alex"}, "password": {"any"}})
	consent := learner.fill(change, nil)
	if !strings.HasPrefix(consent.url, p.issuer+"/interaction/") {
		t.Fatalf("no consent page: %d %s\n%s", consent.status, consent.url, consent.body)
	}
	if end := learner.fill(consent, nil); !strings.HasPrefix(end.url, h.url+signin.ProblemPath+"?code=subject_mismatch&") {
		t.Errorf("ended at %d %s", end.status, end.url)
	}
	if s := sessionOf(learner); s.ID != before.ID || s.StepUpUntil != nil {
		t.Errorf("%+v, before %+v", s, before)
	}
}

// A provider that proves no identity: said as documented, to programs and people.
func TestNoIdentityAtAnotherProvider(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	h := newHarness(t, harnessOptions{env: p.env()})
	p.start(t, h, nil)
	learner := h.browser()
	p.signInAt(learner, "morgan")
	var problem struct{ Code string }
	refused := learner.get("/auth/identity/start?return_to=/")
	if err := json.Unmarshal([]byte(refused.body), &problem); err != nil || refused.status != http.StatusNotFound || problem.Code != "identity_unavailable" {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	learner.header.Set("Accept", "text/html")
	learner.header.Set("Sec-Fetch-Mode", "navigate")
	learner.header.Set("Sec-Fetch-Dest", "document")
	if shown := learner.get("/auth/identity/start?return_to=/"); !strings.HasPrefix(shown.url, h.url+signin.ProblemPath+"?code=identity_unavailable&") {
		t.Errorf("%d %s", shown.status, shown.url)
	}
	learner.header = http.Header{}
	if a := learner.must(viewIdentity, nil); a.at("viewer", "identity", "status") != "UNBOUND" || a.at("viewer", "identity", "proveUrl") != nil {
		t.Errorf("%s", a.raw)
	}
	isSignedIn(t, learner, true)
}

// heldSession is what the service says of a browser's session.
type heldSession struct {
	ID          string
	StepUpUntil *time.Time
}

func sessionOf(b *browser) heldSession {
	b.h.t.Helper()
	var status struct{ Session heldSession }
	if p := b.get("/auth/session"); json.Unmarshal([]byte(p.body), &status) != nil || status.Session.ID == "" {
		b.h.t.Fatalf("no session: %d %s", p.status, p.body)
	}
	return status.Session
}

// stepUpAddress begins a step-up and gives where it leads, changed if so wished.
func (p *otherProvider) stepUpAddress(b *browser, change url.Values) string {
	b.h.t.Helper()
	b.h.clock.Advance(time.Since(b.h.clock.Now()))
	followed := b.client.CheckRedirect
	defer func() { b.client.CheckRedirect = followed }()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	at := b.get("/auth/step-up?action=share&return_to=/")
	way, err := url.Parse(at.header.Get("Location"))
	if err != nil || !strings.HasPrefix(way.String(), p.issuer+"/auth?") {
		b.h.t.Fatalf("the step-up leads to %q: %d %s", way, at.status, at.body)
	}
	query := way.Query()
	for name, values := range change {
		if query.Del(name); values[0] != "" {
			query[name] = values
		}
	}
	way.RawQuery = query.Encode()
	return way.String()
}

func (p *otherProvider) asksWho(at page) bool {
	return strings.HasPrefix(at.url, p.issuer+"/interaction/") && strings.Contains(at.body, `name="login"`)
}

// nextSecond waits until the provider, which counts in seconds, sees that time has passed.
func (p *otherProvider) nextSecond(t *testing.T) {
	t.Helper()
	now := time.Now().Unix()
	waitUntil(t, "the next second", func() bool { return time.Now().Unix() > now })
}
