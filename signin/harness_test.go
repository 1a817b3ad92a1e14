package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

const (
	publicURL = "https://records.example"
	issuer    = "https://op.example/" // a slash at the end, like One Login's
	clientID  = "openplr-test"
	person    = "urn:fdc:gov.uk:2022:canary-subject"
)

// TestMain fails the run when a goroutine of this package outlives it.
func TestMain(m *testing.M) {
	code := m.Run()
	for range 100 {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		left := slices.DeleteFunc(strings.Split(stacks.String(), "\n\n"), func(stack string) bool {
			return !strings.Contains(stack, "openplr/signin.") || strings.Contains(stack, "openplr/signin.TestMain")
		})
		if len(left) == 0 {
			os.Exit(code)
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("goroutines left behind")
	os.Exit(1)
}

var clientKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// clock is the time in a test: it moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// book is a durable store of accounts.
type book struct {
	clock *clock
	mu    sync.Mutex
	list  map[string]*plr.Account
	fault error
	reads int
	// meanwhile runs when an account is asked for.
	meanwhile func()
	// ending is called whenever a session is ended.
	ending func()
	// untold: notices cannot be left.
	untold bool
	// proved is what identity trips have brought, by account.
	proved map[string][]plr.VerifiedIdentity
	// locked: too many attempts were made for every account.
	locked bool
}

func (b *book) SignedIn(_ context.Context, issuer, subject string) (*plr.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return nil, b.fault
	}
	for _, a := range b.list {
		if a.Issuer == issuer && a.Subject == subject {
			return copyOf(*a), nil
		}
	}
	a := &plr.Account{ID: fmt.Sprintf("act_%026d", len(b.list)+1), Issuer: issuer, Subject: subject, CreatedAt: b.clock.Now()}
	b.list[a.ID] = a
	return copyOf(*a), nil
}

func (b *book) Account(_ context.Context, id string) (*plr.Account, error) {
	if b.meanwhile != nil {
		b.meanwhile()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.fault != nil {
		return nil, b.fault
	}
	if a, ok := b.list[id]; ok {
		return copyOf(*a), nil
	}
	return nil, plr.NotFound("id")
}

func (b *book) EndSessions(_ context.Context, id string, newest time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return b.fault
	}
	a, before := b.list[id], b.clock.Now()
	for _, began := range []time.Time{newest, a.SessionsInvalidBefore} {
		if !began.Before(before) {
			before = began.Add(time.Millisecond)
		}
	}
	a.SessionsInvalidBefore = before
	return nil
}

func (b *book) TokenReused(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil || b.untold {
		return plr.Unavailable(b.fault, 0)
	}
	b.list[id].AddNotice(plr.AccountNotice{Kind: plr.NoticeTokenReused, At: b.clock.Now()})
	return nil
}

func (b *book) EndSession(_ context.Context, id, handle string, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ending != nil {
		b.ending()
	}
	if b.fault != nil {
		return b.fault
	}
	b.list[id].EndSession(handle, until, b.clock.Now())
	return nil
}

func (b *book) AccountOfSubject(_ context.Context, issuer, subject string) (*plr.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return nil, b.fault
	}
	for _, a := range b.list {
		if a.Issuer == issuer && a.Subject == subject {
			return copyOf(*a), nil
		}
	}
	return nil, plr.NotFound()
}

func (b *book) ProviderLogout(_ context.Context, id string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return b.fault
	}
	if a := b.list[id]; at.After(a.ProviderLogoutAt) {
		a.ProviderLogoutAt = at
	}
	return nil
}

func (b *book) MayProveIdentity(_ context.Context, id string, renew bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fault != nil:
		return b.fault
	case b.list[id].ULN != "" && !renew:
		return plr.AlreadyBound()
	case b.locked:
		return &plr.Error{Code: plr.CodeLimitReached}
	}
	return nil
}

func (b *book) ProveIdentity(_ context.Context, id string, identity plr.VerifiedIdentity) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return b.fault
	}
	if b.proved == nil {
		b.proved = map[string][]plr.VerifiedIdentity{}
	}
	b.proved[id] = append(b.proved[id], identity)
	return nil
}

func (b *book) edit(f func(map[string]*plr.Account)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.list)
}

// journal is a log that can be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// house is a whole service: sign-in with its routes, a provider that forges, a
// Redis and a durable store.
type house struct {
	*SignIn
	t     *testing.T
	app   http.Handler
	clock *clock
	mini  *miniredis.Miniredis
	book  *book
	op    *forge
	logs  *journal
	// secrets must turn up in no log and nowhere in Redis.
	mu      sync.Mutex
	secrets []string
}

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	h := &house{
		t: t, clock: &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)},
		mini: miniredis.RunT(t), logs: &journal{},
	}
	h.book = &book{clock: h.clock, list: map[string]*plr.Account{}}
	h.op = newForge(h)
	client := redis.NewClient(&redis.Options{
		Addr: h.mini.Addr(), ContextTimeoutEnabled: true, MaxRetries: -1, DialTimeout: time.Second, PoolSize: 4,
		DialerRetries: 1,
	})
	t.Cleanup(func() { client.Close() })
	config := Config{
		Issuer: issuer, ClientID: clientID, ClientKey: clientKey(), ClientKeyID: "client-1",
		PublicURL: publicURL, Accounts: h.book, Redis: client,
		SealKeys:  []SealKey{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}},
		UserAgent: "openplr-test/1", Transport: h.op, Now: h.clock.Now,
		Logger: slog.New(slog.NewJSONHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	h.SignIn = s
	h.op.issuer = config.Issuer
	h.app = routes(s)
	t.Cleanup(func() { s.Close(); h.noSecrets() })
	return h
}

// routes is what the server's routes file is expected to do.
func routes(s *SignIn) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/auth/login", s.Login)
	mux.HandleFunc("/auth/callback", s.Callback)
	mux.HandleFunc("/auth/step-up", s.StepUp)
	mux.HandleFunc("/auth/identity/start", s.IdentityStart)
	mux.HandleFunc("/auth/identity/return", s.IdentityReturn)
	mux.HandleFunc("/auth/session", s.Session)
	mux.HandleFunc("/auth/session/extend", s.ExtendSession)
	mux.HandleFunc("/auth/sessions", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			s.EndOtherSessions(w, r)
			return
		}
		s.Sessions(w, r)
	})
	mux.HandleFunc("/auth/sessions/{id}", s.EndSessionByID)
	mux.HandleFunc("/auth/logout", s.Logout)
	mux.HandleFunc("/auth/signed-out", s.SignedOut)
	mux.HandleFunc("/auth/backchannel-logout", s.BackchannelLogout)
	mux.HandleFunc("/.well-known/jwks.json", s.ClientKeys)
	appRoutes(mux, s)
	mux.Handle("/graphql", s.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := From(r.Context())
		fmt.Fprint(w, who.State)
		if account, err := who.Require(); err == nil {
			fmt.Fprint(w, " ", account.ID)
		} else {
			fmt.Fprint(w, " ", plr.CodeOf(err))
		}
	})))
	return mux
}

// pass moves both clocks.
func (h *house) pass(d time.Duration) {
	h.clock.add(d)
	h.mini.FastForward(d)
}

func (h *house) secret(s ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, s...)
}

func (h *house) noSecrets() {
	h.mu.Lock()
	defer h.mu.Unlock()
	logs, store := h.logs.String(), h.mini.Dump()
	for _, s := range append(h.secrets, person, "canary") {
		if s == "" {
			continue
		}
		if strings.Contains(logs, s) {
			h.t.Errorf("the log holds %q:\n%s", s, logs)
		}
		if strings.Contains(store, s) {
			h.t.Errorf("Redis holds %q:\n%s", s, store)
		}
	}
}

// browser keeps cookies as a browser does, and knows which to leave at home.
type browser struct {
	h       *house
	cookies map[string]string
}

func (h *house) browser() *browser { return &browser{h: h, cookies: map[string]string{}} }

type change func(*http.Request)

func header(name, value string) change {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

// fromProvider makes a request what it is when the provider sends the browser on:
// strict cookies stay at home.
func fromProvider(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	kept := r.CookiesNamed(TransactionCookie)
	r.Header.Del("Cookie")
	for _, c := range kept {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
}

func (b *browser) do(method, target, body string, changes ...change) *http.Response {
	r := httptest.NewRequest(method, publicURL+target, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for _, c := range changes {
		c(r)
	}
	w := httptest.NewRecorder()
	b.h.app.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		b.h.secret(c.Value)
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || !strings.HasPrefix(c.Name, "__Host-Http-") {
			b.h.t.Errorf("cookie %s: %s", c.Name, c.Raw)
		}
	}
	if strings.HasPrefix(target, "/auth/") {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		} {
			if got := resp.Header.Get(name); got != want {
				b.h.t.Errorf("%s %s: %s is %q, want %q", method, target, name, got, want)
			}
		}
	}
	return resp
}

func (b *browser) get(target string, changes ...change) *http.Response {
	return b.do(http.MethodGet, target, "", changes...)
}

// who gives what /graphql saw: state, and account or error code.
func (b *browser) who(changes ...change) string {
	b.h.t.Helper()
	resp := b.do(http.MethodPost, "/graphql", "", changes...)
	return bodyOf(b.h.t, resp)
}

// leave starts a sign-in and gives the address at the provider.
func (b *browser) leave(query string, changes ...change) *url.URL {
	b.h.t.Helper()
	return b.depart("/auth/login"+query, changes...)
}

// depart starts a trip at target and gives the address at the provider.
func (b *browser) depart(target string, changes ...change) *url.URL {
	b.h.t.Helper()
	resp := b.get(target, changes...)
	if resp.StatusCode != http.StatusSeeOther {
		b.h.t.Fatalf("%s answered %d: %s\n%s", target, resp.StatusCode, bodyOf(b.h.t, resp), b.h.logs)
	}
	u, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || u.Host != "op.example" {
		b.h.t.Fatalf("%s led to %q", target, resp.Header.Get("Location"))
	}
	b.h.secret(u.Query().Get("state"), u.Query().Get("nonce"))
	return u
}

// back returns from the provider with these parameters.
func (b *browser) back(query url.Values, changes ...change) *http.Response {
	return b.get("/auth/callback?"+query.Encode(), append([]change{fromProvider}, changes...)...)
}

// signIn goes all the way and must arrive.
func (b *browser) signIn() string {
	b.h.t.Helper()
	resp := b.back(b.h.op.authorize(b.leave("")))
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != "/" {
		b.h.t.Fatalf("sign-in ended with %d at %q\n%s", resp.StatusCode, got, b.h.logs)
	}
	token := b.cookies[SessionCookie]
	if !isSessionToken(token) {
		b.h.t.Fatalf("session cookie is %q", token)
	}
	return token
}

// arrives goes on a trip from target all the way and must arrive there.
func (b *browser) arrives(target, at string) {
	b.h.t.Helper()
	resp := b.back(b.h.op.authorize(b.depart(target)))
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != at {
		b.h.t.Fatalf("%s ended with %d at %q\n%s", target, resp.StatusCode, got, b.h.logs)
	}
}

// held gives the session that b holds, as it lies in Redis.
func (b *browser) held() session {
	b.h.t.Helper()
	e, err := b.h.readSession(b.h.t.Context(), hashOf(useWebSession, b.cookies[SessionCookie]))
	if err != nil {
		b.h.t.Fatal(err)
	}
	return *e
}

func (b *browser) logout(body string, changes ...change) *http.Response {
	return b.do(http.MethodPost, "/auth/logout", body, append([]change{
		header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json"),
	}, changes...)...)
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantPage checks that resp leads to the problem page with this code, with
// nothing of the provider's, and that one audit line tells of it.
func (h *house) wantPage(resp *http.Response, code Problem) {
	h.t.Helper()
	location := resp.Header.Get("Location")
	u, err := url.Parse(location)
	if err != nil || resp.StatusCode != http.StatusSeeOther || u.Path != ProblemPath || u.Host != "" {
		h.t.Fatalf("got %d to %q, want the problem page with %s\n%s", resp.StatusCode, location, code, h.logs)
	}
	query := u.Query()
	if got := query.Get("code"); got != string(code) {
		h.t.Fatalf("got code %q, want %q\n%s", got, code, h.logs)
	}
	if !slices.Contains(PageProblems(), code) || len(query) != 2 {
		h.t.Errorf("%q is no address of the problem page", location)
	}
	for _, c := range resp.Cookies() {
		if c.Name == SessionCookie {
			h.t.Errorf("a refused sign-in set %s", c.Raw)
		}
	}
	h.wantAudit(query.Get("ref"), code)
}

// wantJSON checks a problem+json answer.
func (h *house) wantJSON(resp *http.Response, status int, code Problem) {
	h.t.Helper()
	body := bodyOf(h.t, resp)
	var got struct {
		Type, Title, Code, Ref string
		Status                 int
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
		h.t.Fatalf("got %d %q, want a problem", resp.StatusCode, body)
	}
	if resp.StatusCode != status || got.Status != status || got.Code != string(code) || got.Type != "about:blank" || got.Title == "" {
		h.t.Fatalf("got %d %s, want %d %s\n%s", resp.StatusCode, body, status, code, h.logs)
	}
	h.wantAudit(got.Ref, code)
}

func (h *house) wantAudit(ref string, code Problem) {
	h.t.Helper()
	n := 0
	for line := range strings.Lines(h.logs.String()) {
		var entry struct{ Msg, Code, Ref, Why string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			h.t.Errorf("log line is no JSON: %s", line)
		}
		if entry.Ref == ref && ref != "" {
			n++
			if entry.Msg != "refused" || entry.Code != string(code) {
				h.t.Errorf("audit line %s", line)
			}
		}
	}
	if n != 1 {
		h.t.Errorf("%d audit lines for %s, want one:\n%s", n, ref, h.logs)
	}
}
