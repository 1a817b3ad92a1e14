package devop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const didPath = "/.well-known/did.json"

// CoreIdentity is what an app must know to check core identity JWTs.
type CoreIdentity struct {
	Issuer string // their "iss"
	DID    string // the id of the document that holds their key
	DIDURL string // where it lies
}

// CoreIdentity says it for this provider.
func (c Config) CoreIdentity() CoreIdentity {
	core := CoreIdentity{Issuer: c.CoreIdentityIssuer, DIDURL: c.origin() + didPath}
	if core.Issuer == "" {
		core.Issuer = c.origin() + "/core-identity/"
	}
	if u, err := url.Parse(c.origin()); err == nil {
		core.DID = "did:web:" + strings.ReplaceAll(u.Host, ":", "%3A")
	}
	return core
}

func (p *provider) identityKeyID() string {
	return p.cfg.CoreIdentity().DID + "#" + p.identityKey.KeyID
}

// didDocument publishes the key of core identity JWTs.
func (p *provider) didDocument() ([]byte, error) {
	id := p.cfg.CoreIdentity().DID
	key := p.identityKey
	key.KeyID, key.Use = "", "" // the method has the id
	doc, err := json.Marshal(map[string]any{
		"@context": []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"},
		"id":       id,
		"assertionMethod": []any{map[string]any{
			"id": p.identityKeyID(), "type": "JsonWebKey", "controller": id, "publicKeyJwk": key,
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("devop: DID document: %w", err)
	}
	return doc, nil
}

// cached lets a document be kept as long as One Login lets its own be.
func cached(control string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", control)
		next.ServeHTTP(w, r)
	})
}
