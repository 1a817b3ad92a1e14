package signin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// The numbers are those of the attack cases that sign-in is held to.

var madeUp = strings.Repeat("A", 43)

// attacks runs each against a house of its own.
func attacks(t *testing.T, list map[string]func(*testing.T, *house, *browser)) {
	t.Helper()
	for name, attack := range list {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			attack(t, h, h.browser())
		})
	}
}

// TestAttack01Replay: the second return of one answer signs nobody in and breaks nothing.
func TestAttack01Replay(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"replay": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			b.back(query)
			token := b.cookies[SessionCookie]
			h.wantPage(b.back(query), ProblemStateUsed)
			if b.cookies[SessionCookie] != token || !strings.HasPrefix(b.who(), "signed in") {
				t.Error("the first session did not stay")
			}
			if n := h.op.count("/token"); n != 1 {
				t.Errorf("%d token calls", n)
			}
		},
		"replay in parallel": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			jar := b.cookies
			results := make(chan string)
			for range 8 {
				go func() {
					tab := h.browser()
					for name, value := range jar {
						tab.cookies[name] = value
					}
					results <- tab.back(query).Header.Get("Location")
				}()
			}
			arrived := 0
			for range 8 {
				if got := <-results; got == "/" {
					arrived++
				} else if !strings.Contains(got, "code=state_used") {
					t.Errorf("got %q", got)
				}
			}
			if n := h.op.count("/token"); arrived != 1 || n != 1 {
				t.Errorf("%d arrived, %d token calls", arrived, n)
			}
		},
	})
}

// TestAttack02UnknownState: an invented or outdated state.
func TestAttack02UnknownState(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"unknown state": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			resp := b.back(url.Values{"code": {"x"}, "state": {madeUp}})
			h.wantPage(resp, ProblemStateUnknown)
			if len(resp.Cookies()) != 0 {
				t.Error("the cookie of the sign-in under way was touched")
			}
			if got := b.back(query).Header.Get("Location"); got != "/" {
				t.Errorf("the sign-in under way ended at %q", got)
			}
		},
		"state after its hour": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.clock.add(transactionLife) // Redis lags behind
			h.wantPage(b.back(query), ProblemStateUnknown)
		},
	})
}

// TestAttack03LoginCSRF: an answer that another browser began.
func TestAttack03LoginCSRF(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"login CSRF": func(_ *testing.T, h *house, attacker *browser) {
			query := h.op.authorize(attacker.leave(""))
			h.wantPage(h.browser().back(query), ProblemBrowserMismatch)
			// And spent, for the attacker as well.
			h.wantPage(attacker.back(query), ProblemStateUsed)
		},
		"login CSRF, victim with a sign-in of their own": func(_ *testing.T, h *house, attacker *browser) {
			query := h.op.authorize(attacker.leave(""))
			victim := h.browser()
			victim.leave("")
			h.wantPage(victim.back(query), ProblemBrowserMismatch)
		},
	})
}

// TestAttack04StateForm: a state of no form is refused before anything is looked up.
func TestAttack04StateForm(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"state of no form": func(t *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			h.mini.Close() // refused before anything is looked up
			for _, query := range []string{
				"", "code=x", "code=x&state=", "code=x&state=" + state + "&state=" + state, "code=x&state=" + strings.Repeat("a", 10<<10),
				"code=x&state=" + state[:42], "code=x&state=" + state + "A", "code=x&state=" + state[:42] + "%00", "code=x&state=" + state[:42] + "!",
				"state=" + state, "code=&state=" + state, "code=x&error=y&state=" + state, "code=x&code=y&state=" + state,
				"error=x&error=y&state=" + state, "code=x&iss=a&iss=b&state=" + state, "code=%zz&state=" + state, "code=x;state=" + state,
				"code=" + strings.Repeat("c", maxCode+1) + "&state=" + state,
			} {
				h.wantJSON(b.get("/auth/callback?"+query), http.StatusBadRequest, ProblemCallbackInvalid)
				h.wantPage(b.get("/auth/callback?"+query, header("Accept", "text/html,*/*")), ProblemCallbackInvalid)
			}
		},
	})
}

// TestAttack19MixUp: an answer that is not of the provider asked.
func TestAttack19MixUp(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"mix-up: another iss": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			query.Set("iss", "https://evil.example/")
			h.wantPage(b.back(query), ProblemIssuerMismatch)
			if h.op.count("/token") != 0 {
				h.t.Error("the code was sent all the same")
			}
		},
		"mix-up: another provider was asked than is configured by now": func(_ *testing.T, h *house, b *browser) {
			u := b.leave("")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil {
				h.t.Fatal(err)
			}
			h.mini.Set(key, strings.Replace(record, issuer, "https://former.example/", 1))
			h.wantPage(b.back(h.op.authorize(u)), ProblemIssuerMismatch)
			if h.op.count("/token") != 0 {
				h.t.Error("the code was sent all the same")
			}
		},
		"mix-up: iss empty": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			query.Set("iss", "")
			h.wantPage(b.back(query), ProblemIssuerMismatch)
		},
		"mix-up: iss missing though promised": func(_ *testing.T, h *house, b *browser) {
			h.op.bend(func() {
				h.op.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
			})
			h.wantPage(b.back(h.op.authorize(b.leave(""))), ProblemIssuerMismatch)
			query := h.op.authorize(b.leave(""))
			query.Set("iss", issuer)
			if got := b.back(query).Header.Get("Location"); got != "/" {
				h.t.Errorf("with the right iss: %q", got)
			}
		},
	})
}

// TestAttack27PKCE: the verifier belongs to one transaction.
func TestAttack27PKCE(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"verifier of another transaction": func(_ *testing.T, h *house, b *browser) {
			first, second := h.op.authorize(b.leave("")), h.op.authorize(b.leave(""))
			first.Set("code", second.Get("code"))
			h.wantPage(b.back(first), ProblemTokenExchangeFailed)
		},
		"a code obtained without our challenge": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.op.bend(func() {
				own := h.op.codes[query.Get("code")]
				own.challenge = ""
				h.op.codes[query.Get("code")] = own
			})
			h.wantPage(b.back(query), ProblemTokenExchangeFailed)
		},
		"a code obtained with a challenge of the attacker": func(_ *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.op.bend(func() {
				own := h.op.codes[query.Get("code")]
				own.challenge = oauth2.S256ChallengeFromVerifier(madeUp)
				h.op.codes[query.Get("code")] = own
			})
			h.wantPage(b.back(query), ProblemTokenExchangeFailed)
		},
		"the verifier goes along on every trip": func(t *testing.T, h *house, b *browser) {
			sent := map[string]bool{}
			h.op.bend(func() {
				h.op.noPKCE = true // nobody asks for it
				h.op.before = func(_ http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/token" {
						must(r.ParseForm())
						sent[r.PostForm.Get("code_verifier")] = true
					}
					return false
				}
			})
			b.signIn()
			b.arrives(stepUp, "/")
			for verifier := range sent {
				if len(verifier) != 43 {
					t.Errorf("%q", verifier)
				}
			}
			if len(sent) != 2 {
				t.Errorf("%d verifiers", len(sent))
			}
		},
	})
}

// TestAttack28CodeInjection: a stolen code does not fit into another transaction.
func TestAttack28CodeInjection(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"code injection, at a provider without PKCE": func(_ *testing.T, h *house, victim *browser) {
			h.op.bend(func() { h.op.noPKCE = true })
			stolen := h.op.authorize(h.browser().leave(""))
			query := h.op.authorize(victim.leave(""))
			query.Set("code", stolen.Get("code"))
			h.wantPage(victim.back(query), ProblemIDTokenInvalid)
		},
	})
}

// TestAttack30OpenRedirect: after signing out the browser goes to one place,
// whatever the parameters say.
func TestAttack30OpenRedirect(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"parameters of signed-out": func(t *testing.T, _ *house, b *browser) {
			for _, query := range []string{
				"", "?state=x", "?state=//evil.example", "?state=https%3A%2F%2Fevil.example", "?return_to=https://evil.example",
				"?post_logout_redirect_uri=https://evil.example", "?state=%0d%0aLocation:%20https://evil.example",
			} {
				resp := b.get("/auth/signed-out" + query)
				if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != SignedOutPage {
					t.Errorf("%s: %d %s", query, resp.StatusCode, resp.Header.Get("Location"))
				}
			}
		},
		"parameters of logout": func(t *testing.T, _ *house, b *browser) {
			b.signIn()
			u, err := url.Parse(redirectOf(t, b.do(http.MethodPost, "/auth/logout?post_logout_redirect_uri=https://evil.example&state=//evil.example", "{}",
				header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json"))))
			if err != nil || u.Host != "op.example" || u.Query().Get("post_logout_redirect_uri") != publicURL+SignedOutPath || !isSecret(u.Query().Get("state")) {
				t.Errorf("leads to %v", u)
			}
		},
	})
}

// TestAttack31HostileError: no text of the provider is passed on or logged.
func TestAttack31HostileError(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"hostile error": func(t *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			resp := b.back(url.Values{
				"error": {"<script>canary</script>"}, "error_description": {strings.Repeat("canary", 500)},
				"error_uri": {"https://canary.example/"}, "state": {state},
			})
			h.wantPage(resp, ProblemProviderError)
			if strings.Contains(resp.Header.Get("Location")+bodyOf(t, resp), "canary") {
				t.Error("text of the provider was passed on")
			}
		},
	})
}

// TestAttack32ErrorElsewhere: an error, too, belongs to the browser that began.
func TestAttack32ErrorElsewhere(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"error in another browser": func(_ *testing.T, h *house, b *browser) {
			state := b.leave("").Query().Get("state")
			h.wantPage(h.browser().back(url.Values{"error": {"access_denied"}, "state": {state}}), ProblemBrowserMismatch)
		},
	})
}

// Numbers that have tests of their own elsewhere, as they show at the callback.
func TestCallbackAttacks(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"34 two transaction cookies": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			resp := b.back(query, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: TransactionCookie, Value: madeUp}) })
			h.wantPage(resp, ProblemBrowserMismatch)
			if _, kept := b.cookies[TransactionCookie]; kept {
				t.Error("not cleared")
			}
		},
		"58 a trip for a purpose not known here": func(t *testing.T, h *house, b *browser) {
			u := b.leave("")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil {
				t.Fatal(err)
			}
			h.mini.Set(key, strings.Replace(record, `"sign_in"`, `"payment"`, 1))
			h.wantPage(b.back(h.op.authorize(u)), ProblemStateUnknown)
		},
		"58 a trip kept by a newer version": func(t *testing.T, h *house, b *browser) {
			u := b.leave("")
			key := transactionKey(hashOf(useState, u.Query().Get("state")))
			record, err := h.mini.Get(key)
			if err != nil || !strings.Contains(record, `"v":1`) {
				t.Fatal(record, err)
			}
			h.mini.Set(key, strings.Replace(record, `"v":1`, `"v":2`, 1))
			h.wantPage(b.back(h.op.authorize(u)), ProblemStateUnknown)
		},
		"65 the verifier sealed for another transaction": func(_ *testing.T, h *house, b *browser) {
			first, second := b.leave(""), b.leave("")
			key := func(u *url.URL) string { return transactionKey(hashOf(useState, u.Query().Get("state"))) }
			record, err := h.mini.Get(key(second))
			if err != nil {
				h.t.Fatal(err)
			}
			h.mini.Set(key(first), record)
			h.wantPage(b.back(h.op.authorize(first)), ProblemStateUnknown)
		},
		"68 HEAD uses nothing up": func(t *testing.T, h *house, b *browser) {
			query := h.op.authorize(b.leave(""))
			h.wantJSON(b.do(http.MethodHead, "/auth/callback?"+query.Encode(), "", fromProvider), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			if got := b.back(query).Header.Get("Location"); got != "/" {
				t.Errorf("afterwards: %q", got)
			}
		},
	})
}

func TestProviderErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault string
		want  Problem
		alarm bool // somebody must look into it
	}{
		{"access_denied", ProblemAccessDenied, false},
		{"temporarily_unavailable", ProblemTemporarilyUnavailable, false},
		{"login_required", ProblemReauthFailed, false},
		{"server_error", ProblemProviderError, false},
		{"canary", ProblemProviderError, false},
		{"unauthorized_client", ProblemServiceSuspended, true},
		{"invalid_request", ProblemProviderError, true},
		{"invalid_scope", ProblemProviderError, true},
		{"unsupported_response_type", ProblemProviderError, true},
		{"request_uri_not_supported", ProblemProviderError, true},
		{"invalid_request_object", ProblemProviderError, true},
		{"unmet_authentication_requirements", ProblemProviderError, true},
	} {
		h := newHouse(t)
		b := h.browser()
		h.wantPage(b.back(url.Values{"error": {test.fault}, "state": {b.leave("").Query().Get("state")}}), test.want)
		if got := strings.Contains(h.logs.String(), `"level":"ERROR","msg":"refused"`); got != test.alarm {
			t.Errorf("%s: alarm %t\n%s", test.fault, got, h.logs)
		}
	}
}

func TestLoginAttacks(t *testing.T) {
	t.Parallel()
	attacks(t, map[string]func(*testing.T, *house, *browser){
		"36 token in the URL": func(t *testing.T, h *house, b *browser) {
			token := b.signIn()
			if got := bodyOf(t, h.browser().do(http.MethodPost, "/graphql?access_token="+token, "")); got != "none UNAUTHENTICATED" {
				t.Errorf("got %s", got)
			}
		},
		"41 another site starts a sign-in": func(t *testing.T, h *house, b *browser) {
			for _, site := range []string{"cross-site", "same-site"} {
				resp := b.get("/auth/login?return_to=/x", header("Sec-Fetch-Site", site))
				if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" || len(resp.Cookies()) != 0 {
					t.Errorf("%s: %d %v", site, resp.StatusCode, resp.Header)
				}
			}
			for _, site := range []string{"same-origin", "none"} {
				b.leave("", header("Sec-Fetch-Site", site))
			}
			if n := strings.Count(h.logs.String(), `"refused"`); n != 2 {
				t.Errorf("%d audit lines", n)
			}
		},
		"67 host headers": func(t *testing.T, _ *house, b *browser) {
			u := b.leave("", func(r *http.Request) { r.Host = "evil.example" },
				header("X-Forwarded-Host", "evil.example"), header("X-Forwarded-Proto", "http"), header("Forwarded", "host=evil.example"))
			if got := u.Query().Get("redirect_uri"); got != publicURL+CallbackPath {
				t.Errorf("redirect_uri %q", got)
			}
		},
		"68 other methods": func(_ *testing.T, h *house, b *browser) {
			for _, method := range []string{http.MethodHead, http.MethodPost} {
				h.wantJSON(b.do(method, "/auth/login", ""), http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			}
		},
	})
}
