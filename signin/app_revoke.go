package signin

import (
	"context"
	"net/http"
)

// AppRevoke serves POST /auth/app/revoke (RFC 7009), where an app signs out: the
// form has a token, and with either token the whole session ends, durably, before
// the answer 200. An unknown token is answered alike. Which app asks does not
// matter: holding a token is enough to give it up.
func (s *SignIn) AppRevoke(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodPost) {
		return
	}
	form, ok := readAppForm(w, r)
	if !ok || form.Get("token") == "" {
		s.toApp(w, r, refuse(grantInvalidRequest, errAppForm))
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), logoutTimeout)
	defer cancel()
	for _, prefix := range []string{accessPrefix, refreshPrefix} {
		// Only who holds a token of the session knows its locator. That the token was
		// replaced since is no reason to let the session live.
		locator, ok := readAppToken(form.Get("token"), prefix)
		if !ok {
			continue
		}
		gone, err := s.endFamily(ctx, familyHash(locator))
		if err != nil {
			s.toApp(w, r, storeFault(err, nil))
			return
		}
		if gone != nil {
			s.log.InfoContext(ctx, "signed out", "account", gone.Account, "session", gone.Handle, "everywhere", false)
		}
	}
	w.Header().Set("Pragma", "no-cache")
	w.WriteHeader(http.StatusOK)
}
