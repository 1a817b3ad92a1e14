package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	phoneClientID = "lr-ios"
	phoneCallback = "https://records.example.org/app/callback"
)

// Whoever signs out at the provider, in whatever browser, is signed out here
// within a second, in every browser and app.
func TestSignOutAtAnotherProvider(t *testing.T) {
	t.Parallel()
	p := newOtherProvider(t)
	env := p.env()
	env["OIDC_LOGOUT_TOKEN_ALG"] = "ES256"
	env["APP_CLIENTS"] = fmt.Sprintf(`[{"id":%q,"redirectUris":[%q]}]`, phoneClientID, phoneCallback)
	h := newHarness(t, harnessOptions{env: env})
	p.start(t, h, map[string]any{"backchannelLogoutUri": h.url + "/auth/backchannel-logout"})

	here, there, elsewhere, bystander := h.browser(), h.browser(), h.browser(), h.browser()
	p.signInAt(here, "morgan")
	p.signInAt(there, "morgan")
	p.signInAt(elsewhere, "morgan")
	p.signInAt(bystander, "alex")
	phone := p.appAt(h, "morgan")
	phone = phone.refreshed(t, h, http.StatusOK)
	app := phone.client(h)
	for _, b := range []*browser{here, there, elsewhere, bystander, app} {
		if isSignedIn(t, b, true); accountOf(b) == "" {
			t.Fatal("nobody is signed in")
		}
	}

	// The provider's own page, without us, in the other browser.
	question := elsewhere.get(p.issuer + "/session/end")
	if done := elsewhere.fill(question, url.Values{"logout": {"yes"}}); done.status != 200 || !strings.HasPrefix(done.url, p.issuer+"/session/end/success") {
		t.Fatalf("sign-out at the provider ended at %d %s", done.status, done.url)
	}
	waitWithin(t, time.Second, "every session is dead", func() bool {
		return !slices.ContainsFunc([]*browser{here, there, elsewhere, app}, func(b *browser) bool { return accountOf(b) != "" })
	})
	isSignedIn(t, bystander, true)
	phone.refreshed(t, h, http.StatusBadRequest)
	if strings.Contains(p.out.String(), "backchannel.error") {
		t.Error("the provider did not get the answer 200")
	}

	// Signing in again works: a proof newer than the sign-out, which the provider
	// counts in seconds.
	waitUntil(t, "signed in anew", func() bool {
		again := h.browser()
		p.signInAt(again, "morgan")
		return accountOf(again) != ""
	})
	isSignedIn(t, bystander, true)

	// We hold nothing of the provider's that would outlive its sign-out: whoever
	// does not ask for offline_access is given no refresh token.
	const given = "granted access_token expires_in id_token scope token_type\n"
	if out := p.out.String(); strings.Count(out, given) < 5 || strings.Count(out, given) != strings.Count(out, "granted ") {
		t.Errorf("the provider gave us something else than %q", given)
	}
}

// phoneTokens is what an app holds.
type phoneTokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// appAt signs somebody in to the app, through a system browser.
func (p *otherProvider) appAt(h *harness, name string) phoneTokens {
	h.t.Helper()
	b := h.browser()
	b.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), phoneCallback) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	verifier := strings.Repeat("v", 43)
	challenge := sha256.Sum256([]byte(verifier))
	back := p.through(b, "/auth/app/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {phoneClientID}, "redirect_uri": {phoneCallback}, "state": {strings.Repeat("s", 43)},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode(), name)
	link, err := url.Parse(back.header.Get("Location"))
	if err != nil || link.Query().Get("code") == "" {
		h.t.Fatalf("no way back to the app: %d %s %q", back.status, back.url, back.header.Get("Location"))
	}
	return appToken(h, http.StatusOK, url.Values{
		"grant_type": {"authorization_code"}, "code": {link.Query().Get("code")}, "code_verifier": {verifier},
		"client_id": {phoneClientID}, "redirect_uri": {phoneCallback}, "device_label": {"Phone"},
	})
}

// client gives a client that holds nothing but the access token.
func (a phoneTokens) client(h *harness) *browser {
	b := h.browser()
	b.header.Set("Authorization", "Bearer "+a.Access)
	return b
}

// refreshed asks for new tokens. A refusal must be the one that makes an app
// forget its session.
func (a phoneTokens) refreshed(t *testing.T, h *harness, want int) phoneTokens {
	t.Helper()
	got := appToken(h, want, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}, "client_id": {phoneClientID}})
	if want != http.StatusOK && (got.Error != "invalid_grant" || got.Access != "" || got.Refresh != "") {
		t.Errorf("the refusal is %q", got.Error)
	}
	return got
}

func appToken(h *harness, want int, form url.Values) phoneTokens {
	h.t.Helper()
	p := h.browser().form("/auth/app/token", form)
	var tokens phoneTokens
	if err := json.Unmarshal([]byte(p.body), &tokens); err != nil || p.status != want {
		h.t.Fatalf("tokens: %d %s, want %d", p.status, p.body, want)
	}
	return tokens
}
