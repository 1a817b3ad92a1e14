package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// minMongoDBWire is the wire version of MongoDB 5.0, the first with the stable API.
const minMongoDBWire = 13

// checksCollection takes the test document; nothing else is ever in it.
const checksCollection = "checks"

// checkMongoDB looks at what MONGODB_URI names, with a client of its own: the
// store's keeps what it hears of the server to itself. It stays within the stable
// API, which a server may demand.
func checkMongoDB(ctx context.Context, f *findings, c *config, now func() time.Time) {
	if c.MongoDBURI == "" {
		return
	}
	const remedy = "check hosts, user and password in MONGODB_URI, the network and the certificate authorities"
	parsed, err := connstring.ParseAndValidate(c.MongoDBURI)
	if err != nil {
		f.fail(remedy, "MongoDB: MONGODB_URI cannot be read")
		return
	}
	majority := writeconcern.Majority()
	majority.Journal = new(true)
	o := options.Client().ApplyURI(c.MongoDBURI).SetAppName("openplr-check").SetServerSelectionTimeout(3 * time.Second).
		SetTimeout(5 * time.Second).SetReadPreference(readpref.Primary()).SetWriteConcern(majority).
		SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true))
	client, err := mongo.Connect(o)
	if err != nil {
		f.fail(remedy, "MongoDB: no client can be made with MONGODB_URI")
		return
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	if o.TLSConfig != nil {
		f.ok("MongoDB: the connection is encrypted")
	} else {
		f.warn("add tls=true to MONGODB_URI, and TLS to the servers", "MongoDB: the connection is not encrypted")
	}
	name := parsed.Database
	if name == "" {
		name = "openplr"
	}
	db := client.Database(name)
	var hello struct {
		SetName           string    `bson:"setName"`
		Msg               string    `bson:"msg"`
		IsWritablePrimary bool      `bson:"isWritablePrimary"`
		IsMaster          bool      `bson:"ismaster"`
		MaxWireVersion    int       `bson:"maxWireVersion"`
		LocalTime         time.Time `bson:"localTime"`
	}
	before := now()
	if err := db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		f.fail(remedy, "MongoDB: %s", mongoDBReason(err))
		return
	}
	f.ok("MongoDB: it answers")
	checkSkew(f, "MongoDB", hello.LocalTime, before, now())
	switch {
	case hello.Msg == "isdbgrid":
		f.ok("MongoDB: a sharded cluster")
	case hello.SetName == "":
		f.fail("make it a replica set, even of one server: majority writes and retries need it", "MongoDB: a single server without a replica set")
	default:
		f.ok("MongoDB: a replica set")
	}
	if hello.MaxWireVersion < minMongoDBWire {
		f.fail("use MongoDB 5.0 or later", "MongoDB: the server is too old")
	} else {
		f.ok("MongoDB: the version is new enough")
	}
	checkMongoDBRights(ctx, f, db)
	checkIndexes(ctx, f, c)
}

// checkMongoDBRights does once what the service does all the time.
func checkMongoDBRights(ctx context.Context, f *findings, db *mongo.Database) {
	const remedy = "give the user the role readWrite on the database"
	in := db.Collection(checksCollection)
	id := bson.NewObjectID()
	_, err := in.InsertOne(ctx, bson.D{{Key: "_id", Value: id}})
	if err == nil {
		err = in.FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Err()
	}
	if err == nil {
		_, err = in.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: "seen", Value: true}}}})
	}
	_, removed := in.DeleteOne(ctx, bson.D{{Key: "_id", Value: id}})
	if err := errors.Join(err, removed); err != nil {
		f.fail(remedy, "MongoDB: a test document could not be written, read, changed and removed: %s", mongoDBReason(err))
		return
	}
	f.ok("MongoDB: documents can be written with a majority, read, changed and removed")
	if _, err := in.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "seen", Value: 1}}}); err != nil {
		f.warn("give the right createIndex to the user who runs server migrate", "MongoDB: this user may not make indexes")
	} else {
		f.ok("MongoDB: this user may make indexes")
	}
	_ = in.Drop(ctx) // an empty collection that stays does no harm
}

func checkIndexes(ctx context.Context, f *findings, c *config) {
	store, err := openStore(c)
	if err != nil {
		f.fail("mend MONGODB_URI", "MongoDB: the store cannot be opened")
		return
	}
	defer func() { _ = store.Close() }()
	m, ok := store.(migrator)
	if !ok {
		return
	}
	missing, err := m.MissingIndexes(ctx)
	switch {
	case err != nil:
		f.fail("give the user the right listIndexes", "MongoDB: its indexes cannot be read")
	case len(missing) > 0:
		f.fail("run server migrate", "MongoDB: %d indexes are missing (%s)", len(missing), strings.Join(missing, ", "))
	default:
		f.ok("MongoDB: every index is there")
	}
}

// mongoDBReason says in our own words what went wrong: the driver's hold
// addresses and may hold more.
func mongoDBReason(err error) string {
	var command mongo.CommandError
	var write mongo.WriteException
	switch {
	case errors.As(err, &command) && (command.Code == 18 || command.Code == 8000):
		return "user or password are wrong"
	case errors.As(err, &command) && command.Code == 13, errors.As(err, &write) && write.HasErrorCode(13):
		return "the user lacks a right"
	case errors.As(err, &command):
		return fmt.Sprintf("it refused with code %d", command.Code)
	case mongo.IsTimeout(err):
		return "no server answered in time"
	case strings.Contains(err.Error(), "auth error"):
		return "user or password are wrong"
	default:
		return "it cannot be reached"
	}
}
