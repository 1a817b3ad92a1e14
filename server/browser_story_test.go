package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// explorer is the GraphQL explorer in a window, used by mouse and keyboard.
type explorer struct{ *window }

// ready waits for the explorer with somebody signed in.
func (e explorer) ready() {
	e.t.Helper()
	e.until(`document.querySelector('.graphiql-execute-button') && document.querySelector('.bar-session')?.innerText.startsWith('Signed in as ')`)
}

// tab chooses one of the prepared tabs, which are named after their operations.
func (e explorer) tab(operation string) {
	e.t.Helper()
	e.do(chromedp.Click(chromedp.JSPath(fmt.Sprintf(`[...document.querySelectorAll('.graphiql-tab-button')].find(b => b.innerText === %q)`, operation))))
	e.shows(operation)
}

// example opens one of the examples in a tab of its own.
func (e explorer) example(title, operation string) {
	e.t.Helper()
	e.do(chromedp.Click(chromedp.JSPath(fmt.Sprintf(`[...document.querySelectorAll('.examples button')].find(b => b.innerText === %q)`, title))))
	e.shows(operation)
}

// shows waits until an operation stands in the editor, read and understood, and
// no answer beside it.
func (e explorer) shows(operation string) {
	e.t.Helper()
	e.until(fmt.Sprintf(`document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.operationName === %q`, operation))
	e.until(answerShown + ` === ''`)
}

const (
	variablesEditor = `document.querySelector('.graphiql-editor-tool:not(.hidden) .CodeMirror')`
	answerShown     = `document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()`
)

// variables types over what stands in the editor for variables.
func (e explorer) variables(input map[string]any) {
	e.t.Helper()
	text, err := json.Marshal(map[string]any{"input": input})
	if err != nil {
		e.t.Fatal(err)
	}
	e.do(chromedp.Click(chromedp.JSPath(variablesEditor)))
	e.press("a", kb.ModifierCtrl)
	e.paste(string(text))
	e.until(fmt.Sprintf(`%s.CodeMirror.getValue() === %q`, variablesEditor, text))
}

// run presses the button and reads the answer. Errors fail the test.
func (e explorer) run() *gqlAnswer {
	e.t.Helper()
	e.click(".graphiql-execute-button")
	e.until(`(() => { try { return JSON.parse(` + answerShown + `) } catch { return false } })()`)
	raw := e.text(answerShown)
	answer := &gqlAnswer{raw: raw}
	if err := json.Unmarshal([]byte(raw), answer); err != nil || len(answer.Errors) > 0 || strings.Contains(raw, `"code"`) && !strings.Contains(raw, `"userErrors": []`) {
		e.t.Fatalf("the explorer answers %v %s", err, raw)
	}
	return answer
}

// scan reads the QR code a window shows, with a decoder that is not the one
// that drew it, as a camera does.
func scan(w *window, dataURI string) string {
	w.t.Helper()
	ctx, closeTab := chromedp.NewContext(w.ctx)
	defer closeTab()
	if err := chromedp.Do(ctx, chromedp.Navigate(dataURI), chromedp.WaitVisible(chromedp.CSS("img"))); err != nil {
		w.t.Fatal(err)
	}
	raw, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := readPicture(raw)
	if err != nil {
		w.t.Fatalf("the code on the screen cannot be read: %v", err)
	}
	return text
}

// readPicture reads the code that a browser shows alone on a dark page: as a
// camera finds it and, because this reader samples one code in ten or so badly
// when its modules are no whole pixels wide, by its edges too.
func readPicture(raw []byte) (string, error) {
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	var faults []error
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
		for _, shown := range []image.Image{picture, whiteOf(picture)} {
			bitmap, err := gozxing.NewBinaryBitmapFromImage(shown)
			if err != nil {
				return "", err
			}
			result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true})
			if err == nil {
				return result.GetText(), nil
			}
			faults = append(faults, err)
		}
	}
	return "", errors.Join(faults...)
}

// whiteOf is the part of a picture that lies between its outermost white pixels.
func whiteOf(picture image.Image) image.Image {
	var white image.Rectangle
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			if r, g, b, _ := picture.At(x, y).RGBA(); r == 0xffff && g == 0xffff && b == 0xffff {
				white = white.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	part := image.NewRGBA(image.Rectangle{Max: white.Size()})
	draw.Draw(part, part.Bounds(), picture, white.Min, draw.Src)
	return part
}

// cookies gives the cookies a browser holds for this service, by name.
func (w *window) cookies(host string) map[string]*network.Cookie {
	w.t.Helper()
	out := map[string]*network.Cookie{}
	for _, c := range ask(w, storage.GetCookies, storage.GetCookiesParams{}).Cookies {
		if c.Domain == host {
			out[c.Name] = c
		}
	}
	return out
}

// checkCookie: nothing but a secure connection to this host carries it, and no
// script sees it.
func checkCookie(t *testing.T, c *network.Cookie, site network.CookieSameSite) {
	t.Helper()
	if c == nil {
		t.Error("a cookie is missing")
		return
	}
	if !strings.HasPrefix(c.Name, "__Host-Http-") || !c.Secure || !c.HTTPOnly || c.SameSite != site || c.Path != "/" || c.Domain != "localhost" {
		t.Errorf("the cookie %s: secure %t, HTTP only %t, same site %s, path %s, domain %s", c.Name, c.Secure, c.HTTPOnly, c.SameSite, c.Path, c.Domain)
	}
}

// redeem fills in the form that is open and sends it.
func (w *window) redeem(name, organisation, pin string) {
	w.t.Helper()
	w.fill("name", name)
	w.fill("organisation", organisation)
	w.click("label[for=purpose]")
	w.fill("pin", pin)
	if w.text(`document.querySelector('#terms').checked`) == "false" {
		w.click("label[for=terms]")
	}
	w.click("form#redeem button[type=submit]")
}

const (
	formHeading   = "Open a shared learning record"
	recordHeading = "Shared learning record"
	closedHeading = "The link did not open"
)

// rows gives what the record shown says: each item's subject and grade.
func (w *window) rows() []string {
	w.t.Helper()
	joined := w.text(`[...document.querySelectorAll('table.app-record tbody tr')]
		.map(r => r.querySelector('th').innerText.trim() + ': ' + r.querySelector('td[data-label=Grade]').innerText.trim()).join('\x00')`)
	return slices.Sorted(strings.SplitSeq(joined, "\x00"))
}

// The story, by mouse and keyboard in two browsers.
func TestBrowserStory(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	leaver := samplePeople(t)[0]
	learner, employer := explorer{openWindow(t, "learner", h.url, h.app.devop)}, openWindow(t, "employer", h.url)

	// Open the address and sign in as a sample learner.
	learner.open(h.url)
	learner.untilHeading("Your learning record, shared as you choose")
	learner.picture("start")
	learner.click(`a[href^="/auth/login"]`)
	learner.untilHeading("Choose who to sign in as")
	learner.picture("provider")
	// Lax, because it has to come along on the return from the provider.
	checkCookie(t, learner.cookies("localhost")["__Host-Http-lr-txn"], network.CookieSameSiteLax)
	learner.click(`button[value="` + leaver.Subject + `"]`)
	learner.ready()
	learner.check(`location.href === "` + h.url + `/explorer"`)
	learner.check(`document.cookie === ''`)
	cookies := learner.cookies("localhost")
	checkCookie(t, cookies["__Host-Http-lr-session"], network.CookieSameSiteStrict)
	if len(cookies) != 2 { // the second for trips of other tabs
		t.Errorf("%d cookies after signing in", len(cookies))
	}

	// Ask for the record.
	learner.tab("MyRecord")
	record := learner.run()
	learner.picture("record")
	if record.at("learner", "uln") != string(leaver.ULN) {
		t.Fatalf("%s", record.raw)
	}
	var gcses, others []string
	wrong := ""
	for _, n := range record.at("learner", "learningEvents", "nodes").([]any) {
		event := n.(map[string]any)
		if !strings.HasPrefix(event["qualificationType"].(string), "GCSE") {
			others = append(others, event["subject"].(string))
			continue
		}
		gcses = append(gcses, event["subject"].(string))
		if event["subject"] == "GCSE in History" {
			wrong = event["id"].(string)
		}
	}
	if len(gcses) < 5 || len(others) == 0 || wrong == "" {
		t.Fatalf("GCSEs %q, others %q, the wrong grade is %q", gcses, others, wrong)
	}

	// A view of the GCSEs, and nothing of the rest.
	learner.tab("MakeView")
	view := learner.run()
	var preview, subjects []string
	for _, n := range view.at("createConfiguredView", "configuredView", "preview", "events").([]any) {
		event := n.(map[string]any)
		subjects = append(subjects, event["subject"].(string))
		preview = append(preview, event["subject"].(string)+": "+event["grade"].(map[string]any)["value"].(string))
	}
	slices.Sort(preview)
	slices.Sort(subjects)
	slices.Sort(gcses)
	if !slices.Equal(subjects, gcses) {
		t.Errorf("the preview shows %q, want %q", subjects, gcses)
	}

	// A link that ends in 14 days, with a PIN, and its QR code.
	ends := h.clock.Now().Add(14 * 24 * time.Hour)
	learner.tab("ShareView")
	learner.variables(map[string]any{
		"viewId": view.at("createConfiguredView", "configuredView", "id"), "label": "Bakery", "purpose": "EMPLOYMENT",
		"pin": "2580", "maxRedemptions": 2, "expiresAt": ends.Format(time.RFC3339),
	})
	made := learner.run().at("createShareLink", "shareLink").(map[string]any)
	learner.picture("link")
	link, id := made["url"].(string), made["id"].(string)
	if made["expiresAt"] != ends.Truncate(time.Second).Format("2006-01-02T15:04:05.000Z") || made["pinRequired"] != true || made["status"] != "ACTIVE" {
		t.Errorf("%v", made)
	}
	scanned := scan(learner.window, made["qrCode"].(map[string]any)["dataUri"].(string))
	if scanned != link {
		t.Fatalf("the code on the screen reads %q, want %q", scanned, link)
	}
	_, secret, _ := strings.Cut(link, "#")

	// The employer scans it. The secret leaves the address bar and the way back.
	employer.open(scanned)
	employer.untilHeading(formHeading)
	employer.check(`location.href === "` + h.url + `/s" && location.hash === '' && document.title === "Open a shared learning record - OpenPLR"`)
	employer.check(`document.querySelector('#link').offsetParent === null && document.querySelector('#link-received').offsetParent !== null`)
	employer.picture("form")

	// Who, why and a wrong PIN: the form stays, and says so.
	employer.redeem("Sam Jones", "Example Ltd", "0000")
	employer.until(`document.title.startsWith('Error:') && document.readyState === 'complete'`)
	employer.untilHeading(formHeading)
	employer.check(`document.querySelector('#pin-error').innerText.includes('This link needs the right PIN.')`)
	employer.check(`document.activeElement.className === 'govuk-error-summary'`)
	employer.check(`document.querySelector('#pin').value === '' && document.querySelector('#name').value === 'Sam Jones' && document.querySelector('#purpose').checked`)
	employer.picture("wrong-pin")

	// The right PIN: exactly the view. The clock stands still unless moved.
	h.clock.Advance(time.Second)
	employer.fill("pin", "2580")
	employer.click("form#redeem button[type=submit]")
	employer.untilHeading(recordHeading)
	employer.picture("record")
	shown := employer.rows()
	if !slices.Equal(shown, preview) {
		t.Errorf("the employer sees %q, want %q", shown, preview)
	}
	employer.check(`document.querySelector('main').innerText.includes("` + leaver.GivenName + ` ` + leaver.FamilyName + `")`)
	for _, hidden := range append(others, string(leaver.ULN), "Under challenge", secret) {
		employer.check(fmt.Sprintf(`!document.documentElement.outerHTML.includes(%q)`, hidden))
	}
	employer.check(`document.cookie === '' && localStorage.length === 0 && sessionStorage.length === 0`)
	if cookies := employer.cookies("localhost"); len(cookies) != 1 {
		t.Errorf("the employer's browser holds %d cookies", len(cookies))
	}
	checkCookie(t, employer.cookies("localhost")["__Host-Http-lr-redemption"], network.CookieSameSiteStrict)
	for _, address := range employer.remembered() {
		if strings.Contains(address, secret) {
			t.Error("going back leads to the secret")
		}
	}

	// Loading it again and opening the link again spend nothing, and going back
	// shows nothing.
	h.clock.Advance(time.Second)
	employer.do(chromedp.Reload())
	employer.untilHeading(recordHeading)
	if again := employer.rows(); !slices.Equal(again, shown) {
		t.Errorf("loaded again, the page shows %q", again)
	}
	employer.open(scanned)
	employer.untilHeading(formHeading)
	employer.redeem("Sam Jones", "Example Ltd", "2580")
	employer.untilHeading(recordHeading)
	employer.do(chromedp.NavigateBack())
	employer.untilHeading(formHeading)
	employer.check(`!document.documentElement.outerHTML.includes("` + leaver.FamilyName + `")`)
	learner.click(`button[aria-label="Show Examples"]`)
	learner.example("My share links", "MyShareLinks")
	if links := learner.run(); links.at("learner", "shareLinks", "nodes", 0, "redemptionCount") != 1.0 {
		t.Errorf("%s", links.raw)
	}

	// Back as the learner: who looked.
	learner.tab("AccessHistory")
	history := learner.run()
	learner.picture("history")
	var results []any
	for _, n := range history.at("learner", "accessHistory", "nodes").([]any) {
		entry := n.(map[string]any)
		results = append(results, entry["result"])
		if who := entry["recipient"].(map[string]any); who["name"] != "Sam Jones" || who["organisation"] != "Example Ltd" || entry["purpose"] != "EMPLOYMENT" {
			t.Errorf("%v", entry)
		}
	}
	if want := []any{"DISCLOSED_AGAIN", "DISCLOSED_AGAIN", "DISCLOSED", "WRONG_PIN"}; !slices.Equal(results, want) {
		t.Errorf("the history says %v, want %v", results, want)
	}

	// Switch sharing off: the link answers nothing.
	learner.example("Switch sharing off or on", "SwitchSharing")
	if off := learner.run(); off.at("setSharingPreference", "sharingPreference", "optedOut") != true {
		t.Errorf("%s", off.raw)
	}
	employer.open(scanned)
	employer.untilHeading(formHeading)
	employer.redeem("Sam Jones", "Example Ltd", "2580")
	employer.untilHeading(closedHeading)
	employer.picture("switched-off")
	for _, private := range append(subjects, leaver.FamilyName, leaver.GivenName) {
		employer.check(fmt.Sprintf(`!document.documentElement.outerHTML.includes(%q)`, private))
	}

	// Challenge the wrong grade, switch on, resume the link: the item is marked.
	learner.example("Challenge a wrong grade", "ChallengeGrade")
	learner.variables(map[string]any{"eventId": wrong, "kind": "WRONG_GRADE", "explanation": "My certificate says 7.", "proposedValue": "7"})
	learner.run()
	learner.example("Switch sharing off or on", "SwitchSharing")
	learner.variables(map[string]any{"optOut": false})
	learner.run()
	employer.do(chromedp.Reload())
	employer.untilHeading(closedHeading) // switching on resumes nothing by itself
	learner.example("Resume a link", "ResumeLink")
	learner.variables(map[string]any{"id": id})
	if resumed := learner.run(); resumed.at("resumeShareLink", "shareLink", "status") != "ACTIVE" {
		t.Errorf("%s", resumed.raw)
	}
	learner.picture("resumed")
	employer.open(scanned)
	employer.untilHeading(formHeading)
	employer.redeem("Sam Jones", "Example Ltd", "2580")
	employer.untilHeading(recordHeading)
	employer.picture("challenged")
	if heads := employer.list("table.app-record tbody th"); len(heads) != len(subjects) {
		t.Errorf("%d items, want %d", len(heads), len(subjects))
	}
	if marked := employer.list("table.app-record tbody th:has(.govuk-tag)"); len(marked) != 1 || !strings.HasPrefix(marked[0], "GCSE in History") || !strings.Contains(marked[0], "Under challenge") {
		t.Errorf("marked as under challenge: %q", marked)
	}
	employer.check(`document.querySelector('#challenge-note').offsetParent !== null`)

	// Sign out.
	learner.click(".bar-session button")
	learner.untilHeading("You have signed out")
	learner.check(`sessionStorage.length === 0 && localStorage.length === 0`)
	learner.picture("signed-out")
	if cookie := learner.cookies("localhost")["__Host-Http-lr-session"]; cookie != nil {
		t.Error("the session's cookie is still there")
	}
	learner.open(h.url + "/explorer")
	learner.until(`document.querySelector('.bar-session')?.innerText.startsWith('Nobody is signed in')`)
	if strings.Contains(h.logs.String(), secret) {
		t.Error("the log holds the link's secret")
	}
}
