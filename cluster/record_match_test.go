package cluster

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
	"openplr/store/storetest"
)

// Records of a version before match keys: until Migrate has given each its keys
// nobody is matched, and afterwards every one is found.
func TestRecordsWithoutMatchKeys(t *testing.T) {
	front := server(t)
	uri, name := database(t, front)
	s := openStore(t, uri, patience, nil)
	const n = 120 // more than two steps
	var updates []plr.RecordUpdate
	for range n {
		updates = append(updates, storetest.Update(storetest.NewULN(), 1))
	}
	bare := storetest.Update(storetest.NewULN(), 1) // events alone
	bare.Register = nil
	if _, err := s.ImportRecords(t.Context(), append(updates, bare), storetest.T0); err != nil {
		t.Fatal(err)
	}
	keys := plr.MatchKeys(updates[0].Register)
	found := func() (int, error) {
		list, err := s.RecordsMatching(t.Context(), keys, 2*n)
		return len(list), err
	}
	if got, err := found(); got != n || err != nil {
		t.Fatalf("%d found, %v", got, err)
	}
	in := connect(t, uri).Database(name).Collection("records")
	for _, filter := range []bson.D{
		{}, {{Key: "_id", Value: updates[7].ULN}}, {{Key: "_id", Value: bare.ULN}}, // as an older replica would leave it
	} {
		if _, err := in.UpdateMany(t.Context(), filter, bson.D{{Key: "$unset", Value: bson.D{{Key: "matchKeys", Value: ""}}}}); err != nil {
			t.Fatal(err)
		}
		if got, err := found(); plr.CodeOf(err) != plr.CodeUnavailable || errors.Unwrap(err) == nil {
			t.Errorf("%v: %d found, %v", filter, got, err)
		}
		if _, err := s.RecordsMatching(t.Context(), nil, 1); plr.CodeOf(err) != plr.CodeUnavailable {
			t.Errorf("%v: without a key: %v", filter, err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := found(); got != n || err != nil {
			t.Errorf("%v: after the migration %d found, %v", filter, got, err)
		}
	}
	record, err := s.Record(t.Context(), updates[3].ULN)
	if err != nil || len(record.Events) != 1 {
		t.Errorf("the migration changed a record: %+v, %v", record, err)
	}
}
