package signin

import (
	"encoding/json"
	"time"
)

// requestLife is short: the browser carries a request object to the provider at once.
const requestLife = 5 * time.Minute

// requestType keeps a request object from ever being taken for a client
// assertion, which the same key signs (RFC 9101, section 10.8).
const requestType = "oauth-authz-req+jwt"

// requestObject signs an authorization request for the provider's authorization
// endpoint. It has no subject, or it could pass for a client assertion. One Login
// looks for the endpoint among the audiences, and others for the issuer, as RFC
// 9101 recommends (section 4).
func (a *assertions) requestObject(endpoint string, request map[string]any) (string, error) {
	id, err := newID(a.random, "jti")
	if err != nil {
		return "", err
	}
	now := a.now()
	claims := map[string]any{
		"iss": a.clientID, "aud": []string{a.issuer, endpoint}, "jti": id,
		"iat": now.Unix(), "exp": now.Add(requestLife).Unix(),
	}
	for name, value := range request {
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := a.requests.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
