package cluster

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/mongostore"
	"openplr/store/storetest"
)

// patience is more than contention in the suite can take on a slow machine:
// here an operation that runs out of time is a fault of the store.
const patience = 60 * time.Second

var databases atomic.Int64

// database gives the address of a new database: on the server that
// MONGODB_TEST_URI names, where it is dropped when the test ends, or on one in process.
func database(t *testing.T, front *mongotest.Front) (uri, name string) {
	t.Helper()
	name = fmt.Sprintf("openplr_test_%d_%d", os.Getpid(), databases.Add(1))
	base := os.Getenv("MONGODB_TEST_URI")
	if base == "" {
		return front.URI() + name, name
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("MONGODB_TEST_URI cannot be read")
	}
	u.Path = "/" + name
	t.Cleanup(func() { drop(t, u.String(), name) })
	return u.String(), name
}

func drop(t *testing.T, uri, name string) {
	c := connect(t, uri)
	ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	if err := c.Database(name).Drop(ctx); err != nil {
		t.Error(err)
	}
}

// connect gives a client beside the store, to look at what is stored.
func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		_ = c.Disconnect(ctx)
	})
	return c
}

// openStore opens a store and closes it when the test ends.
func openStore(t *testing.T, uri string, timeout time.Duration, monitor *event.CommandMonitor) *mongostore.Store {
	t.Helper()
	s, err := mongostore.Open(mongostore.Config{URI: uri, Timeout: timeout, Monitor: monitor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// server starts the server in process, unless the tests are to use another.
func server(t *testing.T) *mongotest.Front {
	t.Helper()
	if os.Getenv("MONGODB_TEST_URI") != "" {
		return nil
	}
	return mongotest.Start(t).Front
}

func TestConformance(t *testing.T) {
	runSuite(t, func(t *testing.T, uri string) plr.Store { return openStore(t, uri, patience, nil) })
}

// TestConformanceOfReplicas: three stores on one database, every call to the next.
func TestConformanceOfReplicas(t *testing.T) {
	runSuite(t, func(t *testing.T, uri string) plr.Store {
		return storetest.Alternate(openStore(t, uri, patience, nil), openStore(t, uri, patience, nil), openStore(t, uri, patience, nil))
	})
}

func runSuite(t *testing.T, open func(t *testing.T, uri string) plr.Store) {
	front := server(t)
	fresh := func(t *testing.T) plr.Store {
		uri, _ := database(t, front)
		return open(t, uri)
	}
	if front == nil {
		storetest.Run(t, fresh)
	} else {
		// FerretDB reads a whole collection to change one document on a condition.
		storetest.RunApart(t, fresh)
	}
}
