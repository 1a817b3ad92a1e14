package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type accessDocument struct {
	ID            string           `bson:"_id"`
	SchemaVersion int              `bson:"schemaVersion"`
	ULN           plr.ULN          `bson:"uln"`
	At            time.Time        `bson:"at"`
	Link          string           `bson:"link"`
	Result        plr.AccessResult `bson:"result"`
	Disclosed     bool             `bson:"disclosed"`
	Body          *plr.AccessEntry `bson:"body"`
}

// AppendAccessEntry implements plr.AccessStore. The driver repeats an insert
// whose answer was lost without adding it twice.
func (s *Store) AppendAccessEntry(ctx context.Context, e *plr.AccessEntry) error {
	ctx, done := s.begin(ctx)
	defer done()
	taken, err := s.insert(ctx, accessEntries, accessDocument{
		ID: e.ID, SchemaVersion: accessEntries.version, ULN: e.ULN, At: e.At, Link: e.LinkID, Result: e.Result,
		Disclosed: e.Result.Disclosed(), Body: e,
	})
	if taken {
		return errors.New("mongostore: an access entry with this id is there already")
	}
	return err
}

// AccessEntry implements plr.AccessStore.
func (s *Store) AccessEntry(ctx context.Context, uln plr.ULN, id string) (*plr.AccessEntry, error) {
	ctx, done := s.begin(ctx)
	defer done()
	raw, err := s.findOne(ctx, accessEntries, owned(uln, id))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	doc, err := decode[accessDocument](accessEntries, raw)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

// AccessEntries implements plr.AccessStore.
func (s *Store) AccessEntries(ctx context.Context, uln plr.ULN, q plr.AccessQuery) (entries []*plr.AccessEntry, total int, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	filter := bson.D{{Key: "uln", Value: uln}}
	if q.LinkID != "" {
		filter = and(filter, "link", q.LinkID)
	}
	if len(q.Results) > 0 {
		filter = and(filter, "result", op("$in", q.Results))
	}
	if total, err = s.count(ctx, accessEntries, filter); err != nil {
		return nil, 0, err
	}
	if !q.BeforeAt.IsZero() {
		filter = and(filter, "at", op("$lte", q.BeforeAt))
		filter = and(filter, "$or", bson.A{op("at", op("$lt", q.BeforeAt)), op("_id", op("$lt", q.BeforeID))})
	}
	raws, err := s.find(ctx, accessEntries, filter, bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	docs, err := decodeAll[accessDocument](accessEntries, raws)
	if err != nil {
		return nil, 0, err
	}
	for _, doc := range docs {
		entries = append(entries, doc.Body)
	}
	return entries, total, nil
}
