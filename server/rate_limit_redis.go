package main

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// takeScript is takeGCRA in Redis, in one step. The time is Redis's own: the
// clocks of replicas differ, and one that runs ahead would let more through. A
// time kept from a server whose clock ran ahead is cut to a full burst.
//
// KEYS[1] the counter, ARGV[1] one request and ARGV[2] the full burst in
// microseconds. The answer is whether there was room, and how far the requests
// taken reach into the future in microseconds.
var takeScript = redis.NewScript(`
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local every, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('GET', KEYS[1])
local ahead = 0
if kept then ahead = math.min(math.max(tonumber(kept) - now, 0), full) end
if ahead + every > full then return {0, ahead} end
ahead = ahead + every
redis.call('SET', KEYS[1], string.format('%.0f', now + ahead), 'PX', math.ceil(ahead / 1000))
return {1, ahead}`)

// redisRateLimiter counts for all replicas together.
type redisRateLimiter struct{ client redis.UniversalClient }

// Take implements rateLimiter.
func (l redisRateLimiter) Take(ctx context.Context, rule rateRule, key string) (rateDecision, error) {
	answer, err := takeScript.Run(ctx, l.client, []string{"lr:limit:{" + key + "}:" + rule.Name},
		rule.Every.Microseconds(), rule.full().Microseconds()).Int64Slice()
	if err != nil {
		return rateDecision{}, err
	}
	if len(answer) != 2 {
		return rateDecision{}, errors.New("rate limit: not the script's answer")
	}
	return rule.decide(time.Duration(answer[1])*time.Microsecond, answer[0] == 1), nil
}
