package web_test

import (
	"strings"
	"testing"

	"openplr/web"
)

func TestHomeLinks(t *testing.T) {
	t.Parallel()
	const prove = `href="/auth/identity/start?return_to=%2F&amp;ui_locales=en"`
	for _, c := range []struct {
		name   string
		change func(*web.Config)
		want   []string
	}{
		{"production", func(c *web.Config) { c.Explorer = false }, []string{`href="/auth/login?return_to=%2F&amp;ui_locales=en"`, `href="/s?lang=en"`}},
		{"schema open", func(c *web.Config) { c.Schema = true }, []string{`href="/schema.graphqls"`}},
		{"identity", func(c *web.Config) { c.Identity = true }, []string{prove}},
		{"explorer open", func(*web.Config) {}, []string{`href="/auth/login?return_to=%2F&amp;ui_locales=en"`, `href="/explorer"`}},
		{"development", func(c *web.Config) { c.Development = true }, []string{`href="/auth/login?return_to=%2Fexplorer&amp;ui_locales=en"`, "All learners are made up."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			body := newSite(t, c.change).get("/").Body.String()
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("missing %s", want)
				}
			}
			if c.name != "identity" && strings.Contains(body, "/auth/identity") {
				t.Error("leads to proving an identity that cannot be proved")
			}
			if closed := c.name == "production"; closed && (strings.Contains(body, `href="/schema.graphqls"`) || strings.Contains(body, `href="/explorer"`)) {
				t.Error("leads to what is closed")
			}
		})
	}
}

// What sign-in's address brings along is shown only when it cannot be a message.
func TestProblemReference(t *testing.T) {
	t.Parallel()
	for ref, shown := range map[string]bool{
		"REF-2345": true, "01JD_abc": true, "": false, "abc": false, "call+0900+123": false, "%3Cb%3E": false,
		strings.Repeat("a", 41): false,
	} {
		body := newSite(t).get("/sign-in/problem?code=provider_error&ref=" + ref).Body.String()
		if got := strings.Contains(body, "quote the reference"); got != shown {
			t.Errorf("ref %q shown: %v", ref, got)
		}
		if !shown && ref != "" && strings.Contains(seen(t, body), ref) {
			t.Errorf("ref %q reached the page", ref)
		}
	}
	body := newSite(t).get("/sign-in/problem?code=access_denied&ref=REF-2345").Body.String()
	if !strings.Contains(body, `href="?code=access_denied&amp;lang=cy&amp;ref=REF-2345"`) {
		t.Error("the other language forgets what the problem was")
	}
}

// The page for those whose app is missing has nothing to do with what came along.
func TestAppCallbackUsesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	plain := s.get("/app/callback").Body.String()
	w := s.get("/app/callback?code=c0de-7741&state=st4te-7741&iss=https%3A%2F%2Fevil.example&error=%3Cb%3E")
	if w.Body.String() != plain {
		t.Error("the query changes the page")
	}
	if strings.Contains(s.logged.String(), "7741") {
		t.Errorf("logged: %s", s.logged)
	}
	for _, e := range parse(t, plain) {
		if e.name == "script" || e.name == "img" || e.name == "form" || e.name == "iframe" {
			t.Errorf("the page has a %s", e.name)
		}
	}
	if !strings.Contains(plain, `href="?lang=cy"`) {
		t.Error("the other language takes the query along, or is missing")
	}
	if dev := newSite(t, func(c *web.Config) { c.Development = true }).get("/app/callback").Body.String(); !strings.Contains(dev, "/auth/app/token") {
		t.Error("a developer is not told how it goes on")
	}
	if strings.Contains(plain, "/auth/app/token") {
		t.Error("people are told what is for developers")
	}
}

func TestIdentityContinue(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string]string{"en": "ui_locales=en", "cy": "ui_locales=cy"} {
		body := newSite(t).get("/identity/continue?lang=" + lang + "&return_to=//evil").Body.String()
		if !strings.Contains(body, `href="/auth/identity/start?return_to=%2F&amp;`+want+`"`) || strings.Contains(body, "evil") ||
			!strings.Contains(body, `href="/auth/login?return_to=%2Fidentity%2Fcontinue%3Flang%3D`+lang+`&amp;`+want+`"`) {
			t.Errorf("%s: %s", lang, seen(t, body))
		}
	}
}
