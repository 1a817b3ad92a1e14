package signin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	identityDID    = "did:web:identity.example"
	identityIssuer = "https://identity.example/"
	didPath        = "/.well-known/did.json"

	coreClaim    = "https://vocab.account.gov.uk/v1/coreIdentityJWT"
	addressField = "https://vocab.account.gov.uk/v1/address"
	returnClaim  = "https://vocab.account.gov.uk/v1/returnCode"
)

// oneLogin configures what GOV.UK One Login has and other providers have not.
func oneLogin(c *Config) {
	c.AuthVTR = "Cl.Cm"
	c.Identity = IdentityConfig{
		VTR: "Cl.Cm.P2", Issuer: identityIssuer, DID: identityDID, DIDURL: "https://identity.example" + didPath,
	}
}

// serveUserInfo tells about the person of the access token what was asked for.
func (f *forge) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := f.access[token]
	if !ok || r.Method != http.MethodGet {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="canary"`)
		reply(w, http.StatusUnauthorized, nil)
		return
	}
	info := map[string]any{"sub": person, "email": "canary@example.com"}
	if g.identity && g.vtr == "Cl.Cm.P2" {
		info[addressField] = addresses()
		if core := f.coreIdentity(); core != "" {
			info[coreClaim] = core
		}
	}
	if f.userInfo != nil {
		f.userInfo(info)
	}
	reply(w, http.StatusOK, info)
}

func (f *forge) coreIdentity() string {
	now := f.h.clock.Now()
	claims := map[string]any{
		"iss": identityIssuer, "aud": clientID, "sub": person, "vot": "P2", "vtm": "https://identity.example/trustmark",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(30 * time.Minute).Unix(),
		"vc": map[string]any{"type": []string{"VerifiableCredential", "IdentityCheckCredential"}, "credentialSubject": subject()},
	}
	if f.core != nil {
		f.core(claims)
	}
	sign := f.signCore
	if sign == nil {
		sign = func(f *forge, claims map[string]any) string {
			return signWith(f.identityKey, jose.ES256, claims, map[string]any{"kid": f.identityKey.id, "typ": "JWT"})
		}
	}
	core := sign(f, claims)
	if core != "" {
		f.h.secret(core)
	}
	return core
}

// subject is an invented person whose family name has changed, listed oldest first.
func subject() map[string]any {
	return map[string]any{
		"name": []map[string]any{
			{"validUntil": "2020-03-01", "nameParts": parts("Rhian", "Mair", "Bowen-canary")},
			{"validFrom": "2020-03-01", "nameParts": parts("Rhian", "Mair", "ap canary Rhys")},
		},
		"birthDate": []map[string]any{{"value": "2007-02-28"}},
	}
}

// parts makes the last word a family name and the others given ones.
func parts(words ...string) []map[string]any {
	var list []map[string]any
	for i, word := range words {
		kind := "GivenName"
		if i == len(words)-1 {
			kind = "FamilyName"
		}
		list = append(list, map[string]any{"type": kind, "value": word})
	}
	return list
}

func addresses() []map[string]any {
	return []map[string]any{
		{"postalCode": "CF99 1XX", "validFrom": "2010-01-01", "validUntil": "2015-01-01", "addressCountry": "GB"},
		{"postalCode": "ll57  9zz", "validFrom": "2021-01-01", "addressCountry": "GB"},
		{"postalCode": "SA99 2XX", "validFrom": "2015-01-01", "validUntil": "2021-01-01", "addressCountry": "GB"},
		{"addressRegion": "Canary", "validFrom": "2001-01-01", "validUntil": "2010-01-01", "addressCountry": "ES"},
	}
}

func (f *forge) serveDID(w http.ResponseWriter) {
	raw, err := (&jose.JSONWebKey{Key: f.identityKey.private, Algorithm: "ES256"}).Public().MarshalJSON()
	must(err)
	var public map[string]any
	must(json.Unmarshal(raw, &public))
	document := map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1"}, "id": identityDID,
		"assertionMethod": []map[string]any{{
			"type": "JsonWebKey", "id": f.identityKey.id, "controller": identityDID, "publicKeyJwk": public,
		}},
	}
	if f.document != nil {
		f.document(document)
	}
	w.Header().Set("Cache-Control", "max-age=3600, private")
	reply(w, http.StatusOK, document)
}
