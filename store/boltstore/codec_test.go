package boltstore

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"openplr/plr"
	"openplr/store/storetest"
)

// TestUnknownCodec: a value this version cannot read is a fault, never an
// empty or a missing object, and is not written over.
func TestUnknownCodec(t *testing.T) {
	t.Parallel()
	s := temp(t)
	ctx, uln := t.Context(), storetest.NewULN()
	link, view, challenge := storetest.Link(uln), storetest.View(uln), storetest.Challenge(uln, storetest.T0)
	gone := storetest.Link(uln)
	entry, account := storetest.Entry(uln, link.ID, storetest.T0, plr.AccessDisclosed), storetest.Account()
	idem := storetest.Idempotency("key", "input", storetest.T0)
	u := storetest.Update(uln, 1)
	u.Linked = []plr.ULN{storetest.NewULN()}
	admitChallenge := func([]*plr.DataChallenge) error { return nil }
	var review *plr.ReviewCase
	change := plr.PreferenceChange{At: storetest.T0}
	keep := func(*plr.Sharing) error { return nil }
	anyView := func(v *plr.ConfiguredView) error { v.Version++; return nil }

	writes := map[string]func() error{
		"ImportRecords": func() error { _, err := s.ImportRecords(ctx, []plr.RecordUpdate{u}, storetest.T0); return err },
		"UnbindULN":     func() error { return s.UnbindULN(ctx, uln, "") },
		"EnsureAccount": func() error { _, err := s.EnsureAccount(ctx, account); return err },
		"EditIdentity": func() error {
			_, err := s.EditIdentity(ctx, account.ID, func(f *plr.IdentityFile) error { f.FailedTotal++; return nil })
			return err
		},
		"CountClaim": func() error { _, err := s.CountClaim(ctx, "key", account.ID, storetest.T0); return err },
		"CreateReviewCase": func() error {
			_, _, err := s.CreateReviewCase(ctx, storetest.Review("act_1", uln, storetest.T0))
			return err
		},
		"EditReviewCase": func() error {
			_, err := s.EditReviewCase(ctx, review.ID, func(c *plr.ReviewCase) error { c.Version++; return nil })
			return err
		},
		"SuspendAccount": func() error { return s.SuspendAccount(ctx, account.ID, &storetest.T0) },
		"AddNotice": func() error {
			return s.AddNotice(ctx, account.ID, plr.AccountNotice{Kind: plr.NoticeMoved, At: storetest.T0})
		},
		"BindAccount": func() error { return s.BindAccount(ctx, account.ID, uln, storetest.T0) },
		"EndSession": func() error {
			return s.EndSession(ctx, account.ID, "ses_1", storetest.T0.Add(time.Hour), storetest.T0)
		},
		"InvalidateSessions": func() error {
			return s.InvalidateSessions(ctx, account.ID, storetest.T0.Add(time.Hour))
		},
		"SetSharingPreference": func() error { _, err := s.SetSharingPreference(ctx, uln, change, keep); return err },
		"CreateShareLink": func() error {
			_, err := s.CreateShareLink(ctx, link, storetest.Ref(link), idem, put(link))
			return err
		},
		"RevokeShareLinks": func() error { _, err := s.RevokeShareLinks(ctx, uln, []string{link.ID}, storetest.T0); return err },
		"TakeGuess":        func() error { _, _, err := s.TakeGuess(ctx, uln, gone.ID, storetest.T0); return err },
		"ClaimRedemption":  func() error { _, err := s.ClaimRedemption(ctx, storetest.Claim(link, storetest.T0)); return err },
		"RenewLease": func() error {
			_, err := s.RenewLease(ctx, plr.Renewal{ULN: uln, LinkID: link.ID, LeaseID: "lease", Now: storetest.T0})
			return err
		},
		"ReleaseLease": func() error { return s.ReleaseLease(ctx, uln, "lease") },
		"CreateConfiguredView": func() error {
			_, err := s.CreateConfiguredView(ctx, storetest.View(uln), nil)
			return err
		},
		"UpdateConfiguredView": func() error { _, err := s.UpdateConfiguredView(ctx, uln, view.ID, anyView); return err },
		"CreateDataChallenge": func() error {
			_, err := s.CreateDataChallenge(ctx, storetest.Challenge(uln, storetest.T0), nil, admitChallenge)
			return err
		},
	}
	reads := map[string]func() error{
		"Identity":     func() error { _, err := s.Identity(ctx, account.ID); return err },
		"ClaimEntries": func() error { _, err := s.ClaimEntries(ctx, account.ID, 1); return err },
		"ReviewCase":   func() error { _, err := s.ReviewCase(ctx, review.ID); return err },
		"ReviewCases":  func() error { _, _, err := s.ReviewCases(ctx, plr.ReviewQuery{Limit: 1}); return err },
		"RecordsMatching": func() error {
			_, err := s.RecordsMatching(ctx, plr.MatchKeys(u.Register), 1)
			return err
		},
		"Record":            func() error { _, err := s.Record(ctx, uln); return err },
		"Record, linked":    func() error { _, err := s.Record(ctx, u.Linked[0]); return err },
		"Account":           func() error { _, err := s.Account(ctx, account.ID); return err },
		"Sharing":           func() error { _, err := s.Sharing(ctx, uln); return err },
		"PreferenceChanges": func() error { _, err := s.PreferenceChanges(ctx, uln); return err },
		"RevokedShareLink":  func() error { _, err := s.RevokedShareLink(ctx, uln, gone.ID); return err },
		"RevokedShareLinks": func() error { _, err := s.RevokedShareLinks(ctx, uln); return err },
		"SecretOwner":       func() error { _, err := s.SecretOwner(ctx, storetest.Ref(link).Hash); return err },
		"ConfiguredView":    func() error { _, err := s.ConfiguredView(ctx, uln, view.ID); return err },
		"ConfiguredViewVersion": func() error {
			_, err := s.ConfiguredViewVersion(ctx, uln, view.ID, 1)
			return err
		},
		"ConfiguredViews": func() error { _, err := s.ConfiguredViews(ctx, uln); return err },
		"DataChallenges":  func() error { _, err := s.DataChallenges(ctx, uln); return err },
		"AccessEntry":     func() error { _, err := s.AccessEntry(ctx, uln, entry.ID); return err },
		"AccessEntries": func() error {
			_, _, err := s.AccessEntries(ctx, uln, plr.AccessQuery{Limit: 1})
			return err
		},
		"AccessEntries, filtered": func() error {
			_, _, err := s.AccessEntries(ctx, uln, plr.AccessQuery{LinkID: "another", Limit: 1})
			return err
		},
	}
	for name, do := range map[string]func() error{
		"revoked link": func() error {
			if _, err := s.CreateShareLink(ctx, gone, storetest.Ref(gone), nil, put(gone)); err != nil {
				return err
			}
			_, err := s.RevokeShareLinks(ctx, uln, nil, storetest.T0)
			return err
		},
		"view": func() error {
			if _, err := s.CreateConfiguredView(ctx, view, nil); err != nil {
				return err
			}
			return writes["UpdateConfiguredView"]()
		},
		"challenge":   func() error { _, err := s.CreateDataChallenge(ctx, challenge, nil, admitChallenge); return err },
		"entry":       func() error { return s.AppendAccessEntry(ctx, entry) },
		"claim entry": func() error { return s.AppendClaimEntry(ctx, storetest.ClaimEntry(account.ID, storetest.T0)) },
		"review case": func() (err error) {
			review, _, err = s.CreateReviewCase(ctx, storetest.Review("act_1", uln, storetest.T0))
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"ImportRecords", "EnsureAccount", "BindAccount", "EditIdentity", "CountClaim", "CreateShareLink", "SetSharingPreference"} {
		if err := writes[name](); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, do := range reads {
		if err := do(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}

	// Every value now claims to be of a codec that is not known.
	err := s.db.Update(func(b *bbolt.Tx) error {
		for _, name := range buckets {
			values := map[string][]byte{}
			if err := b.Bucket(name).ForEach(func(k, v []byte) error {
				values[string(k)] = append([]byte{99}, v[1:]...)
				return nil
			}); err != nil {
				return err
			}
			if len(values) == 0 {
				t.Errorf("nothing is stored in %s", name)
			}
			for k, v := range values {
				if err := b.Bucket(name).Put([]byte(k), v); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, calls := range []map[string]func() error{reads, writes} {
		written := commits(s)
		for name, do := range calls {
			err := do()
			if err == nil || plr.CodeOf(err) != plr.CodeInternal || !strings.Contains(err.Error(), "codec 99") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if n := written(); n != 0 {
			t.Errorf("%d pages were written over what could not be read", n)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"nothing": "", "an unknown codec": "\x00{}", "half a value": "\x01{\"ID\":", "no JSON": "\x01"} {
		if err := decode([]byte(data), &plr.Account{}); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestKeysSortAsTheirParts(t *testing.T) {
	t.Parallel()
	instants := []time.Time{
		{}, time.Date(-400, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 5), time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, 999_999_999),
		time.Unix(1, 0), storetest.T0, storetest.T0.Add(time.Nanosecond), storetest.T0.Add(time.Millisecond),
		time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Unix(256, 0), time.Unix(255, 0),
	}
	slices.SortFunc(instants, time.Time.Compare)
	for i := 1; i < len(instants); i++ {
		if instant(instants[i-1]) >= instant(instants[i]) {
			t.Errorf("%v does not sort before %v", instants[i-1], instants[i])
		}
	}
	if london := storetest.T0.In(plr.London()); instant(london) != instant(storetest.T0) {
		t.Error("an instant's key depends on its zone")
	}
	numbers := []uint64{0, 1, 255, 256, 65535, 65536, math.MaxInt64, math.MaxUint64}
	for i := 1; i < len(numbers); i++ {
		if ordered(numbers[i-1]) >= ordered(numbers[i]) {
			t.Errorf("%d does not sort before %d", numbers[i-1], numbers[i])
		}
	}
	prefix := ofULN("9000000008")
	for key, inside := range map[string]bool{
		"9000000008\x00": true, "9000000008\x00z": true, "9000000008\x00\xff\xff": true, "9000000008": false, "90000000080\x00": false, "9000000009\x00": false,
	} {
		in := bytes.Compare([]byte(key), prefix) >= 0 && bytes.Compare([]byte(key), behind(prefix)) < 0
		if in != inside || in != bytes.HasPrefix([]byte(key), prefix) {
			t.Errorf("%q: inside %v", key, in)
		}
	}
}

// TestDeadKeysAreForgotten: the memory of idempotency keys does not grow for ever.
func TestDeadKeysAreForgotten(t *testing.T) {
	t.Parallel()
	s := temp(t)
	count := func(b bucket) (n int) {
		err := s.read(t.Context(), func(x *tx) error {
			return x.walk(b, nil, func(_, _ []byte) (bool, error) { n++; return true, nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	create := func(key string, at time.Time) {
		t.Helper()
		if _, err := s.CreateConfiguredView(t.Context(), storetest.View(storetest.NewULN()), storetest.Idempotency(key, "input", at)); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		create(storetest.NewID("key"), storetest.T0)
	}
	create("again", storetest.T0)
	create("again", storetest.T0.Add(plr.IdempotencyLife)) // a key's second life leaves no trace of its first
	if i, a := count(idempotency), count(idempotencyAges); i != 21 || a != 21 {
		t.Fatalf("%d keys, %d ages", i, a)
	}
	for i := range 5 {
		create(storetest.NewID("key"), storetest.T0.Add(2*plr.IdempotencyLife+time.Duration(1+i)*time.Second))
	}
	if i, a := count(idempotency), count(idempotencyAges); i != 6 || a != 6 {
		t.Fatalf("%d keys, %d ages", i, a)
	}
}
