package devop_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"openplr/devop"
)

const (
	clientID  = "openplr-test"
	clientKID = "app-1"
	callback  = "http://localhost:8080/auth/callback"
	signedOut = "http://localhost:8080/auth/signed-out"
)

var (
	mari = devop.Person{
		Subject: "urn:fdc:gov.uk:2022:mari", Name: "Mari Llwyd", Email: "mari@example.test",
		Description: "has a record with a match", GivenName: "Mari", FamilyName: "Llwyd", BirthDate: "2007-02-28",
	}
	tom = devop.Person{Subject: "urn:fdc:gov.uk:2022:tom", Name: "Tom <b>Thumb</b>", Description: "has no record"}
)

// Keys are made once: RSA generation is the slowest thing here.
var (
	appKey     = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	signingKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	// identityKey signs core identity JWTs.
	identityKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func config(issuer string) devop.Config {
	return devop.Config{
		Issuer:                 issuer,
		ClientID:               clientID,
		ClientKey:              appKey().Public(),
		ClientKeyID:            clientKID,
		RedirectURIs:           []string{callback},
		PostLogoutRedirectURIs: []string{signedOut, signedOut + "?from=devop"},
		People:                 []devop.Person{tom, mari},
		SigningKey:             signingKey(),
		IdentityKey:            identityKey(),
	}
}

// app is a relying party built of the parts that the product uses, in front of a
// provider of its own. It remembers every secret it meets; when the test ends the
// provider's log must hold none of them.
type app struct {
	t        *testing.T
	issuer   string // where the provider is
	iss      string // what it calls itself
	cfg      devop.Config
	provider *oidc.Provider
	oauth    oauth2.Config
	http     *http.Client // follows no redirects
	now      func() time.Time

	log     lockedBuffer
	mu      sync.Mutex
	secrets []string
}

func newApp(t *testing.T, edits ...func(*devop.Config)) *app {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	a := &app{t: t, issuer: "http://" + srv.Listener.Addr().String()}
	cfg := config(a.issuer)
	cfg.Logger = slog.New(slog.NewTextHandler(&a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, edit := range edits {
		edit(&cfg)
	}
	handler, err := devop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = handler
	srv.Start()
	t.Cleanup(srv.Close)
	a.iss, a.cfg = cfg.Issuer, cfg
	a.now = time.Now
	if cfg.Now != nil {
		a.now = cfg.Now
	}
	a.http = srv.Client()
	a.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// An issuer that is not the server's address is discovered where it is.
	a.provider, err = oidc.NewProvider(oidc.InsecureIssuerURLContext(a.ctx(), cfg.Issuer), a.issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := a.provider.Endpoint()
	endpoint.AuthURL, endpoint.TokenURL = a.issuer+"/authorize", a.issuer+"/token"
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	a.oauth = oauth2.Config{
		ClientID: clientID, Endpoint: endpoint, RedirectURL: callback,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
	a.secret(mari.Subject, mari.Name, mari.Email, tom.Subject, tom.Name)
	t.Cleanup(a.checkLog)
	return a
}

func (a *app) ctx() context.Context {
	return oidc.ClientContext(a.t.Context(), a.http)
}

func (a *app) secret(values ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets = append(a.secrets, values...)
}

func (a *app) checkLog() {
	text := a.log.String()
	for _, secret := range a.secrets {
		if secret != "" && strings.Contains(text, secret) {
			a.t.Errorf("the log holds a secret:\n%s", text)
		}
	}
}

// trip is one sign-in under way.
type trip struct{ state, nonce, verifier string }

func (a *app) trip() trip {
	tr := trip{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	a.secret(tr.state, tr.nonce, tr.verifier)
	return tr
}

// authorizeURL takes name, value pairs over the usual ones; an empty value
// removes the parameter.
func (a *app) authorizeURL(tr trip, pairs ...string) string {
	u := must(url.Parse(a.oauth.AuthCodeURL(tr.state, oidc.Nonce(tr.nonce), oauth2.S256ChallengeOption(tr.verifier))))
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// location is where the browser is sent, which must be to the given address.
func (r answer) location(t *testing.T, to string) url.Values {
	t.Helper()
	u, err := url.Parse(r.header.Get("Location"))
	if r.status != http.StatusSeeOther || err != nil {
		t.Fatalf("status %d, want a redirect; body %s", r.status, r.body)
	}
	q := u.Query()
	if u.Fragment != "" { // errors of the response types that answer there
		q = must(url.ParseQuery(u.EscapedFragment()))
	}
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	if u.String() != to {
		t.Fatalf("redirected to %s, want %s", u, to)
	}
	return q
}

func (a *app) do(method, address string, form url.Values) answer {
	a.t.Helper()
	r := must(http.NewRequestWithContext(a.t.Context(), method, address, strings.NewReader(form.Encode())))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := a.http.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, string(must(io.ReadAll(resp.Body)))}
}

func (a *app) get(address string) answer { a.t.Helper(); return a.do(http.MethodGet, address, nil) }

var formAction = regexp.MustCompile(`<form method="post" action="([^"]+)">`)

// formOf is the address to which the sign-in page posts.
func (a *app) formOf(page answer) string {
	a.t.Helper()
	m := formAction.FindStringSubmatch(page.body)
	if page.status >= 500 || m == nil {
		a.t.Fatalf("status %d, no sign-in form in %s", page.status, page.body)
	}
	path := html.UnescapeString(m[1])
	a.secret(strings.TrimPrefix(path, "/authorize/"))
	return a.issuer + path
}

// auto signs in without the page and returns the code.
func (a *app) auto(tr trip, subject string, pairs ...string) string {
	a.t.Helper()
	pairs = append([]string{"login_hint", subject, "dev_auto", "1"}, pairs...)
	return a.code(tr, a.get(a.authorizeURL(tr, pairs...)))
}

// code reads a successful answer as the app's callback would.
func (a *app) code(tr trip, r answer) string {
	a.t.Helper()
	q := r.location(a.t, callback)
	if q.Get("state") != tr.state || q.Get("iss") != a.iss || q.Get("code") == "" || q.Has("error") {
		a.t.Fatalf("callback got %v", q)
	}
	a.secret(q.Get("code"))
	return q.Get("code")
}

// assertion is the app's private_key_jwt; edit may spoil it.
func (a *app) assertion(edit func(*assertionParts)) string {
	parts := assertionParts{
		alg: jose.PS256, key: appKey(), kid: clientKID,
		claims: jwt.Claims{
			Issuer: clientID, Subject: clientID, Audience: jwt.Audience{a.iss}, ID: rand.Text(),
			// The one thing judged by the machine's clock, whatever Config.Now says.
			IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)),
		},
	}
	if edit != nil {
		edit(&parts)
	}
	opts := &jose.SignerOptions{}
	if parts.kid != "" {
		opts = opts.WithHeader("kid", parts.kid)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: parts.alg, Key: parts.key}, opts))
	raw := must(jwt.Signed(signer).Claims(parts.claims).Serialize())
	a.secret(raw)
	return raw
}

type assertionParts struct {
	alg    jose.SignatureAlgorithm
	key    crypto.PrivateKey
	kid    string
	claims jwt.Claims
}

func (a *app) redeem(code, verifier, assertion string) (*oauth2.Token, error) {
	a.t.Helper()
	tok, err := a.oauth.Exchange(a.ctx(), code,
		oauth2.VerifierOption(verifier),
		oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		oauth2.SetAuthURLParam("client_assertion", assertion))
	if err == nil {
		a.secret(tok.AccessToken, rawIDToken(tok))
	}
	return tok, err
}

func rawIDToken(tok *oauth2.Token) string { raw, _ := tok.Extra("id_token").(string); return raw }

// idToken is a whole sign-in without the page, for tests of what comes after.
func (a *app) idToken(subject string) string {
	a.t.Helper()
	tr := a.trip()
	tok, err := a.redeem(a.auto(tr, subject), tr.verifier, a.assertion(nil))
	if err != nil {
		a.t.Fatal(err)
	}
	return rawIDToken(tok)
}

// refused checks the OAuth error of a token request.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	re, ok := err.(*oauth2.RetrieveError)
	if !ok || re.ErrorCode != code {
		t.Fatalf("error %v, want %s", err, code)
	}
}

func jwks(t *testing.T, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	return must(json.Marshal(jose.JSONWebKeySet{Keys: keys}))
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
