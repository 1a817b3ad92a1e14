package main

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// embeddedRedis starts a Redis protocol server inside this process. It is
// spoken to by the same client as a real one.
func embeddedRedis(now func() time.Time) (redis.UniversalClient, func(), error) {
	server := miniredis.NewMiniRedis()
	// It listens on a loopback port, which other users of the machine can reach.
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: password, ContextTimeoutEnabled: true, MaxRetries: -1})
	client.AddHook(&clockHook{server: server, now: now, last: now()})
	return client, func() { _ = client.Close(); server.Close() }, nil
}

// clockHook lets the server's time pass, whose keys expire only when told. It
// catches up before each command and not by a ticker of its own: a key written
// after the clock has moved must not lose the time that passed before.
type clockHook struct {
	server *miniredis.Miniredis
	now    func() time.Time
	mu     sync.Mutex
	last   time.Time
}

// clockStep is how far the server's time may lag: catching up walks all keys.
const clockStep = 200 * time.Millisecond

func (h *clockHook) catchUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.now()
	if passed := t.Sub(h.last); passed >= clockStep {
		h.server.SetTime(t)
		h.server.FastForward(passed)
		h.last = t
	}
}

// DialHook is part of redis.Hook.
func (h *clockHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (h *clockHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.catchUp()
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (h *clockHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.catchUp()
		return next(ctx, cmds)
	}
}
