package main

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// parseAllowedOrigins reads ALLOWED_ORIGINS: origins of our own front ends,
// separated by commas. They must be on the site of PUBLIC_URL: the session cookie
// is strict, so that a front end elsewhere could call and never be signed in, and a
// browser that sent the cookie from there would send it for anybody.
func parseAllowedOrigins(text, publicURL string, production bool) ([]string, error) {
	var out []string
	var faults []error
	bad := func(why string) { faults = append(faults, errors.New("ALLOWED_ORIGINS "+why)) }
	public, err := url.Parse(publicURL)
	if err != nil {
		public = &url.URL{} // PUBLIC_URL is refused by itself, and nothing is on its site
	}
	for _, item := range listOf(text) {
		u, err := url.Parse(item)
		switch {
		case err != nil || !isOrigin(u, item):
			bad("has an entry that is no origin: write https://host or https://host:port as browsers do, in small letters, without a path and without :443")
		case u.Scheme != "https" && (production || u.Scheme != "http" || !isLoopback(u.Hostname())):
			bad("has an entry without https: http is for this machine in development")
		case u.Scheme != public.Scheme || !sameSite(u.Hostname(), public.Hostname()):
			bad("has an entry on another site than PUBLIC_URL: browsers keep the session cookie from it; give the front end a name under the same registrable domain, with the same scheme")
		case item != publicURL && !slices.Contains(out, item):
			out = append(out, item)
		}
	}
	return out, errors.Join(faults...)
}

func isOrigin(u *url.URL, text string) bool {
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	return u.Host != "" && u.Scheme+"://"+u.Host == text && strings.ToLower(text) == text && u.Port() != port &&
		!strings.HasSuffix(u.Host, ":") && !strings.ContainsAny(text, "*\\ ")
}

// sameSite says whether browsers count two hosts as one site.
func sameSite(a, b string) bool {
	if a == b {
		return true
	}
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	siteA, errA := publicsuffix.EffectiveTLDPlusOne(a)
	siteB, errB := publicsuffix.EffectiveTLDPlusOne(b)
	return errA == nil && errB == nil && siteA == siteB
}

// shared says which addresses a front end on another origin calls by script.
// People are sent to the rest of /auth, and no script of anybody's reads that.
func shared(path string) bool {
	switch path {
	case "/graphql", "/auth/session", "/auth/session/extend", "/auth/sessions", "/auth/logout":
		return true
	}
	return strings.HasPrefix(path, "/auth/sessions/")
}

// cors lets the listed origins read the answers under shared and send what a
// browser would ask leave for. Others are told nothing: their scripts cannot read
// any answer, and what changes something is refused by the layer below.
func cors(origins []string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !shared(r.URL.Path) {
				next.ServeHTTP(w, r)
				return
			}
			h := w.Header()
			h.Add("Vary", "Origin")
			origin := r.Header.Get("Origin")
			if len(r.Header.Values("Origin")) != 1 || !slices.Contains(origins, origin) {
				next.ServeHTTP(w, r)
				return
			}
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
				// Not Authorization: a browser has its cookie, and tokens are for apps.
				h.Set("Access-Control-Allow-Headers", "Accept-Language, Content-Type, X-Requested-By")
				h.Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
			h.Set("Access-Control-Expose-Headers", "Retry-After, RateLimit, RateLimit-Policy")
			next.ServeHTTP(w, r)
		})
	}
}
