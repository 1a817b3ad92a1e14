package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type identityDocument struct {
	Account       string            `bson:"_id"`
	SchemaVersion int               `bson:"schemaVersion"`
	Revision      int64             `bson:"revision"`
	Body          *plr.IdentityFile `bson:"body"`
}

type tallyDocument struct {
	Key           string          `bson:"_id"`
	SchemaVersion int             `bson:"schemaVersion"`
	Revision      int64           `bson:"revision"`
	UpdatedAt     time.Time       `bson:"updatedAt"`
	Body          *plr.ClaimTally `bson:"body"`
}

type claimDocument struct {
	ID            string          `bson:"_id"`
	SchemaVersion int             `bson:"schemaVersion"`
	Account       string          `bson:"account"`
	At            time.Time       `bson:"at"`
	Body          *plr.ClaimEntry `bson:"body"`
}

// identity gives the account's document, a new one of revision 0 when none is stored.
func (s *Store) identity(ctx context.Context, accountID string) (*identityDocument, error) {
	raw, err := s.findOne(ctx, identities, byID(accountID))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return &identityDocument{Account: accountID, Body: plr.NewIdentityFile(accountID)}, nil
	}
	return decode[identityDocument](identities, raw)
}

// Identity implements plr.IdentityStore.
func (s *Store) Identity(ctx context.Context, accountID string) (*plr.IdentityFile, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.identity(ctx, accountID)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

// EditIdentity implements plr.IdentityStore.
func (s *Store) EditIdentity(ctx context.Context, accountID string, edit func(*plr.IdentityFile) error) (*plr.IdentityFile, error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "identity "+accountID)
	if err != nil {
		return nil, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		doc, err := s.identity(ctx, accountID)
		if err != nil {
			return nil, err
		}
		if err := edit(doc.Body); err != nil {
			return nil, err
		}
		before := doc.Revision
		doc.SchemaVersion, doc.Revision = identities.version, before+1
		after, err := encode(doc) // edit may have kept the file
		if err != nil {
			return nil, err
		}
		stored, err := s.swap(ctx, identities, accountID, before, after)
		if err != nil {
			return nil, err
		}
		if stored {
			doc, err := decode[identityDocument](identities, after)
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

// swap stores what was made of a document's revision before, 0 for none, if that
// is still the newest.
func (s *Store) swap(ctx context.Context, c *collection, id string, before int64, after bson.Raw) (stored bool, err error) {
	if before == 0 {
		taken, err := s.insert(ctx, c, after)
		return err == nil && !taken, err
	}
	return s.replace(ctx, c, and(byID(id), "revision", before), after)
}

// CountClaim implements plr.IdentityStore.
func (s *Store) CountClaim(ctx context.Context, key, accountID string, now time.Time) (before int, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "tally "+key)
	if err != nil {
		return 0, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		raw, err := s.findOne(ctx, claimTallies, byID(key))
		if err != nil {
			return 0, err
		}
		doc := &tallyDocument{Key: key, Body: plr.NewClaimTally(key)}
		if raw != nil {
			if doc, err = decode[tallyDocument](claimTallies, raw); err != nil {
				return 0, err
			}
		}
		revision := doc.Revision
		count := doc.Body.Count(accountID, now)
		doc.SchemaVersion, doc.Revision, doc.UpdatedAt = claimTallies.version, revision+1, doc.Body.UpdatedAt
		after, err := encode(doc)
		if err != nil {
			return 0, err
		}
		stored, err := s.swap(ctx, claimTallies, key, revision, after)
		if err != nil || stored {
			return count, err
		}
		if err := pause(ctx, attempt); err != nil {
			return 0, err
		}
	}
}

// AppendClaimEntry implements plr.IdentityStore.
func (s *Store) AppendClaimEntry(ctx context.Context, e *plr.ClaimEntry) error {
	ctx, done := s.begin(ctx)
	defer done()
	taken, err := s.insert(ctx, claimEntries, claimDocument{ID: e.ID, SchemaVersion: claimEntries.version, Account: e.AccountID, At: e.At, Body: e})
	if err == nil && taken {
		err = errors.New("mongostore: a claim entry with this id is there already")
	}
	return err
}

// ClaimEntries implements plr.IdentityStore.
func (s *Store) ClaimEntries(ctx context.Context, accountID string, limit int) ([]*plr.ClaimEntry, error) {
	ctx, done := s.begin(ctx)
	defer done()
	raws, err := s.find(ctx, claimEntries, op("account", accountID), bson.D{{Key: "at", Value: -1}, {Key: "_id", Value: -1}}, limit)
	if err != nil {
		return nil, err
	}
	docs, err := decodeAll[claimDocument](claimEntries, raws)
	if err != nil {
		return nil, err
	}
	var out []*plr.ClaimEntry
	for _, doc := range docs {
		out = append(out, doc.Body)
	}
	return out, nil
}
