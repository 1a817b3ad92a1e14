package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
	"openplr/store/mongostore"
)

const (
	claimRecord = `mutation($i: ClaimRecordInput!) { claimRecord(input: $i) { learner { uln } identity { status attemptsLeft } userErrors { code message path } } }`
	readBinding = `{ viewer { identity { status attemptsLeft } } learner { uln } }`
)

// archive is the store of the house, looked at without either replica.
func (h *house) archive() *mongostore.Store {
	h.t.Helper()
	s, err := mongostore.Open(mongostore.Config{URI: h.mongo.URI() + "openplr"})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = s.Close() })
	return s
}

// person finds a sample person by e-mail address: two may share a name.
func person(t testing.TB, email string) lrs.SamplePerson {
	t.Helper()
	people, err := lrs.SamplePeople()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(people, func(p lrs.SamplePerson) bool { return p.Email == email })
	if i < 0 {
		t.Fatalf("there is no %s among the sample people", email)
	}
	return people[i]
}

// claimant is somebody who wants to be connected to a record.
type claimant struct {
	*visitor
	h       *house
	subject string
	account string
}

// newClaimant signs a sample person in at replica r.
func (h *house) newClaimant(store *mongostore.Store, r *replica, email string) *claimant {
	h.t.Helper()
	c := &claimant{visitor: newVisitor(), h: h, subject: person(h.t, email).Subject}
	c.goThrough(h.t, r, "/auth/login?return_to=/", c.subject)
	account, err := store.AccountOfSubject(context.Background(), h.replicas[1].env["OIDC_ISSUER"], c.subject)
	if err != nil {
		h.t.Fatal(err)
	}
	c.account = account.ID
	return c
}

// prove goes on the identity trip, beginning at replica r.
func (c *claimant) prove(r *replica) {
	c.h.t.Helper()
	c.goThrough(c.h.t, r, "/auth/identity/start?return_to=/", c.subject)
}

// claim claims a record at replica r, by number unless it is empty, and gives
// what came of it in a word: lostOutcome when that cannot be told.
func (c *claimant) claim(r *replica, uln plr.ULN) (string, *answer) {
	in := input()
	if uln != "" {
		in = input("uln", uln)
	}
	a := c.ask(r, claimRecord, in)
	switch code := a.text("claimRecord", "userErrors", 0, "code"); {
	case code != "":
		return code, a
	case a.text("claimRecord", "identity", "status") == "BOUND":
		return "BOUND " + a.text("claimRecord", "learner", "uln"), a
	default:
		return lostOutcome, a
	}
}

// anew frees the numbers and takes back the claims of the accounts, so that a
// round begins as the first did.
func anew(t testing.TB, store *mongostore.Store, people []*claimant, ulns ...plr.ULN) {
	t.Helper()
	for _, uln := range ulns {
		if err := store.UnbindULN(context.Background(), uln, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range people {
		if _, err := store.EditIdentity(context.Background(), c.account, func(f *plr.IdentityFile) error {
			f.FailedClaims, f.FailedTotal, f.LastClaimFailed = nil, 0, false
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// numberOf gives the number on the account, and fails when the number's own
// account is another.
func numberOf(t testing.TB, store *mongostore.Store, c *claimant) plr.ULN {
	t.Helper()
	account, err := store.Account(context.Background(), c.account)
	if err != nil {
		t.Fatal(err)
	}
	if account.ULN != "" {
		if holder, err := store.AccountOf(context.Background(), account.ULN); err != nil || holder.ID != c.account {
			t.Errorf("the number on %s leads to %v %v", c.account, holder, err)
		}
	}
	return account.ULN
}

// claimsAtOnce has everybody claim at both replicas at the same time, twice each
// where there is one number for all, and gives how often what was answered.
func claimsAtOnce(h *house, calls []func(r *replica) string) map[string]int {
	var mu sync.Mutex
	got := map[string]int{}
	crowd(2*len(calls), 2*len(calls), func(i int) {
		out := calls[i%len(calls)](h.replicas[(i+i/len(calls))%2])
		mu.Lock()
		defer mu.Unlock()
		got[out]++
	})
	return got
}

// Attack 62 with two processes. Two accounts of one person claim one record at
// once: it is on exactly one of them, and the other learns nothing. One account
// claims two records that are both its person's: it gets exactly one.
func TestAttack62ClaimsAtOnceAcrossReplicas(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	store := h.archive()
	first, second := h.newClaimant(store, h.replicas[0], "amber.thistlewood@example.com"), h.newClaimant(store, h.replicas[1], "amber.again@example.com")
	both, uln := []*claimant{first, second}, person(t, "amber.thistlewood@example.com").ULN
	one := h.newClaimant(store, h.replicas[0], "harriet.coldbrook@example.com")
	twice := []plr.ULN{"9900001221", "9900001248"}
	for round := range times(4, 40) {
		anew(t, store, append(both, one), append(twice, uln)...)
		for i, c := range append(both, one) {
			c.prove(h.replicas[(round+i)%2])
		}
		h.jitter(uint64(round)+1, time.Duration(round%3)*4*time.Millisecond)
		got := claimsAtOnce(h, []func(*replica) string{
			func(r *replica) string { out, _ := first.claim(r, uln); return out },
			func(r *replica) string { out, _ := second.claim(r, ""); return out },
		})
		numbers := claimsAtOnce(h, []func(*replica) string{
			func(r *replica) string { out, _ := one.claim(r, twice[0]); return out },
			func(r *replica) string { out, _ := one.claim(r, twice[1]); return out },
		})
		h.jitter(0, 0)

		var owner, loser *claimant
		for _, c := range both {
			switch numberOf(t, store, c) {
			case uln:
				if owner != nil {
					t.Fatalf("round %d: the number is on both accounts", round)
				}
				owner = c
			case "":
				loser = c
			}
		}
		mine := numberOf(t, store, one)
		for _, other := range twice {
			if holder, err := store.AccountOf(context.Background(), other); other != mine && err == nil {
				t.Errorf("round %d: the other number leads to %s", round, holder.ID)
			}
		}
		if got[lostOutcome]+numbers[lostOutcome] > 0 { // the store was too slow for somebody
			t.Logf("round %d: %v %v", round, got, numbers)
			continue
		}
		// Whoever is second in one account is told that it is connected, and whoever
		// is second of the accounts what everybody is told.
		if n := got["BOUND "+string(uln)]; owner == nil || loser == nil || n < 1 || n > 2 || got["NOT_MATCHED"] != 2 || n+got["ALREADY_DONE"]+got["NOT_MATCHED"] != 4 {
			t.Errorf("round %d: %v, owner %v", round, got, owner != nil)
			continue
		}
		for _, r := range h.replicas {
			if a := owner.must(t, r, readBinding, nil); a.text("learner", "uln") != string(uln) {
				t.Errorf("round %d: %s does not show the owner their record: %s", round, r.name, a.raw)
			}
			if a := loser.must(t, r, readBinding, nil); a.at("learner") != nil || a.text("viewer", "identity", "status") != "UNMATCHED" {
				t.Errorf("round %d: %s tells the other account %s", round, r.name, a.raw)
			}
		}
		if n := numbers["BOUND "+string(mine)]; !slices.Contains(twice, mine) || n < 1 || n+numbers["ALREADY_DONE"] != 4 {
			t.Errorf("round %d: one account has %q after %v", round, mine, numbers)
		}
	}
}

// Attack 63 with two processes. Six accounts guess a number that is none of
// theirs, many times at once at both replicas: of each account five guesses are
// looked at, and after five accounts the number's own person has to wait for a
// caseworker. Nothing that anybody is told says which numbers exist, whose they
// are or how they are protected, and whoever is connected stays so.
func TestAttack63GuessedNumbersAcrossReplicas(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	store := h.archive()
	free, restricted, nobody := person(t, "callum.westerdale@example.com").ULN, person(t, "linden.marchbank@example.com").ULN, plr.ULN("9900009990")
	numbers := []plr.ULN{free, h.person.ULN, restricted, nobody, free}
	var guessers []*claimant
	for i, email := range []string{
		"meredith.fallowgate@example.wales", "alex.winterhey@example.com", "bethan.wrenfield@example.wales",
		"harriet.coldbrook@example.com", "derek.stannery@example.com", "odette.muckleford@example.com",
	} {
		c := h.newClaimant(store, h.replicas[i%2], email)
		if uln := numberOf(t, store, c); uln != "" { // signed in with a record: without it they are as good as the others
			anew(t, store, nil, uln)
			eventually(t, 5*time.Second, "the record is gone", func() bool { return c.must(t, h.replicas[i%2], readBinding, nil).at("learner") == nil })
		}
		c.prove(h.replicas[i%2])
		guessers = append(guessers, c)
	}
	var mu sync.Mutex
	answers, outcomes, quickest := map[string]int{}, map[string]int{}, time.Hour
	const guesses = 12 // of each
	crowd(len(guessers)*guesses, 18, func(i int) {
		c := guessers[i%len(guessers)]
		// Every account begins with the same number, then goes through the others.
		out, a := c.claim(h.replicas[(i/len(guessers))%2], numbers[(i/len(guessers))%len(numbers)])
		mu.Lock()
		defer mu.Unlock()
		outcomes[out]++
		if out == "NOT_MATCHED" {
			left := fmt.Sprintf(`"attemptsLeft":%d`, a.number("claimRecord", "identity", "attemptsLeft"))
			answers[strings.Replace(a.raw, left, "", 1)]++
			quickest = min(quickest, a.took)
		}
	})
	// Whoever could not be answered may have a guess more or one less.
	n, lost := plr.MaxFailedClaims*len(guessers), outcomes[lostOutcome]
	if outcomes["NOT_MATCHED"] > n || outcomes["NOT_MATCHED"] < n-lost || outcomes["NOT_MATCHED"]+outcomes["LIMIT_REACHED"]+lost != len(guessers)*guesses {
		t.Errorf("guesses: %v, want %d looked at", outcomes, n)
	}
	if len(answers) != 1 {
		t.Errorf("there are %d ways to be told that nothing matched: %v", len(answers), answers)
	}
	if quickest < 700*time.Millisecond {
		t.Errorf("a failure took only %s", quickest)
	}
	for _, c := range guessers {
		if uln := numberOf(t, store, c); uln != "" {
			t.Errorf("somebody guessed %s", uln)
		}
		entries, err := store.ClaimEntries(context.Background(), c.account, 100)
		if err != nil {
			t.Fatal(err)
		}
		looked := slices.DeleteFunc(entries, func(e *plr.ClaimEntry) bool {
			return e.Outcome == plr.ClaimRefused || e.Outcome == plr.ClaimRegisterUnavailable
		})
		if len(looked) > plr.MaxFailedClaims || (lost == 0 && len(looked) != plr.MaxFailedClaims) {
			t.Errorf("%d guesses of one account were looked at", len(looked))
		}
	}
	crowd(2*len(guessers), 2*len(guessers), func(i int) {
		if out, a := guessers[i/2].claim(h.replicas[i%2], free); out != "LIMIT_REACHED" && lost == 0 {
			t.Errorf("%s heard one more: %s", h.replicas[i%2].name, a.raw)
		}
	})
	own := h.newClaimant(store, h.replicas[1], "callum.westerdale@example.com")
	own.prove(h.replicas[0])
	if out, a := own.claim(h.replicas[0], free); out != "NOT_MATCHED" || numberOf(t, store, own) != "" {
		t.Errorf("a number that many have guessed binds by itself: %s", a.raw)
	}
	cases, _, err := store.ReviewCases(context.Background(), plr.ReviewQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(cases, func(c *plr.ReviewCase) bool { return c.Claimant == own.account && c.Kind == plr.ReviewTally }) {
		t.Errorf("no caseworker will look at it: %d cases", len(cases))
	}
	for _, r := range h.replicas {
		if a := h.learner.must(t, r, readBinding, nil); a.text("learner", "uln") != string(h.person.ULN) {
			t.Errorf("%s: guessing took a record from its person: %s", r.name, a.raw)
		}
	}
}

// kill -9 at each command of a claim: the account is connected wholly or not at
// all, asking again connects it, and no claim counts twice.
func TestKillDuringClaim(t *testing.T) {
	t.Parallel()
	h := replicated(t)
	killRounds(t, h, fatalClaim(h), times(14, 100), rand.New(rand.NewPCG(4, 4)))
}

func fatalClaim(h *house) fatal {
	store := h.archive()
	c := h.newClaimant(store, h.replicas[0], "callum.westerdale@example.com")
	uln := person(h.t, "callum.westerdale@example.com").ULN
	failed := func(t *testing.T) int {
		f, err := store.Identity(context.Background(), c.account)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.FailedClaims) != f.FailedTotal {
			t.Errorf("%d claims of today count and %d in all", len(f.FailedClaims), f.FailedTotal)
		}
		return f.FailedTotal
	}
	return fatal{
		begin: func(h *house, _ int) {
			anew(h.t, store, []*claimant{c}, uln)
			c.prove(h.replicas[0])
		},
		run: func(_ *house, r *replica) *answer { _, a := c.claim(r, uln); return a },
		check: func(t *testing.T, h *house, got *answer) {
			bound := numberOf(t, store, c)
			if was := got.text("claimRecord", "identity", "status") == "BOUND"; was && bound != uln || bound != "" && bound != uln {
				t.Errorf("told bound: %t, and the number on the account is %q", was, bound)
			}
			// A claim that was cut off counts, so that cutting off gives no guess more.
			counted := failed(t)
			if counted > 1 {
				t.Errorf("one claim counts %d times", counted)
			}
			for _, r := range h.replicas {
				a := c.must(t, r, readBinding, nil)
				if a.text("learner", "uln") != string(bound) || (a.text("viewer", "identity", "status") == "BOUND") != (bound != "") {
					t.Errorf("%s: the number on the account is %q: %s", r.name, bound, a.raw)
				}
			}
			want := "BOUND " + string(uln)
			if bound != "" {
				want = "ALREADY_DONE"
			}
			for i, r := range h.replicas {
				out, a := c.claim(r, uln)
				if out == lostOutcome { // nobody knows; whoever asks again does
					want = "ALREADY_DONE"
					if out, a = c.claim(r, uln); out == "BOUND "+string(uln) {
						out = want
					}
				}
				if out != want {
					t.Errorf("claim %d after it: %s, want %s", i, a.raw, want)
				}
				want = "ALREADY_DONE"
			}
			if numberOf(t, store, c) != uln {
				t.Error("asking again did not connect it")
			}
			if n := failed(t); n != counted {
				t.Errorf("%d claims counted, and %d after asking again", counted, n)
			}
			entries, err := store.ClaimEntries(context.Background(), c.account, 1)
			if err != nil || len(entries) != 1 || entries[0].ULN != uln {
				t.Errorf("there is no entry of the claim: %v %v", entries, err)
			}
		},
	}
}
