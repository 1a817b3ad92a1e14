package lrs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// Whoever generates again, on another day or machine, must get the same
// learners: resuming and repeating rest on it. Change the sum only on purpose.
func TestGeneratorIsDeterministic(t *testing.T) {
	t.Parallel()
	sum := func(seed uint64) string {
		g := &lrs.Generator{Seed: seed, Events: 15}
		h := sha256.New()
		for n := range 200 {
			if err := json.NewEncoder(h).Encode(g.Update(n)); err != nil {
				t.Fatal(err)
			}
		}
		return fmt.Sprintf("%x", h.Sum(nil)[:8])
	}
	if one, again, other := sum(1), sum(1), sum(2); one != again || one == other {
		t.Errorf("seed 1 gives %s and %s, seed 2 %s", one, again, other)
	} else if one != "54904f9bfb4f882b" {
		t.Errorf("seed 1 gives other learners than before: %s", one)
	}
}

func TestGeneratorGivesEveryNumberOnce(t *testing.T) {
	t.Parallel()
	g := &lrs.Generator{}
	seen := make(map[plr.ULN]bool, lrs.MaxGenerated)
	for n := range lrs.MaxGenerated {
		if n >= 300_000 && n < lrs.MaxGenerated-1000 {
			continue // the whole takes long and says no more
		}
		uln := g.ULN(n)
		if !uln.Valid() || seen[uln] || !strings.HasPrefix(string(uln), "99") || strings.HasPrefix(string(uln), "990000") {
			t.Fatalf("number %d is %s", n, uln)
		}
		seen[uln] = true
	}
}

// The learners are of many kinds, and each has the number of events asked for.
func TestGeneratedLearners(t *testing.T) {
	t.Parallel()
	const learners, events = 3000, 15
	g := &lrs.Generator{Seed: 7, Events: events}
	count := map[string]int{}
	linked := map[plr.ULN]bool{}
	for n := range learners {
		u := g.Update(n)
		if u.ULN != g.ULN(n) || len(u.Events) != events || !u.EventsAnswer || u.NotShared || u.Register == nil || u.Register.ULN != u.ULN {
			t.Fatalf("learner %d: %+v", n, u)
		}
		if u.Register.GivenName == "" || u.Register.FamilyName == "" || !strings.HasPrefix(u.Register.LastKnownPostCode, "ZZ") {
			t.Fatalf("learner %d: %+v", n, u.Register)
		}
		for _, older := range u.Linked {
			if !older.Valid() || linked[older] || older == u.ULN {
				t.Fatalf("learner %d is linked to %s", n, older)
			}
			linked[older] = true
			count["linked"]++
		}
		if u.Register.Restricted {
			count["restricted"]++
		}
		if u.Register.DateOfBirth == "" {
			count["no date of birth"]++
		} else if u.Register.DateOfBirth > "2008-09-01" {
			count["under 18"]++
		}
		r := plr.NewRecord(u.ULN)
		r.Apply(u, time.Unix(0, 0))
		for _, e := range r.Events {
			count["events"]++
			if e.QualificationType != nil {
				count[*e.QualificationType]++
			}
			for _, note := range e.DataQuality {
				count["note "+string(note.Code)]++
			}
		}
	}
	for what, atLeast := range map[string]int{
		"linked": 10, "restricted": 2, "no date of birth": 2, "under 18": 100, "GCSE (9 to 1)": 1000, "GCSE (A* to G)": 1000, "GCE A Level": 500, "QCF": 500, "Award": 1000,
		"note PLACEHOLDER": 100, "note NOT_A_DATE": 20, "note FUTURE_DATE": 20, "note NOT_A_NUMBER": 20, "note UNKNOWN_CODE": 20, "note NOT_A_UKPRN": 20,
		"note UNUSUAL_QUALIFICATION_NUMBER": 20, "note DUPLICATE": 50, "note MISSING": 20,
	} {
		if count[what] < atLeast {
			t.Errorf("%s: %d, want at least %d", what, count[what], atLeast)
		}
	}
	if t.Failed() {
		for _, what := range slices.Sorted(maps.Keys(count)) {
			t.Logf("%-40s %d", what, count[what])
		}
	}
}

// What is written as XML and imported is what Update gives.
func TestGeneratedXML(t *testing.T) {
	t.Parallel()
	const learners = 300
	g := &lrs.Generator{Seed: 3, Events: 15}
	var xml bytes.Buffer
	if err := g.WriteXML(&xml, 0, learners, nil); err != nil {
		t.Fatal(err)
	}
	im, store, rejects := importing()
	s := summaryOf(t, im, texts(xml.String())...)
	if s.Rejected() != 0 || s.LearnersNew != learners || s.EventsAdded != learners*15 || len(s.Dropped) != 0 {
		t.Fatalf("%+v\n%s", s, rejects)
	}
	for n := range learners {
		want := plr.NewRecord(g.ULN(n))
		want.Apply(g.Update(n), store.record(want.ULN).UpdatedAt)
		if got := store.record(want.ULN); !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Fatalf("learner %d:\n got %s\nwant %s", n, a, b)
		}
	}
	stopped := fmt.Errorf("stopped")
	if err := g.WriteXML(&xml, 0, learners, func(n int) error { return stopped }); err != stopped {
		t.Errorf("got %v", err)
	}
}

func BenchmarkGenerator(b *testing.B) {
	g := &lrs.Generator{Seed: 1, Events: 15}
	n := 0
	for b.Loop() {
		g.Update(n)
		n++
	}
}
