package boltstore

import (
	"bytes"
	"context"
	"slices"

	"openplr/plr"
)

// matchAtOnce is how many records of an older file one step puts into the index:
// few enough for a step to stay small, enough to write a page of the tree once
// for several of them. A million records took 44 s (2 cores, local disk).
const matchAtOnce = 20000

// RecordsMatching implements plr.RecordStore.
func (s *Store) RecordsMatching(ctx context.Context, keys []string, limit int) ([]*plr.Record, error) {
	var out []*plr.Record
	err := s.read(ctx, func(t *tx) error {
		seen := map[plr.ULN]bool{}
		for _, key := range keys {
			err := t.walk(matchIndex, keyOf(key, ""), func(at, _ []byte) (bool, error) {
				uln := plr.ULN(at[len(key)+1:])
				if seen[uln] {
					return true, nil
				}
				if len(out) >= limit {
					return false, nil
				}
				seen[uln] = true
				record, err := find[plr.Record](t, records, keyOf(string(uln)))
				if err != nil || record == nil {
					return true, err
				}
				record.Events = nil
				out = append(out, record)
				return true, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// match moves a record in the index from the keys it had to those it has.
func (t *tx) match(uln plr.ULN, before, after []string) error {
	for _, key := range before {
		if !slices.Contains(after, key) {
			if err := t.remove(matchIndex, keyOf(key, string(uln))); err != nil {
				return err
			}
		}
	}
	for _, key := range after {
		if !slices.Contains(before, key) {
			if err := t.put(matchIndex, keyOf(key, string(uln)), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// completeMatches indexes the records of a file of an older layout, in bounded
// steps that each note how far they came: after a kill it goes on from there.
func (s *Store) completeMatches() error {
	for more := true; more; {
		err := s.write(context.Background(), func(t *tx) (err error) {
			more, err = t.matchSome()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) matchSome() (more bool, err error) {
	last, err := find[string](t, meta, matchedKey)
	if err != nil || last == nil {
		return false, err
	}
	type found struct {
		uln  plr.ULN
		keys []string
	}
	var some []found
	c := t.bolt.Bucket(records).Cursor()
	k, v := c.Seek([]byte(*last))
	if bytes.Equal(k, []byte(*last)) && k != nil {
		k, v = c.Next()
	}
	for ; k != nil && len(some) < matchAtOnce; k, v = c.Next() {
		record := &plr.Record{}
		if err := decode(v, record); err != nil {
			return false, err
		}
		some = append(some, found{plr.ULN(k), plr.MatchKeys(record.Register)})
	}
	if len(some) == 0 {
		return false, t.remove(meta, matchedKey)
	}
	for _, f := range some {
		if err := t.match(f.uln, nil, f.keys); err != nil {
			return false, err
		}
	}
	return true, t.put(meta, matchedKey, string(some[len(some)-1].uln))
}
