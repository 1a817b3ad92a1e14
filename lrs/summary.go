package lrs

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"openplr/plr"
)

// Summary counts what an import did. It holds no personal data.
type Summary struct {
	// Files is how many files were begun.
	Files   int
	Answers map[AnswerKind]int

	// LearnersNew had no record before. LearnersChanged counts updates that
	// changed a record held before, so a learner whose answers stand far apart
	// may count twice.
	LearnersNew     int
	LearnersChanged int
	learnersSame    int
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

// Stored is how many updates of learners the store has confirmed.
func (s *Summary) Stored() int { return s.LearnersNew + s.LearnersChanged + s.learnersSame }

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
		default:
			s.learnersSame++
		}
		s.EventsAdded += c.EventsAdded
		s.EventsChanged += c.EventsChanged
		s.EventsSame += c.EventsSame
	}
}

// Print writes the summary for people, the same summary always the same way.
func (s *Summary) Print(w io.Writer) error {
	var t table
	t.row("Files", s.Files)
	t.row("Answers", total(s.Answers))
	details(&t, s.Answers, func(k AnswerKind) string { return string(k.Kind) + " " + string(k.Outcome) })
	t.row("Learners new", s.LearnersNew)
	t.row("Learners changed", s.LearnersChanged)
	t.row("Events added", s.EventsAdded)
	t.row("Events changed", s.EventsChanged)
	t.row("Events the same", s.EventsSame)
	t.row("Dirty values kept and marked", total(s.Dirty))
	details(&t, s.Dirty, ValueFault.String)
	t.row("Dirty register values left out", total(s.DirtyRegister))
	details(&t, s.DirtyRegister, ValueFault.String)
	t.row("Fields dropped", total(s.Dropped))
	details(&t, s.Dropped, func(name string) string { return name })
	t.row("Rejects", s.Rejected())
	details(&t, s.Rejects, func(c RejectCode) string { return string(c) })
	_, err := io.WriteString(w, t.String())
	return err
}

func (f ValueFault) String() string { return f.Field + " " + string(f.Code) }

// table is names and counts, one under the other.
type table struct {
	names  []string
	counts []int
	width  int
}

func (t *table) row(name string, n int) {
	t.names, t.counts, t.width = append(t.names, name), append(t.counts, n), max(t.width, len(name))
}

func (t *table) String() string {
	var b strings.Builder
	for i, name := range t.names {
		fmt.Fprintf(&b, "%-*s  %d\n", t.width, name, t.counts[i])
	}
	return b.String()
}

// details adds counts, indented, in the order of their names.
func details[K comparable](t *table, counts map[K]int, name func(K) string) {
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b K) int { return cmp.Compare(name(a), name(b)) }) {
		t.row("  "+name(k), counts[k])
	}
}

func total[K comparable](counts map[K]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
