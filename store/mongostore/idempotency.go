package mongostore

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// use is one use of an idempotency key: what was made under it. Those of links
// stand in the Sharing document, those of views and challenges in creations.
type use struct {
	Hash string    `bson:"hash"`
	ID   string    `bson:"id"`
	At   time.Time `bson:"at"`
}

// errMade ends a create that repeats an earlier one.
var errMade = errors.New("mongostore: made before")

// forgetAtOnce bounds what one create tidies away.
const forgetAtOnce = 64

// ownKey checks that a key is its owner's: it is looked up in the owner's documents only.
func ownKey(idem *plr.Idempotency, uln plr.ULN) error {
	if idem != nil && idem.ULN != uln {
		return errors.New("mongostore: an idempotency key of another learner than the object's")
	}
	return nil
}

// usedBefore gives the use that a create with idem repeats: nil when it is a new one.
func usedBefore(made map[string]use, idem *plr.Idempotency) (*use, error) {
	if idem == nil {
		return nil, nil
	}
	u, used := made[field(idem.Key)]
	if !used || !idem.At.Before(u.At.Add(plr.IdempotencyLife)) {
		return nil, nil
	}
	if !slices.Contains(idem.Hashes, u.Hash) {
		return nil, plr.IdempotencyConflict()
	}
	return &u, nil
}

// remember notes what was made under idem, and forgets dead keys. They are kept
// for twice their life: whoever's clock is set back by an hour still finds them,
// unless there are so many that the document would grow without bound.
func remember(made map[string]use, idem *plr.Idempotency, id string) error {
	if idem == nil {
		return nil
	}
	forget(made, idem.At.Add(-2*plr.IdempotencyLife), forgetAtOnce)
	if _, again := made[field(idem.Key)]; !again && len(made) >= plr.MaxIdempotencyKeys {
		forget(made, idem.At.Add(-plr.IdempotencyLife), len(made))
		if len(made) >= plr.MaxIdempotencyKeys {
			return plr.IdempotencyLimit()
		}
	}
	u := use{ID: id, At: idem.At.Truncate(time.Millisecond)}
	if len(idem.Hashes) > 0 {
		u.Hash = idem.Hashes[0]
	}
	made[field(idem.Key)] = u
	return nil
}

// forget takes keys used before an instant off a list, at most so many, and counts them.
func forget(made map[string]use, before time.Time, most int) int {
	n := 0
	for key, u := range made {
		if u.At.Before(before) && n < most {
			delete(made, key)
			n++
		}
	}
	return n
}

func oldest(made map[string]use) *time.Time {
	var out *time.Time
	for _, u := range made {
		if out == nil || u.At.Before(*out) {
			out = &u.At
		}
	}
	return out
}

// MadeBefore implements plr.ViewStore.
func (s *Store) MadeBefore(ctx context.Context, idem *plr.Idempotency) (string, error) {
	ctx, done := s.begin(ctx)
	defer done()
	if idem == nil {
		return "", nil
	}
	if idem.ULN == "" {
		return "", errors.New("mongostore: an idempotency key without its owner")
	}
	sharing, err := s.sharing(ctx, idem.ULN)
	if err != nil {
		return "", err
	}
	if u, err := usedBefore(sharing.Made, idem); u != nil || err != nil {
		return idOfUse(u), err
	}
	doc, err := s.creations(ctx, idem.ULN)
	if err != nil {
		return "", err
	}
	u, err := usedBefore(doc.Made, idem)
	if u == nil || err != nil {
		return "", err
	}
	// Whoever made it may have died before it stood in its collection, where the
	// caller is going to read it.
	return u.ID, s.putPending(ctx, doc)
}

func idOfUse(u *use) string {
	if u == nil {
		return ""
	}
	return u.ID
}

// creationsDocument puts a learner's creates of views and challenges in one
// order: checks against limits, use of keys and what was made are one write.
type creationsDocument struct {
	ULN           plr.ULN        `bson:"_id"`
	SchemaVersion int            `bson:"schemaVersion"`
	Revision      int64          `bson:"revision"`
	Made          map[string]use `bson:"made"`
	OldestKey     *time.Time     `bson:"oldestKey"`
	// Pending are objects that were made but may not stand in their collection
	// yet, by id.
	Pending map[string]pendingDocument `bson:"pending"`

	stored bool
}

type pendingDocument struct {
	Collection string   `bson:"collection"`
	Document   bson.Raw `bson:"document"`
}

func (s *Store) creations(ctx context.Context, uln plr.ULN) (*creationsDocument, error) {
	raw, err := s.findOne(ctx, creations, byID(uln))
	if err != nil {
		return nil, err
	}
	doc := &creationsDocument{ULN: uln, SchemaVersion: creations.version}
	if raw != nil {
		if doc, err = decode[creationsDocument](creations, raw); err != nil {
			return nil, err
		}
		doc.SchemaVersion, doc.stored = creations.version, true
	}
	if doc.Made == nil {
		doc.Made = map[string]use{}
	}
	if doc.Pending == nil {
		doc.Pending = map[string]pendingDocument{}
	}
	return doc, nil
}

// putCreations stores doc if nobody else changed it since it was read.
func (s *Store) putCreations(ctx context.Context, doc *creationsDocument) (stored bool, err error) {
	before := doc.Revision
	doc.Revision++
	doc.OldestKey = oldest(doc.Made)
	if !doc.stored {
		taken, err := s.insert(ctx, creations, doc)
		return !taken && err == nil, err
	}
	return s.replace(ctx, creations, and(byID(doc.ULN), "revision", before), doc)
}

// create makes one object: admit checks the limits, and its id is given, or that
// of the object that idem's key made first. When the process dies on the way
// behind the one write that decides, the next create, or the same once more,
// puts the object into its collection.
func (s *Store) create(ctx context.Context, uln plr.ULN, idem *plr.Idempotency, c *collection, id string, object any, admit func(context.Context) error) (string, error) {
	if err := ownKey(idem, uln); err != nil {
		return "", err
	}
	raw, err := encode(object)
	if err != nil {
		return "", err
	}
	done, err := s.queue.wait(ctx, "creations "+string(uln))
	if err != nil {
		return "", err
	}
	defer done()
	for attempt := 0; ; attempt++ {
		doc, err := s.creations(ctx, uln)
		if err != nil {
			return "", err
		}
		if err := s.putPending(ctx, doc); err != nil {
			return "", err
		}
		if made, err := usedBefore(doc.Made, idem); made != nil || err != nil {
			return idOfUse(made), err
		}
		if err := admit(ctx); err != nil {
			return "", err
		}
		if err := remember(doc.Made, idem, id); err != nil {
			return "", err
		}
		doc.Pending = map[string]pendingDocument{field(id): {Collection: c.name, Document: raw}}
		stored, err := s.putCreations(ctx, doc)
		if err != nil {
			return "", err
		}
		if stored {
			return id, s.putPending(ctx, doc)
		}
		if err := pause(ctx, attempt); err != nil {
			return "", err
		}
	}
}

// putPending puts what was made into its collection and forgets that it was
// pending. An object that is there already stays as it is.
func (s *Store) putPending(ctx context.Context, doc *creationsDocument) error {
	var unset bson.D
	for key, p := range doc.Pending {
		for _, c := range []*collection{views, challenges} {
			if c.name != p.Collection {
				continue
			}
			if _, err := s.insert(ctx, c, p.Document); err != nil {
				return err
			}
		}
		unset = append(unset, bson.E{Key: "pending." + key, Value: ""})
	}
	if unset == nil {
		return nil
	}
	matched, err := s.update(ctx, creations, and(byID(doc.ULN), "revision", doc.Revision), bson.D{
		{Key: "$unset", Value: unset}, {Key: "$inc", Value: bson.D{bumped}},
	})
	if err != nil || !matched { // the object is there; somebody else forgets, or is about to be refused by revision
		return err
	}
	doc.Pending, doc.Revision = map[string]pendingDocument{}, doc.Revision+1
	return nil
}
