package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// harness is a whole running service on free ports: embedded store, in-process
// Redis, development provider, sample learners, and a clock that tests move.
type harness struct {
	t     *testing.T
	app   *app
	url   string
	clock *testClock
	logs  *lockedBuffer
	dir   string
	env   map[string]string
}

type harnessOptions struct {
	env       map[string]string
	wrapStore func(plr.Store) plr.Store
	wrapConn  func(net.Conn) net.Conn
	dir       string
}

func newHarness(t *testing.T, o harnessOptions) *harness {
	t.Helper()
	h := &harness{t: t, clock: newTestClock(), logs: &lockedBuffer{}, dir: o.dir}
	if h.dir == "" {
		h.dir = t.TempDir()
	}
	main, provider := freeListener(t), freeListener(t)
	h.url = fmt.Sprintf("http://localhost:%d", main.Addr().(*net.TCPAddr).Port)
	// Limits are taken but never met, unless a test sets its own. Redis is given
	// more time than in production: tests share few processors.
	h.env = map[string]string{"DATA_DIR": h.dir, "PUBLIC_URL": h.url, "RATE_LIMITS": wideLimits(), "REDIS_TIMEOUT": "1s"}
	for k, v := range o.env {
		h.env[k] = v
	}
	c, err := readConfig(func(name string) string { return h.env[name] })
	if err != nil {
		t.Fatal(err)
	}
	listener := main
	if o.wrapConn != nil {
		listener = wrappedListener{main, o.wrapConn}
	}
	h.app, err = start(t.Context(), c, parts{
		Now: h.clock.Now, Stderr: h.logs, WrapStore: o.wrapStore, Listener: listener, DevopListener: provider,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.app.stop()
		if t.Failed() {
			t.Logf("server log:\n%s", h.logs.String())
		}
	})
	return h
}

// wideLimits lets a million requests a second through everywhere.
func wideLimits() string {
	var out []string
	for _, name := range limitNames {
		out = append(out, name+"=1000000/1s")
	}
	return strings.Join(out, ",")
}

func freeListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type wrappedListener struct {
	net.Listener
	wrap func(net.Conn) net.Conn
}

func (l wrappedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.wrap(conn), nil
}

// testClock stands at the moment the test began and moves only when told.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newTestClock() *testClock { return &testClock{now: time.Now().UTC().Truncate(time.Millisecond)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// browser is somebody's browser: cookies of its own, redirects followed.
type browser struct {
	h      *harness
	client *http.Client
	header http.Header
}

func (h *harness) browser() *browser {
	return &browser{h: h, client: &http.Client{Jar: &jar{}, Timeout: 30 * time.Second}, header: http.Header{}}
}

// jar keeps cookies by host and port and sends Secure ones to loopback over
// plain HTTP, as browsers do; net/http/cookiejar does neither.
type jar struct {
	mu      sync.Mutex
	cookies map[string]map[string]*http.Cookie
}

func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cookies == nil {
		j.cookies = map[string]map[string]*http.Cookie{}
	}
	if j.cookies[u.Host] == nil {
		j.cookies[u.Host] = map[string]*http.Cookie{}
	}
	for _, c := range cookies {
		if c.MaxAge < 0 {
			delete(j.cookies[u.Host], c.Name)
		} else {
			j.cookies[u.Host][c.Name] = c
		}
	}
}

func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*http.Cookie
	for _, c := range j.cookies[u.Host] {
		if strings.HasPrefix(u.Path, c.Path) {
			out = append(out, &http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return out
}

// page is what a browser got.
type page struct {
	url    string
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, address, contentType string, body io.Reader) page {
	b.h.t.Helper()
	if !strings.Contains(address, "://") {
		address = b.h.url + address
	}
	req, err := http.NewRequestWithContext(context.Background(), method, address, body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for k, v := range b.header {
		req.Header[k] = v
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return page{url: resp.Request.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(text)}
}

func (b *browser) get(address string) page { b.h.t.Helper(); return b.do("GET", address, "", nil) }

func (b *browser) form(address string, fields url.Values) page {
	b.h.t.Helper()
	return b.do("POST", address, "application/x-www-form-urlencoded", strings.NewReader(fields.Encode()))
}

var formAction = regexp.MustCompile(`<form[^>]*action="([^"]+)"`)

// signIn goes through the development provider's page as the sample person.
func (b *browser) signIn(subject string) page {
	b.h.t.Helper()
	back := b.trip("/auth/login?return_to=/", subject)
	if back.status != 200 || !strings.HasPrefix(back.url, b.h.url+"/") || strings.Contains(back.url, "problem") {
		b.h.t.Fatalf("sign-in ended at %d %s", back.status, back.url)
	}
	return back
}

// trip goes to the provider by this address and comes back as the sample person.
func (b *browser) trip(address, subject string) page {
	b.h.t.Helper()
	p := b.get(address)
	m := formAction.FindStringSubmatch(p.body)
	if p.status != 200 || m == nil {
		b.h.t.Fatalf("no sign-in page: %d %s\n%s", p.status, p.url, p.body)
	}
	action, err := url.Parse(m[1])
	if err != nil {
		b.h.t.Fatal(err)
	}
	at, _ := url.Parse(p.url)
	return b.form(at.ResolveReference(action).String(), url.Values{"subject": {subject}})
}

// signedIn gives a browser in which the sample person of this kind is signed in.
func (h *harness) signedIn(subject string) *browser {
	h.t.Helper()
	b := h.browser()
	b.signIn(subject)
	return b
}

func samplePeople(t *testing.T) []lrs.SamplePerson {
	t.Helper()
	people, err := lrs.SamplePeople()
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// answer is a GraphQL answer.
type gqlAnswer struct {
	status int
	header http.Header
	raw    string
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	Extensions map[string]any `json:"extensions"`
}

func (a *gqlAnswer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// at walks the data by names and indexes.
func (a *gqlAnswer) at(path ...any) any {
	var v any = a.Data
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

// ask sends an operation as a front end does.
func (b *browser) ask(query string, variables map[string]any) *gqlAnswer {
	b.h.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		b.h.t.Fatal(err)
	}
	return b.post(string(body), nil)
}

func (b *browser) post(body string, header http.Header) *gqlAnswer {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, b.h.url+"/graphql", strings.NewReader(body))
	if err != nil {
		b.h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Requested-By", "learner-web")
	for k, v := range b.header {
		req.Header[k] = v
	}
	for k, v := range header {
		req.Header[k] = v
		if len(v) == 0 {
			req.Header.Del(k)
		}
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.h.t.Error(err)
		return &gqlAnswer{}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.h.t.Error(err)
	}
	out := &gqlAnswer{status: resp.StatusCode, header: resp.Header, raw: string(text)}
	if err := json.Unmarshal(text, out); err != nil {
		b.h.t.Errorf("not JSON (%d): %.300s", resp.StatusCode, text)
	}
	return out
}

// must asks and fails the test on any error, user errors included.
func (b *browser) must(query string, variables map[string]any) *gqlAnswer {
	b.h.t.Helper()
	a := b.ask(query, variables)
	if len(a.Errors) > 0 {
		b.h.t.Fatalf("%s", a.raw)
	}
	for _, field := range a.Data {
		if m, ok := field.(map[string]any); ok {
			if list, ok := m["userErrors"].([]any); ok && len(list) > 0 {
				b.h.t.Fatalf("%s", a.raw)
			}
		}
	}
	return a
}
