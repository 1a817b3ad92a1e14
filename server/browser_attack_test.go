package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"openplr/signin"
)

// strangers are two web sites that are none of ours: one on another site, and one
// on ours, a sibling by its port, to which browsers send strict cookies.
func strangers(t *testing.T) (evil, sibling string) {
	t.Helper()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/plant" { // by header, as a page cannot
			for _, cookie := range []string{"; Path=/auth; Secure; HttpOnly", "; Path=/; HttpOnly", "; Path=/; Secure; HttpOnly; Domain=localhost", "; Path=/; Secure"} {
				w.Header().Add("Set-Cookie", signin.SessionCookie+"=lrw_"+strings.Repeat("A", 43)+cookie)
			}
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><title>x</title><h1>A stranger</h1>`)
	})
	one, two := httptest.NewServer(page), httptest.NewServer(page)
	t.Cleanup(one.Close)
	t.Cleanup(two.Close)
	return one.URL, strings.Replace(two.URL, "127.0.0.1", "localhost", 1)
}

// signIn goes through the provider's page as its first person.
func (w *window) signIn(h *harness, returnTo string) {
	w.t.Helper()
	w.open(h.url + "/auth/login?return_to=" + url.QueryEscape(returnTo))
	w.untilHeading("Choose who to sign in as")
	w.click("main li button")
}

// signedIn asks as a page of ours would.
func (w *window) signedIn(h *harness) bool {
	w.t.Helper()
	w.open(h.url + "/s")
	w.untilHeading(formHeading)
	w.run(`fetch('/auth/session').then(a => a.json()).then(s => { window.done = s.authenticated })`)
	return w.text(`window.done`) == "true"
}

// run starts something in the page and waits until it has set window.done.
func (w *window) run(script string) {
	w.t.Helper()
	if _, err := w.eval(`window.done = undefined, void (` + script + `)`); err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
	w.until(`window.done !== undefined`)
}

// leaveBy follows a link, or sends a form, that a page made up.
func (w *window) leaveBy(script string) {
	w.t.Helper()
	_, _ = w.eval(script + `, null`) // no answer when the page goes away
}

func TestBrowserAttack34PlantedCookies(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	_, sibling := strangers(t)
	w := openWindow(t, "planted", h.url, h.app.devop, sibling)
	w.provokes(`Cookie`) // each refusal is told
	w.signIn(h, "/s")
	w.untilHeading(formHeading)
	before := w.cookies("localhost")[signin.SessionCookie]
	checkCookie(t, before, network.CookieSameSiteStrict)

	w.open(sibling + "/plant")
	w.untilHeading("A stranger")
	for _, more := range []string{"; path=/; secure", "; path=/auth; secure", "; path=/graphql", "; path=/; secure; domain=localhost", ""} {
		w.run(fmt.Sprintf(`window.done = (document.cookie = %q, document.cookie)`, signin.SessionCookie+"=lrw_"+strings.Repeat("A", 43)+more))
		if seen := w.text(`document.cookie`); strings.Contains(seen, "lr-session") {
			t.Errorf("a script made or sees the cookie: %s", seen)
		}
	}
	var held []*network.Cookie
	for name, c := range w.cookies("localhost") {
		if strings.Contains(name, "lr-session") {
			held = append(held, c)
		}
	}
	if len(held) != 1 || held[0].Value != before.Value {
		t.Errorf("the browser holds %d cookies of the session, or another one", len(held))
	}
	if !w.signedIn(h) {
		t.Error("a planted cookie signed somebody out")
	}
	// A browser that knows no prefixes sends both: neither is believed.
	own := before.Value
	for _, both := range [][]string{{own, "lrw_" + strings.Repeat("A", 43)}, {"lrw_" + strings.Repeat("A", 43), own}, {own, own}} {
		header := http.Header{"Cookie": {signin.SessionCookie + "=" + both[0] + "; " + signin.SessionCookie + "=" + both[1]}}
		p := h.browser().exchange(t, "GET", "/auth/session", header, "")
		if !strings.Contains(p.body, `"authenticated":false`) || !strings.Contains(p.header.Get("Set-Cookie"), signin.SessionCookie+"=;") {
			t.Errorf("two cookies: %d %s %v", p.status, p.body, p.header)
		}
	}
}

func TestBrowserAttack39RequestsOfOtherSites(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	evil, sibling := strangers(t)
	w := openWindow(t, "victim", h.url, h.app.devop, evil, sibling)
	w.provokes(`CORS|Cors|status of (403|404|405|415)|ERR_FAILED|BLOCKED_BY_RESPONSE|BlockedByResponse|MarkedSkippable`)
	w.signIn(h, "/s")
	w.untilHeading(formHeading)
	cookie := w.cookies("localhost")[signin.SessionCookie]
	holder := h.browser()
	holder.header.Set("Cookie", signin.SessionCookie+"="+cookie.Value)

	for name, from := range map[string]string{"another site": evil, "a sibling": sibling} {
		w.open(from)
		w.untilHeading("A stranger")
		for _, target := range changing {
			for _, options := range []string{
				`mode: 'no-cors', headers: {'Content-Type': 'text/plain'}`,
				`headers: {'Content-Type': 'text/plain'}`,
				`headers: {'Content-Type': 'application/json', 'X-Requested-By': 'learner-web'}`,
			} {
				if target.method != "POST" && strings.Contains(options, "no-cors") {
					continue // browsers do not send it
				}
				body := fmt.Sprintf(`, body: %q`, target.body)
				w.run(fmt.Sprintf(`fetch(%q, {method: %q, credentials: 'include', %s%s}).then(a => a.type, () => 'refused').then(t => { window.done = t })`,
					h.url+target.path, target.method, options, body))
				if got := w.text(`window.done`); got != "refused" && got != "opaque" {
					t.Errorf("%s reads %s %s: %s", name, target.method, target.path, got)
				}
			}
		}
		// Forms are sent with the person's click, and show what comes back.
		for path, words := range map[string]string{"/graphql": "CSRF_BLOCKED", "/auth/logout": "This was stopped for your safety"} {
			for _, encoding := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"} {
				w.open(from)
				w.untilHeading("A stranger")
				w.leaveBy(fmt.Sprintf(`(f => { f.method = 'post'; f.action = %q; f.enctype = %q; f.innerHTML = '<input name=q>'; f.q.name = %q; document.body.append(f); f.submit() })(document.createElement('form'))`,
					h.url+path, encoding, viewMutation))
				w.until(fmt.Sprintf(`location.origin === %q && document.body?.innerText.includes(%q)`, h.url, words))
			}
		}
		holder.unmoved(t)
	}
	if !w.signedIn(h) {
		t.Error("somebody was signed out")
	}
}

func TestBrowserAttack41SignInStartedElsewhere(t *testing.T) {
	evil, sibling := strangers(t)
	h := newHarness(t, harnessOptions{env: map[string]string{"ALLOWED_ORIGINS": sibling}})
	_, other := strangers(t)
	w := openWindow(t, "victim", h.url, h.app.devop, evil, sibling, other)
	w.provokes(`MarkedSkippable`) // nobody clicked anything there
	for _, from := range []string{evil, other} {
		for _, to := range []string{"/auth/login", "/auth/login?return_to=" + url.QueryEscape(sibling+"/")} {
			w.open(from)
			w.untilHeading("A stranger")
			w.leaveBy(fmt.Sprintf(`location = %q`, h.url+to))
			w.until(fmt.Sprintf(`location.href === %q && document.querySelector('h1')`, h.url+"/"))
		}
	}
	if c := w.cookies("localhost"); len(c) > 0 {
		t.Errorf("cookies are left: %v", c)
	}
	// Our own front end there works: signing in, its cookie, and signing out.
	w.open(sibling)
	w.untilHeading("A stranger")
	w.leaveBy(fmt.Sprintf(`location = %q`, h.url+"/auth/login?return_to="+url.QueryEscape(sibling+"/after?x=1")))
	w.untilHeading("Choose who to sign in as")
	w.click("main li button")
	w.until(fmt.Sprintf(`location.href === %q && document.querySelector('h1')`, sibling+"/after?x=1"))
	call := func(path, options string) string {
		w.run(fmt.Sprintf(`fetch(%q, {credentials: 'include', %s}).then(a => a.text()).catch(String).then(t => { window.done = t })`, h.url+path, options))
		return w.text(`window.done`)
	}
	if got := call("/auth/session", ""); !strings.Contains(got, `"authenticated":true`) {
		t.Errorf("the front end is told %s", got)
	}
	const send = `method: 'POST', headers: {'Content-Type': 'application/json', 'X-Requested-By': 'learner-web'}, body: `
	if got := call("/graphql", send+`'{"query":"{viewer{signedIn}}"}'`); !strings.Contains(got, `"signedIn":true`) {
		t.Errorf("the front end is told %s", got)
	}
	if got := call("/auth/logout", send+`'{}'`); !strings.Contains(got, `"redirect"`) {
		t.Errorf("the front end is told %s", got)
	}
	if got := call("/auth/session", ""); !strings.Contains(got, `"authenticated":false`) {
		t.Errorf("the front end is told %s", got)
	}
}

func TestBrowserAttack68CallbackIsKeptToItself(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	evil, _ := strangers(t)
	w := openWindow(t, "careful", h.url, h.app.devop, evil)
	w.signIn(h, "/s")
	w.untilHeading(formHeading)
	if referrer := w.text(`document.referrer`); referrer != "" {
		t.Errorf("the page after signing in knows where it came from: %s", referrer)
	}
	if i := slices.IndexFunc(w.remembered(), func(a string) bool { return strings.Contains(a, "code=") || strings.Contains(a, "/auth/callback") }); i >= 0 {
		t.Errorf("the browser remembers %s", w.remembered()[i])
	}
	// The page of an app that is not there gives its address to nobody.
	w.open(h.url + "/app/callback?code=c0de-7741&state=x")
	w.untilHeading("Open the app")
	w.check(`performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin + '/static/') && e.name.includes('.css'))`)
	w.check(`document.scripts.length === 0`)
	w.click("main a")
	w.until(`location.pathname === '/' && document.readyState === 'complete'`)
	w.check(`document.referrer === ''`)
	// Nobody else's page shows them.
	for _, path := range []string{"/auth/callback?code=x&state=y", "/app/callback?code=x", "/sign-in/problem?code=internal"} {
		w.open(evil)
		w.untilHeading("A stranger")
		w.noticed()
		w.leaveBy(fmt.Sprintf(`(f => { f.src = %q; document.body.append(f) })(document.createElement('iframe'))`, h.url+path))
		w.waitFor("the refusal of a frame", func() bool {
			return slices.ContainsFunc(w.noticed(), func(f string) bool { return strings.Contains(f, "frame-ancestors 'none'") })
		})
	}
	w.provokes(`.`) // what else is told of it
	w.noticed()
}
