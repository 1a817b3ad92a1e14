package devop

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// hint is what became of the request's id_token_hint.
type hint struct {
	subject string
	err     error
}

type hintKey struct{}

func hintFrom(ctx context.Context) hint {
	h, _ := ctx.Value(hintKey{}).(hint)
	return h
}

// authorize checks what the library does not, or not strictly, before it sees
// the request.
func (p *provider) authorize(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			p.refuse(w, r, invalidRequest("the request cannot be read"))
			return
		}
		for _, values := range r.Form {
			if len(values) > 1 { // RFC 6749 3.1
				p.refuse(w, r, invalidRequest("a parameter is there more than once"))
				return
			}
		}
		// The library normalises before it compares: it takes "HTTP://" for
		// "http://" and drops an empty fragment. Exact means exact (RFC 9700 2.1).
		if r.Form.Get("client_id") == p.cfg.ClientID && !slices.Contains(p.cfg.RedirectURIs, r.Form.Get("redirect_uri")) {
			p.refuse(w, r, invalidRequest("redirect_uri is not registered for the client"))
			return
		}
		next.ServeHTTP(w, p.takeHint(r))
	}
}

// takeHint reads id_token_hint and hides it from the library, which would refuse
// an expired one, and with a page in place of a redirect.
func (p *provider) takeHint(r *http.Request) *http.Request {
	raw := r.Form.Get("id_token_hint")
	if raw == "" {
		return r
	}
	var h hint
	h.subject, h.err = p.readHint(raw)

	r = r.WithContext(context.WithValue(r.Context(), hintKey{}, h))
	query := r.URL.Query()
	for _, values := range []url.Values{query, r.Form, r.PostForm} {
		values.Del("id_token_hint")
	}
	u := *r.URL
	u.RawQuery = query.Encode()
	r.URL = &u
	return r
}
