package devop

import (
	"net/http"
	"net/url"
	"slices"
)

// endSession is RP-initiated sign-out. There is no login of our own to end (see
// authnPolicy), so what is left is to tell the app, as One Login tells every app
// of the person, and to send the browser back, only to where the holder of a
// genuine ID token may send it. A hint is proof enough: no question is asked.
func (p *provider) endSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.refuse(w, r, invalidRequest("the request cannot be read"))
		return
	}
	raw, target := r.Form.Get("id_token_hint"), r.Form.Get("post_logout_redirect_uri")
	var subject string
	if raw != "" {
		var err error
		if subject, err = p.readHint(raw); err != nil {
			p.refuse(w, r, invalidRequest(err.Error()))
			return
		}
	}
	if client := r.Form.Get("client_id"); client != "" && client != p.cfg.ClientID {
		p.refuse(w, r, invalidRequest("client_id is not known"))
		return
	}
	if raw == "" && target != "" {
		p.refuse(w, r, invalidRequest("post_logout_redirect_uri needs an id_token_hint"))
		return
	}
	if target != "" && !slices.Contains(p.cfg.PostLogoutRedirectURIs, target) {
		p.refuse(w, r, invalidRequest("post_logout_redirect_uri is not registered for the client"))
		return
	}
	if subject != "" {
		p.tellApp(r.Context(), subject) // whatever comes of it
	}
	if target == "" {
		t := textsFor(r.Form.Get("ui_locales"))
		p.render(w, http.StatusOK, t, "message", message{Heading: t.OutHeading, Body: t.OutBody})
		return
	}
	http.Redirect(w, r, withState(target, r.Form.Get("state")), http.StatusSeeOther)
}

// withState keeps the registered URI as it is, to the byte, and appends.
func withState(target, state string) string {
	if state == "" {
		return target
	}
	separator := "?"
	if u, err := url.Parse(target); err == nil && (u.RawQuery != "" || u.ForceQuery) {
		separator = "&"
	}
	return target + separator + "state=" + url.QueryEscape(state)
}
