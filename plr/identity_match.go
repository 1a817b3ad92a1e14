package plr

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MatchAttribute is something of a verified identity that agrees with a record.
type MatchAttribute string

// The attributes.
const (
	MatchBirthDate          MatchAttribute = "BIRTH_DATE"
	MatchGivenName          MatchAttribute = "GIVEN_NAME"
	MatchGivenNameSynonym   MatchAttribute = "GIVEN_NAME_SYNONYM"
	MatchFamilyName         MatchAttribute = "FAMILY_NAME"
	MatchPreviousFamilyName MatchAttribute = "PREVIOUS_FAMILY_NAME"
	MatchULN                MatchAttribute = "ULN"
	MatchPostCode           MatchAttribute = "POST_CODE"
)

// matchKeyLength is enough of a digest that no two pairs of a date and a name meet.
const matchKeyLength = 32

// matchKey finds people by date of birth and family name, without showing either.
// "" for somebody of whom one of them is not known: they cannot be found.
func matchKey(born Date, family string) string {
	name := foldName(family)
	if _, is := ParseDate(string(born)); !is || name == "" {
		return ""
	}
	return digest("match", string(born)+"\x00"+name)[:matchKeyLength]
}

// MatchKeys gives the keys that lead to a register entry: one for each family
// name it has or had, in order. Stores keep them beside the record.
func MatchKeys(r *RegisterEntry) []string {
	if r == nil {
		return nil
	}
	return matchKeys(r.DateOfBirth, r.FamilyName, r.PreviousFamilyName, r.FamilyNameAtAge16)
}

// matchKeys gives the keys that lead to those the identity may belong to.
func (v *VerifiedIdentity) matchKeys() []string {
	var families []string
	for _, n := range v.Names {
		families = append(families, n.Family)
	}
	return matchKeys(v.BirthDate, families...)
}

func matchKeys(born Date, families ...string) []string {
	var keys []string
	for _, family := range families {
		if key := matchKey(born, family); key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// matchPerson says whether name and date of birth of the identity are those of
// the register entry, and by which attributes.
func matchPerson(v *VerifiedIdentity, r *RegisterEntry) (by []MatchAttribute, same bool) {
	if v == nil || r == nil {
		return nil, false
	}
	if _, is := ParseDate(string(r.DateOfBirth)); is && v.BirthDate == r.DateOfBirth {
		by = append(by, MatchBirthDate)
	}
	given := matchGiven(v, r)
	if given != "" {
		by = append(by, given)
	}
	family := matchFamily(v, r)
	if family != "" {
		by = append(by, family)
	}
	return by, len(by) == 3
}

func matchGiven(v *VerifiedIdentity, r *RegisterEntry) (by MatchAttribute) {
	for _, held := range []string{firstName(r.GivenName), firstName(r.PreferredGivenName)} {
		for _, n := range v.Names {
			proved := firstName(n.Given)
			switch {
			case held == "" || proved == "":
			case held == proved:
				return MatchGivenName
			case oneName(held, proved):
				by = MatchGivenNameSynonym
			}
		}
	}
	return by
}

func matchFamily(v *VerifiedIdentity, r *RegisterEntry) (by MatchAttribute) {
	current := foldName(r.FamilyName)
	for i, n := range v.Names {
		proved := foldName(n.Family)
		switch {
		case proved == "":
		case proved == current && i == 0:
			return MatchFamilyName
		case proved == current, proved == foldName(r.PreviousFamilyName), proved == foldName(r.FamilyNameAtAge16):
			by = MatchPreviousFamilyName
		}
	}
	return by
}

// matchPostCode says whether the person was proved to live, or to have lived,
// where the register last knew them.
func matchPostCode(v *VerifiedIdentity, r *RegisterEntry) bool {
	held := foldPostCode(r.LastKnownPostCode)
	return held != "" && slices.ContainsFunc(v.PostCodes, func(p string) bool { return foldPostCode(p) == held })
}

// foldName is a name as it is compared: letters and digits alone, without case
// and accents. Hyphens, apostrophes, points and spaces say nothing.
func foldName(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case letters[r] != "":
			b.WriteString(letters[r])
		case unicode.In(r, unicode.Lm): // one of the apostrophes
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// letters are those that lose their accent in no decomposition, in the spelling
// that English forms and the zone below a passport's photograph give them.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŧ': "t", 'ŋ': "n", 'ə': "e",
}

// foldPostCode is a postcode as it is compared, "" for what says nothing of
// where somebody lives: what has not the form of one, or one of the codes ZZ99
// that stand for no fixed abode, abroad and unknown.
func foldPostCode(code string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(code) {
		if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			b.WriteRune(r)
		}
	}
	folded := b.String()
	if len(folded) < 5 || len(folded) > 7 || strings.HasPrefix(folded, "ZZ99") {
		return ""
	}
	inward := folded[len(folded)-3:]
	if inward[0] > '9' || inward[1] < 'A' || inward[2] < 'A' || folded[0] < 'A' {
		return ""
	}
	return folded
}

// oneName says whether two folded given names are in use for each other.
func oneName(a, b string) bool {
	for _, i := range synonyms[a] {
		if slices.Contains(synonyms[b], i) {
			return true
		}
	}
	return false
}
