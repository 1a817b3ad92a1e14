package cluster

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/storetest"
)

// TestPurgeCutOff: a secret whose link is gone names a learner; a purge that
// ended between the two leaves it to the next one, also when an earlier purge
// had seen that the link was there.
func TestPurgeCutOff(t *testing.T) {
	front := mongotest.Start(t).Front
	s := openStore(t, front.URI()+"purge_cut_off", 2*time.Second, nil)
	secrets := connect(t, front.URI()).Database("purge_cut_off").Collection("secrets")
	link := storetest.Link(storetest.NewULN())
	_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, func(sh *plr.Sharing) error { return sh.Admit(link, false) })
	ok(t, err)
	_, err = s.Purge(t.Context(), plr.DueAt(storetest.T0.AddDate(0, 1, 0)), false)
	ok(t, err)
	if n, err := secrets.CountDocuments(t.Context(), bson.D{{Key: "settled", Value: true}}); err != nil || n != 1 {
		t.Fatalf("%d secrets were looked at, %v", n, err)
	}
	due := plr.DueAt(link.ExpiresAt.AddDate(10, 0, 0))
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		return mongotest.Action{DropBefore: c.Collection == "secrets" && c.Name == "delete"}
	})
	_, err = s.Purge(t.Context(), due, false)
	unavailable(t, err)
	if sh, err := s.Sharing(t.Context(), link.ULN); err == nil && len(sh.Links) != 0 {
		t.Fatal("it ended before the link was removed: this shows nothing")
	}
	cutOff(t, front, s, "none")()
	_, err = s.Purge(t.Context(), due, false)
	ok(t, err)
	if n, err := secrets.CountDocuments(t.Context(), bson.D{}); err != nil || n != 0 {
		t.Errorf("%d secrets are left behind, %v", n, err)
	}
}

// TestPurgedStaysAway: the create after a purge does not bring back what an
// earlier create, cut off, had still noted as on its way.
func TestPurgedStaysAway(t *testing.T) {
	front := mongotest.Start(t).Front
	s := openStore(t, front.URI()+"stays_away", 2*time.Second, nil)
	uln := storetest.NewULN()
	admit := func([]*plr.DataChallenge) error { return nil }
	front.Intercept(func(c *mongotest.Command) mongotest.Action {
		return mongotest.Action{DropBefore: c.Collection == "creations" && c.Name == "update"}
	})
	first := storetest.Challenge(uln, storetest.T0)
	_, err := s.CreateDataChallenge(t.Context(), first, nil, admit)
	unavailable(t, err)
	cutOff(t, front, s, "none")()
	_, err = s.UpdateDataChallenge(t.Context(), uln, first.ID, func(c *plr.DataChallenge) error {
		c.Status, c.Version = plr.ChallengeWithdrawn, c.Version+1
		return nil
	})
	ok(t, err)
	done, err := s.Purge(t.Context(), plr.DueAt(storetest.T0.AddDate(10, 0, 0)), false)
	if err != nil || done.Challenges != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	_, err = s.CreateDataChallenge(t.Context(), storetest.Challenge(uln, storetest.T0), nil, admit)
	ok(t, err)
	if list, err := s.DataChallenges(t.Context(), uln); err != nil || len(list) != 1 {
		t.Errorf("%d challenges after one was removed and one made, %v", len(list), err)
	}
}
