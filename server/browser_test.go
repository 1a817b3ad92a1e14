package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a page may take to become what is awaited.
const patience = 20 * time.Second

// chromiumPath finds a Chromium. CI must have one; elsewhere the tests in a
// browser are left out without it, so that Go alone is enough.
func chromiumPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium on PATH: install the Debian package chromium")
	}
	t.Skip("no Chromium on PATH (Debian package: chromium). Left out: what the pages and the explorer do in a real browser")
	return ""
}

// window is somebody's browser: a process of its own, with a profile of its
// own, showing one tab. It notes what no page of ours may do: complain in the
// console, offend its content security policy, ask another origin.
type window struct {
	t       *testing.T
	name    string
	ctx     context.Context
	origins []string // those it may ask
	mu      sync.Mutex
	faults  []string
	// provoked, optional, matches the faults that a test asks for.
	provoked *regexp.Regexp
	pictures int
}

func openWindow(t *testing.T, name string, origins ...string) *window {
	t.Helper()
	w := &window{t: t, name: name, origins: origins}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // no-first-run, disable-sync and the like are among them
		chromedp.ExecPath(chromiumPath(t)),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("no-sandbox", true), // it shows our own pages only, and CI is root in a container
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", "en-GB"),
	)
	// Not t.Context: the browser must still be there when Cleanup looks at it.
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithListener(w.notice))
	w.ctx = ctx
	t.Cleanup(func() {
		for _, fault := range w.noticed() {
			t.Errorf("%s: %s", name, fault)
		}
		if t.Failed() {
			w.picture("failed")
			address, _ := w.eval(`location.href + " " + document.title`)
			t.Logf("%s stood at %v", name, address)
		}
		cancel()
		cancelAllocator()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	ask(w, audits.Enable, cdp.Empty{})
	w.resize(1280, 900)
	return w
}

// notice is called in the loop that reads what the browser says: it must not
// ask anything.
func (w *window) notice(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || (u.Scheme != "data" && !slices.Contains(w.origins, u.Scheme+"://"+u.Host)) {
			w.fault("asked %.100s", e.Request.URL)
		}
	case *network.EventWebSocketCreated:
		w.fault("opened the web socket %.100s", e.URL)
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			w.fault("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var said []string
			for _, a := range e.Args {
				said = append(said, string(a.Value)+a.Description)
			}
			w.fault("console: %s", strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
		w.fault("exception: %s", text)
	case *audits.EventIssueAdded:
		details, err := json.Marshal(e.Issue.Details)
		if text := string(e.Issue.Code) + " " + string(details); err != nil || !harmless.MatchString(text) {
			w.fault("%s", text)
		}
	}
}

// harmless are findings of Chromium's that are meant: strict cookies stay away
// from the page after signing in, other sites' requests come without any, a trip
// to the provider and back is a bounce, GraphiQL's editors are no form, and the
// tests themselves read document.cookie.
var harmless = regexp.MustCompile(`"__Host-Http-lr-.*"ExcludeSameSite(Strict|Lax)"|BounceTrackingIssue|FormEmptyIdAndNameAttributesForInputError|"DocumentCookie"`)

func (w *window) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if w.provoked == nil || !w.provoked.MatchString(text) {
		w.faults = append(w.faults, text)
	}
}

// provokes says which faults the test asks for.
func (w *window) provokes(pattern string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.provoked = regexp.MustCompile(pattern)
}

// noticed gives the faults so far and forgets them.
func (w *window) noticed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	faults := w.faults
	w.faults = nil
	return faults
}

// do takes steps one after the other.
func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
}

// ask sends the browser a command of its protocol.
func ask[P, R any](w *window, command cdp.Command[P, R], params P) R {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	answer, err := chromedp.Call(ctx, command, params)
	if err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
	return answer
}

func (w *window) eval(expression string) (any, error) {
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[any](expression))
}

// text gives what an expression is in the page.
func (w *window) text(expression string) string {
	w.t.Helper()
	value, err := w.eval("String(" + expression + ")")
	if err != nil {
		w.t.Fatalf("%s: %s: %v", w.name, expression, err)
	}
	return value.(string)
}

// list gives the texts of all elements that match.
func (w *window) list(css string) []string {
	w.t.Helper()
	joined := w.text(fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText.trim()).join('\x00')`, css))
	if joined == "" {
		return nil
	}
	return strings.Split(joined, "\x00")
}

// until waits for a condition, over any number of pages. It asks from outside,
// so that it works where a page may run no script.
func (w *window) until(condition string) {
	w.t.Helper()
	w.waitFor(condition, func() bool {
		ctx, cancel := context.WithTimeout(w.ctx, patience)
		defer cancel()
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		return err == nil && yes // an error: the page that was asked gave way to the next
	})
}

func (w *window) waitFor(what string, done func() bool) {
	w.t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-end.C:
			w.t.Fatalf("%s: waited in vain for %s", w.name, what)
		case <-tick.C:
		}
	}
}

// untilHeading waits for the page with this heading.
func (w *window) untilHeading(heading string) {
	w.t.Helper()
	w.until(fmt.Sprintf(`document.readyState === 'complete' && document.querySelector('h1')?.innerText.trim() === %q`, heading))
}

// check reports a condition that does not hold.
func (w *window) check(condition string) {
	w.t.Helper()
	if got := w.text(condition); got != "true" {
		w.t.Errorf("%s: not so: %s (%s)", w.name, condition, got)
	}
}

func (w *window) open(address string) {
	w.t.Helper()
	w.do(chromedp.Navigate(address))
}

func (w *window) click(css string) {
	w.t.Helper()
	w.do(chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
}

// fill types over what stands in the field with this id.
func (w *window) fill(id, text string) {
	w.t.Helper()
	w.click("#" + id)
	w.press("a", kb.ModifierCtrl)
	w.press(text)
}

// press sends keys to whatever has the focus.
func (w *window) press(keys string, modifiers ...kb.Modifier) {
	w.t.Helper()
	w.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// enter presses Enter as one key stroke. press sends the character by itself,
// which ends up in whatever the stroke gave the focus to.
func (w *window) enter() {
	w.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		ask(w, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13})
	}
}

// paste puts text where the cursor is.
func (w *window) paste(text string) {
	w.t.Helper()
	ask(w, input.InsertText, input.InsertTextParams{Text: text})
}

func (w *window) resize(width, height int64) {
	w.t.Helper()
	w.do(chromedp.EmulateViewport(width, height))
}

// phone makes the window a phone's.
func (w *window) phone(width, height int64) {
	w.t.Helper()
	w.do(chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulateTouch))
}

// fits reports a page that has to be scrolled sideways.
func (w *window) fits() {
	w.t.Helper()
	if wide := w.text(`document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth`); wide != "0" {
		w.t.Errorf("%s: %s is %s pixels too wide for %s", w.name, w.text(`location.pathname`), wide, w.text(`innerWidth`))
	}
}

// remembered is every address that the tab can go back to.
func (w *window) remembered() []string {
	w.t.Helper()
	var out []string
	for _, e := range ask(w, cdppage.GetNavigationHistory, cdp.Empty{}).Entries {
		out = append(out, e.URL)
	}
	return out
}

// picture keeps a picture of the page among the test's artifacts when the test
// failed, and always with -artifacts.
func (w *window) picture(name string) {
	if wanted := flag.Lookup("test.artifacts"); !w.t.Failed() && (wanted == nil || wanted.Value.String() != "true") {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		w.pictures++
		err = os.WriteFile(filepath.Join(w.t.ArtifactDir(), fmt.Sprintf("%s-%02d-%s.png", w.name, w.pictures, name)), png, 0o600)
	}
	if err != nil {
		w.t.Logf("no picture of %s: %v", name, err)
	}
}

// A window that noticed nothing would let every other test pass.
func TestBrowserIsWatched(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	w := openWindow(t, "watched", h.url)
	for _, wrong := range []struct{ code, fault string }{
		{`console.error('Oh dear.')`, `console: "Oh dear."`},
		{`setTimeout(() => { throw new Error('Oh dear.') })`, `exception: Uncaught Error: Oh dear.`},
		{`fetch('/nowhere')`, `status of 404`},
		{`document.body.setAttribute('onclick', 'alert()')`, `ContentSecurityPolicyIssue`},
		{`location = 'http://127.0.0.1:1/'`, `asked http://127.0.0.1:1/`},
	} {
		w.open(h.url + "/")
		_, _ = w.eval(wrong.code + `, null`) // no answer when the page goes away
		w.waitFor(wrong.fault, func() bool {
			return slices.ContainsFunc(w.noticed(), func(f string) bool { return strings.Contains(f, wrong.fault) })
		})
	}
	w.provokes(`.`) // what else comes of that is not looked at
	w.noticed()
}
