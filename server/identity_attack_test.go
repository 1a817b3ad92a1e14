package main

import (
	"context"
	"math"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
)

// atOnce makes the claims at one time and gives what came of each.
func (c *claims) atOnce(calls ...func() error) []error {
	out := make([]error, len(calls))
	var ready, done sync.WaitGroup
	ready.Add(len(calls))
	for i, call := range calls {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			out[i] = call()
		})
	}
	done.Wait()
	return out
}

// seen is all that a claimant can find out about where they stand.
func (c *claims) seen(a *plr.Account, err error) string {
	c.t.Helper()
	now, fault := c.service.Account(c.t.Context(), a.ID)
	c.ok(fault)
	b, fault := c.service.IdentityBinding(c.t.Context(), now)
	c.ok(fault)
	may := c.service.MayProveIdentity(c.t.Context(), a.ID, false)
	return string(mustJSON([]any{plr.Refusals(err), b, now.ULN, now.SuspendedAt, now.Notices, plr.Refusals(may)}))
}

// Attack 62: two accounts claim one record at once. One wins; to the other it is
// a failure like any, and a caseworker looks.
func TestAttack62TwoAccountsOneNumber(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	for round := range 10 {
		family := "Race" + strings.Repeat("x", round)
		old := testULN()
		uln := c.learner("Anna", family, here, func(u *plr.RecordUpdate) { u.Linked = []plr.ULN{old} })
		ordinary := c.proved("Nobody", family, here)
		want := c.seen(ordinary, c.claim(ordinary))
		accounts := []*plr.Account{c.proved("Anna", family, here), c.proved("Anna", family, here), c.proved("Anna", family, here)}
		errs := c.atOnce(
			func() error { return c.claim(accounts[0], uln) },
			func() error { return c.claim(accounts[1], old) }, // the same record by its older number
			func() error { return c.claim(accounts[2]) },
		)
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Fatalf("%d and %d both won", winner, i)
			}
		}
		if winner < 0 {
			t.Fatalf("nobody won: %v", errs)
		}
		holder := accounts[winner]
		if got, err := c.store.AccountOf(t.Context(), uln); err != nil || got.ID != holder.ID || c.bound(holder) != uln {
			t.Fatalf("held by %+v, %v", got, err)
		}
		if got := c.told(holder); !reflect.DeepEqual(got, []plr.NoticeKind{plr.NoticeClaimedByAnother}) {
			t.Errorf("the holder was told %v", got)
		}
		opened := c.cases(specialist...)
		if len(opened) != 2*(round+1) {
			t.Errorf("%d cases in round %d", len(opened), round)
		}
		for i, a := range accounts {
			if i == winner {
				continue
			}
			if got := c.seen(a, errs[i]); got != want {
				t.Errorf("who lost sees\n%s\nand others\n%s", got, want)
			}
			if c.stored(a).ULN != "" || !ofKind(opened, a.ID, plr.ReviewBoundElsewhere) {
				t.Errorf("%+v has no case", c.stored(a))
			}
		}
		for _, one := range opened {
			if one.ULN == uln && one.Holder != holder.ID {
				t.Errorf("%+v", one)
			}
		}
	}
}

// Attack 62: one account claims two records at once, and one record twice.
func TestAttack62OneAccountTwoNumbers(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	for round := range 10 {
		family := "Race" + strings.Repeat("x", round)
		first, second := c.learner("Anna", family, here), c.learner("Anna", family, here)
		a := c.proved("Anna", family, here)
		errs := c.atOnce(
			func() error { return c.claim(a, first) }, func() error { return c.claim(a, first) },
			func() error { return c.claim(a, second) }, func() error { return c.claim(a, second) },
		)
		bound, free := c.bound(a), first
		if bound == first {
			free = second
		}
		if bound != first && bound != second {
			t.Fatalf("bound to %q: %v", bound, errs)
		}
		for i, err := range errs {
			if won := []plr.ULN{first, first, second, second}[i] == bound; err != nil || !won {
				c.refused(err, plr.CodeAlreadyDone)
			}
		}
		_, err := c.store.AccountOf(t.Context(), free)
		c.refused(err, plr.CodeNotFound)
		other := c.proved("Anna", family, here)
		c.ok(c.claim(other, free)) // nothing of the lost race holds it
		if f := c.file(a); f.FailedTotal != 0 || len(f.FailedClaims) != 0 {
			t.Errorf("%+v", f)
		}
	}
	if list := c.cases(specialist...); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// Attack 63: many accounts guess numbers. Whatever the number is, all of them see
// the same until their limits, and the holder of one sees nothing of it.
func TestAttack63GuessedNumbers(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	free, held := c.learner("Anna", "Test", here), c.learner("Held", "Person", here)
	secret, old := c.learner("Secret", "Person", here, restricted), testULN()
	c.learner("Linked", "Person", here, func(u *plr.RecordUpdate) { u.Linked = []plr.ULN{old} })
	holder := c.proved("Held", "Person", here)
	c.ok(c.claim(holder))
	guessed := map[string]plr.ULN{"free": free, "held": held, "restricted": secret, "linked": old, "nobody's": testULN()}
	for i := range plr.MaxClaimants + 2 { // beyond what is told apart within
		var want string
		for name, uln := range guessed {
			a := c.proved("Guesser", "Atall", here)
			for range 1 + i%2 {
				_ = c.claim(a)
			}
			if got := c.seen(a, c.claim(a, uln)); want == "" {
				want = got
			} else if got != want {
				t.Errorf("%s, account %d:\n%s\nother numbers:\n%s", name, i, got, want)
			}
		}
	}
	if list := c.cases(specialist...); len(list) != 0 || len(c.told(holder)) != 0 || c.bound(holder) != held {
		t.Errorf("cases %+v, the holder was told %v", list, c.told(holder))
	}
	// The owner of a number that was guessed at sees what the guessers see, and is
	// heard by a caseworker today and by the service tomorrow.
	guesser := c.proved("Guesser", "Atall", here)
	want := c.seen(guesser, c.claim(guesser))
	owner := c.proved("Anna", "Test", here)
	if got := c.seen(owner, c.claim(owner, free)); got != want {
		t.Errorf("the owner:\n%s\nguessers:\n%s", got, want)
	}
	if one := c.oneCase(plr.ReviewTally); one.Claimant != owner.ID || one.ULN != free {
		t.Errorf("%+v", one)
	}
	c.pass(plr.ClaimWindow)
	c.ok(c.service.ProveIdentity(t.Context(), owner.ID, c.identity("Anna", "Test", here)))
	c.ok(c.claim(owner, free))
}

// Attack 63: one account has five guesses a day and ten in all, whatever it
// guesses, also when it guesses them at once.
func TestAttack63GuessesOfOneAccount(t *testing.T) {
	t.Parallel()
	c := newClaims(t)
	numbers := []plr.ULN{c.learner("Anna", "Test", here), c.learner("Secret", "Person", here, restricted), testULN()}
	var want []string
	for i, uln := range numbers {
		a := c.proved("Guesser", "Atall", here)
		for day := range 3 {
			calls := make([]func() error, 2*plr.MaxFailedClaims)
			for i := range calls {
				calls[i] = func() error { return c.claim(a, uln) }
			}
			heard := 0
			for _, err := range c.atOnce(calls...) {
				if plr.CodeOf(err) == plr.CodeNotMatched {
					heard++
				} else {
					c.refused(err, plr.CodeLimitReached)
				}
			}
			if limit := []int{plr.MaxFailedClaims, plr.MaxFailedClaims, 0}[day]; heard != limit {
				t.Errorf("%d were heard on day %d", heard, day+1)
			}
			c.pass(plr.ClaimWindow)
			c.ok(c.service.ProveIdentity(t.Context(), a.ID, c.identity("Guesser", "Atall", here)))
		}
		want = append(want, strings.ReplaceAll(c.seen(a, c.claim(a, uln)), string(mustJSON(c.time())), "now"))
		if i > 0 && want[i] != want[0] {
			t.Errorf("%s\nother numbers:\n%s", want[i], want[0])
		}
	}
}

// Attack 63: one address has thirty claims an hour, whoever signs in at it.
func TestAttack63GuessesFromOneAddress(t *testing.T) {
	t.Parallel()
	_, limit, _ := strings.Cut(defaultRateLimits, limitClaim+"=")
	limit, _, _ = strings.Cut(limit, ",")
	h := newHarness(t, harnessOptions{env: map[string]string{"RATE_LIMITS": strings.Replace(wideLimits(), limitClaim+"=1000000/1s", limitClaim+"="+limit, 1)}})
	people := []*browser{h.signedIn(sample(t, "Meredith").Subject), h.signedIn(sample(t, adult).Subject)}
	for i := range 30 {
		if a := people[i%2].ask(claimRecord, vars()); a.status != http.StatusOK || a.code() == "RATE_LIMITED" {
			t.Fatalf("claim %d: %d %s", i+1, a.status, a.raw)
		}
	}
	for _, b := range people {
		if a := b.ask(claimRecord, vars()); a.status != http.StatusTooManyRequests || a.code() != "RATE_LIMITED" {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
}

// Attack 63: no failure is told from another by its time. The wait is not made but
// counted: what is left is the work after it, which must be the same; the work
// before it must be far below it.
func TestAttack63FailuresTakeTheSameTime(t *testing.T) {
	t.Parallel()
	const floor, rounds = 750 * time.Millisecond, 40
	c := newClaims(t)
	anna, held := c.learner("Anna", "Test", here), c.learner("Held", "Person", here)
	secret := c.learner("Secret", "Person", here, restricted)
	for range 2 {
		c.learner("Same", "Twin", here)
	}
	c.ok(c.claim(c.proved("Held", "Person", here)))
	var waited time.Duration // of the one claim under way
	config := c.config(c.store)
	config.Now, config.Pause = time.Now, func(_ context.Context, d time.Duration) { waited += d }
	service, err := plr.New(config)
	c.ok(err)
	classes := []struct {
		name, given, family string
		typed               *plr.ULN
		took, worked        []float64
	}{
		{name: "A", given: "Nobody", family: "Atall"}, {name: "B", given: "Same", family: "Twin"}, {name: "C", given: "Nobody", family: "Atall", typed: &anna},
		{name: "C restricted", given: "Nobody", family: "Atall", typed: &secret}, {name: "D", given: "Held", family: "Person"},
		{name: "D by number", given: "Held", family: "Person", typed: &held}, {name: "F", given: "Secret", family: "Person"},
		{name: "F by number", given: "Secret", family: "Person", typed: &secret},
	}
	for round := range rounds {
		for i := range classes {
			x := &classes[(i+round)%len(classes)]
			a := c.account()
			who := c.identity(x.given, x.family, here)
			who.ProvedAt = time.Now()
			c.ok(service.ProveIdentity(t.Context(), a.ID, who))
			waited = 0
			began := time.Now()
			_, err := service.ClaimRecord(t.Context(), a, plr.ClaimInput{ULN: x.typed, IdentityAt: began})
			took := time.Since(began) + waited
			c.refused(err, plr.CodeNotMatched)
			x.took, x.worked = append(x.took, took.Seconds()), append(x.worked, (took-waited).Seconds())
		}
	}
	mean0, var0 := moments(classes[0].took)
	for i, x := range classes {
		mean, variance := moments(x.took)
		work, _ := moments(x.worked)
		t.Logf("%-13s %.6f s, of which work %.1f ms", x.name, mean, work*1000)
		if work > floor.Seconds()/5 {
			t.Errorf("%s: %.0f ms of work are too much for a floor of %s", x.name, work*1000, floor)
		}
		if i == 0 {
			continue
		}
		if welch := (mean - mean0) / math.Sqrt((variance+var0)/rounds); math.Abs(welch) >= 4.5 {
			t.Errorf("%s is told from A: t = %.1f", x.name, welch)
		}
	}
}

func moments(sample []float64) (mean, variance float64) {
	for _, x := range sample {
		mean += x / float64(len(sample))
	}
	for _, x := range sample {
		variance += (x - mean) * (x - mean) / float64(len(sample)-1)
	}
	return mean, variance
}
