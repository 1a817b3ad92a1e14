package cluster_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"openplr/cluster/mongotest"
)

// killPoint is a moment of one operation: before a replica's n-th command
// reaches the store, or when it has been done and its answer not yet given.
type killPoint struct {
	n      int
	after  bool
	weight int // 1 at a write
}

func (p killPoint) String() string {
	if p.after {
		return fmt.Sprintf("after command %d", p.n)
	}
	return fmt.Sprintf("before command %d", p.n)
}

// fatal is an operation that is killed in the midst, and what must hold then.
type fatal struct {
	// begin prepares a round; run is the operation at replica r; check looks at
	// what is there after the process was killed and started again.
	begin func(h *house, round int)
	run   func(h *house, r *replica) *answer
	check func(t *testing.T, h *house, got *answer)
}

// kill -9 at each command that an operation sends to the store. 200 rounds in
// all in the long form, each point several times.
func TestKillAtEachCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		op   fatal
		// most rounds in one house: a learner may raise ten challenges a day.
		most int
	}{
		{"createShareLink", fatalCreate(&roundState{}), 100}, {"redeem", fatalRedeem(&roundState{}), 100},
		{"opt-out", fatalOptOut(&roundState{}), 100}, {"raise challenge", fatalChallenge(&roundState{}), 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, 3))
			for left := times(7, 50); left > 0; left -= c.most {
				killRounds(t, replicated(t), c.op, min(left, c.most), random)
			}
		})
	}
}

func killRounds(t *testing.T, h *house, op fatal, rounds int, random *rand.Rand) {
	victim, store := h.replicas[1], h.stores[1]
	points := commandsOf(t, h, op)
	random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	// Around writes first: that is where half an effect could be left.
	slices.SortStableFunc(points, func(a, b killPoint) int { return cmp.Compare(b.weight, a.weight) })
	for round := 1; round <= rounds; round++ {
		point := points[(round-1)%len(points)]
		op.begin(h, round)
		var once sync.Once
		store.Intercept(killAt(point, func() { once.Do(victim.kill) }))
		got := op.run(h, victim)
		store.Intercept(nil)
		once.Do(victim.kill) // it sent fewer commands this time: the answer is out
		victim.up()
		t.Run(fmt.Sprintf("%d %s", round, point), func(t *testing.T) { op.check(t, h, got) })
		h.clear()
	}
}

// killAt kills once, at the point.
func killAt(point killPoint, kill func()) func(*mongotest.Command) mongotest.Action {
	var mu sync.Mutex
	n := 0
	return func(*mongotest.Command) mongotest.Action {
		mu.Lock()
		defer mu.Unlock()
		n++
		switch {
		case n < point.n:
			return mongotest.Action{}
		case n > point.n: // of a process that is dying
			return mongotest.Action{DropBefore: true}
		case point.after:
			return mongotest.Action{After: kill, DropReply: true}
		default:
			return mongotest.Action{Before: kill, DropBefore: true}
		}
	}
}

// commandsOf runs the operation once undisturbed and gives its points.
func commandsOf(t *testing.T, h *house, op fatal) []killPoint {
	t.Helper()
	op.begin(h, 0)
	var mu sync.Mutex
	var names []string
	var weights []int
	h.stores[1].Intercept(func(c *mongotest.Command) mongotest.Action {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, c.Name+" "+c.Collection)
		weight := 0
		if writes(c) {
			weight = 1
		}
		weights = append(weights, weight)
		return mongotest.Action{}
	})
	got := op.run(h, h.replicas[1])
	h.stores[1].Intercept(nil)
	if len(got.Errors) > 0 || got.err != nil {
		t.Fatalf("undisturbed: %s %v", got.raw, got.err)
	}
	op.check(t, h, got)
	h.clear()
	t.Logf("%d commands: %v", len(names), names)
	var points []killPoint
	for n := range names {
		points = append(points, killPoint{n + 1, false, weights[n]}, killPoint{n + 1, true, weights[n]})
	}
	return points
}

// roundState is what the steps of one round share.
type roundState struct {
	key    string
	before int
	link   link
}

// A link that is not made whole is none; asking again makes it once.
func fatalCreate(s *roundState) fatal {
	ask := func(h *house, r *replica) *answer {
		return h.learner.ask(r, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", s.key))
	}
	return fatal{
		begin: func(h *house, round int) { s.key = fmt.Sprintf("killed-%d", round) },
		run:   ask,
		check: func(t *testing.T, h *house, got *answer) {
			want := linkOf(got).id
			for _, r := range h.replicas {
				again := linkOf(h.learner.must(t, r, createLink, input("viewId", h.view, "purpose", "EMPLOYMENT", "idempotencyKey", s.key)))
				if want == "" {
					want = again.id
				}
				if again.id == "" || again.id != want {
					t.Errorf("%s made %s, want %s", r.name, again.id, want)
				}
				if out := outcomeOf(newVisitor().must(t, r, redeemLink, redemption(again.secret, "", ""))); out != opened {
					t.Errorf("%s: the link says %s", r.name, out)
				}
			}
			if n := h.live(t); n != 1 {
				t.Errorf("%d links, want 1", n)
			}
		},
	}
}

// live counts the links that have not been revoked, as both replicas see them.
func (h *house) live(t *testing.T) int {
	t.Helper()
	var counts []int
	for _, r := range h.replicas {
		a := h.learner.must(t, r, liveLinks, nil)
		counts = append(counts, a.number("learner", "shareLinks", "totalCount"))
	}
	if counts[0] != counts[1] {
		t.Errorf("the replicas count %v links", counts)
	}
	return counts[0]
}

const liveLinks = `{ learner { shareLinks(filter: {status: ACTIVE}) { totalCount } } }`

// A use is spent or it is not, never twice; whoever spent it gets in again with
// the same redemption id; and there is an entry if data could have left.
func fatalRedeem(s *roundState) fatal {
	open := func(t *testing.T, h *house, r *replica, id string) string {
		return outcomeOf(newVisitor().must(t, r, redeemLink, redemption(s.link.secret, id, "")))
	}
	return fatal{
		begin: func(h *house, round int) {
			s.link, s.key = h.newLink("maxRedemptions", 2), fmt.Sprintf("killed-redemption-%d-of-the-test", round)
		},
		run: func(h *house, r *replica) *answer {
			return newVisitor().ask(r, redeemLink, redemption(s.link.secret, s.key, ""))
		},
		check: func(t *testing.T, h *house, got *answer) {
			used, _ := h.uses(h.replicas[1], s.link)
			entries := h.disclosures(s.link, "DISCLOSED")
			if used > 1 || entries > used {
				t.Errorf("%d uses, %d entries", used, entries)
			}
			if outcomeOf(got) == opened && (used != 1 || entries != 1) {
				t.Errorf("data left, with %d uses and %d entries", used, entries)
			}
			for i, want := range []struct{ id, out string }{
				{s.key, opened}, {"another-redemption-of-the-test", opened}, {"one-too-many-redemption-of-the-test", "USED_UP"}, {s.key, opened},
			} {
				if out := open(t, h, h.replicas[i%2], want.id); out != want.out {
					t.Errorf("opening %d: %s, want %s", i, out, want.out)
				}
			}
			if used, _ := h.uses(h.replicas[0], s.link); used != 2 {
				t.Errorf("%d uses in the end, want 2", used)
			}
			if n := h.disclosures(s.link, "DISCLOSED", "DISCLOSED_AGAIN"); n < 3 {
				t.Errorf("%d entries in the end, want at least the 3 openings since", n)
			}
		},
	}
}

// Acknowledged, it stays off. Not acknowledged, it is on or off, for the learner
// as for the link and the history of the switch.
func fatalOptOut(s *roundState) fatal {
	return fatal{
		begin: func(h *house, round int) { s.link, s.before = h.newLink(), h.moves() },
		run: func(h *house, r *replica) *answer {
			return h.learner.ask(r, setSharing, input("optOut", true, "consequencesAcknowledged", true))
		},
		check: func(t *testing.T, h *house, got *answer) {
			for _, r := range h.replicas {
				off := h.learner.must(t, r, readSharing, nil).at("learner", "sharingPreference", "optedOut") == true
				if got.at("setSharingPreference", "sharingPreference", "optedOut") == true && !off {
					t.Errorf("%s lost an acknowledged opt-out", r.name)
				}
				want, moves := opened, s.before
				if off {
					want, moves = "PAUSED", s.before+1
				}
				if out := outcomeOf(newVisitor().must(t, r, redeemLink, redemption(s.link.secret, "", ""))); out != want {
					t.Errorf("%s: off is %t and the link says %s", r.name, off, out)
				}
				if n := h.moves(); n != moves {
					t.Errorf("%s: off is %t and the history has %d moves, want %d", r.name, off, n, moves)
				}
			}
			h.learner.must(t, h.replicas[0], setSharing, input("optOut", true, "consequencesAcknowledged", true))
			if out := outcomeOf(newVisitor().must(t, h.replicas[1], redeemLink, redemption(s.link.secret, "", ""))); out != "PAUSED" {
				t.Errorf("after asking again the link says %s", out)
			}
		},
	}
}

// moves counts the moves of the switch.
func (h *house) moves() int {
	h.t.Helper()
	a := h.learner.must(h.t, h.replicas[0], readSharing, nil)
	list, _ := a.at("learner", "sharingPreference", "history").([]any)
	return len(list)
}

// A challenge is raised once, and its event is marked for whoever opens a link
// after it was acknowledged.
func fatalChallenge(s *roundState) fatal {
	ask := func(h *house) map[string]any {
		return input("eventId", s.link.id, "kind", "WRONG_GRADE", "explanation", "My certificate says 9.", "idempotencyKey", s.key)
	}
	count := func(t *testing.T, h *house, r *replica) int {
		return h.learner.must(t, r, readEvents, nil).number("learner", "dataChallenges", "totalCount")
	}
	return fatal{
		begin: func(h *house, round int) {
			a := h.learner.must(h.t, h.replicas[0], readEvents, nil)
			s.before = a.number("learner", "dataChallenges", "totalCount")
			if open := h.learner.must(h.t, h.replicas[0], openChallenges, nil).text("learner", "dataChallenges", "nodes", 0, "id"); open != "" {
				h.learner.must(h.t, h.replicas[0], withdraw, input("id", open))
			}
			s.key, s.link.id = fmt.Sprintf("killed-%d", round), a.text("learner", "learningEvents", "nodes", 0, "id")
		},
		run: func(h *house, r *replica) *answer { return h.learner.ask(r, raiseIssue, ask(h)) },
		check: func(t *testing.T, h *house, got *answer) {
			if n := count(t, h, h.replicas[1]); n > s.before+1 || (!got.unknown() && n != s.before+1) {
				t.Errorf("%d challenges after %d", n, s.before)
			}
			want := got.text("raiseDataChallenge", "dataChallenge", "id")
			for _, r := range h.replicas {
				again := h.learner.must(t, r, raiseIssue, ask(h)).text("raiseDataChallenge", "dataChallenge", "id")
				if want == "" {
					want = again
				}
				if again == "" || again != want {
					t.Errorf("%s raised %s, want %s", r.name, again, want)
				}
				if n := count(t, h, r); n != s.before+1 {
					t.Errorf("%s has %d challenges, want %d", r.name, n, s.before+1)
				}
			}
			l := h.newLink()
			a := newVisitor().must(t, h.replicas[1], redeemMarks, redemption(l.secret, "", ""))
			marked := 0
			for i := range 100 {
				if a.at("redeemShareLink", "outcome", "events", i, "underDataChallenge") == true {
					marked++
				}
			}
			if marked != 1 {
				t.Errorf("%d events are marked, want 1", marked)
			}
		},
	}
}

const (
	openChallenges = `{ learner { dataChallenges(first: 1, filter: {status: OPEN}) { nodes { id } } } }`
	withdraw       = `mutation($i: WithdrawDataChallengeInput!) { withdrawDataChallenge(input: $i) { dataChallenge { status } userErrors { code path } } }`
	redeemMarks    = `mutation($i: RedeemShareLinkInput!) { redeemShareLink(input: $i) { outcome { ... on SharedRecord { events { underDataChallenge } } } userErrors { code path } } }`
)
