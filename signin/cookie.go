package signin

import (
	"net/http"
	"time"
)

// The two cookies. The "__Host-Http-" prefix makes a browser that knows it accept
// them only over a secure connection, for this host alone, and never from a
// script; one that does not know it still honours "__Host-".
const (
	// SessionCookie holds a web session's token. Strict: no request another site
	// starts carries it, the return from the provider included.
	SessionCookie = "__Host-Http-lr-session"
	// TransactionCookie holds one random secret per browser, shared by sign-ins
	// running side by side. Lax, because it must come along on the return from
	// the provider.
	TransactionCookie = "__Host-Http-lr-txn"
)

func setSessionCookie(w http.ResponseWriter, token string) {
	// No Max-Age: closing the browser ends it; the server side has limits of its own.
	http.SetCookie(w, hostCookie(SessionCookie, token, http.SameSiteStrictMode, 0))
}

func setTransactionCookie(w http.ResponseWriter, secret string, life time.Duration) {
	http.SetCookie(w, hostCookie(TransactionCookie, secret, http.SameSiteLaxMode, int(life/time.Second)))
}

func clearCookie(w http.ResponseWriter, name string) {
	site := http.SameSiteStrictMode
	if name == TransactionCookie {
		site = http.SameSiteLaxMode
	}
	http.SetCookie(w, hostCookie(name, "", site, -1))
}

func hostCookie(name, value string, site http.SameSite, maxAge int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: site, MaxAge: maxAge} //nolint:gosec // SameSite is Strict or Lax, by the cookie's use
}

// cookieValues gives every value presented under name. More than one is a sign
// of another host planting cookies on ours: none of them may be trusted then.
func cookieValues(r *http.Request, name string) []string {
	cookies := r.CookiesNamed(name)
	values := make([]string, len(cookies))
	for i, c := range cookies {
		values[i] = c.Value
	}
	return values
}

// browserSecret gives the secret of the transaction cookie, or "" when there is
// none to be trusted.
func browserSecret(r *http.Request) (secret string, duplicate bool) {
	values := cookieValues(r, TransactionCookie)
	if len(values) != 1 {
		return "", len(values) > 1
	}
	if !isSecret(values[0]) {
		return "", false
	}
	return values[0], false
}
