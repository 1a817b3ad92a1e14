package devop

import (
	"net/http"
	"strings"
)

// The paths are One Login's.
const (
	authorizePath  = "/authorize"
	tokenPath      = "/token"
	userInfoPath   = "/userinfo"
	endSessionPath = "/logout"
	jwksPath       = "/.well-known/jwks.json"
)

// routes shows every path: ours by name, the library's behind "/" (jwksPath,
// tokenPath, and authorizePath with a session's id for the page's form).
func (p *provider) routes(library http.Handler, metadata []byte) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+discoveryPath, static("application/json", metadata))
	mux.Handle("GET "+stylesheetPath, static("text/css; charset=utf-8", stylesheet))
	mux.Handle("GET "+authorizePath, p.authorize(library))
	mux.Handle("POST "+authorizePath, p.authorize(library))
	mux.HandleFunc("GET "+endSessionPath, p.endSession)
	mux.HandleFunc("POST "+endSessionPath, p.endSession)
	mux.Handle(userInfoPath, challenge(library))
	mux.Handle("/", library)
	return everyRequest(mux)
}

// everyRequest holds for all paths. One Login answers 403 to a call without a
// User-Agent, which a Go program notices only in production.
func everyRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer") // page addresses hold session ids
		h.Set("X-Content-Type-Options", "nosniff")
		if strings.TrimSpace(r.UserAgent()) == "" {
			http.Error(w, "a User-Agent header is required", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		next.ServeHTTP(w, r)
	})
}

func static(contentType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	})
}

// challenge adds the header that a refused bearer token must be answered with
// (RFC 6750 3) and that the library leaves out.
func challenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(challenging{w}, r)
	})
}

type challenging struct{ http.ResponseWriter }

func (c challenging) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		c.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	c.ResponseWriter.WriteHeader(status)
}
