package boltstore

import (
	"context"
	"fmt"
	"slices"

	"openplr/plr"
)

// AppendAccessEntry implements plr.AccessStore. An entry with the id of one
// that is there is a fault: it would have to replace it.
func (s *Store) AppendAccessEntry(ctx context.Context, e *plr.AccessEntry) error {
	return s.write(ctx, func(t *tx) error {
		key := keyOf(string(e.ULN), instant(e.At), e.ID)
		if err := t.add(accessIDs, keyOf(string(e.ULN), e.ID), key); err != nil {
			return err
		}
		return t.add(accessEntries, key, e)
	})
}

// AccessEntry implements plr.AccessStore.
func (s *Store) AccessEntry(ctx context.Context, uln plr.ULN, id string) (*plr.AccessEntry, error) {
	var out *plr.AccessEntry
	err := s.read(ctx, func(t *tx) error {
		key, err := get[[]byte](t, accessIDs, keyOf(string(uln), id), "id")
		if err != nil {
			return err
		}
		out, err = get[plr.AccessEntry](t, accessEntries, *key, "id")
		return err
	})
	return out, err
}

// AccessEntries implements plr.AccessStore. To count, it walks the keys of all
// of this learner's entries; with a filter it also reads their link and result.
// Nobody else's entries are touched.
func (s *Store) AccessEntries(ctx context.Context, uln plr.ULN, q plr.AccessQuery) (entries []*plr.AccessEntry, total int, err error) {
	place := ""
	if !q.BeforeAt.IsZero() || q.BeforeID != "" {
		place = string(keyOf(string(uln), instant(q.BeforeAt), q.BeforeID))
	}
	err = s.read(ctx, func(t *tx) error {
		return t.walkBack(accessEntries, ofULN(uln), func(key, data []byte) (bool, error) {
			if fits, err := matches(q, data); err != nil || !fits {
				return true, err
			}
			total++
			if len(entries) >= q.Limit || (place != "" && string(key) >= place) {
				return true, nil
			}
			entry := &plr.AccessEntry{}
			if err := decode(data, entry); err != nil {
				return false, fmt.Errorf("boltstore: %s: %w", accessEntries, err)
			}
			entries = append(entries, entry)
			return true, nil
		})
	})
	if err != nil {
		return nil, 0, err
	}
	return entries, total, nil
}

func matches(q plr.AccessQuery, data []byte) (bool, error) {
	if q.LinkID == "" && len(q.Results) == 0 {
		return true, nil
	}
	var e struct {
		LinkID string
		Result plr.AccessResult
	}
	if err := decode(data, &e); err != nil {
		return false, fmt.Errorf("boltstore: %s: %w", accessEntries, err)
	}
	return (q.LinkID == "" || e.LinkID == q.LinkID) && (len(q.Results) == 0 || slices.Contains(q.Results, e.Result)), nil
}
