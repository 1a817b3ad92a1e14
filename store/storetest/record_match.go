package storetest

import (
	"fmt"
	"testing"

	"openplr/plr"
)

// family is an update of a learner whose family names nobody else in the test has.
func family(uln plr.ULN, names ...string) plr.RecordUpdate {
	u := Update(uln, 2)
	names = append(names, "", "")
	u.Register.FamilyName, u.Register.PreviousFamilyName, u.Register.FamilyNameAtAge16 = names[0], names[1], names[2]
	return u
}

// unique makes a family name of the test's own, of letters.
func unique() string {
	name := ""
	for _, digit := range fmt.Sprint(made.Add(1)) {
		name += string(digit - '0' + 'a')
	}
	return "Test" + name
}

// keysOf gives the keys of somebody with the date of birth of family's and the name.
func keysOf(name string) []string {
	return plr.MatchKeys(&plr.RegisterEntry{FamilyName: name, DateOfBirth: "2009-02-28"})
}

func matching(t *testing.T, s plr.Store, keys []string, want ...plr.ULN) []*plr.Record {
	t.Helper()
	got := must[[]*plr.Record](t)(s.RecordsMatching(t.Context(), keys, 100))
	found := map[plr.ULN]bool{}
	for _, r := range got {
		if found[r.ULN] {
			t.Errorf("%s comes twice", r.ULN)
		}
		found[r.ULN] = true
	}
	if len(got) != len(want) {
		t.Fatalf("found %v, want %v", found, want)
	}
	for _, uln := range want {
		if !found[uln] {
			t.Fatalf("found %v, want %v", found, want)
		}
	}
	return got
}

func imported(t *testing.T, s plr.Store, updates ...plr.RecordUpdate) {
	t.Helper()
	must[[]plr.RecordChange](t)(s.ImportRecords(t.Context(), updates, T0))
}

var matchCases = []testCase{
	{"a record is found by each of its family names, without its events", func(t *testing.T, s plr.Store) {
		uln, now, before, atSchool := NewULN(), unique(), unique(), unique()
		matching(t, s, keysOf(now))
		u := family(uln, now, before, atSchool)
		imported(t, s, u)
		for _, name := range []string{now, before, atSchool} {
			r := matching(t, s, keysOf(name), uln)[0]
			same(t, "register", r.Register, u.Register)
			if len(r.Events) != 0 {
				t.Errorf("%d events", len(r.Events))
			}
		}
		all := append(append(keysOf(now), keysOf(before)...), keysOf(unique())...)
		matching(t, s, all, uln)
		matching(t, s, nil)
		if other := plr.MatchKeys(&plr.RegisterEntry{FamilyName: now, DateOfBirth: "2009-03-01"}); len(other) == 1 {
			matching(t, s, other)
		}
		if full := must[*plr.Record](t)(s.Record(t.Context(), uln)); len(full.Events) != 2 {
			t.Errorf("the record has %d events", len(full.Events))
		}
	}},
	{"several are found, up to the limit", func(t *testing.T, s plr.Store) {
		name := unique()
		var ulns []plr.ULN
		var updates []plr.RecordUpdate
		for range 7 {
			ulns = append(ulns, NewULN())
			updates = append(updates, family(ulns[len(ulns)-1], name))
		}
		imported(t, s, updates...)
		matching(t, s, keysOf(name), ulns...)
		if got := must[[]*plr.Record](t)(s.RecordsMatching(t.Context(), keysOf(name), 3)); len(got) != 3 {
			t.Errorf("%d within a limit of 3", len(got))
		}
	}},
	{"a name that is corrected is found by the new one alone", func(t *testing.T, s plr.Store) {
		uln, wrong, right, former := NewULN(), unique(), unique(), unique()
		imported(t, s, family(uln, wrong, former))
		imported(t, s, family(uln, right, former))
		matching(t, s, keysOf(wrong))
		matching(t, s, keysOf(right), uln)
		matching(t, s, keysOf(former), uln)
		events := Update(uln, 1)
		events.Register = nil
		imported(t, s, events) // no news of the register leaves it as it was
		matching(t, s, keysOf(right), uln)
		imported(t, s, family(uln, wrong), family(uln, right)) // both in one batch
		matching(t, s, keysOf(wrong))
		matching(t, s, keysOf(right), uln)
	}},
	{"without a register entry, or a date, nobody is found", func(t *testing.T, s plr.Store) {
		uln, name := NewULN(), unique()
		u := family(uln, name)
		u.Register.DateOfBirth = ""
		imported(t, s, u)
		matching(t, s, keysOf(name))
		imported(t, s, family(uln, name))
		matching(t, s, keysOf(name), uln)
	}},
	{"a record of a number linked since is given: who asks must look", func(t *testing.T, s plr.Store) {
		old, master, name := NewULN(), NewULN(), unique()
		imported(t, s, family(old, name))
		u := family(master, name)
		u.Linked = []plr.ULN{old}
		imported(t, s, u)
		matching(t, s, keysOf(name), old, master)
		if got := must[plr.ULN](t)(s.MasterULN(t.Context(), old)); got != master {
			t.Errorf("%s leads to %s", old, got)
		}
	}},
	{"imports at once are all found", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var names []string
		for range 20 {
			names = append(names, unique())
		}
		for _, err := range together(20, func(i int) error {
			return drop(s.ImportRecords(t.Context(), []plr.RecordUpdate{family(uln, names[i])}, T0))
		}) {
			ok(t, err)
		}
		last := must[*plr.Record](t)(s.Record(t.Context(), uln)).Register.FamilyName
		for _, name := range names {
			if name == last {
				matching(t, s, keysOf(name), uln)
			} else {
				matching(t, s, keysOf(name))
			}
		}
	}},
}
