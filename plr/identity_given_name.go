package plr

import (
	"slices"
	"strings"
	"unicode"
)

// nameFit is how well the given names of a record fit somebody who has the first
// of them, beyond that.
type nameFit struct {
	// agrees: nothing else contradicts. No middle name of one is against those of the
	// other, and the first name is not merely in use for a preferred one: Alexander
	// is not his sister Alexandra whom the register knows as Alex.
	agrees bool
	// exact: the first name is the same, not one in use for it.
	exact bool
}

func (f nameFit) better(than nameFit) bool {
	if f.agrees != than.agrees {
		return f.agrees
	}
	return f.exact && !than.exact
}

func fitNames(v *VerifiedIdentity, r *RegisterEntry) (best nameFit) {
	first := []string{firstName(r.GivenName), firstName(r.PreferredGivenName)}
	held := append(middleNames(r.GivenName), names(r.MiddleOtherName)...)
	for _, n := range v.Names {
		proved := firstName(n.Given)
		fit := nameFit{exact: slices.Contains(first, proved)}
		own := fit.exact || first[0] == "" || oneName(first[0], proved)
		if proved == "" || (!own && !oneName(first[1], proved)) {
			continue
		}
		fit.agrees = own && compatible(middleNames(n.Given), held)
		if fit.better(best) {
			best = fit
		}
	}
	return best
}

// compatible says whether middle names may be one person's: one of them is alike,
// or on one side there is none. Forms leave them out, or give a letter.
func compatible(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool {
			return strings.HasPrefix(x, y) || strings.HasPrefix(y, x) || oneName(x, y)
		})
	})
}

// names are given names one by one as they are compared. A name joined by a hyphen
// counts as two, because half of the forms leave the hyphen out.
func names(given string) (out []string) {
	for _, part := range strings.FieldsFunc(given, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Pd) }) {
		if name := foldName(part); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// firstName is the first of several given names.
func firstName(given string) string {
	if list := names(given); len(list) > 0 {
		return list[0]
	}
	return ""
}

// middleNames are those behind the first.
func middleNames(given string) []string {
	if list := names(given); len(list) > 1 {
		return list[1:]
	}
	return nil
}
