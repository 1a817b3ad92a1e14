package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// rateAway is how long a limiter that failed is left alone. One request then
// tries it again, the others do not wait for it.
const rateAway = time.Second

// fallbackRateLimiter asks the shared limiter, and counts in this process while
// that fails: limits then hold per process, and are never off.
type fallbackRateLimiter struct {
	shared, local rateLimiter
	budget        time.Duration // what asking may cost a request
	logger        *slog.Logger
	began         time.Time
	// awayUntil is 0 while the shared limiter answers, else when it is tried
	// again, on the process's own watch: the budget is about real waiting.
	awayUntil atomic.Int64
}

func newFallbackRateLimiter(shared, local rateLimiter, budget time.Duration, logger *slog.Logger) *fallbackRateLimiter {
	return &fallbackRateLimiter{shared: shared, local: local, budget: budget, logger: logger, began: time.Now()} //nolint:forbidigo // real waiting
}

// Take implements rateLimiter. It never fails.
func (l *fallbackRateLimiter) Take(ctx context.Context, rule rateRule, key string) (rateDecision, error) {
	away := l.awayUntil.Load()
	watch := int64(time.Since(l.began))
	// Whoever moves awayUntil on is the one to try.
	if away != 0 && (watch < away || !l.awayUntil.CompareAndSwap(away, watch+int64(rateAway))) {
		return l.local.Take(ctx, rule, key)
	}
	limited, cancel := context.WithTimeout(ctx, l.budget)
	defer cancel()
	d, err := l.shared.Take(limited, rule, key)
	if err == nil {
		if away != 0 {
			l.awayUntil.Store(0)
			l.logger.LogAttrs(ctx, slog.LevelInfo, "rate limits are shared again")
		}
		return d, nil
	}
	if ctx.Err() == nil { // a caller who has gone says nothing about Redis
		was := l.awayUntil.Swap(int64(time.Since(l.began) + rateAway))
		if was == 0 {
			l.logger.LogAttrs(ctx, slog.LevelWarn, "rate limits hold per process: Redis does not count", slog.String("why", redisReason(err)))
		}
	}
	return l.local.Take(ctx, rule, key)
}

// openRateLimiter gives the limiter of this process: counting in Redis when
// replicas share one, in memory when this process is alone.
func openRateLimiter(c *config, rdb redis.UniversalClient, now func() time.Time, logger *slog.Logger) rateLimiter {
	local := newLocalRateLimiter(now)
	if c.embeddedRedis {
		return local
	}
	return newFallbackRateLimiter(redisRateLimiter{rdb}, local, c.RedisTimeout, logger)
}
