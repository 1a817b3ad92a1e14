package boltstore

import (
	"context"
	"slices"

	"openplr/plr"
)

// sharing gives the learner's document with its maps made, whatever was stored.
func (t *tx) sharing(uln plr.ULN) (*plr.Sharing, error) {
	doc, err := find[plr.Sharing](t, sharings, keyOf(string(uln)))
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return plr.NewSharing(uln), nil
	}
	if doc.Links == nil {
		doc.Links = map[string]*plr.ShareLink{}
	}
	if doc.Leases == nil {
		doc.Leases = map[string]plr.Lease{}
	}
	return doc, nil
}

func (t *tx) putSharing(doc *plr.Sharing) error {
	doc.Revision++
	return t.put(sharings, keyOf(string(doc.ULN)), doc)
}

// editSharing applies edit and gives the document as it is stored then.
func (t *tx) editSharing(uln plr.ULN, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	doc, err := t.sharing(uln)
	if err != nil {
		return nil, err
	}
	if err := edit(doc); err != nil {
		return nil, err
	}
	if err := t.putSharing(doc); err != nil {
		return nil, err
	}
	return t.sharing(uln) // not doc: edit may have kept parts of it
}

// Sharing implements plr.SharingStore.
func (s *Store) Sharing(ctx context.Context, uln plr.ULN) (*plr.Sharing, error) {
	var out *plr.Sharing
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = t.sharing(uln)
		return err
	})
	return out, err
}

// EditSharing implements plr.SharingStore.
func (s *Store) EditSharing(ctx context.Context, uln plr.ULN, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	var out *plr.Sharing
	err := s.write(ctx, func(t *tx) (err error) {
		out, err = t.editSharing(uln, edit)
		return err
	})
	return answer(out, err)
}

// SetSharingPreference implements plr.SharingStore.
func (s *Store) SetSharingPreference(ctx context.Context, uln plr.ULN, change plr.PreferenceChange, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	var out *plr.Sharing
	err := s.write(ctx, func(t *tx) (err error) {
		if out, err = t.editSharing(uln, edit); err != nil {
			return err
		}
		n, err := t.bolt.Bucket(preferenceChanges).NextSequence()
		if err != nil {
			return plr.Unavailable(err, retryAfter)
		}
		return t.add(preferenceChanges, keyOf(string(uln), ordered(n)), change)
	})
	return answer(out, err)
}

// PreferenceChanges implements plr.SharingStore.
func (s *Store) PreferenceChanges(ctx context.Context, uln plr.ULN) ([]plr.PreferenceChange, error) {
	var out []plr.PreferenceChange
	err := s.read(ctx, func(t *tx) error {
		list, err := all[plr.PreferenceChange](t, preferenceChanges, ofULN(uln))
		for _, change := range slices.Backward(list) {
			out = append(out, *change)
		}
		return err
	})
	return out, err
}
