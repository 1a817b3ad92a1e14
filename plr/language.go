package plr

// Language is a language the service speaks: every page and message exists in both.
type Language string

// The two languages, as in schema.graphqls.
const (
	LanguageEnglish Language = "EN"
	LanguageWelsh   Language = "CY"
)

// Valid says whether l is one of the two.
func (l Language) Valid() bool { return l == LanguageEnglish || l == LanguageWelsh }

// Text is one message in both languages.
type Text struct{ EN, CY string }

// T makes a Text.
func T(en, cy string) Text { return Text{EN: en, CY: cy} }

// In gives the words in language l; English when l is unknown.
func (t Text) In(l Language) string {
	if l == LanguageWelsh {
		return t.CY
	}
	return t.EN
}
