package cluster_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// redisServer is a real redis-server process that writes nothing to its disk
// unless told.
type redisServer struct {
	t    testing.TB
	addr string
	dir  string
	cmd  *exec.Cmd
}

// startRedis starts a redis-server in dir, which may hold a dump to begin with.
func startRedis(t testing.TB, dir string, more ...string) *redisServer {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is missing (Debian package redis-server)")
		}
		t.Skip("left out, because redis-server is not installed: everything about two replicas")
	}
	port := freePort(t)
	r := &redisServer{t: t, addr: fmt.Sprintf("127.0.0.1:%d", port), dir: dir}
	args := append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir, "--maxmemory-policy", "noeviction"}, more...)
	r.cmd = exec.Command(binary, args...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	eventually(t, 10*time.Second, "redis-server answers", func() bool { return r.send("PING") == "+PONG" })
	return r
}

func (r *redisServer) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// send sends one command and gives the first line of the answer.
func (r *redisServer) send(words ...string) string {
	conn, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " ")); err != nil {
		return err.Error()
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

// evict loses the keys that are like pattern, as a Redis does that has no room,
// and says how many there were.
func (r *redisServer) evict(pattern string) int {
	r.t.Helper()
	const script = `"local n = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do n = n + redis.call('DEL', key) end return n"`
	var n int
	if got := r.send("EVAL", script, "0", pattern); !strings.HasPrefix(got, ":") {
		r.t.Fatalf("EVAL: %s", got)
	} else if _, err := fmt.Sscanf(got, ":%d", &n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// flush loses everything.
func (r *redisServer) flush() {
	r.t.Helper()
	if got := r.send("FLUSHALL"); got != "+OK" {
		r.t.Fatalf("FLUSHALL: %s", got)
	}
}

// copyNow starts another server with a copy of what this one holds now: a
// replica that will have missed all that comes later.
func (r *redisServer) copyNow() *redisServer {
	r.t.Helper()
	if got := r.send("SAVE"); got != "+OK" {
		r.t.Fatalf("SAVE: %s", got)
	}
	dump, err := os.ReadFile(filepath.Join(r.dir, "dump.rdb"))
	if err != nil {
		r.t.Fatal(err)
	}
	dir := r.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), dump, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return startRedis(r.t, dir)
}
