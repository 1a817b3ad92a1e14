package devop

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The claims of a proved identity, by the names that One Login gives them.
const (
	claimCoreIdentity = "https://vocab.account.gov.uk/v1/coreIdentityJWT"
	claimAddress      = "https://vocab.account.gov.uk/v1/address"
	claimReturnCode   = "https://vocab.account.gov.uk/v1/returnCode"
)

const coreIdentityLife = 30 * time.Minute

// identityClaims are what userinfo says of a trip that asked for P2: of what was
// asked, the proof, or why there is none.
func (p *provider) identityClaims(person Person, names []string) (map[string]any, error) {
	claims := make(map[string]any)
	faults := person.identityFaults()
	for _, name := range names {
		switch {
		case name == claimReturnCode && len(faults) > 0:
			var codes []map[string]string
			for _, code := range faults {
				codes = append(codes, map[string]string{"code": code})
			}
			claims[name] = codes
		case name == claimAddress && len(faults) == 0 && len(person.PostCodes) > 0:
			claims[name] = addresses(person, p.cfg.Now().Year())
		case name == claimCoreIdentity && len(faults) == 0:
			token, err := p.coreIdentity(person)
			if err != nil {
				return nil, err
			}
			claims[name] = token
		}
	}
	return claims, nil
}

func (p *provider) coreIdentity(person Person) (string, error) {
	now, core := p.cfg.Now(), p.cfg.CoreIdentity()
	return signES256(p.cfg.IdentityKey, "JWT", p.identityKeyID(), map[string]any{
		"iss": core.Issuer, "aud": p.cfg.ClientID, "sub": person.Subject,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(coreIdentityLife).Unix(),
		"vot": identityMedium, "vtm": p.at(trustmarkPath),
		"vc": map[string]any{
			"type": []string{"VerifiableCredential", "IdentityCheckCredential"},
			"credentialSubject": map[string]any{
				"name":      names(person, now.Year()),
				"birthDate": []map[string]string{{"value": person.BirthDate}},
			},
		},
	})
}

// names are the present name and then the earlier ones. When each began and
// ended is invented: every name but the first held for two years.
func names(person Person, year int) []map[string]any {
	all := slices.Insert(slices.Clone(person.PreviousNames), 0, PersonName{person.GivenName, person.FamilyName})
	var out []map[string]any
	for i, name := range all {
		entry := map[string]any{"nameParts": nameParts(name)}
		if i < len(all)-1 {
			entry["validFrom"] = strconv.Itoa(year-2*(i+1)) + "-06-01"
		}
		if i > 0 {
			entry["validUntil"] = strconv.Itoa(year-2*i) + "-06-01"
		}
		out = append(out, entry)
	}
	return out
}

// nameParts has one part for each given name, in order, as One Login does.
func nameParts(name PersonName) []map[string]string {
	var parts []map[string]string
	for given := range strings.FieldsSeq(name.Given) {
		parts = append(parts, map[string]string{"type": "GivenName", "value": given})
	}
	return append(parts, map[string]string{"type": "FamilyName", "value": name.Family})
}

// addresses come the oldest first: One Login promises no order, and whoever takes
// the first for the present one shall notice here.
func addresses(person Person, year int) []map[string]any {
	var out []map[string]any
	for i, code := range person.PostCodes {
		address := map[string]any{
			"addressCountry": "GB", "buildingName": "", "buildingNumber": strconv.Itoa(i + 1),
			"streetName": "SAMPLE STREET", "addressLocality": "SAMPLETON", "postalCode": code,
			"validFrom": strconv.Itoa(year-3*(i+1)) + "-01-01", // only the year is ever asked for
		}
		if i > 0 {
			address["validUntil"] = strconv.Itoa(year-3*i) + "-01-01"
		}
		out = append(out, address)
	}
	slices.Reverse(out)
	return out
}
