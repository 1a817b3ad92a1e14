package signin

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// AppClient is a mobile app that may have sessions. It keeps no secret: what
// proves it is a redirect address that only its own installation is given.
type AppClient struct {
	// ID names it in requests, for example "lr-ios".
	ID string `json:"id"`
	// RedirectURIs are compared byte by byte: claimed https links, and in
	// development addresses on loopback.
	RedirectURIs []string `json:"redirectUris"`
	// AppleAppIDs ("TEAMID.bundle.id") are served in apple-app-site-association.
	AppleAppIDs []string `json:"appleAppIds,omitempty"`
	// AndroidApps are served in assetlinks.json.
	AndroidApps []AndroidApp `json:"androidApps,omitempty"`
}

// AndroidApp is one package with the SHA-256 fingerprints of its certificates,
// in hexadecimal pairs with colons.
type AndroidApp struct {
	Package      string   `json:"package"`
	Fingerprints []string `json:"fingerprints"`
}

const maxAccess = 10 * time.Minute

var (
	appClientID    = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	appleAppID     = regexp.MustCompile(`^[A-Z0-9]{10}(\.[A-Za-z0-9-]+)+$`)
	androidPackage = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$`)
	fingerprint    = regexp.MustCompile(`^[0-9A-F]{2}(:[0-9A-F]{2}){31}$`)
)

// appClient gives the registered app of this id, or nil.
func (s *SignIn) appClient(id string) *AppClient {
	for i, client := range s.config.AppClients {
		if client.ID == id {
			return &s.config.AppClients[i]
		}
	}
	return nil
}

func (c *Config) setAppDefaults() {
	setDefault(&c.AppAccess, maxAccess)
	setDefault(&c.AppIdle, defaultIdle)
	setDefault(&c.AppAbsolute, defaultAbsolute)
	setDefault(&c.AppLockedAbsolute, longestSession)
}

func (c *Config) appFaults() []error {
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.AppAccess < time.Minute || c.AppAccess > maxAccess {
		bad("AppAccess %s is not within 1m and %s", c.AppAccess, maxAccess)
	}
	if c.AppIdle < c.AppAccess || c.AppIdle > maxIdle {
		bad("AppIdle %s is not within AppAccess and %s", c.AppIdle, maxIdle)
	}
	if c.AppAbsolute < c.AppIdle || c.AppAbsolute > maxAbsolute {
		bad("AppAbsolute %s is not within AppIdle and %s", c.AppAbsolute, maxAbsolute)
	}
	if c.AppLockedAbsolute < c.AppIdle || c.AppLockedAbsolute > longestSession {
		bad("AppLockedAbsolute %s is not within AppIdle and %s", c.AppLockedAbsolute, longestSession)
	}
	seen := map[string]bool{}
	for _, client := range c.AppClients {
		if !appClientID.MatchString(client.ID) {
			bad("AppClients: id %q is not 1 to 64 of a-z, 0-9 and '-'", client.ID)
		}
		if seen[client.ID] {
			bad("AppClients: id %q stands twice", client.ID)
		}
		seen[client.ID] = true
		if len(client.RedirectURIs) == 0 {
			bad("AppClients: %q has no redirect URI", client.ID)
		}
		for _, uri := range client.RedirectURIs {
			if !c.isAppRedirect(uri) {
				bad("AppClients: redirect URI %q of %q is not a plain https address (http on loopback only, and only when PublicURL is there too)", uri, client.ID)
			}
		}
		for _, id := range client.AppleAppIDs {
			if !appleAppID.MatchString(id) {
				bad("AppClients: Apple app id %q of %q is not TEAMID.bundle.id", id, client.ID)
			}
		}
		for _, app := range client.AndroidApps {
			if !androidPackage.MatchString(app.Package) {
				bad("AppClients: Android package %q of %q is none", app.Package, client.ID)
			}
			if len(app.Fingerprints) == 0 || slices.ContainsFunc(app.Fingerprints, func(f string) bool { return !fingerprint.MatchString(f) }) {
				bad("AppClients: fingerprints of %q of %q are not 32 pairs of 0-9 and A-F with colons", app.Package, client.ID)
			}
		}
	}
	return faults
}

// isAppRedirect: an address that means one thing to everybody who reads it, so
// that comparing bytes is comparing addresses.
func (c *Config) isAppRedirect(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || !isSecureURL(u) || u.String() != uri || strings.ContainsAny(uri, "*?#%") || hasUnsafeByte(uri) || hasDotSegment(u.Path) {
		return false
	}
	public, err := url.Parse(c.PublicURL)
	return u.Scheme == "https" || (err == nil && isLoopbackHost(public.Hostname()))
}
