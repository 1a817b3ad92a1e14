package boltstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"openplr/plr"
)

// use is one use of an idempotency key: what was made under it.
type use struct {
	Kind string
	ULN  plr.ULN
	ID   string
	Hash string
	At   time.Time
}

// What a key can have made.
const (
	kindShareLink = "share link"
	kindView      = "configured view"
	kindChallenge = "data challenge"
)

// MadeBefore implements plr.ViewStore.
func (s *Store) MadeBefore(ctx context.Context, idem *plr.Idempotency) (id string, err error) {
	err = s.read(ctx, func(t *tx) error {
		u, err := t.usedBefore(idem)
		if u != nil {
			id = u.ID
		}
		return err
	})
	return id, err
}

// madeBefore gives the use that a create with idem repeats: nil when it is a new one.
func (t *tx) madeBefore(idem *plr.Idempotency, kind string) (*use, error) {
	u, err := t.usedBefore(idem)
	if u != nil && u.Kind != kind {
		return nil, plr.IdempotencyConflict()
	}
	return u, err
}

func (t *tx) usedBefore(idem *plr.Idempotency) (*use, error) {
	if idem == nil {
		return nil, nil
	}
	u, err := find[use](t, idempotency, keyOf(idem.Key))
	if err != nil || u == nil || !idem.At.Before(u.At.Add(plr.IdempotencyLife)) {
		return nil, err
	}
	if !slices.Contains(idem.Hashes, u.Hash) {
		return nil, plr.IdempotencyConflict()
	}
	return u, nil
}

// forgetAtOnce bounds what one create tidies away. It is more than a create
// adds, so what is kept stays close to one life's worth.
const forgetAtOnce = 8

// remember notes what was made under idem, and forgets a few dead keys.
func (t *tx) remember(idem *plr.Idempotency, kind string, uln plr.ULN, id string) error {
	if idem == nil {
		return nil
	}
	// Twice the life: whoever's clock is set back by an hour still finds the key.
	if err := t.forget(idem.At.Add(-2 * plr.IdempotencyLife)); err != nil {
		return err
	}
	old, err := find[use](t, idempotency, keyOf(idem.Key))
	if err != nil {
		return err
	}
	if old != nil {
		if err := t.remove(idempotencyAges, keyOf(instant(old.At), idem.Key)); err != nil {
			return err
		}
	}
	if err := t.put(idempotencyAges, keyOf(instant(idem.At), idem.Key), idem.Key); err != nil {
		return err
	}
	u := use{Kind: kind, ULN: uln, ID: id, At: idem.At}
	if len(idem.Hashes) > 0 {
		u.Hash = idem.Hashes[0]
	}
	return t.put(idempotency, keyOf(idem.Key), u)
}

// forget removes a few of the keys used before the instant, oldest first.
func (t *tx) forget(before time.Time) error {
	var ages [][]byte
	var keys []string
	err := t.walk(idempotencyAges, nil, func(age, data []byte) (bool, error) {
		if string(age) >= instant(before) || len(keys) == forgetAtOnce {
			return false, nil
		}
		var key string
		if err := decode(data, &key); err != nil {
			return false, err
		}
		ages, keys = append(ages, bytes.Clone(age)), append(keys, key)
		return true, nil
	})
	if err != nil {
		return err
	}
	for i, age := range ages {
		if err := t.remove(idempotencyAges, age); err != nil {
			return err
		}
		if err := t.remove(idempotency, keyOf(keys[i])); err != nil {
			return err
		}
	}
	return nil
}
