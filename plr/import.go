package plr

import (
	"context"
	"reflect"
	"slices"
	"time"
)

// RecordUpdate is news about one learner from upstream. What is nil or empty
// leaves what is held as it was.
type RecordUpdate struct {
	// ULN is the number the record is kept under: the master's, when linked.
	ULN ULN
	// Register replaces the learner's register entry.
	Register *RegisterEntry
	// Events are added, or replace the event with the same EventID.
	Events []LearningEvent
	// Linked are older numbers that lead to this record from now on.
	Linked []ULN
	// EventsAnswer: the update comes from an answer about events, so that
	// NotShared says something.
	EventsAnswer bool
	NotShared    bool
}

// RecordChange counts what an update changed.
type RecordChange struct {
	NewLearner      bool
	RegisterChanged bool
	EventsAdded     int
	EventsChanged   int
	EventsSame      int
}

// Apply merges u into r. Applying the same update twice changes nothing the
// second time. It is pure, so that every store merges alike.
func (r *Record) Apply(u RecordUpdate, now time.Time) RecordChange {
	var change RecordChange
	if u.Register != nil && !reflect.DeepEqual(r.Register, u.Register) {
		entry := *u.Register
		r.Register, change.RegisterChanged = &entry, true
	}
	if u.EventsAnswer {
		r.NotSharedUpstream = u.NotShared
	}
	place := make(map[string]int, len(r.Events))
	for i := range r.Events {
		place[r.Events[i].EventID] = i
	}
	for _, e := range u.Events {
		i, held := place[e.EventID]
		switch {
		case !held:
			place[e.EventID] = len(r.Events)
			r.Events = append(r.Events, e)
			change.EventsAdded++
		case reflect.DeepEqual(withoutDuplicateNote(r.Events[i]), withoutDuplicateNote(e)):
			change.EventsSame++
		default:
			r.Events[i] = e
			change.EventsChanged++
		}
	}
	for _, old := range u.Linked {
		r.LinkedULNs = addULN(r.LinkedULNs, old, r.ULN)
	}
	r.markDuplicates()
	r.UpdatedAt = now
	return change
}

func addULN(list []ULN, add, own ULN) []ULN {
	if add == own {
		return list
	}
	for _, u := range list {
		if u == add {
			return list
		}
	}
	return append(list, add)
}

func withoutDuplicateNote(e LearningEvent) LearningEvent {
	var notes []DataQualityNote
	for _, n := range e.DataQuality {
		if n.Code != QualityDuplicate {
			notes = append(notes, n)
		}
	}
	e.DataQuality = notes
	return e
}

// markDuplicates marks events that say the same as an earlier one under
// another id. Nothing is removed: which of them is right is not ours to say.
func (r *Record) markDuplicates() {
	first := map[string]string{}
	for i := range r.Events {
		e := withoutDuplicateNote(r.Events[i])
		key := e.contentKey()
		if original, seen := first[key]; seen {
			e.DataQuality = append(e.DataQuality, DataQualityNote{Field: "eventId", Code: QualityDuplicate, Raw: &original})
		} else {
			first[key] = e.EventID
		}
		r.Events[i] = e
	}
}

// NewRecord is the empty record of a number.
func NewRecord(uln ULN) *Record { return &Record{SchemaVersion: 1, ULN: uln} }

// ImportRecords applies updates from upstream, each atomic by itself. A batch
// that fails half-way can be sent again.
func (s *Service) ImportRecords(ctx context.Context, updates []RecordUpdate) ([]RecordChange, error) {
	updates, err := s.withEarlierLinks(ctx, updates)
	if err != nil {
		return nil, err
	}
	return s.store.ImportRecords(ctx, updates, s.now())
}

// withEarlierLinks adds to the numbers that an update links those that lead to
// them already: a record names every number that leads to it, however many links
// away, because the account bound to any of them holds it.
func (s *Service) withEarlierLinks(ctx context.Context, updates []RecordUpdate) ([]RecordUpdate, error) {
	updates = slices.Clone(updates)
	leading := map[ULN][]ULN{} // by the updates before
	for i, u := range updates {
		if len(u.Linked) == 0 {
			continue
		}
		var all []ULN
		for _, old := range u.Linked {
			all = addULN(all, old, u.ULN)
			record, err := s.store.Record(ctx, old)
			if err := ignoreNotFound(err); err != nil {
				return nil, err
			}
			earlier := leading[old]
			if record != nil && record.ULN == old { // and not linked away by now
				earlier = append(slices.Clone(record.LinkedULNs), earlier...)
			}
			for _, older := range earlier {
				all = addULN(all, older, u.ULN)
			}
		}
		updates[i].Linked = all
		leading[u.ULN] = append(leading[u.ULN], all...)
	}
	return updates, nil
}

// HasRecords says whether any learner is held at all.
func (s *Service) HasRecords(ctx context.Context) (bool, error) { return s.store.HasRecords(ctx) }
