package lrs_test

import (
	"strings"
	"testing"

	"openplr/lrs"
	"openplr/plr"
)

// Every response code of either kind of answer, and what it makes of the store.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome lrs.Outcome
		brings  bool
	}{
		"WSRC0001": {lrs.OutcomeNoMatch, false},
		"WSRC0002": {lrs.OutcomeTooManyMatches, false},
		"WSRC0003": {lrs.OutcomePossibleMatch, false},
		"WSRC0004": {lrs.OutcomeExactMatch, true},
		"WSRC0005": {lrs.OutcomeRegistered, false},
		"WSRC0021": {lrs.OutcomeNotRegistered, false},
		"WSRC0022": {lrs.OutcomeLinkedLearner, true},
		"WSEC0001": {lrs.OutcomeMalformedRequest, false},
		"WSEC0136": {lrs.OutcomeInvalidULN, false},
		"WSEC0206": {lrs.OutcomeNotShared, false},
		"WSEC0208": {lrs.OutcomeNotVerified, false},
	}
	for code, want := range tests {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			events := ""
			if want.brings {
				events = clean.event()
			}
			a := readOne(t, eventsAnswer(code, uln1, uln1, events))
			if a.Outcome != want.outcome || len(a.Rejects) > 0 {
				t.Errorf("events: %s, rejects %v", a.Outcome, a.Rejects)
			}
			if changes := len(a.Updates()) > 0; changes != (want.brings || code == "WSEC0206") {
				t.Errorf("events: changes the store: %v", changes)
			}
			a = readOne(t, findAnswer(code, register.in("Learner", "")))
			if a.Outcome != want.outcome || len(a.Rejects) > 0 || a.Candidates != 1 {
				t.Errorf("find: %s, rejects %v, candidates %d", a.Outcome, a.Rejects, a.Candidates)
			}
			if changes := len(a.Updates()) > 0; changes != want.brings {
				t.Errorf("find: changes the store: %v", changes)
			}
			if !want.brings && len(a.Learners) > 0 {
				t.Error("find: keeps a learner who is not the one")
			}
		})
	}
}

func TestAnswersRefused(t *testing.T) {
	t.Parallel()
	learner := register.in("Learner", "")
	body := func(inside string) string {
		return `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>` + inside + `</e:Body></e:Envelope>`
	}
	tests := map[string]struct {
		text  string
		code  lrs.RejectCode
		field string
	}{
		"no response code":                  {eventsAnswer("", uln1, uln1, ""), lrs.RejectMissing, "ResponseCode"},
		"an unknown response code":          {eventsAnswer("WSRC9999", uln1, uln1, clean.event()), lrs.RejectUnknownResponseCode, "ResponseCode"},
		"a name for a response code":        {eventsAnswer("Testfamily", uln1, uln1, ""), lrs.RejectUnknownResponseCode, "ResponseCode"},
		"a wrong check digit found":         {eventsAnswer("WSRC0004", "9900002008", uln1, clean.event()), lrs.RejectInvalidULN, "FoundULN"},
		"a wrong check digit asked for":     {eventsAnswer("WSRC0022", uln1, "9900002008", clean.event()), lrs.RejectInvalidULN, "IncomingULN"},
		"the number for nobody":             {eventsAnswer("WSRC0004", "9999999999", "9999999999", clean.event()), lrs.RejectInvalidULN, "FoundULN"},
		"no number":                         {eventsAnswer("WSRC0004", "", uln1, clean.event()), lrs.RejectMissing, "FoundULN"},
		"not shared by nobody":              {eventsAnswer("WSEC0206", "", "", ""), lrs.RejectMissing, "FoundULN"},
		"a wrong number not verified":       {eventsAnswer("WSEC0208", "", "1234567890", ""), lrs.RejectInvalidULN, "IncomingULN"},
		"another learner without a link":    {eventsAnswer("WSRC0004", uln1, uln2, clean.event()), lrs.RejectNumbersDiffer, "FoundULN"},
		"events although not shared":        {eventsAnswer("WSEC0206", uln1, uln1, clean.event()), lrs.RejectEventsNotExpected, "LearnerRecord"},
		"two response codes":                {strings.Replace(eventsAnswer("WSRC0004", uln1, uln1, clean.event()), "<a:FoundULN>", "<a:ResponseCode>WSEC0206</a:ResponseCode><a:FoundULN>", 1), lrs.RejectRepeated, "ResponseCode"},
		"elements in a number":              {eventsAnswer("WSRC0004", "<b>9900002007</b>", uln1, clean.event()), lrs.RejectNested, "FoundULN"},
		"a response without a result":       {body("<GetLearnerLearningEventsResponse/>"), lrs.RejectMissing, "GetLearnerLearningEventsResult"},
		"an exact match of nobody":          {findAnswer("WSRC0004", ""), lrs.RejectMissing, "Learner"},
		"an exact match of two":             {findAnswer("WSRC0004", learner+learner), lrs.RejectAmbiguous, "Learner"},
		"a learner without a number":        {findAnswer("WSRC0004", register.with(fields{"ULN": "-"}).in("Learner", "")), lrs.RejectMissing, "ULN"},
		"a learner with a wrong number":     {findAnswer("WSRC0004", register.with(fields{"ULN": "9900002008"}).in("Learner", "")), lrs.RejectInvalidULN, "ULN"},
		"a learner with two numbers":        {findAnswer("WSRC0004", strings.Replace(learner, "<ULN>", "<ULN>9900002015</ULN><ULN>", 1)), lrs.RejectRepeated, "ULN"},
		"a name that is too long":           {findAnswer("WSRC0004", register.with(fields{"FamilyName": strings.Repeat("x", 501)}).in("Learner", "")), lrs.RejectTooLong, "FamilyName"},
		"a name that reads backwards":       {findAnswer("WSRC0004", register.with(fields{"GivenName": "Test\u202efamily"}).in("Learner", "")), lrs.RejectControlCharacters, "GivenName"},
		"linked numbers without an end":     {findAnswer("WSRC0004", register.with(fields{"LinkedULNs": strings.Repeat("<ULN>9900002015</ULN>", 101)}).in("Learner", "")), lrs.RejectTooLong, "LinkedULNs"},
		"an answer to something else":       {body("<n:RegisterLearnerResponse xmlns:n='urn:n'><x>Testfamily</x></n:RegisterLearnerResponse>"), lrs.RejectUnknownAnswer, ""},
		"an empty body":                     {body(""), lrs.RejectMissing, "Body"},
		"an empty element of another place": {body("<Testfamily/>"), lrs.RejectUnknownAnswer, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := readOne(t, test.text)
			if len(a.Rejects) != 1 || a.Rejects[0].Code != test.code || a.Rejects[0].Field != test.field {
				t.Fatalf("rejects %+v, want %s of %q", a.Rejects, test.code, test.field)
			}
			if r := a.Rejects[0]; r.Answer != 1 || r.Event != 0 || r.Line < 1 || r.Message == "" {
				t.Errorf("reject %+v", r)
			}
			if len(a.Events) > 0 || len(a.Learners) > 0 || a.FoundULN != "" || a.IncomingULN != "" || len(a.Updates()) > 0 {
				t.Error("something of a refused answer is kept")
			}
		})
	}
}

// The LRS may not know the learner by the names given, so it names no number.
func TestInvalidNumberAsAskedIsAnOutcome(t *testing.T) {
	t.Parallel()
	a := readOne(t, eventsAnswer("WSEC0136", "", "1234567890", ""))
	if a.Outcome != lrs.OutcomeInvalidULN || len(a.Rejects) > 0 || len(a.Updates()) > 0 {
		t.Errorf("%+v", a)
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	one := func(text string) plr.RecordUpdate {
		updates := readOne(t, text).Updates()
		if len(updates) != 1 {
			t.Fatalf("%d updates", len(updates))
		}
		return updates[0]
	}
	if u := one(eventsAnswer("WSRC0004", uln1, uln1, clean.event())); u.ULN != uln1 || !u.EventsAnswer || u.NotShared ||
		len(u.Events) != 1 || u.Register != nil || u.Linked != nil {
		t.Errorf("exact: %+v", u)
	}
	if u := one(eventsAnswer("WSRC0022", uln1, uln2, clean.event())); u.ULN != uln1 || len(u.Linked) != 1 || u.Linked[0] != uln2 {
		t.Errorf("linked: %+v", u)
	}
	if u := one(eventsAnswer("WSEC0206", "", uln2, "")); u.ULN != uln2 || !u.EventsAnswer || !u.NotShared || len(u.Events) != 0 {
		t.Errorf("not shared: %+v", u)
	}
	linked := register.with(fields{"LinkedULNs": "<ULN>" + string(uln2) + "</ULN>"})
	if u := one(findAnswer("WSRC0022", linked.in("Learner", ""))); u.ULN != uln1 || u.EventsAnswer || u.Register == nil ||
		len(u.Linked) != 1 || u.Linked[0] != uln2 {
		t.Errorf("register: %+v", u)
	}
}
