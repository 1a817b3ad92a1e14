package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"

	"openplr/signin"
)

// maxAppClients is the most that APP_CLIENTS may say.
const maxAppClients = 64 << 10

var (
	appClientID    = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	appleAppID     = regexp.MustCompile(`^[A-Z0-9]{10}\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	androidPackage = regexp.MustCompile(`^[A-Za-z]\w*(\.[A-Za-z]\w*)+$`)
	fingerprint    = regexp.MustCompile(`^[0-9A-F]{2}(:[0-9A-F]{2}){31}$`)
)

// parseAppClients reads APP_CLIENTS: a JSON array, or @file with one. A name that
// is misspelled would leave an app without its protection, so none is passed over.
func parseAppClients(text string, production bool) ([]signin.AppClient, error) {
	if text == "" {
		return nil, nil
	}
	if file, named := strings.CutPrefix(text, "@"); named {
		f, err := os.Open(file)
		if err != nil {
			return nil, errors.New("APP_CLIENTS names a file that cannot be read")
		}
		defer func() { _ = f.Close() }()
		content, err := io.ReadAll(io.LimitReader(f, maxAppClients))
		if err != nil {
			return nil, errors.New("APP_CLIENTS names a file that cannot be read")
		}
		text = string(content)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var clients []signin.AppClient
	if err := decoder.Decode(&clients); err != nil || decoder.More() {
		return nil, errors.New(`APP_CLIENTS must be a JSON array like [{"id":"lr-ios","redirectUris":["https://records.example.org/app/callback"],"appleAppIds":["TEAMID1234.org.example.app"]}], or @ and the name of a file with one`)
	}
	var faults []error
	seen := map[string]bool{}
	for i, client := range clients {
		if seen[client.ID] {
			faults = append(faults, fmt.Errorf("APP_CLIENTS: client %d has the id of another", i+1))
		}
		seen[client.ID] = true
		for _, fault := range appClientFaults(client, production) {
			faults = append(faults, fmt.Errorf("APP_CLIENTS: client %d %s", i+1, fault))
		}
	}
	return clients, errors.Join(faults...)
}

func appClientFaults(c signin.AppClient, production bool) (faults []string) {
	if !appClientID.MatchString(c.ID) {
		faults = append(faults, "needs an id of up to 64 small letters, digits and hyphens")
	}
	if len(c.RedirectURIs) == 0 {
		faults = append(faults, "has no redirectUris")
	}
	for _, address := range c.RedirectURIs {
		if !isAppRedirect(address, production) {
			faults = append(faults, "has one of redirectUris that is no plain https address (http on this machine in development)")
		}
	}
	for _, id := range c.AppleAppIDs {
		if !appleAppID.MatchString(id) {
			faults = append(faults, "has one of appleAppIds that is not written TEAMID1234.org.example.app")
		}
	}
	for _, app := range c.AndroidApps {
		if !androidPackage.MatchString(app.Package) || len(app.Fingerprints) == 0 {
			faults = append(faults, "has one of androidApps without a package or without fingerprints")
		}
		for _, f := range app.Fingerprints {
			if !fingerprint.MatchString(f) {
				faults = append(faults, "has a fingerprint that is not 32 pairs of hexadecimal digits in capitals with colons between")
			}
		}
	}
	return faults
}

// isAppRedirect: an address that only the app's installation is given. Other
// schemes can be claimed by any app, and so can http, but on a developer's machine.
func isAppRedirect(address string, production bool) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(address, "*?#%") || u.String() != address {
		return false
	}
	return u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname()) && !production)
}

// parseStaffRoles reads STAFF_ROLES: ROLE=ISSUER#sub:SUBJECT or
// ROLE=ISSUER#claim:NAME=VALUE, separated by commas. Each names the issuer, so that
// replacing the provider makes nobody staff who happens to have the same subject.
//
// Beside vectors of trust only subjects count: such a provider is for the public,
// and its claims say what people wrote themselves.
func parseStaffRoles(text, issuer, vtr string) ([]signin.StaffRole, error) {
	var out []signin.StaffRole
	for _, item := range listOf(text) {
		word, rest, ok1 := strings.Cut(item, "=")
		at, whom, ok2 := strings.Cut(rest, "#")
		role, known := staffRoles[word]
		rule := signin.StaffRole{Role: role, Issuer: at}
		ok3 := false
		if subject, by := strings.CutPrefix(whom, "sub:"); by {
			rule.Subject, ok3 = subject, subject != ""
		} else if claim, by := strings.CutPrefix(whom, "claim:"); by {
			rule.Claim, rule.Value, ok3 = strings.Cut(claim, "=")
			ok3 = ok3 && rule.Claim != "" && rule.Value != ""
		}
		if !ok1 || !ok2 || !ok3 || !known {
			return nil, errors.New("STAFF_ROLES must be written ROLE=ISSUER#sub:SUBJECT or ROLE=ISSUER#claim:NAME=VALUE, with commas between; the roles are caseworker and specialist")
		}
		if issuer == "" || at != issuer {
			return nil, errors.New("STAFF_ROLES names an issuer that is not OIDC_ISSUER, to the byte")
		}
		if rule.Claim != "" && vtr != "" {
			return nil, errors.New("STAFF_ROLES goes by a claim, which a provider with vectors of trust gives no staff: name subjects, or set OIDC_AUTH_VTR=none and OIDC_IDENTITY_VTR=none")
		}
		out = append(out, rule)
	}
	return out, nil
}
