package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	caseFields = `id kind state openedAt version restricted claimantAccountId holderAccountId uln
	  evidence{identity{names{given family} birthDate postCodes route provedAt} register{uln givenName familyName dateOfBirth lastKnownPostCode} matched attempts{at outcome matched} connectFrom}
	  resolution{decision byAccountId at reason}`
	listCases   = `query($first:Int!=20,$filter:ReviewCaseFilter){viewer{roles} casework{reviewCases(first:$first,filter:$filter){totalCount pageInfo{hasNextPage} edges{cursor} nodes{` + caseFields + `}}}}`
	caseByID    = `query($id:ID!){node(id:$id){... on ReviewCase{id state}}}`
	resolveCase = `mutation($i:ResolveReviewCaseInput!){resolveReviewCase(input:$i){reviewCase{` + caseFields + `} userErrors{code message path}}}`
)

// caseworker gives the browser of the sample person who is staff.
func (h *harness) caseworker() *browser {
	h.t.Helper()
	subject, _ := sampleBy(h.t, "imogen.saltmarsh@example.com")
	return h.signedIn(subject)
}

// disputed gives a second account of the school leaver, whose claim opened a case.
func (h *harness) disputed() *browser {
	h.t.Helper()
	subject, _ := sampleBy(h.t, "amber.again@example.com")
	b := h.claimant(subject)
	if a := b.ask(claimRecord, vars()); refusal(h.t, a) != "NOT_MATCHED" {
		h.t.Fatalf("%s", a.raw)
	}
	return b
}

func TestCaseworkIsForStaff(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	claimant, staff := h.disputed(), h.caseworker()
	a := staff.must(listCases, nil)
	if roles, _ := a.at("viewer", "roles").([]any); len(roles) != 1 || roles[0] != "CASEWORKER" || a.at("casework", "reviewCases", "totalCount") != 1.0 {
		t.Fatalf("%s", a.raw)
	}
	c := a.at("casework", "reviewCases", "nodes", 0).(map[string]any)
	id := c["id"].(string)
	decide := vars("id", id, "decision", "REFUSE", "reason", "x", "expectedVersion", c["version"])
	if a := staff.must(caseByID, map[string]any{"id": id}); a.at("node", "id") != id {
		t.Errorf("%s", a.raw)
	}
	subject, _ := sampleBy(t, "amber.thistlewood@example.com")
	for name, c := range map[string]struct {
		who  *browser
		code string
	}{
		"the claimant": {claimant, "FORBIDDEN"}, "the holder": {h.signedIn(subject), "FORBIDDEN"},
		"another learner": {h.signedIn(sample(t, adult).Subject), "FORBIDDEN"}, "nobody": {h.browser(), "UNAUTHENTICATED"},
	} {
		a := c.who.must(listCases, nil)
		if roles, _ := a.at("viewer", "roles").([]any); a.at("casework") != nil || len(roles) != 0 {
			t.Errorf("%s: %s", name, a.raw)
		}
		if a := c.who.ask(caseByID, map[string]any{"id": id}); a.at("node") != nil {
			t.Errorf("%s: %s", name, a.raw)
		}
		if a := c.who.ask(resolveCase, decide); a.code() != c.code || a.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if a := staff.must(listCases, nil); a.at("casework", "reviewCases", "nodes", 0, "state") != "OPEN" {
		t.Errorf("%s", a.raw)
	}
}

func TestReviewCase(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	claimant, staff := h.disputed(), h.caseworker()
	a := staff.must(listCases, map[string]any{"filter": map[string]any{"state": "OPEN"}})
	c, _ := a.at("casework", "reviewCases", "nodes", 0).(map[string]any)
	_, uln := sampleBy(t, "amber.again@example.com")
	if c["kind"] != "BOUND_ELSEWHERE" || c["state"] != "OPEN" || c["uln"] != string(uln) || c["restricted"] != false || c["resolution"] != nil ||
		c["holderAccountId"] == nil || c["holderAccountId"] == c["claimantAccountId"] || c["openedAt"] != h.clock.Now().Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("%s", a.raw)
	}
	for path, want := range map[string]any{
		"identity.names.0.family": "Thistlewood", "identity.birthDate": "2008-03-14", "identity.route": "ONE_LOGIN_P2",
		"register.uln": string(uln), "register.givenName": "Amber", "attempts.0.outcome": "BOUND_ELSEWHERE",
	} {
		steps := []any{"casework", "reviewCases", "nodes", 0, "evidence"}
		for _, s := range strings.Split(path, ".") {
			if s == "0" {
				steps = append(steps, 0)
			} else {
				steps = append(steps, s)
			}
		}
		if got := a.at(steps...); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	decide := func(kv ...any) map[string]any {
		return with(map[string]any{"id": c["id"], "decision": "REFUSE", "reason": "Not the same person", "expectedVersion": c["version"]}, kv...)
	}
	for name, r := range map[string]struct {
		in   map[string]any
		want string
	}{
		"connect before the holder had time": {decide("decision", "CONNECT"), "LIMIT_REACHED"},
		"another version":                    {decide("expectedVersion", 99), "VERSION_MISMATCH"},
		"no reason":                          {decide("reason", ""), "REQUIRED reason"},
		"no such case":                       {decide("id", "rvw_00000000000000000000000000"), "NOT_FOUND id"},
		"garbage":                            {decide("id", "x"), "NOT_FOUND id"},
	} {
		if a := staff.ask(resolveCase, r.in); !strings.HasPrefix(refusal(t, a), r.want) {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	staff.pass(freshFor)
	a = staff.ask(resolveCase, decide())
	if way, _ := a.Errors[0].Extensions["stepUp"].(map[string]any); a.code() != "STEP_UP_REQUIRED" || way["action"] != "resolve_review" {
		t.Errorf("five minutes later: %s", a.raw)
	}
	if a := claimant.must(viewNotices, nil); len(a.at("viewer", "notices").([]any)) != 0 {
		t.Errorf("%s", a.raw)
	}
}

func TestReviewCaseIsResolvedOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	claimant, staff := h.disputed(), h.caseworker()
	c := staff.must(listCases, nil).at("casework", "reviewCases", "nodes", 0).(map[string]any)
	in := vars("id", c["id"], "decision", "REFUSE", "reason", "Not the same person", "expectedVersion", c["version"])
	a := staff.must(resolveCase, in)
	done := a.at("resolveReviewCase", "reviewCase").(map[string]any)
	how, _ := done["resolution"].(map[string]any)
	if done["state"] != "RESOLVED" || done["version"] == c["version"] || how["decision"] != "REFUSE" || how["reason"] != "Not the same person" || how["byAccountId"] == "" {
		t.Errorf("%s", a.raw)
	}
	if got := refusal(t, staff.ask(resolveCase, in)); !strings.HasPrefix(got, "ALREADY_DONE") && !strings.HasPrefix(got, "VERSION_MISMATCH") {
		t.Errorf("again: %s", got)
	}
	for state, want := range map[string]float64{"OPEN": 0, "RESOLVED": 1} {
		if a := staff.must(listCases, map[string]any{"filter": map[string]any{"state": state}}); a.at("casework", "reviewCases", "totalCount") != want {
			t.Errorf("%s: %s", state, a.raw)
		}
	}
	// That there was a case is more than the claimant may know.
	h.clock.Advance(2 * time.Second) // what is known of an account may be a second old
	if a := claimant.must(viewNotices, nil); len(a.at("viewer", "notices").([]any)) != 0 {
		t.Errorf("%s", a.raw)
	}
	if a := claimant.must(viewIdentity, nil); a.at("viewer", "identity", "status") != "UNMATCHED" {
		t.Errorf("%s", a.raw)
	}
}

// What is under the sensitive learners policy does not exist for caseworkers.
func TestRestrictedCasesAreForSpecialists(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, _ := sampleBy(t, "linden.marchbank@example.com")
	b := h.claimant(subject)
	if a := b.ask(claimRecord, vars()); refusal(t, a) != "NOT_MATCHED" {
		t.Fatalf("%s", a.raw)
	}
	if a := h.caseworker().must(listCases, nil); a.at("casework", "reviewCases", "totalCount") != 0.0 {
		t.Errorf("%s", a.raw)
	}
}
