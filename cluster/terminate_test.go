package cluster_test

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const publicHost = "records.example"

// SIGTERM under load, in production: readiness goes first, so that a balancer
// looks elsewhere; then requests under way finish, slow ones too; then the
// process ends with 0. Nobody sees a broken connection.
func TestTerminateUnderLoad(t *testing.T) {
	t.Parallel()
	h := embedded(t)
	l := h.newLink()
	r := h.replicas[0]
	r.kill()
	inProduction(t, r)
	r.up()

	load := &balanced{r: r, l: l}
	slow := beginSlowly(t, r, l)
	stuck := beginSlowly(t, r, l) // never ends; the drain must not wait for ever
	defer func() { _ = stuck.Close() }()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(load.run)
	}
	eventually(t, 30*time.Second, "200 requests under way", func() bool { return load.answered.Load() > 400 })
	began := time.Now()
	r.signal(syscall.SIGTERM)
	eventually(t, 2*time.Second, "readiness goes", func() bool { return r.probe("/readyz") == http.StatusServiceUnavailable })
	load.stop.Store(true)
	wg.Wait()
	eventually(t, 10*time.Second, "the listener goes", func() bool { return r.probe("/readyz") == 0 })
	if status, err := slow.finish(); status != http.StatusOK {
		t.Errorf("a request under way: %d %v", status, err)
	}
	if code := r.awaitExit(15 * time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	// 3 s of notice, 10 s of draining.
	if took := time.Since(began); took > 14*time.Second {
		t.Errorf("it took %s to end", took)
	}
	if list := load.faults(); len(list) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(list), load.answered.Load(), list[:min(len(list), 5)])
	}
	t.Logf("%d requests, ended after %s", load.answered.Load(), time.Since(began))
}

// inProduction gives a process the settings of production. Its provider is
// nowhere, which only sign-in needs.
func inProduction(t *testing.T, r *replica) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"ENV": "production", "PUBLIC_URL": "https://" + publicHost, "OIDC_ISSUER": "https://localhost:1", "OIDC_CLIENT_ID": "test",
		"OIDC_CLIENT_KEY_FILE": file, "OIDC_CLIENT_KEY_ID": "test", "DEVOP_ADDR": "", "RATE_LIMITS": generous,
	} {
		r.env[name] = value
	}
}

// generous are limits that the load of a test does not meet: in production they
// cannot be switched off.
const generous = "graphql-anonymous=100000/1s:100000,redeem=100000/1s:100000,page=100000/1s:100000"

// balanced is a load that looks where a balancer sends it: it stops when the
// process says that it is not ready.
type balanced struct {
	r        *replica
	l        link
	stop     atomic.Bool
	answered atomic.Int64
	mu       sync.Mutex
	bad      []string
}

func (b *balanced) run() {
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for !b.stop.Load() {
		status, err := b.once(client)
		b.answered.Add(1)
		if err != nil || (status != http.StatusOK && status != http.StatusServiceUnavailable) {
			b.mu.Lock()
			b.bad = append(b.bad, fmt.Sprintf("%d %v", status, err))
			b.mu.Unlock()
		}
	}
}

func (b *balanced) once(client *http.Client) (int, error) {
	req, err := http.NewRequest(http.MethodPost, b.r.url+"/graphql", strings.NewReader(redeemBody(b.l)))
	if err != nil {
		return 0, err
	}
	req.Host = publicHost
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Requested-By", "learner-web")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func (b *balanced) faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad
}

func redeemBody(l link) string {
	body, err := json.Marshal(map[string]any{"query": redeemLink, "variables": redemption(l.secret, "", "")})
	if err != nil {
		panic(err) // strings alone
	}
	return string(body)
}

// slowRequest is a request whose body is not there yet.
type slowRequest struct {
	net.Conn
	rest string
}

func beginSlowly(t *testing.T, r *replica, l link) *slowRequest {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	body := redeemBody(l)
	if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Requested-By: learner-web\r\nContent-Length: %d\r\n\r\n%s",
		publicHost, len(body), body[:20]); err != nil {
		t.Fatal(err)
	}
	return &slowRequest{conn, body[20:]}
}

func (s *slowRequest) finish() (int, error) {
	defer func() { _ = s.Close() }()
	if _, err := io.WriteString(s, s.rest); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(s), nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
