package signin

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forge is an OpenID provider that keeps the rules unless told to break one. It
// is reached without sockets: it is the transport.
type forge struct {
	h      *house
	issuer string

	mu      sync.Mutex
	keys    []signingKey // the first signs
	codes   map[string]grant
	serial  int
	calls   map[string]int // by path
	seenJTI map[string]bool

	// What a test may bend. before runs before every call and may answer itself.
	before    func(w http.ResponseWriter, r *http.Request) bool
	metadata  func(map[string]any)
	claims    func(map[string]any)
	sign      func(f *forge, claims map[string]any) string
	jwks      http.HandlerFunc
	noPKCE    bool
	transport error
	// What an identity trip brings: see forge_identity_test.go.
	identityKey signingKey
	userInfo    func(map[string]any)
	core        func(map[string]any)
	signCore    func(f *forge, claims map[string]any) string
	document    func(map[string]any)
	asked       map[string]any // of the newest request, as understood
	access      map[string]grant
	// timesOut is the path whose calls end as if the provider had hung. hang does
	// so in earnest, where nothing else has to succeed within the short deadline.
	timesOut string
}

type signingKey struct {
	private any
	public  map[string]any // extra or changed members of the JWK
	id      string
	alg     jose.SignatureAlgorithm
}

type grant struct {
	nonce, challenge, redirect string
	// vtr is the vector asked for; identity: the claims of an identity trip were.
	vtr      string
	identity bool
}

func newForge(h *house) *forge {
	f := &forge{h: h, issuer: issuer, codes: map[string]grant{}, calls: map[string]int{}, seenJTI: map[string]bool{}, access: map[string]grant{}}
	f.identityKey = newECKey(identityDID + "#key-1")
	f.keys = []signingKey{newECKey("op-1")}
	return f
}

func newECKey(id string) signingKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return signingKey{private: key, id: id, alg: jose.ES256}
}

var opRSAKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func (f *forge) bend(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *forge) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[path]
}

func (f *forge) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	fault, before := f.transport, f.before
	if f.timesOut == r.URL.Path {
		fault = context.DeadlineExceeded
	}
	f.calls[r.URL.Path]++
	f.mu.Unlock()
	if r.Header.Get("User-Agent") != "openplr-test/1" {
		f.h.t.Errorf("%s without our User-Agent", r.URL.Path)
	}
	if strings.Contains(r.URL.Host, "evil") {
		f.h.t.Errorf("a call to %s", r.URL.Host)
	}
	if fault != nil {
		return nil, fault
	}
	w := httptest.NewRecorder()
	if before == nil || !before(w, r) {
		f.ServeHTTP(w, r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	root := strings.TrimSuffix(f.issuer, "/")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": f.issuer, "authorization_endpoint": root + "/authorize", "token_endpoint": root + "/token",
			"jwks_uri": root + "/jwks", "end_session_endpoint": root + "/logout",
			"userinfo_endpoint":                     root + "/userinfo",
			"id_token_signing_alg_values_supported": []string{"ES256", "RS256"},
		}
		if f.metadata != nil {
			f.metadata(m)
		}
		reply(w, http.StatusOK, m)
	case "/jwks":
		if f.jwks != nil {
			f.jwks(w, r)
			return
		}
		reply(w, http.StatusOK, map[string]any{"keys": f.publicKeys()})
	case "/token":
		f.token(w, r)
	case "/userinfo":
		f.serveUserInfo(w, r)
	case didPath:
		f.serveDID(w)
	case "/authorize": // for browsers on real sockets
		query := f.authorizeLocked(r.URL)
		http.Redirect(w, r, r.URL.Query().Get("redirect_uri")+"?"+query.Encode(), http.StatusFound)
	case "/logout":
		http.Redirect(w, r, r.URL.Query().Get("post_logout_redirect_uri")+"?state="+r.URL.Query().Get("state"), http.StatusFound)
	default:
		http.NotFound(w, r)
	}
}

func (f *forge) publicKeys() []map[string]any {
	var list []map[string]any
	for _, k := range f.keys {
		raw, err := (&jose.JSONWebKey{Key: k.private, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"}).Public().MarshalJSON()
		must(err)
		m := map[string]any{}
		must(json.Unmarshal(raw, &m))
		for name, value := range k.public {
			m[name] = value
		}
		list = append(list, m)
	}
	return list
}

// authorize does what the person does at the provider, and gives the parameters
// of the way back.
func (f *forge) authorize(u *url.URL) url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.authorizeLocked(u)
}

func (f *forge) authorizeLocked(u *url.URL) url.Values {
	if len(u.RawQuery) > 4096 {
		f.h.t.Errorf("authorize: %d bytes of query", len(u.RawQuery))
	}
	q := f.understand(u)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "code_challenge_method": "S256",
		"redirect_uri": f.h.config.PublicURL + CallbackPath, "scope": "openid email",
	} {
		if q[name] != want {
			f.h.t.Errorf("authorize: %s is %q, want %q", name, q[name], want)
		}
	}
	text := func(name string) string { word, _ := q[name].(string); return word }
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(text(name)) != 43 {
			f.h.t.Errorf("authorize: %s is %q", name, q[name])
		}
	}
	f.h.secret(text("state"), text("nonce"))
	f.asked = q
	f.serial++
	code := fmt.Sprintf("code-canary-%d", f.serial)
	g := grant{nonce: text("nonce"), challenge: text("code_challenge"), redirect: text("redirect_uri"), identity: q["claims"] != nil}
	if list, ok := q["vtr"].([]any); ok && len(list) == 1 {
		g.vtr, _ = list[0].(string)
	}
	f.codes[code] = g
	return url.Values{"code": {code}, "state": {text("state")}}
}

// understand gives the parameters of a request, in the clear or as a signed
// object, each in its JSON form.
func (f *forge) understand(u *url.URL) map[string]any {
	query := u.Query()
	asked := map[string]any{}
	for name, values := range query {
		if len(values) != 1 {
			f.h.t.Errorf("authorize: %s stands %d times", name, len(values))
		}
		asked[name] = values[0]
		switch name {
		case "vtr", "claims", "max_age":
			var value any
			must(json.Unmarshal([]byte(values[0]), &value))
			asked[name] = value
		}
	}
	if !query.Has("request") {
		return asked
	}
	// One Login refuses any other parameter beside the object.
	if len(query) != 4 || query.Get("response_type") == "" || query.Get("scope") == "" || query.Get("client_id") == "" {
		f.h.t.Errorf("authorize: beside the request object stands %v", query)
	}
	parsed, payload, err := f.ofClient(query.Get("request"))
	must(err)
	header := parsed.Signatures[0].Protected
	object := map[string]any{}
	must(json.Unmarshal(payload, &object))
	now := float64(f.h.clock.Now().Unix())
	if exp, _ := object["exp"].(float64); header.KeyID != "client-1" || header.ExtraHeaders[jose.HeaderType] != "oauth-authz-req+jwt" ||
		!reflect.DeepEqual(object["aud"], []any{f.issuer, strings.TrimSuffix(f.issuer, "/") + "/authorize"}) || object["iss"] != clientID || object["sub"] != nil ||
		object["jti"] == nil || object["iat"] != now || exp <= now || exp > now+300 {
		f.h.t.Errorf("authorize: request object %v %v", header, object)
	}
	for _, name := range []string{"client_id", "response_type", "scope"} {
		if object[name] != asked[name] {
			f.h.t.Errorf("authorize: %s is %q within and %q without", name, object[name], asked[name])
		}
	}
	return object
}

func (f *forge) token(w http.ResponseWriter, r *http.Request) {
	must(r.ParseForm())
	refuse := func(code string) {
		reply(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": "canary provider text"})
	}
	g, ok := f.codes[r.PostForm.Get("code")]
	delete(f.codes, r.PostForm.Get("code"))
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case r.PostForm.Get("client_assertion_type") != assertionType || !f.knowsClient(r.PostForm.Get("client_assertion")):
		refuse("invalid_client")
		return
	case !ok || g.redirect != r.PostForm.Get("redirect_uri"):
		refuse("invalid_grant")
		return
	case !f.noPKCE && g.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		refuse("invalid_grant")
		return
	}
	f.h.secret(r.PostForm.Get("code_verifier"), r.PostForm.Get("client_assertion"))
	f.serial++
	access := fmt.Sprintf("access-canary-%d", f.serial)
	now := f.h.clock.Now()
	claims := map[string]any{
		"iss": f.issuer, "sub": person, "aud": clientID, "exp": now.Add(120 * time.Second).Unix(), "iat": now.Unix(),
		"nonce": g.nonce, "auth_time": now.Add(-10 * time.Second).Unix(), "at_hash": atHash(access), "sid": "journey",
	}
	if g.vtr != "" { // credentials only, whatever was asked for besides
		claims["vot"] = strings.TrimSuffix(g.vtr, ".P2")
	}
	f.access[access] = g
	if f.claims != nil {
		f.claims(claims)
	}
	sign := f.sign
	if sign == nil {
		sign = (*forge).signed
	}
	out := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 180}
	if idToken := sign(f, claims); idToken != "" {
		out["id_token"] = idToken
		f.h.secret(idToken)
	}
	reply(w, http.StatusOK, out)
}

// ofClient gives what the client has signed, by the algorithm it is registered with.
func (f *forge) ofClient(token string) (*jose.JSONWebSignature, []byte, error) {
	alg := jose.SignatureAlgorithm(f.h.config.AssertionAlg)
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return nil, nil, err
	}
	if alg == jose.PS256 {
		// The library verifies a salt of any length; others take only the one of RFC 7518.
		digest := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
		salt := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		if err := rsa.VerifyPSS(&clientKey().PublicKey, crypto.SHA256, digest[:], parsed.Signatures[0].Signature, salt); err != nil {
			return nil, nil, err
		}
	}
	payload, err := parsed.Verify(clientKey().Public())
	return parsed, payload, err
}

// knowsClient checks what One Login checks of a client assertion.
func (f *forge) knowsClient(assertion string) bool {
	parsed, payload, err := f.ofClient(assertion)
	var c struct {
		Iss, Sub, Aud, JTI string
		Iat, Exp           int64
	}
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return false
	}
	now := f.h.clock.Now().Unix()
	fresh := !f.seenJTI[c.JTI] && c.JTI != ""
	f.seenJTI[c.JTI] = true
	return fresh && parsed.Signatures[0].Protected.KeyID == "client-1" &&
		c.Iss == clientID && c.Sub == clientID && c.Aud == f.issuer && c.Iat == now && c.Exp == now+60
}

func (f *forge) signed(claims map[string]any) string {
	return signWith(f.keys[0], f.keys[0].alg, claims, map[string]any{"kid": f.keys[0].id, "typ": "JWT"})
}

// signWith signs anything with anything; a header value of nil leaves it out.
func signWith(k signingKey, alg jose.SignatureAlgorithm, claims map[string]any, header map[string]any) string {
	payload, err := json.Marshal(claims)
	must(err)
	return signBytes(k.private, alg, payload, header)
}

func signBytes(key any, alg jose.SignatureAlgorithm, payload []byte, header map[string]any) string {
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	must(err)
	object, err := signer.Sign(payload)
	must(err)
	token, err := object.CompactSerialize()
	must(err)
	return token
}

func atHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	must(json.NewEncoder(w).Encode(v))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// hang answers nothing until the caller gives up.
func hang(_ http.ResponseWriter, r *http.Request) bool {
	<-r.Context().Done()
	return true
}
