package boltstore

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"openplr/plr"
	"openplr/store/storetest"
)

// asLayout2 makes a file one of the layout before the index of matches, with as
// many of its records in it as a step that was cut off has done.
func asLayout2(t *testing.T, path string, indexed []plr.ULN) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(b *bbolt.Tx) error {
		x := &tx{bolt: b}
		if err := errors.Join(b.DeleteBucket(matchIndex), x.put(meta, schemaKey, 2)); err != nil || len(indexed) == 0 {
			return err
		}
		if _, err := b.CreateBucket(matchIndex); err != nil {
			return err
		}
		for _, uln := range indexed {
			r, err := get[plr.Record](x, records, keyOf(string(uln)))
			if err != nil {
				return err
			}
			if err := x.match(uln, nil, plr.MatchKeys(r.Register)); err != nil {
				return err
			}
		}
		return errors.Join(x.put(meta, schemaKey, schema), x.put(meta, matchedKey, string(indexed[len(indexed)-1])))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// The records of a file of an older layout are found like new ones, also when
// the first opening was killed on the way.
func TestMatchesOfLayout2(t *testing.T) {
	t.Parallel()
	for name, done := range map[string]int{"not begun": 0, "one step": 1, "all but the end": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "openplr.db")
			s, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			var ulns []plr.ULN
			var updates []plr.RecordUpdate
			for range 5 {
				u := storetest.Update(storetest.NewULN(), 1)
				ulns, updates = append(ulns, u.ULN), append(updates, u)
			}
			bare := storetest.Update(storetest.NewULN(), 1) // events alone
			bare.Register = nil
			_, err = s.ImportRecords(t.Context(), append(updates, bare), storetest.T0)
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			asLayout2(t, path, ulns[:done])
			s = openAt(t, path)
			keys := plr.MatchKeys(updates[0].Register)
			if found, err := s.RecordsMatching(t.Context(), keys, 99); err != nil || len(found) != len(ulns) {
				t.Errorf("%d found, %v", len(found), err)
			}
			err = s.read(t.Context(), func(x *tx) error {
				if x.has(meta, matchedKey) {
					t.Error("the index does not count as complete")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// One step more than fits into one.
func TestMatchesInSteps(t *testing.T) {
	t.Parallel()
	s := temp(t)
	var updates []plr.RecordUpdate
	for range matchAtOnce + 2 {
		u := storetest.Update(storetest.NewULN(), 0)
		updates = append(updates, u)
	}
	if _, err := s.ImportRecords(t.Context(), updates, storetest.T0); err != nil {
		t.Fatal(err)
	}
	err := s.write(context.Background(), func(x *tx) error {
		return errors.Join(x.bolt.DeleteBucket(matchIndex), func() error { _, err := x.bolt.CreateBucket(matchIndex); return err }(), x.put(meta, matchedKey, ""))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.completeMatches(); err != nil {
		t.Fatal(err)
	}
	if found, err := s.RecordsMatching(t.Context(), plr.MatchKeys(updates[0].Register), len(updates)+1); err != nil || len(found) != len(updates) {
		t.Errorf("%d found, %v", len(found), err)
	}
}

// A purged record leaves nothing in the index.
func TestMatchesArePurged(t *testing.T) {
	t.Parallel()
	s := temp(t)
	if _, err := s.ImportRecords(t.Context(), []plr.RecordUpdate{storetest.Update(storetest.NewULN(), 1)}, storetest.T0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Purge(t.Context(), plr.DueAt(storetest.T0.AddDate(70, 0, 0)), false); err != nil {
		t.Fatal(err)
	}
	err := s.read(t.Context(), func(x *tx) error {
		return x.walk(matchIndex, nil, func(key, _ []byte) (bool, error) {
			t.Errorf("%q is left", key)
			return false, nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
