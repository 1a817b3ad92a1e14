package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"openplr/signin"
)

// askProvider reads a JSON document of the provider's. The status is 0 when it
// cannot be reached.
func askProvider(ctx context.Context, c *config, address string, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("User-Agent", c.OIDC.UserAgent)
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode, json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(into)
}

// checkProvider asks the provider for its description.
func checkProvider(ctx context.Context, f *findings, c *config, _ func() time.Time) {
	if c.devop() {
		f.ok("provider: the development provider is part of the server")
		return
	}
	const remedy = "check OIDC_ISSUER, the network and the certificate authorities; sign-in waits for the provider"
	var d struct {
		Issuer        string   `json:"issuer"`
		IDTokenAlgs   []string `json:"id_token_signing_alg_values_supported"`
		AssertionAlgs []string `json:"token_endpoint_auth_signing_alg_values_supported"`
		ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
		Challenges    []string `json:"code_challenge_methods_supported"`
		Backchannel   *bool    `json:"backchannel_logout_supported"`
		Objects       *bool    `json:"request_parameter_supported"`
	}
	status, err := askProvider(ctx, c, strings.TrimSuffix(c.OIDC.Issuer, "/")+"/.well-known/openid-configuration", &d)
	switch {
	case status == 0:
		f.fail(remedy, "provider: it cannot be reached")
		return
	case status != http.StatusOK || err != nil:
		f.fail(remedy, "provider: no description of itself (status %d)", status)
		return
	case d.Issuer != c.OIDC.Issuer:
		f.fail("write OIDC_ISSUER to the byte as the provider writes itself, often with or without a slash at the end", "provider: it calls itself otherwise")
		return
	}
	f.ok("provider: it is there and calls itself as configured")
	// What a description leaves out is not known, and no reason to complain.
	lacks := func(list []string, word string) bool { return len(list) > 0 && !slices.Contains(list, word) }
	off := func(flag *bool) bool { return flag != nil && !*flag }
	signs := c.OIDC.UseJAR || c.OIDC.Reauth == string(signin.ReauthSignedPromptLogin)
	for _, one := range []struct {
		wrong        bool
		remedy, what string
	}{
		{lacks(d.IDTokenAlgs, c.OIDC.IDTokenAlg), "agree on one with the provider", "OIDC_ID_TOKEN_ALG is not among its algorithms"},
		{lacks(d.AssertionAlgs, c.OIDC.AssertionAlg), "agree on one with the provider", "OIDC_CLIENT_ASSERTION_ALG is not among its algorithms"},
		{lacks(d.ClientAuth, "private_key_jwt"), "nobody can sign in: this service proves itself in no other way", "it does not take private_key_jwt"},
		{lacks(d.Challenges, "S256"), "use another provider: codes can be stolen without it", "it does not do PKCE with S256"},
		{off(d.Backchannel), "tell people to sign out here too", "it does not tell this service when somebody signs out there"},
		{signs && off(d.Objects), "set OIDC_USE_JAR=false and OIDC_REAUTH to another way than jar_prompt_login, or agree on it with the provider", "it does not take signed requests"},
	} {
		if one.wrong {
			f.warn(one.remedy, "provider: %s", one.what)
		}
	}
	if c.OIDC.AuthVTR != "" {
		// No description says so, and every sign-in would fail.
		f.ok("provider: people must come back with the vector of trust %s; for a provider that knows none, set OIDC_AUTH_VTR=none", c.OIDC.AuthVTR)
	}
	f.ok("provider: to be registered there, each after PUBLIC_URL: /auth/callback (redirect), /auth/signed-out (after sign-out), " +
		"/auth/backchannel-logout, /auth/identity/return (landing page), /.well-known/jwks.json (keys)")
}

// checkCoreIdentity asks for the document with the keys of proved identity.
func checkCoreIdentity(ctx context.Context, f *findings, c *config, _ func() time.Time) {
	if c.devop() {
		return
	}
	if c.OIDC.Identity.VTR == "" {
		f.warn("set OIDC_CORE_IDENTITY_ISSUER, OIDC_CORE_IDENTITY_DID and OIDC_CORE_IDENTITY_DID_URL, and not OIDC_IDENTITY_VTR=none",
			"identity: nobody can prove who they are, so nobody can be connected to a learning record")
		return
	}
	if len(c.StaffRoles) == 0 {
		f.warn("set STAFF_ROLES", "staff: there are no caseworkers, so claims that a person must decide stay open")
	}
	const remedy = "check OIDC_CORE_IDENTITY_DID_URL, the network and the certificate authorities; proving identity waits for it"
	var d struct {
		ID      string            `json:"id"`
		Methods []json.RawMessage `json:"assertionMethod"`
	}
	status, err := askProvider(ctx, c, c.OIDC.Identity.DIDURL, &d)
	switch {
	case status == 0:
		f.fail(remedy, "identity: the DID document cannot be reached")
	case status != http.StatusOK || err != nil:
		f.fail(remedy, "identity: no DID document (status %d)", status)
	case d.ID != c.OIDC.Identity.DID:
		f.fail("write OIDC_CORE_IDENTITY_DID as the document writes its id", "identity: the DID document is another's")
	case len(d.Methods) == 0:
		f.fail("ask the provider", "identity: the DID document has no keys")
	default:
		f.ok("identity: the DID document is there and has keys")
	}
}
