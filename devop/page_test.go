package devop_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"openplr/devop"
)

func TestPage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pairs []string
		want  []string
		not   []string
	}{
		"English": {
			want: []string{
				`<html lang="en">`, `<h1>Choose who to sign in as</h1>`,
				"DEVELOPMENT sign-in: these people are invented",
				`value="` + mari.Subject + `"`, "Sign in as Mari Llwyd", mari.Email,
				`<p id="about-1">has a record with a match</p>`, `aria-describedby="about-1"`,
				`>Cancel</button>`, `<link rel="stylesheet" href="/devop.css">`,
				"Tom &lt;b&gt;Thumb&lt;/b&gt;",
			},
			not: []string{"<script", "<style", " style=", "onclick", "Suggested", "<b>", "prove who you are"},
		},
		"Welsh": {
			pairs: []string{"ui_locales", "fr cy-GB en"},
			want: []string{
				`<html lang="cy">`, `<h1>Dewiswch berson i fewngofnodi</h1>`,
				"Mewngofnodi ar gyfer DATBLYGU: pobl ddychmygol yw’r rhain",
				"Mewngofnodi fel Mari Llwyd", `lang="en">has no record`, `>Canslo</button>`,
			},
			not: []string{"Sign in", "Cancel"},
		},
		"a language we do not speak": {
			pairs: []string{"ui_locales", "fr"},
			want:  []string{`<html lang="en">`},
		},
		"suggested person first": {
			pairs: []string{"login_hint", mari.Subject},
			want:  []string{"Suggested by the app", `<p id="about-0">has a record with a match</p>`},
		},
		"unknown login_hint without dev_auto": {
			pairs: []string{"login_hint", "nobody"},
			want:  []string{"Sign in as Mari Llwyd"},
			not:   []string{"Suggested", "nobody"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, func(c *devop.Config) { c.AppOrigins = []string{"http://localhost:5173"} })
			page := a.get(a.authorizeURL(a.trip(), tc.pairs...))
			a.formOf(page)
			if page.status != http.StatusOK {
				t.Errorf("status %d", page.status)
			}
			for _, text := range tc.want {
				if !strings.Contains(page.body, text) {
					t.Errorf("no %s in the page", text)
				}
			}
			for _, text := range tc.not {
				if strings.Contains(page.body, text) {
					t.Errorf("%s in the page", text)
				}
			}
			if t.Failed() {
				t.Log(page.body)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; " +
					"form-action 'self' http://localhost:8080 http://localhost:5173",
				"Content-Type":           "text/html; charset=utf-8",
				"Referrer-Policy":        "no-referrer",
				"X-Content-Type-Options": "nosniff",
			} {
				if got := page.header.Get(name); got != want {
					t.Errorf("%s: %q", name, got)
				}
			}
			if !strings.Contains(page.header.Get("Cache-Control"), "no-store") {
				t.Errorf("Cache-Control: %q", page.header.Get("Cache-Control"))
			}
		})
	}
}

func TestPageKeepsItsLanguage(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	form := a.formOf(a.get(a.authorizeURL(a.trip(), "ui_locales", "cy")))
	page := a.do(http.MethodPost, form, nil)
	if page.status != http.StatusBadRequest || !strings.Contains(page.body, `role="alert">Dewiswch berson o’r rhestr`) {
		t.Errorf("status %d, %s", page.status, page.body)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	tr := a.trip()
	form := a.formOf(a.get(a.authorizeURL(tr)))
	q := a.do(http.MethodPost, form, url.Values{"action": {"cancel"}}).location(t, callback)
	if q.Get("error") != "access_denied" || q.Get("state") != tr.state || q.Get("iss") != a.iss || q.Has("code") {
		t.Errorf("callback got %v", q)
	}
	if again := a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}); again.status != http.StatusBadRequest {
		t.Errorf("the cancelled page answered %d", again.status)
	}
}

// A choice is made by a post only: a link must not sign anybody in.
func TestGetDecidesNothing(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	form := a.formOf(a.get(a.authorizeURL(a.trip())))
	a.formOf(a.get(form + "?subject=" + url.QueryEscape(mari.Subject)))
	a.formOf(a.get(form + "?action=cancel"))
	a.formOf(a.do(http.MethodPost, form+"?subject="+url.QueryEscape(mari.Subject), nil))
}

func TestStylesheet(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	r := a.get(a.issuer + "/devop.css")
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(r.body, ":focus-visible") {
		t.Errorf("status %d, %v", r.status, r.header)
	}
}

func TestIDTokenHintAsksForOnePerson(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	hint := a.idToken(mari.Subject)
	tests := map[string]struct{ subject, want string }{
		"the same person": {mari.Subject, ""},
		"another person":  {tom.Subject, "login_required"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := a.trip()
			form := a.formOf(a.get(a.authorizeURL(tr, "id_token_hint", hint, "prompt", "login", "max_age", "0")))
			q := a.do(http.MethodPost, form, url.Values{"subject": {tc.subject}}).location(t, callback)
			a.secret(q.Get("code"))
			if q.Get("error") != tc.want || q.Has("code") != (tc.want == "") {
				t.Errorf("callback got %v", q)
			}
		})
	}
}

// Whoever reads with a screen reader or a keyboard meets the headings and the
// buttons in this order.
func TestPageIsInGroups(t *testing.T) {
	t.Parallel()
	person := func(subject string, group devop.Group) devop.Person {
		return devop.Person{Subject: subject, Name: strings.ToUpper(subject), Group: group}
	}
	people := func(c *devop.Config) {
		c.People = []devop.Person{
			person("other", ""), person("fails", devop.GroupIdentityFails), person("sensitive", devop.GroupSensitive),
			person("bound", devop.GroupAlreadyBound), person("several", devop.GroupSeveralMatches), person("none", devop.GroupNoMatch),
			person("claim", devop.GroupToClaim), person("one", devop.GroupOrdinary), person("two", devop.GroupOrdinary),
		}
	}
	tests := map[string]struct {
		pairs []string
		want  string
	}{
		"English": {
			want: "Choose who to sign in as/Ordinary/ONE/one/TWO/two/To claim a record/CLAIM/claim/No match/NONE/none/Several matches/SEVERAL/several/" +
				"Record already bound to another account/BOUND/bound/Sensitive/SENSITIVE/sensitive/Identity fails/FAILS/fails/Other/OTHER/other/cancel/" +
				"End with an error/temporarily_unavailable/unauthorized_client/login_required/server_error/invalid_request/Sign out everywhere",
		},
		"Welsh, with a suggestion": {
			pairs: []string{"ui_locales", "cy", "login_hint", "claim"},
			want: "Dewiswch berson i fewngofnodi/Awgrymwyd gan yr ap/CLAIM/claim/Cyffredin/ONE/one/TWO/two/Dim cofnod cyfatebol/NONE/none/" +
				"Sawl cofnod cyfatebol/SEVERAL/several/Cofnod sydd eisoes ynghlwm wrth gyfrif arall/BOUND/bound/Sensitif/SENSITIVE/sensitive/" +
				"Methu profi hunaniaeth/FAILS/fails/Eraill/OTHER/other/cancel/Gorffen â gwall/temporarily_unavailable/unauthorized_client/" +
				"login_required/server_error/invalid_request/Allgofnodi ym mhobman",
		},
	}
	piece := regexp.MustCompile(`<(?:h1|h2|h3|summary)>([^<]+)<|<a href="/sign-out-everywhere[^>]*>([^<]+)<|<button[^>]* value="([^"]+)"`)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, people)
			page := a.get(a.authorizeURL(a.trip(), tc.pairs...))
			var got []string
			for _, m := range piece.FindAllStringSubmatch(page.body, -1) {
				got = append(got, m[1]+m[2]+m[3])
			}
			if strings.Join(got, "/") != tc.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "/"), tc.want)
			}
			if strings.Count(page.body, "<h1") != 1 || strings.Contains(page.body, "tabindex") {
				t.Error(page.body)
			}
		})
	}
}

func TestPageSaysWhatIsAsked(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	page := a.get(a.authorizeURL(a.trip(), "vtr", `["Cl.Cm.P2"]`))
	if !strings.Contains(page.body, "The app asks you to prove who you are.") {
		t.Error(page.body)
	}
}

func TestErrorButtons(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for _, code := range []string{"temporarily_unavailable", "unauthorized_client", "login_required", "server_error", "invalid_request"} {
		tr := a.trip()
		form := a.formOf(a.get(a.authorizeURL(tr)))
		q := a.do(http.MethodPost, form, url.Values{"error": {code}}).location(t, callback)
		if q.Get("error") != code || q.Get("state") != tr.state || q.Get("iss") != a.iss || q.Has("code") {
			t.Errorf("%s: callback got %v", code, q)
		}
		if again := a.do(http.MethodPost, form, url.Values{"subject": {mari.Subject}}); again.status != http.StatusBadRequest {
			t.Errorf("%s: the ended page answered %d", code, again.status)
		}
	}
	// Only those on the page, and not by a link.
	form := a.formOf(a.get(a.authorizeURL(a.trip())))
	if r := a.do(http.MethodPost, form, url.Values{"error": {"made_up"}}); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
		t.Errorf("status %d", r.status)
	}
	a.formOf(a.get(form + "?error=server_error"))
}

// The app prints the provider's address, so people open it.
func TestFrontPage(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	for query, want := range map[string]string{"": "<h1>Nothing to do here</h1>", "?ui_locales=cy": "<h1>Dim i’w wneud yma</h1>"} {
		if page := a.get(a.issuer + "/" + query); page.status != http.StatusOK || !strings.Contains(page.body, want) {
			t.Errorf("%q: %d %s", query, page.status, page.body)
		}
	}
}
