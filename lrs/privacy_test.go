package lrs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"openplr/lrs"
	"openplr/plr"
)

// No value of a learner reaches the rejects file, the summary or an error,
// however broken the input is and wherever the value stands.
func TestNoPersonalValuesInRejectsAndSummary(t *testing.T) {
	t.Parallel()
	im, _, rejects := importing()
	exact := fixture(t, "GetLearnerLearningEvents_exact_match_full.xml")
	learner := register.in("Learner", "")
	var files []lrs.File
	for name, text := range map[string]string{
		"9900002007_Find.xml":     findAnswer("WSRC0004", learner+learner) + findAnswer("Testfamily", learner),
		"events-9900002015.xml":   eventsAnswer("WSRC0004", uln1, uln2, clean.event()) + eventsAnswer("9900002007", uln1, uln1, ""),
		"born-19770816.xml":       eventsAnswer("WSRC0004", "9900002008", "Testgiven", clean.event()) + "Testfamily",
		"faults.xml":              fixture(t, "Fault_miap.xml") + fixture(t, "Fault_domain.xml"),
		"entity.xml":              strings.Replace(exact, "Pass", "&Testfamily;", 1),
		"doctype.xml":             "<!DOCTYPE Testfamily>" + exact,
		"tag.xml":                 strings.Replace(exact, "Pass", "<Testfamily", 1),
		"bytes.xml":               strings.Replace(exact, "Pass", "Testfamily\xff", 1),
		"text.xml":                "Testfamily 9900002007",
		"encoding.xml":            `<?xml version="1.0" encoding="Testfamily"?>` + exact,
		"unknown.xml":             `<e:Body xmlns:e="urn:e"><Testfamily>9900002007</Testfamily></e:Body>`,
		"register.xml":            findAnswer("WSRC0004", register.with(fields{"DateOfBirth": "Testgiven", "AbilityToShare": "Testgiven", "EmailAddress": "testing.person@example.com", "ULN9900002007": "x", "LinkedULNs": "Testfamily"}).in("Learner", "")),
		"not-verified.xml":        eventsAnswer("WSEC0208", "", uln1, ""),
		"possible.xml":            fixture(t, "FindLearnerByDemographics_possible_match_two_learners_ful.xml"),
		"dirty-and-rejected.xml":  everyEventReject(),
		"unreadable/Testfamily/x": "",
	} {
		for _, f := range texts(text) {
			f.Name = name
			files = append(files, f)
		}
	}
	s := summaryOf(t, im, files...)
	if s.Rejected() < 20 {
		t.Errorf("only %d rejects: %v", s.Rejected(), s.Rejects)
	}
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	told := out.String() + rejects.String() + fmt.Sprintf("%+v", s)
	for _, secret := range []string{
		"Test", "9900002", "1977", "ZZ31", "testing.person", "example.com", "Joinery", "JOINERY", "MEADOW", "28538264",
		"Merit", "Alderway", "90000", "2015-07", "SECRET",
	} {
		if strings.Contains(told, secret) {
			t.Errorf("%q is told:\n%s", secret, told)
		}
	}
	for _, r := range rejectLines(t, rejects) {
		if r.Message != r.Code.Message() || r.Message == "" {
			t.Errorf("a message of its own: %+v", r)
		}
	}
}

// everyEventReject is one event for each way to refuse one, values in every field.
func everyEventReject() string {
	var events strings.Builder
	for name := range clean {
		for _, value := range []string{strings.Repeat("SECRET", 100), "SEC\nRET", "<b>SECRET</b>"} {
			events.WriteString(clean.with(fields{name: value}).event())
		}
	}
	events.WriteString(clean.with(fields{"ID": "SECRET", "Grade": "9999999999", "Source": "SECRET"}).event())
	events.WriteString(clean.with(fields{"ID": "9", "Grade": "9999999999", "Source": "SECRET", "Credits": "SECRET"}).event())
	return eventsAnswer("WSRC0004", uln1, uln1, events.String())
}

// The same with everything that ships: no name, number or text of a sample in
// the summary of its import.
func TestNoSampleValuesInTheSummary(t *testing.T) {
	t.Parallel()
	im, store, rejects := importing()
	s := summaryOf(t, im, must(lrs.FSFiles(lrs.Samples()))...)
	var out bytes.Buffer
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	told := out.String() + rejects.String()
	if regexp.MustCompile(`[0-9]{4,}`).MatchString(told) {
		t.Errorf("a long number is told:\n%s", told)
	}
	for uln := range store.records {
		r := store.record(uln)
		secrets := []string{string(uln)}
		if r.Register != nil {
			secrets = append(secrets, r.Register.GivenName, r.Register.FamilyName, r.Register.LastKnownPostCode)
		}
		for i := range r.Events {
			if r.Events[i].Subject != nil {
				secrets = append(secrets, *r.Events[i].Subject)
			}
		}
		for _, secret := range secrets {
			if secret != "" && strings.Contains(told, secret) {
				t.Errorf("%q is told", secret)
			}
		}
	}
}

// The words of a reject are fixed for every code.
func TestEveryRejectHasAMessage(t *testing.T) {
	t.Parallel()
	for _, code := range []lrs.RejectCode{
		lrs.RejectCannotRead, lrs.RejectMalformedXML, lrs.RejectTooLarge, lrs.RejectTooDeep, lrs.RejectDTD, lrs.RejectNoAnswer,
		lrs.RejectFault, lrs.RejectUnknownAnswer, lrs.RejectUnknownResponseCode, lrs.RejectInvalidULN, lrs.RejectNumbersDiffer,
		lrs.RejectAmbiguous, lrs.RejectEventsNotExpected, lrs.RejectMissing, lrs.RejectRepeated, lrs.RejectNested,
		lrs.RejectTooLong, lrs.RejectControlCharacters, lrs.RejectNotAnEventID,
	} {
		if code.Message() == "" {
			t.Errorf("%s has no message", code)
		}
	}
}

func TestSummaryPrints(t *testing.T) {
	t.Parallel()
	s := &lrs.Summary{
		Files: 2, Answers: map[lrs.AnswerKind]int{
			{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeNotShared}:  1,
			{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeExactMatch}: 10,
		},
		LearnersNew: 9, LearnersChanged: 1, EventsAdded: 100, EventsChanged: 2, EventsSame: 3,
		Dirty:         map[lrs.ValueFault]int{{Field: "grade", Code: plr.QualityPlaceholder}: 4},
		DirtyRegister: map[lrs.ValueFault]int{{Field: "CreatedDate", Code: plr.QualityNotADate}: 5},
		Dropped:       map[string]int{"Gender": 7, "EthnicityCode": 6},
		Rejects:       map[lrs.RejectCode]int{lrs.RejectTooLong: 8},
	}
	want := `Files                           2
Answers                         11
  LEARNING_EVENTS EXACT_MATCH   10
  LEARNING_EVENTS NOT_SHARED    1
Learners new                    9
Learners changed                1
Events added                    100
Events changed                  2
Events the same                 3
Dirty values kept and marked    4
  grade PLACEHOLDER             4
Dirty register values left out  5
  CreatedDate NOT_A_DATE        5
Fields dropped                  13
  EthnicityCode                 6
  Gender                        7
Rejects                         8
  TOO_LONG                      8
`
	var out bytes.Buffer
	if err := s.Print(&out); err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := s.Print(writerFunc(func([]byte) (int, error) { return 0, fs.ErrClosed })); err == nil {
		t.Error("a summary that could not be written counts as written")
	}
}

// A file of nothing but different element names must not fill the memory.
func TestDroppedNamesAreBounded(t *testing.T) {
	t.Parallel()
	im, _, _ := importing()
	var inside strings.Builder
	for i := range 400 {
		fmt.Fprintf(&inside, "<F%c%c/>", 'a'+i%26, 'a'+i/26)
	}
	text := findAnswer("WSRC0004", strings.Replace(register.in("Learner", ""), "</Learner>", inside.String()+"</Learner>", 1))
	s := summaryOf(t, im, texts(text, strings.ReplaceAll(text, "<F", "<G"))...)
	if len(s.Dropped) > 201 || total(s.Dropped) < 400 {
		t.Errorf("%d names, %d fields", len(s.Dropped), total(s.Dropped))
	}
}
