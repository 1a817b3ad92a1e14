package devop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Config says who the provider is, who its one client is and whom it lists.
type Config struct {
	// Issuer is the provider's origin as the app and the browser reach it, for
	// example "http://127.0.0.1:8090". It may end in a slash, as One Login's does;
	// wherever the issuer is named it stands as it is written here. No path: the
	// protocol library would publish its metadata in the wrong place.
	Issuer string
	// CoreIdentityIssuer is the "iss" of core identity JWTs, which is not that of
	// ID tokens. Empty means Issuer's origin followed by "/core-identity/".
	CoreIdentityIssuer string

	// ClientID is the app's client id, at most one app is known.
	ClientID string
	// ClientJWKS is the app's public key set, as it publishes it. Every key must
	// be RSA of at least 2048 bits with a kid. Give this or ClientKey, not both.
	ClientJWKS []byte
	// ClientKey is the app's public RSA key, with its ClientKeyID, when there is
	// just one and no document.
	ClientKey   crypto.PublicKey
	ClientKeyID string

	// RedirectURIs are compared byte by byte with what the app asks for.
	RedirectURIs []string
	// PostLogoutRedirectURIs are compared likewise. May be empty: sign-out then
	// ends on a page of the provider.
	PostLogoutRedirectURIs []string
	// BackchannelLogoutURI is told of every sign-out with a logout token. Empty
	// means that nobody is told.
	BackchannelLogoutURI string
	// AppOrigins are further origins through which the app's callback may send
	// the browser on, for example "http://localhost:5173" of a front end under
	// development. Chromium applies the sign-in page's form-action to the whole
	// chain of redirects, so an origin not known here or from RedirectURIs would
	// leave the browser standing on the sign-in page.
	AppOrigins []string

	// People are offered on the page in this order, by group.
	People []Person

	// SigningKey signs ID tokens with ES256: an ECDSA key on P-256. A key kept
	// across restarts keeps the id_token_hint of earlier sign-ins valid.
	SigningKey crypto.Signer
	// IdentityKey signs core identity JWTs: another ECDSA key on P-256, published
	// in the DID document and nowhere else.
	IdentityKey crypto.Signer

	// Now is the clock; nil means time.Now. See the package comment for the one
	// thing that does not follow it.
	Now func() time.Time
	// Logger gets one line per refused request, without codes, tokens or names.
	// Nil means silence.
	Logger *slog.Logger
}

// check reports every fault at once, so that a developer fixes them in one go.
func (c Config) check() error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if u, err := url.Parse(c.origin()); err != nil || !isOrigin(u) || u.Scheme+"://"+u.Host != c.origin() {
		bad("Issuer %q is not an http(s) origin without path", c.Issuer)
	}
	if c.CoreIdentityIssuer != "" && c.CoreIdentityIssuer == c.Issuer {
		bad("CoreIdentityIssuer is the Issuer")
	}
	if c.ClientID == "" {
		bad("ClientID is empty")
	}
	if len(c.RedirectURIs) == 0 {
		bad("RedirectURIs is empty")
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			bad("RedirectURIs: %w", err)
		}
	}
	for _, uri := range c.PostLogoutRedirectURIs {
		if err := checkRedirectURI(uri); err != nil {
			bad("PostLogoutRedirectURIs: %w", err)
		}
	}
	if c.BackchannelLogoutURI != "" {
		u, err := url.Parse(c.BackchannelLogoutURI)
		if err != nil || !isOrigin(u) || checkRedirectURI(c.BackchannelLogoutURI) != nil {
			bad("BackchannelLogoutURI %q is not an http(s) address", c.BackchannelLogoutURI)
		}
	}
	for _, origin := range c.AppOrigins {
		if u, err := url.Parse(origin); err != nil || !isOrigin(u) || u.Scheme+"://"+u.Host != origin {
			bad("AppOrigins: %q is not an http(s) origin without path", origin)
		}
	}
	if err := checkPeople(c.People); err != nil {
		faults = append(faults, err)
	}
	signing, err := p256Half(c.SigningKey)
	if err != nil {
		bad("SigningKey %w", err)
	}
	identity, err := p256Half(c.IdentityKey)
	if err != nil {
		bad("IdentityKey %w", err)
	}
	if signing != nil && identity != nil && signing.Equal(identity) {
		bad("IdentityKey is the SigningKey")
	}
	if _, err := clientKeys(c); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("devop: %w", errors.Join(faults...))
	}
	return nil
}

// origin is the issuer without its slash, to which paths are appended.
func (c Config) origin() string { return strings.TrimSuffix(c.Issuer, "/") }

func p256Half(signer crypto.Signer) (*ecdsa.PublicKey, error) {
	if signer == nil {
		return nil, errors.New("is missing")
	}
	key, ok := signer.Public().(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("is not an ECDSA key on P-256")
	}
	return key, nil
}

// checkRedirectURI wants an absolute URI without fragment (RFC 6749 3.1.2). A
// custom scheme is allowed: an app's debug build may use one.
func checkRedirectURI(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || !u.IsAbs():
		return fmt.Errorf("%q is not an absolute URI", uri)
	case strings.Contains(uri, "#") || u.User != nil:
		return fmt.Errorf("%q has a fragment or a user", uri)
	case (u.Scheme == "http" || u.Scheme == "https") && !plainHost.MatchString(u.Host):
		return fmt.Errorf("%q has no usable host", uri)
	}
	return nil
}

// plainHost is narrower than net/url, which lets ";" and "," through: hosts go
// into the Content-Security-Policy header.
var plainHost = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:[0-9]+)?$`)

func isOrigin(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && plainHost.MatchString(u.Host)
}

// isLoopback decides by the name alone; it never asks the resolver, whose answer
// may change.
func isLoopback(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}
