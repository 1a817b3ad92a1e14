package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
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
)

// visitor is somebody's browser. Its cookies belong to a host and not to a
// port, as in real browsers: what one replica set, the other gets.
type visitor struct {
	client *http.Client
	jar    *jar
	accept string // what it takes when it opens an address
	bearer string // an app's access token; empty in browsers
}

func newVisitor() *visitor {
	v := &visitor{jar: &jar{}, accept: "text/html"}
	v.client = &http.Client{Jar: v.jar, Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: dialMetered, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Second,
	}}
	return v
}

// again is a visitor with the same cookies as they are now, later changes apart.
func (v *visitor) again() *visitor {
	out := newVisitor()
	v.jar.mu.Lock()
	defer v.jar.mu.Unlock()
	for host, cookies := range v.jar.cookies {
		for _, c := range cookies {
			out.jar.SetCookies(&url.URL{Host: host}, []*http.Cookie{c})
		}
	}
	return out
}

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
	host := u.Hostname()
	if j.cookies[host] == nil {
		j.cookies[host] = map[string]*http.Cookie{}
	}
	for _, c := range cookies {
		if c.MaxAge < 0 {
			delete(j.cookies[host], c.Name)
		} else {
			j.cookies[host][c.Name] = c
		}
	}
}

func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*http.Cookie
	for _, c := range j.cookies[u.Hostname()] {
		if strings.HasPrefix(u.Path, c.Path) {
			out = append(out, &http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return out
}

// page is what a browser got; err when it got nothing whole.
type page struct {
	url    string
	status int
	header http.Header
	body   string
	err    error
}

func (v *visitor) do(method, address, contentType, body string) page {
	req, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(body))
	if err != nil {
		return page{err: err}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("X-Requested-By", "learner-web")
	if method == http.MethodGet {
		req.Header.Set("Accept", v.accept)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return page{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return page{url: resp.Request.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(text), err: err}
}

var formAction = regexp.MustCompile(`<form[^>]*action="([^"]+)"`)

// through opens an address of replica r and goes on through the development
// provider's page as a sample person, whatever the trip is for. It gives where
// the trip ended.
func (v *visitor) through(r *replica, path, subject string) page {
	p := v.do(http.MethodGet, r.url+path, "", "")
	m := formAction.FindStringSubmatch(p.body)
	if p.err != nil || p.status != http.StatusOK || m == nil {
		return p
	}
	at, err := url.Parse(p.url)
	if err != nil {
		return page{err: err}
	}
	action, err := url.Parse(m[1])
	if err != nil {
		return page{err: err}
	}
	return v.do(http.MethodPost, at.ResolveReference(action).String(), "application/x-www-form-urlencoded", url.Values{"subject": {subject}}.Encode())
}

// goThrough is through that must arrive; what says that something is away for the
// moment is tried again.
func (v *visitor) goThrough(t testing.TB, r *replica, path, subject string) page {
	t.Helper()
	var p page
	eventually(t, 20*time.Second, "a trip from "+r.name, func() bool {
		p = v.through(r, path, subject)
		return p.err == nil && !strings.Contains(p.url, "unavailable")
	})
	if strings.Contains(p.url, "problem") || strings.Contains(p.url, "/authorize") {
		t.Fatalf("the trip ended at %d %s", p.status, p.url)
	}
	return p
}

// trySignIn signs in as a sample person, beginning at replica r, and gives where
// it ended.
func (v *visitor) trySignIn(r *replica, subject string) page {
	return v.through(r, "/auth/login?return_to=/", subject)
}

// signIn is trySignIn that must succeed.
func (v *visitor) signIn(t testing.TB, r *replica, subject string) {
	t.Helper()
	p := v.trySignIn(r, subject)
	if p.err != nil || p.status != http.StatusOK || strings.Contains(p.url, "problem") || strings.Contains(p.url, "/authorize") {
		t.Fatalf("sign-in ended at %d %s %v", p.status, p.url, p.err)
	}
}

// signOut signs out at replica r, everywhere if asked.
func (v *visitor) signOut(r *replica, everywhere bool) page {
	return v.do(http.MethodPost, r.url+"/auth/logout", "application/json", fmt.Sprintf(`{"everywhere":%t}`, everywhere))
}

// answer is what came of a GraphQL operation. err is set when no whole answer came.
type answer struct {
	status     int
	retryAfter string
	raw        string
	took       time.Duration
	err        error

	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
}

// ask sends one operation to replica r. It never fails the test: under faults
// every outcome is an outcome.
func (v *visitor) ask(r *replica, query string, variables map[string]any) *answer {
	return v.send(r, query, variables, nil)
}

func (v *visitor) send(r *replica, query string, variables map[string]any, onConn func(*meteredConn)) *answer {
	out := &answer{}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		out.err = err
		return out
	}
	ctx := context.WithValue(context.Background(), connKey{}, onConn)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/graphql", strings.NewReader(string(body)))
	if err != nil {
		out.err = err
		return out
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Requested-By", "learner-web")
	if v.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	began := time.Now()
	defer func() { out.took = time.Since(began) }()
	resp, err := v.client.Do(req)
	if err != nil {
		out.err = err
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	out.status, out.retryAfter, out.raw = resp.StatusCode, resp.Header.Get("Retry-After"), string(text)
	if err != nil {
		out.err = err
		return out
	}
	if err := json.Unmarshal(text, out); err != nil {
		out.err = fmt.Errorf("not JSON (%d): %.200s", resp.StatusCode, text)
	}
	return out
}

// must asks until the service is able to answer, and fails the test on any
// other error, user errors included.
func (v *visitor) must(t testing.TB, r *replica, query string, variables map[string]any) *answer {
	t.Helper()
	var a *answer
	eventually(t, 30*time.Second, "an answer from "+r.name, func() bool {
		a = v.ask(r, query, variables)
		return !a.unknown()
	})
	if len(a.Errors) > 0 {
		t.Fatalf("%s", a.raw)
	}
	for _, field := range a.Data {
		if m, ok := field.(map[string]any); ok {
			if list, ok := m["userErrors"].([]any); ok && len(list) > 0 {
				t.Fatalf("%s", a.raw)
			}
		}
	}
	return a
}

// unsent: nobody was there to send it to, so it certainly had no effect.
func (a *answer) unsent() bool {
	var fault *net.OpError
	return errors.As(a.err, &fault) && fault.Op == "dial"
}

// unknown: the caller cannot tell whether the operation had its effect.
func (a *answer) unknown() bool { return a.err != nil || a.code() == "UNAVAILABLE" }

func (a *answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// at walks the data by names and indexes.
func (a *answer) at(path ...any) any {
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

func (a *answer) text(path ...any) string { s, _ := a.at(path...).(string); return s }

func (a *answer) number(path ...any) int { n, _ := a.at(path...).(float64); return int(n) }

type connKey struct{}

// dialMetered counts what a connection receives.
func dialMetered(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	metered, err := newMeteredConn(conn)
	if err != nil {
		return nil, err
	}
	if onConn, ok := ctx.Value(connKey{}).(func(*meteredConn)); ok && onConn != nil {
		onConn(metered)
	}
	return metered, nil
}
