package signin

import (
	"net/url"
	"strings"
	"testing"
)

// signedRequests turns on signed authorization requests, which the forging
// provider checks as One Login does.
func signedRequests(c *Config) { c.RequestObject = true }

func TestSignedRequests(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(*Config){
		"PS256": func(*Config) {},
		"RS256": func(c *Config) { c.AssertionAlg = "RS256" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, signedRequests, config)
			b := h.browser()
			u := b.depart("/auth/login?return_to=/x&ui_locales=cy")
			if got := parameters(u); got != "client_id request response_type scope" {
				t.Errorf("the query has %s", got)
			}
			if got := b.back(h.op.authorize(u)).Header.Get("Location"); got != "/x" {
				t.Fatalf("ended at %q\n%s", got, h.logs)
			}
			for name, want := range map[string]any{"ui_locales": "cy", "redirect_uri": publicURL + CallbackPath, "max_age": nil, "prompt": nil, "sub": nil} {
				if got := h.op.asked[name]; got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestSignedTrips(t *testing.T) {
	t.Parallel()
	for _, way := range []Reauth{ReauthMaxAge, ReauthPromptLogin, ReauthSignedPromptLogin, ReauthNone} {
		t.Run(string(way), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin, signedRequests, reauth(way))
			b := h.browser()
			b.signIn()
			b.arrives(identityStart, "/")
			claims, ok := h.op.asked["claims"].(map[string]any)
			if !ok || claims["userinfo"] == nil {
				t.Errorf("claims %v", h.op.asked["claims"])
			}
			u := b.depart(stepUp)
			if got := parameters(u); got != "client_id request response_type scope" {
				t.Errorf("the query has %s", got)
			}
			if got := b.back(h.op.authorize(u)).Header.Get("Location"); got != "/" {
				t.Errorf("ended at %q\n%s", got, h.logs)
			}
			if maxAge := h.op.asked["max_age"]; (maxAge == 0.0) != (way == ReauthMaxAge) {
				t.Errorf("max_age %v", maxAge)
			}
		})
	}
}

func parameters(u *url.URL) string {
	var names []string
	for _, pair := range strings.Split(u.RawQuery, "&") { // Encode has sorted them
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// One Login's firewall stops longer queries. The longest that can come about
// honestly is a step-up with an ID token in it; what is longer never leaves.
func TestRequestLength(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin, signedRequests, reauth(ReauthSignedPromptLogin), func(c *Config) {
		c.ClientID = clientID
	})
	b := h.browser()
	// An ID token as One Login makes it has about 900 bytes; this one has 1,400.
	claim("filler", strings.Repeat("f", 600))(h)
	b.signIn()
	u := b.depart(stepUp + "&ui_locales=cy&return_to=/" + strings.Repeat("r", 2000))
	if n := len(u.RawQuery); n > 4096 || n < 2500 {
		t.Errorf("%d bytes of query", n)
	}
	claim("filler", strings.Repeat("f", 4000))(h)
	b.signIn()
	h.wantJSON(b.get(stepUp), 500, ProblemInternal)
	b.want(isSignedIn)
}
