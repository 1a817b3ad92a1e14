package devop

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

// invalidRequest is a fault of the app, told with its reason: whoever reads it
// is the app's developer.
func invalidRequest(reason string) goidc.Error {
	return goidc.NewError(goidc.ErrorCodeInvalidRequest, reason)
}

// secretLike is any run of characters as long as a code (30), a token, a
// verifier, a session id or a key id.
var secretLike = regexp.MustCompile(`[A-Za-z0-9_.~-]{28,}`)

// scrub makes a library's error text fit for a log: it may quote what was sent.
func scrub(text string) string {
	text = secretLike.ReplaceAllString(text, "[...]")
	if len(text) > 300 {
		text = text[:300]
	}
	return text
}

// logFault is called by the library for every refusal, and by us for ours. The
// request itself never gets near the log: its query and body hold codes, tokens
// and subjects.
func (p *provider) logFault(ctx context.Context, err error) {
	code, ok := faultCode(err)
	if !ok {
		p.cfg.Logger.LogAttrs(ctx, slog.LevelError, "development sign-in failed", slog.String("reason", reason(err)))
		return
	}
	p.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "development sign-in refused",
		slog.String("code", string(code)), slog.String("reason", reason(err)))
}

// faultCode is the OAuth code of a refusal; anything without one is a failure of
// ours.
func faultCode(err error) (goidc.ErrorCode, bool) {
	var fault goidc.Error
	ok := errors.As(err, &fault)
	return fault.Code, ok
}

// reason is the innermost error, which says what is wrong; the layers around it
// only repeat "invalid request".
func reason(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	var fault goidc.Error
	if errors.As(err, &fault) {
		return scrub(fault.Description)
	}
	return scrub(err.Error())
}

// refuse answers with a page, for faults after which a redirect would be unsafe.
func (p *provider) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p.logFault(r.Context(), err)
	_ = p.faultPage(w, r, err)
}

// faultPage has the shape the library wants. Browsers get 400 whatever the
// OAuth error's own status is, as One Login does.
func (p *provider) faultPage(w http.ResponseWriter, r *http.Request, err error) error {
	t := textsFor(r.FormValue("ui_locales"))
	m := message{Heading: t.FaultHeading, Body: t.FaultBody, Code: "server_error"}
	status := http.StatusInternalServerError
	if code, ok := faultCode(err); ok {
		m.Code, m.Detail, status = string(code), reason(err), http.StatusBadRequest
	}
	p.render(w, status, t, "message", m)
	return nil
}
