package devop

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Beside a request object the first group stands in the query again, and the
// second must not.
var (
	repeatedParams = []string{"response_type", "scope", "client_id"}
	insideParams   = []string{
		"redirect_uri", "response_mode", "state", "nonce", "vtr", "claims", "ui_locales", "max_age", "prompt", "display",
		"acr_values", "channel", "code_challenge", "code_challenge_method", "id_token_hint", "login_hint", "request_uri",
	}
)

func invalidRequestObject(reason string) goidc.Error {
	return goidc.NewError(goidc.ErrorCodeInvalidRequestObject, reason)
}

// unpack opens a signed request (RFC 9101, as One Login profiles it) and returns
// the parameters inside, so that everything after it is the same with and without
// one. The library could verify it, but would never tell what is in it that is
// none of its own, and it refuses what One Login takes. An error comes before
// anything inside can be trusted and deserves a page; a fault is for the app.
func (p *provider) unpack(outer url.Values) (inner url.Values, fault, err error) {
	token, err := jwt.ParseSigned(outer.Get("request"), assertionAlgs)
	if err != nil || len(token.Headers) != 1 {
		return nil, nil, invalidRequestObject("request is not a JWT signed with PS256 or RS256")
	}
	i := slices.IndexFunc(p.clientKeys, func(k jose.JSONWebKey) bool { return k.KeyID == token.Headers[0].KeyID })
	if i < 0 {
		return nil, nil, invalidRequestObject("request is signed by a key that is not the client's")
	}
	var claims jwt.Claims
	var values map[string]json.RawMessage
	if err := token.Claims(p.clientKeys[i].Key, &claims, &values); err != nil {
		return nil, nil, invalidRequestObject("request is not signed by the client")
	}
	inner, err = paramsOf(values)
	if err != nil {
		return nil, nil, invalidRequestObject(err.Error())
	}
	fault = p.checkRequestObject(claims, inner, outer)
	for _, name := range repeatedParams {
		inner.Set(name, cmp.Or(outer.Get(name), inner.Get(name))) // so that a fault finds its way
	}
	inner.Del("request")
	inner.Del("request_uri")
	if auto := outer.Get("dev_auto"); auto != "" {
		inner.Set("dev_auto", auto)
		if hint := outer.Get("login_hint"); hint != "" {
			inner.Set("login_hint", hint)
		}
	}
	return inner, fault, nil
}

func (p *provider) checkRequestObject(claims jwt.Claims, inner, outer url.Values) error {
	err := claims.ValidateWithLeeway(jwt.Expected{
		Issuer: p.cfg.ClientID, AnyAudience: jwt.Audience{p.at(authorizePath), p.cfg.Issuer}, Time: p.cfg.Now(),
	}, 0)
	switch {
	case err != nil:
		return invalidRequestObject("the request object's iss, aud or times are not right")
	case claims.Expiry == nil:
		return invalidRequestObject("the request object has no exp")
	case claims.Subject == p.cfg.ClientID:
		// It could be taken for a client assertion.
		return invalidRequestObject("the request object's sub is the client id")
	case inner.Has("request") || inner.Has("request_uri"):
		return invalidRequestObject("a request object is inside the request object")
	}
	for _, name := range repeatedParams {
		if outer.Get(name) == "" || outer.Get(name) != inner.Get(name) {
			return invalidRequestObject(name + " is not the same beside and inside the request object")
		}
	}
	for _, name := range insideParams {
		// A test says who signs in by adding to an address that the app has made.
		if outer.Has(name) && (name != "login_hint" || !outer.Has("dev_auto")) {
			return invalidRequestObject(name + " stands beside the request object")
		}
	}
	return nil
}

// paramsOf writes claims as the query would have them: a string as it is, and
// anything else as JSON ("vtr" and "claims" may be either).
func paramsOf(values map[string]json.RawMessage) (url.Values, error) {
	params := make(url.Values)
	for name, raw := range values {
		switch name {
		case "iss", "aud", "sub", "exp", "iat", "nbf", "jti":
			continue
		}
		var text string
		switch {
		case string(raw) == "null":
		case raw[0] != '"':
			params.Set(name, string(raw))
		case json.Unmarshal(raw, &text) != nil:
			return nil, fmt.Errorf("a value in the request object cannot be read")
		default:
			params.Set(name, text)
		}
	}
	if params.Get("redirect_uri") == "" {
		return nil, errors.New("the request object has no redirect_uri")
	}
	return params, nil
}
