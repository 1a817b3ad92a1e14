package mongotest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"openplr/cluster/mongotest"
)

// connect gives a collection of a database of the test's own.
func connect(t *testing.T, f *mongotest.Front, strict bool) *mongo.Collection {
	t.Helper()
	o := options.Client().ApplyURI(f.URI()).SetTimeout(2 * time.Second).SetServerSelectionTimeout(time.Second).
		SetHeartbeatInterval(500 * time.Millisecond)
	if strict {
		o.SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true))
	}
	c, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_ = c.Disconnect(ctx)
	})
	return c.Database("db").Collection("things")
}

func count(t *testing.T, c *mongo.Collection) int {
	t.Helper()
	var doc struct{ N int }
	if err := c.FindOne(t.Context(), bson.D{{Key: "_id", Value: 1}}).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.N
}

func raise(ctx context.Context, c *mongo.Collection) error {
	return c.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}},
		options.FindOneAndUpdate().SetUpsert(true)).Err()
}

func TestOneWriteAtATime(t *testing.T) {
	s := mongotest.Start(t)
	c := connect(t, s.Front, true)
	if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 100 {
		go func() { done <- raise(t.Context(), c) }()
	}
	for range 100 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, c); n != 100 {
		t.Fatalf("100 rises made %d", n)
	}
}

func TestFaults(t *testing.T) {
	s := mongotest.Start(t)
	front := s.Listen(t)
	c := connect(t, front, true)
	if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []struct {
		name string
		act  mongotest.Action
	}{
		{"the answer is lost", mongotest.Action{DropReply: true}},
		{"the command is lost", mongotest.Action{DropBefore: true}},
		{"the primary steps down", mongotest.Action{Reply: mongotest.NotPrimary()}},
		{"it takes a while", mongotest.Action{Delay: 20 * time.Millisecond}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			before := count(t, c)
			var seen atomic.Int32
			front.Intercept(func(cmd *mongotest.Command) mongotest.Action {
				if cmd.Name != "findAndModify" || cmd.Collection != "things" || seen.Add(1) > 1 {
					return mongotest.Action{}
				}
				return fault.act
			})
			defer front.Intercept(nil)
			if err := raise(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if fault.act.Delay == 0 && seen.Load() != 2 {
				t.Fatalf("the driver sent the write %d times", seen.Load())
			}
			if n := count(t, c); n != before+1 {
				t.Fatalf("one write made %d of %d", n, before)
			}
		})
	}
}

func TestStopStartAndBlackHole(t *testing.T) {
	s := mongotest.Start(t)
	c := connect(t, s.Front, true)
	ping := func() error { return c.Database().Client().Ping(t.Context(), nil) }
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := ping(); err == nil {
		t.Fatal("a stopped server answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, ping)
	s.BlackHole(true)
	if err := ping(); err == nil {
		t.Fatal("a black hole answers")
	}
	s.BlackHole(false)
	await(t, ping)
}

// await calls do until it succeeds: the driver needs a moment to find a server
// that has come back.
func await(t *testing.T, do func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if err = do(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestTheStableAPIIsDemanded(t *testing.T) {
	s := mongotest.Start(t)
	_, err := connect(t, s.Front, false).InsertOne(t.Context(), bson.D{{Key: "_id", Value: 2}})
	var e mongo.CommandError
	if !errors.As(err, &e) || e.Code != 323 {
		t.Fatalf("got %v", err)
	}
	err = connect(t, s.Front, true).Database().RunCommand(t.Context(), bson.D{{Key: "dbStats", Value: 1}}).Err()
	if !errors.As(err, &e) || e.Code != 323 {
		t.Fatalf("got %v", err)
	}
}
