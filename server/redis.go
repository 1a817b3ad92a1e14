package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// noRedisLog drops what go-redis would write to the standard log, past the
// service's own and with addresses in it. Callers see every failure as an error.
type noRedisLog struct{}

// Printf is part of the interface that redis.SetLogger takes.
func (noRedisLog) Printf(context.Context, string, ...any) {}

func init() { redis.SetLogger(noRedisLog{}) }

const (
	// redisDial is how long a new connection may take, with TLS and authentication.
	redisDial = 500 * time.Millisecond
	// redisPool bounds the connections to one server.
	redisPool = 64
	// redisRedirects is how often a command follows a cluster that moves its keys.
	redisRedirects = 3
	// redisBackoff bounds the pause before a command is sent to a cluster again.
	redisBackoff = 16 * time.Millisecond
)

// openRedis connects to REDIS_URL, or starts a Redis inside this process. It
// does not wait for an answer: a Redis that is away is used when it is back.
func openRedis(c *config, now func() time.Time) (redis.UniversalClient, func(), error) {
	if c.embeddedRedis {
		return embeddedRedis(now)
	}
	t, err := parseRedisURL(c.RedisURL)
	if err != nil {
		return nil, nil, err
	}
	o := &redis.UniversalOptions{
		Addrs: t.addresses, DB: t.db, Username: t.username, Password: t.password,
		SentinelUsername: t.sentinelUsername, SentinelPassword: t.sentinelPassword, MasterName: t.master,
		// Deadlines of requests must reach the socket.
		ContextTimeoutEnabled: true,
		DialTimeout:           redisDial, ReadTimeout: c.RedisTimeout, WriteTimeout: c.RedisTimeout,
		PoolSize: redisPool, PoolTimeout: c.RedisTimeout, PipelinePoolSize: -1,
		// What is sent again is decided in redis_retry.go, command by command.
		MaxRetries: -1, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: redisBackoff, MaxRedirects: redisRedirects, DialerRetries: 1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if t.tls {
		if o.TLSConfig, err = redisTLS(c.RedisCAFile); err != nil {
			return nil, nil, err
		}
	}
	var client redis.UniversalClient
	switch t.kind {
	case redisCluster:
		options := o.Cluster()
		// A cluster's client has retries of its own below its hooks, so the hook
		// sits on each server's client.
		options.NewClient = func(o *redis.Options) *redis.Client {
			node := redis.NewClient(o)
			node.AddHook(sentOnce{})
			return node
		}
		options.DisableRoutingPolicies = true // PING asks one server, not all
		client = redis.NewClusterClient(options)
	case redisSentinel:
		client = redis.NewFailoverClient(o.Failover())
		client.AddHook(repeatReads{})
	default:
		options := o.Simple()
		if t.kind == redisUnix {
			options.Network = "unix"
		}
		client = redis.NewClient(options)
		client.AddHook(repeatReads{})
	}
	return client, func() { _ = client.Close() }, nil
}

// redisReason says in our own words what went wrong with Redis.
func redisReason(err error) string {
	var answer redis.Error
	switch {
	case isRedisTimeout(err):
		return "no answer in time"
	case errors.As(err, &answer):
		// Redis begins with a word of its own choice in capitals, such as OOM.
		word, _, _ := strings.Cut(answer.Error(), " ")
		if strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return "Redis refused: " + word
		}
		return "Redis refused"
	default:
		return "no connection"
	}
}
