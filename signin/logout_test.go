package signin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func redirectOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	body := bodyOf(t, resp)
	var out map[string]string
	if err := json.Unmarshal([]byte(body), &out); err != nil || resp.StatusCode != http.StatusOK || len(out) != 1 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return out["redirect"]
}

func TestLogout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *house, *browser){
		"ends the session and leads to the provider": func(t *testing.T, h *house, b *browser) {
			thief := h.browser()
			thief.cookies[SessionCookie] = b.signIn()
			account := b.account()
			u, err := url.Parse(redirectOf(t, b.logout("{}")))
			if err != nil || u.Host != "op.example" || u.Path != "/logout" {
				t.Fatalf("%v %v", u, err)
			}
			query := u.Query()
			if query.Get("post_logout_redirect_uri") != publicURL+"/auth/signed-out" || !isSecret(query.Get("state")) ||
				strings.Count(query.Get("id_token_hint"), ".") != 2 || len(u.RawQuery) > 2048 {
				t.Errorf("%v", query)
			}
			thief.want(isExpired)
			if len(b.cookies) != 0 {
				t.Errorf("cookies left: %v", b.cookies)
			}
			if members, _ := h.mini.ZMembers(indexKey(account)); len(members) != 0 {
				t.Errorf("index: %v", members)
			}
			if got := redirectOf(t, b.logout("{}")); got != SignedOutPage {
				t.Errorf("repeated: %q", got)
			}
		},
		"leaves other browsers alone": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			redirectOf(t, b.logout(""))
			other.want(isSignedIn)
		},
		"everywhere": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			b.signIn()
			account := b.account()
			if got := redirectOf(t, b.logout(`{"everywhere":true}`)); !strings.HasPrefix(got, "https://op.example/logout?") {
				t.Errorf("leads to %q", got)
			}
			other.want(isExpired)
			h.book.edit(func(list map[string]*plr.Account) {
				if list[account].SessionsInvalidBefore.IsZero() {
					t.Error("not durable")
				}
			})
			h.clock.add(time.Millisecond)
			other.signIn()
			other.want(isSignedIn)
		},
		"everywhere with a dead token ends nothing": func(t *testing.T, h *house, b *browser) {
			dead := h.browser()
			dead.cookies[SessionCookie] = b.signIn()
			b.signIn()
			redirectOf(t, dead.logout(`{"everywhere":true}`))
			b.want(isSignedIn)
		},
		"idle session still leads to the provider": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			h.clock.add(31 * time.Minute)
			b.want(isExpired)
			if got := redirectOf(t, b.logout("{}")); !strings.HasPrefix(got, "https://op.example/logout?") {
				t.Errorf("leads to %q", got)
			}
		},
		"an ID token too long for the provider's firewall": func(t *testing.T, h *house, b *browser) {
			claim("filler", strings.Repeat("f", 1500))(h)
			thief := h.browser()
			thief.cookies[SessionCookie] = b.signIn()
			if got := redirectOf(t, b.logout("{}")); got != "https://op.example/logout" {
				t.Errorf("leads to %q", got)
			}
			thief.want(isExpired)
		},
		"a session that another provider began": func(t *testing.T, h *house, b *browser) {
			b.signIn()
			key, record := b.record()
			h.mini.Set(key, strings.Replace(record, `"opIssuer":"`+issuer, `"opIssuer":"https://former.example/`, 1))
			if got := redirectOf(t, b.logout("{}")); got != SignedOutPage {
				t.Errorf("its ID token goes to %q", got)
			}
		},
		"provider without a sign-out": func(t *testing.T, h *house, b *browser) {
			h.op.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
			b.signIn()
			if got := redirectOf(t, b.logout("{}")); got != SignedOutPage {
				t.Errorf("leads to %q", got)
			}
		},
		"hint of another session does not open": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			other.signIn()
			_, foreign := other.record()
			b.signIn()
			key, _ := b.record()
			h.mini.Set(key, foreign)
			if got := redirectOf(t, b.logout("{}")); got != SignedOutPage {
				t.Errorf("leads to %q", got)
			}
		},
		"34 two cookies: both sessions end": func(t *testing.T, h *house, b *browser) {
			other := h.browser()
			token := other.signIn()
			b.signIn()
			mine := h.browser()
			mine.cookies[SessionCookie] = b.cookies[SessionCookie]
			resp := b.logout("{}", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: SessionCookie, Value: token}) })
			if got := redirectOf(t, resp); got != SignedOutPage {
				t.Errorf("leads to %q", got)
			}
			mine.want(isExpired)
			other.want(isExpired)
		},
		"30 signed-out goes to one place": func(t *testing.T, _ *house, b *browser) {
			for _, query := range []string{"", "?state=x", "?state=//evil", "?return_to=https://evil.example", "?post_logout_redirect_uri=https://evil.example"} {
				resp := b.get("/auth/signed-out" + query)
				if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/signed-out" {
					t.Errorf("%s: %d %s", query, resp.StatusCode, resp.Header.Get("Location"))
				}
			}
		},
		"39, 40 without the header of our page": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			for _, changes := range [][]change{
				{header("Content-Type", "application/json")},
				{header("Content-Type", "application/x-www-form-urlencoded")},
				{header("Content-Type", "application/json"), header(RequestedByHeader, "other")},
			} {
				h.wantJSON(b.do(http.MethodPost, "/auth/logout", "{}", changes...), http.StatusForbidden, ProblemCrossOrigin)
			}
			b.want(isSignedIn)
		},
		"40 other content types": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""} {
				h.wantJSON(b.do(http.MethodPost, "/auth/logout", "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", contentType)),
					http.StatusUnsupportedMediaType, ProblemUnsupportedMediaType)
			}
			b.want(isSignedIn)
			redirectOf(h.t, b.do(http.MethodPost, "/auth/logout", "{}", header(RequestedByHeader, RequestedBy), header("Content-Type", "application/json; charset=utf-8")))
			b.want(isNobody)
		},
		"40 bodies": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			for _, body := range []string{"x", "[]", "null", `{"everywhere":"yes"}`, "{}{}", `{"everywhere":true`} {
				h.wantJSON(b.logout(body), http.StatusBadRequest, ProblemInvalidBody)
			}
			h.wantJSON(b.logout(`{"x":"`+strings.Repeat("x", 2000)+`"}`), http.StatusRequestEntityTooLarge, ProblemBodyTooLarge)
			b.want(isSignedIn)
		},
		"42 by GET or image": func(_ *testing.T, h *house, b *browser) {
			b.signIn()
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
				resp := b.do(method, "/auth/logout", "", header("Sec-Fetch-Dest", "image"))
				if resp.Header.Get("Allow") != http.MethodPost {
					h.t.Errorf("Allow: %s", resp.Header.Get("Allow"))
				}
				h.wantJSON(resp, http.StatusMethodNotAllowed, ProblemMethodNotAllowed)
			}
			b.want(isSignedIn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			test(t, h, h.browser())
		})
	}
}
