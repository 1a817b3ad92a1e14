package boltstore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/boltstore"
	"openplr/store/storetest"
)

// ack is one line of the child: what it is about to do (Begun), or what a call
// that returned nil has done.
type ack struct {
	Begun bool `json:",omitempty"`
	Act   string
	ULN   plr.ULN
	ID    string `json:",omitempty"`
	// N is an act's own number: a version, a count.
	N int `json:",omitempty"`
}

const killWriters = 4

// writeUntilKilled is the child: a few writers, each with a learner of its own
// in every round, tell every acknowledged write on standard output.
func writeUntilKilled() {
	seed, _ := strconv.Atoi(os.Getenv(childSeed))
	s, err := boltstore.Open(os.Getenv(childPath))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for i := range killWriters {
		wg.Go(func() {
			w := &writer{s: s, uln: storetest.ULN(1000 + seed*killWriters + i), r: rand.New(rand.NewPCG(uint64(seed), uint64(i))), name: fmt.Sprintf("%d-%d", seed, i)}
			for {
				w.act()
			}
		})
	}
	wg.Wait()
}

type writer struct {
	s     *boltstore.Store
	r     *rand.Rand
	name  string
	uln   plr.ULN
	n     int
	links []*plr.ShareLink
	view  *plr.ConfiguredView
	moves int
}

func say(a ack) {
	line, err := json.Marshal(a)
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n')) // one write a line, so that lines stay whole
	}
	if err != nil {
		os.Exit(1)
	}
}

func (w *writer) id(kind string) string {
	w.n++
	return fmt.Sprintf("%s_%s-%d", kind, w.name, w.n)
}

// put admits a link whatever the switch says, and however many there are.
func put(link *plr.ShareLink) func(*plr.Sharing) error {
	return func(sh *plr.Sharing) error {
		link.Generation = sh.Generation
		sh.Links[link.ID] = link
		return nil
	}
}

// act does one random write and tells it when it is acknowledged.
func (w *writer) act() {
	ctx, now := context.Background(), storetest.T0
	a := ack{ULN: w.uln}
	var err error
	link := func() *plr.ShareLink { return w.links[w.r.IntN(len(w.links))] }
	switch n := w.r.IntN(20); {
	case n < 3:
		a.Act, a.ID = "event", w.id("event")
		_, err = w.s.ImportRecords(ctx, []plr.RecordUpdate{{ULN: w.uln, Events: []plr.LearningEvent{storetest.Event(a.ID)}}}, now)
	case n < 5 || len(w.links) == 0:
		if len(w.links) > 30 {
			return
		}
		l := storetest.WithPIN(storetest.Link(w.uln))
		a.ID = w.id("lnk")
		l.ID, a.Act = a.ID, "link"
		say(ack{Begun: true, Act: a.Act, ULN: a.ULN, ID: a.ID})
		_, err = w.s.CreateShareLink(ctx, l, storetest.Ref(l), storetest.Idempotency(a.ID, "input", now), put(l))
		w.links = append(w.links, l)
	case n < 9:
		a.Act, a.ID = "claim", link().ID
		var r plr.ClaimResult
		r, err = w.s.ClaimRedemption(ctx, plr.Claim{ULN: w.uln, LinkID: a.ID, RedemptionHash: w.id("rdm"), LeaseID: w.id("lse"), Now: now})
		if a.N = r.Link.RedemptionCount; r.State != plr.LinkActive {
			return
		}
	case n < 11:
		a.Act, a.ID = "guess", link().ID
		var taken bool
		var l *plr.ShareLink
		taken, l, err = w.s.TakeGuess(ctx, w.uln, a.ID, now)
		if !taken {
			return
		}
		a.N = l.GuessesLeft
	case n < 12:
		a.Act, a.ID = "revoked", link().ID
		_, err = w.s.RevokeShareLinks(ctx, w.uln, []string{a.ID}, now)
	case n < 13:
		w.moves++
		a.Act, a.N = "switch", w.moves
		out := w.moves%2 == 1
		_, err = w.s.SetSharingPreference(ctx, w.uln, plr.PreferenceChange{OptedOut: out, At: now}, func(sh *plr.Sharing) error {
			if out {
				sh.OptOut(now)
			} else {
				sh.OptIn(now, true)
			}
			return nil
		})
	case n < 16 && w.view == nil:
		w.view = storetest.View(w.uln)
		w.view.ID = w.id("vw")
		a.Act, a.ID, a.N = "view", w.view.ID, 1
		_, err = w.s.CreateConfiguredView(ctx, w.view, nil)
	case n < 16:
		a.Act, a.ID = "view", w.view.ID
		var v *plr.ConfiguredView
		if v, err = w.s.UpdateConfiguredView(ctx, w.uln, w.view.ID, func(v *plr.ConfiguredView) error { v.Version++; return nil }); err == nil {
			a.N = v.Version
		}
	case n < 17:
		c := storetest.Challenge(w.uln, now)
		c.ID = w.id("dch")
		a.Act, a.ID = "challenge", c.ID
		_, err = w.s.CreateDataChallenge(ctx, c, nil, func([]*plr.DataChallenge) error { return nil })
	case n < 18:
		account := &plr.Account{ID: w.id("act"), Issuer: "test", Subject: w.name, CreatedAt: now}
		a.Act = "account"
		if account, err = w.s.EnsureAccount(ctx, account); err == nil {
			a.ID = account.ID
			err = w.s.BindAccount(ctx, a.ID, w.uln, now)
		}
	default:
		e := storetest.Entry(w.uln, "lnk", now.Add(time.Duration(w.n)*time.Second), plr.AccessDisclosed)
		e.ID = w.id("acc")
		a.Act, a.ID = "entry", e.ID
		err = w.s.AppendAccessEntry(ctx, e)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, a.Act, err, errors.Unwrap(err))
		os.Exit(1)
	}
	say(a)
}

// TestKilled kills a writing process at random moments, again and again on the
// same file, and looks for everything it was told.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openplr.db")
	r := rand.New(rand.NewPCG(7, 7))
	var all []ack
	for round := range 20 {
		acks := killAfter(t, path, round, 1+r.IntN(150))
		s, err := boltstore.Open(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		lookFor(t, s, acks)
		all = append(all, acks...)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	lookFor(t, openAt(t, path), all)
	t.Logf("%d acknowledged writes in 20 rounds", len(all))
}

// killAfter starts a writer, kills it when it has told so many lines, and
// gives all that it told.
func killAfter(t *testing.T, path string, seed, lines int) []ack {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=write", childPath+"="+path, childSeed+"="+strconv.Itoa(seed))
	var complaints bytes.Buffer
	child.Stderr = &complaints
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acks []ack
	scanner := bufio.NewScanner(out)
	for n := 1; scanner.Scan(); n++ {
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var a ack
		if err := json.Unmarshal(scanner.Bytes(), &a); err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		acks = append(acks, a)
	}
	err = child.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v\n%s", err, complaints.String())
	}
	return acks
}

// lookFor checks that everything acknowledged is there, that what was begun is
// there as a whole or not at all, and that repeating it makes no second one.
func lookFor(t *testing.T, s *boltstore.Store, acks []ack) {
	t.Helper()
	ctx := t.Context()
	begun := map[plr.ULN][]string{}
	acked := map[string]bool{}
	moves := map[plr.ULN]int{}
	find := func(uln plr.ULN, id string) (*plr.ShareLink, error) {
		doc, err := s.Sharing(ctx, uln)
		if err == nil && doc.Links[id] != nil {
			return doc.Links[id], nil
		}
		return s.RevokedShareLink(ctx, uln, id)
	}
	for _, a := range acks {
		var err error
		held := true
		switch a.Act {
		case "event":
			var r *plr.Record
			if r, err = s.Record(ctx, a.ULN); err == nil {
				held = slices.ContainsFunc(r.Events, func(e plr.LearningEvent) bool { return e.EventID == a.ID })
			}
		case "link":
			if a.Begun {
				begun[a.ULN] = append(begun[a.ULN], a.ID)
				continue
			}
			acked[a.ID] = true
			if _, err = find(a.ULN, a.ID); err == nil {
				var ref *plr.SecretRef
				ref, err = s.SecretOwner(ctx, "hash-of-"+a.ID)
				held = err == nil && ref.LinkID == a.ID && ref.ULN == a.ULN
			}
		case "claim":
			var l *plr.ShareLink
			if l, err = find(a.ULN, a.ID); err == nil {
				held = l.RedemptionCount >= a.N
			}
		case "guess":
			var l *plr.ShareLink
			if l, err = find(a.ULN, a.ID); err == nil {
				held = l.GuessesLeft <= a.N
			}
		case "revoked":
			_, err = s.RevokedShareLink(ctx, a.ULN, a.ID)
		case "switch":
			moves[a.ULN] = max(moves[a.ULN], a.N)
		case "view":
			_, err = s.ConfiguredViewVersion(ctx, a.ULN, a.ID, a.N)
		case "challenge":
			var list []*plr.DataChallenge
			list, err = s.DataChallenges(ctx, a.ULN)
			held = slices.ContainsFunc(list, func(c *plr.DataChallenge) bool { return c.ID == a.ID })
		case "account":
			var account *plr.Account
			if account, err = s.Account(ctx, a.ID); err == nil {
				held = account.ULN == a.ULN
			}
		case "entry":
			_, err = s.AccessEntry(ctx, a.ULN, a.ID)
		}
		if err != nil || !held {
			t.Fatalf("acknowledged, and not there (%v): %+v", err, a)
		}
	}
	for uln, ids := range begun {
		lookForHalves(t, s, uln, ids, acked)
		// A move of the switch that was not acknowledged is there with its history or not at all.
		history, err := s.PreferenceChanges(ctx, uln)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := s.Sharing(ctx, uln)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(history); n < moves[uln] || n > moves[uln]+1 || (n > 0 && history[0].OptedOut != doc.OptedOut) || doc.Generation != (n+1)/2 {
			t.Fatalf("%d moves acknowledged, %d in the history, generation %d, off: %v", moves[uln], n, doc.Generation, doc.OptedOut)
		}
	}
}

// lookForHalves repeats every creation of a link that was begun.
func lookForHalves(t *testing.T, s *boltstore.Store, uln plr.ULN, ids []string, acked map[string]bool) {
	t.Helper()
	ctx := t.Context()
	for _, id := range ids {
		again := storetest.WithPIN(storetest.Link(uln))
		got, err := s.CreateShareLink(ctx, again, storetest.Ref(again), storetest.Idempotency(id, "input", storetest.T0),
			put(again))
		if err != nil {
			t.Fatal(err)
		}
		if acked[id] && got.ID != id {
			t.Fatalf("repeating %s made %s", id, got.ID)
		}
		if _, err := s.SecretOwner(ctx, "hash-of-"+got.ID); err != nil {
			t.Fatalf("%s is half there: %v", got.ID, err)
		}
	}
	doc, err := s.Sharing(ctx, uln)
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := s.RevokedShareLinks(ctx, uln)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(doc.Links) + len(revoked); n != len(ids) {
		t.Fatalf("%d creations were begun, there are %d links", len(ids), n)
	}
}

// hold is a child that opens the file and keeps it until it is killed.
func hold() {
	s, err := boltstore.Open(os.Getenv(childPath))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until the parent closes it
	if err := s.Close(); err != nil {
		os.Exit(1)
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openplr.db")
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=hold", childPath+"="+path)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}

	began := time.Now()
	s, err := boltstore.Open(path)
	t.Logf("refused after %v: %v", time.Since(began), err)
	if s != nil || !errors.Is(err, boltstore.ErrLocked) {
		t.Fatalf("got %v, %v", s, err)
	}

	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
}
