package boltstore

import (
	"context"
	"errors"
	"fmt"

	"openplr/plr"
)

// CreateReviewCase implements plr.IdentityStore.
func (s *Store) CreateReviewCase(ctx context.Context, c *plr.ReviewCase) (stored *plr.ReviewCase, created bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		for id := range c.IDs {
			held, err := find[plr.ReviewCase](t, reviewCases, keyOf(id))
			if err != nil {
				return err
			}
			if held != nil && held.State == plr.ReviewResolved {
				continue
			}
			stored, created = held, held == nil
			if held != nil {
				return nil
			}
			own := *c
			own.ID = id
			if err := t.add(reviewTimes, keyOf(instant(own.OpenedAt), id), true); err != nil {
				return err
			}
			if err := t.add(reviewCases, keyOf(id), &own); err != nil {
				return err
			}
			stored, err = get[plr.ReviewCase](t, reviewCases, keyOf(id), "id")
			return err
		}
		return errors.New("boltstore: more review cases of one kind than there can be")
	})
	if err != nil {
		return nil, false, err
	}
	return stored, created, nil
}

// ReviewCase implements plr.IdentityStore.
func (s *Store) ReviewCase(ctx context.Context, id string) (*plr.ReviewCase, error) {
	var out *plr.ReviewCase
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.ReviewCase](t, reviewCases, keyOf(id), "id")
		return err
	})
	return out, err
}

// EditReviewCase implements plr.IdentityStore.
func (s *Store) EditReviewCase(ctx context.Context, id string, edit func(*plr.ReviewCase) error) (*plr.ReviewCase, error) {
	var out *plr.ReviewCase
	err := s.write(ctx, func(t *tx) error {
		c, err := get[plr.ReviewCase](t, reviewCases, keyOf(id), "id")
		if err != nil {
			return err
		}
		if err := edit(c); err != nil {
			return err
		}
		if err := t.put(reviewCases, keyOf(id), c); err != nil {
			return err
		}
		out, err = get[plr.ReviewCase](t, reviewCases, keyOf(id), "id")
		return err
	})
	return answer(out, err)
}

// ReviewCases implements plr.IdentityStore. To count, it reads all cases: on one
// file there are few.
func (s *Store) ReviewCases(ctx context.Context, q plr.ReviewQuery) (cases []*plr.ReviewCase, total int, err error) {
	place := ""
	if !q.BeforeAt.IsZero() || q.BeforeID != "" {
		place = string(keyOf(instant(q.BeforeAt), q.BeforeID))
	}
	err = s.read(ctx, func(t *tx) error {
		cursor := t.bolt.Bucket(reviewTimes).Cursor()
		for k, _ := cursor.Last(); k != nil; k, _ = cursor.Prev() {
			id := string(k[len(instant(q.BeforeAt))+1:])
			c, err := get[plr.ReviewCase](t, reviewCases, keyOf(id), "id")
			if err != nil {
				return fmt.Errorf("boltstore: %s: %w", reviewTimes, err)
			}
			if (q.State != "" && c.State != q.State) || (c.Restricted && !q.Restricted) {
				continue
			}
			total++
			if len(cases) < q.Limit && (place == "" || string(k) < place) {
				cases = append(cases, c)
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return cases, total, nil
}
