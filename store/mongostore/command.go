package mongostore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"openplr/plr"
)

// Everything the store asks of the database goes through this file.

var errClosed = errors.New("mongostore: the store is closed")

// command runs one command and makes its error one of ours. Answers that are
// no failures (nothing found, the id is taken) pass as they are.
func (s *Store) command(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	if s.closed.Load() {
		return plr.Unavailable(errClosed, retryAfter)
	}
	probe, err := s.breaker.enter()
	if err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	began, said := s.now(), unknown
	defer func() { s.breaker.leave(probe, said) }() // also when do panics
	err = do(ctx)
	switch {
	case err == nil, errors.Is(err, mongo.ErrNoDocuments), isTaken(err):
		said = answered
		return err
	case errors.As(err, new(mongo.ServerError)) && !mongo.IsTimeout(err) && !mongo.IsNetworkError(err):
		said = answered
	case (mongo.IsTimeout(err) || errors.As(err, new(topology.ServerSelectionError))) && s.now().Sub(began) >= s.timeout/2:
		said = silent
	}
	return plr.Unavailable(bare(err), retryAfter)
}

// idTaken is the server's code for an _id that is there already.
const idTaken = 11000

// isTaken says that nothing went wrong with a write but that an _id, or several,
// were there already, and that a majority has them. A write that failed, or did
// not reach a majority, beside one that was there must not pass for done.
func isTaken(err error) bool {
	var we mongo.WriteException
	var be mongo.BulkWriteException
	var errs []mongo.WriteError
	switch {
	case errors.As(err, &we) && we.WriteConcernError == nil:
		errs = we.WriteErrors
	case errors.As(err, &be) && be.WriteConcernError == nil:
		for _, e := range be.WriteErrors {
			errs = append(errs, e.WriteError)
		}
	}
	return len(errs) > 0 && !slices.ContainsFunc(errs, func(e mongo.WriteError) bool { return e.Code != idTaken })
}

// bare takes the server's words from an error: they repeat parts of documents.
func bare(err error) error {
	var ce mongo.CommandError
	if errors.As(err, &ce) && ce.Code != 0 {
		return fmt.Errorf("mongostore: the server answered with error %d (%s)", ce.Code, ce.Name)
	}
	var we mongo.WriteException
	var be mongo.BulkWriteException
	if errors.As(err, &we) || errors.As(err, &be) {
		var se mongo.ServerError
		errors.As(err, &se)
		return fmt.Errorf("mongostore: the server refused a write with error %v", se.ErrorCodes())
	}
	return err
}

func (s *Store) in(c *collection) *mongo.Collection { return s.db.Collection(c.name) }

// readable adds to the filter of a write that the document's version is one this
// program can read: what a newer version wrote is never overwritten.
func (c *collection) readable(filter bson.D) bson.D {
	for _, e := range filter {
		if e.Key == "schemaVersion" {
			return filter
		}
	}
	return and(filter, "schemaVersion", op("$lte", c.version))
}

// findOne gives the one document that matches, nil when there is none.
func (s *Store) findOne(ctx context.Context, c *collection, filter bson.D) (bson.Raw, error) {
	var out bson.Raw
	err := s.command(ctx, func(ctx context.Context) (err error) {
		out, err = s.in(c).FindOne(ctx, filter).Raw()
		return err
	})
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	return out, err
}

// find gives all documents that match, in the order of sort, up to limit (0: all).
func (s *Store) find(ctx context.Context, c *collection, filter, sort bson.D, limit int, fields ...string) ([]bson.Raw, error) {
	o := options.Find()
	if sort != nil {
		o.SetSort(sort)
	}
	if limit > 0 {
		o.SetLimit(int64(limit))
	}
	if len(fields) > 0 {
		only := bson.D{}
		for _, f := range fields {
			only = append(only, bson.E{Key: f, Value: 1})
		}
		o.SetProjection(only)
	}
	var out []bson.Raw
	err := s.command(ctx, func(ctx context.Context) error {
		cursor, err := s.in(c).Find(ctx, filter, o)
		if err != nil {
			return err
		}
		out = nil
		return cursor.All(ctx, &out)
	})
	return out, err
}

func (s *Store) count(ctx context.Context, c *collection, filter bson.D) (n int, err error) {
	err = s.command(ctx, func(ctx context.Context) error {
		found, err := s.in(c).CountDocuments(ctx, filter)
		n = int(found)
		return err
	})
	return n, err
}

// insert adds a document. taken: its _id is there already and nothing was done.
func (s *Store) insert(ctx context.Context, c *collection, doc any) (taken bool, err error) {
	raw, err := encode(doc)
	if err != nil {
		return false, err
	}
	err = s.command(ctx, func(ctx context.Context) error {
		_, err := s.in(c).InsertOne(ctx, raw)
		return err
	})
	if isTaken(err) {
		return true, nil
	}
	return false, err
}

// update changes the one document that matches, and says whether one did.
func (s *Store) update(ctx context.Context, c *collection, filter, change bson.D) (matched bool, err error) {
	err = s.command(ctx, func(ctx context.Context) error {
		r, err := s.in(c).UpdateOne(ctx, c.readable(filter), change)
		matched = err == nil && r.MatchedCount == 1
		return err
	})
	return matched, err
}

// change is update that gives the document as it is then, nil when none matched.
func (s *Store) change(ctx context.Context, c *collection, filter, change bson.D) (bson.Raw, error) {
	var out bson.Raw
	err := s.command(ctx, func(ctx context.Context) (err error) {
		out, err = s.in(c).FindOneAndUpdate(ctx, c.readable(filter), change, options.FindOneAndUpdate().SetReturnDocument(options.After)).Raw()
		return err
	})
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	return out, err
}

// replace puts doc in the place of the one document that matches.
func (s *Store) replace(ctx context.Context, c *collection, filter bson.D, doc any) (matched bool, err error) {
	raw, err := encode(doc)
	if err != nil {
		return false, err
	}
	err = s.command(ctx, func(ctx context.Context) error {
		r, err := s.in(c).ReplaceOne(ctx, c.readable(filter), raw)
		matched = err == nil && r.MatchedCount == 1
		return err
	})
	return matched, err
}

// remove deletes the one document that matches.
func (s *Store) remove(ctx context.Context, c *collection, filter bson.D) (n int, err error) {
	err = s.command(ctx, func(ctx context.Context) error {
		r, err := s.in(c).DeleteOne(ctx, c.readable(filter))
		if err == nil {
			n = int(r.DeletedCount)
		}
		return err
	})
	return n, err
}

// removeAll deletes every document that matches. The driver does not repeat it
// by itself; whoever calls it may.
func (s *Store) removeAll(ctx context.Context, c *collection, filter bson.D) (n int, err error) {
	err = s.command(ctx, func(ctx context.Context) error {
		r, err := s.in(c).DeleteMany(ctx, c.readable(filter))
		if err == nil {
			n = int(r.DeletedCount)
		}
		return err
	})
	return n, err
}

// bulk does many writes in no order. all: every one of them found its document,
// or its place; if not, the caller must find out which did.
func (s *Store) bulk(ctx context.Context, c *collection, writes []mongo.WriteModel) (all bool, err error) {
	if len(writes) == 0 {
		return true, nil
	}
	err = s.command(ctx, func(ctx context.Context) error {
		r, err := s.in(c).BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
		all = err == nil && r.InsertedCount+r.MatchedCount+r.UpsertedCount == int64(len(writes))
		return err
	})
	if isTaken(err) {
		return false, nil
	}
	return all, err
}
