package boltstore

import (
	"cmp"
	"context"
	"slices"

	"openplr/plr"
)

func challengeKey(uln plr.ULN, id string) []byte { return keyOf(string(uln), id) }

// challengesOf gives the learner's challenges, newest first.
func (t *tx) challengesOf(uln plr.ULN) ([]*plr.DataChallenge, error) {
	list, err := all[plr.DataChallenge](t, challenges, ofULN(uln))
	slices.SortFunc(list, func(a, b *plr.DataChallenge) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return list, err
}

// CreateDataChallenge implements plr.ChallengeStore.
func (s *Store) CreateDataChallenge(ctx context.Context, c *plr.DataChallenge, idem *plr.Idempotency, admit func(existing []*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	var out *plr.DataChallenge
	err := s.write(ctx, func(t *tx) error {
		if first, err := t.madeBefore(idem, kindChallenge); err != nil {
			return err
		} else if first != nil {
			out, err = get[plr.DataChallenge](t, challenges, challengeKey(first.ULN, first.ID), "id")
			return err
		}
		existing, err := t.challengesOf(c.ULN)
		if err != nil {
			return err
		}
		if err := admit(existing); err != nil {
			return err
		}
		if err := t.add(challenges, challengeKey(c.ULN, c.ID), c); err != nil {
			return err
		}
		if err := t.remember(idem, kindChallenge, c.ULN, c.ID); err != nil {
			return err
		}
		out, err = get[plr.DataChallenge](t, challenges, challengeKey(c.ULN, c.ID), "id")
		return err
	})
	return answer(out, err)
}

// UpdateDataChallenge implements plr.ChallengeStore.
func (s *Store) UpdateDataChallenge(ctx context.Context, uln plr.ULN, id string, edit func(*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	var out *plr.DataChallenge
	err := s.write(ctx, func(t *tx) error {
		challenge, err := get[plr.DataChallenge](t, challenges, challengeKey(uln, id), "id")
		if err != nil {
			return err
		}
		if err := edit(challenge); err != nil {
			return err
		}
		if err := t.put(challenges, challengeKey(uln, id), challenge); err != nil {
			return err
		}
		out, err = get[plr.DataChallenge](t, challenges, challengeKey(uln, id), "id")
		return err
	})
	return answer(out, err)
}

// DataChallenges implements plr.ChallengeStore.
func (s *Store) DataChallenges(ctx context.Context, uln plr.ULN) ([]*plr.DataChallenge, error) {
	var out []*plr.DataChallenge
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = t.challengesOf(uln)
		return err
	})
	return out, err
}
