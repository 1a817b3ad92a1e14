package cluster

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/storetest"
)

// replaced answers the next find on the Sharing documents with what one was, as
// a primary does that does not know yet that it was replaced.
func replaced(front *mongotest.Front, database string, was ...bson.Raw) {
	answered := false
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		if answered || c.Name != "find" || c.Collection != "sharing" {
			return mongotest.Action{}
		}
		answered = true
		batch := bson.A{}
		for _, doc := range was {
			batch = append(batch, doc)
		}
		return mongotest.Action{Reply: bson.D{{Key: "ok", Value: 1.0}, {Key: "cursor", Value: bson.D{
			{Key: "id", Value: int64(0)}, {Key: "ns", Value: database + ".sharing"}, {Key: "firstBatch", Value: batch},
		}}}}
	})
}

// TestNoStopIsAnsweredByAReadAlone: what an owner is told has stopped has
// stopped, although the first read was out of date.
func TestNoStopIsAnsweredByAReadAlone(t *testing.T) {
	front := mongotest.Start(t).Front
	const database = "stale"
	s := openStore(t, front.URI()+database, 4*time.Second, nil)
	document := func(uln plr.ULN) bson.Raw {
		raw, err := connect(t, front.URI()).Database(database).Collection("sharing").FindOne(t.Context(), bson.D{{Key: "_id", Value: uln}}).Raw()
		ok(t, err)
		return raw
	}
	share := func(uln plr.ULN) {
		link := storetest.Link(uln)
		_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
		ok(t, err)
	}

	t.Run("revoke all", func(t *testing.T) {
		uln := storetest.NewULN()
		share(uln)
		replaced(front, database)
		n, err := s.RevokeShareLinks(t.Context(), uln, nil, storetest.T0)
		ok(t, err)
		if sh, err := s.Sharing(t.Context(), uln); err != nil || len(sh.Links) != 0 || n != 1 {
			t.Fatalf("all links were revoked, %d of them, and %d live, %v", n, len(sh.Links), err)
		}
	})

	t.Run("opt-out", func(t *testing.T) {
		service, err := plr.New(plr.Config{
			Store: s, Now: func() time.Time { return storetest.T0 }, Random: rand.Reader, PublicURL: "https://plr.test", Marking: "marked", PINSlots: 1,
			LinkKeys: plr.LinkKeys{{ID: "k1", Key: bytes.Repeat([]byte{1}, 32)}},
		})
		ok(t, err)
		uln := storetest.NewULN()
		_, err = s.ImportRecords(t.Context(), []plr.RecordUpdate{storetest.Update(uln, 1)}, storetest.T0)
		ok(t, err)
		move := func(in plr.SetSharingPreferenceInput) {
			t.Helper()
			_, err := service.SetSharingPreference(t.Context(), uln, in)
			ok(t, err)
		}
		out := plr.SetSharingPreferenceInput{OptOut: true, ConsequencesAcknowledged: true}
		move(out)
		was := document(uln)
		move(plr.SetSharingPreferenceInput{})
		replaced(front, database, was)
		move(out)
		front.Intercept(nil)
		if sh, err := s.Sharing(t.Context(), uln); err != nil || !sh.OptedOut {
			t.Fatalf("an opt-out was acknowledged, and sharing is on, %v", err)
		}
	})
}

// TestAGuessGivenBackMeanwhile is there to be taken: that none was left a moment
// ago is no answer, and was none for ever with a document of an older version.
func TestAGuessGivenBackMeanwhile(t *testing.T) {
	server := mongotest.Start(t)
	front := server.Listen(t)
	s, other := openStore(t, front.URI()+"guess", 4*time.Second, nil), openStore(t, server.URI()+"guess", 4*time.Second, nil)
	link := storetest.Link(storetest.NewULN())
	link.PINHash, link.GuessesLeft = "hash", 1
	_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
	ok(t, err)
	if taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, storetest.T0); err != nil || !taken {
		t.Fatalf("%v, %v", taken, err)
	}
	given := false
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		if given || c.Name != "find" || c.Collection != "sharing" { // what it reads when no guess was left
			return mongotest.Action{}
		}
		given = true
		return mongotest.Action{Before: func() { ok(t, other.SettleGuess(t.Context(), link.ULN, link.ID, true, storetest.T0)) }}
	})
	if taken, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, storetest.T0); err != nil || !taken || !given {
		t.Errorf("taken %v, %v, after it was given back: %v", taken, err, given)
	}
}
