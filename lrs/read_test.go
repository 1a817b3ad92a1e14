package lrs_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"openplr/lrs"
	"openplr/plr"
)

// The shapes of the service's public test answers, with values of our own.
func TestReadShapes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind       lrs.Kind
		outcome    lrs.Outcome
		found, in  plr.ULN
		events     []string
		learners   []plr.ULN
		candidates int
		rejects    []lrs.RejectCode
	}{
		"GetLearnerLearningEvents_exact_match_full.xml": {
			kind: lrs.KindLearningEvents, outcome: lrs.OutcomeExactMatch, found: uln1, in: uln1,
			events: []string{"501", "502", "48075232", "38538264"},
		},
		"GetLearnerLearningEvents_linked_learner.xml": {
			kind: lrs.KindLearningEvents, outcome: lrs.OutcomeLinkedLearner, found: uln2, in: uln3,
			events: []string{"601", "602", "603"},
		},
		"GetLearnerLearningEvents_not_shared.xml": {
			kind: lrs.KindLearningEvents, outcome: lrs.OutcomeNotShared, found: "9900002031", in: "9900002031",
		},
		"GetLearnerLearningEvents_not_verified.xml": {
			kind: lrs.KindLearningEvents, outcome: lrs.OutcomeNotVerified, in: uln1,
		},
		"FindLearnerByDemographics_exact_match_ful.xml": {
			kind: lrs.KindFindLearner, outcome: lrs.OutcomeExactMatch, learners: []plr.ULN{uln1}, candidates: 1,
		},
		"FindLearnerByDemographics_no_match_ful.xml": {
			kind: lrs.KindFindLearner, outcome: lrs.OutcomeNoMatch,
		},
		"FindLearnerByDemographics_possible_match_two_learners_ful.xml": {
			kind: lrs.KindFindLearner, outcome: lrs.OutcomePossibleMatch, candidates: 2,
		},
		"Fault_miap.xml": {
			kind: lrs.KindFault, outcome: lrs.OutcomeFault, rejects: []lrs.RejectCode{lrs.RejectFault},
		},
		"Fault_domain.xml": {
			kind: lrs.KindFault, outcome: lrs.OutcomeFault, rejects: []lrs.RejectCode{lrs.RejectFault},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readOne(t, fixture(t, name))
			if a.Kind != want.kind || a.Outcome != want.outcome || a.FoundULN != want.found || a.IncomingULN != want.in {
				t.Errorf("%s %s found %q incoming %q", a.Kind, a.Outcome, a.FoundULN, a.IncomingULN)
			}
			var events []string
			for _, e := range a.Events {
				events = append(events, e.EventID)
			}
			var learners []plr.ULN
			for _, l := range a.Learners {
				learners = append(learners, l.ULN)
			}
			var rejects []lrs.RejectCode
			for _, r := range a.Rejects {
				rejects = append(rejects, r.Code)
			}
			if !slices.Equal(events, want.events) || !slices.Equal(learners, want.learners) || !slices.Equal(rejects, want.rejects) {
				t.Errorf("events %v, learners %v, rejects %v", events, learners, rejects)
			}
			if a.Candidates != want.candidates {
				t.Errorf("%d candidates, want %d", a.Candidates, want.candidates)
			}
			if want.learners == nil && want.kind == lrs.KindFindLearner && len(a.Updates()) > 0 {
				t.Error("an answer without a sure match changes the store")
			}
		})
	}
}

func TestReadFaultCodes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Fault_miap.xml": "WSEC0001", "Fault_domain.xml": ""} {
		if got := readOne(t, fixture(t, name)).Rejects[0].UpstreamCode; got != want {
			t.Errorf("%s: upstream code %q, want %q", name, got, want)
		}
	}
}

// What surrounds the answers, and how the names are prefixed, changes nothing.
func TestReadIsIndependentOfTheWrapping(t *testing.T) {
	t.Parallel()
	one := fixture(t, "GetLearnerLearningEvents_exact_match_full.xml")
	two := fixture(t, "FindLearnerByDemographics_exact_match_ful.xml")
	bare := one[strings.Index(one, "<GetLearnerLearningEventsResult"):]
	bare = bare[:strings.Index(bare, "</GetLearnerLearningEventsResponse>")]
	swap := strings.NewReplacer("<a:", "<zz:", "</a:", "</zz:", "xmlns:a", "xmlns:zz", "<s:", "<", "</s:", "</", "xmlns:s", "xmlns")
	plain := strings.NewReplacer("<a:", "<", "</a:", "</", "http://api.lrs.qcf.gov.uk/model", "urn:another", "http://tempuri.org/", "urn:more")
	declared := `<?xml version="1.0" encoding="utf-8"?>`
	tests := map[string]struct {
		text    string
		answers int
	}{
		"one envelope":                      {one, 1},
		"two envelopes":                     {one + "\n" + two, 2},
		"two envelopes, each declared":      {declared + one + "\n" + declared + two, 2},
		"byte order marks":                  {"\ufeff" + one + "\ufeff" + two, 2},
		"one root around many":              {"<Answers><!-- x -->" + one + two + one + "</Answers>", 3},
		"a root in a namespace, deeper":     {`<q:A xmlns:q="urn:q"><q:B>` + one + "</q:B><q:B>" + two + "</q:B></q:A>", 2},
		"results without an envelope":       {"<Answers>" + bare + bare + "</Answers>", 2},
		"a header before the body":          {strings.Replace(one, "<s:Body>", "<s:Header><x>y</x></s:Header><s:Body>", 1), 1},
		"other prefixes":                    {swap.Replace(one), 1},
		"no prefixes and unknown addresses": {plain.Replace(one), 1},
		"CDATA and comments inside a value": {strings.Replace(one, "Pass", "<![CDATA[Pa]]><!-- x -->ss", 1), 1},
	}
	want := readOne(t, one)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers, err := read(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(answers) != test.answers {
				t.Fatalf("%d answers, want %d", len(answers), test.answers)
			}
			for i, a := range answers {
				if a.Number != i+1 || a.Line < 1 || len(a.Rejects) > 0 || len(a.Dropped) > 0 && a.Kind == lrs.KindLearningEvents {
					t.Errorf("answer %d: number %d, line %d, rejects %v, dropped %v", i+1, a.Number, a.Line, a.Rejects, a.Dropped)
				}
			}
			if got := answers[0]; fmt.Sprint(len(got.Events), got.FoundULN) != fmt.Sprint(len(want.Events), want.FoundULN) {
				t.Errorf("%d events of %s", len(got.Events), got.FoundULN)
			}
			if got := answers[0].Events[2].Grade; got == nil || got.Value != "Pass" {
				t.Errorf("grade %v", got)
			}
		})
	}
}

func TestReadEndsAt(t *testing.T) {
	t.Parallel()
	good := fixture(t, "GetLearnerLearningEvents_exact_match_full.xml")
	inside := func(s string) string { return strings.Replace(good, "Pass", s, 1) }
	tests := map[string]struct {
		text    string
		want    lrs.RejectCode
		answers int
	}{
		"nothing":                         {"", lrs.RejectNoAnswer, 0},
		"white space":                     {" \r\n\t", lrs.RejectNoAnswer, 0},
		"another XML file":                {"<html><body>9900002007</body></html>", lrs.RejectNoAnswer, 0},
		"a text":                          {"9900002007,Testfamily", lrs.RejectMalformedXML, 0},
		"JSON":                            {`{"uln":"9900002007"}`, lrs.RejectMalformedXML, 0},
		"text after the answer":           {good + "Testfamily", lrs.RejectMalformedXML, 1},
		"a broken tag":                    {inside("<Testfamily"), lrs.RejectMalformedXML, 0},
		"a wrong end":                     {inside("</Testfamily>"), lrs.RejectMalformedXML, 0},
		"half an answer":                  {good[:len(good)/2], lrs.RejectMalformedXML, 0},
		"one answer and a half":           {good + good[:len(good)/2], lrs.RejectMalformedXML, 1},
		"a root that does not end":        {"<Answers>" + good, lrs.RejectMalformedXML, 1},
		"bytes that are no UTF-8":         {inside("Testfamily\xff\xfe"), lrs.RejectMalformedXML, 0},
		"UTF-16":                          {"\xff\xfe<\x00a\x00", lrs.RejectMalformedXML, 0},
		"another encoding declared":       {`<?xml version="1.0" encoding="ISO-8859-1"?>` + good, lrs.RejectMalformedXML, 0},
		"a control character":             {inside("\x01"), lrs.RejectMalformedXML, 0},
		"a DTD":                           {"<!DOCTYPE Testfamily>" + good, lrs.RejectDTD, 0},
		"a DTD with entities":             {`<!DOCTYPE a [<!ENTITY b "Testfamily"><!ENTITY c "&b;&b;">]>` + good, lrs.RejectDTD, 0},
		"an outside entity":               {`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + inside("&b;"), lrs.RejectDTD, 0},
		"an entity nobody defined":        {inside("&Testfamily;"), lrs.RejectMalformedXML, 0},
		"elements too deep":               {strings.Repeat("<Testfamily>", 40), lrs.RejectTooDeep, 0},
		"elements too deep in an answer":  {inside(strings.Repeat("<b>", 40)), lrs.RejectTooDeep, 0},
		"a value too large":               {inside(strings.Repeat("x", 2<<20)), lrs.RejectTooLarge, 0},
		"a tag too large":                 {`<Answers x="` + strings.Repeat("x", 2<<20) + `">`, lrs.RejectTooLarge, 0},
		"an answer too large":             {inside(strings.Repeat("<!-- "+strings.Repeat("x", 1<<19)+" -->", 40)), lrs.RejectTooLarge, 0},
		"too much before the next answer": {good + strings.Repeat("<x>"+strings.Repeat("x", 1<<19)+"</x>", 40), lrs.RejectTooLarge, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers, err := read(test.text)
			broken, ok := errors.AsType[*lrs.ReadError](err)
			if !ok || broken.Code != test.want {
				t.Fatalf("error %v, want %s", err, test.want)
			}
			if len(answers) != test.answers {
				t.Errorf("%d answers before the end, want %d", len(answers), test.answers)
			}
			if broken.Line < 1 || broken.Offset < 0 {
				t.Errorf("no place: %+v", broken)
			}
			for _, secret := range []string{"Testfamily", "9900002007", "passwd", "xxxx"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes the file: %v", err)
				}
			}
		})
	}
}

func TestReadErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	_, err := read("<Answers>\n\n  <a></b>\n")
	broken, ok := errors.AsType[*lrs.ReadError](err)
	if !ok || broken.Line != 3 || broken.Offset < 12 {
		t.Errorf("error %v", err)
	}
}

func TestReadAllowsPredefinedEntitiesOnly(t *testing.T) {
	t.Parallel()
	a := oneEvent(t, clean.with(fields{"Subject": "Salt &amp; Pepper &lt;&#x41;&gt; &quot;&apos;"}))
	if got := *a.Events[0].Subject; got != `Salt & Pepper <A> "'` {
		t.Errorf("subject %q", got)
	}
}

func TestReadReportsTheInputsFault(t *testing.T) {
	t.Parallel()
	cause := errors.New("the disk is gone")
	err := lrs.Read(io.MultiReader(strings.NewReader("<Answers>"), iotest.ErrReader(cause)), today, nil)
	broken, ok := errors.AsType[*lrs.ReadError](err)
	if !ok || broken.Code != lrs.RejectCannotRead || !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

func TestReadReturnsTheCallersError(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	good := fixture(t, "GetLearnerLearningEvents_exact_match_full.xml")
	calls := 0
	err := lrs.Read(strings.NewReader(good+good), today, func(*lrs.Answer) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

// Bounded memory: each answer is handed on before the next is read, whatever
// the size of the file.
func TestReadStreams(t *testing.T) {
	t.Parallel()
	one := fixture(t, "GetLearnerLearningEvents_exact_match_full.xml")
	const answers = 2000
	in := &counting{r: io.MultiReader(strings.NewReader("<Answers>"), strings.NewReader(strings.Repeat(one, answers)), strings.NewReader("</Answers>"))}
	seen := 0
	err := lrs.Read(in, today, func(a *lrs.Answer) error {
		seen++
		if ahead := in.n - seen*len(one); ahead > 128<<10 {
			return fmt.Errorf("%d bytes read ahead at answer %d", ahead, seen)
		}
		return nil
	})
	if err != nil || seen != answers {
		t.Errorf("%d answers, %v", seen, err)
	}
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
