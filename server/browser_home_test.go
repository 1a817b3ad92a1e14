package main

import (
	"strings"
	"testing"
	"time"
)

// Somebody signed in at two places sees both, stays when asked, and signs out of
// both from one.
func TestBrowserStartPage(t *testing.T) {
	h := newHarness(t, harnessOptions{env: map[string]string{"SESSION_IDLE": "123s"}})
	w, elsewhere := openWindow(t, "here", h.url, h.app.devop), openWindow(t, "elsewhere", h.url, h.app.devop)
	const shown = `(id => document.getElementById(id)?.hidden === false)`
	for _, window := range []*window{elsewhere, w} {
		window.signIn(h, "/")
		window.until(shown + `('places') && !` + shown + `('signed-out')`)
	}
	places := w.list("#sessions li")
	if len(places) != 2 || !strings.HasPrefix(strings.Join(places, "|"), "This browser, last used ") && !strings.Contains(strings.Join(places, "|"), "|This browser, last used ") {
		t.Errorf("signed in at %q", places)
	}
	if shows := w.text(shown + `('not-connected')`); shows != "false" {
		t.Error("somebody with a record is told to prove who they are")
	}
	w.fits()
	// Three seconds on, the end is two minutes away.
	w.until(shown + `('ending')`)
	w.picture("ending")
	h.clock.Advance(90 * time.Second)
	w.click("#stay")
	w.until(`!` + shown + `('ending') && !` + shown + `('failed')`)
	w.click("#sign-out-everywhere")
	w.untilHeading("You have signed out")
	elsewhere.open(h.url + "/")
	elsewhere.until(shown + `('signed-out') && !` + shown + `('account')`)
}
