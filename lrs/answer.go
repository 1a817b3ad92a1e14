package lrs

import "openplr/plr"

// Kind is what was asked of the LRS.
type Kind string

// The kinds of answer.
const (
	// KindLearningEvents answers GetLearnerLearningEvents.
	KindLearningEvents Kind = "LEARNING_EVENTS"
	// KindFindLearner answers FindLearnerByDemographics and FindLearnerByULN.
	KindFindLearner Kind = "FIND_LEARNER"
	// KindFault is a SOAP fault in place of an answer.
	KindFault Kind = "FAULT"
	// KindUnknown is an answer to something else.
	KindUnknown Kind = "UNKNOWN"
)

// Answer is one answer of the LRS, converted. It holds only what may be kept:
// when the outcome brings no learner, or the answer is refused, there is none.
type Answer struct {
	// Number counts from 1 within the file; Line is where the answer begins.
	Number int
	Line   int

	Kind    Kind
	Outcome Outcome

	// FoundULN is the number the learner has, IncomingULN the one asked for.
	// They differ for a linked learner. Of events answers only.
	FoundULN    plr.ULN
	IncomingULN plr.ULN
	Events      []plr.LearningEvent

	// Learners are those of a find answer who may be imported; Candidates is
	// how many the answer had, whatever its outcome.
	Learners   []plr.RegisterEntry
	Candidates int

	// Dropped counts fields of the register that are not kept, and fields of
	// events that are not known, by name.
	Dropped map[string]int
	// DirtyRegister counts register values that were dropped because they made
	// no sense. The register has no place for notes, so they are not kept raw.
	DirtyRegister map[ValueFault]int
	// Rejects are without file name and number.
	Rejects []Reject
}

// ValueFault is one way in which one field can be dirty.
type ValueFault struct {
	Field string
	Code  plr.DataQualityCode
}

// Updates gives what the answer asks the store to change: the learner it brings,
// or that the learner does not share; otherwise nothing.
func (a *Answer) Updates() []plr.RecordUpdate {
	if a.Kind == KindLearningEvents {
		return a.eventsUpdate()
	}
	var updates []plr.RecordUpdate
	for i := range a.Learners {
		entry := &a.Learners[i]
		updates = append(updates, plr.RecordUpdate{ULN: entry.ULN, Register: entry, Linked: entry.LinkedULNs})
	}
	return updates
}

func (a *Answer) eventsUpdate() []plr.RecordUpdate {
	u := plr.RecordUpdate{ULN: a.FoundULN, Events: a.Events, EventsAnswer: true, NotShared: a.Outcome == OutcomeNotShared}
	if u.NotShared && u.ULN == "" {
		u.ULN = a.IncomingULN
	}
	if u.ULN == "" || !a.Outcome.brings() && !u.NotShared {
		return nil
	}
	if a.IncomingULN != "" && a.IncomingULN != u.ULN {
		u.Linked = []plr.ULN{a.IncomingULN}
	}
	return []plr.RecordUpdate{u}
}

// refuse empties the answer and leaves one reject in place of all it held.
func (a *Answer) refuse(field string, code RejectCode, upstream string) {
	a.forget()
	a.Rejects = []Reject{{
		Answer: a.Number, Line: a.Line, Field: field, Code: code,
		UpstreamCode: upstream, Message: code.Message(),
	}}
}

// forget drops whatever of a learner was read.
func (a *Answer) forget() {
	a.FoundULN, a.IncomingULN, a.Events, a.Learners = "", "", nil, nil
	a.Dropped, a.DirtyRegister, a.Rejects = nil, nil, nil
}

// settle reads the response code, and says whether the answer brings anything.
// An answer without a usable code is refused.
func (a *Answer) settle(head *fields) bool {
	code := head.values["ResponseCode"]
	a.Outcome = OutcomeUnknown
	if known, ok := outcomes[code]; ok {
		a.Outcome = known
	}
	switch {
	case head.fault != "":
		a.refuse(head.name, head.fault, "")
	case code == "":
		a.refuse("ResponseCode", RejectMissing, "")
	case a.Outcome == OutcomeUnknown:
		a.refuse("ResponseCode", RejectUnknownResponseCode, upstreamCode(code))
	default:
		return true
	}
	return false
}
