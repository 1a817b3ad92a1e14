package lrs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// summaryOf imports and fails the test on an error.
func summaryOf(t *testing.T, im *lrs.Importer, files ...lrs.File) *lrs.Summary {
	t.Helper()
	s, err := im.Import(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rejectLines(t *testing.T, out *bytes.Buffer) []lrs.Reject {
	t.Helper()
	var list []lrs.Reject
	for line := range strings.Lines(out.String()) {
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		var r lrs.Reject
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

func TestImportCounts(t *testing.T) {
	t.Parallel()
	im, store, rejects := importing()
	files := texts(
		fixture(t, "FindLearnerByDemographics_exact_match_ful.xml")+fixture(t, "GetLearnerLearningEvents_exact_match_full.xml"),
		fixture(t, "GetLearnerLearningEvents_linked_learner.xml"),
		fixture(t, "GetLearnerLearningEvents_not_shared.xml"),
		fixture(t, "GetLearnerLearningEvents_not_verified.xml"),
		fixture(t, "FindLearnerByDemographics_no_match_ful.xml"),
		fixture(t, "FindLearnerByDemographics_possible_match_two_learners_ful.xml"),
	)
	s := summaryOf(t, im, files...)
	if s.Files != 6 || s.LearnersNew != 3 || s.LearnersChanged != 0 || s.EventsAdded != 7 || s.EventsChanged != 0 || s.EventsSame != 0 {
		t.Errorf("%+v", s)
	}
	if s.Rejected() != 0 || rejects.Len() != 0 {
		t.Errorf("rejects %v: %s", s.Rejects, rejects)
	}
	wantAnswers := map[lrs.AnswerKind]int{
		{Kind: lrs.KindFindLearner, Outcome: lrs.OutcomeExactMatch}:       1,
		{Kind: lrs.KindFindLearner, Outcome: lrs.OutcomeNoMatch}:          1,
		{Kind: lrs.KindFindLearner, Outcome: lrs.OutcomePossibleMatch}:    1,
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeExactMatch}:    1,
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeLinkedLearner}: 1,
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeNotShared}:     1,
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeNotVerified}:   1,
	}
	if !reflect.DeepEqual(s.Answers, wantAnswers) {
		t.Errorf("answers %v", s.Answers)
	}
	wantDirty := map[lrs.ValueFault]int{
		{Field: "grade", Code: plr.QualityPlaceholder}:                3,
		{Field: "awardingOrganisation", Code: plr.QualityPlaceholder}: 6,
		{Field: "awardingOrganisation", Code: plr.QualityNotAUKPRN}:   3,
	}
	if !reflect.DeepEqual(s.Dirty, wantDirty) {
		t.Errorf("dirty %v", s.Dirty)
	}
	if s.Dropped["Gender"] != 1 || s.Dropped["EmailAddress"] != 1 || s.Dropped["GivenName"] != 0 || len(s.Dropped) != 14 {
		t.Errorf("dropped %v", s.Dropped)
	}

	if r := store.record(uln1); r == nil || len(r.Events) != 4 || r.Register == nil || r.Register.FamilyName != "Testfamily" {
		t.Errorf("the learner's record: %+v", r)
	}
	// Events of a learner without a register entry are kept; the old number leads there.
	if r := store.record(uln3); r == nil || r.ULN != uln2 || r.Register != nil || len(r.Events) != 3 || !slices.Equal(r.LinkedULNs, []plr.ULN{uln3}) {
		t.Errorf("the linked learner's record: %+v", r)
	}
	if r := store.record("9900002031"); r == nil || !r.NotSharedUpstream || len(r.Events) != 0 {
		t.Errorf("the record not shared: %+v", r)
	}
	// Nobody is chosen among possible matches.
	if store.record("9900002066") != nil || store.record("9900002058") != nil {
		t.Error("a possible match was imported")
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	im, store, _ := importing()
	files := func() []lrs.File {
		return texts(
			fixture(t, "FindLearnerByDemographics_exact_match_ful.xml")+fixture(t, "GetLearnerLearningEvents_exact_match_full.xml"),
			fixture(t, "GetLearnerLearningEvents_linked_learner.xml"),
			string(must(fs.ReadFile(lrs.Samples(), "03-every-dirty-value.xml"))),
		)
	}
	summaryOf(t, im, files()...)
	before := fmt.Sprintf("%s", store.records)
	s := summaryOf(t, im, files()...)
	if s.LearnersNew != 0 || s.LearnersChanged != 0 || s.EventsAdded != 0 || s.EventsChanged != 0 || s.EventsSame != 16 {
		t.Errorf("the second time: %+v", s)
	}
	if after := fmt.Sprintf("%s", store.records); after != before {
		t.Error("the second import changed a record")
	}
}

// Events are upserted by their number, also within one answer: the later wins.
func TestImportUpsertsByEventID(t *testing.T) {
	t.Parallel()
	im, store, _ := importing()
	first := clean.with(fields{"ID": "7", "Grade": "Pass"})
	later := clean.with(fields{"ID": "007", "Grade": "Merit"})
	s := summaryOf(t, im, texts(eventsAnswer("WSRC0004", uln1, uln1, first.event()+later.event()))...)
	if s.EventsAdded != 1 || s.EventsChanged != 1 {
		t.Errorf("%+v", s)
	}
	if r := store.record(uln1); len(r.Events) != 1 || r.Events[0].Grade.Value != "Merit" || r.Events[0].ID != plr.EventIDOf("7") {
		t.Errorf("%+v", r.Events)
	}
}

// One learner several times in a batch: the answers count in their order,
// whether they stand side by side or not.
func TestImportKeepsTheOrderWithinABatch(t *testing.T) {
	t.Parallel()
	other := eventsAnswer("WSRC0004", uln2, uln2, clean.with(fields{"ID": "8"}).event())
	for name, test := range map[string]struct {
		between          string
		updates, changed int
	}{
		"side by side": {"", 1, 0},
		"apart":        {other, 9, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			im, store, _ := importing()
			linked := register.with(fields{"FamilyName": "Testlater", "LinkedULNs": string(uln3)})
			answers := []string{
				eventsAnswer("WSRC0004", uln1, uln1, clean.event()),
				findAnswer("WSRC0004", register.in("Learner", "")),
				eventsAnswer("WSRC0004", uln1, uln1, clean.with(fields{"Grade": "Pass"}).event()),
				eventsAnswer("WSEC0206", uln1, uln1, ""),
				findAnswer("WSRC0022", linked.in("Learner", "")),
			}
			s := summaryOf(t, im, texts(strings.Join(answers, test.between))...)
			if !slices.Equal(store.batches, []int{test.updates}) {
				t.Fatalf("batches %v", store.batches)
			}
			r := store.record(uln1)
			if !r.NotSharedUpstream || r.Register.FamilyName != "Testlater" || len(r.Events) != 1 || r.Events[0].Grade.Value != "Pass" ||
				!slices.Equal(r.LinkedULNs, []plr.ULN{uln3}) || !slices.Equal(r.Register.LinkedULNs, []plr.ULN{uln3}) {
				t.Errorf("%+v", r)
			}
			if s.LearnersChanged != test.changed || s.EventsChanged != 1 {
				t.Errorf("%+v", s)
			}
			// Shared again: the flag goes.
			summaryOf(t, im, texts(answers[2])...)
			if store.record(uln1).NotSharedUpstream {
				t.Error("the record is still marked as not shared")
			}
		})
	}
}

func TestImportInBatches(t *testing.T) {
	t.Parallel()
	one := eventsAnswer("WSRC0004", uln1, uln1, clean.event())
	two := eventsAnswer("WSRC0004", uln2, uln2, clean.with(fields{"ID": "8"}).event())
	many := eventsAnswer("WSRC0004", uln1, uln1, strings.Repeat(fields{"ID": "7"}.event(), 4000))
	more := eventsAnswer("WSRC0004", uln2, uln2, strings.Repeat(fields{"ID": "8"}.event(), 4000))
	tests := map[string]struct {
		size  int
		files []string
		want  []int
	}{
		"the default":                    {0, []string{strings.Repeat(one+two, 550)}, []int{500, 500, 100}},
		"a size of its own":              {3, []string{strings.Repeat(one+two, 3) + one}, []int{3, 3, 1}},
		"across files":                   {2, []string{one, two, one}, []int{2, 1}},
		"early for learners of many":     {0, []string{strings.Repeat(many+more, 2)}, []int{3, 1}},
		"early for one learner of many":  {0, []string{strings.Repeat(many, 4)}, []int{1, 1}},
		"early for one learner for ever": {0, []string{strings.Repeat(eventsAnswer("WSRC0022", uln1, uln2, ""), 10_001)}, []int{1, 1}},
		"nothing to store":               {0, []string{eventsAnswer("WSEC0208", "", uln1, "")}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			im, store, _ := importing()
			im.Batch = test.size
			var calls, added int
			im.Progress = func(s *lrs.Summary) { calls, added = calls+1, s.EventsAdded }
			s := summaryOf(t, im, texts(test.files...)...)
			if !slices.Equal(store.batches, test.want) || calls != len(test.want) || added != s.EventsAdded {
				t.Errorf("batches %v, %d calls of progress, %d of %d events told", store.batches, calls, added, s.EventsAdded)
			}
		})
	}
}

// A broken file is a reject; what came before it, and the files after it, count.
func TestImportGoesOnAfterABrokenFile(t *testing.T) {
	t.Parallel()
	im, store, rejects := importing()
	good := eventsAnswer("WSRC0004", uln1, uln1, clean.event())
	dir := t.TempDir()
	good2 := filepath.Join(dir, "9900002015.xml")
	if err := os.WriteFile(good2, []byte(eventsAnswer("WSRC0004", uln2, uln2, clean.with(fields{"ID": "8"}).event())), 0o600); err != nil {
		t.Fatal(err)
	}
	files := slices.Concat(
		texts(good+"<broken>"),
		lrs.Paths(filepath.Join(dir, "Not There.xml"), dir, good2),
		texts("{}"),
	)
	s := summaryOf(t, im, files...)
	if s.Files != 5 || s.EventsAdded != 2 || s.LearnersNew != 2 || s.Rejected() != 4 {
		t.Errorf("%+v", s)
	}
	if store.record(uln1) == nil || store.record(uln2) == nil {
		t.Error("a good answer was lost")
	}
	list := rejectLines(t, rejects)
	want := []string{
		"1 answers-1.xml MALFORMED_XML", "2 Not There.xml CANNOT_READ",
		"3 " + filepath.Base(dir) + " CANNOT_READ", "5 answers-1.xml MALFORMED_XML",
	}
	if len(list) != len(want) || list[0].Line != 1 || list[0].Answer != 0 {
		t.Fatalf("rejects %+v", list)
	}
	for i, r := range list {
		if line := fmt.Sprintf("%d %s %s", r.FileNumber, r.File, r.Code); line != want[i] {
			t.Errorf("reject %q, want %q", line, want[i])
		}
	}
}

func TestImportEndsWithTheStore(t *testing.T) {
	t.Parallel()
	im, store, _ := importing()
	store.fail = plr.Unavailable(errors.New("no disk"), time.Second)
	s, err := im.Import(t.Context(), texts(eventsAnswer("WSRC0004", uln1, uln1, clean.event()))...)
	if plr.CodeOf(err) != plr.CodeUnavailable {
		t.Errorf("error %v", err)
	}
	if s.EventsAdded != 0 || s.LearnersNew != 0 || total(s.Answers) != 1 {
		t.Errorf("counted as stored: %+v", s)
	}
	// In the middle of a file too.
	im.Batch = 1
	if _, err := im.Import(t.Context(), texts(eventsAnswer("WSRC0004", uln1, uln1, "")+eventsAnswer("WSRC0004", uln2, uln2, ""))...); plr.CodeOf(err) != plr.CodeUnavailable {
		t.Errorf("error %v", err)
	}
}

func TestImportEndsWithTheRejectsFile(t *testing.T) {
	t.Parallel()
	im, _, _ := importing()
	full := errors.New("disk full")
	im.Rejects = writerFunc(func([]byte) (int, error) { return 0, full })
	if _, err := im.Import(t.Context(), texts("{}")...); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	im.Rejects = nil
	if s, err := im.Import(t.Context(), texts("{}")...); err != nil || s.Rejected() != 1 {
		t.Errorf("without a rejects file: %v, %v", s, err)
	}
}

func TestImportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	im, store, _ := importing()
	ctx, cancel := context.WithCancel(t.Context())
	im.Batch = 1
	im.Progress = func(*lrs.Summary) { cancel() }
	_, err := im.Import(ctx, texts(strings.Repeat(eventsAnswer("WSRC0004", uln1, uln1, ""), 3))...)
	if !errors.Is(err, context.Canceled) || len(store.batches) != 1 {
		t.Errorf("error %v after %d batches", err, len(store.batches))
	}
}

func TestImporterMustBeComplete(t *testing.T) {
	t.Parallel()
	im, _, _ := importing()
	for name, incomplete := range map[string]*lrs.Importer{"no service": {Today: today}, "no day": {Service: im.Service}} {
		if _, err := incomplete.Import(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func total[K comparable](counts map[K]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
