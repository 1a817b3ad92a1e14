package cluster_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// appClient is the app that both replicas know.
const appClient = "lr-test"

// phone is somebody's app. Its tokens are the last that it was given.
type phone struct {
	h               *house
	access, refresh string
}

// appAddress is where the app gets its code.
func (h *house) appAddress() string { return h.replicas[0].env["PUBLIC_URL"] + "/app/callback" }

// appSettings registers the app at a replica.
func (h *house) appSettings() string {
	list, err := json.Marshal([]map[string]any{{"id": appClient, "redirectUris": []string{h.appAddress()}}})
	if err != nil {
		h.t.Fatal(err)
	}
	return string(list)
}

// newPhone signs the person in with an app, beginning at replica r.
func (h *house) newPhone(t testing.TB, r *replica, subject string) *phone {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {appClient}, "redirect_uri": {h.appAddress()}, "state": {"state-of-the-app"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	p := newVisitor().goThrough(t, r, "/auth/app/authorize?"+query.Encode(), subject)
	at, err := url.Parse(p.url)
	if err != nil || at.Query().Get("code") == "" || at.Query().Get("state") != "state-of-the-app" {
		t.Fatalf("the app's trip ended at %d %s %v", p.status, p.url, p.err)
	}
	out := &phone{h: h}
	status, got := h.token(r, url.Values{
		"grant_type": {"authorization_code"}, "code": {at.Query().Get("code")}, "code_verifier": {verifier}, "client_id": {appClient},
		"redirect_uri": {h.appAddress()}, "device_label": {"a telephone of the tests"},
	})
	switch {
	case status == 0, status == http.StatusServiceUnavailable: // the code is spent all the same
		return h.newPhone(t, r, subject)
	case status != http.StatusOK:
		t.Fatalf("the code was answered %d %s", status, got.Error)
	}
	out.access, out.refresh = got.Access, got.Refresh
	return out
}

// tokenAnswer is the answer of /auth/app/token.
type tokenAnswer struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// token asks for tokens; the status is 0 when no whole answer came.
func (h *house) token(r *replica, form url.Values) (int, tokenAnswer) {
	var out tokenAnswer
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/auth/app/token", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, out
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, out
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return 0, out
	}
	return resp.StatusCode, out
}

// renew asks for new tokens by this refresh token.
func (h *house) renew(r *replica, refresh string) (int, tokenAnswer) {
	return h.token(r, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {appClient}})
}

// renew renews the phone's tokens at replica r until the answer is known, and
// says whether it was given new ones.
func (p *phone) renew(t testing.TB, r *replica) bool {
	t.Helper()
	var status int
	var got tokenAnswer
	eventually(t, 10*time.Second, "an answer from "+r.name, func() bool {
		status, got = p.h.renew(r, p.refresh)
		return status != 0 && status != http.StatusServiceUnavailable
	})
	if status != http.StatusOK {
		return false
	}
	p.access, p.refresh = got.Access, got.Refresh
	return true
}

// lives asks until the answer is known.
func lives(t testing.TB, r *replica, probe func(*replica) (alive, known bool)) bool {
	t.Helper()
	var alive bool
	eventually(t, 10*time.Second, "an answer from "+r.name, func() bool {
		var known bool
		alive, known = probe(r)
		return known
	})
	return alive
}

// holds is alive as a probe.
func (h *house) holds(access string) func(*replica) (alive, known bool) {
	return func(r *replica) (alive, known bool) { return h.alive(r, access) }
}

// alive says whether replica r takes this access token, and whether it could tell.
func (h *house) alive(r *replica, access string) (alive, known bool) {
	v := newVisitor()
	v.bearer = access
	a := v.ask(r, `{ viewer { signedIn } }`, nil)
	return a.at("viewer", "signedIn") == true, !a.unknown()
}
