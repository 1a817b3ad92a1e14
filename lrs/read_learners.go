package lrs

import "openplr/plr"

// candidate is one learner of a find answer, before it is known whether the
// outcome lets them be kept.
type candidate struct {
	entry   plr.RegisterEntry
	dropped map[string]int
	dirty   map[ValueFault]int
	field   string
	fault   RejectCode
}

func (f *file) readLearners(a *Answer) error {
	a.Kind = KindFindLearner
	f.head.reset()
	// More than one learner is never imported, so the first is all we need.
	var first candidate
	err := f.children(func(name string) error {
		switch name {
		case "ResponseCode":
			return f.head.read(f.xmlReader, name)
		case "Learner":
			if a.Candidates++; a.Candidates == 1 {
				return f.readLearner(&first)
			}
		}
		// The rest repeats the question that was asked.
		return f.skip()
	})
	if err == nil {
		a.settleLearners(&f.head, &first)
	}
	return err
}

func (f *file) readLearner(c *candidate) error {
	f.learner.reset()
	var linked []string
	err := f.children(func(name string) error {
		switch {
		case name == "LinkedULNs":
			words, fault, err := f.words()
			linked = append(linked, words...)
			f.learner.refuse(name, fault)
			return err
		case registerFields[name]:
			return f.learner.read(f.xmlReader, name)
		}
		c.dropped = countDropped(c.dropped, "", name)
		return f.skip()
	})
	if err != nil {
		return err
	}
	c.field, c.fault = f.learner.name, f.learner.fault
	if c.fault == "" {
		c.entry, c.dirty, c.fault = convertRegister(f.learner.values, linked, f.today)
		c.field = "ULN"
	}
	return nil
}

func (a *Answer) settleLearners(head *fields, c *candidate) {
	if !a.settle(head) || !a.Outcome.brings() {
		return
	}
	switch {
	case a.Candidates == 0:
		a.refuse("Learner", RejectMissing, "")
	case a.Candidates > 1:
		a.refuse("Learner", RejectAmbiguous, "")
	case c.fault != "":
		a.refuse(c.field, c.fault, "")
	default:
		a.Learners, a.Dropped, a.DirtyRegister = []plr.RegisterEntry{c.entry}, c.dropped, c.dirty
	}
}
