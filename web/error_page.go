package web

import (
	"net/http"
	"slices"

	"openplr/plr"
)

// messageBody is what the template of pages that only say something is given.
type messageBody struct {
	Paragraphs []string
	// Ref is the id under which the matter is logged; empty when it is not.
	Ref string
	// Link and LinkText lead on; First and FirstText, optional, stand before them.
	Link, LinkText   string
	First, FirstText string
}

// statusTexts are the statuses with words of their own; others get those of
// 400 or 500.
var statusTexts = map[int]struct{ title, body string }{
	http.StatusBadRequest:            {"error.400.title", "error.400.body"},
	http.StatusForbidden:             {"error.403.title", "error.403.body"},
	http.StatusNotFound:              {"error.404.title", "error.404.body"},
	http.StatusRequestEntityTooLarge: {"error.413.title", "error.413.body"},
	http.StatusUnsupportedMediaType:  {"error.415.title", "error.415.body"},
	http.StatusTooManyRequests:       {"error.429.title", "error.429.body"},
	http.StatusInternalServerError:   {"error.500.title", "error.500.body"},
	http.StatusServiceUnavailable:    {"error.503.title", "error.503.body"},
}

// ErrorPage answers with a page for an HTTP status, for whatever refuses a
// person's request before a page is reached (rate limit, cross-origin check).
// ref is the id the matter was logged under, or empty. Retry-After is the
// caller's to set.
func (p *Pages) ErrorPage(w http.ResponseWriter, r *http.Request, status int, ref string) {
	texts, ok := statusTexts[status]
	if !ok && status < http.StatusInternalServerError {
		texts = statusTexts[http.StatusBadRequest]
	} else if !ok {
		texts = statusTexts[http.StatusInternalServerError]
	}
	l := languageOf(r)
	pg := &page{Language: l, Title: say(l, texts.title), Elsewhere: elsewhere(l)}
	pg.Body = &messageBody{Paragraphs: []string{say(l, texts.body)}, Ref: ref, Link: pg.To("/"), LinkText: say(l, "error.home")}
	if !slices.Contains([]string{http.MethodGet, http.MethodHead}, r.Method) {
		pg.Elsewhere = "/" + elsewhere(l) // the answer to a POST cannot be asked for again by a link
	}
	p.show(w, r, status, "message.html", pg)
}

// NotFound answers for every address that is none of ours.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.ErrorPage(w, r, http.StatusNotFound, "")
}

// fault answers for what is our failure: logged under an id without any input,
// told without detail.
func (p *Pages) fault(w http.ResponseWriter, r *http.Request, err error) {
	status, ref := http.StatusInternalServerError, p.newRef()
	if code := plr.CodeOf(err); code == plr.CodeUnavailable {
		status = http.StatusServiceUnavailable
	}
	setRetryAfter(w.Header(), retryAfter(err))
	p.Logger.ErrorContext(r.Context(), "page failed", "ref", ref, "status", status, "kind", kind(err))
	p.ErrorPage(w, r, status, ref)
}
