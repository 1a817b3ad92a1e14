package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// waitUntil looks again and again until what is awaited is there.
func waitUntil(t *testing.T, what string, there func() bool) {
	t.Helper()
	waitWithin(t, 30*time.Second, what, there)
}

func waitWithin(t *testing.T, most time.Duration, what string, there func() bool) {
	t.Helper()
	for began := time.Now(); !there(); {
		if time.Since(began) > most {
			t.Fatalf("waited %s in vain: %s", most, what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// redisProcess is a real redis-server that a test may stop and start again.
type redisProcess struct {
	binary string
	port   int
	dir    string
	args   []string
	cmd    *exec.Cmd
}

// redisBinary finds redis-server. Where it is missing the test is left out, in
// words, and under CI it fails.
func redisBinary(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing (Debian package redis-server)")
		}
		t.Skip("left out: redis-server is not installed, so this did not run against a real Redis")
	}
	return binary
}

// freePort finds a port for a process of its own, below those that the system
// gives to whoever asks for any: a test beside this one must not get it before
// the process has it. A cluster's bus, 10,000 above, lies below them too.
func freePort(t *testing.T) int {
	t.Helper()
	for range 2000 {
		port := 20000 + (os.Getpid()*53+int(nextPort.Add(1)))%2700
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

var nextPort atomic.Int64

// newRedis prepares a server that is not started yet.
func newRedis(t *testing.T, args ...string) *redisProcess {
	t.Helper()
	p := &redisProcess{binary: redisBinary(t), port: freePort(t), dir: t.TempDir(), args: args}
	t.Cleanup(p.kill)
	return p
}

// startRedis gives a server that answers.
func startRedis(t *testing.T, args ...string) *redisProcess {
	t.Helper()
	p := newRedis(t, args...)
	p.start(t)
	return p
}

func (p *redisProcess) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }
func (p *redisProcess) url() string  { return "redis://" + p.addr() }

func (p *redisProcess) start(t *testing.T) {
	t.Helper()
	p.run(t, append([]string{"--port", fmt.Sprint(p.port), "--bind", "127.0.0.1", "--save", "", "--dir", p.dir, "--maxmemory-policy", "noeviction"}, p.args...)...)
}

// run starts the process and waits until it answers.
func (p *redisProcess) run(t *testing.T, args ...string) {
	t.Helper()
	p.cmd = exec.Command(p.binary, args...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := p.client(t)
	waitUntil(t, "redis-server answers", func() bool { return client.Ping(context.Background()).Err() == nil })
}

func (p *redisProcess) client(t *testing.T) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: p.addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// kill ends the process as a power failure would.
func (p *redisProcess) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}
