package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// wholeRecordLink is a link on the school leaver's whole record, with the PIN 2580.
func wholeRecordLink(h *harness, language string) string {
	h.t.Helper()
	learner := h.signedIn(samplePeople(h.t)[0].Subject)
	view := learner.must(createView, vars("name", "All", "selection", map[string]any{"everything": true}))
	link := learner.must(createLink, vars("viewId", view.at("createConfiguredView", "configuredView", "id"), "purpose", "EMPLOYMENT", "pin", "2580", "language", language))
	return link.at("createShareLink", "shareLink", "url").(string)
}

// focus describes what has the focus: its id, else its words.
const focus = `(e => e === document.body ? 'nothing' : e.id || e.innerText.trim())(document.activeElement)`

// focusShows: with the focus, the control or what is drawn in its place looks
// different from without it.
const focusShows = `(e => {
	const look = () => [[e], ...[...(e.labels ?? [])].map(l => [l, '::before'])].map(([n, part]) => {
		const s = getComputedStyle(n, part);
		return [s.outline, s.boxShadow, s.backgroundColor, s.borderColor].join();
	}).join();
	const focused = look();
	e.blur();
	const plain = look();
	e.focus();
	return focused !== plain;
})(document.activeElement)`

// tabTo presses Tab and reports when the focus goes elsewhere or is not seen.
func (w *window) tabTo(want string) {
	w.t.Helper()
	w.press(kb.Tab)
	if got := w.text(focus); got != want {
		w.t.Errorf("%s: Tab leads to %q, want %q", w.name, got, want)
	}
	if w.text(focusShows) != "true" {
		w.t.Errorf("%s: the focus on %q is not seen", w.name, want)
	}
}

// A recipient opens a link with the keyboard alone.
func TestBrowserKeyboard(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	link := wholeRecordLink(h, "EN")
	w := openWindow(t, "recipient", h.url)
	w.provokes(`status of 400 .*/s/redeem`) // the form as it is sent with faults

	// Every control in order, and round again.
	w.open(link)
	w.untilHeading(formHeading)
	controls := []string{"Skip to main content", "OpenPLR", "other-language", "link-change", "name", "organisation", "purpose", "pin", "terms",
		"Open the record", "Start page", "Open a shared record"}
	for _, control := range controls {
		w.tabTo(control)
	}
	for _, control := range slices.Backward(controls[:len(controls)-1]) {
		w.press(kb.Tab, kb.ModifierShift)
		w.until(fmt.Sprintf(`%s === %q`, focus, control))
	}

	// The skip link passes over the header and leaves the link's code alone.
	w.enter()
	w.until(`location.hash === '#main-content'`)
	w.check(`document.querySelector('#link').value.length === 43`)
	w.tabTo("link-change")

	// Another link instead, typed wrongly; then the faults of an empty form.
	w.enter()
	w.until(focus + ` === 'link'`)
	w.paste(h.url + "/s")
	w.enter()
	w.until(`document.title.startsWith('Error:') && document.readyState === 'complete'`)
	w.until(`document.activeElement.className === 'govuk-error-summary'`)
	w.picture("empty")
	for i, field := range []string{"link", "name", "purpose", "terms"} {
		w.check(fmt.Sprintf(`document.querySelectorAll('.govuk-error-summary__list a')[%d].hash === '#%s'`, i, field))
		w.check(fmt.Sprintf(`document.querySelector('#%s-error').offsetParent !== null`, field))
	}
	w.press(kb.Tab)
	w.enter() // the summary leads to the field
	w.until(focus + ` === 'link'`)

	// Now right: type, choose with the arrows, tick with the space bar, send with Enter.
	w.press("a", kb.ModifierCtrl)
	w.paste(link)
	w.tabTo("name")
	w.press("Sam Jones")
	w.tabTo("organisation")
	w.tabTo("purpose")
	w.press(kb.ArrowDown)
	w.check(`document.querySelector('#purpose-2').checked`)
	w.tabTo("pin")
	w.press("2580")
	w.tabTo("terms")
	w.press(" ")
	w.check(`document.querySelector('#terms').checked`)
	w.tabTo("Open the record")
	w.enter()
	w.untilHeading(recordHeading)
	for _, control := range []string{"Skip to main content", "OpenPLR", "print", "Open another link", "Start page", "Open a shared record"} {
		w.tabTo(control)
	}
}

// Where no script runs, everything but the explorer works.
func TestBrowserWithoutScript(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	link := wholeRecordLink(h, "EN")
	w := openWindow(t, "careful", h.url, h.app.devop)
	ask(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})

	w.open(link)
	w.untilHeading(formHeading)
	w.picture("form")
	w.check(`document.querySelector('#link').offsetParent !== null && document.querySelector('#link').value === ''`)
	w.check(`document.querySelector('#link-received').offsetParent === null`)
	w.check(`document.querySelector('#link-hint').innerText.includes('copy the whole address from your browser’s address bar and paste it here')`)
	w.click("#link")
	w.paste(w.text(`location.href`)) // as that says
	w.redeem("Sam Jones", "", "2580")
	w.untilHeading(recordHeading)
	w.check(`document.querySelectorAll('table.app-record tbody tr').length === 14 && document.querySelector('#print').offsetParent === null`)

	w.open(h.url + "/")
	w.click(`a[href^="/auth/login"]`)
	w.untilHeading("Choose who to sign in as")
	w.click("main li button")
	w.until(`location.pathname === '/explorer' && document.querySelector('noscript')?.innerText.includes('The explorer needs JavaScript')`)
	w.picture("explorer")
}

// On a phone every page is in the language asked for and none has to be
// scrolled sideways, down to the width that WCAG asks for (1.4.10).
func TestBrowserPhone(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	link := wholeRecordLink(h, "CY")
	w := openWindow(t, "phone", h.url, h.app.devop)
	w.provokes(`status of (400|404) `) // an empty form, and a page that is not there

	pages := []struct{ path, welsh, english string }{
		{"/", "Eich cofnod dysgu, wedi'i rannu fel y dewiswch", "Your learning record, shared as you choose"},
		{"/s", "Agor cofnod dysgu a rannwyd", formHeading},
		{"/signed-out", "Rydych wedi allgofnodi", "You have signed out"},
		{"/sign-in/problem", "Ni weithiodd y mewngofnodi", "Signing in did not work"},
		{"/app/callback", "Agor yr ap", "Open the app"},
		{"/identity/continue", "Parhau i brofi pwy ydych chi", "Continue proving who you are"},
		{"/nowhere", "Heb ddod o hyd i'r dudalen", "Page not found"},
	}
	for _, width := range []int64{390, 320} {
		w.phone(width, 844)
		for _, p := range pages {
			w.open(h.url + p.path + "?lang=cy")
			w.untilHeading(p.welsh)
			w.check(`document.documentElement.lang === 'cy'`)
			w.fits()
			w.picture(fmt.Sprintf("%d-cy-%s", width, strings.ReplaceAll(p.path, "/", "")))
			w.open(h.url + p.path)
			w.untilHeading(p.english)
			w.check(`document.documentElement.lang === 'en'`)
			w.fits()
		}
	}

	// The whole way in Welsh, from the link's page in English.
	w.phone(390, 844)
	w.open(link)
	w.untilHeading(formHeading)
	w.click("#other-language")
	w.untilHeading("Agor cofnod dysgu a rannwyd")
	w.check(`location.hash === '' && location.search === '?lang=cy'`)
	w.check(`document.querySelector('#link').value.length === 43 && document.querySelector('#link').offsetParent === null`)
	w.click("form#redeem button[type=submit]")
	w.until(`document.title.startsWith('Gwall:') && document.readyState === 'complete'`)
	w.fits()
	w.picture("cy-faults")
	w.redeem("Siân Pritchard-Llewellyn", "Cyngor Bwrdeistref Sirol Rhondda Cynon Taf", "2580")
	w.untilHeading("Cofnod dysgu a rannwyd")
	w.check(`document.documentElement.lang === 'cy'`)
	for _, width := range []int64{390, 320} {
		w.phone(width, 844)
		w.fits()
		w.picture(fmt.Sprintf("%d-cy-record", width))
	}

	// Signing in, and the explorer.
	w.open(h.url + "/?lang=cy")
	w.click(`a[href^="/auth/login"]`)
	w.untilHeading("Dewiswch berson i fewngofnodi")
	w.fits()
	w.picture("320-cy-provider")
	w.click("main li button")
	explorer{w}.ready()
	w.fits()
	w.picture("320-explorer")
	w.do(chromedp.EmulateReset())
}
