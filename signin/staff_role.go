package signin

import (
	"encoding/json"
	"fmt"
	"slices"

	"openplr/plr"
)

// rolesOf gives what the person of an ID token may do as staff. claims are all
// claims of the token.
func (s *SignIn) rolesOf(subject string, claims map[string]json.RawMessage) []plr.Role {
	var roles []plr.Role
	for _, rule := range s.config.StaffRoles {
		if rule.Issuer != s.config.Issuer || slices.Contains(roles, rule.Role) {
			continue
		}
		if (rule.Subject != "" && rule.Subject == subject) || (rule.Claim != "" && hasValue(claims[rule.Claim], rule.Value)) {
			roles = append(roles, rule.Role)
		}
	}
	return roles
}

// rolesLeft gives those of a session's roles for which there still is a rule: who
// is taken out of the settings is no staff from the restart on, however long
// their sessions live. What a claim said is known from the sign-in only.
func (s *SignIn) rolesLeft(account *plr.Account, roles []plr.Role) []plr.Role {
	return slices.DeleteFunc(slices.Clone(roles), func(role plr.Role) bool {
		return !slices.ContainsFunc(s.config.StaffRoles, func(rule StaffRole) bool {
			return rule.Role == role && rule.Issuer == account.Issuer && (rule.Claim != "" || rule.Subject == account.Subject)
		})
	})
}

// hasValue says whether a claim is this text or a list with it. Anything else in
// the claim makes nobody staff.
func hasValue(claim json.RawMessage, value string) bool {
	var one string
	if json.Unmarshal(claim, &one) == nil {
		return one == value
	}
	var many []string
	return json.Unmarshal(claim, &many) == nil && slices.Contains(many, value)
}

func (c *Config) staffFaults() []error {
	var faults []error
	for i, rule := range c.StaffRoles {
		bad := func(words string) { faults = append(faults, fmt.Errorf("StaffRoles: rule %d %s", i+1, words)) }
		byClaim := rule.Claim != "" || rule.Value != ""
		if rule.Role != plr.RoleCaseworker && rule.Role != plr.RoleSpecialist {
			bad("gives no known role")
		}
		if rule.Issuer != c.Issuer || rule.Issuer == "" {
			bad("does not name our Issuer")
		}
		switch {
		case byClaim && (rule.Claim == "" || rule.Value == ""), byClaim == (rule.Subject != ""):
			bad("needs a subject, or a claim with a value, and not both")
		case byClaim && (c.AuthVTR != "" || c.Identity.VTR != ""):
			// Its people are learners. What it may come to say about them must not
			// make one of them staff.
			bad("reads a claim of a provider that vouches for the public")
		}
	}
	return faults
}
