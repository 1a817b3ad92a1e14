package web_test

import (
	"net/url"
	"strings"
	"testing"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, query, header, want string }{
		{"nothing said", "", "", "en"},
		{"Welsh browser", "", "cy-GB,cy;q=0.9,en;q=0.5", "cy"},
		{"English before Welsh", "", "en-GB,cy;q=0.5", "en"},
		{"Welsh before English, unordered", "", "en;q=0.4, cy;q=0.6", "cy"},
		{"French, then Welsh", "", "fr,cy;q=0.5", "cy"},
		{"French only", "", "fr", "en"},
		{"English refused", "", "cy, en;q=0", "cy"},
		{"asked for against the browser", "?lang=cy", "en", "cy"},
		{"asked for English in a Welsh browser", "?lang=en", "cy", "en"},
		{"asked for an unknown one", "?lang=de", "cy", "cy"},
		{"garbage", "?lang=%zz", ";;;q=x,-", "en"},
		{"very long", "", strings.Repeat("a-", 5000), "en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := newSite(t).get("/"+c.query, "Accept-Language", c.header).Header().Get("Content-Language"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whoever chose a language keeps it: our links carry it, sign-in's too.
func TestLinksCarryTheLanguage(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"/", "/s", "/signed-out", "/sign-in/problem?code=access_denied"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			for _, a := range named(parse(t, newSite(t).get(page, "Accept-Language", "cy").Body.String()), "a") {
				place, err := url.Parse(a.attr["href"])
				if err != nil {
					t.Fatal(err)
				}
				q := place.Query()
				switch {
				case a.attr["id"] == "other-language" || place.Path == "" || place.Path == "/explorer" || place.Path == "/schema.graphqls":
				case place.Path == "/auth/login":
					if q.Get("ui_locales") != "cy" || q.Get("return_to") != "/" {
						t.Errorf("sign-in link %s", place)
					}
				case q.Get("lang") != "cy":
					t.Errorf("%s loses the language", place)
				}
			}
		})
	}
}
