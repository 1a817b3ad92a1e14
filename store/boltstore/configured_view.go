package boltstore

import (
	"context"
	"fmt"
	"time"

	"openplr/plr"
)

func viewKey(uln plr.ULN, id string) []byte { return keyOf(string(uln), id) }

func versionKey(uln plr.ULN, id string, version int) []byte {
	return keyOf(string(uln), id, ordered(uint64(version))) //nolint:gosec // versions count from 1
}

// CreateConfiguredView implements plr.ViewStore.
func (s *Store) CreateConfiguredView(ctx context.Context, v *plr.ConfiguredView, idem *plr.Idempotency) (*plr.ConfiguredView, error) {
	var out *plr.ConfiguredView
	err := s.write(ctx, func(t *tx) error {
		if first, err := t.madeBefore(idem, kindView); err != nil {
			return err
		} else if first != nil {
			out, err = get[plr.ConfiguredView](t, views, viewKey(first.ULN, first.ID), "id")
			return err
		}
		held, err := t.viewsHeld(v.ULN)
		if err != nil {
			return err
		}
		if held >= plr.MaxConfiguredViews {
			return plr.ViewLimit()
		}
		if err := t.add(views, viewKey(v.ULN, v.ID), v); err != nil {
			return err
		}
		if err := t.remember(idem, kindView, v.ULN, v.ID); err != nil {
			return err
		}
		out, err = get[plr.ConfiguredView](t, views, viewKey(v.ULN, v.ID), "id")
		return err
	})
	return answer(out, err)
}

// viewsHeld counts the learner's views that are not deleted. It reads the
// deleted ones too: as many as the learner ever made.
func (t *tx) viewsHeld(uln plr.ULN) (int, error) {
	n := 0
	err := t.walk(views, ofULN(uln), func(_, data []byte) (bool, error) {
		var v struct{ DeletedAt *time.Time }
		if err := decode(data, &v); err != nil {
			return false, fmt.Errorf("boltstore: %s: %w", views, err)
		}
		if v.DeletedAt == nil {
			n++
		}
		return true, nil
	})
	return n, err
}

// UpdateConfiguredView implements plr.ViewStore.
func (s *Store) UpdateConfiguredView(ctx context.Context, uln plr.ULN, id string, edit func(*plr.ConfiguredView) error) (*plr.ConfiguredView, error) {
	var out *plr.ConfiguredView
	err := s.write(ctx, func(t *tx) error {
		view, err := get[plr.ConfiguredView](t, views, viewKey(uln, id), "id")
		if err != nil {
			return err
		}
		before, err := get[plr.ConfiguredView](t, views, viewKey(uln, id), "id")
		if err != nil {
			return err
		}
		if err := edit(view); err != nil {
			return err
		}
		if err := t.put(viewVersions, versionKey(uln, id, before.Version), before); err != nil {
			return err
		}
		if err := t.put(views, viewKey(uln, id), view); err != nil {
			return err
		}
		out, err = get[plr.ConfiguredView](t, views, viewKey(uln, id), "id")
		return err
	})
	return answer(out, err)
}

// ConfiguredView implements plr.ViewStore.
func (s *Store) ConfiguredView(ctx context.Context, uln plr.ULN, id string) (*plr.ConfiguredView, error) {
	var out *plr.ConfiguredView
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.ConfiguredView](t, views, viewKey(uln, id), "id")
		return err
	})
	return out, err
}

// ConfiguredViewVersion implements plr.ViewStore.
func (s *Store) ConfiguredViewVersion(ctx context.Context, uln plr.ULN, id string, version int) (*plr.ConfiguredView, error) {
	var out *plr.ConfiguredView
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.ConfiguredView](t, views, viewKey(uln, id), "id")
		if err == nil && out.Version != version {
			out, err = get[plr.ConfiguredView](t, viewVersions, versionKey(uln, id, version), "id")
		}
		return err
	})
	return out, err
}

// ConfiguredViews implements plr.ViewStore.
func (s *Store) ConfiguredViews(ctx context.Context, uln plr.ULN) ([]*plr.ConfiguredView, error) {
	var out []*plr.ConfiguredView
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = all[plr.ConfiguredView](t, views, ofULN(uln))
		return err
	})
	return out, err
}
