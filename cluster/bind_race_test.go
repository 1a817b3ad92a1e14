package cluster

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/cluster/mongotest"
	"openplr/plr"
	"openplr/store/mongostore"
	"openplr/store/storetest"
)

// TestANumberIsNeverOnTwoAccounts: two replicas, one of them stopped between
// what it read of a binding and what it does about it.
func TestANumberIsNeverOnTwoAccounts(t *testing.T) {
	server := mongotest.Start(t)
	fast, slow := server.Listen(t), server.Listen(t)
	one, other := openStore(t, fast.URI()+"bind", 20*time.Second, nil), openStore(t, slow.URI()+"bind", 20*time.Second, nil)
	account := func(id string) string {
		a, err := one.EnsureAccount(t.Context(), &plr.Account{ID: id, Issuer: "https://issuer.test", Subject: id, CreatedAt: storetest.T0})
		ok(t, err)
		return a.ID
	}
	// stopped runs call on the slow replica, and meanwhile when it is about to
	// send its first command of that name on the bindings.
	stopped := func(name string, call func(*mongostore.Store) error, meanwhile func()) error {
		reached, goOn, ended, first := make(chan struct{}), make(chan struct{}), make(chan error, 1), true
		slow.Intercept(func(c *mongotest.Command) mongotest.Action {
			if !first || c.Name != name || c.Collection != "bindings" {
				return mongotest.Action{}
			}
			first = false
			close(reached)
			return mongotest.Action{Hold: goOn}
		})
		go func() { ended <- call(other) }()
		select {
		case <-reached:
		case err := <-ended:
			t.Fatalf("it ended without a %s: %v", name, err)
		}
		meanwhile()
		close(goOn)
		return <-ended
	}
	// owners counts the accounts that the number is on.
	owners := func(uln plr.ULN, ids ...string) (out []string) {
		for _, id := range ids {
			a, err := one.Account(t.Context(), id)
			ok(t, err)
			if a.ULN == uln {
				out = append(out, id)
			}
		}
		return out
	}

	t.Run("bound again while it is freed", func(t *testing.T) {
		uln, a, b := storetest.NewULN(), account("act_1"), account("act_2")
		ok(t, one.BindAccount(t.Context(), a, uln, storetest.T0))
		ok(t, stopped("delete", func(s *mongostore.Store) error { return s.UnbindULN(t.Context(), uln, "") }, func() {
			ok(t, one.BindAccount(t.Context(), a, uln, storetest.T0))
		}))
		if err := one.BindAccount(t.Context(), b, uln, storetest.T0); plr.CodeOf(err) != plr.CodeAlreadyDone {
			t.Errorf("another account's binding: %v", err)
		}
		if on := owners(uln, a, b); len(on) != 1 {
			t.Errorf("the number is on %v", on)
		}
	})

	t.Run("an old reservation taken over while its account uses it", func(t *testing.T) {
		uln, a, b := storetest.NewULN(), account("act_3"), account("act_4")
		die := func(collection string) { // the process dies before the update behind the reservation
			fast.Intercept(func(c *mongotest.Command) mongotest.Action {
				return mongotest.Action{Reply: deadAt(c, collection)}
			})
			unavailable(t, one.BindAccount(t.Context(), a, uln, storetest.T0))
			fast.Intercept(nil)
		}
		die("accounts")
		later := storetest.T0.Add(2 * time.Minute)
		err := stopped("update", func(s *mongostore.Store) error { return s.BindAccount(t.Context(), b, uln, later) }, func() {
			puts := 0
			fast.Intercept(func(c *mongotest.Command) mongotest.Action {
				if c.Name == "update" && c.Collection == "accounts" {
					puts++
				}
				if puts > 0 && c.Collection == "bindings" {
					return mongotest.Action{Reply: deadAt(c, "bindings")}
				}
				return mongotest.Action{}
			})
			unavailable(t, one.BindAccount(t.Context(), a, uln, later))
			fast.Intercept(nil)
		})
		if plr.CodeOf(err) != plr.CodeAlreadyDone {
			t.Errorf("the account that came too late: %v", err)
		}
		if on := owners(uln, a, b); len(on) != 1 {
			t.Errorf("the number is on %v", on)
		}
		if holder, err := one.AccountOf(t.Context(), uln); err != nil || holder.ID != a {
			t.Errorf("the number's account: %v, %v", holder, err)
		}
	})
}

// deadAt answers an update of a collection with an error, which ends the call
// there as the death of the process would.
func deadAt(c *mongotest.Command, collection string) bson.D {
	if c.Name != "update" || c.Collection != collection {
		return nil
	}
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: int32(8)}, {Key: "errmsg", Value: "ended here"}}
}
