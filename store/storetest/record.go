package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"openplr/plr"
)

var recordCases = []testCase{
	{"an unknown number has no record", func(t *testing.T, s plr.Store) {
		record, err := s.Record(t.Context(), NewULN())
		refused(t, err, plr.CodeNotFound)
		if record != nil {
			t.Fatalf("got a record beside the error: %v", record)
		}
	}},
	{"what is imported is read back as Record.Apply makes it", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 3)
		u.NotShared = true
		want := plr.NewRecord(u.ULN)
		change := want.Apply(copyOf(t, u), T0)
		change.NewLearner = true
		same(t, "changes", must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0)), []plr.RecordChange{change})
		same(t, "record", must[*plr.Record](t)(s.Record(t.Context(), u.ULN)), want)
	}},
	{"a learner known by events only, or by the register only", func(t *testing.T, s plr.Store) {
		events, register := Update(NewULN(), 1), Update(NewULN(), 0)
		events.Register = nil
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{events, register}, T0))
		if r := must[*plr.Record](t)(s.Record(t.Context(), events.ULN)); r.Register != nil || len(r.Events) != 1 {
			t.Fatalf("got %+v", r)
		}
		if r := must[*plr.Record](t)(s.Record(t.Context(), register.ULN)); r.Register == nil || len(r.Events) != 0 {
			t.Fatalf("got %+v", r)
		}
	}},
	{"importing the same again changes nothing", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 3)
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		before := must[*plr.Record](t)(s.Record(t.Context(), u.ULN))
		changes := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		same(t, "changes", changes, []plr.RecordChange{{EventsSame: 3}})
		same(t, "record", must[*plr.Record](t)(s.Record(t.Context(), u.ULN)), before)
	}},
	{"a changed event replaces, another is added, the register is replaced", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 2)
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		u.Events[0].Grade = &plr.Grade{Value: "B"}
		u.Events = append(u.Events, Update(u.ULN, 1).Events...)
		u.Register.FamilyName = "Newname"
		later := T0.Add(time.Hour)
		changes := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, later))
		same(t, "changes", changes, []plr.RecordChange{{RegisterChanged: true, EventsAdded: 1, EventsChanged: 1, EventsSame: 1}})
		r := must[*plr.Record](t)(s.Record(t.Context(), u.ULN))
		if len(r.Events) != 3 || r.Events[0].Grade.Value != "B" || r.Register.FamilyName != "Newname" || !r.UpdatedAt.Equal(later) {
			t.Fatalf("got %+v", r)
		}
	}},
	{"what an update leaves out stays", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 2)
		u.NotShared = true
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u, {ULN: u.ULN}}, T0))
		r := must[*plr.Record](t)(s.Record(t.Context(), u.ULN))
		if r.Register == nil || len(r.Events) != 2 || !r.NotSharedUpstream {
			t.Fatalf("got %+v", r)
		}
	}},
	{"changes come in the updates' order, each seeing those before it", func(t *testing.T, s plr.Store) {
		var updates []plr.RecordUpdate
		var want []plr.RecordChange
		twice := Update(NewULN(), 1)
		for i := range 260 { // more than any backend's batch of its own
			if i%2 == 0 {
				updates = append(updates, Update(NewULN(), i%3))
				want = append(want, plr.RecordChange{NewLearner: true, RegisterChanged: true, EventsAdded: i % 3})
				continue
			}
			updates = append(updates, twice)
			want = append(want, plr.RecordChange{EventsSame: 1})
		}
		want[1] = plr.RecordChange{NewLearner: true, RegisterChanged: true, EventsAdded: 1}
		same(t, "changes", must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), updates, T0)), want)
	}},
	{"nothing to import", func(t *testing.T, s plr.Store) {
		if changes := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), nil, T0)); len(changes) != 0 {
			t.Fatalf("got %v", changes)
		}
	}},
	{"events that say the same are marked, not removed", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 1)
		twin := u.Events[0]
		twin.EventID += "-twin"
		twin.ID = plr.EventIDOf(twin.EventID)
		u.Events = append(u.Events, twin)
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		r := must[*plr.Record](t)(s.Record(t.Context(), u.ULN))
		marked := 0
		for _, e := range r.Events {
			for _, note := range e.DataQuality {
				if note.Code == plr.QualityDuplicate && *note.Raw == u.Events[0].EventID {
					marked++
				}
			}
		}
		if len(r.Events) != 2 || marked != 1 {
			t.Fatalf("%d events, %d marks of a duplicate", len(r.Events), marked)
		}
	}},
	{"what is filled at reading is not stored", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 1)
		u.Events[0].DataChallenges = []*plr.DataChallenge{Challenge(u.ULN, T0)}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		if r := must[*plr.Record](t)(s.Record(t.Context(), u.ULN)); r.Events[0].DataChallenges != nil {
			t.Fatal("an event came back with challenges")
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		u := Update(NewULN(), 2)
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		want := copyOf(t, must[*plr.Record](t)(s.Record(t.Context(), u.ULN)))
		uln := u.ULN
		scribble(&u)
		same(t, "after changing what was passed in", must[*plr.Record](t)(s.Record(t.Context(), uln)), want)
		scribble(must[*plr.Record](t)(s.Record(t.Context(), uln)))
		same(t, "after changing what came back", must[*plr.Record](t)(s.Record(t.Context(), uln)), want)
	}},
	{"a linked number leads to the record", func(t *testing.T, s plr.Store) {
		u, old, older := Update(NewULN(), 1), NewULN(), NewULN()
		u.Linked = []plr.ULN{old, older}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, T0))
		want := must[*plr.Record](t)(s.Record(t.Context(), u.ULN))
		same(t, "linked numbers", want.LinkedULNs, u.Linked)
		for _, uln := range u.Linked {
			same(t, "record by a linked number", must[*plr.Record](t)(s.Record(t.Context(), uln)), want)
		}
	}},
	{"an update for a linked number goes to the record", func(t *testing.T, s plr.Store) {
		u, old := Update(NewULN(), 1), NewULN()
		u.Linked = []plr.ULN{old}
		more := plr.RecordUpdate{ULN: old, Events: Update(old, 2).Events}
		changes := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u, more}, T0))
		same(t, "changes", changes[1], plr.RecordChange{EventsAdded: 2})
		for _, uln := range []plr.ULN{u.ULN, old} {
			if r := must[*plr.Record](t)(s.Record(t.Context(), uln)); r.ULN != u.ULN || len(r.Events) != 3 {
				t.Fatalf("%s: record of %s with %d events", uln, r.ULN, len(r.Events))
			}
		}
	}},
	{"a number leads to its master", func(t *testing.T, s plr.Store) {
		old, master, top := NewULN(), Update(NewULN(), 1), Update(NewULN(), 1)
		master.Linked, top.Linked = []plr.ULN{old}, []plr.ULN{master.ULN}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{master}, T0))
		for number, want := range map[plr.ULN]plr.ULN{old: master.ULN, master.ULN: master.ULN, "unknown": "unknown"} {
			same(t, "master of "+string(number), must[plr.ULN](t)(s.MasterULN(t.Context(), number)), want)
		}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{top}, T0))
		same(t, "master of a chain", must[plr.ULN](t)(s.MasterULN(t.Context(), old)), top.ULN)
	}},
	{"two records are linked afterwards", func(t *testing.T, s plr.Store) {
		old, master := Update(NewULN(), 2), Update(NewULN(), 1)
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{old, master}, T0))
		link := plr.RecordUpdate{ULN: master.ULN, Linked: []plr.ULN{old.ULN}}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{link}, T0))
		if r := must[*plr.Record](t)(s.Record(t.Context(), old.ULN)); r.ULN != master.ULN {
			t.Fatalf("the old number leads to the record of %s", r.ULN)
		}
		changes := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{old}, T0))
		if changes[0].NewLearner || changes[0].EventsAdded == 0 {
			t.Fatalf("an update for the old number did not reach the record: %+v", changes[0])
		}
	}},
	{"links follow one another, and a new link replaces an old one", func(t *testing.T, s plr.Store) {
		a, b, c, d := NewULN(), Update(NewULN(), 1), Update(NewULN(), 1), Update(NewULN(), 1)
		b.Linked, c.Linked = []plr.ULN{a}, []plr.ULN{b.ULN}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{b, c}, T0))
		for _, uln := range []plr.ULN{a, b.ULN, c.ULN} {
			if r := must[*plr.Record](t)(s.Record(t.Context(), uln)); r.ULN != c.ULN {
				t.Fatalf("%s leads to %s", uln, r.ULN)
			}
		}
		d.Linked = []plr.ULN{a}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{d}, T0))
		if r := must[*plr.Record](t)(s.Record(t.Context(), a)); r.ULN != d.ULN {
			t.Fatalf("after the new link %s leads to %s", a, r.ULN)
		}
		if r := must[*plr.Record](t)(s.Record(t.Context(), b.ULN)); r.ULN != c.ULN {
			t.Fatalf("after another number's new link %s leads to %s", b.ULN, r.ULN)
		}
	}},
	{"links in a ring do no harm", func(t *testing.T, s plr.Store) {
		a, b := Update(NewULN(), 1), Update(NewULN(), 1)
		a.Linked, b.Linked = []plr.ULN{b.ULN, a.ULN}, []plr.ULN{a.ULN, b.ULN}
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{a, b, a}, T0))
		for _, uln := range []plr.ULN{a.ULN, b.ULN} {
			if r := must[*plr.Record](t)(s.Record(t.Context(), uln)); r.ULN != a.ULN || len(r.Events) != 2 {
				t.Fatalf("%s leads to %s with %d events", uln, r.ULN, len(r.Events))
			}
		}
	}},
	{"imports of one learner at once lose nothing", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		changes := together(24, func(int) plr.RecordChange {
			c, err := s.ImportRecords(t.Context(), []plr.RecordUpdate{{ULN: uln, Events: Update(uln, 2).Events}}, T0)
			if err != nil {
				t.Error(err)
				return plr.RecordChange{}
			}
			return c[0]
		})
		created, added := 0, 0
		for _, c := range changes {
			added += c.EventsAdded
			if c.NewLearner {
				created++
			}
		}
		r := must[*plr.Record](t)(s.Record(t.Context(), uln))
		if created != 1 || added != 48 || len(r.Events) != 48 {
			t.Fatalf("%d calls made the learner, %d events were added, %d are held", created, added, len(r.Events))
		}
	}},
	{"imports of one learner held already lose nothing either", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{Update(uln, 1)}, T0))
		together(24, func(int) error {
			_, err := s.ImportRecords(t.Context(), []plr.RecordUpdate{{ULN: uln, Events: Update(uln, 2).Events}}, T0)
			if err != nil {
				t.Error(err)
			}
			return err
		})
		if r := must[*plr.Record](t)(s.Record(t.Context(), uln)); len(r.Events) != 49 {
			t.Fatalf("%d events of 49 are held", len(r.Events))
		}
	}},
	{"random imports with links, against a model", func(t *testing.T, s plr.Store) {
		for seed := range uint64(4) {
			randomImports(t, s, rand.New(rand.NewPCG(seed, 1)))
		}
	}},
}

// randomImports applies the contract to a map and compares.
func randomImports(t *testing.T, s plr.Store, r *rand.Rand) {
	var ulns []plr.ULN
	for range 6 {
		ulns = append(ulns, NewULN())
	}
	records, links := map[plr.ULN]*plr.Record{}, map[plr.ULN]plr.ULN{}
	master := func(uln plr.ULN) plr.ULN {
		for links[uln] != "" {
			uln = links[uln]
		}
		return uln
	}
	for step := range 60 {
		u := plr.RecordUpdate{ULN: ulns[r.IntN(6)], EventsAnswer: r.IntN(2) == 0, NotShared: r.IntN(2) == 0}
		if r.IntN(2) == 0 {
			u.Register = &plr.RegisterEntry{ULN: u.ULN, GivenName: fmt.Sprint("Test ", r.IntN(3))}
		}
		for range r.IntN(3) {
			e := Event(fmt.Sprint(r.IntN(8)))
			e.Level = ptr(fmt.Sprint("Level ", r.IntN(2)))
			u.Events = append(u.Events, e)
		}
		if r.IntN(4) == 0 {
			u.Linked = []plr.ULN{ulns[r.IntN(6)]}
		}
		now := T0.Add(time.Duration(step) * time.Minute)

		uln := master(u.ULN)
		held := records[uln] != nil
		if !held {
			records[uln] = plr.NewRecord(uln)
		}
		want := records[uln].Apply(copyOf(t, u), now)
		want.NewLearner = !held
		for _, old := range u.Linked {
			if old != uln {
				links[old] = uln
			}
		}
		got := must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, now))
		same(t, fmt.Sprintf("change at step %d", step), got, []plr.RecordChange{want})
		look := []plr.ULN{u.ULN, ulns[r.IntN(6)]}
		if step == 59 {
			look = ulns
		}
		for _, uln := range look {
			record, err := s.Record(t.Context(), uln)
			if wanted := records[master(uln)]; wanted != nil {
				ok(t, err)
				same(t, fmt.Sprintf("record of %s at step %d", uln, step), record, wanted)
			} else {
				refused(t, err, plr.CodeNotFound)
			}
		}
	}
}
