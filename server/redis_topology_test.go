package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A whole story on a cluster of three servers, each with a third of the keys.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	var nodes []*redisProcess
	var addresses []string
	for range 3 {
		node := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		nodes, addresses = append(nodes, node), append(addresses, node.addr())
	}
	ctx := context.Background()
	for i, node := range nodes {
		client := node.client(t)
		first, last := i*16384/3, (i+1)*16384/3-1
		if err := client.Do(ctx, "cluster", "addslotsrange", first, last).Err(); err != nil {
			t.Fatal(err)
		}
		if err := client.ClusterMeet(ctx, "127.0.0.1", strconv.Itoa(nodes[0].port)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		client := node.client(t)
		waitUntil(t, "the cluster is complete", func() bool {
			info := client.ClusterInfo(ctx).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	h := newHarness(t, harnessOptions{env: map[string]string{"REDIS_URL": "redis+cluster://" + strings.Join(addresses, ",")}})
	wholeStory(t, h)
	appStory(t, h)
	for range 10 {
		h.signedIn(sample(t, another).Subject)
	}
	for i, node := range nodes {
		if n := node.client(t).DBSize(ctx).Val(); n == 0 {
			t.Errorf("server %d has no keys", i)
		}
	}
	if strings.Contains(h.logs.String(), "level=ERROR") || strings.Contains(h.logs.String(), "hold per process") {
		t.Error("the cluster refused something")
	}
	// One address is enough to find the others.
	one := newHarness(t, harnessOptions{env: map[string]string{"REDIS_URL": "redis+cluster://" + addresses[2]}})
	wholeStory(t, one)
}

// Behind Sentinel, the master dies and a replica takes over: nobody restarts
// anything, and who was signed in and replicated is signed in.
func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	master := startRedis(t)
	replica := startRedis(t, "--replicaof", fmt.Sprintf("127.0.0.1 %d", master.port), "--repl-diskless-sync-delay", "0")
	var addresses []string
	for range 3 {
		addresses = append(addresses, startSentinel(t, master.port).addr())
	}
	ctx := context.Background()
	waitUntil(t, "every sentinel sees the replica and the others", func() bool {
		for _, address := range addresses {
			sentinel := redis.NewSentinelClient(&redis.Options{Addr: address})
			state := sentinel.Master(ctx, "main").Val()
			_ = sentinel.Close()
			if state["num-slaves"] != "1" || state["num-other-sentinels"] != "2" {
				return false
			}
		}
		return strings.Contains(replica.client(t).Info(ctx, "replication").Val(), "master_link_status:up")
	})
	h := newHarness(t, harnessOptions{env: limitedTo("redeem=1000/1h", "REDIS_URL", "redis+sentinel://"+strings.Join(addresses, ",")+"/main/0", "REDIS_TIMEOUT", "1s")})
	wholeStory(t, h)
	learner := h.signedIn(sample(t, another).Subject)
	isSignedIn(t, learner, true)
	waitUntil(t, "the replica has it all", func() bool {
		return master.client(t).DBSize(ctx).Val() == replica.client(t).DBSize(ctx).Val()
	})

	master.kill()
	if a := learner.ask(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") == true {
		t.Error("signed in while nobody can tell")
	}
	waitUntil(t, "the replica has taken over", func() bool {
		return strings.Contains(replica.client(t).Info(ctx, "replication").Val(), "role:master")
	})
	waitWithin(t, 10*time.Second, "the service has found the new master", func() bool {
		return learner.ask(`{viewer{signedIn}}`, nil).at("viewer", "signedIn") == true
	})
	waitWithin(t, 10*time.Second, "it is ready", func() bool { return h.browser().get("/readyz").status == 200 })
	h.signedIn(sample(t, adult).Subject)
}

// startSentinel starts a sentinel that watches a master.
func startSentinel(t *testing.T, master int) *redisProcess {
	t.Helper()
	p := newRedis(t)
	config := filepath.Join(p.dir, "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main 127.0.0.1 %d 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n",
		p.port, p.dir, master)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run(t, config, "--sentinel")
	return p
}

// The rights that docs/operators/redis.md names are enough, and no more than
// our own keys can be reached with them.
func TestRedisRights(t *testing.T) {
	t.Parallel()
	rights := strings.Fields("~lr:* -@all +@read +@write +@scripting +ping +time +info +hello +select +cluster|slots +cluster|shards +cluster|info")
	args := append([]string{"--user", "openplr", "on", ">hunter2"}, rights...)
	for kind, more := range map[string][]string{"redis": nil, "redis+cluster": {"--cluster-enabled", "yes"}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := startRedis(t, append(more, args...)...)
			if kind == "redis+cluster" {
				direct := server.client(t)
				if err := direct.Do(t.Context(), "cluster", "addslotsrange", 0, 16383).Err(); err != nil {
					t.Fatal(err)
				}
				waitUntil(t, "the cluster is complete", func() bool {
					return strings.Contains(direct.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
				})
			}
			h := newHarness(t, harnessOptions{env: map[string]string{"REDIS_URL": kind + "://openplr:hunter2@" + server.addr()}})
			wholeStory(t, h)
			if text := h.logs.String(); strings.Contains(text, "level=WARN") || strings.Contains(text, "level=ERROR") || strings.Contains(text, "hunter2") {
				t.Error("something was refused, or a password was logged")
			}
			appStory(t, h) // in which some are refused, but not by Redis
			if text := h.logs.String(); strings.Contains(text, "Redis refused") || strings.Contains(text, "level=ERROR") || strings.Contains(text, "hunter2") {
				t.Error("Redis refused something, or a password was logged")
			}
			if err := h.app.health.redis.Get(t.Context(), "other").Err(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
				t.Errorf("another key: %v", err)
			}
		})
	}
}
