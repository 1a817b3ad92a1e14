package devop

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

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
		params := r.URL.Query()
		if r.Method == http.MethodPost {
			params = r.PostForm
		}
		known := params.Get("client_id") == p.cfg.ClientID
		var fault error
		if params.Has("request") && known {
			var err error
			if params, fault, err = p.unpack(params); err != nil {
				p.refuse(w, r, err)
				return
			}
		}
		// The library normalises before it compares: it takes "HTTP://" for
		// "http://" and drops an empty fragment. Exact means exact (RFC 9700 2.1).
		if known && !slices.Contains(p.cfg.RedirectURIs, params.Get("redirect_uri")) {
			p.refuse(w, r, invalidRequest("redirect_uri is not registered for the client"))
			return
		}
		a := p.readRequest(params)
		if fault != nil {
			a.fault = fault
		}
		next.ServeHTTP(w, withParams(r.WithContext(context.WithValue(r.Context(), askedKey{}, a)), params))
	}
}

// withParams puts other parameters in place of those of a copied request.
func withParams(r *http.Request, params url.Values) *http.Request {
	u := *r.URL
	r.URL, r.Form = &u, params
	if r.Method == http.MethodPost {
		u.RawQuery, r.PostForm = "", params
	} else {
		u.RawQuery = params.Encode()
	}
	return r
}
