//go:build browser

// The scripts in a real browser: go test -tags browser ./web, with Chromium installed.

package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"openplr/plr"
)

// tab is a browser tab on a site of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	*site
	url string
}

func openTab(t *testing.T) *tab {
	t.Helper()
	s := newSite(t)
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.HandleFunc("GET /auth/session", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"authenticated":true}`))
	})
	mux.HandleFunc("POST /auth/logout", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Requested-By") != "learner-web" || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "", http.StatusForbidden)
			return
		}
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
	b := &tab{t: t, ctx: ctx, site: s, url: server.URL}
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
