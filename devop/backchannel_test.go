package devop_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"openplr/devop"
)

// listener is the app's address for logout tokens.
type listener struct {
	url string

	mu     sync.Mutex
	posts  []*http.Request // with the form read
	status []int           // of each answer; 200 when there are no more
}

func newListener(t *testing.T, status ...int) *listener {
	l := &listener{status: status}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		l.posts = append(l.posts, r)
		if len(l.status) > 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(l.status[0])
			l.status = l.status[1:]
		}
	}))
	t.Cleanup(srv.Close)
	l.url = srv.URL + "/auth/backchannel-logout"
	return l
}

func (l *listener) config(c *devop.Config) { c.BackchannelLogoutURI = l.url }

func (l *listener) received() []*http.Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.posts
}

// checkLogoutToken checks one as the product's library does, and what is One
// Login's own shape.
func checkLogoutToken(t *testing.T, a *app, r *http.Request, subject string) {
	t.Helper()
	raw := r.PostForm.Get("logout_token")
	a.secret(raw)
	if r.Method != http.MethodPost || r.URL.Path != "/auth/backchannel-logout" || len(r.PostForm) != 1 || r.UserAgent() == "" {
		t.Errorf("%s %s, %v", r.Method, r.URL, r.Header)
	}
	token, err := a.provider.VerifierContext(a.ctx(), &oidc.Config{ClientID: clientID, SupportedSigningAlgs: []string{oidc.ES256}, Now: a.now}).
		VerifyLogout(a.ctx(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != subject {
		t.Errorf("logout of %q", token.Subject)
	}
	parsed := must(jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256}))
	claims := claimsOf(t, raw)
	iat, _ := claims["iat"].(float64)
	exp, _ := claims["exp"].(float64)
	events, _ := claims["events"].(map[string]any)
	event, ok := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	jti, _ := claims["jti"].(string)
	if parsed.Headers[0].ExtraHeaders["typ"] != "logout+jwt" || claims["iss"] != a.iss || claims["aud"] != clientID || int64(iat) != a.now().Unix() ||
		exp-iat != 120 || len(events) != 1 || !ok || len(event) != 0 || len(jti) < 20 || len(claims) != 7 {
		t.Errorf("header %v, claims %v", parsed.Headers[0], claims)
	}
}

func TestSignOutTellsTheApp(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{at: time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)}
	l := newListener(t)
	a := newApp(t, l.config, func(c *devop.Config) { c.Issuer += "/"; c.Now = clock.now })
	query := url.Values{"id_token_hint": {a.idToken(mari.Subject)}, "post_logout_redirect_uri": {signedOut}}
	if r := a.get(a.issuer + "/logout?" + query.Encode()); r.header.Get("Location") != signedOut {
		t.Fatalf("status %d", r.status)
	}
	posts := l.received() // before the browser is back
	if len(posts) != 1 {
		t.Fatalf("%d logout tokens", len(posts))
	}
	checkLogoutToken(t, a, posts[0], mari.Subject)
}

func TestSignOutOfNobodyTellsNobody(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	a := newApp(t, l.config)
	hint := a.idToken(mari.Subject)
	for _, query := range []url.Values{
		{},
		{"id_token_hint": {"made-up"}},
		{"post_logout_redirect_uri": {signedOut}},
		{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.example/"}},
		{"id_token_hint": {hint}, "client_id": {"somebody"}},
	} {
		a.get(a.issuer + "/logout?" + query.Encode())
	}
	if posts := l.received(); len(posts) != 0 {
		t.Errorf("%d logout tokens", len(posts))
	}
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answers []int
		posts   int
		status  int
	}{
		"taken":               {nil, 1, http.StatusOK},
		"taken at the second": {[]int{500}, 2, http.StatusOK},
		"taken by a redirect": {[]int{303, 303}, 2, http.StatusBadGateway},
		"accepted, not taken": {[]int{202, 204}, 2, http.StatusBadGateway},
		"never taken":         {[]int{400, 503, 503, 503}, 2, http.StatusBadGateway},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, at := newListener(t, tc.answers...), time.Now()
			a := newApp(t, l.config, func(c *devop.Config) { c.Now = func() time.Time { return at } })
			page := a.get(a.issuer + "/sign-out-everywhere")
			if page.status != http.StatusOK || !strings.Contains(page.body, `value="`+mari.Subject+`" aria-describedby="about-1">Sign out Mari`) || len(l.received()) != 0 {
				t.Fatalf("status %d, %s", page.status, page.body)
			}
			r := a.do(http.MethodPost, a.formOf(page), url.Values{"subject": {mari.Subject}})
			posts := l.received()
			if r.status != tc.status || len(posts) != tc.posts {
				t.Errorf("status %d after %d posts: %s", r.status, len(posts), r.body)
			}
			for _, post := range posts {
				checkLogoutToken(t, a, post, mari.Subject)
			}
		})
	}
}

func TestSignOutEverywhereWithoutTheApp(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, uri := range map[string]string{"no address": "", "nobody there": gone.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(c *devop.Config) { c.BackchannelLogoutURI = uri })
			r := a.do(http.MethodPost, a.issuer+"/sign-out-everywhere", url.Values{"subject": {mari.Subject}})
			if r.status != http.StatusBadGateway || !strings.Contains(r.body, "The app did not take it") {
				t.Errorf("status %d, %s", r.status, r.body)
			}
			if told := strings.Contains(a.log.String(), "did not take the logout token"); told != (uri != "") {
				t.Errorf("the log says %s", a.log.String())
			}
		})
	}
}

// An app that never answers holds a browser for a moment only.
func TestSignOutDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(release) })
	a := newApp(t, func(c *devop.Config) { c.BackchannelLogoutURI = srv.URL })
	start := time.Now()
	r := a.get(a.issuer + "/logout?" + url.Values{"id_token_hint": {a.idToken(mari.Subject)}, "post_logout_redirect_uri": {signedOut}}.Encode())
	if took := time.Since(start); r.header.Get("Location") != signedOut || took > 20*time.Second {
		t.Errorf("status %d after %s", r.status, took)
	}
}

func TestSignOutEverywhereAsksForSomebody(t *testing.T) {
	t.Parallel()
	l := newListener(t)
	a := newApp(t, l.config)
	page := a.do(http.MethodPost, a.formOf(a.get(a.issuer+"/sign-out-everywhere?ui_locales=cy")), url.Values{"subject": {"nobody"}})
	if page.status != http.StatusBadRequest || !strings.Contains(page.body, `role="alert">Dewiswch berson o’r rhestr.`) {
		t.Errorf("status %d, %s", page.status, page.body)
	}
	a.get(a.issuer + "/sign-out-everywhere?subject=" + url.QueryEscape(mari.Subject))
	if len(l.received()) != 0 {
		t.Error("the app was told of somebody")
	}
}
