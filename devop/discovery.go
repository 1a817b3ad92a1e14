package devop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

const discoveryPath = "/.well-known/openid-configuration"

// discovery makes the metadata document once: the library's own, so that it
// cannot drift from what the library does, and over it what we do in its place
// or what it would leave to wrong defaults.
func (p *provider) discovery(library http.Handler) ([]byte, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, discoveryPath, nil)
	if err != nil {
		return nil, fmt.Errorf("devop: metadata: %w", err)
	}
	answer := &captured{header: make(http.Header), status: http.StatusOK}
	library.ServeHTTP(answer, r)
	var doc map[string]any
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("devop: metadata: status %d", answer.status)
	}
	if err := json.Unmarshal(answer.body.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("devop: metadata: %w", err)
	}
	// The library appends a path to the issuer, slash or no slash.
	for name, path := range map[string]string{
		"authorization_endpoint": authorizePath, "token_endpoint": tokenPath, "userinfo_endpoint": userInfoPath,
		"jwks_uri": jwksPath, "end_session_endpoint": endSessionPath, "trustmarks": trustmarkPath,
	} {
		doc[name] = p.at(path)
	}
	doc["ui_locales_supported"] = localesSupported
	doc["prompt_values_supported"] = []string{"none", "login"}
	doc["claims_parameter_supported"] = true
	doc["request_parameter_supported"] = true
	doc["request_object_signing_alg_values_supported"] = assertionAlgs
	doc["backchannel_logout_supported"] = p.cfg.BackchannelLogoutURI != ""
	doc["backchannel_logout_session_supported"] = false // no sid
	doc["request_uri_parameter_supported"] = false      // absent would mean true
	return json.Marshal(doc)
}

// captured is the least http.ResponseWriter that can be asked afterwards.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header         { return c.header }
func (c *captured) WriteHeader(status int)      { c.status = status }
func (c *captured) Write(b []byte) (int, error) { return c.body.Write(b) }
