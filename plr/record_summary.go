package plr

import "slices"

// RecordSummary counts what a record holds.
type RecordSummary struct {
	TotalEvents         int
	TotalCredits        int
	ByQualificationType []NamedCount
	ByLevel             []NamedCount
	BySource            []NamedCount
	FirstAwardDate      *Date
	LastAwardDate       *Date
	UnderDataChallenge  int
	WithDataQuality     int
}

// NamedCount is how many events share one value; Name is nil for events without it.
type NamedCount struct {
	Name  *string
	Count int
}

// RecordSummary counts the learner's events.
func (l *Learner) RecordSummary() *RecordSummary {
	sum := &RecordSummary{TotalEvents: len(l.Record.Events)}
	types, levels, sources := counter{}, counter{}, counter{}
	for i := range l.Record.Events {
		e := &l.Record.Events[i]
		types.add(e.QualificationType)
		levels.add(e.Level)
		source := string(e.Source)
		sources.add(&source)
		sum.TotalCredits += deref(e.Credits)
		if d := e.AwardDate; d != nil {
			if sum.FirstAwardDate == nil || *d < *sum.FirstAwardDate {
				sum.FirstAwardDate = d
			}
			if sum.LastAwardDate == nil || *d > *sum.LastAwardDate {
				sum.LastAwardDate = d
			}
		}
		if e.UnderDataChallenge {
			sum.UnderDataChallenge++
		}
		if len(e.DataQuality) > 0 {
			sum.WithDataQuality++
		}
	}
	sum.ByQualificationType, sum.ByLevel, sum.BySource = types.list(), levels.list(), sources.list()
	return sum
}

// counter counts by the folded name and shows the first spelling met.
type counter map[string]*NamedCount

func (c counter) add(name *string) {
	k := fold(deref(name))
	if c[k] == nil {
		c[k] = &NamedCount{Name: name}
	}
	c[k].Count++
}

// list gives the counts, largest first, equal counts by name.
func (c counter) list() []NamedCount {
	out := make([]NamedCount, 0, len(c))
	for _, n := range c {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b NamedCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if fold(deref(a.Name)) < fold(deref(b.Name)) {
			return -1
		}
		return 1
	})
	return out
}
