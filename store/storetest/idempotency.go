package storetest

import (
	"maps"
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

// creation is one of the creates that can be repeated, seen alike.
type creation struct {
	name string
	// create makes a new object each time it is called, unless idem says otherwise.
	create func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) (any, error)
	// refuse is create with an owner's rule that says no.
	refuse func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) error
	// held counts the owner's objects.
	held func(t *testing.T, s plr.Store, uln plr.ULN) int
	// changes are ways to make the owner's one object differ from when it was
	// made. Each gives it as it is then.
	changes []func(t *testing.T, s plr.Store, uln plr.ULN) any
}

var creations = []creation{
	{
		name: "share link",
		create: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) (any, error) {
			link := Link(uln)
			return s.CreateShareLink(t.Context(), link, Ref(link), OwnedBy(uln, idem), admit(link))
		},
		refuse: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) error {
			link := Link(uln)
			_, err := s.CreateShareLink(t.Context(), link, Ref(link), OwnedBy(uln, idem), func(*plr.Sharing) error { return errEdit })
			return err
		},
		held: func(t *testing.T, s plr.Store, uln plr.ULN) int {
			return len(must[*plr.Sharing](t)(s.Sharing(t.Context(), uln)).Links) + len(must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), uln)))
		},
		changes: []func(*testing.T, plr.Store, plr.ULN) any{
			func(t *testing.T, s plr.Store, uln plr.ULN) any {
				doc := must[*plr.Sharing](t)(s.EditSharing(t.Context(), uln, func(sh *plr.Sharing) error {
					for _, link := range sh.Links {
						link.Label = ptr("another label")
					}
					return nil
				}))
				return slices.Collect(maps.Values(doc.Links))[0]
			},
			func(t *testing.T, s plr.Store, uln plr.ULN) any {
				must[int](t)(s.RevokeShareLinks(t.Context(), uln, nil, T0))
				return must[[]*plr.ShareLink](t)(s.RevokedShareLinks(t.Context(), uln))[0]
			},
		},
	},
	{
		name: "configured view",
		create: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) (any, error) {
			return s.CreateConfiguredView(t.Context(), View(uln), OwnedBy(uln, idem))
		},
		refuse: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) error {
			var ids []string
			for len(must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln))) < plr.MaxConfiguredViews {
				ids = append(ids, createdView(t, s, View(uln)).ID)
			}
			_, err := s.CreateConfiguredView(t.Context(), View(uln), OwnedBy(uln, idem))
			refused(t, err, plr.CodeLimitReached)
			must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), uln, ids[0], remove(T0)))
			return errEdit
		},
		held: func(t *testing.T, s plr.Store, uln plr.ULN) int {
			return len(must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln)))
		},
		changes: []func(*testing.T, plr.Store, plr.ULN) any{
			func(t *testing.T, s plr.Store, uln plr.ULN) any {
				v := must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln))[0]
				return must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), uln, v.ID, rename("another", T0)))
			},
			func(t *testing.T, s plr.Store, uln plr.ULN) any {
				v := must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln))[0]
				return must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), uln, v.ID, remove(T0)))
			},
		},
	},
	{
		name: "data challenge",
		create: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) (any, error) {
			return s.CreateDataChallenge(t.Context(), Challenge(uln, T0), OwnedBy(uln, idem), anyChallenge)
		},
		refuse: func(t *testing.T, s plr.Store, uln plr.ULN, idem *plr.Idempotency) error {
			_, err := s.CreateDataChallenge(t.Context(), Challenge(uln, T0), OwnedBy(uln, idem), func([]*plr.DataChallenge) error { return errEdit })
			return err
		},
		held: func(t *testing.T, s plr.Store, uln plr.ULN) int {
			return len(must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), uln)))
		},
		changes: []func(*testing.T, plr.Store, plr.ULN) any{
			func(t *testing.T, s plr.Store, uln plr.ULN) any {
				c := must[[]*plr.DataChallenge](t)(s.DataChallenges(t.Context(), uln))[0]
				return must[*plr.DataChallenge](t)(s.UpdateDataChallenge(t.Context(), uln, c.ID, withdraw))
			},
		},
	},
}

var idempotencyCases = func() (cases []testCase) {
	for _, c := range creations {
		for _, rule := range idempotencyRules {
			cases = append(cases, testCase{c.name + ": " + rule.name, func(t *testing.T, s plr.Store) { rule.run(t, s, c, NewULN()) }})
		}
	}
	return cases
}()

var idempotencyRules = []struct {
	name string
	run  func(t *testing.T, s plr.Store, c creation, uln plr.ULN)
}{
	{"what a key made can be looked up", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		if id := must[string](t)(s.MadeBefore(t.Context(), OwnedBy(uln, Idempotency(key, "input", T0)))); id != "" {
			t.Fatalf("a key nobody used made %q", id)
		}
		if id := must[string](t)(s.MadeBefore(t.Context(), nil)); id != "" {
			t.Fatalf("no key made %q", id)
		}
		must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0)))
		if id := must[string](t)(s.MadeBefore(t.Context(), OwnedBy(uln, Idempotency(key, "input", T0.Add(time.Hour))))); id == "" {
			t.Error("the key's object is not found")
		}
		_, err := s.MadeBefore(t.Context(), OwnedBy(uln, Idempotency(key, "other input", T0)))
		refused(t, err, plr.CodeConflict)
		if id := must[string](t)(s.MadeBefore(t.Context(), OwnedBy(uln, Idempotency(key, "input", T0.Add(plr.IdempotencyLife))))); id != "" {
			t.Error("the key is remembered beyond its life")
		}
		if n := c.held(t, s, uln); n != 1 {
			t.Errorf("looking up made %d objects", n)
		}
	}},
	{"without a key each call makes one", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		for range 2 {
			must[any](t)(c.create(t, s, uln, nil))
		}
		holds(t, s, c, uln, 2)
	}},
	{"the same key and input give what was made first", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		first := must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0)))
		for _, after := range []time.Duration{0, time.Minute, plr.IdempotencyLife - time.Millisecond, -time.Second} {
			same(t, "repeat", must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0.Add(after)))), first)
		}
		holds(t, s, c, uln, 1)
	}},
	{"a key's life counts from its first use", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		at := func(after time.Duration) { must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0.Add(after)))) }
		at(0)
		at(plr.IdempotencyLife - time.Millisecond)
		holds(t, s, c, uln, 1)
		at(plr.IdempotencyLife)
		holds(t, s, c, uln, 2)
		at(2*plr.IdempotencyLife - time.Millisecond)
		holds(t, s, c, uln, 2)
		at(2 * plr.IdempotencyLife)
		holds(t, s, c, uln, 3)
	}},
	{"after its life a key takes another input", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0)))
		second := must[any](t)(c.create(t, s, uln, Idempotency(key, "other input", T0.Add(plr.IdempotencyLife))))
		holds(t, s, c, uln, 2)
		same(t, "repeat", must[any](t)(c.create(t, s, uln, Idempotency(key, "other input", T0.Add(plr.IdempotencyLife)))), second)
		_, err := c.create(t, s, uln, Idempotency(key, "input", T0.Add(plr.IdempotencyLife)))
		refused(t, err, plr.CodeConflict)
	}},
	{"the same key with another input is a conflict", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		must[any](t)(c.create(t, s, uln, Idempotency(key, "input", T0)))
		_, err := c.create(t, s, uln, Idempotency(key, "other input", T0))
		refused(t, err, plr.CodeConflict)
		same(t, "refusal", err, plr.IdempotencyConflict())
		holds(t, s, c, uln, 1)
	}},
	{"the input is known again by any hash of the list", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		before, after := Idempotency(key, "", T0), Idempotency(key, "", T0)
		before.Hashes = []string{"by the old key", "by a key since taken off"}
		after.Hashes = []string{"by the new key", "by the old key"}
		first := must[any](t)(c.create(t, s, uln, before))
		same(t, "repeat after a rotation", must[any](t)(c.create(t, s, uln, after)), first)
		// Only the first hash was stored.
		after.Hashes = []string{"by the new key", "by a key since taken off"}
		_, err := c.create(t, s, uln, after)
		refused(t, err, plr.CodeConflict)
		holds(t, s, c, uln, 1)
	}},
	{"other keys are others", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		for _, k := range []string{key, key + "1", key[:len(key)-1]} {
			must[any](t)(c.create(t, s, uln, Idempotency(k, "input", T0)))
		}
		holds(t, s, c, uln, 3)
	}},
	{"of calls at once with one key one stores", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		answers := together(100, func(int) any {
			made, err := c.create(t, s, uln, Idempotency(key, "input", T0))
			if err != nil {
				t.Error(err)
			}
			return made
		})
		for _, made := range answers {
			same(t, "answer", made, answers[0])
		}
		holds(t, s, c, uln, 1)
	}},
	{"of calls at once with one key and two inputs one input wins", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		errs := together(40, func(i int) error {
			_, err := c.create(t, s, uln, Idempotency(key, []string{"input", "other input"}[i%2], T0))
			return err
		})
		for i := range errs {
			if (errs[i] == nil) != (errs[i%2] == nil) || (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("call %d was answered %v", i, errs[i])
			}
			if errs[i] != nil {
				refused(t, errs[i], plr.CodeConflict)
			}
		}
		holds(t, s, c, uln, 1)
	}},
	{"a refused create leaves the key free", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		key := NewID("key")
		if err := c.refuse(t, s, uln, Idempotency(key, "input", T0)); err != errEdit {
			t.Fatal(err)
		}
		before := c.held(t, s, uln)
		must[any](t)(c.create(t, s, uln, Idempotency(key, "other input", T0)))
		holds(t, s, c, uln, before+1)
	}},
	{"a repeat is answered where a new one would be refused", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		idem := Idempotency(NewID("key"), "input", T0)
		first := must[any](t)(c.create(t, s, uln, idem))
		if link, isLink := first.(*plr.ShareLink); isLink {
			again := must[*plr.ShareLink](t)(s.CreateShareLink(t.Context(), link, Ref(link), OwnedBy(uln, idem), func(*plr.Sharing) error { return errEdit }))
			same(t, "repeat", again, first)
		} else if _, isView := first.(*plr.ConfiguredView); isView {
			for range plr.MaxConfiguredViews - 1 {
				createdView(t, s, View(uln))
			}
			same(t, "repeat", must[any](t)(c.create(t, s, uln, idem)), first)
		} else {
			again := must[*plr.DataChallenge](t)(s.CreateDataChallenge(t.Context(), Challenge(uln, T0), OwnedBy(uln, idem), func([]*plr.DataChallenge) error { return errEdit }))
			same(t, "repeat", again, first)
		}
	}},
	{"a repeat gives the object as it is now", func(t *testing.T, s plr.Store, c creation, uln plr.ULN) {
		idem := Idempotency(NewID("key"), "input", T0)
		must[any](t)(c.create(t, s, uln, idem))
		for _, change := range c.changes {
			now := change(t, s, uln)
			same(t, "repeat", must[any](t)(c.create(t, s, uln, idem)), now)
		}
		holds(t, s, c, uln, 1)
	}},
}

func holds(t *testing.T, s plr.Store, c creation, uln plr.ULN, want int) {
	t.Helper()
	if n := c.held(t, s, uln); n != want {
		t.Fatalf("%d objects, want %d", n, want)
	}
}
