package devop

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Person is an invented person.
type Person struct {
	// Subject is the "sub" of every token, exactly as written here: with one app
	// it is its pairwise subject. One Login's look like "urn:fdc:gov.uk:2022:..."
	// and hold colons.
	Subject string
	Name    string
	// Email goes out under the scope "email", as verified. Optional.
	Email string
	// Description tells the developer what this person is good for, for example
	// "has a record with two failed events". In English.
	Description string
	// Group is the heading under which the page lists this person; empty means
	// GroupOther.
	Group Group

	// These go out under the scope "profile" when they are set, and as a proved
	// identity. BirthDate is YYYY-MM-DD.
	GivenName  string
	FamilyName string
	BirthDate  string

	// PreviousNames are proved along with the present one, the latest first.
	PreviousNames []PersonName
	// PostCodes are the proved addresses: the present one, then earlier ones.
	PostCodes []string
	// ReturnCodes make every proof of identity fail, for these reasons.
	ReturnCodes []string
}

// PersonName is a name that a person no longer uses.
type PersonName struct{ Given, Family string }

// Group is what people on the page are good for.
type Group string

// The groups, in the order of the page.
const (
	GroupOrdinary       Group = "ordinary"
	GroupToClaim        Group = "to-claim"
	GroupNoMatch        Group = "no-match"
	GroupSeveralMatches Group = "several-matches"
	GroupAlreadyBound   Group = "already-bound"
	GroupSensitive      Group = "sensitive"
	GroupIdentityFails  Group = "identity-fails"
	GroupOther          Group = "other"
)

var groups = []Group{
	GroupOrdinary, GroupToClaim, GroupNoMatch, GroupSeveralMatches,
	GroupAlreadyBound, GroupSensitive, GroupIdentityFails, GroupOther,
}

func (p Person) group() Group {
	if p.Group == "" {
		return GroupOther
	}
	return p.Group
}

// identityFaults are the return codes of a proof of identity; none means that it
// succeeds. Somebody who is no more than an account has nothing to prove.
func (p Person) identityFaults() []string {
	if len(p.ReturnCodes) == 0 && (p.GivenName == "" || p.FamilyName == "" || p.BirthDate == "") {
		return []string{"N"}
	}
	return p.ReturnCodes
}

func checkPeople(people []Person) error {
	if len(people) == 0 {
		return errors.New("People is empty")
	}
	var faults []error
	seen := make(map[string]bool, len(people))
	for i, p := range people {
		switch {
		case p.Subject == "" || len(p.Subject) > 255:
			faults = append(faults, fmt.Errorf("People[%d]: Subject must have 1 to 255 bytes", i))
		case seen[p.Subject]:
			faults = append(faults, fmt.Errorf("People[%d]: Subject %q is there twice", i, p.Subject))
		}
		seen[p.Subject] = true
		if p.Name == "" {
			faults = append(faults, fmt.Errorf("People[%d]: Name is empty", i))
		}
		if !slices.Contains(groups, p.group()) {
			faults = append(faults, fmt.Errorf("People[%d]: Group %q is none", i, p.Group))
		}
		for _, name := range p.PreviousNames {
			if name.Given == "" || name.Family == "" {
				faults = append(faults, fmt.Errorf("People[%d]: PreviousNames holds half a name", i))
			}
		}
		if p.BirthDate != "" {
			if _, err := time.Parse(time.DateOnly, p.BirthDate); err != nil {
				faults = append(faults, fmt.Errorf("People[%d]: BirthDate is not YYYY-MM-DD", i))
			}
		}
	}
	return errors.Join(faults...)
}
