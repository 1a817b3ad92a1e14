package signin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAttack17UserInfo: userinfo about somebody else, of another form or without
// end is refused.
func TestAttack17UserInfo(t *testing.T) {
	t.Parallel()
	answer := func(contentType, body string) func(*house) {
		return func(h *house) {
			h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/userinfo" {
					return false
				}
				w.Header().Set("Content-Type", contentType)
				w.Write([]byte(body))
				return true
			}
		}
	}
	// refusing sends the whole userinfo with another status.
	refusing := func(status int) func(*house) {
		return func(h *house) {
			h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/userinfo" {
					return false
				}
				told := httptest.NewRecorder()
				h.op.ServeHTTP(told, r)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				w.Write(told.Body.Bytes())
				return true
			}
		}
	}
	info := func(name string, value any) func(*house) {
		return func(h *house) { h.op.userInfo = func(i map[string]any) { i[name] = value } }
	}
	for name, attack := range map[string]struct {
		bend func(*house)
		code Problem
	}{
		"sub of another":        {info("sub", "canary-other"), ProblemIdentityInvalid},
		"sub empty":             {info("sub", ""), ProblemIdentityInvalid},
		"sub null":              {info("sub", nil), ProblemIdentityInvalid},
		"HTML":                  {answer("text/html", "<p>canary"), ProblemTokenExchangeFailed},
		"JSON said to be HTML":  {answer("text/html", `{"sub":"`+person+`"}`), ProblemTokenExchangeFailed},
		"a signed answer":       {answer("application/jwt", "canary"), ProblemTokenExchangeFailed},
		"no type":               {answer("", "{}"), ProblemTokenExchangeFailed},
		"null":                  {answer("application/json", "null"), ProblemTokenExchangeFailed},
		"all of it, with 401":   {refusing(http.StatusUnauthorized), ProblemTokenExchangeFailed},
		"all of it, with 403":   {refusing(http.StatusForbidden), ProblemTokenExchangeFailed},
		"all of it, with 202":   {refusing(http.StatusAccepted), ProblemTokenExchangeFailed},
		"a list":                {answer("application/json", "[]"), ProblemTokenExchangeFailed},
		"core identity no text": {info(coreClaim, 7), ProblemTokenExchangeFailed},
		"address no list":       {info(addressField, "canary"), ProblemTokenExchangeFailed},
		"5 MB":                  {answer("application/json", `{"filler":"`+strings.Repeat("f", 5<<20)+`"}`), ProblemTokenExchangeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			attack.bend(h)
			h.failsIdentity(b, attack.code)
		})
	}
}

// worded gives every answer of the provider's a media type with a parameter.
type worded struct{ http.RoundTripper }

func (t worded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && resp.Header.Get("Content-Type") != "" {
		resp.Header.Set("Content-Type", "Application/JSON; charset=UTF-8")
	}
	return resp, err
}

func TestAnswersWithACharset(t *testing.T) {
	t.Parallel()
	h := newHouse(t, oneLogin, func(c *Config) { c.Transport = worded{c.Transport} })
	b := h.browser()
	b.signIn()
	b.arrives(identityStart, "/")
	if len(h.book.proved) != 1 {
		t.Error("not kept")
	}
}

// TestAttack25UserInfoDown: without userinfo the trip fails and nothing else does.
func TestAttack25UserInfoDown(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"401": func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example/userinfo")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"no answer": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, oneLogin)
			b := h.browser()
			b.signIn()
			if before == nil {
				h.op.timesOut = "/userinfo"
			} else {
				h.op.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == "/userinfo" {
						before(w)
					}
					return r.URL.Path == "/userinfo"
				}
			}
			h.failsIdentity(b, ProblemTokenExchangeFailed)
			if n := h.op.count("/userinfo"); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
