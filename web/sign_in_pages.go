package web

import (
	"net/http"
	"net/url"

	"openplr/plr"
	"openplr/signin"
)

// AppCallback is GET /app/callback, where a browser arrives whose app did not take
// the address over. The code in the query is worth nothing without what the app
// keeps to itself, and is not looked at all the same.
func (p *Pages) AppCallback(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	body := &messageBody{Paragraphs: []string{say(l, "app.body"), say(l, "app.install")}}
	if p.Development {
		body.Paragraphs = append(body.Paragraphs, say(l, "app.developer"))
	}
	pg := &page{Language: l, Title: say(l, "app.title"), Elsewhere: elsewhere(l), Body: body}
	body.Link, body.LinkText = pg.To("/"), say(l, "error.home")
	p.show(w, r, http.StatusOK, "message.html", pg)
}

// AppRefused answers where an app asked for what it may not, and cannot be told so
// by its own address. ref is the id the matter was logged under.
func (p *Pages) AppRefused(w http.ResponseWriter, r *http.Request, status int, ref string) {
	l := languageOf(r)
	pg := &page{Language: l, Title: say(l, "app.refused.title"), Elsewhere: "/" + elsewhere(l)}
	pg.Body = &messageBody{Paragraphs: []string{say(l, "app.refused.body"), say(l, "app.refused.then")}, Ref: ref, Link: pg.To("/"), LinkText: say(l, "error.home")}
	w.Header().Set("Content-Security-Policy", pagePolicy) // sign-in's own answers may not even have a style
	p.show(w, r, status, "message.html", pg)
}

// IdentityContinue is GET /identity/continue, where somebody arrives who went away
// to prove their identity in person, days ago perhaps. They may have signed in on the
// way here or not: the page is the same, because nothing that is asked from elsewhere
// carries the session.
func (p *Pages) IdentityContinue(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	p.show(w, r, http.StatusOK, "message.html", &page{
		Language: l, Title: say(l, "continue.title"), Elsewhere: elsewhere(l),
		Body: &messageBody{
			Paragraphs: []string{say(l, "continue.body"), say(l, "continue.sharing")},
			First:      "/auth/login?" + url.Values{"return_to": {"/identity/continue?lang=" + tagOf(l)}, "ui_locales": {tagOf(l)}}.Encode(), FirstText: say(l, "continue.signin"),
			Link: identityLink(l), LinkText: say(l, "continue.link"),
		},
	})
}

// identityLink begins proving who one is.
func identityLink(l plr.Language) string {
	return signin.IdentityStartPath + "?" + url.Values{"return_to": {"/"}, "ui_locales": {tagOf(l)}}.Encode()
}
