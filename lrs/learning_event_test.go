package lrs_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

func ptr[T any](v T) *T { return &v }

// All 22 fields arrive, each in its place.
func TestEventHasEveryField(t *testing.T) {
	t.Parallel()
	if len(clean) != 22 {
		t.Fatalf("the clean event has %d fields", len(clean))
	}
	a := oneEvent(t, clean)
	want := plr.LearningEvent{
		ID: plr.EventIDOf("28538264"), EventID: "28538264",
		QualificationNumber: ptr("900/7003/5"), QualificationType: ptr("Certificate"), Subject: ptr("Certificate in Joinery"),
		Level: ptr("Level 2"), Grade: &plr.Grade{Value: "Merit"}, Credits: ptr(12), AwardDate: ptr(plr.Date("2015-07-03")),
		Status: ptr(plr.StatusFinal), Source: plr.SourceILR,
		AchievementProvider:    &plr.Organisation{UKPRN: ptr("90000111"), Name: ptr("LONG MEADOW COLLEGE")},
		AwardingOrganisation:   &plr.Organisation{UKPRN: ptr("90000203"), Name: ptr("Alderway Awards")},
		ParticipationStartDate: ptr(plr.Date("2014-09-08")), ParticipationEndDate: ptr(plr.Date("2015-07-03")),
		LanguageForAssessment: ptr("English"), CollectionType: ptr("W"), ReturnNumber: ptr("02"), Restriction: ptr("0"),
		// In summer the United Kingdom is an hour ahead of UTC.
		DateLoaded: ptr(time.Date(2015, 7, 31, 15, 47, 4, 0, time.UTC)),
	}
	if len(a.Events) != 1 || !reflect.DeepEqual(a.Events[0], want) {
		t.Errorf("got  %+v\nwant %+v", a.Events, want)
	}
	if len(a.Dropped) > 0 || len(a.Rejects) > 0 {
		t.Errorf("dropped %v, rejects %v", a.Dropped, a.Rejects)
	}
}

// An event of nothing but its number: the format has no mandatory field.
func TestEventMayBeEmpty(t *testing.T) {
	t.Parallel()
	a := oneEvent(t, fields{"ID": "7"})
	want := plr.LearningEvent{
		ID: plr.EventIDOf("7"), EventID: "7", Source: plr.SourceOther,
		DataQuality: []plr.DataQualityNote{{Field: "subject", Code: plr.QualityMissing}, {Field: "source", Code: plr.QualityMissing}},
	}
	if len(a.Events) != 1 || !reflect.DeepEqual(a.Events[0], want) {
		t.Errorf("got %+v, rejects %v", a.Events, a.Rejects)
	}
}

// Each dirty value: what becomes of it, and the note that keeps it.
func TestEventConversion(t *testing.T) {
	t.Parallel()
	type event = plr.LearningEvent
	tests := map[string]struct {
		change fields
		// notes are written field CODE "raw".
		notes []string
		// see gives what the field became, want how it prints.
		see  func(*event) any
		want string
	}{
		"id with leading zeros": {fields{"ID": "000042"}, nil, func(e *event) any { return e.EventID }, "42"},
		"text is trimmed":       {fields{"Subject": "\n  Joinery\t "}, nil, func(e *event) any { return *e.Subject }, "Joinery"},
		"text of 500":           {fields{"Subject": strings.Repeat("ŵ", 500)}, nil, func(e *event) any { return len(*e.Subject) }, "1000"},
		"no subject":            {fields{"Subject": "  "}, []string{`subject MISSING`}, func(e *event) any { return e.Subject == nil }, "true"},
		"no type":               {fields{"QualificationType": ""}, nil, func(e *event) any { return e.QualificationType == nil }, "true"},
		"no level":              {fields{"Level": "-"}, nil, func(e *event) any { return e.Level == nil }, "true"},

		"grade stand-in": {fields{"Grade": "9999999999"}, []string{`grade PLACEHOLDER "9999999999"`}, func(e *event) any { return e.Grade == nil }, "true"},
		"no grade":       {fields{"Grade": ""}, nil, func(e *event) any { return e.Grade == nil }, "true"},
		"grade A*A*":     {fields{"Grade": "A*A*"}, nil, func(e *event) any { return e.Grade.Value }, "A*A*"},

		"number with slashes":        {fields{"SubjectCode": "600/1166/X"}, nil, func(e *event) any { return *e.QualificationNumber }, "600/1166/X"},
		"number without slashes":     {fields{"SubjectCode": "1000323X"}, nil, func(e *event) any { return *e.QualificationNumber }, "1000323X"},
		"number of a unit":           {fields{"SubjectCode": "K/501/5773"}, nil, func(e *event) any { return *e.QualificationNumber }, "K/501/5773"},
		"number with a wrong check":  {fields{"SubjectCode": "900/0001/1"}, nil, func(e *event) any { return *e.QualificationNumber }, "900/0001/1"},
		"number with a small letter": {fields{"SubjectCode": "9000001x"}, nil, func(e *event) any { return *e.QualificationNumber }, "9000001x"},
		"number in another form":     {fields{"SubjectCode": "12345"}, []string{`qualificationNumber UNUSUAL_QUALIFICATION_NUMBER "12345"`}, func(e *event) any { return *e.QualificationNumber }, "12345"},
		"number with half a slash":   {fields{"SubjectCode": "600/11667"}, []string{`qualificationNumber UNUSUAL_QUALIFICATION_NUMBER "600/11667"`}, func(e *event) any { return *e.QualificationNumber }, "600/11667"},
		"no number":                  {fields{"SubjectCode": ""}, nil, func(e *event) any { return e.QualificationNumber == nil }, "true"},

		"no credits":        {fields{"Credits": ""}, nil, func(e *event) any { return e.Credits == nil }, "true"},
		"credits of 0":      {fields{"Credits": "0"}, nil, func(e *event) any { return *e.Credits }, "0"},
		"credits in words":  {fields{"Credits": "two"}, []string{`credits NOT_A_NUMBER "two"`}, func(e *event) any { return e.Credits == nil }, "true"},
		"half a credit":     {fields{"Credits": "0.5"}, []string{`credits NOT_A_NUMBER "0.5"`}, func(e *event) any { return e.Credits == nil }, "true"},
		"credits below 0":   {fields{"Credits": "-1"}, []string{`credits NOT_A_NUMBER "-1"`}, func(e *event) any { return e.Credits == nil }, "true"},
		"credits too large": {fields{"Credits": "9999999999"}, []string{`credits NOT_A_NUMBER "9999999999"`}, func(e *event) any { return e.Credits == nil }, "true"},

		"award today":                {fields{"AchievementAwardDate": string(today)}, nil, func(e *event) any { return *e.AwardDate }, string(today)},
		"award tomorrow":             {fields{"AchievementAwardDate": "2026-11-22"}, []string{`awardDate FUTURE_DATE "2026-11-22"`}, func(e *event) any { return *e.AwardDate }, "2026-11-22"},
		"award far away":             {fields{"AchievementAwardDate": "2058-07-01"}, []string{`awardDate FUTURE_DATE "2058-07-01"`}, func(e *event) any { return *e.AwardDate }, "2058-07-01"},
		"award on no day":            {fields{"AchievementAwardDate": "2015-02-29"}, []string{`awardDate NOT_A_DATE "2015-02-29"`}, func(e *event) any { return e.AwardDate == nil }, "true"},
		"award in another form":      {fields{"AchievementAwardDate": "03/07/2015"}, []string{`awardDate NOT_A_DATE "03/07/2015"`}, func(e *event) any { return e.AwardDate == nil }, "true"},
		"award nobody set":           {fields{"AchievementAwardDate": "0001-01-01"}, []string{`awardDate PLACEHOLDER "0001-01-01"`}, func(e *event) any { return e.AwardDate == nil }, "true"},
		"no award date":              {fields{"AchievementAwardDate": ""}, nil, func(e *event) any { return e.AwardDate == nil }, "true"},
		"start on no day":            {fields{"ParticipationStartDate": "soon"}, []string{`participationStartDate NOT_A_DATE "soon"`}, func(e *event) any { return e.ParticipationStartDate == nil }, "true"},
		"end on no day":              {fields{"ParticipationEndDate": "2015-13-01"}, []string{`participationEndDate NOT_A_DATE "2015-13-01"`}, func(e *event) any { return e.ParticipationEndDate == nil }, "true"},
		"end on the day of start":    {fields{"ParticipationEndDate": "2014-09-08"}, nil, func(e *event) any { return *e.ParticipationEndDate }, "2014-09-08"},
		"end before start":           {fields{"ParticipationEndDate": "2014-09-07"}, []string{`participationEndDate END_BEFORE_START "2014-09-07"`}, func(e *event) any { return *e.ParticipationEndDate }, "2014-09-07"},
		"end to come":                {fields{"ParticipationEndDate": "2030-01-01"}, nil, func(e *event) any { return *e.ParticipationEndDate }, "2030-01-01"},
		"loaded in winter":           {fields{"DateLoaded": "2015-01-31 16:47:04"}, nil, func(e *event) any { return e.DateLoaded }, "2015-01-31 16:47:04 +0000 UTC"},
		"loaded in summer":           {fields{"DateLoaded": "2015-07-31 00:30:00"}, nil, func(e *event) any { return e.DateLoaded }, "2015-07-30 23:30:00 +0000 UTC"},
		"loaded without a time":      {fields{"DateLoaded": "2015-07-31"}, []string{`dateLoaded NOT_A_DATE "2015-07-31"`}, func(e *event) any { return e.DateLoaded == nil }, "true"},
		"loaded at a fraction":       {fields{"DateLoaded": "2015-07-31 16:47:04.5"}, []string{`dateLoaded NOT_A_DATE "2015-07-31 16:47:04.5"`}, func(e *event) any { return e.DateLoaded == nil }, "true"},
		"loaded nobody knows when":   {fields{"DateLoaded": "0001-01-01 00:00:00"}, []string{`dateLoaded PLACEHOLDER "0001-01-01 00:00:00"`}, func(e *event) any { return e.DateLoaded == nil }, "true"},
		"loaded in the year nothing": {fields{"DateLoaded": "0000-06-01 00:00:00"}, []string{`dateLoaded NOT_A_DATE "0000-06-01 00:00:00"`}, func(e *event) any { return e.DateLoaded == nil }, "true"},
		"not loaded":                 {fields{"DateLoaded": ""}, nil, func(e *event) any { return e.DateLoaded == nil }, "true"},

		"provisional":         {fields{"Status": "P"}, nil, func(e *event) any { return *e.Status }, "PROVISIONAL"},
		"status in words":     {fields{"Status": "Final"}, nil, func(e *event) any { return *e.Status }, "FINAL"},
		"no status":           {fields{"Status": ""}, nil, func(e *event) any { return e.Status == nil }, "true"},
		"unknown status":      {fields{"Status": "X"}, []string{`status UNKNOWN_CODE "X"`}, func(e *event) any { return e.Status == nil }, "true"},
		"source NPD":          {fields{"Source": "NPD"}, nil, func(e *event) any { return e.Source }, "NPD"},
		"source AO":           {fields{"Source": "AO"}, nil, func(e *event) any { return e.Source }, "AO"},
		"source QCFU":         {fields{"Source": "qcfu"}, nil, func(e *event) any { return e.Source }, "QCFU"},
		"no source":           {fields{"Source": ""}, []string{`source MISSING`}, func(e *event) any { return e.Source }, "OTHER"},
		"unknown source":      {fields{"Source": "LARS"}, []string{`source UNKNOWN_CODE "LARS"`}, func(e *event) any { return e.Source }, "OTHER"},
		"challenged":          {fields{"UnderDataChallenge": "Y"}, nil, func(e *event) any { return e.UnderDataChallenge }, "true"},
		"challenged, newer":   {fields{"UnderDataChallenge": "true"}, nil, func(e *event) any { return e.UnderDataChallenge }, "true"},
		"challenge not said":  {fields{"UnderDataChallenge": ""}, nil, func(e *event) any { return e.UnderDataChallenge }, "false"},
		"challenged or so":    {fields{"UnderDataChallenge": "?"}, []string{`underDataChallenge UNKNOWN_CODE "?"`}, func(e *event) any { return e.UnderDataChallenge }, "false"},
		"Welsh":               {fields{"LanguageForAssessment": "Cymraeg"}, nil, func(e *event) any { return *e.LanguageForAssessment }, "Cymraeg"},
		"no language":         {fields{"LanguageForAssessment": ""}, nil, func(e *event) any { return e.LanguageForAssessment == nil }, "true"},
		"collection not said": {fields{"CollectionType": "", "ReturnNumber": "", "Restriction": ""}, nil, func(e *event) any { return e.CollectionType == nil && e.ReturnNumber == nil && e.Restriction == nil }, "true"},

		"awarding body a stand-in": {
			fields{"AwardingOrganisationUkprn": "UNKNWN", "AwardingOrganisationName": "UNKNOWN"},
			[]string{`awardingOrganisation PLACEHOLDER "UNKNWN"`, `awardingOrganisation PLACEHOLDER "UNKNOWN"`},
			func(e *event) any { return e.AwardingOrganisation == nil }, "true",
		},
		"awarding body's code a stand-in": {
			fields{"AwardingOrganisationUkprn": "unknwn"},
			[]string{`awardingOrganisation PLACEHOLDER "unknwn"`},
			func(e *event) any { return show(e.AwardingOrganisation) }, "- - Alderway Awards",
		},
		"awarding body's name a stand-in": {
			fields{"AwardingOrganisationName": "Unknown"},
			[]string{`awardingOrganisation PLACEHOLDER "Unknown"`},
			func(e *event) any { return show(e.AwardingOrganisation) }, "90000203 - -",
		},
		"awarding body by a school's code": {
			fields{"AwardingOrganisationUkprn": "100060"},
			[]string{`awardingOrganisation NOT_A_UKPRN "100060"`},
			func(e *event) any { return show(e.AwardingOrganisation) }, "- 100060 Alderway Awards",
		},
		"awarding body by a test code": {
			fields{"AwardingOrganisationUkprn": "TEST0045"},
			[]string{`awardingOrganisation NOT_A_UKPRN "TEST0045"`},
			func(e *event) any { return show(e.AwardingOrganisation) }, "- TEST0045 Alderway Awards",
		},
		"no awarding body": {
			fields{"AwardingOrganisationUkprn": "", "AwardingOrganisationName": ""}, nil,
			func(e *event) any { return e.AwardingOrganisation == nil }, "true",
		},
		"no provider": {
			fields{"AchievementProviderUkprn": "", "AchievementProviderName": ""}, nil,
			func(e *event) any { return e.AchievementProvider == nil }, "true",
		},
		"provider's name only": {
			fields{"AchievementProviderUkprn": "-"}, nil,
			func(e *event) any { return show(e.AchievementProvider) }, "- - LONG MEADOW COLLEGE",
		},
		"provider of nine digits": {
			fields{"AchievementProviderUkprn": "900001110"},
			[]string{`achievementProvider NOT_A_UKPRN "900001110"`},
			func(e *event) any { return show(e.AchievementProvider) }, "- 900001110 LONG MEADOW COLLEGE",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := oneEvent(t, clean.with(test.change))
			if len(a.Events) != 1 {
				t.Fatalf("%d events, rejects %v", len(a.Events), a.Rejects)
			}
			e := &a.Events[0]
			if got := fmt.Sprint(test.see(e)); got != test.want {
				t.Errorf("became %s, want %s", got, test.want)
			}
			var notes []string
			for _, n := range e.DataQuality {
				note := n.Field + " " + string(n.Code)
				if n.Raw != nil {
					note += fmt.Sprintf(" %q", *n.Raw)
				}
				notes = append(notes, note)
			}
			if !slices.Equal(notes, test.notes) {
				t.Errorf("notes %v, want %v", notes, test.notes)
			}
		})
	}
}

func show(o *plr.Organisation) string {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	if o == nil {
		return "nil"
	}
	return text(o.UKPRN) + " " + text(o.Code) + " " + text(o.Name)
}

// An event that cannot be kept is refused by field; its neighbours are kept.
func TestEventsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change fields
		field  string
		code   lrs.RejectCode
	}{
		"no number":                     {fields{"ID": ""}, "ID", lrs.RejectMissing},
		"no number at all":              {fields{"ID": "-"}, "ID", lrs.RejectMissing},
		"a number in words":             {fields{"ID": "seven"}, "ID", lrs.RejectNotAnEventID},
		"a number below zero":           {fields{"ID": "-7"}, "ID", lrs.RejectNotAnEventID},
		"the number nobody set":         {fields{"ID": "000"}, "ID", lrs.RejectNotAnEventID},
		"a number without an end":       {fields{"ID": strings.Repeat("1", 19)}, "ID", lrs.RejectNotAnEventID},
		"a subject of 501":              {fields{"Subject": strings.Repeat("ŵ", 501)}, "Subject", lrs.RejectTooLong},
		"a subject of many spaces":      {fields{"Subject": strings.Repeat(" ", 9000)}, "Subject", lrs.RejectTooLong},
		"a grade of 501":                {fields{"Grade": strings.Repeat("A", 501)}, "Grade", lrs.RejectTooLong},
		"a date of 501":                 {fields{"AchievementAwardDate": strings.Repeat("9", 501)}, "AchievementAwardDate", lrs.RejectTooLong},
		"a subject of two lines":        {fields{"Subject": "Join\nery"}, "Subject", lrs.RejectControlCharacters},
		"a name with a tab":             {fields{"AchievementProviderName": "LONG\tMEADOW"}, "AchievementProviderName", lrs.RejectControlCharacters},
		"a later control character":     {fields{"Subject": "Join\u0085ery"}, "Subject", lrs.RejectControlCharacters},
		"a grade that reads backwards":  {fields{"Grade": "\u202e*A"}, "Grade", lrs.RejectControlCharacters},
		"a letter lost in a conversion": {fields{"Subject": "Caf\ufffd"}, "Subject", lrs.RejectControlCharacters},
		"elements in a grade":           {fields{"Grade": "<b>A</b>"}, "Grade", lrs.RejectNested},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := clean.with(fields{"ID": "1"}).event()
			a := readOne(t, eventsAnswer("WSRC0004", uln1, uln1, other+clean.with(test.change).event()+other))
			if len(a.Rejects) != 1 || len(a.Events) != 2 {
				t.Fatalf("rejects %v, %d events", a.Rejects, len(a.Events))
			}
			want := lrs.Reject{Answer: 1, Event: 2, Line: 1, Field: test.field, Code: test.code, Message: test.code.Message()}
			if got := a.Rejects[0]; got.Line < 1 || got.Message == "" || got.Answer != want.Answer || got.Event != want.Event ||
				got.Field != want.Field || got.Code != want.Code || got.Message != want.Message {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestEventWithAFieldTwiceIsRefused(t *testing.T) {
	t.Parallel()
	twice := strings.Replace(clean.event(), "<a:Grade>", "<a:Grade>Pass</a:Grade><a:Grade>", 1)
	a := readOne(t, eventsAnswer("WSRC0004", uln1, uln1, twice))
	if len(a.Events) != 0 || len(a.Rejects) != 1 || a.Rejects[0].Code != lrs.RejectRepeated || a.Rejects[0].Field != "Grade" {
		t.Errorf("%d events, rejects %v", len(a.Events), a.Rejects)
	}
}

// A field this version does not know must not vanish without a trace.
func TestUnknownEventFieldsAreCounted(t *testing.T) {
	t.Parallel()
	odd := clean.with(fields{"TotalQualificationTime": "120", strings.Repeat("x", 90): "y", "ULN9900002007": "z"})
	a := readOne(t, eventsAnswer("WSRC0004", uln1, uln1, odd.event()+"<a:Footnote>Testfamily</a:Footnote>"))
	want := map[string]int{"LearningEvent.TotalQualificationTime": 1, "(other)": 2, "LearnerRecord.Footnote": 1}
	if len(a.Events) != 1 || !reflect.DeepEqual(a.Dropped, want) {
		t.Errorf("%d events, dropped %v", len(a.Events), a.Dropped)
	}
}
