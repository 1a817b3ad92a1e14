//go:build browser

// The scripts in a real browser: go test -tags browser ./web, with Chromium installed.

package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"openplr/plr"
	"openplr/web"
)

// tab is a browser tab on a site of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	*site
	url string
	// left is how long the session still lasts; atTheEnd, that no longer is possible.
	left      atomic.Int64
	atTheEnd  atomic.Bool
	signedOut atomic.Value // the body of the request
	nobody    atomic.Bool  // is signed in
}

func openTab(t *testing.T, change ...func(*web.Config)) *tab {
	t.Helper()
	s := newSite(t, change...)
	mux := http.NewServeMux()
	mux.Handle("/", s)
	b := &tab{t: t, site: s}
	b.left.Store(int64(30 * time.Minute))
	status := func(w http.ResponseWriter, _ *http.Request) {
		if b.nobody.Load() {
			_, _ = w.Write([]byte(`{"authenticated":false}`))
			return
		}
		end, last := time.Now().Add(time.Duration(b.left.Load())), time.Now().Add(time.Hour)
		if b.atTheEnd.Load() {
			last = end
		}
		_, _ = fmt.Fprintf(w, `{"authenticated":true,"session":{"idleExpiresAt":%q,"absoluteExpiresAt":%q},"identity":{"status":"unbound"}}`,
			end.UTC().Format(time.RFC3339Nano), last.UTC().Format(time.RFC3339Nano))
	}
	mux.HandleFunc("GET /auth/session", status)
	mux.HandleFunc("POST /auth/session/extend", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Requested-By") != "learner-web" || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "", http.StatusForbidden)
			return
		}
		b.left.Store(int64(30 * time.Minute))
		status(w, r)
	})
	mux.HandleFunc("GET /auth/sessions", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"sessions":[{"id":"a","kind":"web","lastSeenAt":"2026-07-14T21:30:00.000Z","current":true},
			{"id":"b","kind":"app","deviceLabel":"<b>Sam's phone</b>","lastSeenAt":"2026-07-13T21:30:00.000Z","current":false}]}`))
	})
	mux.HandleFunc("POST /auth/logout", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Requested-By") != "learner-web" || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "", http.StatusForbidden)
			return
		}
		body, _ := io.ReadAll(r.Body)
		b.signedOut.Store(string(body))
		_, _ = w.Write([]byte(`{"redirect":"/signed-out?lang=en"}`))
	})
	// As the server does: the form is sent with "Origin: null" (Referrer-Policy), which must not stand in its way.
	server := httptest.NewServer(http.NewCrossOriginProtection().Handler(mux))
	t.Cleanup(server.Close)

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b.ctx, b.url = ctx, server.URL
	b.do(chromedp.Navigate("about:blank"))
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			// A page with status 400 is logged too; what the policy stops must not be there.
			if m.IsException() || strings.Contains(m.Text, "Content Security Policy") {
				t.Errorf("console: %s", m.Text)
			}
		}
	}()
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a condition, written in the page's language.
func (b *tab) until(condition string) {
	b.t.Helper()
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition))
		if err == nil {
			return
		}
		if b.ctx.Err() != nil {
			b.t.Fatalf("%s: %v", condition, err)
		}
		// The page that was asked has given way to the next: ask that one.
	}
}

func (b *tab) read(expression string) string {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

const field = `document.getElementById('link')`

func TestBrowserTakesTheSecretFromTheLink(t *testing.T) {
	t.Parallel()
	b := openTab(t)
	b.redeemer.outcome = &plr.PINRequired{Message: plr.T("PIN, please.", "PIN, os gwelwch yn dda.")}
	b.do(chromedp.Navigate(b.url + "/s?lang=en#" + secret))
	b.until(field + `.value !== ''`)
	if got := b.read("location.href"); got != b.url+"/s?lang=en" {
		t.Errorf("address bar shows %s", got)
	}
	if b.read(field+".value") != secret || b.read(`document.getElementById('link-group').hidden`) != "true" {
		t.Error("the field does not hold the secret out of sight")
	}

	b.do(chromedp.Click("#other-language"))
	b.until(`document.documentElement.lang === 'cy' && ` + field + `.value !== ''`)
	if got := b.read("location.href + ' ' + " + field + ".value"); got != b.url+"/s?lang=cy "+secret {
		t.Errorf("after changing the language: %s", got)
	}

	b.read(`location.hash = 'main-content'`) // as the skip link does
	other := strings.Repeat("B", 42) + "A"
	b.read(`location.hash = '` + other + `'`) // another link pasted over this page
	b.until(field + `.value === '` + other + `' && !location.hash`)

	if n := len(b.redeemer.asked()); n != 0 {
		t.Fatalf("redeemed %d times before anybody asked", n)
	}
	b.do(chromedp.SendKeys("#name", "Ada Employer"), chromedp.Click("#purpose"), chromedp.Click("#terms"))
	b.read(`[1, 2].forEach(() => document.getElementById('redeem').requestSubmit())`)
	b.until(`document.title.startsWith('Gwall:') && ` + field + `.value !== ''`)
	asked := b.redeemer.asked()
	if len(asked) != 1 || asked[0].Secret != other || asked[0].Recipient.Name != "Ada Employer" || !asked[0].TermsAccepted {
		t.Fatalf("asked %+v", asked)
	}
	if b.read(`document.activeElement.className`) != "govuk-error-summary" || b.read(`document.getElementById('link-group').hidden`) != "true" {
		t.Error("after a mistake the summary has no focus, or the secret is seen")
	}

	b.do(chromedp.SendKeys("#pin", "K7M2"), chromedp.Click("button[type=submit]"))
	b.until(`document.getElementById('pin').value === '' && document.readyState === 'complete'`)
	asked = b.redeemer.asked()
	if len(asked) != 2 || asked[1].PIN != "K7M2" || asked[1].RedemptionID != asked[0].RedemptionID {
		t.Fatalf("asked %+v", asked)
	}

	b.do(chromedp.Click("#link-change"))
	if b.read("document.activeElement.id + "+field+".value") != "link" {
		t.Error("another link cannot be typed")
	}
}

func TestBrowserSaysWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	b := openTab(t)
	b.do(chromedp.Navigate(b.url + "/?lang=en"))
	b.until(`!document.getElementById('signed-in').hidden && document.getElementById('signed-out').hidden`)
	b.do(chromedp.Click("#sign-out"))
	b.until(`location.pathname === '/signed-out'`)
	if got := b.signedOut.Load(); got != `{"everywhere":false}` {
		t.Errorf("asked %v", got)
	}
}

const hidden = `(id => document.getElementById(id).hidden)`

func TestBrowserShowsWhereAndHowLongOneIsSignedIn(t *testing.T) {
	t.Parallel()
	b := openTab(t, func(c *web.Config) { c.Identity = true })
	b.do(chromedp.Navigate(b.url + "/?lang=en"))
	b.until(`!` + hidden + `('places')`)
	if got := b.read(`[...document.querySelectorAll('#sessions li')].map(e => e.textContent).join('|')`); !strings.HasPrefix(got, "This browser, last used 14 July 2026 at ") ||
		!strings.Contains(got, "|An app (<b>Sam's phone</b>), last used 13 July 2026 at ") {
		t.Errorf("the list says %s", got)
	}
	if got := b.read(hidden + `('not-connected') + ' ' + ` + hidden + `('ending') + ' ' + ` + hidden + `('account')`); got != "false true false" {
		t.Errorf("hidden: %s", got)
	}

	// Two minutes before the end there is a warning, and one can stay (WCAG 2.2.1).
	b.left.Store(int64(90 * time.Second))
	b.read(`location.reload()`)
	b.until(`document.readyState === 'complete' && !` + hidden + `('ending')`)
	if got := b.read(`document.getElementById('ending').getAttribute('role') + ' ' + document.getElementById('ending').innerText`); !strings.HasPrefix(got, "alert You will be signed out within two minutes") || strings.Contains(got, "nobody stays signed in") {
		t.Errorf("the warning says %s", got)
	}
	b.do(chromedp.Click("#stay"))
	b.until(hidden + `('ending')`)

	// It comes by itself when the time has come.
	b.left.Store(int64(2*time.Minute + 1500*time.Millisecond))
	b.read(`location.reload()`)
	b.until(`document.readyState === 'complete' && !` + hidden + `('places') && ` + hidden + `('ending')`)
	b.left.Store(int64(118 * time.Second))
	b.until(`!` + hidden + `('ending')`)

	// Where nothing can be done, nothing is offered.
	b.left.Store(int64(time.Minute))
	b.atTheEnd.Store(true)
	b.read(`location.reload()`)
	b.until(`document.readyState === 'complete' && !` + hidden + `('ending') && !` + hidden + `('ending-for-good') && ` + hidden + `('stay')`)

	b.do(chromedp.Click("#sign-out-everywhere"))
	b.until(`location.pathname === '/signed-out'`)
	if got := b.signedOut.Load(); got != `{"everywhere":true}` {
		t.Errorf("asked %v", got)
	}
}

func TestBrowserPrints(t *testing.T) {
	t.Parallel()
	b := openTab(t)
	b.redeemer.outcome = record(t, learner(), plr.LanguageEnglish, allFields...)
	b.do(chromedp.Navigate(b.url + "/s?lang=en#" + secret))
	b.do(chromedp.SendKeys("#name", "Ada Employer"), chromedp.Click("#purpose"), chromedp.Click("#terms"), chromedp.Click("button[type=submit]"))
	b.until(`document.getElementById('print') && !document.getElementById('print').hidden`)
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fatal(err)
	}
	if pages := strings.Count(string(pdf), "/Type /Page\n"); pages != 1 {
		t.Errorf("three qualifications with every field take %d sheets", pages)
	}
}

func TestBrowserRunsTheExplorerUnderItsPolicy(t *testing.T) {
	t.Parallel()
	b := openTab(t)
	b.do(chromedp.Navigate(b.url + "/explorer"))
	b.until(`document.querySelector('.graphiql-container') !== null`)
}
