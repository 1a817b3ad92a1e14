package devop

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed style.css
var stylesheet []byte

var pages = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

const stylesheetPath = "/devop.css"

// message is a page with nothing to decide.
type message struct {
	Heading, Body string
	Code, Detail  string // for the developer; Detail is English
}

type signInPage struct {
	Action     string
	Problem    string
	Identity   bool // the app wants an identity proved
	Groups     []listedGroup
	Errors     []goidc.ErrorCode
	Everywhere string
}

type listedGroup struct {
	Heading string
	People  []listed
}

type listed struct {
	Person
	Place int // on the page, for ids
}

// signIn shows the list. Whoever the app suggests by login_hint comes first; a
// hint that fits nobody is ignored, as by any provider.
func (p *provider) signIn(w http.ResponseWriter, as *goidc.AuthnSession, status int, problem func(texts) string) {
	asked := askedIn(as.Store)
	t := textsFor(asked.locales)
	page := signInPage{
		Action: authorizePath + "/" + url.PathEscape(as.ID), Identity: asked.level.identity,
		Errors: errorButtons, Everywhere: everywherePath + "?ui_locales=" + t.Lang,
	}
	if problem != nil {
		page.Problem = problem(t)
	}
	place := 0
	add := func(heading string, belongs func(Person) bool) {
		group := listedGroup{Heading: heading}
		for _, person := range p.cfg.People {
			if belongs(person) {
				group.People = append(group.People, listed{person, place})
				place++
			}
		}
		if len(group.People) > 0 {
			page.Groups = append(page.Groups, group)
		}
	}
	add(t.Suggested, func(person Person) bool { return person.Subject == as.LoginHint })
	for _, g := range groups {
		add(t.Groups[g], func(person Person) bool { return person.group() == g && person.Subject != as.LoginHint })
	}
	p.render(w, status, t, "signin", page)
}

// render builds the page before it writes anything, so that a broken template is
// a clean 500 and not half a page.
func (p *provider) render(w http.ResponseWriter, status int, t texts, name string, data any) {
	var buf bytes.Buffer
	err := pages.ExecuteTemplate(&buf, name, struct {
		T          texts
		Stylesheet string
		Page       any
	}{t, stylesheetPath, data})
	if err != nil {
		p.cfg.Logger.Error("development sign-in page", "page", name, "error", scrub(err.Error()))
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", t.Lang)
	h.Set("Content-Security-Policy", p.policy)
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// contentPolicy allows our stylesheet and our form, and nothing else. Chromium
// holds form-action against every redirect that follows a post, so the app's
// origins must be in it, or the button would silently do nothing (seen in Chromium).
func contentPolicy(cfg Config) string {
	targets := []string{"'self'"}
	for _, uri := range append(slices.Clone(cfg.RedirectURIs), cfg.AppOrigins...) {
		u, err := url.Parse(uri)
		if err != nil {
			continue // New has refused it already
		}
		target := u.Scheme + ":" // an app's own scheme has no origin
		if isOrigin(u) {
			target = u.Scheme + "://" + u.Host
		}
		if !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	return "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " +
		strings.Join(targets, " ")
}
