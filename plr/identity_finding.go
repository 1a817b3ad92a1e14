package plr

import "slices"

// maxCandidates bounds how many records one claim looks at. As many share a date
// of birth and a family name only by a fault in the data: then none is chosen.
const maxCandidates = 500

// candidate is a record whose person has the name and date of birth.
type candidate struct {
	record *Record
	by     []MatchAttribute
	fit    nameFit
}

// finding is what a claim has found.
type finding struct {
	// candidates agree in name, date of birth and one more factor.
	candidates []candidate
	// rivals agree in name and date of birth alone, among them the candidates.
	rivals []candidate
	// named is the record with the number typed, nil for none.
	named *Record
	typed bool

	result ClaimDecision
	// record and by are set when exactly one candidate was found.
	record *Record
	by     []MatchAttribute
	// uln is the number considered, "" for none.
	uln     ULN
	holder  string
	tallied bool
}

// consider finds the candidates among records, those found by their keys, and
// the record with the number that was typed.
func consider(v *VerifiedIdentity, records []*Record, named *Record, typed *ULN) *finding {
	f := &finding{named: named, typed: typed != nil}
	for _, r := range records {
		by, same := matchPerson(v, r.Register)
		if !same {
			continue
		}
		one := candidate{r, by, fitNames(v, r.Register)}
		f.rivals = append(f.rivals, one)
		// An address is shared by brothers and sisters: where given names speak
		// against it, it leads nowhere.
		if !f.typed && one.fit.agrees && matchPostCode(v, r.Register) {
			one.by = append(by, MatchPostCode)
			f.candidates = append(f.candidates, one)
		}
	}
	if named == nil {
		return f
	}
	if by, same := matchPerson(v, named.Register); same {
		one := candidate{named, append(by, MatchULN), fitNames(v, named.Register)}
		if matchPostCode(v, named.Register) {
			one.by = append(one.by, MatchPostCode)
		}
		f.candidates = []candidate{one}
	}
	return f
}

// judge says what the candidates come to. overflow: there may be more of them.
func (f *finding) judge(overflow bool) {
	switch {
	case len(f.candidates) == 0 && f.named != nil:
		f.result = ClaimWrongULN
	case len(f.candidates) == 0:
		f.result = ClaimNoMatch
	case f.typed && f.outdone():
		f.result = ClaimWrongULN
	case len(f.candidates) > 1, overflow && !f.typed, f.outdone():
		f.result = ClaimSeveral
	default:
		f.result, f.record, f.by = ClaimBound, f.candidates[0].record, f.candidates[0].by
	}
}

// outdone says whether another record has the person's given names more exactly
// than the candidate: then the candidate is a twin.
func (f *finding) outdone() bool {
	one := f.candidates[0]
	return slices.ContainsFunc(f.rivals, func(c candidate) bool { return c.record.ULN != one.record.ULN && c.fit.better(one.fit) })
}

// considered is the number that the claim was about: that of the record found,
// or the one typed.
func (f *finding) considered(typed *ULN) ULN {
	switch {
	case f.record != nil:
		return f.record.ULN
	case f.named != nil:
		return f.named.ULN
	case typed != nil:
		return *typed
	}
	return ""
}
