package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
)

const (
	identityFields = `identity{status boundAt provedAt claimableUntil attemptsLeft claimAgainAt proveUrl}`
	viewIdentity   = `{viewer{` + identityFields + `} learner{uln}}`
	claimRecord    = `mutation($i:ClaimRecordInput!){claimRecord(input:$i){learner{uln givenName} ` + identityFields + ` userErrors{code message path}}}`
	viewNotices    = `{viewer{notices{kind message at seenAt}}}`
)

// prove goes through the identity trip as the person who is signed in.
func (b *browser) prove(subject string) {
	b.h.t.Helper()
	if back := b.trip("/auth/identity/start?return_to=/", subject); back.url != b.h.url+"/" {
		b.h.t.Fatalf("proving identity ended at %d %s", back.status, back.url)
	}
}

// claimant gives a browser in which the sample person is signed in and proved.
func (h *harness) claimant(subject string) *browser {
	h.t.Helper()
	b := h.signedIn(subject)
	b.prove(subject)
	return b
}

// sampleBy gives the sample person with this e-mail address: two may share a name.
func sampleBy(t *testing.T, email string) (subject string, uln plr.ULN) {
	t.Helper()
	for _, p := range samplePeople(t) {
		if p.Email == email {
			return p.Subject, p.ULN
		}
	}
	t.Fatalf("there is no %s among the sample people", email)
	return "", ""
}

func TestClaimRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		email string
		in    func(plr.ULN) map[string]any
	}{
		"by postcode":              {"callum.westerdale@example.com", func(plr.ULN) map[string]any { return vars() }},
		"by number":                {"callum.westerdale@example.com", func(u plr.ULN) map[string]any { return vars("uln", string(u)) }},
		"by number, earlier name":  {"bethan.wrenfield@example.wales", func(u plr.ULN) map[string]any { return vars("uln", string(u)) }},
		"registered twice, number": {"harriet.coldbrook@example.com", func(u plr.ULN) map[string]any { return vars("uln", string(u)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			subject, uln := sampleBy(t, c.email)
			b := h.signedIn(subject)
			stamp := h.clock.Now().Format("2006-01-02T15:04:05.000Z")
			a := b.must(viewIdentity, nil)
			if id := a.at("viewer", "identity").(map[string]any); id["status"] != "UNBOUND" || id["provedAt"] != nil || id["claimableUntil"] != nil ||
				id["attemptsLeft"] != 5.0 || id["proveUrl"] != h.url+"/auth/identity/start" || a.at("learner") != nil {
				t.Errorf("before: %s", a.raw)
			}
			if a := b.ask(claimRecord, c.in(uln)); refusal(t, a) != "IDENTITY_NOT_PROVED" {
				t.Errorf("without a proof: %s", a.raw)
			}
			b.prove(subject)
			a = b.must(viewIdentity, nil)
			if id := a.at("viewer", "identity").(map[string]any); id["status"] != "PROVED" || id["provedAt"] != stamp || id["attemptsLeft"] != 5.0 ||
				id["claimableUntil"] != h.clock.Now().Add(30*time.Minute).Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("proved: %s", a.raw)
			}
			a = b.must(claimRecord, c.in(uln))
			if a.at("claimRecord", "learner", "uln") != string(uln) || a.at("claimRecord", "identity", "status") != "BOUND" ||
				a.at("claimRecord", "identity", "boundAt") != stamp || a.at("claimRecord", "identity", "attemptsLeft") != nil {
				t.Errorf("%s", a.raw)
			}
			if a := b.must(viewIdentity, nil); a.at("learner", "uln") != string(uln) || a.at("viewer", "identity", "status") != "BOUND" {
				t.Errorf("after: %s", a.raw)
			}
			if a := b.ask(claimRecord, c.in(uln)); !strings.HasPrefix(refusal(t, a), "ALREADY_DONE") {
				t.Errorf("again: %s", a.raw)
			}
		})
	}
}

// Whatever the reason is why a claim fails, the claimant gets the same bytes: no
// answer tells whether a number exists, whose it is or how it is protected.
func TestFailedClaimsLookAlike(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	_, taken := sampleBy(t, "amber.thistlewood@example.com")
	_, restricted := sampleBy(t, "linden.marchbank@example.com")
	_, free := sampleBy(t, "bethan.wrenfield@example.wales")
	type claim struct{ name, email, uln string }
	claims := []claim{
		{"A no match", "meredith.fallowgate@example.wales", ""},
		{"A candidates that were not imported", "alex.winterhey@example.com", ""},
		{"B several", "harriet.coldbrook@example.com", ""},
		{"C the number of somebody else, who has it", "callum.westerdale@example.com", string(taken)},
		{"D bound elsewhere", "amber.again@example.com", ""},
		{"F restricted", "linden.marchbank@example.com", ""},
	}
	people := map[string]*browser{}
	for _, c := range claims {
		subject, _ := sampleBy(t, c.email)
		people[c.email] = h.claimant(subject)
	}
	rounds := [][]claim{claims, {
		{"A a number that is nobody's", "meredith.fallowgate@example.wales", "9900009990"},
		{"C the number of somebody else, free", "alex.winterhey@example.com", string(free)},
		{"C the number of somebody else, restricted", "harriet.coldbrook@example.com", string(restricted)},
		{"A a number that is nobody's, though the postcode fits", "callum.westerdale@example.com", "9900009990"},
		{"D bound elsewhere, by number", "amber.again@example.com", string(taken)},
		{"F restricted, by number", "linden.marchbank@example.com", string(restricted)},
	}}
	for range 3 { // up to the fifth failure
		rounds = append(rounds, claims)
	}
	rounds = append(rounds, claims) // and one beyond
	for i, round := range rounds {
		want := "NOT_MATCHED"
		if i == 5 {
			want = "LIMIT_REACHED"
		}
		answers := make([]string, len(round))
		var all sync.WaitGroup // every failure takes its time
		for n, c := range round {
			if c.uln != "" && !plr.ULN(c.uln).Valid() {
				t.Fatalf("%s has a bad check digit", c.uln)
			}
			all.Go(func() {
				in := vars()
				if c.uln != "" {
					in = vars("uln", c.uln)
				}
				a := people[c.email].ask(claimRecord, in)
				if refusal(t, a) != want || a.status != http.StatusOK {
					t.Errorf("%d %s: %d %s", i, c.name, a.status, a.raw)
				}
				for _, name := range []string{"Date", "Ratelimit"} {
					a.header.Del(name)
				}
				answers[n] = a.raw + "\n" + string(mustJSON(a.header)) + "\n" + people[c.email].ask(viewIdentity, nil).raw
			})
		}
		all.Wait()
		for n, answer := range answers {
			if answer != answers[0] {
				t.Errorf("%d %s differs:\n%s\nfrom\n%s", i, round[n].name, answer, answers[0])
			}
		}
	}
	// The holder is told once somebody else proved to be them, and keeps everything.
	subject, uln := sampleBy(t, "amber.thistlewood@example.com")
	holder := h.signedIn(subject)
	if a := holder.must(viewIdentity, nil); a.at("learner", "uln") != string(uln) || a.at("viewer", "identity", "status") != "BOUND" {
		t.Errorf("the holder: %s", a.raw)
	}
	a := holder.must(viewNotices, nil)
	if a.at("viewer", "notices", 0, "kind") != "CLAIMED_BY_ANOTHER" || a.at("viewer", "notices", 0, "message") == "" || a.at("viewer", "notices", 0, "seenAt") != nil {
		t.Errorf("the holder is told %s", a.raw)
	}
	welsh := holder.post(string(mustJSON(map[string]any{"query": viewNotices})), http.Header{"Accept-Language": {"cy"}})
	if text, _ := welsh.at("viewer", "notices", 0, "message").(string); !strings.HasPrefix(text, "Ceisiodd rhywun") {
		t.Errorf("in Welsh: %s", welsh.raw)
	}
	seen := holder.must(`mutation{acknowledgeNotices{notices{kind seenAt} userErrors{code}}}`, nil)
	for _, n := range seen.at("acknowledgeNotices", "notices").([]any) {
		if n.(map[string]any)["seenAt"] == nil {
			t.Errorf("%s", seen.raw)
		}
	}
}

// A number with a wrong check digit is nobody's: saying so tells nothing.
func TestClaimWithAMistypedNumber(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, uln := sampleBy(t, "callum.westerdale@example.com")
	b := h.claimant(subject)
	before := b.must(viewIdentity, nil).raw
	for _, typed := range []any{"9900001190", "990000119", "99000011911", "9999999999", "", " ", "ABCDEFGHIJ", 9900001191, true, []string{}} {
		a := b.ask(claimRecord, vars("uln", typed))
		checkCodes(t, a)
		if code := a.code(); code != "BAD_USER_INPUT" && code != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%v: %s", typed, a.raw)
		}
	}
	if after := b.must(viewIdentity, nil).raw; after != before {
		t.Errorf("something was counted:\n%s\n%s", before, after)
	}
	if a := b.must(claimRecord, vars("uln", nil)); a.at("claimRecord", "learner", "uln") != string(uln) {
		t.Errorf("null is no number: %s", a.raw)
	}
}

// Claiming needs a proof or a sign-in of the last minutes, in this session.
func TestClaimNeedsThePersonThemselves(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, uln := sampleBy(t, "callum.westerdale@example.com")
	elsewhere, b := h.signedIn(subject), h.claimant(subject)
	for name, c := range map[string]struct {
		who  *browser
		want string
	}{"nobody": {h.browser(), "!UNAUTHENTICATED"}, "another session, just signed in": {elsewhere, "IDENTITY_NOT_PROVED"}} {
		if a := c.who.ask(claimRecord, vars()); refusal(t, a) != c.want {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	b.pass(freshFor)
	a := elsewhere.ask(claimRecord, vars("uln", string(uln)))
	if way, _ := a.Errors[0].Extensions["stepUp"].(map[string]any); a.code() != "STEP_UP_REQUIRED" || way["action"] != "claim_record" {
		t.Errorf("another session, five minutes later: %s", a.raw)
	}
	b.pass(25*time.Minute - time.Millisecond)
	if a := b.must(claimRecord, vars()); a.at("claimRecord", "learner", "uln") != string(uln) {
		t.Errorf("%s", a.raw)
	}
}

func TestProofOfIdentityGrowsOld(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, uln := sampleBy(t, "callum.westerdale@example.com")
	b := h.claimant(subject)
	b.pass(30 * time.Minute)
	if a := b.ask(claimRecord, vars("uln", string(uln))); refusal(t, a) != "!STEP_UP_REQUIRED" {
		t.Errorf("%s", a.raw)
	}
	if a := b.must(viewIdentity, nil); a.at("learner") != nil || a.at("viewer", "identity", "status") != "UNBOUND" {
		t.Errorf("%s", a.raw)
	}
}

// Somebody whose identity cannot be proved is signed in, and no more.
func TestIdentityThatIsNotProved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	subject, _ := sampleBy(t, "marcus.netherby@example.com")
	b := h.signedIn(subject)
	if back := b.trip("/auth/identity/start?return_to=/", subject); !strings.Contains(back.url, "code=identity_not_proved") {
		t.Fatalf("%d %s", back.status, back.url)
	}
	if a := b.must(viewIdentity, nil); a.at("viewer", "identity", "status") != "UNBOUND" || a.at("viewer", "identity", "provedAt") != nil {
		t.Errorf("%s", a.raw)
	}
	if a := b.ask(claimRecord, vars()); refusal(t, a) != "IDENTITY_NOT_PROVED" {
		t.Errorf("%s", a.raw)
	}
}

// One address can try thirty claims an hour, whoever it signs in as, and is told
// so before anything is looked at.
func TestClaimsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"RATE_LIMITS": strings.Replace(wideLimits(), limitClaim+"=1000000/1s", limitClaim+"=3/1h", 1)}})
	b := h.signedIn(sample(t, "Meredith").Subject)
	for range 3 {
		if a := b.ask(claimRecord, vars()); refusal(t, a) != "IDENTITY_NOT_PROVED" {
			t.Errorf("%s", a.raw)
		}
	}
	answers := map[string]bool{}
	for _, c := range []struct {
		who *browser
		in  map[string]any
	}{{b, vars()}, {b, vars("uln", "9900001000")}, {b, vars("uln", "9900001001")}, {h.signedIn(sample(t, adult).Subject), vars()}, {h.browser(), vars("uln", "9900001191")}} {
		a := c.who.ask(claimRecord, c.in)
		if a.status != http.StatusTooManyRequests || a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" {
			t.Errorf("%v: %d %s", c.in, a.status, a.raw)
		}
		answers[a.raw] = true
	}
	if len(answers) != 1 {
		t.Errorf("%v", answers)
	}
	if a := b.must(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") != true {
		t.Errorf("%s", a.raw)
	}
	// Two in one request are refused before the limit is asked.
	if a := b.ask(`mutation($i:ClaimRecordInput!){a:claimRecord(input:$i){userErrors{code}} b:claimRecord(input:$i){userErrors{code}}}`, vars()); a.code() != "QUERY_TOO_COMPLEX" {
		t.Errorf("%s", a.raw)
	}
}
