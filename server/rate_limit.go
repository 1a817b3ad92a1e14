package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The rate limits, by what they are for. Whose requests count together is
// decided where a limit is taken; why the figures are what they are is in
// docs/decisions/0011-redis-and-rate-limits.md.
const (
	limitGraphQL          = "graphql"           // per session
	limitGraphQLAnonymous = "graphql-anonymous" // per client address
	limitRedeem           = "redeem"            // per client address: page and API alike
	limitClaim            = "claim"             // per client address: attempts to claim a record
	limitSignIn           = "sign-in"           // per client address
	limitQRCode           = "qr-code"           // per session, or client address without one
	limitBackchannel      = "backchannel"       // per client address: the provider's own calls
	limitAppToken         = "app-token"         // per client address
	limitPage             = "page"              // per client address: everything else
)

var limitNames = []string{limitGraphQL, limitGraphQLAnonymous, limitRedeem, limitClaim, limitSignIn, limitQRCode, limitBackchannel, limitAppToken, limitPage}

// defaultRateLimits can be changed one by one by RATE_LIMITS.
const defaultRateLimits = "graphql=5/1s:20,graphql-anonymous=20/1s:100,redeem=10/1m:20,claim=30/1h:30,sign-in=60/1m:120,qr-code=2/1s:20,backchannel=200/1s:400,app-token=30/1m:60,page=20/1s:300"

// rateRule lets Burst requests through at once, and after that one every Every.
// The zero rule limits nothing.
type rateRule struct {
	Name  string
	Every time.Duration // whole microseconds
	Burst int
}

// full is how long it takes until the whole burst can be had again.
func (r rateRule) full() time.Duration { return time.Duration(r.Burst) * r.Every }

// rateDecision is what became of one request.
type rateDecision struct {
	Rule    rateRule
	Allowed bool
	// Remaining is how many more requests would be let through now.
	Remaining int
	// ResetAfter is when the whole burst can be had again.
	ResetAfter time.Duration
	// RetryAfter is when the next request is let through; zero when Allowed.
	RetryAfter time.Duration
}

// rateLimiter counts requests. Implementations are safe for concurrent use, and
// two callers with one rule and key never both get the last request.
type rateLimiter interface {
	// Take counts one request under rule and key, if there is room for it. The
	// key holds nothing personal: see rateLimits.key.
	Take(ctx context.Context, rule rateRule, key string) (rateDecision, error)
}

// takeGCRA is the whole arithmetic (generic cell rate algorithm). ahead is how
// far the requests taken reach into the future; it sinks with time, and a
// request that would push it beyond the burst is refused and counts for nothing.
// A clock that was set back cannot shut anybody out for longer than full.
func takeGCRA(rule rateRule, ahead time.Duration) (after time.Duration, allowed bool) {
	ahead = min(max(ahead, 0), rule.full())
	if ahead+rule.Every > rule.full() {
		return ahead, false
	}
	return ahead + rule.Every, true
}

// decide says the same in words of the caller.
func (r rateRule) decide(after time.Duration, allowed bool) rateDecision {
	d := rateDecision{Rule: r, Allowed: allowed, ResetAfter: after}
	if room := r.full() - after; allowed {
		d.Remaining = int(room / r.Every)
	} else {
		d.RetryAfter = r.Every - room
	}
	return d
}

// parseRateLimits reads RATE_LIMITS: name=count/period[:burst], separated by
// commas; burst is count when left out. Names not given keep their default.
// "off" limits nothing, and is refused in production.
func parseRateLimits(text string, production bool) (map[string]rateRule, error) {
	rules, err := readRules(defaultRateLimits)
	switch {
	case err != nil || text == "":
		return rules, err
	case text == "off" && production:
		return nil, errors.New("RATE_LIMITS must not be off in production")
	case text == "off":
		return map[string]rateRule{}, nil
	}
	given, err := readRules(text)
	for name, rule := range given {
		if _, known := rules[name]; !known {
			return nil, fmt.Errorf("RATE_LIMITS names a limit that does not exist; there are %s", strings.Join(limitNames, ", "))
		}
		rules[name] = rule
	}
	return rules, err
}

var errRateLimits = errors.New("RATE_LIMITS must be written name=count/period[:burst],... like redeem=10/1m:20; counts from 1 to 1000000, periods from 1s to 24h, in which the burst must fit")

func readRules(text string) (map[string]rateRule, error) {
	const most, longest = 1_000_000, 24 * time.Hour
	out := map[string]rateRule{}
	for _, item := range strings.Split(text, ",") {
		name, rate, ok1 := strings.Cut(strings.TrimSpace(item), "=")
		rate, burstText, hasBurst := strings.Cut(rate, ":")
		countText, periodText, ok2 := strings.Cut(rate, "/")
		count, err1 := strconv.Atoi(countText)
		period, err2 := time.ParseDuration(periodText)
		burst := count
		var err3 error
		if hasBurst {
			burst, err3 = strconv.Atoi(burstText)
		}
		_, twice := out[name]
		if !ok1 || !ok2 || twice || errors.Join(err1, err2, err3) != nil || count < 1 || count > most || burst < 1 || burst > most ||
			period < time.Second || period > longest {
			return nil, errRateLimits
		}
		every := max((period / time.Duration(count)).Truncate(time.Microsecond), time.Microsecond)
		if burst > int(longest/every) {
			return nil, errRateLimits
		}
		out[name] = rateRule{Name: name, Every: every, Burst: burst}
	}
	return out, nil
}
