package cluster

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/mongostore"
	"openplr/store/storetest"
)

// TestDatabaseAwayAndBack: while the database is away every answer comes within
// two seconds and waiting callers do not pile up; once it is back so is the store.
func TestDatabaseAwayAndBack(t *testing.T) {
	s := mongotest.Start(t)
	for _, away := range []struct {
		name      string
		off, back func(*mongotest.Front) error
	}{
		{"stopped", func(f *mongotest.Front) error { f.Stop(); return nil }, (*mongotest.Front).Start},
		{"silent", func(f *mongotest.Front) error { f.BlackHole(true); return nil }, func(f *mongotest.Front) error { f.BlackHole(false); return nil }},
	} {
		t.Run(away.name, func(t *testing.T) {
			front := s.Listen(t)
			store := openStore(t, front.URI()+away.name, 0, nil)
			uln := storetest.NewULN()
			if err := store.AppendAccessEntry(t.Context(), storetest.Entry(uln, "lnk_1", storetest.T0, plr.AccessDisclosed)); err != nil {
				t.Fatal(err)
			}
			before := runtime.NumGoroutine()
			if err := away.off(front); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				slowest := askAll(t, 200, func() error { _, err := store.Sharing(t.Context(), uln); return err })
				if slowest > 2500*time.Millisecond { // two seconds, and what a busy machine adds
					t.Errorf("an answer took %v", slowest)
				}
			}
			began := time.Now()
			for range 500 { // all but a probe or two are refused at once
				if err := askQuick(store, uln); plr.CodeOf(err) != plr.CodeUnavailable {
					t.Fatalf("while it was away: %v", err)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("500 calls took %v", took)
			}
			if n := runtime.NumGoroutine(); n > before+50 {
				t.Errorf("%d goroutines, %d before", n, before)
			}
			if err := away.back(front); err != nil {
				t.Fatal(err)
			}
			began = time.Now()
			for store.Ping(t.Context()) != nil {
				if time.Since(began) > 10*time.Second {
					t.Fatal("it did not come back")
				}
				runtime.Gosched()
			}
			t.Logf("back after %v", time.Since(began))
			if entries, _, err := store.AccessEntries(t.Context(), uln, plr.AccessQuery{Limit: 9}); err != nil || len(entries) != 1 {
				t.Fatalf("%v, %v", entries, err)
			}
		})
	}
}

func askQuick(store *mongostore.Store, uln plr.ULN) error {
	ctx, done := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer done()
	_, err := store.Sharing(ctx, uln)
	return err
}

// askAll makes n failing calls at once and gives how long the slowest took.
func askAll(t *testing.T, n int, call func() error) time.Duration {
	began := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := call(); plr.CodeOf(err) != plr.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

// TestTheAddressWeakensNothing: what a connection string asks for does not make
// writes less durable or reads less true.
func TestTheAddressWeakensNothing(t *testing.T) {
	front := server(t)
	if front == nil {
		front = mongotest.Start(t).Front
	}
	r := &recorder{}
	uri := front.URI() + "weak?w=1&journal=false&readPreference=secondaryPreferred&readConcernLevel=local&retryWrites=false&retryReads=false&timeoutMS=0&maxPoolSize=5"
	s := openStore(t, uri, patience, r.monitor())
	storetest.EachCall(t, s, func(name string, call func(context.Context) error) {
		r.take()
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range r.take() {
			checkCommand(t, name, c)
			if n, _ := c.body.Lookup("txnNumber").AsInt64OK(); n == 0 && (c.name == "insert" || c.name == "update" || c.name == "findAndModify") {
				t.Errorf("%s: the driver would not repeat an %s whose answer was lost", name, c.name)
			}
		}
	})
}

// TestDocumentsOfANewerVersion are refused in words, and stay as they are.
func TestDocumentsOfANewerVersion(t *testing.T) {
	front := server(t)
	uri, name := database(t, front)
	s := openStore(t, uri, time.Second, nil)
	db := connect(t, uri).Database(name)
	all := func() map[string][]byte {
		out := map[string][]byte{}
		for _, l := range mongostore.Layouts() {
			cursor, err := db.Collection(l.Name).Find(t.Context(), bson.D{{Key: "schemaVersion", Value: 99}})
			if err != nil {
				t.Fatal(err)
			}
			var docs []bson.Raw
			if err := cursor.All(t.Context(), &docs); err != nil {
				t.Fatal(err)
			}
			for _, doc := range docs {
				out[l.Name+" "+doc.Lookup("_id").String()] = doc
			}
		}
		return out
	}
	var before map[string][]byte
	refused := 0
	storetest.EachCall(t, s, func(call string, do func(context.Context) error) {
		if before == nil {
			for _, l := range mongostore.Layouts() {
				if _, err := db.Collection(l.Name).UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "schemaVersion", Value: 99}, {Key: "new", Value: "part"}}}}); err != nil {
					t.Fatal(err)
				}
			}
			if before = all(); len(before) < 8 {
				t.Fatalf("only %d documents", len(before))
			}
		}
		switch err := do(t.Context()); {
		case errors.Is(err, mongostore.ErrNewer):
			refused++
		case err != nil && plr.CodeOf(err) != plr.CodeUnavailable && plr.CodeOf(err) != plr.CodeNotFound:
			t.Errorf("%s: %v", call, err)
		}
	})
	if refused < 20 {
		t.Errorf("only %d calls said why they refused", refused)
	}
	if _, err := s.Purge(t.Context(), plr.DueAt(storetest.T0.AddDate(200, 0, 0)), false); err != nil {
		t.Errorf("purge: %v", err)
	}
	after := all()
	for id, doc := range before {
		if !bytes.Equal(after[id], doc) {
			t.Errorf("%s was changed or is gone", id)
		}
	}
}
