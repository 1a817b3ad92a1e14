package devop

import (
	"fmt"
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
	trustmarkPath  = "/trustmark"
)

// at is the address of a path here.
func (p *provider) at(path string) string { return p.cfg.origin() + path }

// routes shows every path: ours by name, the library's behind "/" (jwksPath,
// tokenPath, and authorizePath with a session's id for the page's form).
func (p *provider) routes(library http.Handler, metadata, did []byte) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+discoveryPath, static("application/json", metadata))
	mux.Handle("GET "+didPath, cached("max-age=3600, private", static("application/json", did)))
	mux.Handle("GET "+trustmarkPath, static("application/json", []byte(p.trustmark())))
	mux.Handle("GET "+stylesheetPath, static("text/css; charset=utf-8", stylesheet))
	mux.Handle("GET "+authorizePath, short(4096, p.authorize(library)))
	mux.Handle("POST "+authorizePath, p.authorize(library))
	mux.Handle("GET "+endSessionPath, short(2048, http.HandlerFunc(p.endSession)))
	mux.HandleFunc("POST "+endSessionPath, p.endSession)
	mux.HandleFunc("GET "+everywherePath, p.everywhere)
	mux.HandleFunc("POST "+everywherePath, p.everywhere)
	mux.HandleFunc("GET /{$}", p.nothingHere)
	mux.Handle(userInfoPath, challenge(library))
	mux.Handle(tokenPath, p.besideIssuer(library))
	mux.Handle("/", library)
	return everyRequest(mux)
}

// nothingHere is for a developer who opens the address that the app printed.
func (p *provider) nothingHere(w http.ResponseWriter, r *http.Request) {
	t := textsFor(r.URL.Query().Get("ui_locales"))
	p.render(w, http.StatusOK, t, "message", message{Heading: t.RootHeading, Body: t.RootBody})
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

// short refuses a longer query, as the firewall before One Login does: an app
// that sends too much would notice only there.
func short(limit int, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.RawQuery) > limit {
			http.Error(w, fmt.Sprintf("the query is longer than %d bytes", limit), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// besideIssuer makes the token endpoint's address right: the library appends the
// request's path to the issuer and takes that for the audience of assertions.
func (p *provider) besideIssuer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.cfg.Issuer != p.cfg.origin() {
			r = r.WithContext(r.Context()) // a copy
			r.RequestURI = strings.TrimPrefix(r.RequestURI, "/")
		}
		next.ServeHTTP(w, r)
	})
}

// trustmark says which levels there are; "vtm" leads to it.
func (p *provider) trustmark() string {
	return fmt.Sprintf(`{"idp":%[1]q,"trustmark_provider":%[1]q,"C":["Cl","Cl.Cm"],"P":["P0","P1","P2"]}`, p.cfg.Issuer)
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
