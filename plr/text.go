package plr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line checks a text of one line: between 1 and maxRunes characters, no
// controls, no bidirectional overrides (they can make a recipient read
// something else than what is stored). What passes is kept byte for byte.
func line(s string, maxRunes int, path ...string) *Error {
	return checkText(s, maxRunes, false, path)
}

// paragraph is line for texts of several lines: line breaks and tabs may stand.
func paragraph(s string, maxRunes int, path ...string) *Error {
	return checkText(s, maxRunes, true, path)
}

func checkText(s string, maxRunes int, multi bool, path []string) *Error {
	switch {
	case !utf8.ValidString(s):
		return refuse(CodeInvalid, T("This is not valid text.", "Nid yw hwn yn destun dilys."), path...)
	case blank(s):
		return refuse(CodeRequired, T("Enter some text here.", "Rhowch destun yma."), path...)
	case utf8.RuneCountInString(s) > maxRunes:
		return refuse(CodeTooLong, T(
			fmt.Sprintf("Use %d characters or fewer.", maxRunes),
			fmt.Sprintf("Defnyddiwch %d nod neu lai.", maxRunes)), path...)
	}
	for _, r := range s {
		if multi && (r == '\n' || r == '\r' || r == '\t') {
			continue
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || (!multi && isBidiControl(r)) {
			return refuse(CodeInvalid, T(
				"This has characters that cannot be shown. Type it again without them.",
				"Mae nodau yma na ellir eu dangos. Teipiwch ef eto hebddynt."), path...)
		}
	}
	return nil
}

// blank says whether s shows nothing: characters that only join, separate or
// mark a direction are as empty as spaces.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf) })
}

func isBidiControl(r rune) bool {
	return (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// fold is the comparison form for searching and sorting people's texts.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
