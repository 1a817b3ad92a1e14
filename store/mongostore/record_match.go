package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"openplr/plr"
)

// matchAtOnce is how many records one step of completeMatches reads and writes.
const matchAtOnce = 50

// errMatching is why people cannot be matched with records yet.
var errMatching = errors.New("mongostore: records of an older version have no match keys yet: run server migrate, or wait until it ends")

// withoutMatchKeys finds records that a version before match keys wrote, by the
// index on them: a field that is missing is found as null.
var withoutMatchKeys = bson.D{{Key: "matchKeys", Value: nil}}

// RecordsMatching implements plr.RecordStore. One command looks for the keys and
// for records that have none yet, so that none can slip past between two.
func (s *Store) RecordsMatching(ctx context.Context, keys []string, limit int) ([]*plr.Record, error) {
	ctx, done := s.begin(ctx)
	defer done()
	among := bson.A{nil}
	for _, key := range keys {
		among = append(among, key)
	}
	raws, err := s.find(ctx, records, bson.D{{Key: "matchKeys", Value: op("$in", among)}}, nil, limit,
		"schemaVersion", "matchKeys", "body.schemaversion", "body.uln", "body.register", "body.linkedulns")
	if err != nil {
		return nil, err
	}
	docs, err := decodeAll[recordDocument](records, raws)
	if err != nil {
		return nil, err
	}
	var out []*plr.Record
	for _, doc := range docs {
		if doc.MatchKeys == nil {
			return nil, plr.Unavailable(errMatching, retryAfter)
		}
		out = append(out, doc.Body)
	}
	return out, nil
}

// completeMatches gives records their match keys that have none, a few at a time.
// Each step finds those that are left, so that it may end at any point, be
// repeated and be done by several at once. A replica of an older version that
// imports meanwhile leaves records without keys again: the next run finds them.
func (s *Store) completeMatches(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		raws, err := s.step(ctx, func(ctx context.Context) ([]bson.Raw, error) {
			return s.find(ctx, records, records.readable(withoutMatchKeys), nil, matchAtOnce, "schemaVersion", "revision", "body.register")
		})
		if err != nil || len(raws) == 0 {
			return err
		}
		docs, err := decodeAll[recordDocument](records, raws)
		if err != nil {
			return err
		}
		var writes []mongo.WriteModel
		for _, doc := range docs {
			var register *plr.RegisterEntry
			if doc.Body != nil {
				register = doc.Body.Register
			}
			keys := append([]string{}, plr.MatchKeys(register)...)
			// On condition that nobody has changed it: then it has keys by now, or is
			// found again.
			writes = append(writes, mongo.NewUpdateOneModel().SetFilter(records.readable(and(byID(doc.ULN), "revision", doc.Revision))).
				SetUpdate(op("$set", op("matchKeys", keys))))
		}
		all, err := s.writeMatches(ctx, writes)
		if err != nil {
			return err
		}
		if all {
			attempt = 0
		} else if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (s *Store) writeMatches(ctx context.Context, writes []mongo.WriteModel) (all bool, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	return s.bulk(ctx, records, writes)
}
