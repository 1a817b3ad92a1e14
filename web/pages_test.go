package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"openplr/plr"
	"openplr/signin"
	"openplr/web"
)

// everyPage asks for each page there is, in language tag.
func everyPage(t *testing.T, tag string) map[string]func() *httptest.ResponseRecorder {
	t.Helper()
	language := plr.LanguageEnglish
	if tag == "cy" {
		language = plr.LanguageWelsh
	}
	submit := func(outcome plr.RedeemOutcome, err error, form url.Values) func() *httptest.ResponseRecorder {
		return func() *httptest.ResponseRecorder {
			s := newSite(t)
			s.redeemer.outcome, s.redeemer.err = outcome, err
			return s.submit(form, "Accept-Language", tag)
		}
	}
	get := func(target string, change ...func(*web.Config)) func() *httptest.ResponseRecorder {
		return func() *httptest.ResponseRecorder { return newSite(t, change...).get(target, "Accept-Language", tag) }
	}
	refusals := plr.Errors{
		{Code: plr.CodeRequired, Text: plr.T("Enter some text here.", "Rhowch destun yma."), Path: []string{"recipient", "name"}},
		{Code: plr.CodeTooLong, Text: plr.T("Use 200 characters or fewer.", "Defnyddiwch 200 nod neu lai."), Path: []string{"recipient", "organisation"}},
		{Code: plr.CodeRequired, Text: plr.T("Choose what you need this for.", "Dewiswch pam mae angen hwn arnoch."), Path: []string{"purpose"}},
		{Code: plr.CodeAcknowledgementRequired, Text: plr.T("Accept the terms to see the record.", "Derbyniwch y telerau i weld y cofnod."), Path: []string{"termsAccepted"}},
		{Code: plr.CodeLimitReached, Text: plr.T("That is too much.", "Mae hynny'n ormod.")},
	}
	message := plr.T("In English.", "Yn Gymraeg.")
	pages := map[string]func() *httptest.ResponseRecorder{
		"home":              get("/"),
		"home, development": get("/", func(c *web.Config) { c.Development = true }),
		"home, identity":    get("/", func(c *web.Config) { c.Identity = true }),
		"app missing":       get("/app/callback?code=c0de-7741&state=st4te-7741&iss=https%3A%2F%2Fevil.example"),
		"app missing, dev":  get("/app/callback?error=access_denied", func(c *web.Config) { c.Development = true }),
		"continue":          get("/identity/continue"),
		"home, no explorer": get("/", func(c *web.Config) { c.Explorer = false }),
		"redeem":            get("/s"),
		"redeem after all":  get("/s/redeem"),
		"signed out":        get("/signed-out"),
		"not found":         get("/no/such/page"),
		"refused form":      submit(nil, refusals, filled("link", "", "name", "")),
		"PIN":               submit(&plr.PINRequired{Message: message}, nil, filled()),
		"unavailable":       submit(&plr.ShareUnavailable{Message: message}, nil, filled()),
		"expired":           submit(&plr.ShareUnavailable{Message: message, ExpiredAt: &now}, nil, filled()),
		"busy":              submit(&plr.TryAgainLater{Message: message, RetryAfter: 1500 * time.Millisecond}, nil, filled()),
		"record":            submit(record(t, learner(), language, allFields...), nil, filled()),
		"record, default":   submit(record(t, learner(), language, plr.DefaultFields()...), nil, filled()),
		"record, name only": submit(record(t, learner(), language, plr.FieldName), nil, filled()),
		"fault":             submit(nil, errors.New("broken"), filled()),
		"store away":        submit(nil, plr.Unavailable(errors.New("no route"), time.Second), filled()),
		"no outcome":        submit(nil, nil, filled()),
		"duplicate field":   submit(nil, nil, url.Values{"name": {"a", "b"}}),
		"no explorer":       get("/explorer", func(c *web.Config) { c.Explorer = false }),
		"no such static":    get("/static/nothing.css"),
		"problem, no code":  get("/sign-in/problem"),
		"problem, odd code": get("/sign-in/problem?code=%3Cscript%3E&ref=" + url.QueryEscape(`"><b>call 0900`)),
		"app refused": func() *httptest.ResponseRecorder {
			p, err := web.New(web.Config{Redeemer: &fakeRedeemer{}, PublicURL: publicURL, Random: newRandom(), Logger: discard})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			web.SecureHeaders(true)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p.AppRefused(w, r, http.StatusBadRequest, "ref_abcd23")
			})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth/app/authorize?client_id=%3Cb%3E&lang="+tag, nil))
			return w
		},
		"too many, by server": func() *httptest.ResponseRecorder {
			s := newSite(t, nil...)
			p, err := web.New(web.Config{Redeemer: s.redeemer, PublicURL: publicURL, Random: newRandom(), Logger: discard})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/s/redeem?lang="+tag, nil)
			web.SecureHeaders(true)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p.ErrorPage(w, r, http.StatusTooManyRequests, "ABCD23")
			})).ServeHTTP(w, r)
			return w
		},
	}
	empty := learner()
	empty.Record.Events = nil
	pages["record, no events"] = submit(record(t, empty, language, plr.DefaultFields()...), nil, filled())
	for _, code := range signin.PageProblems() {
		pages["problem "+string(code)] = get("/sign-in/problem?code=" + string(code) + "&ref=REF-2345")
	}
	return pages
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"en", "cy"} {
		for name, ask := range everyPage(t, tag) {
			t.Run(name+" in "+tag, func(t *testing.T) {
				t.Parallel()
				w := ask()
				checkHeaders(t, w.Header(), tag)
				checkPage(t, w.Body.String(), tag, strings.HasPrefix(name, "record"))
			})
		}
	}
}

func checkHeaders(t *testing.T, h http.Header, tag string) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control":                "no-store",
		"Referrer-Policy":              "no-referrer",
		"X-Robots-Tag":                 "noindex, nofollow, noarchive, nosnippet",
		"X-Content-Type-Options":       "nosniff",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "max-age=63072000; includeSubDomains",
		"Content-Type":                 "text/html; charset=utf-8",
		"Content-Language":             tag,
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if h.Get("Permissions-Policy") == "" || h.Get("Content-Length") == "" {
		t.Errorf("missing Permissions-Policy or Content-Length: %v", h)
	}
}

func checkPage(t *testing.T, body, tag string, languageFixed bool) {
	t.Helper()
	all := parse(t, body)
	if got := named(all, "html")[0].attr["lang"]; got != tag {
		t.Errorf("lang %q, want %q", got, tag)
	}
	titles, headings := named(all, "title"), named(all, "h1")
	if len(titles) != 1 || len(headings) != 1 || len(named(all, "main")) != 1 {
		t.Fatalf("%d title, %d h1, %d main", len(titles), len(headings), len(named(all, "main")))
	}
	failed := map[string]string{"en": "Error:", "cy": "Gwall:"}[tag]
	if title := strings.TrimPrefix(titles[0].text, failed+" "); title != squeeze(headings[0].text)+" - OpenPLR" {
		t.Errorf("title %q over heading %q", titles[0].text, headings[0].text)
	}
	summary := strings.Contains(body, `class="govuk-error-summary"`)
	if strings.HasPrefix(titles[0].text, failed) != summary {
		t.Errorf("title %q although error summary is %v", titles[0].text, summary)
	}

	ids, labels := map[string]bool{}, map[string]string{}
	for _, e := range all {
		if id := e.attr["id"]; id != "" {
			if ids[id] {
				t.Errorf("id %q twice", id)
			}
			ids[id] = true
		}
		if e.name == "label" {
			labels[e.attr["for"]] = squeeze(e.text)
		}
	}
	other := false
	for _, e := range all {
		if e.name == "input" && labels[e.attr["id"]] == "" {
			t.Errorf("input %q has no label", e.attr["name"])
		}
		for id := range strings.FieldsSeq(e.attr["aria-describedby"]) {
			if !ids[id] {
				t.Errorf("described by %q, which is not there", id)
			}
		}
		for name := range e.attr {
			if name == "style" || strings.HasPrefix(name, "on") {
				t.Errorf("%s has %s, which the policy forbids", e.name, name)
			}
		}
		for _, name := range []string{"href", "src", "action"} {
			address, ok := e.attr[name]
			if !ok {
				continue
			}
			place, err := url.Parse(address)
			if err != nil || place.Host != "" || (place.Scheme != "" && address != "data:,") {
				t.Errorf("%s leads away: %q", e.name, address)
			}
			if id, here := strings.CutPrefix(address, "#"); here && !ids[id] {
				t.Errorf("%q leads nowhere", address)
			}
		}
		if e.attr["id"] == "other-language" {
			other = true
			place, err := url.Parse(e.attr["href"])
			if err != nil || place.Query().Get("lang") != e.attr["hreflang"] || e.attr["hreflang"] == tag || e.attr["lang"] != e.attr["hreflang"] {
				t.Errorf("link to the other language: %v", e.attr)
			}
		}
		if e.name == "script" && (e.attr["src"] == "" || e.text != "") {
			t.Error("inline script")
		}
	}
	if other == languageFixed {
		t.Errorf("link to the other language: %v", other)
	}
	for _, want := range []string{`name="robots" content="noindex, nofollow, noarchive, nosnippet"`, `property="og:title" content="OpenPLR"`} {
		if !strings.Contains(body, want) {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(body, "%!") {
		t.Error("a text was given the wrong arguments")
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	want := map[string]int{
		"not found": 404, "refused form": 400, "PIN": 200, "unavailable": 200, "expired": 200, "busy": 503, "fault": 500,
		"store away": 503, "no outcome": 500, "duplicate field": 400, "no explorer": 404, "no such static": 404,
		"too many, by server": 429, "app refused": 400,
	}
	for name, ask := range everyPage(t, "en") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, ok := want[name]
			if !ok {
				status = http.StatusOK
			}
			if got := ask().Code; got != status {
				t.Errorf("status %d, want %d", got, status)
			}
		})
	}
}

func TestNewRefusesAnIncompleteConfig(t *testing.T) {
	t.Parallel()
	whole := web.Config{Redeemer: &fakeRedeemer{}, PublicURL: publicURL, Random: newRandom(), Logger: discard}
	if _, err := web.New(whole); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*web.Config){
		"Redeemer":  func(c *web.Config) { c.Redeemer = nil },
		"PublicURL": func(c *web.Config) { c.PublicURL = "" },
		"Random":    func(c *web.Config) { c.Random = nil },
		"Logger":    func(c *web.Config) { c.Logger = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := whole
			breakIt(&c)
			if _, err := web.New(c); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestHSTSOnlyByTLS(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	web.SecureHeaders(false)(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("sent over http: %q", got)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a refusal from elsewhere lacks the headers")
	}
}
