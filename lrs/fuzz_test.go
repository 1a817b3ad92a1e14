package lrs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf8"

	"openplr/lrs"
	"openplr/plr"
)

// Whatever the bytes: no panic, no error but a ReadError with a code, and only
// what may be kept comes out.
func FuzzRead(f *testing.F) {
	for _, path := range must(filepath.Glob("testdata/*.xml")) {
		f.Add([]byte(fixture(f, filepath.Base(path))))
	}
	for _, name := range must(fs.Glob(lrs.Samples(), "*.xml")) {
		if name != "02-adult-60-events.xml" { // large, and nothing new for the fuzzer
			f.Add(must(fs.ReadFile(lrs.Samples(), name)))
		}
	}
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"))
	f.Add([]byte(eventsAnswer("WSRC0022", uln1, uln2, clean.with(fields{"Grade": "<b/>", "ID": "0"}).event()+clean.event())))
	f.Add([]byte(findAnswer("WSRC0022", register.with(fields{"LinkedULNs": "9900002015 x"}).in("Learner", ""))))
	f.Fuzz(func(t *testing.T, data []byte) {
		number := 0
		err := lrs.Read(bytes.NewReader(data), today, func(a *lrs.Answer) error {
			number++
			checkAnswer(t, a, number)
			return nil
		})
		broken, ok := errors.AsType[*lrs.ReadError](err)
		if err != nil && (!ok || broken.Code.Message() == "" || errors.Unwrap(broken) != nil) {
			t.Fatalf("error %v", err)
		}
		if err == nil && number == 0 {
			t.Fatal("no answer and no error")
		}
	})
}

func checkAnswer(t *testing.T, a *lrs.Answer, number int) {
	t.Helper()
	if a.Number != number || a.Line < 1 || a.Kind == "" || a.Outcome == "" {
		t.Fatalf("answer %+v", a)
	}
	for _, r := range a.Rejects {
		if r.Answer != number || r.Message == "" || r.Message != r.Code.Message() {
			t.Fatalf("reject %+v", r)
		}
	}
	for _, u := range a.Updates() {
		for _, uln := range append([]plr.ULN{u.ULN}, u.Linked...) {
			if !uln.Valid() {
				t.Fatalf("an update of a number that is none")
			}
		}
		for i := range u.Events {
			checkEvent(t, &u.Events[i])
		}
	}
}

func checkEvent(t *testing.T, e *plr.LearningEvent) {
	t.Helper()
	if id, err := strconv.ParseUint(e.EventID, 10, 63); err != nil || id == 0 || e.ID != plr.EventIDOf(e.EventID) {
		t.Fatalf("event id %q", e.EventID)
	}
	if e.DataQuality != nil && len(e.DataQuality) == 0 {
		t.Fatal("an empty list of notes differs from none once stored")
	}
	if e.Source == "" || e.Credits != nil && *e.Credits < 0 {
		t.Fatalf("source %q, credits %v", e.Source, e.Credits)
	}
	for _, date := range []*plr.Date{e.AwardDate, e.ParticipationStartDate, e.ParticipationEndDate} {
		if date == nil {
			continue
		}
		if _, ok := plr.ParseDate(string(*date)); !ok {
			t.Fatalf("date %q", *date)
		}
	}
	texts := []*string{e.QualificationNumber, e.QualificationType, e.Subject, e.Level, e.LanguageForAssessment, e.CollectionType, e.ReturnNumber, e.Restriction}
	for _, o := range []*plr.Organisation{e.AchievementProvider, e.AwardingOrganisation} {
		if o != nil {
			if reflect.ValueOf(*o).IsZero() {
				t.Fatal("an organisation of nothing")
			}
			texts = append(texts, o.UKPRN, o.Code, o.Name)
		}
	}
	for _, n := range e.DataQuality {
		texts = append(texts, n.Raw)
	}
	for _, s := range texts {
		if s != nil && (*s == "" || !utf8.ValidString(*s) || utf8.RuneCountInString(*s) > 500) {
			t.Fatalf("text %q", *s)
		}
	}
}
