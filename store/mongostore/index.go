package mongostore

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// collection is one collection of documents.
type collection struct {
	name string
	// version is the schemaVersion of the documents written.
	version int
	// shardKey is the field to shard by, hashed. Every operation that a person
	// waits for has it in its filter.
	shardKey string
	// indexes beside the one on _id: fields in order, "-" for descending.
	indexes [][]string
	// upgrades lead from a version to the next.
	upgrades map[int]func(bson.Raw) (bson.Raw, error)
}

// The collections. Uniqueness is that of _id alone.
var (
	records    = &collection{name: "records", version: 1, shardKey: "_id", indexes: [][]string{{"updatedAt", "_id"}, {"matchKeys"}}}
	linkedULNs = &collection{name: "linked_ulns", version: 1, shardKey: "_id"}

	accounts    = &collection{name: "accounts", version: 1, shardKey: "_id"}
	accountKeys = &collection{name: "account_keys", version: 1, shardKey: "_id"}
	bindings    = &collection{name: "bindings", version: 1, shardKey: "_id"}

	identities   = &collection{name: "identities", version: 1, shardKey: "_id"}
	claimTallies = &collection{name: "claim_tallies", version: 1, shardKey: "_id", indexes: [][]string{{"updatedAt", "_id"}}}
	claimEntries = &collection{name: "claim_entries", version: 1, shardKey: "account", indexes: [][]string{{"account", "-at", "-_id"}, {"at", "_id"}}}
	// Review cases are for caseworkers, who wait for all shards.
	reviewCases = &collection{name: "review_cases", version: 1, shardKey: "_id", indexes: [][]string{
		{"-openedAt", "-_id"}, {"state", "-openedAt", "-_id"}, {"closedAt", "_id"},
		{"restricted", "-openedAt", "-_id"}, {"restricted", "state", "-openedAt", "-_id"},
	}}

	sharings = &collection{name: "sharing", version: 1, shardKey: "_id", indexes: [][]string{{"nextEnd", "_id"}, {"oldestKey", "_id"}}}
	secrets  = &collection{name: "secrets", version: 1, shardKey: "_id", indexes: [][]string{{"settled", "at", "_id"}}}

	revokedLinks      = &collection{name: "revoked_links", version: 1, shardKey: "uln", indexes: [][]string{{"uln", "_id"}, {"revokedAt", "_id"}}}
	preferenceChanges = &collection{name: "preference_changes", version: 1, shardKey: "uln", indexes: [][]string{{"uln", "-number"}, {"at", "_id"}}}

	views        = &collection{name: "views", version: 1, shardKey: "uln", indexes: [][]string{{"uln", "_id"}, {"deletedAt", "_id"}}}
	viewVersions = &collection{name: "view_versions", version: 1, shardKey: "uln", indexes: [][]string{{"uln", "view"}}}
	challenges   = &collection{name: "challenges", version: 1, shardKey: "uln", indexes: [][]string{{"uln", "_id"}, {"open", "updatedAt", "_id"}}}
	creations    = &collection{name: "creations", version: 1, shardKey: "_id", indexes: [][]string{{"oldestKey", "_id"}}}

	accessEntries = &collection{name: "access_entries", version: 1, shardKey: "uln", indexes: [][]string{
		{"uln", "-at", "-_id"}, {"uln", "link", "-at", "-_id"}, {"disclosed", "at", "_id"},
	}}

	collections = []*collection{
		records, linkedULNs, accounts, accountKeys, bindings, identities, claimTallies, claimEntries, reviewCases, sharings, secrets, revokedLinks, preferenceChanges,
		views, viewVersions, challenges, creations, accessEntries,
	}
)

// Layout is what an operator must know of a collection.
type Layout struct {
	Name string
	// ShardKey is the field to shard by, hashed.
	ShardKey string
	// Indexes beside the one on _id: fields in order, "-" for descending.
	Indexes [][]string
}

// Layouts is the table of collections that Migrate works by.
func Layouts() []Layout {
	var out []Layout
	for _, c := range collections {
		out = append(out, Layout{Name: c.name, ShardKey: c.shardKey, Indexes: c.indexes})
	}
	return out
}

// indexKeys gives an index's fields as the server writes them, and its name.
func indexKeys(fields []string) (keys bson.D, name string) {
	for _, f := range fields {
		direction := int32(1)
		if f[0] == '-' {
			f, direction = f[1:], -1
		}
		keys = append(keys, bson.E{Key: f, Value: direction})
		if name != "" {
			name += "_"
		}
		name += fmt.Sprintf("%s_%d", f, direction)
	}
	return keys, name
}

// Migrate creates the indexes that are missing, and asks for no other: not
// every server takes a request for one that is there. Then it gives records of an
// older version their match keys. It may be run by many at once and again; on a
// database with data it takes as long as building does, which ctx alone bounds.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.makeIndexes(ctx); err != nil {
		return err
	}
	return s.completeMatches(ctx)
}

func (s *Store) makeIndexes(ctx context.Context) error {
	for _, c := range collections {
		missing, err := s.missing(ctx, c)
		if err != nil {
			return err
		}
		var models []mongo.IndexModel
		for _, fields := range missing {
			keys, name := indexKeys(fields)
			models = append(models, mongo.IndexModel{Keys: keys, Options: options.Index().SetName(name)})
		}
		if len(models) == 0 {
			continue
		}
		ctx, done := context.WithTimeout(ctx, indexTimeout)
		err = s.command(ctx, func(ctx context.Context) error {
			_, err := s.in(c).Indexes().CreateMany(ctx, models)
			return err
		})
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// MissingIndexes names the indexes that the database lacks, as collection and
// fields. Without one the store works, but slowly.
func (s *Store) MissingIndexes(ctx context.Context) ([]string, error) {
	var names []string
	for _, c := range collections {
		missing, err := s.missing(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, fields := range missing {
			_, name := indexKeys(fields)
			names = append(names, c.name+" "+name)
		}
	}
	return names, nil
}

// missing gives the fields of a collection's indexes that the database lacks.
func (s *Store) missing(ctx context.Context, c *collection) (missing [][]string, err error) {
	if len(c.indexes) == 0 {
		return nil, nil
	}
	held := map[string]bool{}
	ctx, done := s.begin(ctx)
	defer done()
	err = s.command(ctx, func(ctx context.Context) error {
		list, err := s.in(c).Indexes().ListSpecifications(ctx)
		for _, index := range list {
			held[index.Name] = true
		}
		return err
	})
	for _, fields := range c.indexes {
		if _, name := indexKeys(fields); !held[name] {
			missing = append(missing, fields)
		}
	}
	return missing, err
}
