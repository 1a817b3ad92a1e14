package lrs

import "openplr/plr"

// readLearningEventsResponse looks for the result inside the response.
func (f *file) readLearningEventsResponse(a *Answer) error {
	const result = "GetLearnerLearningEventsResult"
	found := false
	err := f.children(func(name string) error {
		if name != result || found {
			return f.skip()
		}
		found = true
		return f.readLearningEvents(a)
	})
	if err == nil && !found {
		a.Kind, a.Outcome = KindLearningEvents, OutcomeUnknown
		a.refuse(result, RejectMissing, "")
	}
	return err
}

func (f *file) readLearningEvents(a *Answer) error {
	a.Kind = KindLearningEvents
	f.head.reset()
	seen := 0
	err := f.children(func(name string) error {
		switch name {
		case "ResponseCode", "FoundULN", "IncomingULN":
			return f.head.read(f.xmlReader, name)
		case "LearnerRecord":
			return f.children(func(name string) error {
				if name != "LearningEvent" {
					a.Dropped = countDropped(a.Dropped, "LearnerRecord.", name)
					return f.skip()
				}
				seen++
				return f.readLearningEvent(a, seen)
			})
		}
		a.Dropped = countDropped(a.Dropped, "GetLearnerLearningEventsResult.", name)
		return f.skip()
	})
	if err == nil {
		a.settleLearningEvents(&f.head, seen)
	}
	return err
}

func (f *file) readLearningEvent(a *Answer, number int) error {
	line := f.line()
	f.event.reset()
	err := f.children(func(name string) error {
		if !eventFields[name] {
			a.Dropped = countDropped(a.Dropped, "LearningEvent.", name)
			return f.skip()
		}
		return f.event.read(f.xmlReader, name)
	})
	if err != nil {
		return err
	}
	event, field, fault := convertEvent(&f.event, f.today)
	if fault != "" {
		a.Rejects = append(a.Rejects, Reject{
			Answer: a.Number, Event: number, Line: line,
			Field: field, Code: fault, Message: fault.Message(),
		})
		return nil
	}
	a.Events = append(a.Events, event)
	return nil
}

// settleLearningEvents decides, once everything is read, what of it counts.
func (a *Answer) settleLearningEvents(head *fields, seen int) {
	if !a.settle(head) {
		return
	}
	found, incoming := plr.ULN(head.values["FoundULN"]), plr.ULN(head.values["IncomingULN"])
	switch {
	case !a.Outcome.aboutNumber():
		a.forget()
	case found != "" && !found.Valid():
		a.refuse("FoundULN", RejectInvalidULN, "")
	case incoming != "" && !incoming.Valid():
		a.refuse("IncomingULN", RejectInvalidULN, "")
	case a.Outcome == OutcomeNotShared && found == "" && incoming == "",
		a.Outcome.brings() && found == "":
		a.refuse("FoundULN", RejectMissing, "")
	case a.Outcome != OutcomeLinkedLearner && found != "" && incoming != "" && found != incoming:
		// Without the word that they are one person, one learner's events
		// would end up in another's record.
		a.refuse("FoundULN", RejectNumbersDiffer, "")
	case !a.Outcome.brings() && seen > 0:
		// The protective reading: the learner does not share, so nothing is kept.
		a.refuse("LearnerRecord", RejectEventsNotExpected, "")
	default:
		a.FoundULN, a.IncomingULN = found, incoming
	}
}
