package devop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"openplr/devop"
)

func TestNewRefusesAConfig(t *testing.T) {
	t.Parallel()
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	tests := map[string]struct {
		edit func(*devop.Config)
		want string
	}{
		"no issuer":             {func(c *devop.Config) { c.Issuer = "" }, "Issuer"},
		"issuer with slashes":   {func(c *devop.Config) { c.Issuer += "//" }, "Issuer"},
		"issuer with a path":    {func(c *devop.Config) { c.Issuer += "/op" }, "Issuer"},
		"issuer with a user":    {func(c *devop.Config) { c.Issuer = "http://u@localhost" }, "Issuer"},
		"issuer of a file":      {func(c *devop.Config) { c.Issuer = "file://localhost" }, "Issuer"},
		"no client":             {func(c *devop.Config) { c.ClientID = "" }, "ClientID"},
		"no client key":         {func(c *devop.Config) { c.ClientKey = nil }, "no key"},
		"two client keys":       {func(c *devop.Config) { c.ClientJWKS = []byte(`{}`) }, "not both"},
		"private client key":    {func(c *devop.Config) { c.ClientKey = appKey() }, "not a public RSA key"},
		"small client key":      {func(c *devop.Config) { c.ClientKey = small.Public() }, "2048"},
		"EC client key":         {func(c *devop.Config) { c.ClientKey = signingKey().Public() }, "not a public RSA key"},
		"client key without id": {func(c *devop.Config) { c.ClientKeyID = "" }, "key id"},
		"client keys not JSON":  {func(c *devop.Config) { c.ClientKey, c.ClientJWKS = nil, []byte(`x`) }, "ClientJWKS"},
		"client key for RS512": {func(c *devop.Config) {
			c.ClientKey, c.ClientJWKS = nil, must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: appKey().Public(), KeyID: "a", Algorithm: "RS512"}}}))
		}, "RS512"},
		"client key for encryption": {func(c *devop.Config) {
			c.ClientKey, c.ClientJWKS = nil, must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: appKey().Public(), KeyID: "a", Use: "enc"}}}))
		}, "not for signing"},
		"no redirect URI":            {func(c *devop.Config) { c.RedirectURIs = nil }, "RedirectURIs"},
		"relative redirect URI":      {func(c *devop.Config) { c.RedirectURIs = []string{"/cb"} }, "absolute"},
		"redirect URI with fragment": {func(c *devop.Config) { c.RedirectURIs = []string{callback + "#"} }, "fragment"},
		"redirect URI for the header": {func(c *devop.Config) {
			c.RedirectURIs = []string{"https://a;script-src"}
		}, "host"},
		"sign-out URI with fragment": {func(c *devop.Config) { c.PostLogoutRedirectURIs = []string{"http://a/#"} }, "PostLogoutRedirectURIs"},
		"app origin with a path":     {func(c *devop.Config) { c.AppOrigins = []string{"http://localhost:5173/"} }, "AppOrigins"},
		"nobody":                     {func(c *devop.Config) { c.People = nil }, "People"},
		"person twice":               {func(c *devop.Config) { c.People = []devop.Person{tom, tom} }, "twice"},
		"person without subject":     {func(c *devop.Config) { c.People = []devop.Person{{Name: "N"}} }, "Subject"},
		"person without name":        {func(c *devop.Config) { c.People = []devop.Person{{Subject: "s"}} }, "Name"},
		"person with a bad birthday": {func(c *devop.Config) {
			c.People = []devop.Person{{Subject: "s", Name: "N", BirthDate: "28/02/2007"}}
		}, "BirthDate"},
		"core identity by the issuer": {func(c *devop.Config) { c.CoreIdentityIssuer = c.Issuer }, "CoreIdentityIssuer"},
		"logout to no address":        {func(c *devop.Config) { c.BackchannelLogoutURI = "/auth/backchannel-logout" }, "BackchannelLogoutURI"},
		"logout to a scheme":          {func(c *devop.Config) { c.BackchannelLogoutURI = "app:/logout" }, "BackchannelLogoutURI"},
		"person of no group":          {func(c *devop.Config) { c.People = []devop.Person{{Subject: "s", Name: "N", Group: "x"}} }, "Group"},
		"person with half a name": {func(c *devop.Config) {
			c.People = []devop.Person{{Subject: "s", Name: "N", PreviousNames: []devop.PersonName{{Given: "N"}}}}
		}, "PreviousNames"},
		"no identity key":   {func(c *devop.Config) { c.IdentityKey = nil }, "IdentityKey"},
		"RSA identity key":  {func(c *devop.Config) { c.IdentityKey = appKey() }, "IdentityKey"},
		"one key for both":  {func(c *devop.Config) { c.IdentityKey = c.SigningKey }, "IdentityKey"},
		"no signing key":    {func(c *devop.Config) { c.SigningKey = nil }, "SigningKey"},
		"RSA signing key":   {func(c *devop.Config) { c.SigningKey = appKey() }, "P-256"},
		"P-384 signing key": {func(c *devop.Config) { c.SigningKey = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) }, "P-256"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("http://127.0.0.1:8090")
			tc.edit(&cfg)
			h, err := devop.New(cfg)
			if err == nil || h != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		t.Parallel()
		_, err := devop.New(devop.Config{})
		for _, want := range []string{"Issuer", "ClientID", "no key", "RedirectURIs", "People", "SigningKey", "IdentityKey"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v says nothing about %s", err, want)
			}
		}
	})
}

func TestAppsOwnScheme(t *testing.T) {
	t.Parallel()
	const target = "uk.example.records:/callback"
	a := newApp(t, func(c *devop.Config) { c.RedirectURIs = append(c.RedirectURIs, target) })
	page := a.get(a.authorizeURL(a.trip(), "redirect_uri", target))
	if csp := page.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, " http://localhost:8080 uk.example.records:") {
		t.Error(csp)
	}
	q := a.get(a.authorizeURL(a.trip(), "redirect_uri", target, "prompt", "none")).location(t, target)
	if q.Get("error") != "login_required" {
		t.Error(q)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		t.Run("slash "+slash, func(t *testing.T) {
			t.Parallel()
			checkMetadata(t, newApp(t, func(c *devop.Config) { c.Issuer += slash; c.BackchannelLogoutURI = "http://localhost:8080/b" }))
		})
	}
}

func checkMetadata(t *testing.T, a *app) {
	t.Helper()
	r := a.get(a.issuer + "/.well-known/openid-configuration")
	var doc map[string]any
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil || r.status != http.StatusOK {
		t.Fatal(r.status, err)
	}
	for name, want := range map[string]any{
		"issuer":                                a.iss,
		"authorization_endpoint":                a.issuer + "/authorize",
		"token_endpoint":                        a.issuer + "/token",
		"userinfo_endpoint":                     a.issuer + "/userinfo",
		"jwks_uri":                              a.issuer + "/.well-known/jwks.json",
		"end_session_endpoint":                  a.issuer + "/logout",
		"response_types_supported":              []any{"code"},
		"grant_types_supported":                 []any{"authorization_code"},
		"code_challenge_methods_supported":      []any{"S256"},
		"token_endpoint_auth_methods_supported": []any{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []any{"PS256", "RS256"},
		"id_token_signing_alg_values_supported":            []any{"ES256"},
		"subject_types_supported":                          []any{"pairwise"},
		"scopes_supported":                                 []any{"openid", "email", "profile"},
		"authorization_response_iss_parameter_supported":   true,
		"request_parameter_supported":                      true,
		"request_object_signing_alg_values_supported":      []any{"PS256", "RS256"},
		"backchannel_logout_supported":                     true,
		"backchannel_logout_session_supported":             false,
		"trustmarks":                                       a.issuer + "/trustmark",
		"request_uri_parameter_supported":                  false,
		"claims_parameter_supported":                       true,
		"ui_locales_supported":                             []any{"en", "cy"},
	} {
		if !reflect.DeepEqual(doc[name], want) {
			t.Errorf("%s: %v, want %v", name, doc[name], want)
		}
	}
}

func TestPublishedKeys(t *testing.T) {
	t.Parallel()
	a, b := newApp(t), newApp(t)
	r := a.get(a.issuer + "/.well-known/jwks.json")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(r.body), &set); err != nil || len(set.Keys) != 1 {
		t.Fatal(err, r.body)
	}
	key := set.Keys[0]
	if !key.IsPublic() || key.Algorithm != "ES256" || key.Use != "sig" || key.KeyID == "" || strings.Contains(r.body, `"d"`) {
		t.Error(r.body)
	}
	if again := b.get(b.issuer + "/.well-known/jwks.json"); again.body != r.body {
		t.Error("the same key has another id after a restart")
	}
}
