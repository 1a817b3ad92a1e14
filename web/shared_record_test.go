package web_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"openplr/plr"
)

func shown(t *testing.T, shared *plr.SharedRecord, headers ...string) string {
	t.Helper()
	s := newSite(t)
	s.redeemer.outcome = shared
	w := s.submit(filled(), headers...)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// each field with words that stand on the page if and only if it is shown.
var fieldWords = map[plr.RecordField][]string{
	plr.FieldName:                  {"Nia Prydderch"},
	plr.FieldULN:                   {"Unique Learner Number (ULN)", "1000000043"},
	plr.FieldDateOfBirth:           {"Date of birth", "29 February 2004"},
	plr.FieldYearOfBirth:           {"Year of birth"},
	plr.FieldSubject:               {"Subject", "Further Mathematics", "Customer Service"},
	plr.FieldQualificationType:     {"GCE A Level"},
	plr.FieldQualificationNumber:   {"Qualification number", "601/4500/4"},
	plr.FieldLevel:                 {"Level 3"},
	plr.FieldGrade:                 {"Grade", "A*"},
	plr.FieldCredits:               {"Credits", "48"},
	plr.FieldAwardDate:             {"Awarded on", "18 August 2022", "5 January 2021"},
	plr.FieldStatus:                {"Status", "Final", "Provisional: may still change"},
	plr.FieldAchievementProvider:   {"Provider", "Coleg Cwm", "LEGACY7"},
	plr.FieldAwardingOrganisation:  {"Awarding organisation", "Pearson Education Ltd", "UKPRN 10008888"},
	plr.FieldParticipationDates:    {"Took part", "1 September 2020 to 30 June 2022", "from 2 September 2020", "until 28 June 2019"},
	plr.FieldLanguageForAssessment: {"Language of assessment", "Welsh medium"},
}

func TestOnlyWhatWasChosenIsShown(t *testing.T) {
	t.Parallel()
	cases := map[string][]plr.RecordField{"all": allFields, "default": plr.DefaultFields()}
	for _, f := range allFields {
		cases["only "+string(f)] = []plr.RecordField{f}
		cases["all but "+string(f)] = slices.DeleteFunc(slices.Clone(allFields), func(g plr.RecordField) bool { return g == f })
	}
	for name, fields := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := seen(t, shown(t, record(t, learner(), plr.LanguageEnglish, fields...)))
			for field, words := range fieldWords {
				for _, w := range words {
					if got, want := strings.Contains(text, w), slices.Contains(fields, field); got != want {
						t.Errorf("%s: %q on the page is %v in %s", field, w, got, text)
					}
				}
			}
		})
	}
}

func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		fields  []plr.RecordField
		columns int
		details bool
	}{
		{"all", allFields, 8, true},
		{"default", plr.DefaultFields(), 6, false},
		{"as many as fit", allFields[4:11], 7, false},
		{"no event fields", []plr.RecordField{plr.FieldName}, 1, false},
		{"grade only", []plr.RecordField{plr.FieldGrade}, 1, false},
		{"details only", []plr.RecordField{plr.FieldAchievementProvider, plr.FieldParticipationDates}, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var headings []string
			heads, cells, details := 0, 0, 0
			for _, e := range parse(t, shown(t, record(t, learner(), plr.LanguageEnglish, c.fields...))) {
				switch {
				case e.name == "th" && e.attr["scope"] == "col":
					headings = append(headings, squeeze(e.text))
				case e.name == "th" && e.attr["scope"] == "row":
					heads++
				case e.name == "td" && e.attr["colspan"] != "":
					details++
					if e.attr["colspan"] != strconv.Itoa(c.columns-1) {
						t.Errorf("details span %s of %d columns", e.attr["colspan"], c.columns)
					}
				case e.name == "td":
					cells++
					if want := headings[1+(cells-1)%(len(headings)-1)]; e.attr["data-label"] != want {
						t.Errorf("cell labelled %q under %q", e.attr["data-label"], want)
					}
				}
			}
			if len(headings) != c.columns || heads != 3 || cells != 3*(c.columns-1) || (details == 3) != c.details {
				t.Errorf("%d headings, %d rows, %d cells, %d details", len(headings), heads, cells, details)
			}
		})
	}
}

func TestRecordSaysWhatARecipientNeeds(t *testing.T) {
	t.Parallel()
	for language, want := range map[plr.Language][]string{
		plr.LanguageEnglish: {
			"OFFICIAL Shared learning record As at 14 July 2026 at 10:30pm (British Summer Time).",
			"Under challenge means that somebody has questioned", "Customer Service Under challenge",
			"Qualifications and units shown: 3", "PLR-BCDF-GHJK-MNPQ", publicURL,
			"The link can be opened until 24 December 2026 at 12:00pm (Greenwich Mean Time). Only the link ends then. It is not a date on which any qualification ends.",
			plr.SharingTerms.EN, "Not recorded",
		},
		plr.LanguageWelsh: {
			"OFFICIAL Cofnod dysgu a rannwyd Fel yr oedd ar 14 Gorffennaf 2026 am 22:30 (Amser Haf Prydain).",
			"Dan her yw bod rhywun wedi cwestiynu", "Customer Service Dan her",
			"Gellir agor y ddolen tan 24 Rhagfyr 2026 am 12:00 (Amser Safonol Greenwich).", plr.SharingTerms.CY, "Heb ei gofnodi",
		},
	} {
		t.Run(string(language), func(t *testing.T) {
			t.Parallel()
			// The reader's browser asks for the other language: the owner's choice wins.
			body := shown(t, record(t, learner(), language, allFields...), "Accept-Language", map[plr.Language]string{"EN": "cy", "CY": "en"}[language])
			text := seen(t, body)
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("missing %q in %s", w, text)
				}
			}
			if n := strings.Count(text, "OFFICIAL"); n != 2 {
				t.Errorf("marked %d times", n)
			}
			title := named(parse(t, body), "title")[0].text
			if strings.Contains(title, "Nia") {
				t.Errorf("title %q names the learner", title)
			}
			for _, input := range []string{secret, "K7M2", "Ada Employer"} {
				if strings.Contains(body, input) {
					t.Errorf("%q came back", input)
				}
			}
		})
	}
}

func TestNoChallengeNoExplanation(t *testing.T) {
	t.Parallel()
	l := learner()
	l.Record.Events = l.Record.Events[:1]
	if text := seen(t, shown(t, record(t, l, plr.LanguageEnglish, allFields...))); strings.Contains(text, "challenge") {
		t.Errorf("speaks of challenges: %s", text)
	}
}

func TestForeignTextIsInert(t *testing.T) {
	t.Parallel()
	for i, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</td></table><h1>Forged</h1>`, `{{.Marking}}`, `javascript:alert(1)`,
		"\u202eGNP.exe", "A\u2066B", `&lt;b&gt;`, `'--`, "عربي abc",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			l := learner()
			l.GivenName, l.FamilyName = &hostile, nil
			l.Record.Events = []plr.LearningEvent{{
				Subject: &hostile, QualificationType: &hostile, QualificationNumber: &hostile, Level: &hostile, Grade: &plr.Grade{Value: hostile},
				LanguageForAssessment: &hostile, AchievementProvider: &plr.Organisation{Name: &hostile}, AwardingOrganisation: &plr.Organisation{Code: &hostile},
			}}
			body := shown(t, record(t, l, plr.LanguageEnglish, allFields...))
			checkPage(t, body, "en", true)
			wrapped := 0
			for _, e := range named(parse(t, body), "bdi") {
				if e.text == hostile {
					wrapped++
				}
			}
			if wrapped != 9 {
				t.Errorf("%d of 9 values stand apart and unchanged", wrapped)
			}
		})
	}
	t.Run("in the form", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.redeemer.outcome = &plr.PINRequired{}
		hostile := `"><script>alert(1)</script>`
		body := s.submit(filled("name", hostile, "organisation", hostile, "link", hostile+"#"+secret)).Body.String()
		checkPage(t, body, "en", false)
		for _, e := range named(parse(t, body), "input") {
			if e.attr["id"] == "name" && e.attr["value"] != hostile {
				t.Errorf("name kept as %q", e.attr["value"])
			}
		}
	})
}
