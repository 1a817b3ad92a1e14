package web

import (
	"encoding/base64"
	"io"
	"net/http"

	"openplr/plr"
)

// redemptionCookie holds the redemption's token, so that a reload by the same
// browser spends nothing. One token serves all links a browser opens: the
// domain keeps it hashed together with the link, so it joins nothing. Browsers
// let no script write or read a cookie of this name, and no other site send it.
const redemptionCookie = "__Host-Http-lr-redemption"

const redemptionBytes = 32

// redemptionToken gives the browser's token, or a new one. Both go (back) into
// the answer, whatever that says, so that no answer is told apart by a header.
func (p *Pages) redemptionToken(w http.ResponseWriter, r *http.Request) (string, error) {
	token := ""
	if c, err := r.Cookie(redemptionCookie); err == nil {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(c.Value); err == nil && len(b) == redemptionBytes {
			token = c.Value
		}
	}
	if token == "" {
		var b [redemptionBytes]byte
		if _, err := io.ReadFull(p.Random, b[:]); err != nil {
			return "", err
		}
		token = base64.RawURLEncoding.EncodeToString(b[:])
	}
	http.SetCookie(w, &http.Cookie{
		Name: redemptionCookie, Value: token, Path: "/", MaxAge: int(plr.RepeatWindow.Seconds()),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	return token, nil
}
