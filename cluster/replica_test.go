package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// long asks for the full counts of the issue; without it every test runs a
// short form of itself, which leaves nothing out but repetitions.
var long = flag.Bool("long", false, "run the full counts of races and faults")

// ready names a server that is built already, for example a release's; the tests
// build their own without it.
var ready = flag.String("server", "", "test this binary in place of one built now")

// raced builds the server with the race detector, under which the tests of
// faults are too slow for their bounds: see the Makefile.
var raced = flag.Bool("raced", false, "build the server under the race detector")

// times gives the number of repetitions: few in the short form, all in the long one.
func times(few, all int) int {
	if *long {
		return all
	}
	return few
}

// built is the product's server, built once per run.
var built = sync.OnceValues(func() (string, error) {
	if *ready != "" {
		return *ready, nil
	}
	dir, err := os.MkdirTemp("", "openplr-cluster-")
	if err != nil {
		return "", err
	}
	leftovers = append(leftovers, dir)
	path := filepath.Join(dir, "server")
	args := []string{"build", "-o", path}
	if *raced {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./server")...)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return path, nil
})

// leftovers are directories that outlive single tests.
var leftovers []string

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, dir := range leftovers {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// replica is one process of the product's server. It keeps its address and its
// settings across restarts.
type replica struct {
	t    testing.TB
	name string
	url  string
	env  map[string]string
	logs logBuffer
	// shell, when set, is run by sh and ends in `exec "$@"`: for limits on the process.
	shell string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	exit   error
}

// newReplica prepares a process; start starts it. It ends with the test.
func newReplica(t testing.TB, name string, env map[string]string) *replica {
	t.Helper()
	port := freePort(t)
	r := &replica{t: t, name: name, url: fmt.Sprintf("http://localhost:%d", port), env: map[string]string{
		"LISTEN_ADDR": fmt.Sprintf("localhost:%d", port), "DATA_DIR": t.TempDir(), "RATE_LIMITS": "off",
	}}
	for k, v := range env {
		r.env[k] = v
	}
	t.Cleanup(func() {
		r.kill()
		text := r.logs.String()
		for _, mark := range []string{"WARNING: DATA RACE", "msg=panic", "goroutine stack exceeds", "fatal error:"} {
			if strings.Contains(text, mark) {
				t.Errorf("%s: the log has %q", name, mark)
			}
		}
		if t.Failed() {
			t.Logf("log of %s (its end):\n%s", name, tail(text, 6000))
		}
	})
	return r
}

func tail(text string, n int) string {
	if len(text) > n {
		return "..." + text[len(text)-n:]
	}
	return text
}

// start starts the process and does not wait for it.
func (r *replica) start() {
	r.t.Helper()
	path, err := built()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(path)
	if r.shell != "" {
		cmd = exec.Command("sh", "-c", r.shell, "sh", path)
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.env["DATA_DIR"]}
	for k, v := range r.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Stdout, cmd.Stderr = &r.logs, &r.logs
	// A child must not outlive the tests, however they end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	exited := make(chan struct{})
	r.mu.Lock()
	r.cmd, r.exited, r.exit = cmd, exited, nil
	r.mu.Unlock()
	go func() {
		err := cmd.Wait()
		r.mu.Lock()
		r.exit = err
		r.mu.Unlock()
		close(exited)
	}()
}

// up starts the process and waits until it is ready.
func (r *replica) up() *replica {
	r.t.Helper()
	r.start()
	r.awaitReady(30 * time.Second)
	return r
}

// awaitReady waits until /readyz says 200.
func (r *replica) awaitReady(within time.Duration) {
	r.t.Helper()
	eventually(r.t, within, r.name+" is ready", func() bool {
		r.mu.Lock()
		exited := r.exited
		r.mu.Unlock()
		select {
		case <-exited:
			r.t.Fatalf("%s ended before it was ready: %v\n%s", r.name, r.exitError(), tail(r.logs.String(), 3000))
		default:
		}
		return r.probe("/readyz") == http.StatusOK
	})
}

// probe gives the status of a health address, 0 when there is no answer.
func (r *replica) probe(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return 0
	}
	resp, err := probes.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

var probes = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// kill is kill -9: it returns when the process is gone.
func (r *replica) kill() {
	r.mu.Lock()
	cmd, exited := r.cmd, r.exited
	r.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-exited
}

// signal sends sig and returns at once.
func (r *replica) signal(sig os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.cmd.Process.Signal(sig)
}

// awaitExit waits for the process to end by itself and gives its exit code.
func (r *replica) awaitExit(within time.Duration) int {
	r.t.Helper()
	r.mu.Lock()
	exited := r.exited
	r.mu.Unlock()
	select {
	case <-exited:
	case <-time.After(within):
		r.t.Fatalf("%s did not end within %s", r.name, within)
	}
	var status *exec.ExitError
	if err := r.exitError(); errors.As(err, &status) {
		return status.ExitCode()
	}
	return 0
}

func (r *replica) exitError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.exit
}

// fileHandles counts the process's open files and sockets.
func (r *replica) fileHandles() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	return len(list)
}

// goroutines ends the process by SIGQUIT, on which the runtime writes every
// goroutine's stack, and counts them.
func (r *replica) goroutines() int {
	r.t.Helper()
	before := len(r.logs.String())
	r.signal(syscall.SIGQUIT)
	r.awaitExit(10 * time.Second)
	return strings.Count(r.logs.String()[before:], "\ngoroutine ")
}

// eventually waits until hold is true, and fails the test when it is not in time.
func eventually(t testing.TB, within time.Duration, what string, hold func() bool) {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !hold() {
		select {
		case <-end.C:
			t.Fatalf("not within %s: %s", within, what)
		case <-tick.C:
		}
	}
}

var nextPort atomic.Int64

// freePort finds a port below those that the system gives to outgoing
// connections, so that it is still free when a killed process starts again.
func freePort(t testing.TB) int {
	t.Helper()
	for range 2000 {
		port := 20000 + (os.Getpid()*53+int(nextPort.Add(1)))%12000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// logBuffer keeps what a process wrote.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
