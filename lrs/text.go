package lrs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxTextRunes = 500
	// maxTextBytes leaves room for white space around a text before the text
	// counts as overlong.
	maxTextBytes = 8 << 10
	// maxWords bounds a list of linked numbers; real ones have one or two.
	maxWords = 100
)

// cleanText trims text, and refuses what could not be shown as one line of a
// record, or would make a reader see something else than what is stored.
func cleanText(text string) (string, RejectCode) {
	if len(text) > maxTextBytes {
		return "", RejectTooLong
	}
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxTextRunes {
		return "", RejectTooLong
	}
	if strings.ContainsFunc(text, unshowable) {
		return "", RejectControlCharacters
	}
	return text, ""
}

// unshowable: controls, line separators, the mark of bytes lost in a
// conversion, and bidirectional overrides.
func unshowable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || r == '\ufeff' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}

// optional gives nil for no text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// digits says whether s is digits only, between least and most of them.
func digits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}
