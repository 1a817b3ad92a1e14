package plr

import "slices"

// maxCandidates bounds how many records one claim looks at. As many share a date
// of birth and a family name only by a fault in the data: then none is chosen.
const maxCandidates = 500

// candidate is a record whose person has the name and date of birth.
type candidate struct {
	record *Record
	by     []MatchAttribute
}

func (c *candidate) exact() bool { return !slices.Contains(c.by, MatchGivenNameSynonym) }

// finding is what a claim has found.
type finding struct {
	// candidates agree in name, date of birth and one more factor.
	candidates []candidate
	// better says that, beside the record with the number typed, another has the
	// given name exactly, which that one has only by a synonym: a twin's number.
	better bool
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
	if f.typed {
		if named == nil {
			return f
		}
		by, same := matchPerson(v, named.Register)
		if !same {
			return f
		}
		one := candidate{named, append(by, MatchULN)}
		if matchPostCode(v, named.Register) {
			one.by = append(one.by, MatchPostCode)
		}
		f.candidates = []candidate{one}
		f.better = !one.exact() && slices.ContainsFunc(records, func(r *Record) bool {
			by, same := matchPerson(v, r.Register)
			return same && r.ULN != named.ULN && (&candidate{r, by}).exact()
		})
		return f
	}
	for _, r := range records {
		if by, same := matchPerson(v, r.Register); same && matchPostCode(v, r.Register) {
			f.candidates = append(f.candidates, candidate{r, append(by, MatchPostCode)})
		}
	}
	return f
}

// judge says what the candidates come to. overflow: there may be more of them.
func (f *finding) judge(overflow bool) {
	switch {
	case f.better, len(f.candidates) == 0 && f.named != nil:
		f.result = ClaimWrongULN
	case len(f.candidates) == 0:
		f.result = ClaimNoMatch
	case len(f.candidates) > 1, overflow && !f.typed:
		f.result = ClaimSeveral
	default:
		f.result, f.record, f.by = ClaimBound, f.candidates[0].record, f.candidates[0].by
	}
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
