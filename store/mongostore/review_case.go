package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type reviewDocument struct {
	ID            string          `bson:"_id"`
	SchemaVersion int             `bson:"schemaVersion"`
	Revision      int64           `bson:"revision"`
	State         plr.ReviewState `bson:"state"`
	Restricted    bool            `bson:"restricted"`
	OpenedAt      time.Time       `bson:"openedAt"`
	ClosedAt      *time.Time      `bson:"closedAt"`
	Body          *plr.ReviewCase `bson:"body"`
}

func encodeReview(c *plr.ReviewCase, revision int64) (bson.Raw, error) {
	return encode(&reviewDocument{
		ID: c.ID, SchemaVersion: reviewCases.version, Revision: revision, State: c.State, Restricted: c.Restricted,
		OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, Body: c,
	})
}

// review gives a case, nil when there is none.
func (s *Store) review(ctx context.Context, id string) (*reviewDocument, error) {
	raw, err := s.findOne(ctx, reviewCases, byID(id))
	if err != nil || raw == nil {
		return nil, err
	}
	return decode[reviewDocument](reviewCases, raw)
}

// CreateReviewCase implements plr.IdentityStore: of several, the one that gets
// the id creates.
func (s *Store) CreateReviewCase(ctx context.Context, c *plr.ReviewCase) (stored *plr.ReviewCase, created bool, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	for id := range c.IDs {
		held, err := s.review(ctx, id)
		if err != nil {
			return nil, false, err
		}
		if held == nil {
			own := *c
			own.ID = id
			raw, err := encodeReview(&own, 1)
			if err != nil {
				return nil, false, err
			}
			taken, err := s.insert(ctx, reviewCases, raw)
			if err != nil {
				return nil, false, err
			}
			if held, err = s.review(ctx, id); err != nil {
				return nil, false, err
			}
			if !taken && held != nil {
				return held.Body, true, nil
			}
		}
		if held != nil && held.Body.State != plr.ReviewResolved {
			return held.Body, false, nil
		}
	}
	return nil, false, errors.New("mongostore: more review cases of one kind than there can be")
}

// ReviewCase implements plr.IdentityStore.
func (s *Store) ReviewCase(ctx context.Context, id string) (*plr.ReviewCase, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.review(ctx, id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, plr.NotFound("id")
	}
	return doc.Body, nil
}

// EditReviewCase implements plr.IdentityStore.
func (s *Store) EditReviewCase(ctx context.Context, id string, edit func(*plr.ReviewCase) error) (*plr.ReviewCase, error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "review "+id)
	if err != nil {
		return nil, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		doc, err := s.review(ctx, id)
		if err == nil && doc == nil {
			err = plr.NotFound("id")
		}
		if err != nil {
			return nil, err
		}
		if err := edit(doc.Body); err != nil {
			return nil, err
		}
		after, err := encodeReview(doc.Body, doc.Revision+1) // edit may have kept the case
		if err != nil {
			return nil, err
		}
		stored, err := s.swap(ctx, reviewCases, id, doc.Revision, after)
		if err != nil {
			return nil, err
		}
		if stored {
			doc, err := decode[reviewDocument](reviewCases, after)
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

// ReviewCases implements plr.IdentityStore.
func (s *Store) ReviewCases(ctx context.Context, q plr.ReviewQuery) (cases []*plr.ReviewCase, total int, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	filter := bson.D{}
	if q.State != "" {
		filter = and(filter, "state", q.State)
	}
	if !q.Restricted {
		filter = and(filter, "restricted", false)
	}
	if total, err = s.count(ctx, reviewCases, filter); err != nil {
		return nil, 0, err
	}
	if !q.BeforeAt.IsZero() {
		filter = and(filter, "openedAt", op("$lte", q.BeforeAt))
		filter = and(filter, "$or", bson.A{op("openedAt", op("$lt", q.BeforeAt)), op("_id", op("$lt", q.BeforeID))})
	}
	raws, err := s.find(ctx, reviewCases, filter, bson.D{{Key: "openedAt", Value: -1}, {Key: "_id", Value: -1}}, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	docs, err := decodeAll[reviewDocument](reviewCases, raws)
	if err != nil {
		return nil, 0, err
	}
	for _, doc := range docs {
		cases = append(cases, doc.Body)
	}
	return cases, total, nil
}
