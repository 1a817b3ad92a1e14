package boltstore

import (
	"context"
	"slices"
	"time"

	"openplr/plr"
)

// importChunk is how many updates share one transaction: enough to make the
// fsync cheap and to write a page of the tree once for several records, few
// enough that other writers wait for a tenth of a second at most.
const importChunk = 500

// Record implements plr.RecordStore.
func (s *Store) Record(ctx context.Context, uln plr.ULN) (*plr.Record, error) {
	var out *plr.Record
	err := s.read(ctx, func(t *tx) error {
		uln, err := t.master(uln)
		if err != nil {
			return err
		}
		out, err = get[plr.Record](t, records, keyOf(string(uln)))
		return err
	})
	return out, err
}

// MasterULN implements plr.RecordStore.
func (s *Store) MasterULN(ctx context.Context, uln plr.ULN) (master plr.ULN, err error) {
	err = s.read(ctx, func(t *tx) error {
		master, err = t.master(uln)
		return err
	})
	return master, err
}

// master follows uln to the number its record is kept under. Links make a
// forest, because only a number without a link is ever linked to.
func (t *tx) master(uln plr.ULN) (plr.ULN, error) {
	for {
		next, err := find[plr.ULN](t, linked, keyOf(string(uln)))
		if err != nil || next == nil {
			return uln, err
		}
		uln = *next
	}
}

// ImportRecords implements plr.RecordStore.
func (s *Store) ImportRecords(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	changes := make([]plr.RecordChange, 0, len(updates))
	for chunk := range slices.Chunk(updates, importChunk) {
		var done []plr.RecordChange
		err := s.write(ctx, func(t *tx) error {
			done = make([]plr.RecordChange, len(chunk))
			for i, u := range chunk {
				var err error
				if done[i], err = t.apply(u, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		changes = append(changes, done...)
	}
	return changes, nil
}

func (t *tx) apply(u plr.RecordUpdate, now time.Time) (plr.RecordChange, error) {
	uln, err := t.master(u.ULN)
	if err != nil {
		return plr.RecordChange{}, err
	}
	record, err := find[plr.Record](t, records, keyOf(string(uln)))
	if err != nil {
		return plr.RecordChange{}, err
	}
	isNew := record == nil
	if isNew {
		record = plr.NewRecord(uln)
	}
	before := plr.MatchKeys(record.Register)
	change := record.Apply(u, now)
	change.NewLearner = isNew
	if err := t.match(uln, before, plr.MatchKeys(record.Register)); err != nil {
		return plr.RecordChange{}, err
	}
	for _, old := range u.Linked {
		if old == uln {
			continue // a number linked to itself would have no end
		}
		if held, err := find[plr.ULN](t, linked, keyOf(string(old))); err != nil {
			return plr.RecordChange{}, err
		} else if held != nil && *held == uln {
			continue
		}
		if err := t.put(linked, keyOf(string(old)), uln); err != nil {
			return plr.RecordChange{}, err
		}
	}
	return change, t.put(records, keyOf(string(uln)), record)
}

// HasRecords implements plr.RecordStore.
func (s *Store) HasRecords(ctx context.Context) (bool, error) {
	has := false
	err := s.read(ctx, func(t *tx) error {
		return t.walk(records, nil, func(_, _ []byte) (bool, error) {
			has = true
			return false, nil
		})
	})
	return has, err
}
