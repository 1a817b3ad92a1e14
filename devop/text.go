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
	RootHeading  string
	RootBody     string

	Groups        map[Group]string // headings
	IdentityAsked string           // when the app wants an identity proved
	EndWithError  string
	ErrorIntro    string
	EndWith       string // followed by an error code

	Everywhere       string
	EverywhereIntro  string
	EverywhereChoose string
	EverywhereBody   string
	SignOut          string // followed by a name
	UntoldHeading    string // when the app did not take the logout token
	UntoldBody       string
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
	RootHeading:  "Nothing to do here",
	RootBody:     "People come here from the app. Go there and sign in.",

	Groups: map[Group]string{
		GroupOrdinary:       "Ordinary",
		GroupToClaim:        "To claim a record",
		GroupNoMatch:        "No match",
		GroupSeveralMatches: "Several matches",
		GroupAlreadyBound:   "Record already bound to another account",
		GroupSensitive:      "Sensitive",
		GroupIdentityFails:  "Identity fails",
		GroupOther:          "Other",
	},
	IdentityAsked: "The app asks you to prove who you are. Choosing a person does that as well.",
	EndWithError:  "End with an error",
	ErrorIntro:    "Nobody signs in. The app gets the error instead.",
	EndWith:       "End with",

	Everywhere:       "Sign out everywhere",
	EverywhereIntro:  "The app is told to end every session of the person you choose.",
	EverywhereChoose: "Choose a person from the list.",
	EverywhereBody:   "The app has been told to end every session of this person.",
	SignOut:          "Sign out",
	UntoldHeading:    "The app did not take it",
	UntoldBody:       "The app did not answer with 200, or there is no address to tell it. Its sessions may go on.",
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
	RootHeading:  "Dim i’w wneud yma",
	RootBody:     "Daw pobl yma o’r ap. Ewch yno a mewngofnodi.",

	Groups: map[Group]string{
		GroupOrdinary:       "Cyffredin",
		GroupToClaim:        "I hawlio cofnod",
		GroupNoMatch:        "Dim cofnod cyfatebol",
		GroupSeveralMatches: "Sawl cofnod cyfatebol",
		GroupAlreadyBound:   "Cofnod sydd eisoes ynghlwm wrth gyfrif arall",
		GroupSensitive:      "Sensitif",
		GroupIdentityFails:  "Methu profi hunaniaeth",
		GroupOther:          "Eraill",
	},
	IdentityAsked: "Mae’r ap yn gofyn i chi brofi pwy ydych chi. Mae dewis person yn gwneud hynny hefyd.",
	EndWithError:  "Gorffen â gwall",
	ErrorIntro:    "Nid oes neb yn mewngofnodi. Mae’r ap yn cael y gwall yn lle hynny.",
	EndWith:       "Gorffen â",

	Everywhere:       "Allgofnodi ym mhobman",
	EverywhereIntro:  "Dywedir wrth yr ap am orffen pob sesiwn gan y person a ddewiswch.",
	EverywhereChoose: "Dewiswch berson o’r rhestr.",
	EverywhereBody:   "Dywedwyd wrth yr ap am orffen pob sesiwn gan y person hwn.",
	SignOut:          "Allgofnodi",
	UntoldHeading:    "Ni dderbyniodd yr ap y neges",
	UntoldBody:       "Nid atebodd yr ap â 200, neu nid oes cyfeiriad i ddweud wrtho. Gall ei sesiynau barhau.",
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
