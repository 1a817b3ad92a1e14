package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"openplr/signin"
)

const (
	otherProviderDir = "../clients/oidc-provider"
	otherClientID    = "records-service"
	otherClientKeyID = "test-1"
)

// otherProvider is an OpenID provider of other people's making (the npm package
// oidc-provider), in a process of its own.
type otherProvider struct {
	node    string
	port    int
	issuer  string
	key     *rsa.PrivateKey
	keyFile string
	out     lockedBuffer
}

// newOtherProvider prepares a provider that is not started yet: it has to be told
// where the service is, and the service where it is. Where Node.js or the package
// is missing the test is left out, in words, and under CI it fails.
func newOtherProvider(t *testing.T) *otherProvider {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(otherProviderDir + "/node_modules/oidc-provider/package.json")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Node.js is missing, or npm ci was not run in clients/oidc-provider")
		}
		t.Skip("left out: there is no Node.js, or npm ci was not run in clients/oidc-provider, so nobody signed in at a second OpenID provider")
	}
	key, err := commonClientKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &otherProvider{node: node, port: freePort(t), key: key}
	p.issuer = fmt.Sprintf("http://127.0.0.1:%d", p.port)
	p.keyFile = keyFile(t, p.key)
	return p
}

// commonClientKey is made once: making one takes longer than most of the tests.
var commonClientKey = sync.OnceValues(newClientKey)

func newClientKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

func keyFile(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	text, err := pemKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "client-key.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// env is all that tells the service that people sign in here.
func (p *otherProvider) env() map[string]string {
	return map[string]string{
		"OIDC_ISSUER": p.issuer, "OIDC_CLIENT_ID": otherClientID, "OIDC_AUTH_VTR": "none",
		"OIDC_CLIENT_KEY_FILE": p.keyFile, "OIDC_CLIENT_KEY_ID": otherClientKeyID,
	}
}

// start makes the service its one client. More settings are those of
// provider.mjs; unless they hold the client's keys, the service is asked for them.
func (p *otherProvider) start(t *testing.T, h *harness, more map[string]any) {
	t.Helper()
	settings := map[string]any{
		"port": p.port, "clientId": otherClientID,
		"redirectUris": []string{h.url + "/auth/callback"}, "postLogoutRedirectUris": []string{h.url + signin.SignedOutPath},
	}
	for k, v := range more {
		settings[k] = v
	}
	if settings["clientKeys"] == nil {
		settings["clientKeysUrl"] = h.url + "/.well-known/jwks.json"
	}
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), p.node, "provider.mjs", string(text))
	cmd.Dir, cmd.Stdout, cmd.Stderr = otherProviderDir, &p.out, &p.out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // killed, as the test's context has ended
		if t.Failed() {
			t.Logf("the provider says:\n%s", p.out.String())
		}
	})
	waitUntil(t, "the provider is ready", func() bool { return strings.Contains(p.out.String(), "ready "+p.issuer+"\n") })
}

// publicKeys is a JWK set of one client key.
func publicKeys(key *rsa.PrivateKey) jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: otherClientKeyID, Algorithm: "PS256", Use: "sig"}}}
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// fill sends the form of a page as a person does, with what the page hides in it.
func (b *browser) fill(p page, fields url.Values) page {
	b.h.t.Helper()
	action := formAction.FindStringSubmatch(p.body)
	if p.status != 200 || action == nil {
		b.h.t.Fatalf("no form: %d %s\n%s", p.status, p.url, p.body)
	}
	sent := url.Values{}
	for k, v := range fields {
		sent[k] = v
	}
	for _, m := range hiddenInput.FindAllStringSubmatch(p.body, -1) {
		sent.Set(m[1], html.UnescapeString(m[2]))
	}
	return b.form(html.UnescapeString(action[1]), sent)
}

// signInAt goes through the provider's own pages: who somebody is, then consent.
func (p *otherProvider) signInAt(b *browser, name string) page {
	b.h.t.Helper()
	return p.through(b, "/auth/login?return_to=/", name)
}

// through goes that way from an address of ours.
func (p *otherProvider) through(b *browser, from, name string) page {
	b.h.t.Helper()
	// The provider's clock is the real one, and a test's stands still.
	b.h.clock.Advance(time.Since(b.h.clock.Now()))
	login := b.get(from)
	if !strings.HasPrefix(login.url, p.issuer+"/interaction/") || !strings.Contains(login.body, `name="login"`) {
		b.h.t.Fatalf("no sign-in page: %d %s\n%s", login.status, login.url, login.body)
	}
	consent := b.fill(login, url.Values{"login": {name}, "password": {"any"}})
	if !strings.HasPrefix(consent.url, p.issuer+"/interaction/") {
		b.h.t.Fatalf("no consent page: %d %s\n%s", consent.status, consent.url, consent.body)
	}
	return b.fill(consent, nil)
}

// callbackOf signs in up to the address that leads back to us, and does not go there.
func (p *otherProvider) callbackOf(b *browser, name string) *url.URL {
	b.h.t.Helper()
	followed := b.client.CheckRedirect
	defer func() { b.client.CheckRedirect = followed }()
	b.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/auth/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	back := p.signInAt(b, name)
	callback, err := url.Parse(back.header.Get("Location"))
	if err != nil || !strings.HasPrefix(callback.String(), b.h.url+"/auth/callback?") {
		b.h.t.Fatalf("the provider leads to %q: %d %s", callback, back.status, back.body)
	}
	return callback
}

// accountOf asks who is signed in, as a front end does.
func accountOf(b *browser) string {
	b.h.t.Helper()
	var session struct{ Account struct{ ID string } }
	if p := b.get("/auth/session"); json.Unmarshal([]byte(p.body), &session) != nil {
		b.h.t.Fatalf("no session: %d %s", p.status, p.body)
	}
	return session.Account.ID
}

// subjectOf reads whom an ID token is about.
func subjectOf(t *testing.T, token string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Sub
}
