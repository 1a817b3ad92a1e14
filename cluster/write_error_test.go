package cluster

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/storetest"
)

// noMajority is what a server says of a write that a majority has not got.
var noMajority = bson.E{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: int32(64)}, {Key: "codeName", Value: "WriteConcernFailed"}, {Key: "errmsg", Value: "waiting for replication timed out"}}}

func refusedWrite(index, code int32) bson.D {
	return bson.D{{Key: "index", Value: index}, {Key: "code", Value: code}, {Key: "errmsg", Value: "a person's number"}}
}

// answering answers every command of a kind on a collection so.
func answering(front *mongotest.Front, name, collection string, reply bson.D) {
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		if c.Name == name && c.Collection == collection {
			return mongotest.Action{Reply: reply}
		}
		return mongotest.Action{}
	})
}

// TestAWriteWithoutAMajorityIsNoSuccess: it may be rolled back, and so may what
// it found to be there.
func TestAWriteWithoutAMajorityIsNoSuccess(t *testing.T) {
	front := mongotest.Start(t).Front
	s := openStore(t, front.URI()+"no_majority", 2*time.Second, nil)
	link := storetest.Link(storetest.NewULN())
	_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
	ok(t, err)
	whole := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: int32(1)}, {Key: "nModified", Value: int32(1)}, noMajority}
	there := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: int32(0)}, {Key: "writeErrors", Value: bson.A{refusedWrite(0, 11000)}}, noMajority}
	entry := storetest.Entry(link.ULN, link.ID, storetest.T0, plr.AccessDisclosed)

	answering(front, "insert", "access_entries", whole)
	unavailable(t, s.AppendAccessEntry(t.Context(), entry))
	answering(front, "insert", "access_entries", there)
	unavailable(t, s.AppendAccessEntry(t.Context(), entry))
	answering(front, "update", "sharing", whole)
	unavailable(t, s.SettleGuess(t.Context(), link.ULN, link.ID, true, storetest.T0))
	answering(front, "findAndModify", "sharing", bson.D{{Key: "ok", Value: 1.0}, {Key: "value", Value: bson.D{{Key: "_id", Value: link.ULN}}}, noMajority})
	_, err = s.EditSharing(t.Context(), link.ULN, func(*plr.Sharing) error { return nil })
	unavailable(t, err)
}

// TestWhatFailedBesideWhatWasThere: a copy that failed does not pass for one
// that is there because another is, or a revoked link would be lost.
func TestWhatFailedBesideWhatWasThere(t *testing.T) {
	front := mongotest.Start(t).Front
	s := openStore(t, front.URI()+"beside", 2*time.Second, nil)
	uln := storetest.NewULN()
	for range 2 {
		link := storetest.Link(uln)
		_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
		ok(t, err)
	}
	const hostUnreachable = 6
	answering(front, "insert", "revoked_links", bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: int32(0)},
		{Key: "writeErrors", Value: bson.A{refusedWrite(0, 11000), refusedWrite(1, hostUnreachable)}}})
	if n, err := s.RevokeShareLinks(t.Context(), uln, nil, storetest.T0); err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	front.Intercept(nil)
	if list, err := s.RevokedShareLinks(t.Context(), uln); err != nil || len(list) != 2 {
		t.Fatalf("%d revoked links are left of two, %v", len(list), err)
	}
}
