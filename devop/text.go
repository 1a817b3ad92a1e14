package devop

import "strings"

// texts are the words of the pages in one language.
type texts struct {
	Lang         string
	Warning      string // on every page
	Title        string
	Intro        string
	SignInAs     string // followed by a name
	Suggested    string
	Cancel       string
	Choose       string // when nobody on the list was chosen
	FaultHeading string
	FaultBody    string
	OutHeading   string
	OutBody      string
}

var english = texts{
	Lang:         "en",
	Warning:      "DEVELOPMENT sign-in: these people are invented",
	Title:        "Choose who to sign in as",
	Intro:        "You do not need a password.",
	SignInAs:     "Sign in as",
	Suggested:    "Suggested by the app",
	Cancel:       "Cancel",
	Choose:       "Choose a person from the list, or cancel.",
	FaultHeading: "This request was refused",
	FaultBody:    "Go back to the app and start again.",
	OutHeading:   "You are signed out",
	OutBody:      "You can close this page.",
}

var welsh = texts{
	Lang:         "cy",
	Warning:      "Mewngofnodi ar gyfer DATBLYGU: pobl ddychmygol yw’r rhain",
	Title:        "Dewiswch berson i fewngofnodi",
	Intro:        "Nid oes angen cyfrinair arnoch.",
	SignInAs:     "Mewngofnodi fel",
	Suggested:    "Awgrymwyd gan yr ap",
	Cancel:       "Canslo",
	Choose:       "Dewiswch berson o’r rhestr, neu ganslo.",
	FaultHeading: "Gwrthodwyd y cais hwn",
	FaultBody:    "Ewch yn ôl i’r ap a dechrau eto.",
	OutHeading:   "Rydych wedi allgofnodi",
	OutBody:      "Gallwch gau’r dudalen hon.",
}

// localesSupported is published in the metadata.
var localesSupported = []string{"en", "cy"}

// textsFor picks the first language asked for that we speak. ui_locales is a
// list of BCP 47 tags in order of preference (OpenID Connect Core 3.1.2.1).
func textsFor(uiLocales string) texts {
	for tag := range strings.FieldsSeq(strings.ToLower(uiLocales)) {
		switch language, _, _ := strings.Cut(tag, "-"); language {
		case "cy":
			return welsh
		case "en":
			return english
		}
	}
	return english
}
