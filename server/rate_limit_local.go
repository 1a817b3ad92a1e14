package main

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

const (
	rateShards   = 16
	ratePerShard = 4096
	// rateLooks is how many entries are looked at to find one to drop.
	rateLooks = 32
)

// localRateLimiter counts in this process alone. It is the limiter of a single
// process, and the floor when Redis is away. Its memory is bounded: when it is
// full, of some entries the one nearest to its end goes, so that whoever comes
// from very many addresses makes it forget those who asked least.
type localRateLimiter struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [rateShards]rateShard
}

type rateShard struct {
	mu sync.Mutex
	// until is when the requests taken are used up, by rule and key.
	until map[rateKey]time.Time
}

type rateKey struct{ rule, key string }

func newLocalRateLimiter(now func() time.Time) *localRateLimiter {
	l := &localRateLimiter{now: now, seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].until = map[rateKey]time.Time{}
	}
	return l
}

// Take implements rateLimiter. It never fails.
func (l *localRateLimiter) Take(_ context.Context, rule rateRule, key string) (rateDecision, error) {
	k := rateKey{rule.Name, key}
	shard := &l.shards[maphash.Comparable(l.seed, k)%rateShards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	now := l.now()
	until, known := shard.until[k]
	after, allowed := takeGCRA(rule, until.Sub(now))
	if !known && len(shard.until) >= ratePerShard {
		shard.makeRoom(now)
	}
	shard.until[k] = now.Add(after)
	return rule.decide(after, allowed), nil
}

// makeRoom drops the entries that have ended among some, or else the one that
// ends first. Go walks maps from a place of its own choice each time.
func (s *rateShard) makeRoom(now time.Time) {
	var first rateKey
	looked, dropped := 0, false
	for k, until := range s.until {
		if !until.After(now) {
			delete(s.until, k)
			dropped = true
		} else if looked == 0 || until.Before(s.until[first]) {
			first = k
		}
		if looked++; looked == rateLooks {
			break
		}
	}
	if !dropped {
		delete(s.until, first)
	}
}
