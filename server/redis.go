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
	stop := moveClock(server, now)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: password, ContextTimeoutEnabled: true})
	return client, func() { _ = client.Close(); stop(); server.Close() }, nil
}

// moveClock lets the server's time pass: its keys expire only when told.
func moveClock(server *miniredis.Miniredis, now func() time.Time) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		last := now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				t := now()
				server.SetTime(t)
				if passed := t.Sub(last); passed > 0 {
					server.FastForward(passed)
				}
				last = t
			}
		}
	})
	return func() { cancel(); done.Wait() }
}
