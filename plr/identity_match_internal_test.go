package plr

import (
	"slices"
	"testing"
	"time"
)

func TestFoldName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want string }{
		{"Smith", "smith"}, {"  SMITH ", "smith"}, {"Siân", "sian"}, {"SIÂN", "sian"}, {"Sia\u0302n", "sian"}, {"Ŵyn", "wyn"},
		{"O'Neill", "oneill"}, {"O’Neill", "oneill"}, {"Oʼneill", "oneill"}, {"O`Neill", "oneill"}, {"O Neill", "oneill"},
		{"Smith-Jones", "smithjones"}, {"Smith Jones", "smithjones"}, {"Smith–Jones", "smithjones"}, {"Smith\u2011Jones", "smithjones"},
		{"St. John", "stjohn"}, {"Müller", "muller"}, {"Groß", "gross"}, {"Ægir", "aegir"}, {"Þór", "thor"}, {"Łukasz", "lukasz"}, {"Nuñez", "nunez"},
		{"Đorđe", "dorde"}, {"Işık", "isik"}, {"İpek", "ipek"}, {"ﬁnch", "finch"}, {"Ｓｍｉｔｈ", "smith"}, {"Николай", "николаи"}, {"李", "李"},
		{"", ""}, {"-", ""}, {"'", ""}, {".", ""}, {"\u200b", ""}, {"\xff", ""},
	} {
		if got := foldName(c.name); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFirstName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ given, want string }{
		{"Mary", "mary"}, {"Mary Jane", "mary"}, {"Mary-Jane", "mary"}, {"  mary\u00a0jane", "mary"}, {"- Mary", "mary"}, {"D'Arcy", "darcy"},
		{"J.", "j"}, {"", ""}, {" - ", ""},
	} {
		if got := firstName(c.given); got != c.want {
			t.Errorf("%q: %q, want %q", c.given, got, c.want)
		}
	}
}

func TestFoldPostCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, want string }{
		{"CF10 1AA", "CF101AA"}, {"cf101aa", "CF101AA"}, {" CF10-1AA ", "CF101AA"}, {"M1 1AA", "M11AA"}, {"ZZ10 1AA", "ZZ101AA"},
		{"ZZ99 9ZZ", ""}, {"zz993vz", ""}, {"", ""}, {"CF10", ""}, {"CF10 1AAA", ""}, {"none", ""}, {"UNKNOWN", ""}, {"NOT KNOWN", ""},
		{"N/A N/A", ""}, {"00000", ""}, {"BFPO 57", ""}, {"BF1 3AA", "BF13AA"}, {"CF1O 1AA", "CF1O1AA"}, {"ＣＦ10 1AA", ""},
	} {
		if got := foldPostCode(c.code); got != c.want {
			t.Errorf("%q: %q, want %q", c.code, got, c.want)
		}
	}
}

// Every name of the list stands in it as foldName gives it, once a group.
func TestSynonyms(t *testing.T) {
	t.Parallel()
	for name, groups := range synonyms {
		if foldName(name) != name || firstName(name) != name {
			t.Errorf("%q cannot be met", name)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(groups)))) != len(groups) {
			t.Errorf("%q stands twice in a group", name)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"alex", "alexander", true}, {"alex", "alexandra", true}, {"alexander", "alexandra", false}, {"mike", "michael", true}, {"kate", "katherine", true},
		{"kate", "catherine", true}, {"samuel", "samantha", false}, {"daniel", "danielle", false}, {"kate", "michael", false}, {"unheard", "unheard", false},
	} {
		if oneName(c.a, c.b) != c.want || oneName(c.b, c.a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}

// proved is an identity with the names, each "given/family".
func proved(born Date, names ...string) *VerifiedIdentity {
	v := &VerifiedIdentity{BirthDate: born, PostCodes: []string{"ZZ10 1AA", "ZZ11 2BB"}}
	for _, name := range names {
		for i := range name {
			if name[i] == '/' {
				v.Names = append(v.Names, VerifiedName{Given: name[:i], Family: name[i+1:]})
			}
		}
	}
	return v
}

func TestMatchPerson(t *testing.T) {
	t.Parallel()
	const born = Date("2005-06-07")
	register := func(given, family string, more ...string) *RegisterEntry {
		more = append(more, "", "", "")
		return &RegisterEntry{GivenName: given, FamilyName: family, PreferredGivenName: more[0], PreviousFamilyName: more[1], FamilyNameAtAge16: more[2], DateOfBirth: born}
	}
	birth, given, synonym, current, former := MatchBirthDate, MatchGivenName, MatchGivenNameSynonym, MatchFamilyName, MatchPreviousFamilyName
	for _, c := range []struct {
		name     string
		identity *VerifiedIdentity
		register *RegisterEntry
		by       []MatchAttribute
		same     bool
	}{
		{"all equal", proved(born, "Anna/Smith"), register("Anna", "Smith"), []MatchAttribute{birth, given, current}, true},
		{"case and accents", proved(born, "SIAN/Prys"), register("Siân", "PRŶS"), []MatchAttribute{birth, given, current}, true},
		{"the first given name alone", proved(born, "Anna Maria Jane/Smith"), register("Anna-Lena", "Smith"), []MatchAttribute{birth, given, current}, true},
		{"a middle name is not a first", proved(born, "Maria Anna/Smith"), register("Anna", "Smith"), []MatchAttribute{birth, current}, false},
		{"the preferred given name", proved(born, "Gwen/Smith"), register("Gwenllian", "Smith", "Gwen"), []MatchAttribute{birth, given, current}, true},
		{"a synonym", proved(born, "Mike/Smith"), register("Michael", "Smith"), []MatchAttribute{birth, synonym, current}, true},
		{"a synonym of the preferred name", proved(born, "Katherine/Smith"), register("Zoe", "Smith", "Kate"), []MatchAttribute{birth, synonym, current}, true},
		{"equal goes before a synonym", proved(born, "Mike/Smith", "Michael/Smith"), register("Michael", "Smith"), []MatchAttribute{birth, given, current}, true},
		{"family names have no synonyms", proved(born, "Anna/Mike"), register("Anna", "Michael"), []MatchAttribute{birth, given}, false},
		{"the register's previous name", proved(born, "Anna/Smith"), register("Anna", "Jones", "", "Smith"), []MatchAttribute{birth, given, former}, true},
		{"the name at 16", proved(born, "Anna/Smith"), register("Anna", "Jones", "", "", "Smith"), []MatchAttribute{birth, given, former}, true},
		{"a verified name of before", proved(born, "Anna/Jones", "Anna/Smith"), register("Anna", "Smith"), []MatchAttribute{birth, given, former}, true},
		{"given and family of two names", proved(born, "Hannah/Jones", "Anna/Smith"), register("Hannah", "Smith"), []MatchAttribute{birth, given, former}, true},
		{"hyphen for space", proved(born, "Anna/Smith Jones"), register("Anna", "Smith-Jones"), []MatchAttribute{birth, given, current}, true},
		{"half a double name is another", proved(born, "Anna/Smith"), register("Anna", "Smith-Jones"), []MatchAttribute{birth, given}, false},
		{"given and family swapped", proved(born, "Smith/Anna"), register("Anna", "Smith"), []MatchAttribute{birth}, false},
		{"another given name", proved(born, "Beth/Smith"), register("Anna", "Smith"), []MatchAttribute{birth, current}, false},
		{"another day", proved("2005-06-08", "Anna/Smith"), register("Anna", "Smith"), []MatchAttribute{given, current}, false},
		{"day and month swapped", proved("2005-07-06", "Anna/Smith"), register("Anna", "Smith"), []MatchAttribute{given, current}, false},
		{"no names", proved(born), register("Anna", "Smith"), []MatchAttribute{birth}, false},
		{"empty names", proved(born, "/"), register("", ""), []MatchAttribute{birth}, false},
		{"names of signs alone", proved(born, "-/."), register("-", "."), []MatchAttribute{birth}, false},
		{"no date on either side", proved("", "Anna/Smith"), &RegisterEntry{GivenName: "Anna", FamilyName: "Smith"}, []MatchAttribute{given, current}, false},
		{"no date of a day", proved("2005-02-30", "Anna/Smith"), &RegisterEntry{GivenName: "Anna", FamilyName: "Smith", DateOfBirth: "2005-02-30"}, []MatchAttribute{given, current}, false},
		{"events alone", proved(born, "Anna/Smith"), nil, nil, false},
		{"nothing proved", nil, register("Anna", "Smith"), nil, false},
	} {
		by, same := matchPerson(c.identity, c.register)
		if same != c.same || !slices.Equal(by, c.by) {
			t.Errorf("%s: %v %v, want %v %v", c.name, by, same, c.by, c.same)
		}
	}
}

func TestFitNames(t *testing.T) {
	t.Parallel()
	exact, synonym := nameFit{agrees: true, exact: true}, nameFit{agrees: true}
	for _, c := range []struct {
		name, given             string
		held, middle, preferred string
		want                    nameFit
	}{
		{"no middle names", "Mohammed", "Mohammed", "", "", exact},
		{"on one side alone", "Mohammed Yusuf", "Mohammed", "", "", exact},
		{"on the other alone", "Mohammed", "Mohammed", "Yusuf", "", exact},
		{"the same, in the field for it", "Mohammed Yusuf", "Mohammed", "Yusuf", "", exact},
		{"the same, in one field", "Mohammed-Yusuf", "MOHAMMED YUSUF", "", "", exact},
		{"one of several", "Anna Maria Jane", "Anna", "Jane", "", exact},
		{"a letter", "Anna Maria", "Anna", "M.", "", exact},
		{"spelt otherwise", "Mary Ann", "Mary", "Anne", "", exact},
		{"in use for it", "Mary Elizabeth", "Mary", "Beth", "", exact},
		{"signs alone", "Mary -", "Mary", "Anne", "", exact},
		{"others", "Mohammed Yusuf", "Mohammed", "Adam", "", nameFit{exact: true}},
		{"half of a hyphen", "Mary-Jane", "Mary-Ann", "", "", nameFit{exact: true}},
		{"another letter", "Anna Maria", "Anna", "J", "", nameFit{exact: true}},
		{"in use for the first", "Mike", "Michael", "", "", synonym},
		{"in use for the first, others behind", "Mike Adam", "Michael", "Paul", "", nameFit{}},
		{"the preferred one", "Gwen", "Mair", "", "Gwen", exact},
		{"in use for the preferred one alone", "Alexander", "Alexandra", "", "Alex", nameFit{}},
		{"in use for both", "Alexander", "Alec", "", "Alex", synonym},
		{"no first name held", "Alexander", "", "", "Alex", synonym},
		{"another", "Anna", "Beth", "Anna", "", nameFit{}},
	} {
		got := fitNames(proved("2005-06-07", c.given+"/Smith"), &RegisterEntry{GivenName: c.held, MiddleOtherName: c.middle, PreferredGivenName: c.preferred})
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	several := proved("2005-06-07", "Mohammed Adam/Smith", "Mohammed Yusuf/Smith")
	if got := fitNames(several, &RegisterEntry{GivenName: "Mohammed", MiddleOtherName: "Yusuf"}); got != exact {
		t.Errorf("a name of before: %+v", got)
	}
}

func TestMatchKeys(t *testing.T) {
	t.Parallel()
	r := &RegisterEntry{FamilyName: "O'Neill", PreviousFamilyName: "Prŷs", FamilyNameAtAge16: "O NEILL", DateOfBirth: "2005-06-07"}
	keys := MatchKeys(r)
	if len(keys) != 2 || !slices.IsSorted(keys) || len(keys[0]) != matchKeyLength {
		t.Fatalf("keys %v", keys)
	}
	for _, c := range []struct {
		name  string
		v     *VerifiedIdentity
		found bool
	}{
		{"by the name", proved("2005-06-07", "X/ONeill"), true}, {"by the name before", proved("2005-06-07", "X/Other", "X/prys"), true},
		{"another day", proved("2005-06-08", "X/ONeill"), false}, {"another name", proved("2005-06-07", "X/Neill"), false},
		{"no name", proved("2005-06-07", "X/"), false}, {"nothing", &VerifiedIdentity{}, false},
	} {
		if got := slices.ContainsFunc(c.v.matchKeys(), func(k string) bool { return slices.Contains(keys, k) }); got != c.found {
			t.Errorf("%s: found %v", c.name, got)
		}
	}
	for _, r := range []*RegisterEntry{nil, {}, {FamilyName: "Smith"}, {DateOfBirth: "2005-06-07"}, {FamilyName: "Smith", DateOfBirth: "2005-02-30"}, {FamilyName: ".", DateOfBirth: "2005-06-07"}} {
		if keys := MatchKeys(r); len(keys) != 0 {
			t.Errorf("%+v is found by %v", r, keys)
		}
	}
}

func TestConsider(t *testing.T) {
	t.Parallel()
	const born = Date("2005-06-07")
	person := func(uln ULN, given, code string) *Record {
		return &Record{ULN: uln, Register: &RegisterEntry{GivenName: given, FamilyName: "Smith", DateOfBirth: born, LastKnownPostCode: code}}
	}
	const one, two, three = ULN("9900000004"), ULN("9900000012"), ULN("9900000020")
	v := proved(born, "Samuel/Smith")
	for _, c := range []struct {
		name     string
		found    []*Record
		named    *Record
		typed    bool
		overflow bool
		want     ClaimDecision
		uln      ULN
	}{
		{"name, date and postcode", []*Record{person(one, "Samuel", "zz101aa")}, nil, false, false, ClaimBound, one},
		{"an earlier postcode", []*Record{person(one, "Samuel", "ZZ11 2BB")}, nil, false, false, ClaimBound, one},
		{"another postcode", []*Record{person(one, "Samuel", "ZZ12 3CC")}, nil, false, false, ClaimNoMatch, ""},
		{"nobody", nil, nil, false, false, ClaimNoMatch, ""},
		{"another person in the house", []*Record{person(one, "Samuel", "ZZ10 1AA"), person(two, "Anna", "ZZ10 1AA")}, nil, false, false, ClaimBound, one},
		{"two of one name, one of whom lives there", []*Record{person(one, "Samuel", "ZZ10 1AA"), person(two, "Samuel", "ZZ12 3CC")}, nil, false, false, ClaimBound, one},
		{"two of one name in one place", []*Record{person(one, "Samuel", "ZZ10 1AA"), person(two, "Samuel", "ZZ10 1AA")}, nil, false, false, ClaimSeveral, ""},
		{"twins with one short name", []*Record{person(one, "Samuel", "ZZ10 1AA"), person(two, "Sam", "ZZ10 1AA")}, nil, false, false, ClaimSeveral, ""},
		{"perhaps more than were looked at", []*Record{person(one, "Samuel", "ZZ10 1AA")}, nil, false, true, ClaimSeveral, one},
		{"the number alone", nil, person(one, "Samuel", "ZZ12 3CC"), true, false, ClaimBound, one},
		{"the number chooses", []*Record{person(one, "Samuel", "ZZ10 1AA"), person(two, "Samuel", "ZZ10 1AA")}, person(two, "Samuel", "ZZ10 1AA"), true, true, ClaimBound, two},
		{"the number of a stranger", []*Record{person(one, "Samuel", "ZZ10 1AA")}, person(two, "Anna", "ZZ10 1AA"), true, false, ClaimWrongULN, two},
		{"a number that nobody has", []*Record{person(one, "Samuel", "ZZ10 1AA")}, nil, true, false, ClaimNoMatch, three},
		{"a twin's number", []*Record{person(one, "Samuel", "ZZ10 1AA")}, person(two, "Sam", "ZZ10 1AA"), true, false, ClaimWrongULN, two},
		{"the number by a synonym", []*Record{person(two, "Sam", "ZZ10 1AA")}, person(two, "Sam", "ZZ10 1AA"), true, false, ClaimBound, two},
		{"events alone", nil, &Record{ULN: two}, true, false, ClaimWrongULN, two},
	} {
		var typed *ULN
		if c.typed {
			uln := three
			typed = &uln
		}
		f := consider(v, c.found, c.named, typed)
		f.judge(c.overflow)
		if uln := f.considered(typed); f.result != c.want || (uln != c.uln && c.want != ClaimSeveral) || (f.record != nil) != (c.want == ClaimBound) {
			t.Errorf("%s: %s of %q, want %s of %q", c.name, f.result, uln, c.want, c.uln)
		}
	}
}

func TestClaimsAreCounted(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 8, 20, 7, 0, 0, 0, time.UTC)
	f := NewIdentityFile("act_1")
	take := func(at time.Time, want Code, wait time.Duration) {
		t.Helper()
		before := f.FailedTotal
		err := f.TakeClaim(at)
		if want == "" && err == nil {
			return
		}
		refusals := Refusals(err)
		if len(refusals) != 1 || refusals[0].Code != want || refusals[0].RetryAfter != wait || f.FailedTotal != before {
			t.Fatalf("got %v, want %s after %s", err, want, wait)
		}
	}
	for i := range 5 {
		take(t0.Add(time.Duration(i)*time.Hour), "", 0)
		f.SettleClaim(t0.Add(time.Duration(i)*time.Hour), true)
	}
	take(t0.Add(5*time.Hour), CodeLimitReached, 19*time.Hour)
	if f.claimsLeft(t0.Add(5*time.Hour)) != 0 || f.claimsLeft(t0.Add(25*time.Hour)) != 2 {
		t.Error("claims left are counted wrong")
	}
	take(t0.Add(24*time.Hour-time.Millisecond), CodeLimitReached, time.Millisecond)
	take(t0.Add(24*time.Hour), "", 0) // the oldest has had its time
	take(t0.Add(24*time.Hour), CodeLimitReached, time.Hour)
	f.SettleClaim(t0.Add(24*time.Hour), false) // and is given back
	if f.FailedTotal != 5 || len(f.FailedClaims) != 4 || f.LastClaimFailed {
		t.Fatalf("%+v", f)
	}
	for i := range 5 {
		at := t0.Add(time.Duration(i+3) * 48 * time.Hour)
		take(at, "", 0)
		f.SettleClaim(at, true)
	}
	if !f.Locked() || f.claimsLeft(t0.Add(999*time.Hour)) != 0 {
		t.Error("ten failures do not lock")
	}
	take(t0.Add(9999*time.Hour), CodeLimitReached, 0)
}

// A claim that never came to an end, because its process died, counts as failed.
func TestAClaimCutOffCounts(t *testing.T) {
	t.Parallel()
	t0 := time.Date(2026, 8, 20, 7, 0, 0, 0, time.UTC)
	f := NewIdentityFile("act_1")
	for range 5 { // all in one instant
		if err := f.TakeClaim(t0); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.TakeClaim(t0); CodeOf(err) != CodeLimitReached {
		t.Errorf("got %v", err)
	}
	f.SettleClaim(t0, false) // one of five alike
	if len(f.FailedClaims) != 4 || f.TakeClaim(t0) != nil {
		t.Errorf("%+v", f)
	}
}

func TestIdentityHistoryIsBounded(t *testing.T) {
	t.Parallel()
	f := NewIdentityFile("act_1")
	t0 := time.Date(2026, 8, 20, 7, 0, 0, 0, time.UTC)
	for i := range MaxIdentityChanges + 9 {
		v := proved("2005-06-07", "Anna/Smith")
		v.ProvedAt = t0.Add(time.Duration(i) * time.Hour)
		f.prove(v)
	}
	if len(f.Changes) != MaxIdentityChanges || !f.Changes[0].At.Equal(t0.Add(9*time.Hour)) {
		t.Errorf("%d changes from %s", len(f.Changes), f.Changes[0].At)
	}
	older := proved("1999-01-01", "Anna/Smith")
	older.ProvedAt = t0
	if f.prove(older); f.Identity.BirthDate != "2005-06-07" {
		t.Error("an older proof replaced a newer one")
	}
}
