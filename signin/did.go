package signin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// didLife and didLifeMax: a key withdrawn in haste is asked for by the next
	// unknown one, so the document may be kept as long as its host says.
	didLife    = time.Hour
	didLifeMax = 24 * time.Hour
)

const (
	errDIDUnreadable = why("the DID document is not one")
	errDIDOther      = why("the DID document is that of another DID")
	errDIDEmpty      = why("the DID document has no usable assertion method")
)

// identityKeys are those that sign core identity JWTs. The document is fetched
// from the configured address: to resolve the DID would let whoever answers for
// its name choose the keys.
func identityKeys(c IdentityConfig) keySource {
	return keySource{
		name: "identity", life: didLife, lifeMax: didLifeMax,
		address: func(context.Context) (string, error) { return c.DIDURL, nil },
		parse:   func(body []byte) (map[string][]jose.JSONWebKey, error) { return parseDID(body, c.DID) },
	}
}

// parseDID gives the keys that may make assertions for the DID, by their full
// ids. Methods of other controllers and references to methods elsewhere are
// passed over.
func parseDID(body []byte, did string) (map[string][]jose.JSONWebKey, error) {
	var document struct {
		ID      string            `json:"id"`
		Methods []json.RawMessage `json:"assertionMethod"`
	}
	switch err := json.Unmarshal(body, &document); {
	case err != nil || len(document.Methods) > maxKeys:
		return nil, errDIDUnreadable
	case document.ID != did:
		return nil, errDIDOther
	}
	keys := map[string][]jose.JSONWebKey{}
	for _, raw := range document.Methods {
		var method struct {
			ID         string          `json:"id"`
			Controller string          `json:"controller"`
			Key        json.RawMessage `json:"publicKeyJwk"`
		}
		if json.Unmarshal(raw, &method) != nil || method.ID == "" || (method.Controller != "" && method.Controller != did) {
			continue
		}
		if key, ok := parseKey(method.Key, method.ID); ok && fits(key, jose.ES256) {
			keys[method.ID] = append(keys[method.ID], key)
		}
	}
	if len(keys) == 0 {
		return nil, errDIDEmpty
	}
	return keys, nil
}
