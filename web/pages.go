package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/base32"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strconv"

	"openplr/plr"
)

// Redeemer opens shared links; *plr.Service does.
type Redeemer interface {
	Redeem(ctx context.Context, in plr.RedeemInput) (plr.RedeemOutcome, error)
}

// Config is what the pages need. Every part without "optional" must be set.
type Config struct {
	Redeemer Redeemer
	// PublicURL is where people reach the service, without a trailing slash.
	PublicURL string
	// Explorer, optional, shows the explorer and links to it.
	Explorer bool
	// Schema, optional, links to /schema.graphqls.
	Schema bool
	// Identity, optional, links to proving who one is.
	Identity bool
	// Development, optional, says on every page that the learners are samples.
	Development bool
	// Random gives unpredictable bytes.
	Random io.Reader
	Logger *slog.Logger
}

// Pages answers with pages for people. Its exported methods with the signature
// of http.HandlerFunc are handlers; they are safe for concurrent use.
type Pages struct {
	Config
	templates map[string]*template.Template
}

//go:embed templates/*.html
var templateFiles embed.FS

// layoutFile frames every page; the other templates fill its blocks.
const layoutFile = "templates/layout.html"

// New makes the Pages.
func New(c Config) (*Pages, error) {
	if c.Redeemer == nil || c.PublicURL == "" || c.Random == nil || c.Logger == nil {
		return nil, errors.New("web: incomplete Config")
	}
	p := &Pages{Config: c, templates: map[string]*template.Template{}}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == layoutFile {
			continue
		}
		t, err := template.New(path.Base(layoutFile)).Option("missingkey=error").ParseFS(templateFiles, layoutFile, name)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		p.templates[path.Base(name)] = t
	}
	return p, nil
}

// page is what a template is given.
type page struct {
	Language plr.Language
	// Title is the page's one heading and, with the service's name, its title. It
	// never names a person: titles stay in browser histories.
	Title string
	// Failed puts "Error:" before the title, for those who hear it first.
	Failed bool
	// Elsewhere is the address of this page in the other language; empty where
	// the language is not the reader's to choose.
	Elsewhere string
	// Script is the page's own script under /static, if it has one.
	Script string
	Body   any

	*Pages
}

// T gives the text with this key in the page's language. It is a method, not
// a map, so that a missing key fails the page and with it a test.
func (pg *page) T(key string, args ...any) (string, error) { return text(pg.Language, key, args...) }

// Tag is the page's language as HTML writes it.
func (pg *page) Tag() string { return tagOf(pg.Language) }

// Other is the language the page is not in.
func (pg *page) Other() plr.Language { return otherThan(pg.Language) }

// OtherTag is Other as HTML writes it.
func (pg *page) OtherTag() string { return tagOf(pg.Other()) }

// To gives the address of another of our pages in the same language.
func (pg *page) To(place string) string { return place + "?lang=" + pg.Tag() }

// Asset gives the address of a file under /static.
func (pg *page) Asset(name string) (string, error) { return assetURL(name) }

// render draws a page. Nothing is written: a page is complete or not sent.
func (p *Pages) render(name string, pg *page) ([]byte, error) {
	pg.Pages = p
	var b bytes.Buffer
	if err := p.templates[name].Execute(&b, pg); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// show draws and writes a page that discloses nothing.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, name string, pg *page) {
	body, err := p.render(name, pg)
	if err != nil {
		p.Logger.ErrorContext(r.Context(), "page not drawn", "page", name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	pageHeaders(w.Header(), pg.Language)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // made by html/template, which escapes; a reader who is gone cannot be told
}

// pageHeaders are those of one page; what all answers share is in SecureHeaders.
func pageHeaders(h http.Header, l plr.Language) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", tagOf(l))
	h.Add("Vary", "Accept-Language")
}

// newRef makes the id under which a fault is logged and told to the reader.
// Capitals and digits without look-alikes: it is read out on the telephone.
func (p *Pages) newRef() string {
	var b [6]byte
	if _, err := io.ReadFull(p.Random, b[:]); err != nil {
		return ""
	}
	return refEncoding.EncodeToString(b[:])
}

var refEncoding = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)
