package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// limitedTo gives an environment with these limits and all others wide.
func limitedTo(limits string, more ...string) map[string]string {
	env := map[string]string{}
	wide := map[string]bool{}
	var all []string
	for _, item := range strings.Split(limits, ",") {
		name, _, _ := strings.Cut(item, "=")
		wide[name] = true
		all = append(all, item)
	}
	for _, item := range strings.Split(wideLimits(), ",") {
		if name, _, _ := strings.Cut(item, "="); !wide[name] {
			all = append(all, item)
		}
	}
	env["RATE_LIMITS"] = strings.Join(all, ",")
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// wantHeaders checks the two headers of the draft, for limits in this order.
func wantHeaders(t *testing.T, h http.Header, policy, state string) {
	t.Helper()
	if got := h.Get("RateLimit-Policy"); got != policy {
		t.Errorf("RateLimit-Policy %q, want %q", got, policy)
	}
	if got := h.Get("RateLimit"); !regexp.MustCompile("^" + state + "$").MatchString(got) {
		t.Errorf("RateLimit %q, want %q", got, state)
	}
	if len(h.Values("RateLimit")) > 1 {
		t.Errorf("%v", h.Values("RateLimit"))
	}
}

// Opening links counts by client address, over the page and the API together,
// and what is refused has done and cost nothing.
func TestRedemptionsAreLimited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: limitedTo("redeem=4/1m")})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "pin", "2580")
	form := url.Values{"link": {secret}, "name": {"Sam"}, "purpose": {"OTHER"}, "pin": {"9999"}, "terms": {"accepted"}}

	a := h.browser().ask(redeem, redeemVars(secret, "2580"))
	if outcome(a) != "SharedRecord" {
		t.Fatalf("%s", a.raw)
	}
	wantHeaders(t, a.header, `"graphql-anonymous";q=1000000;w=1, "redeem";q=4;w=60`, `"graphql-anonymous";r=\d+;t=1, "redeem";r=3;t=15`)
	p := h.browser().form("/s/redeem", form)
	wantHeaders(t, p.header, `"redeem";q=4;w=60`, `"redeem";r=2;t=30`)
	// Whatever shape the operation has, it counts.
	for _, query := range []string{
		`mutation($i: RedeemShareLinkInput!) { ...a } fragment a on Mutation { x: redeemShareLink(input: $i) { outcome { __typename } } }`,
		`query other { viewer { signedIn } } mutation m($i: RedeemShareLinkInput!) { ... on Mutation { redeemShareLink(input: $i) { outcome { __typename } } } }`,
	} {
		body := map[string]any{"query": query, "variables": redeemVars(strings.Repeat("Q", 42)+"A", "")}
		if strings.Contains(query, "other") {
			body["operationName"] = "m"
		}
		if a := h.browser().post(string(mustJSON(body)), nil); a.status != 200 || !strings.Contains(a.header.Get("RateLimit"), `"redeem"`) {
			t.Fatalf("%d %v %s", a.status, a.header, a.raw)
		}
	}
	_, _, before := learner.linkNow(id)

	refused := h.browser().ask(redeem, redeemVars(secret, "9999"))
	if refused.status != 429 || refused.code() != "RATE_LIMITED" || refused.header.Get("Retry-After") != "15" ||
		len(refused.Errors) != 1 || refused.Errors[0].Extensions["retryAfter"] != float64(15) || strings.Contains(refused.raw, `"data"`) {
		t.Errorf("%d %v %s", refused.status, refused.header, refused.raw)
	}
	wantHeaders(t, refused.header, `"graphql-anonymous";q=1000000;w=1, "redeem";q=4;w=60`, `"graphql-anonymous";r=\d+;t=1, "redeem";r=0;t=60`)
	for lang, words := range map[string]string{"en": "Too many attempts", "cy": "Gormod o ymgeisiau"} {
		p := h.browser().form("/s/redeem?lang="+lang, form)
		if p.status != 429 || p.header.Get("Retry-After") != "15" || !strings.Contains(p.body, words) || !strings.Contains(p.header.Get("Cache-Control"), "no-store") {
			t.Errorf("%d %v %s", p.status, p.header, p.body)
		}
	}
	// The owner and whoever only looks are not refused, and nothing was counted.
	if _, count, results := learner.linkNow(id); count != 1 || len(results) != len(before) || results["WRONG_PIN"] != before["WRONG_PIN"] {
		t.Errorf("%v opened, %v, before %v", count, results, before)
	}
	if p := h.browser().get("/s"); p.status != 200 {
		t.Errorf("the empty form: %d", p.status)
	}
	if a := h.browser().ask(`{viewer{signedIn}}`, nil); a.status != 200 || strings.Contains(a.header.Get("RateLimit"), "redeem") {
		t.Errorf("%d %v", a.status, a.header)
	}
	// It opens again when told.
	h.clock.Advance(15 * time.Second)
	if a := h.browser().ask(redeem, redeemVars(secret, "2580")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	if a := h.browser().ask(redeem, redeemVars(secret, "2580")); a.status != 429 {
		t.Errorf("%s", a.raw)
	}
}

// Guesses of a PIN are counted durably by link, whatever the limits let through.
func TestPINGuessesDoNotDependOnLimits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"RATE_LIMITS": "off"}})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "pin", "2580")
	for range 5 {
		h.browser().ask(redeem, redeemVars(secret, "9999"))
	}
	a := h.browser().ask(redeem, redeemVars(secret, "2580"))
	if status, count, _ := learner.linkNow(id); outcome(a) == "SharedRecord" || status != "FROZEN" || count != 0 {
		t.Errorf("%s %v %s", status, count, a.raw)
	}
	if a.header.Get("RateLimit") != "" {
		t.Error("a limit that is off was taken")
	}
}

// Two sessions at one address do not limit each other, and a session is not
// limited by those without one.
func TestSessionsAreLimitedEachForItself(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: limitedTo("graphql=3/1m,graphql-anonymous=2/1m,qr-code=1/1m")})
	one, two := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	const who = `{viewer{signedIn}}`
	for left := range 3 {
		a := one.ask(who, nil)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("RateLimit"), `"graphql";r=`+string(rune('2'-left))) {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
	if a := one.ask(who, nil); a.status != 429 || a.code() != "RATE_LIMITED" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a := two.ask(who, nil); a.status != 200 {
		t.Errorf("another session: %d", a.status)
	}
	for _, want := range []int{200, 200, 429} {
		if a := h.browser().ask(who, nil); a.status != want {
			t.Errorf("without a session: %d, want %d", a.status, want)
		}
	}
	// A made-up session is none: it counts by address, and so for nothing more.
	forged := h.browser()
	forged.header.Set("Cookie", "__Host-Http-lr-session=lrw_"+strings.Repeat("A", 43))
	if a := forged.ask(who, nil); a.status != 429 {
		t.Errorf("made-up session: %d", a.status)
	}
	if p := two.get("/share-links/lnk_00000000000000000000000000/qr.png"); p.status != 404 {
		t.Errorf("%d", p.status)
	}
	if p := two.get("/share-links/lnk_00000000000000000000000000/qr.png"); p.status != 429 {
		t.Errorf("%d", p.status)
	}
	if p := one.get("/share-links/lnk_00000000000000000000000000/qr.png"); p.status != 404 {
		t.Errorf("another session's codes: %d", p.status)
	}
}

func TestSignInAndPagesAreLimited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: limitedTo("sign-in=2/1m,page=5/1m")})
	b := h.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if p := b.get("/auth/login"); p.status != 303 || !strings.HasPrefix(p.header.Get("RateLimit"), `"sign-in";r=1`) {
		t.Errorf("%d %v", p.status, p.header)
	}
	b.get("/auth/callback?state=x")
	b.header.Set("Accept", "text/html")
	for _, path := range []string{"/auth/login", "/auth/callback?state=x"} {
		p := b.get(path)
		if p.status != 429 || !strings.Contains(p.body, "Too many attempts") || p.header.Get("Retry-After") != "30" || p.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", path, p.status, p.header)
		}
	}
	b.header.Del("Accept")
	for _, path := range []string{"/", "/s", "/auth/session", "/nowhere", "/signed-out"} {
		if p := b.get(path); p.status == 429 || !strings.HasPrefix(p.header.Get("RateLimit"), `"page"`) {
			t.Errorf("%s: %d %v", path, p.status, p.header)
		}
	}
	if p := b.get("/auth/session"); p.status != 429 || p.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(p.body, `"rate_limited"`) {
		t.Errorf("%d %v %s", p.status, p.header, p.body)
	}
	// What nothing may stand in the way of.
	for _, path := range []string{"/healthz", "/readyz", "/static/app.css", "/.well-known/jwks.json"} {
		for range 10 {
			if p := b.get(path); p.status == 429 || p.header.Get("RateLimit") != "" {
				t.Fatalf("%s: %d %v", path, p.status, p.header)
			}
		}
	}
}

// Row 71: a client's own word about its address counts for nothing, a trusted
// proxy's does; neither gets into the log or, as it is, into Redis.
func TestLimitsFollowTheClientAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted string
		want    []int
	}{
		"untrusted": {"10.0.0.0/8", []int{200, 429, 429, 429}},
		"trusted":   {"127.0.0.0/8", []int{200, 200, 429, 429}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startRedis(t)
			h := newHarness(t, harnessOptions{env: limitedTo("page=1/1h", "TRUSTED_PROXIES", c.trusted, "REDIS_URL", server.url())})
			b := h.browser()
			for i, line := range []string{"203.0.113.77", "2001:db8:77:1::1", "198.51.100.1, 203.0.113.77", "2001:db8:77:1:ffff::2"} {
				b.header.Set("X-Forwarded-For", line)
				if p := b.get("/"); p.status != c.want[i] {
					t.Errorf("request %d: %d, want %d", i, p.status, c.want[i])
				}
			}
			if told := strings.Count(h.logs.String(), "TRUSTED_PROXIES does not name"); (told == 1) != (name == "untrusted") || told > 1 {
				t.Errorf("the operator was told %d times of a proxy that is not named", told)
			}
			client := server.client(t)
			stored := strings.Join(client.Keys(context.Background(), "*").Val(), "\n")
			if stored == "" {
				t.Error("nothing was counted in Redis")
			}
			for where, text := range map[string]string{"the log": h.logs.String(), "Redis": stored} {
				for _, word := range []string{"203.0.113", "2001:db8", "127.0.0.1"} {
					if strings.Contains(text, word) {
						t.Errorf("%s holds the address %s:\n%s", where, word, text)
					}
				}
			}
		})
	}
}

// Replicas that share a Redis share the limits.
func TestReplicasShareLimits(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	keys := "k1:" + strings.Repeat("A", 43) + "="
	env := limitedTo("redeem=5/1h", "REDIS_URL", server.url(), "SESSION_KEYS", keys)
	one, two := newHarness(t, harnessOptions{env: env}), newHarness(t, harnessOptions{env: env})
	through := 0
	for i := range 12 {
		h := []*harness{one, two}[i%2]
		if a := h.browser().ask(redeem, redeemVars(strings.Repeat("Q", 42)+"A", "")); a.status == 200 {
			through++
		}
	}
	if through != 5 {
		t.Errorf("%d got through, not 5", through)
	}
}
