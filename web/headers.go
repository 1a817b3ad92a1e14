package web

import "net/http"

// Content security policies. Nothing of ours is loaded from elsewhere, so
// nothing of ours may be.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	// explorerPolicy stands apart so that the editor could be given more without
	// loosening the pages. Today it is bundled so that it needs nothing more.
	explorerPolicy = pagePolicy
)

const permissionsPolicy = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), " +
	"screen-wake-lock=(), usb=(), xr-spatial-tracking=()"

// SecureHeaders is middleware that gives every answer the headers that keep it
// out of caches, search engines, frames and other sites' hands. It belongs
// outside everything, so that errors carry them too; a handler may replace one
// (static files replace Cache-Control, the explorer its policy). https says
// whether people reach the service by TLS: only then is HSTS sent, because
// localhost shares its name with other people's development servers.
func SecureHeaders(https bool) func(http.Handler) http.Handler {
	fixed := map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      pagePolicy,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           permissionsPolicy,
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Robots-Tag":                 "noindex, nofollow, noarchive, nosnippet",
	}
	if https {
		fixed["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains" // two years
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for name, value := range fixed {
				h.Set(name, value)
			}
			next.ServeHTTP(w, r)
		})
	}
}
