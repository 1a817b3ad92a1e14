package lrs

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"openplr/plr"
)

// Summary counts what an import did. It holds no personal data.
type Summary struct {
	// Files is how many files were begun.
	Files   int
	Answers map[AnswerKind]int

	// LearnersNew had no record before. LearnersChanged counts updates that
	// changed a record held before.
	LearnersNew     int
	LearnersChanged int
	EventsAdded     int
	EventsChanged   int
	EventsSame      int

	// Dirty counts values kept with a note, DirtyRegister values of the
	// register that were left out.
	Dirty         map[ValueFault]int
	DirtyRegister map[ValueFault]int
	// Dropped counts fields that are not kept, by name.
	Dropped map[string]int
	Rejects map[RejectCode]int
}

// AnswerKind is an answer's kind and outcome.
type AnswerKind struct {
	Kind    Kind
	Outcome Outcome
}

func newSummary() *Summary {
	return &Summary{
		Answers: map[AnswerKind]int{}, Dirty: map[ValueFault]int{}, DirtyRegister: map[ValueFault]int{},
		Dropped: map[string]int{}, Rejects: map[RejectCode]int{},
	}
}

// Rejected is how many rejects there were. An import with any must not look
// like a success.
func (s *Summary) Rejected() int { return total(s.Rejects) }

// answer counts what an answer holds; what it changes is counted once stored.
func (s *Summary) answer(a *Answer) {
	s.Answers[AnswerKind{a.Kind, a.Outcome}]++
	for i := range a.Events {
		for _, note := range a.Events[i].DataQuality {
			s.Dirty[ValueFault{note.Field, note.Code}]++
		}
	}
	for fault, n := range a.DirtyRegister {
		s.DirtyRegister[fault] += n
	}
	addDropped(s.Dropped, a.Dropped)
}

func (s *Summary) stored(changes []plr.RecordChange) {
	for _, c := range changes {
		switch {
		case c.NewLearner:
			s.LearnersNew++
		case c.RegisterChanged || c.EventsAdded > 0 || c.EventsChanged > 0:
			s.LearnersChanged++
		}
		s.EventsAdded += c.EventsAdded
		s.EventsChanged += c.EventsChanged
		s.EventsSame += c.EventsSame
	}
}

// Print writes the summary for people, the same summary always the same way.
func (s *Summary) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(indent, name string, n int) { fmt.Fprintf(t, "%s%s\t%d\n", indent, name, n) }

	row("", "Files", s.Files)
	row("", "Answers", total(s.Answers))
	each(s.Answers, func(k AnswerKind) string { return string(k.Kind) + " " + string(k.Outcome) }, row)
	row("", "Learners new", s.LearnersNew)
	row("", "Learners changed", s.LearnersChanged)
	row("", "Events added", s.EventsAdded)
	row("", "Events changed", s.EventsChanged)
	row("", "Events the same", s.EventsSame)
	row("", "Dirty values kept and marked", total(s.Dirty))
	each(s.Dirty, ValueFault.String, row)
	row("", "Dirty register values left out", total(s.DirtyRegister))
	each(s.DirtyRegister, ValueFault.String, row)
	row("", "Fields dropped", total(s.Dropped))
	each(s.Dropped, func(name string) string { return name }, row)
	row("", "Rejects", s.Rejected())
	each(s.Rejects, func(c RejectCode) string { return string(c) }, row)
	return t.Flush()
}

func (f ValueFault) String() string { return f.Field + " " + string(f.Code) }

func each[K comparable](counts map[K]int, name func(K) string, row func(indent, name string, n int)) {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return cmp.Compare(name(a), name(b)) })
	for _, k := range keys {
		row("  ", name(k), counts[k])
	}
}

func total[K comparable](counts map[K]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
