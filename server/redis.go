package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// noRedisLog drops what go-redis would write to the standard log, past the
// service's own and with addresses in it. Callers see every failure as an error.
type noRedisLog struct{}

// Printf is part of the interface that redis.SetLogger takes.
func (noRedisLog) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(noRedisLog{}) }

// openRedis connects to REDIS_URL, or starts a Redis protocol server inside
// this process. Both are spoken to by the same client.
func openRedis(c *config, now func() time.Time) (redis.UniversalClient, func(), error) {
	if !c.embeddedRedis {
		options, err := redis.ParseURL(c.RedisURL)
		if err != nil {
			return nil, nil, errors.New("REDIS_URL cannot be read") // the URL may hold a password
		}
		// Deadlines of requests must reach the socket.
		options.ContextTimeoutEnabled = true
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 2*time.Second, time.Second, time.Second
		client := redis.NewClient(options)
		return client, func() { _ = client.Close() }, nil
	}
	server := miniredis.NewMiniRedis()
	// It listens on a loopback port, which other users of the machine can reach.
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.Start(); err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: password, ContextTimeoutEnabled: true})
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
