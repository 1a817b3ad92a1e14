package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"openplr/plr"
	"openplr/signin"
)

// rateLimits takes the limits of requests and tells callers about them. A nil
// *rateLimits limits nothing.
type rateLimits struct {
	rules   map[string]rateRule
	limiter rateLimiter
	trusted []netip.Prefix
	secret  []byte
	logger  *slog.Logger
	// unnamed is told once: see byAddress.
	unnamed sync.Once
}

// newRateLimits keys what is counted by the first of the session keys: neither
// Redis nor a memory dump shows whose requests were counted.
func newRateLimits(c *config, keys plr.LinkKeys, limiter rateLimiter, logger *slog.Logger) *rateLimits {
	mac := hmac.New(sha256.New, keys.Current().Key)
	mac.Write([]byte("openplr/rate-limit/v1"))
	return &rateLimits{rules: c.RateLimits, limiter: limiter, trusted: c.TrustedProxies, secret: mac.Sum(nil), logger: logger}
}

// rateSubject says whose requests count together.
type rateSubject func(l *rateLimits, r *http.Request) string

// byAddress counts by client address. An operator who did not name the proxy in
// front has everybody behind it share one limit, and is told.
func byAddress(l *rateLimits, r *http.Request) string {
	if unnamedProxy(r, l.trusted) {
		l.unnamed.Do(func() {
			l.logger.LogAttrs(r.Context(), slog.LevelWarn, "requests come through a proxy that TRUSTED_PROXIES does not name: everybody behind it shares one rate limit")
		})
	}
	return l.key("address", addressKey(clientAddress(r, l.trusted)))
}

// bySession counts by session, and by client address who has none that is known
// to live. It needs Identify before it.
func bySession(l *rateLimits, r *http.Request) string {
	if who := signin.From(r.Context()); who.State == signin.StateSignedIn && who.Session != nil {
		return l.key("session", who.Session.ID)
	}
	return byAddress(l, r)
}

func (l *rateLimits) key(kind, value string) string {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write([]byte(kind + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// take counts r under the limit with this name and says so in the answer's
// headers. When it is false, the request must be refused with 429 and wait says
// for how long.
func (l *rateLimits) take(w http.ResponseWriter, r *http.Request, name string, subject rateSubject) (wait time.Duration, allowed bool) {
	if l == nil {
		return 0, true
	}
	rule, limited := l.rules[name]
	if !limited {
		return 0, true
	}
	d, err := l.limiter.Take(r.Context(), rule, subject(l, r))
	if err != nil { // no limiter in use fails; one that would must not open the door
		d = rule.decide(rule.full(), false)
	}
	tellRateLimit(w.Header(), d)
	return d.RetryAfter, d.Allowed
}

// tellRateLimit adds the limit to RateLimit-Policy and RateLimit, as
// draft-ietf-httpapi-ratelimit-headers writes them: q requests in w seconds; r
// of them left, t seconds until all are.
func tellRateLimit(h http.Header, d rateDecision) {
	add := func(name, item string) {
		if before := h.Get(name); before != "" {
			item = before + ", " + item
		}
		h.Set(name, item)
	}
	add("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, d.Rule.Name, d.Rule.Burst, max(wholeSeconds(d.Rule.full()), 1)))
	add("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, d.Rule.Name, d.Remaining, wholeSeconds(d.ResetAfter)))
}

func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// limited lets requests through to next while the limit has room.
func (h *handlers) limited(name string, subject rateSubject, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := h.limits.take(w, r, name, subject); !ok {
			h.tooMany(w, r, wait)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tooMany answers with a page for people, and programs of /auth with the
// problem they know.
func (h *handlers) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(wholeSeconds(wait), 1)))
	w.Header().Set("Cache-Control", "no-store")
	forProgram := strings.HasPrefix(r.URL.Path, "/auth/") && !strings.Contains(r.Header.Get("Accept"), "text/html")
	if !forProgram {
		h.pages.ErrorPage(w, r, http.StatusTooManyRequests, "")
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte(`{"type":"about:blank","title":"Too Many Requests","status":429,"code":"rate_limited"}` + "\n"))
}

// rateLimited is the refusal of a GraphQL request.
func rateLimited(wait time.Duration) *requestFault {
	return &requestFault{
		status: http.StatusTooManyRequests, code: "RATE_LIMITED", retryAfter: max(wholeSeconds(wait), 1),
		message: "There have been too many requests in a short time. Wait as long as retryAfter says, then try again.",
	}
}
