package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// purgeNow runs the command on a stopped service at an instant.
func purgeNow(t *testing.T, env map[string]string, at time.Time, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	err := purge(t.Context(), args, func(name string) string { return env[name] }, func() time.Time { return at }, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// rows gives the counts of the printed table by kind.
func rows(t *testing.T, table string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(table) {
		count, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		kind, _, ok := strings.Cut(strings.TrimSpace(rest), "  ")
		if !ok {
			t.Fatalf("no table: %s", table)
		}
		out[kind] = count
	}
	return out
}

const purgedThings = `{ learner { accessHistory(first: 100) { totalCount edges { node { result } } } shareLinks(first: 100) { totalCount nodes { id } }
  dataChallenges(first: 100) { totalCount } sharingPreference { optedOut history { at } } learningEvents(first: 100) { totalCount } } }`

// What has had its time is gone as everybody sees it, through the API; a
// millisecond before, everything is there.
func TestPurgeThroughTheAPI(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := samplePeople(t)[0]
	learner := h.signedIn(person.Subject)
	event := learner.must(`{ learner { learningEvents(first: 1) { nodes { id } } } }`, nil).at("learner", "learningEvents", "nodes", 0, "id")
	challenge := learner.must(`mutation($i: RaiseDataChallengeInput!) { raiseDataChallenge(input: $i) { dataChallenge { id } userErrors { code } } }`,
		vars("eventId", event, "kind", "WRONG_GRADE", "explanation", "It was better."))
	learner.must(`mutation($i: WithdrawDataChallengeInput!) { withdrawDataChallenge(input: $i) { userErrors { code } } }`,
		vars("id", challenge.at("raiseDataChallenge", "dataChallenge", "id")))
	learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	learner.must(setSharing, vars("optOut", false, "resumeLinks", true))
	id, secret := sharedLink(t, learner, "pin", "k7qx9zw2")
	h.browser().must(redeem, redeemVars(secret, "k7qx9zw2"))
	h.browser().must(redeem, redeemVars(secret, "wrong0ne"))
	learner.must(revokeLink, vars("id", id))
	made := h.clock.Now()

	look := func() *gqlAnswer { return h.signedIn(person.Subject).must(purgedThings, nil) }
	counts := func(a *gqlAnswer) map[string]any {
		history, _ := a.at("learner", "sharingPreference", "history").([]any)
		return map[string]any{
			"history": a.at("learner", "accessHistory", "totalCount"), "links": a.at("learner", "shareLinks", "totalCount"),
			"challenges": a.at("learner", "dataChallenges", "totalCount"), "moves": float64(len(history)), "optedOut": a.at("learner", "sharingPreference", "optedOut"),
			"events": a.at("learner", "learningEvents", "totalCount"),
		}
	}
	whole := counts(look())
	if whole["history"] != 2.0 || whole["links"] != 1.0 || whole["challenges"] != 1.0 || whole["moves"] != 2.0 {
		t.Fatalf("%v", whole)
	}
	step := func(name string, at time.Time, want map[string]string, left map[string]any) {
		t.Helper()
		// The clock is ahead only while the server purges: the development provider
		// has a clock of its own.
		ahead := func(args ...string) string {
			h.clock.Advance(at.Sub(made))
			defer h.clock.Advance(made.Sub(at))
			out, err := runCommand(t, h.env, append([]string{"purge"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		dry := ahead("-dry-run")
		if got := counts(look()); !equalCounts(got, whole) {
			t.Fatalf("%s: a dry run changed something: %v", name, got)
		}
		removed := ahead()
		if a, b := rows(t, dry), rows(t, removed); a["share links"] != b["share links"] || !strings.HasPrefix(dry, "DUE") || !strings.HasPrefix(removed, "REMOVED") {
			t.Errorf("%s: the dry run says\n%s\nthe real one\n%s", name, dry, removed)
		}
		for kind, count := range want {
			if got := rows(t, removed)[kind]; got != count {
				t.Errorf("%s: %s removed: %s, want %s\n%s", name, kind, got, count, removed)
			}
		}
		for what, n := range left {
			whole[what] = n
		}
		if got := counts(look()); !equalCounts(got, whole) {
			t.Errorf("%s: left are %v, want %v", name, got, whole)
		}
	}
	const openings, attempts = "access entries of openings", "access entries of failed attempts"
	step("90 days", made.AddDate(0, 0, 90), map[string]string{attempts: "0", openings: "0", "idempotency keys": "0"}, nil)
	step("90 days and a moment", made.AddDate(0, 0, 90).Add(time.Millisecond), map[string]string{attempts: "1", openings: "0"}, map[string]any{"history": 1.0})
	six := made.AddDate(6, 0, 0)
	step("six years", six, map[string]string{openings: "0", "share links": "0", "closed data challenges": "0", "moves of the sharing switch": "0", "records": "0"}, nil)
	step("six years and a moment", six.Add(time.Millisecond),
		map[string]string{openings: "1", "share links": "1", "closed data challenges": "1", "moves of the sharing switch": "1", "records": "0"},
		map[string]any{"history": 0.0, "links": 0.0, "challenges": 0.0, "moves": 1.0})
	if a := h.browser().must(redeem, redeemVars(secret, "k7qx9zw2")); a.at("redeemShareLink", "outcome", "reason") != nil {
		t.Errorf("the secret of a link that is gone is told apart from an unknown one: %s", a.raw)
	}
}

func equalCounts(a, b map[string]any) bool {
	for what := range a {
		if a[what] != b[what] {
			return false
		}
	}
	return len(a) == len(b)
}

// Records go 66 calendar years after the last news. Without a server the file
// is opened itself.
func TestPurgeOfRecords(t *testing.T) {
	t.Parallel()
	env := map[string]string{"DATA_DIR": t.TempDir()}
	if out, err := runCommand(t, env, "purge"); err == nil || !strings.Contains(err.Error(), "no data file") || out != "" {
		t.Errorf("a purge of nothing: %v\n%s", err, out)
	}
	if left, _ := os.ReadDir(env["DATA_DIR"]); len(left) != 0 {
		t.Errorf("a purge made %v", left)
	}
	if _, err := runCommand(t, env, "generate", "-learners", "1", "-events", "1"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	if out := purgeNow(t, env, now.AddDate(66, 0, -1)); rows(t, out)["records"] != "0" {
		t.Errorf("a day before\n%s", out)
	}
	dry := purgeNow(t, env, now.AddDate(66, 0, 1), "-dry-run")
	out := purgeNow(t, env, now.AddDate(66, 0, 1))
	if rows(t, dry)["records"] == "0" || rows(t, dry)["records"] != rows(t, out)["records"] {
		t.Errorf("a day after: dry\n%s\nreal\n%s", dry, out)
	}
	if out := purgeNow(t, env, now.AddDate(66, 0, 1)); rows(t, out)["records"] != "0" {
		t.Errorf("again\n%s", out)
	}
}
