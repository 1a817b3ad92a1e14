package devop

import (
	"errors"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// readHint checks an ID token that the app gives back to us and returns its
// subject. Its times are not looked at: ID tokens live two minutes, sessions of
// the app live hours, and One Login takes an expired hint as well. The library
// would refuse it.
func (p *provider) readHint(raw string) (subject string, err error) {
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{idTokenAlg})
	if err != nil {
		return "", errors.New("id_token_hint is not an ID token")
	}
	if len(token.Headers) != 1 || token.Headers[0].KeyID != p.key.KeyID {
		return "", errors.New("id_token_hint is signed by a key that is not in use; was the provider restarted?")
	}
	var claims jwt.Claims
	if err := token.Claims(p.key.Key, &claims); err != nil {
		return "", errors.New("id_token_hint is not signed by this provider")
	}
	if claims.Issuer != p.cfg.Issuer || !claims.Audience.Contains(p.cfg.ClientID) || claims.Subject == "" {
		return "", errors.New("id_token_hint is not for this client")
	}
	return claims.Subject, nil
}
