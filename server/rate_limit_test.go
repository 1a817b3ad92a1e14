package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// limiterUnderTest is a limiter and its clock.
type limiterUnderTest struct {
	rateLimiter
	clock *testClock
	pass  func(time.Duration) // moves the clock, backwards too
}

// eachLimiter runs a test on both implementations.
func eachLimiter(t *testing.T, test func(t *testing.T, l limiterUnderTest)) {
	t.Run("in process", func(t *testing.T) {
		t.Parallel()
		clock := newTestClock()
		test(t, limiterUnderTest{newLocalRateLimiter(clock.Now), clock, clock.Advance})
	})
	t.Run("in Redis", func(t *testing.T) {
		t.Parallel()
		clock, server := newTestClock(), miniredis.RunT(t)
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
		t.Cleanup(func() { _ = client.Close() })
		pass := func(d time.Duration) {
			clock.Advance(d)
			server.SetTime(clock.Now())
			server.FastForward(max(d, 0))
		}
		pass(0)
		test(t, limiterUnderTest{redisRateLimiter{client}, clock, pass})
	})
}

func (l limiterUnderTest) want(t *testing.T, rule rateRule, key string, allowed bool, remaining int, reset, retry time.Duration) {
	t.Helper()
	d, err := l.Take(t.Context(), rule, key)
	if err != nil {
		t.Fatal(err)
	}
	if want := (rateDecision{rule, allowed, remaining, reset, retry}); d != want {
		t.Fatalf("got  %+v\nwant %+v", d, want)
	}
}

func TestRateLimiterCounts(t *testing.T) {
	t.Parallel()
	rule := rateRule{Name: "redeem", Every: 6 * time.Second, Burst: 3}
	eachLimiter(t, func(t *testing.T, l limiterUnderTest) {
		l.want(t, rule, "a", true, 2, 6*time.Second, 0)
		l.want(t, rule, "a", true, 1, 12*time.Second, 0)
		l.want(t, rule, "a", true, 0, 18*time.Second, 0)
		l.want(t, rule, "a", false, 0, 18*time.Second, 6*time.Second)
		// Another key and another rule have counters of their own.
		l.want(t, rule, "b", true, 2, 6*time.Second, 0)
		l.want(t, rateRule{Name: "page", Every: time.Second, Burst: 1}, "a", true, 0, time.Second, 0)
		// A refusal costs nothing: the time told is the time it takes.
		l.pass(6*time.Second - time.Millisecond)
		l.want(t, rule, "a", false, 0, 12*time.Second+time.Millisecond, time.Millisecond)
		l.pass(time.Millisecond)
		l.want(t, rule, "a", true, 0, 18*time.Second, 0)
		l.want(t, rule, "a", false, 0, 18*time.Second, 6*time.Second)
		// After a pause the burst is there again, and no more than the burst.
		l.pass(time.Hour)
		for left := 2; left >= 0; left-- {
			l.want(t, rule, "a", true, left, time.Duration(3-left)*6*time.Second, 0)
		}
		l.want(t, rule, "a", false, 0, 18*time.Second, 6*time.Second)
		// A clock set back shuts out for no longer than the whole burst takes.
		l.pass(-time.Hour)
		l.want(t, rule, "a", false, 0, 18*time.Second, 6*time.Second)
	})
}

// Of callers at once, exactly as many as the burst get through.
func TestRateLimiterRaces(t *testing.T) {
	t.Parallel()
	rule := rateRule{Name: "redeem", Every: time.Hour, Burst: 7}
	race := func(t *testing.T, limiters ...rateLimiter) {
		t.Helper()
		var through atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				d, err := limiters[i%len(limiters)].Take(context.Background(), rule, "one")
				if err != nil {
					t.Error(err)
				}
				if d.Allowed {
					through.Add(1)
				}
			})
		}
		wg.Wait()
		if through.Load() != 7 {
			t.Errorf("%d of 100 got through, not 7", through.Load())
		}
	}
	eachLimiter(t, func(t *testing.T, l limiterUnderTest) { race(t, l) })
	t.Run("two replicas, a real Redis", func(t *testing.T) {
		t.Parallel()
		server := startRedis(t)
		race(t, redisRateLimiter{server.client(t)}, redisRateLimiter{server.client(t)})
		keys, err := server.client(t).Keys(t.Context(), "*").Result()
		if err != nil || len(keys) != 1 {
			t.Fatalf("%v %v", keys, err)
		}
		// It ends by itself.
		if ttl := server.client(t).PTTL(t.Context(), keys[0]).Val(); ttl <= 6*time.Hour || ttl > 7*time.Hour {
			t.Errorf("the counter lives %s", ttl)
		}
	})
}

// Whoever comes from a million addresses fills no more than the memory given.
func TestLocalRateLimiterIsBounded(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	l := newLocalRateLimiter(clock.Now)
	rule := rateRule{Name: "page", Every: time.Second, Burst: 10}
	busy := rateRule{Name: "page", Every: time.Second, Burst: 1000}
	for range 1000 {
		_, _ = l.Take(t.Context(), busy, "busy")
	}
	held := func() (n int) {
		for i := range l.shards {
			n += len(l.shards[i].until)
		}
		return n
	}
	for i := range 3 * rateShards * ratePerShard {
		_, _ = l.Take(t.Context(), rule, fmt.Sprint(i))
	}
	if n := held(); n > rateShards*ratePerShard || n < rateShards*ratePerShard/2 {
		t.Errorf("%d held", n)
	}
	if d, _ := l.Take(t.Context(), busy, "busy"); d.Allowed {
		t.Error("many others made it forget the one who asked most")
	}
	clock.Advance(time.Hour)
	for i := range rateShards * ratePerShard {
		_, _ = l.Take(t.Context(), rule, fmt.Sprint("later", i))
	}
	if n := held(); n > rateShards*ratePerShard {
		t.Errorf("%d held", n)
	}
}

// brokenLimiter is a Redis that is away, or slow.
type brokenLimiter struct {
	asked   atomic.Int64
	broken  atomic.Bool
	slow    bool
	working rateLimiter
}

func (l *brokenLimiter) Take(ctx context.Context, rule rateRule, key string) (rateDecision, error) {
	l.asked.Add(1)
	switch {
	case l.broken.Load() && l.slow:
		<-ctx.Done()
		return rateDecision{}, ctx.Err()
	case l.broken.Load():
		return rateDecision{}, errors.New("secret words of a driver")
	}
	return l.working.Take(ctx, rule, key)
}

// Without Redis, limits are never off, asking costs one budget and not one per
// request, and Redis is used again when it is back.
func TestRateLimiterFallsBack(t *testing.T) {
	t.Parallel()
	for _, slow := range []bool{false, true} {
		t.Run(fmt.Sprintf("slow=%v", slow), func(t *testing.T) {
			t.Parallel()
			clock, logs := newTestClock(), &lockedBuffer{}
			shared := &brokenLimiter{slow: slow, working: newLocalRateLimiter(clock.Now)}
			shared.broken.Store(true)
			l := newFallbackRateLimiter(shared, newLocalRateLimiter(clock.Now), 20*time.Millisecond, slog.New(slog.NewTextHandler(logs, nil)))
			rule := rateRule{Name: "redeem", Every: time.Hour, Burst: 5}
			through := 0
			began := time.Now()
			for range 200 {
				d, err := l.Take(t.Context(), rule, "one")
				if err != nil {
					t.Fatal(err)
				}
				if d.Allowed {
					through++
				}
			}
			// One try each second, however long this took.
			if most := int64(2 + time.Since(began)/rateAway); through != 5 || shared.asked.Load() > most {
				t.Errorf("%d got through, Redis was asked %d times, want at most %d", through, shared.asked.Load(), most)
			}
			shared.broken.Store(false)
			waitUntil(t, "Redis is used again", func() bool {
				before := shared.asked.Load()
				for range 3 {
					_, _ = l.Take(t.Context(), rule, "other")
				}
				return shared.asked.Load() == before+3
			})
			if text := logs.String(); strings.Count(text, "limits hold per process") != 1 || strings.Count(text, "shared again") != 1 || strings.Contains(text, "secret words") {
				t.Errorf("logged:\n%s", text)
			}
		})
	}
}

// Callers who leave say nothing about Redis.
func TestRateLimiterSurvivesLeavingCallers(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	shared := &brokenLimiter{slow: true, working: newLocalRateLimiter(clock.Now)}
	shared.broken.Store(true)
	l := newFallbackRateLimiter(shared, newLocalRateLimiter(clock.Now), time.Minute, slog.New(slog.DiscardHandler))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 3 {
		if _, err := l.Take(gone, rateRule{Name: "page", Every: time.Second, Burst: 1}, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if shared.asked.Load() != 3 {
		t.Errorf("asked %d times", shared.asked.Load())
	}
}

func TestRateLimitSettings(t *testing.T) {
	t.Parallel()
	rules, err := parseRateLimits("redeem=3/1m, page=7/2s:9", true)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]rateRule{
		"redeem":  {"redeem", 20 * time.Second, 3},
		"page":    {"page", 2 * time.Second / 7 / time.Microsecond * time.Microsecond, 9},
		"graphql": {"graphql", 200 * time.Millisecond, 20}, // not named: the default
	} {
		if rules[name] != want {
			t.Errorf("%s: %+v, want %+v", name, rules[name], want)
		}
	}
	if len(rules) != 9 {
		t.Errorf("%d rules", len(rules))
	}
	if rules, err := parseRateLimits("off", false); err != nil || len(rules) != 0 {
		t.Errorf("%v %v", rules, err)
	}
	for _, text := range []string{
		"redeem", "redeem=", "redeem=1", "redeem=0/1m", "redeem=-1/1m", "redeem=1/0s", "redeem=1/1m:0", "redeem=1/1m:x", "redeem=1/1ms", "redeem=1/48h",
		"redeem=1/24h:2", "redeem=2000000/1s", "redeem=1/1m,redeem=2/1m", "other=1/1m", "redeem=off", ",", "redeem=1/1m,",
	} {
		if _, err := parseRateLimits(text, false); err == nil || !strings.Contains(err.Error(), "RATE_LIMITS") {
			t.Errorf("%q: %v", text, err)
		}
	}
	// What a request may lose to a Redis that does not answer.
	if c, err := readConfig(func(string) string { return "" }); err != nil || c.RedisTimeout != 100*time.Millisecond {
		t.Errorf("%v %v", c.RedisTimeout, err)
	}
	if _, err := parseRateLimits("off", true); err == nil {
		t.Error("off in production")
	}
}
