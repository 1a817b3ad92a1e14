package lrs_test

import (
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// samples are all sample learners in a store, and who they are.
func samples(t *testing.T) (*memory, []lrs.SamplePerson, *lrs.Summary) {
	t.Helper()
	im, store, rejects := importing()
	s := summaryOf(t, im, must(lrs.FSFiles(lrs.Samples()))...)
	if s.Rejected() > 0 {
		t.Fatalf("rejects: %s", rejects)
	}
	return store, must(lrs.SamplePeople()), s
}

func TestSamplePeopleAgreeWithTheirRecords(t *testing.T) {
	t.Parallel()
	store, people, _ := samples(t)
	subject := regexp.MustCompile(`^urn:fdc:openplr\.example:2026:[A-Za-z0-9_-]{22}$`)
	seen := map[string]bool{}
	bound := map[plr.ULN]bool{}
	for _, p := range people {
		if !subject.MatchString(p.Subject) || seen[p.Subject] || seen[p.Email] || p.Bound && (p.ULN == "" || bound[p.ULN]) {
			t.Errorf("%s %s: something stands twice, or the subject has another form", p.Subject, p.Email)
		}
		seen[p.Subject], seen[p.Email] = true, true
		if p.Bound {
			bound[p.ULN] = true
		}
		if !strings.HasSuffix(p.Email, "@example.com") && !strings.HasSuffix(p.Email, "@example.wales") {
			t.Errorf("%s: could be somebody's address", p.Email)
		}
		if _, ok := plr.ParseDate(string(p.BirthDate)); !ok || p.GivenName == "" || p.FamilyName == "" || p.Description == "" || strings.Contains(p.Description, "\n") || len(p.PostCodes) == 0 {
			t.Errorf("%+v is incomplete", p)
		}
		if !slices.Contains(groups, p.Group) || p.Bound && p.Group != "ordinary" && p.Group != "sensitive" {
			t.Errorf("%s is in group %s, bound: %t", p.Email, p.Group, p.Bound)
		}
		if p.ULN == "" {
			continue
		}
		if !p.ULN.Valid() || !strings.HasPrefix(string(p.ULN), "99000") {
			t.Errorf("%s is no number of a sample", p.ULN)
		}
		r := store.record(p.ULN)
		if r == nil {
			t.Errorf("%s has no record", p.Email)
			continue
		}
		if reg := r.Register; reg != nil && (reg.GivenName != p.GivenName || !oneName(p, reg) || reg.DateOfBirth != p.BirthDate || reg.ULN != p.ULN) {
			t.Errorf("%+v is not %+v", p, reg)
		}
		if reg := r.Register; reg != nil && !slices.Contains(p.PostCodes, reg.LastKnownPostCode) {
			t.Errorf("%s never lived at %s", p.Email, reg.LastKnownPostCode)
		}
	}
	if len(bound) != 15 || len(people) != 24 || len(store.records) != 20 {
		t.Errorf("%d people, %d bound to one of %d records", len(people), len(bound), len(store.records))
	}
}

// groups are those of the development provider's page.
var groups = []string{"ordinary", "to-claim", "no-match", "several-matches", "already-bound", "sensitive", "identity-fails", "other"}

// oneName says whether provider and register have a family name in common.
func oneName(p lrs.SamplePerson, reg *plr.RegisterEntry) bool {
	names := []string{p.FamilyName}
	for _, n := range p.PreviousNames {
		names = append(names, n.FamilyName)
	}
	return slices.Contains(names, reg.FamilyName) || slices.Contains(names, reg.PreviousFamilyName)
}

// The people for claiming a record, as far as the register can tell.
func TestSamplesForClaiming(t *testing.T) {
	t.Parallel()
	store, people, _ := samples(t)
	find := func(email string) (lrs.SamplePerson, *plr.RegisterEntry) {
		i := slices.IndexFunc(people, func(p lrs.SamplePerson) bool { return strings.HasPrefix(p.Email, email) })
		p := people[i]
		if p.Bound {
			t.Errorf("%s is bound at the start", p.Email)
		}
		if r := store.record(p.ULN); r != nil {
			return p, r.Register
		}
		return p, nil
	}
	if p, reg := find("callum."); reg.FamilyName != p.FamilyName || reg.LastKnownPostCode != p.PostCodes[0] || reg.Restricted || len(store.record(p.ULN).Events) == 0 {
		t.Errorf("to claim: %+v, %+v", p, reg)
	}
	if p, reg := find("bethan."); reg.FamilyName == p.FamilyName || reg.FamilyName == p.PreviousNames[0].FamilyName ||
		reg.PreviousFamilyName != p.PreviousNames[0].FamilyName || reg.LastKnownPostCode == p.PostCodes[0] {
		t.Errorf("to claim by an earlier name: %+v, %+v", p, reg)
	}
	if p, reg := find("linden."); !reg.Restricted || reg.FamilyName != p.FamilyName || reg.LastKnownPostCode != p.PostCodes[0] {
		t.Errorf("restricted: %+v, %+v", p, reg)
	}
	if p, reg := find("harriet."); reg == nil || store.record("9900001248").Register.DateOfBirth != p.BirthDate ||
		store.record("9900001248").Register.LastKnownPostCode != reg.LastKnownPostCode {
		t.Errorf("registered twice: %+v, %+v", p, reg)
	}
	p, reg := find("amber.again")
	if first := people[0]; reg == nil || first.ULN != p.ULN || !first.Bound || first.BirthDate != p.BirthDate || first.FamilyName != p.FamilyName {
		t.Errorf("already bound: %+v", p)
	}
	if p, _ := find("marcus."); p.ULN != "" || len(p.ReturnCodes) == 0 {
		t.Errorf("identity fails: %+v", p)
	}
	if p, _ := find("imogen."); p.ULN != "" || p.Role != "caseworker" {
		t.Errorf("caseworker: %+v", p)
	}
	for _, p := range people {
		if (p.Role != "") != strings.HasPrefix(p.Email, "imogen.") || (len(p.ReturnCodes) > 0) != (p.Group == "identity-fails") {
			t.Errorf("%+v", p)
		}
	}
}

// One sample for every kind that the rest of the product needs.
func TestSamplesCoverEveryKind(t *testing.T) {
	t.Parallel()
	store, people, summary := samples(t)
	find := func(email string) (lrs.SamplePerson, *plr.Record) {
		i := slices.IndexFunc(people, func(p lrs.SamplePerson) bool { return strings.HasPrefix(p.Email, email) })
		if i < 0 {
			t.Fatalf("nobody with the address %s", email)
		}
		return people[i], store.record(people[i].ULN)
	}
	age := func(p lrs.SamplePerson) int {
		born, now := must(time.Parse(time.DateOnly, string(p.BirthDate))), must(time.Parse(time.DateOnly, string(today)))
		years := now.Year() - born.Year()
		if born.AddDate(years, 0, 0).After(now) {
			years--
		}
		return years
	}

	p, r := find("amber.")
	results := map[string]string{}
	for _, e := range r.Events {
		if strings.HasPrefix(*e.QualificationType, "GCSE") {
			results[*e.Subject] = e.Grade.Value
		}
		if len(e.DataQuality) > 0 {
			t.Errorf("the ordinary school leaver has a dirty value: %+v", e.DataQuality)
		}
	}
	if people[0].Subject != p.Subject || len(results) != 10 || results["GCSE in History"] != "1" || age(p) < 18 || age(p) > 20 {
		t.Errorf("the ordinary school leaver: %d years, %v", age(p), results)
	}
	delete(results, "GCSE in History")
	for subject, grade := range results {
		if grade < "6" {
			t.Errorf("%s at grade %s makes the wrong one look right", subject, grade)
		}
	}

	_, r = find("idris.")
	first, last := span(r)
	if years := must(time.Parse(time.DateOnly, string(last))).Sub(must(time.Parse(time.DateOnly, string(first)))).Hours() / 24 / 365.25; len(r.Events) != 60 || years < 15 || years > 15.5 {
		t.Errorf("the adult: %d events over %.1f years", len(r.Events), years)
	}
	sources := map[plr.EventSource]int{}
	for _, e := range r.Events {
		sources[e.Source]++
	}
	if len(sources) != 4 || sources[plr.SourceOther] > 0 {
		t.Errorf("the adult's sources: %v", sources)
	}

	_, r = find("odette.")
	codes := map[plr.DataQualityCode]bool{}
	for _, e := range r.Events {
		for _, n := range e.DataQuality {
			codes[n.Code] = true
		}
	}
	for _, code := range []plr.DataQualityCode{
		plr.QualityPlaceholder, plr.QualityNotADate, plr.QualityFutureDate, plr.QualityNotANumber, plr.QualityUnknownCode,
		plr.QualityNotAUKPRN, plr.QualityNumberForm, plr.QualityDateOrder, plr.QualityDuplicate, plr.QualityMissing,
	} {
		if !codes[code] {
			t.Errorf("no dirty value of kind %s", code)
		}
	}
	if summary.Dropped["EthnicityCode"] != 1 || len(summary.DirtyRegister) != 3 {
		t.Errorf("dropped %v, dirty register %v", summary.Dropped, summary.DirtyRegister)
	}

	if _, r = find("tobias."); len(r.Events) != 0 || r.Register == nil || r.NotSharedUpstream {
		t.Errorf("no events: %+v", r)
	}
	if p, r = find("priya."); age(p) != 16 || len(r.Events) == 0 {
		t.Errorf("under 18: %d years, %d events", age(p), len(r.Events))
	}
	if _, r = find("rowan."); !r.Register.Restricted || len(r.Events) == 0 {
		t.Errorf("restricted: %+v", r.Register)
	}
	for uln := range store.records {
		if other := store.record(uln); uln != r.ULN && uln != "9900001213" && other.Register != nil && other.Register.Restricted {
			t.Errorf("%s is restricted too", uln)
		}
	}
	if p, r = find("leonard."); len(r.LinkedULNs) != 1 || r.LinkedULNs[0] == p.ULN || store.master(r.LinkedULNs[0]) != p.ULN || len(r.Events) == 0 {
		t.Errorf("linked: %+v", r)
	}
	if _, r = find("hattie."); !r.NotSharedUpstream || len(r.Events) != 0 || r.Register.AbilityToShare != "2" {
		t.Errorf("not shared: %+v", r)
	}
	_, r = find("sian.")
	languages := map[string]int{}
	for _, e := range r.Events {
		languages[*e.LanguageForAssessment]++
	}
	if languages["Cymraeg"] == 0 || languages["Welsh"] == 0 || languages["English"] == 0 || r.Register.GivenName != "Siân" {
		t.Errorf("Welsh: %v, %s", languages, r.Register.GivenName)
	}
	one, r1 := find("jordan.marlowe.1")
	two, r2 := find("jordan.marlowe.2")
	if one.GivenName != two.GivenName || one.FamilyName != two.FamilyName || one.BirthDate != two.BirthDate || one.ULN == two.ULN ||
		r1.Register.LastKnownPostCode == r2.Register.LastKnownPostCode || len(r1.Events) == 0 || len(r2.Events) == 0 {
		t.Errorf("same name: %+v and %+v", one, two)
	}
	if _, r = find("kofi."); r.Register != nil || len(r.Events) == 0 {
		t.Errorf("events only: %+v", r)
	}
	if _, r = find("niamh."); r.Register.PreviousFamilyName == "" || !slices.ContainsFunc(r.Events, func(e plr.LearningEvent) bool { return e.UnderDataChallenge }) {
		t.Errorf("changed name: %+v", r.Register)
	}
	_, r = find("derek.")
	credits := 0
	for _, e := range r.Events {
		credits += *e.Credits
	}
	if credits != 13 {
		t.Errorf("%d credits", credits)
	}
	if _, r = find("zofia."); len(r.Events) != 0 || r.NotSharedUpstream {
		t.Errorf("not verified: %+v", r)
	}
	for _, email := range []string{"alex.", "meredith."} {
		if p, _ := find(email); p.ULN != "" {
			t.Errorf("%s is bound", p.Email)
		}
	}
	for _, outcome := range []lrs.AnswerKind{
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeNotShared}, {Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeNotVerified},
		{Kind: lrs.KindLearningEvents, Outcome: lrs.OutcomeLinkedLearner}, {Kind: lrs.KindFindLearner, Outcome: lrs.OutcomePossibleMatch},
		{Kind: lrs.KindFindLearner, Outcome: lrs.OutcomeNoMatch},
	} {
		if summary.Answers[outcome] != 1 {
			t.Errorf("%v stands %d times", outcome, summary.Answers[outcome])
		}
	}
}

func span(r *plr.Record) (first, last plr.Date) {
	for _, e := range r.Events {
		if first == "" || *e.AwardDate < first {
			first = *e.AwardDate
		}
		last = max(last, *e.AwardDate)
	}
	return first, last
}

// Nothing in the samples may be taken for real.
func TestSamplesAreInvented(t *testing.T) {
	t.Parallel()
	forms := map[string]*regexp.Regexp{
		"event id":             regexp.MustCompile(`<a:ID>(91000?\d+)?</a:ID>`),
		"UKPRN":                regexp.MustCompile(`Ukprn>(9\d{7}|UNKNWN|900062|TEST0099|CENTRE 12)?</`),
		"qualification number": regexp.MustCompile(`<a:SubjectCode>(900/\d{4}/[\dX]|900\d{4}[\dX]|Z/900/\d{4}|AWARD-606)</`),
		"number":               regexp.MustCompile(`ULN>(99000\d{5})?</`),
		"postcode":             regexp.MustCompile(`<LastKnownPostCode>ZZ\d\d \d[A-Z]{2}</`),
		"address":              regexp.MustCompile(`<EmailAddress>[^<]*@example\.(com|wales)</`),
	}
	all := map[string]*regexp.Regexp{
		"event id": regexp.MustCompile(`<a:ID>`), "UKPRN": regexp.MustCompile(`Ukprn>[^<]*</`),
		"qualification number": regexp.MustCompile(`<a:SubjectCode>`), "number": regexp.MustCompile(`ULN>[^<]*</`),
		"postcode": regexp.MustCompile(`<LastKnownPostCode>`), "address": regexp.MustCompile(`<EmailAddress>`),
	}
	ids := map[string]string{}
	id := regexp.MustCompile(`<a:ID>(\d+)<`)
	files := must(fs.Glob(lrs.Samples(), "*"))
	for _, name := range files {
		text := string(must(fs.ReadFile(lrs.Samples(), name)))
		if !strings.Contains(text, "<!-- TEST DATA. Everything here is invented") {
			t.Errorf("%s does not say that it is invented", name)
		}
		for what, form := range forms {
			if got, want := len(form.FindAllString(text, -1)), len(all[what].FindAllString(text, -1)); got != want {
				t.Errorf("%s: %d of %d values of kind %s have an invented form", name, got, want, what)
			}
		}
		for _, m := range id.FindAllStringSubmatch(text, -1) {
			if ids[m[1]] != "" {
				t.Errorf("event %s stands in %s and in %s", m[1], ids[m[1]], name)
			}
			ids[m[1]] = name
		}
	}
	if len(files) != 22 {
		t.Errorf("%d files: %v", len(files), files)
	}
}

func TestImportSamplesOnlyIntoAnEmptyStore(t *testing.T) {
	t.Parallel()
	im, store, _ := importing()
	did, err := lrs.ImportSamples(t.Context(), im.Service, today)
	if err != nil || !did || len(store.records) != 20 {
		t.Fatalf("%v, %v, %d records", did, err, len(store.records))
	}
	before := maps.Clone(store.records)
	if did, err := lrs.ImportSamples(t.Context(), im.Service, today); err != nil || did || !maps.EqualFunc(before, store.records, slices.Equal[[]byte]) {
		t.Errorf("the second time: %v, %v", did, err)
	}

	im, store, _ = importing()
	summaryOf(t, im, texts(eventsAnswer("WSRC0004", uln1, uln1, ""))...)
	if did, err := lrs.ImportSamples(t.Context(), im.Service, today); err != nil || did || len(store.records) != 1 {
		t.Errorf("into a store with a learner: %v, %v", did, err)
	}
	store.fail = errors.New("no disk")
	if did, err := lrs.ImportSamples(t.Context(), im.Service, today); err == nil || did {
		t.Errorf("into a broken store: %v, %v", did, err)
	}
}
