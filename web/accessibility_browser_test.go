//go:build browser

package web_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"openplr/signin"
	"openplr/web"
)

// axeFile is made by `npm ci` in clients/axe.
const axeFile = "../clients/axe/node_modules/axe-core/axe.min.js"

// findBarriers names what axe finds against WCAG 2.2 AA and its own good practice.
const findBarriers = `window.axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
	.then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')).join('\n'))`

// The pages around signing in, on the smallest screen that WCAG 1.4.10 asks for.
func TestBrowserFindsNoBarriers(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axeFile)
	if os.IsNotExist(err) && os.Getenv("CI") != "true" {
		t.Skip("left out: npm ci was not run in clients/axe, so nothing looked for barriers on the pages of signing in")
	}
	if err != nil {
		t.Fatal(err)
	}
	b := openTab(t, func(c *web.Config) { c.Identity, c.Development = true, true })
	b.do(chromedp.EmulateViewport(320, 640))
	fits := func(name string) {
		t.Helper()
		if wide := b.read(`document.documentElement.scrollWidth`); wide != "320" {
			t.Errorf("%s is %s pixels wide on a screen of 320", name, wide)
		}
	}
	look := func(name string) {
		t.Helper()
		fits(name)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](string(axe)+";\n"+findBarriers, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if found != "" {
			t.Errorf("%s:\n%s", name, found)
		}
	}
	for _, lang := range []string{"lang=en", "lang=cy"} {
		for _, address := range []string{
			"/signed-out?", "/app/callback?", "/identity/continue?", "/no/such/page?", "/s?",
			"/sign-in/problem?code=identity_not_proved&ref=ref_0123456789abcdefghjkmnpqrs&",
		} {
			b.do(chromedp.Navigate(b.url + address + lang))
			look(address + lang)
		}
		for _, code := range signin.PageProblems() { // of one form, so that only their words can be too long
			b.do(chromedp.Navigate(b.url + "/sign-in/problem?code=" + string(code) + "&ref=ref_0123456789abcdefghjkmnpqrs&" + lang))
			fits(string(code) + " " + lang)
		}
		b.nobody.Store(true)
		b.do(chromedp.Navigate(b.url + "/?" + lang))
		look("signed out, " + lang)
		b.nobody.Store(false)
		b.left.Store(int64(90 * time.Second))
		b.do(chromedp.Navigate(b.url + "/?" + lang))
		b.until(`!` + hidden + `('places') && !` + hidden + `('ending')`)
		look("signed in, " + lang)
	}

	// By keyboard alone: everything in the order of the page, each with its focus seen.
	b.read(`document.body.focus()`)
	var order []string
	for range 30 {
		b.do(chromedp.KeyEvent("\t"))
		if b.read(`document.activeElement === document.body`) == "true" {
			break
		}
		order = append(order, b.read(`document.activeElement.id || document.activeElement.getAttribute('href')`))
		if style := b.read(`(s => s.outlineStyle + s.boxShadow)(getComputedStyle(document.activeElement))`); style == "nonenone" {
			t.Errorf("the focus on %s is not seen", order[len(order)-1])
		}
	}
	const want = "#main-content /?lang=cy other-language /s?lang=cy stay /auth/identity/start?return_to=%2F&ui_locales=cy " +
		"sign-out sign-out-everywhere /explorer /?lang=cy /s?lang=cy"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("order of the keyboard: %s", got)
	}
}
