package web

import (
	"net/http"
	"net/url"

	"openplr/plr"
)

// homeBody is what the start page's template is given.
type homeBody struct{ SignIn, Identity string }

// Home is GET /: what this is and where to go. It is the same for everyone: the
// browser withholds the strict session cookie from the first page after
// signing in, so a script asks who is signed in.
func (p *Pages) Home(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	p.show(w, r, http.StatusOK, "home.html", &page{
		Language: l, Title: say(l, "home.title"), Elsewhere: elsewhere(l), Script: "home.js",
		Body: &homeBody{SignIn: p.signInLink(l), Identity: identityLink(l)},
	})
}

// SignedOut is GET /signed-out.
func (p *Pages) SignedOut(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	p.show(w, r, http.StatusOK, "message.html", &page{
		Language: l, Title: say(l, "out.title"), Elsewhere: elsewhere(l),
		Body: &messageBody{
			Paragraphs: []string{say(l, "out.body"), say(l, "out.device")},
			Link:       p.signInLink(l), LinkText: say(l, "out.again"),
		},
	})
}

// signInLink begins signing in. A developer comes back to the explorer, where
// there is something to do; everybody else to the start page.
func (p *Pages) signInLink(l plr.Language) string {
	back := "/"
	if p.Development && p.Config.Explorer {
		back = "/explorer"
	}
	return "/auth/login?" + url.Values{"return_to": {back}, "ui_locales": {tagOf(l)}}.Encode()
}
