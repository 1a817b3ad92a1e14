package main

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"openplr/plr"
	"openplr/signin"
)

// oidcConfig says which OpenID provider people sign in at, and how.
type oidcConfig struct {
	Issuer         string // OIDC_ISSUER; empty: the development provider
	ClientID       string // OIDC_CLIENT_ID
	ClientKeyFile  string // OIDC_CLIENT_KEY_FILE: PEM, RSA
	ClientKeyID    string // OIDC_CLIENT_KEY_ID
	OtherKeys      string // OIDC_OTHER_CLIENT_KEYS: id=file,... ; published beside the one that signs
	AssertionAlg   string // OIDC_CLIENT_ASSERTION_ALG: PS256 or RS256
	IDTokenAlg     string // OIDC_ID_TOKEN_ALG: ES256, RS256 or PS256
	LogoutTokenAlg string // OIDC_LOGOUT_TOKEN_ALG: the same
	Scopes         []string
	UserAgent      string                // OIDC_USER_AGENT
	AuthVTR        string                // OIDC_AUTH_VTR; empty when the setting is none
	Identity       signin.IdentityConfig // OIDC_IDENTITY_VTR, OIDC_CORE_IDENTITY_...; zero: identity is not proved
	Reauth         string                // OIDC_REAUTH
	UseJAR         bool                  // OIDC_USE_JAR: signed authorization requests
	ProviderHosts  []string              // OIDC_PROVIDER_HOSTS

	identityVTRSet bool
}

// appSession says how long the sessions of mobile apps last.
type appSession struct {
	Idle       time.Duration // APP_SESSION_IDLE
	Life       time.Duration // APP_SESSION_ABSOLUTE
	LifeLocked time.Duration // APP_SESSION_LOCKED: of an app that locks itself
}

const (
	defaultAuthVTR     = "Cl.Cm"
	defaultIdentityVTR = "Cl.Cm.P2"
	// noVTR stands for a provider that knows no vectors of trust: an empty setting
	// cannot be told from one that is not set.
	noVTR = "none"
)

// readOIDC takes the settings as they stand; or gives a setting or its default.
func readOIDC(or func(name, value string) string) oidcConfig {
	vtr := func(name, value string) string {
		if v := or(name, value); v != noVTR {
			return v
		}
		return ""
	}
	return oidcConfig{
		Issuer: or("OIDC_ISSUER", ""), ClientID: or("OIDC_CLIENT_ID", ""), ClientKeyFile: or("OIDC_CLIENT_KEY_FILE", ""),
		ClientKeyID: or("OIDC_CLIENT_KEY_ID", ""), OtherKeys: or("OIDC_OTHER_CLIENT_KEYS", ""), AssertionAlg: or("OIDC_CLIENT_ASSERTION_ALG", "PS256"),
		IDTokenAlg: or("OIDC_ID_TOKEN_ALG", "ES256"), LogoutTokenAlg: or("OIDC_LOGOUT_TOKEN_ALG", "ES256"),
		Scopes: strings.Fields(or("OIDC_SCOPES", "openid email")), UserAgent: or("OIDC_USER_AGENT", "openplr/"+buildVersion),
		AuthVTR: vtr("OIDC_AUTH_VTR", defaultAuthVTR), Reauth: or("OIDC_REAUTH", string(signin.ReauthMaxAge)),
		Identity: signin.IdentityConfig{
			VTR: vtr("OIDC_IDENTITY_VTR", defaultIdentityVTR), Issuer: or("OIDC_CORE_IDENTITY_ISSUER", ""),
			DID: or("OIDC_CORE_IDENTITY_DID", ""), DIDURL: or("OIDC_CORE_IDENTITY_DID_URL", ""),
		},
		ProviderHosts:  listOf(or("OIDC_PROVIDER_HOSTS", "")),
		identityVTRSet: !slices.Contains([]string{"", noVTR}, or("OIDC_IDENTITY_VTR", "")),
	}
}

// readSignIn reads what is more than a word, after everything it depends on.
func (c *config) readSignIn(or func(name, value string) string, fault func(string, ...any)) {
	var err error
	if c.AllowedOrigins, err = parseAllowedOrigins(or("ALLOWED_ORIGINS", ""), c.PublicURL, c.production()); err != nil {
		fault("%w", err)
	}
	if c.AppClients, err = parseAppClients(or("APP_CLIENTS", ""), c.production()); err != nil {
		fault("%w", err)
	}
	if c.StaffRoles, err = parseStaffRoles(or("STAFF_ROLES", ""), c.OIDC.Issuer, cmp.Or(c.OIDC.AuthVTR, c.OIDC.Identity.VTR)); err != nil {
		fault("%w", err)
	}
	c.SessionIdle, c.SessionLife = duration(or("SESSION_IDLE", "30m")), duration(or("SESSION_ABSOLUTE", "12h"))
	if c.SessionIdle < time.Minute || c.SessionIdle > time.Hour {
		fault("SESSION_IDLE must be a time from 1m to 60m")
	}
	if c.SessionLife < max(c.SessionIdle, time.Minute) || c.SessionLife > 24*time.Hour {
		fault("SESSION_ABSOLUTE must be a time from SESSION_IDLE to 24h")
	}
	c.AppSession = appSession{
		Idle: duration(or("APP_SESSION_IDLE", "30m")), Life: duration(or("APP_SESSION_ABSOLUTE", "12h")), LifeLocked: duration(or("APP_SESSION_LOCKED", "720h")),
	}
	const accessLife = 10 * time.Minute // no session ends before its first token does
	if c.AppSession.Idle < accessLife || c.AppSession.Idle > time.Hour {
		fault("APP_SESSION_IDLE must be a time from 10m to 60m")
	}
	if c.AppSession.Life < max(c.AppSession.Idle, accessLife) || c.AppSession.Life > 24*time.Hour {
		fault("APP_SESSION_ABSOLUTE must be a time from APP_SESSION_IDLE to 24h")
	}
	if c.AppSession.LifeLocked < max(c.AppSession.Idle, accessLife) || c.AppSession.LifeLocked > 720*time.Hour {
		fault("APP_SESSION_LOCKED must be a time from APP_SESSION_IDLE to 720h, which is 30 days")
	}
}

// duration reads a time; what is none is refused by its range.
func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// listOf splits a setting at its commas.
func listOf(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

var (
	tokenAlgs = []string{"ES256", "RS256", "PS256"}
	reauths   = []string{string(signin.ReauthMaxAge), string(signin.ReauthPromptLogin), string(signin.ReauthSignedPromptLogin), string(signin.ReauthNone)}
	vectorOf  = regexp.MustCompile(`^[A-Z][a-z0-9]*(\.[A-Z][a-z0-9]*)*$`)
	proofOf   = regexp.MustCompile(`(^|\.)P[1-9](\.|$)`)
	didOf     = regexp.MustCompile(`^did:web:[A-Za-z0-9._-]+(%3A[0-9]+)?(:[A-Za-z0-9._-]+)*$`)
)

func (c *config) validateOIDC(fault func(string, ...any)) {
	if !slices.Contains(reauths, c.OIDC.Reauth) {
		fault("OIDC_REAUTH must be max_age, prompt_login, jar_prompt_login or none")
	}
	if c.OIDC.Reauth == string(signin.ReauthSignedPromptLogin) && !c.OIDC.UseJAR {
		fault("OIDC_REAUTH=jar_prompt_login needs OIDC_USE_JAR=true, and a registration by which the provider refuses unsigned requests: otherwise the person at the browser can leave the question out")
	}
	c.validateTrust(fault)
	if c.devop() {
		if c.production() {
			fault("OIDC_ISSUER must be set in production: the development provider is not for real people")
		}
		host, _, err := net.SplitHostPort(c.DevopAddr)
		if err != nil || !isLoopback(host) {
			fault("DEVOP_ADDR must be host:port on this machine")
		}
		return
	}
	if !c.isProviderURL(c.OIDC.Issuer) {
		fault("OIDC_ISSUER must be an https address")
	}
	if c.OIDC.ClientID == "" {
		fault("OIDC_CLIENT_ID must be set with OIDC_ISSUER")
	}
	if c.OIDC.ClientKeyFile == "" || c.OIDC.ClientKeyID == "" {
		fault("OIDC_CLIENT_KEY_FILE and OIDC_CLIENT_KEY_ID must be set with OIDC_ISSUER")
	} else if _, err := os.Stat(c.OIDC.ClientKeyFile); err != nil {
		fault("OIDC_CLIENT_KEY_FILE cannot be read")
	}
	if _, err := otherClientKeys(c.OIDC.OtherKeys); err != nil {
		fault("OIDC_OTHER_CLIENT_KEYS: %w", err)
	}
	if c.OIDC.AssertionAlg != "PS256" && c.OIDC.AssertionAlg != "RS256" {
		fault("OIDC_CLIENT_ASSERTION_ALG must be PS256 or RS256")
	}
	for name, alg := range map[string]string{"OIDC_ID_TOKEN_ALG": c.OIDC.IDTokenAlg, "OIDC_LOGOUT_TOKEN_ALG": c.OIDC.LogoutTokenAlg} {
		if !slices.Contains(tokenAlgs, alg) {
			fault("%s must be ES256, RS256 or PS256", name)
		}
	}
	if !slices.Contains(c.OIDC.Scopes, "openid") {
		fault("OIDC_SCOPES must have openid among its words")
	}
	for _, host := range c.OIDC.ProviderHosts {
		if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Hostname() == "" || strings.ToLower(host) != host {
			fault("OIDC_PROVIDER_HOSTS must be host or host:port,... in small letters, without https://")
			break
		}
	}
}

// validateTrust checks the vectors of trust and where proved identity comes from.
func (c *config) validateTrust(fault func(string, ...any)) {
	if v := c.OIDC.AuthVTR; v != "" && (!vectorOf.MatchString(v) || proofOf.MatchString(v)) {
		fault("OIDC_AUTH_VTR must be one vector of trust without a level of identity, such as Cl.Cm, or none for a provider that knows none")
	}
	id := &c.OIDC.Identity
	if id.VTR != "" && (!vectorOf.MatchString(id.VTR) || !proofOf.MatchString(id.VTR)) {
		fault("OIDC_IDENTITY_VTR must be one vector of trust with a level of identity, such as Cl.Cm.P2, or none")
	}
	given := 0
	for _, value := range []string{id.Issuer, id.DID, id.DIDURL} {
		if value != "" {
			given++
		}
	}
	switch {
	case given > 0 && c.devop():
		fault("OIDC_CORE_IDENTITY_ISSUER, OIDC_CORE_IDENTITY_DID and OIDC_CORE_IDENTITY_DID_URL go with OIDC_ISSUER; the development provider knows its own")
	case given == 0:
		if c.OIDC.identityVTRSet && !c.devop() {
			fault("OIDC_IDENTITY_VTR needs OIDC_CORE_IDENTITY_ISSUER, OIDC_CORE_IDENTITY_DID and OIDC_CORE_IDENTITY_DID_URL")
		}
	case given < 3:
		fault("OIDC_CORE_IDENTITY_ISSUER, OIDC_CORE_IDENTITY_DID and OIDC_CORE_IDENTITY_DID_URL must be set together, or none of them")
	default:
		if !c.isProviderURL(id.Issuer) {
			fault("OIDC_CORE_IDENTITY_ISSUER must be an https address")
		}
		if id.Issuer == c.OIDC.Issuer {
			fault("OIDC_CORE_IDENTITY_ISSUER must not be OIDC_ISSUER: the provider names both")
		}
		if !didOf.MatchString(id.DID) {
			fault("OIDC_CORE_IDENTITY_DID must be written did:web:host")
		}
		if !c.isProviderURL(id.DIDURL) {
			fault("OIDC_CORE_IDENTITY_DID_URL must be an https address")
		}
	}
	if !c.devop() && (given == 0 || id.VTR == "") {
		*id = signin.IdentityConfig{} // no identity trips
	}
}

// isProviderURL: https, but for a provider on this machine in development.
func (c *config) isProviderURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil && u.Fragment == "" &&
		(u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname()) && !c.production()))
}

// staffRoles are the words of STAFF_ROLES.
var staffRoles = map[string]plr.Role{"caseworker": plr.RoleCaseworker, "specialist": plr.RoleSpecialist}
