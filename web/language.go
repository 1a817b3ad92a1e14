package web

import (
	"net/http"

	"golang.org/x/text/language"

	"openplr/plr"
)

// spoken is in the order of matcher's tags; the first is the default.
var (
	spoken  = []plr.Language{plr.LanguageEnglish, plr.LanguageWelsh}
	matcher = language.NewMatcher([]language.Tag{language.English, language.Make("cy")})
)

// AcceptedLanguage is what the request's Accept-Language header asks for; English
// when it asks for nothing we speak.
func AcceptedLanguage(r *http.Request) plr.Language {
	_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return spoken[i]
}

// languageOf is what the reader asked for: by ?lang=, else by the browser's
// settings. No cookie remembers it; our links carry it on.
func languageOf(r *http.Request) plr.Language {
	switch r.URL.Query().Get("lang") {
	case "en":
		return plr.LanguageEnglish
	case "cy":
		return plr.LanguageWelsh
	}
	return AcceptedLanguage(r)
}

// tagOf is l as HTML and HTTP write it.
func tagOf(l plr.Language) string {
	if l == plr.LanguageWelsh {
		return "cy"
	}
	return "en"
}

func otherThan(l plr.Language) plr.Language {
	if l == plr.LanguageWelsh {
		return plr.LanguageEnglish
	}
	return plr.LanguageWelsh
}

// elsewhere is the address of the page being read in the other language: a
// query alone, so that no path a visitor made up is written into a page.
func elsewhere(l plr.Language) string { return "?lang=" + tagOf(otherThan(l)) }
