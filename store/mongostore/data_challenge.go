package mongostore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type challengeDocument struct {
	ID            string             `bson:"_id"`
	SchemaVersion int                `bson:"schemaVersion"`
	ULN           plr.ULN            `bson:"uln"`
	Revision      int64              `bson:"revision"`
	Open          bool               `bson:"open"`
	UpdatedAt     time.Time          `bson:"updatedAt"`
	Body          *plr.DataChallenge `bson:"body"`
}

func newChallengeDocument(c *plr.DataChallenge, revision int64) *challengeDocument {
	return &challengeDocument{
		ID: c.ID, SchemaVersion: challenges.version, ULN: c.ULN, Revision: revision,
		Open: c.Status == plr.ChallengeOpen, UpdatedAt: c.UpdatedAt, Body: c,
	}
}

// CreateDataChallenge implements plr.ChallengeStore.
func (s *Store) CreateDataChallenge(ctx context.Context, c *plr.DataChallenge, idem *plr.Idempotency, admit func(existing []*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	ctx, done := s.begin(ctx)
	defer done()
	id, err := s.create(ctx, c.ULN, idem, challenges, c.ID, newChallengeDocument(c, 1), func(ctx context.Context) error {
		existing, err := s.challengesOf(ctx, c.ULN)
		if err != nil {
			return err
		}
		return admit(existing)
	})
	if err != nil {
		return nil, err
	}
	doc, err := s.challenge(ctx, c.ULN, id)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

func (s *Store) challenge(ctx context.Context, uln plr.ULN, id string) (*challengeDocument, error) {
	raw, err := s.findOne(ctx, challenges, owned(uln, id))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	return decode[challengeDocument](challenges, raw)
}

// challengesOf gives the learner's challenges, newest first.
func (s *Store) challengesOf(ctx context.Context, uln plr.ULN) ([]*plr.DataChallenge, error) {
	raws, err := s.find(ctx, challenges, bson.D{{Key: "uln", Value: uln}}, nil, 0)
	if err != nil {
		return nil, err
	}
	docs, err := decodeAll[challengeDocument](challenges, raws)
	if err != nil {
		return nil, err
	}
	var out []*plr.DataChallenge
	for _, doc := range docs {
		out = append(out, doc.Body)
	}
	slices.SortFunc(out, func(a, b *plr.DataChallenge) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return out, nil
}

// UpdateDataChallenge implements plr.ChallengeStore.
func (s *Store) UpdateDataChallenge(ctx context.Context, uln plr.ULN, id string, edit func(*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "challenge "+id)
	if err != nil {
		return nil, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		before, err := s.challenge(ctx, uln, id)
		if err != nil {
			return nil, err
		}
		challenge := before.Body
		if err := edit(challenge); err != nil {
			return nil, err
		}
		after, err := encode(newChallengeDocument(challenge, before.Revision+1)) // edit may have kept challenge
		if err != nil {
			return nil, err
		}
		stored, err := s.replace(ctx, challenges, and(owned(uln, id), "revision", before.Revision), after)
		if err != nil {
			return nil, err
		}
		if stored {
			doc, err := decode[challengeDocument](challenges, after)
			if err != nil {
				return nil, err
			}
			return doc.Body, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// DataChallenges implements plr.ChallengeStore.
func (s *Store) DataChallenges(ctx context.Context, uln plr.ULN) ([]*plr.DataChallenge, error) {
	ctx, done := s.begin(ctx)
	defer done()
	return s.challengesOf(ctx, uln)
}
