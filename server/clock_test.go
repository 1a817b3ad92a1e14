package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// A clock that jumps, as when a machine's time is set right: what was stopped by
// somebody's decision or by use stays stopped whichever way it jumps, an opt-out
// is acknowledged in bounded time, and nobody's session comes back. Only an end
// that is a time follows the clock.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"twenty minutes ahead": 20 * time.Minute, "an hour back": -time.Hour, "a day back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{env: map[string]string{"RATE_LIMITS": "off"}}) // they have tests of their own
			subject := samplePeople(t)[0].Subject
			learner := h.signedIn(subject)
			_, used := sharedLink(t, learner, "maxRedemptions", 1)
			if got := outcome(h.browser().ask(redeem, redeemVars(used, ""))); got != "SharedRecord" {
				t.Fatal(got)
			}
			revokedID, revoked := sharedLink(t, learner)
			learner.must(`mutation($i: RevokeShareLinkInput!) { revokeShareLink(input: $i) { userErrors { code message path } } }`, vars("id", revokedID))
			_, guarded := sharedLink(t, learner, "pin", "k7qx9zw2")
			for range 5 {
				h.browser().ask(redeem, redeemVars(guarded, "wrong123"))
			}
			_, open := sharedLink(t, learner)
			out, gone := h.signedIn(subject), h.browser() // one person, who signs out, and a copy of the cookies
			out.header.Set("X-Requested-By", "learner-web")
			address, _ := url.Parse(h.url + "/")
			gone.client.Jar.SetCookies(address, out.client.Jar.(*jar).kept(address))
			if a := gone.ask(`{ viewer { signedIn } }`, nil); a.at("viewer", "signedIn") != true {
				t.Fatalf("the copy is not signed in: %s", a.raw)
			}
			if p := out.do("POST", "/auth/logout", "application/json", strings.NewReader("{}")); p.status != 200 {
				t.Fatalf("sign-out: %d", p.status)
			}

			h.clock.Advance(jump)
			stopped := func(when string) {
				t.Helper()
				for what, c := range map[string]struct{ secret, pin, want string }{
					"used up": {used, "", "ShareUnavailable"}, "revoked": {revoked, "", "ShareUnavailable"}, "frozen": {guarded, "k7qx9zw2", "PinRequired"},
				} {
					if got := outcome(h.browser().ask(redeem, redeemVars(c.secret, c.pin))); got != c.want {
						t.Errorf("%s, %s: %s", when, what, got)
					}
				}
				if a := gone.ask(`{ viewer { signedIn } }`, nil); a.at("viewer", "signedIn") != false {
					t.Errorf("%s: the session is back: %s", when, a.raw)
				}
			}
			stopped("after the jump")
			if got := outcome(h.browser().ask(redeem, redeemVars(open, ""))); got != "SharedRecord" {
				t.Errorf("a link that lives: %s", got)
			}
			// A lease seems to last an hour: the wait for it is by the process's own watch.
			began := time.Now()
			learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("opting out took %s", took)
			}
			h.clock.Advance(-jump)
			stopped("back again")
			if got := outcome(h.browser().ask(redeem, redeemVars(open, ""))); got != "ShareUnavailable" {
				t.Errorf("after the opt-out, back again: %s", got)
			}
		})
	}
}

// kept gives the cookies of an address as they were set.
func (j *jar) kept(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Values(j.cookies[u.Host]))
}
