package web

import (
	"fmt"

	"openplr/plr"
)

// text gives the words with this key. A test holds that both tables have the
// same keys and that each is used.
func text(l plr.Language, key string, args ...any) (string, error) {
	table := textEN
	if l == plr.LanguageWelsh {
		table = textCY
	}
	words, ok := table[key]
	if !ok {
		return "", fmt.Errorf("web: no text %q", key)
	}
	if len(args) > 0 {
		words = fmt.Sprintf(words, args...)
	}
	return words, nil
}

// say is text for keys that stand in the code.
func say(l plr.Language, key string, args ...any) string {
	words, err := text(l, key, args...)
	if err != nil {
		return key // a test has failed before anybody reads this
	}
	return words
}
