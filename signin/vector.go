package signin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A vector of trust (RFC 8485) is components with dots between them, such as
// "Cl.Cm.P2": Cl and Cm are credentials (a password, a second factor), P2 is how
// well identity is proved. It is asked for as vtr and answered as vot.
var vectorForm = regexp.MustCompile(`^[A-Z][a-z0-9](\.[A-Z][a-z0-9]){0,9}$`)

const errAssurance = why("the provider vouches for less than was asked")

// credentialsOf gives the credential components of a vector.
func credentialsOf(vector string) []string {
	return slices.DeleteFunc(strings.Split(vector, "."), func(c string) bool { return !strings.HasPrefix(c, "C") })
}

// coversCredentials says whether got has every credential component of asked.
// ID tokens carry these only, whatever was asked for besides.
func coversCredentials(got, asked string) bool {
	if !vectorForm.MatchString(got) {
		return false
	}
	held := credentialsOf(got)
	return !slices.ContainsFunc(credentialsOf(asked), func(c string) bool { return !slices.Contains(held, c) })
}

// identityLevel gives the digit of the one identity component, -1 without one.
func identityLevel(vector string) int {
	level := -1
	for component := range strings.SplitSeq(vector, ".") {
		if digit, ok := strings.CutPrefix(component, "P"); ok {
			if level >= 0 || len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
				return -1
			}
			level = int(digit[0] - '0')
		}
	}
	return level
}

// vtr is the vector to ask for on a trip of this purpose; empty to ask for none.
func (s *SignIn) vtr(p purpose) string {
	if p == purposeIdentity {
		return s.config.Identity.VTR
	}
	return s.config.AuthVTR
}

func (c *Config) vectorFaults() []error {
	var faults []error
	if v := c.AuthVTR; v != "" && (!vectorForm.MatchString(v) || len(credentialsOf(v)) != strings.Count(v, ".")+1) {
		// The provider lets nobody ask for identity at sign-in.
		faults = append(faults, fmt.Errorf("AuthVTR %q is not a vector of credentials such as Cl.Cm", v))
	}
	if v := c.Identity.VTR; v != "" && (!vectorForm.MatchString(v) || len(credentialsOf(v)) == 0 || identityLevel(v) < 1) {
		faults = append(faults, fmt.Errorf("Identity.VTR %q is not a vector of credentials and identity such as Cl.Cm.P2", v))
	}
	return faults
}
