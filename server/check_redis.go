package main

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// minRedis is the oldest version whose commands suffice (GETEX).
const minRedisMajor, minRedisMinor = 6, 2

// checkRedis looks at what REDIS_URL names.
func checkRedis(ctx context.Context, f *findings, c *config, now func() time.Time) {
	if c.embeddedRedis {
		f.ok("Redis: in this process; sessions end with it")
		return
	}
	target, err := parseRedisURL(c.RedisURL)
	if err != nil {
		return // told as a fault of the settings
	}
	if target.plaintext() {
		f.warn("use rediss:// in REDIS_URL", "Redis: the connection is not encrypted")
	} else {
		f.ok("Redis: the connection is encrypted, or a socket of this machine")
	}
	client, closeClient, err := openRedis(c, now)
	if err != nil {
		f.fail("check REDIS_CA_FILE", "Redis: no client can be made with these settings")
		return
	}
	defer closeClient()
	before := now()
	theirs, err := client.Time(ctx).Result()
	if err != nil {
		f.fail("check the hosts, user and password in REDIS_URL, REDIS_CA_FILE and the network", "Redis: %s", redisReason(err))
		return
	}
	f.ok("Redis: it answers")
	checkSkew(f, "Redis", theirs, before, now())
	servers := 0
	var one sync.Mutex // a cluster's servers are asked side by side
	look := func(ctx context.Context, node *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		servers++
		checkRedisServer(ctx, f, node)
		return nil
	}
	switch client := client.(type) {
	case *redis.ClusterClient:
		checkCluster(ctx, f, client)
		err = client.ForEachMaster(ctx, look)
	case *redis.Client:
		err = look(ctx, client)
	}
	if err != nil || servers == 0 {
		f.fail("look at the cluster's state", "Redis: not every server could be asked")
	}
}

func checkCluster(ctx context.Context, f *findings, client *redis.ClusterClient) {
	info, err := client.ClusterInfo(ctx).Result()
	switch {
	case err != nil:
		f.warn("allow CLUSTER INFO to the user", "Redis: the cluster's state cannot be read")
	case !strings.Contains(info, "cluster_state:ok"):
		f.fail("mend the cluster: some keys have no server", "Redis: the cluster's state is not ok")
	default:
		f.ok("Redis: the cluster's state is ok")
	}
}

// checkRedisServer looks at one server, by INFO alone: many services refuse CONFIG.
func checkRedisServer(ctx context.Context, f *findings, node *redis.Client) {
	text, err := node.Info(ctx).Result()
	if err != nil {
		f.warn("allow INFO to the user, or look for maxmemory-policy yourself", "Redis: its settings cannot be read")
		return
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	switch policy := info["maxmemory_policy"]; policy {
	case "":
		f.warn("look for maxmemory-policy yourself", "Redis: its eviction policy cannot be read")
	case "noeviction":
		f.ok("Redis: maxmemory-policy is noeviction")
	default:
		f.fail("set maxmemory-policy noeviction: otherwise people are signed out at random and limits forget", "Redis: it evicts keys when it is full")
	}
	major, rest, _ := strings.Cut(info["redis_version"], ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, err1 := strconv.Atoi(major)
	y, err2 := strconv.Atoi(minor)
	switch {
	case err1 != nil || err2 != nil:
		f.warn("make sure that it is 6.2 or later", "Redis: its version cannot be read")
	case x < minRedisMajor || (x == minRedisMajor && y < minRedisMinor):
		f.fail("use Redis 6.2 or later", "Redis: version %d.%d is too old", x, y)
	default:
		f.ok("Redis: version %d.%d", x, y)
	}
	if role := info["role"]; role != "" && role != "master" {
		f.fail("name the master, or the sentinels, in REDIS_URL", "Redis: this server is a replica, which takes no writes")
	}
	if info["aof_enabled"] == "1" {
		f.ok("Redis: it keeps an append-only file")
	} else {
		f.warn("appendonly yes, if sessions shall outlive a restart of Redis; nothing else depends on it", "Redis: it keeps no append-only file")
	}
	if info["loading"] == "1" {
		f.warn("wait until it has read its file", "Redis: it is still loading")
	}
}
