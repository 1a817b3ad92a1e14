package boltstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/storetest"
)

// fill imports learners from (included) to (not included), each with one bare event.
func fill(tb testing.TB, s *Store, from, to int) {
	tb.Helper()
	updates := make([]plr.RecordUpdate, 0, to-from)
	for n := from; n < to; n++ {
		uln := storetest.ULN(n)
		updates = append(updates, plr.RecordUpdate{ULN: uln, Events: []plr.LearningEvent{{ID: plr.EventIDOf("1"), EventID: "1"}}, Linked: []plr.ULN{storetest.ULN(n + 10_000_000)}})
	}
	if _, err := s.ImportRecords(context.Background(), updates, storetest.T0); err != nil {
		tb.Fatal(err)
	}
}

// learner gives one learner everything a store can hold, under names made from uln.
type learner struct {
	uln       plr.ULN
	link      *plr.ShareLink
	revoked   *plr.ShareLink
	view      *plr.ConfiguredView
	challenge *plr.DataChallenge
	entry     *plr.AccessEntry
	account   *plr.Account
}

func newLearner(ctx context.Context, s *Store, uln plr.ULN) (*learner, error) {
	l := &learner{
		uln: uln, link: storetest.Link(uln), revoked: storetest.Link(uln), view: storetest.View(uln),
		challenge: storetest.Challenge(uln, storetest.T0), account: storetest.Account(),
	}
	l.entry = storetest.Entry(uln, l.link.ID, storetest.T0, plr.AccessDisclosed)
	_, err1 := s.CreateShareLink(ctx, l.revoked, storetest.Ref(l.revoked), nil, put(l.revoked))
	_, err2 := s.RevokeShareLinks(ctx, uln, nil, storetest.T0)
	_, err3 := s.CreateShareLink(ctx, l.link, storetest.Ref(l.link), storetest.Idempotency(l.link.ID, "input", storetest.T0), put(l.link))
	_, err4 := s.CreateConfiguredView(ctx, l.view, nil)
	_, err5 := s.CreateDataChallenge(ctx, l.challenge, nil, func([]*plr.DataChallenge) error { return nil })
	_, err6 := s.EnsureAccount(ctx, l.account)
	return l, errors.Join(err1, err2, err3, err4, err5, err6, s.BindAccount(ctx, l.account.ID, uln, storetest.T0), s.AppendAccessEntry(ctx, l.entry))
}

// lookUps is every read of what one learner owns.
func (l *learner) lookUps(ctx context.Context, s *Store) map[string]func() error {
	return map[string]func() error{
		"HasRecords":            func() error { _, err := s.HasRecords(ctx); return err },
		"Record":                func() error { _, err := s.Record(ctx, l.uln); return err },
		"Record, unknown":       func() error { _, err := s.Record(ctx, "9999999999"); return missing(err) },
		"Account":               func() error { _, err := s.Account(ctx, l.account.ID); return err },
		"EnsureAccount":         func() error { _, err := s.EnsureAccount(ctx, l.account); return err },
		"Sharing":               func() error { _, err := s.Sharing(ctx, l.uln); return err },
		"PreferenceChanges":     func() error { _, err := s.PreferenceChanges(ctx, l.uln); return err },
		"RevokedShareLink":      func() error { _, err := s.RevokedShareLink(ctx, l.uln, l.revoked.ID); return err },
		"RevokedShareLinks":     func() error { _, err := s.RevokedShareLinks(ctx, l.uln); return err },
		"SecretOwner":           func() error { _, err := s.SecretOwner(ctx, storetest.Ref(l.link).Hash); return err },
		"ConfiguredView":        func() error { _, err := s.ConfiguredView(ctx, l.uln, l.view.ID); return err },
		"ConfiguredViewVersion": func() error { _, err := s.ConfiguredViewVersion(ctx, l.uln, l.view.ID, 1); return err },
		"ConfiguredViews":       func() error { _, err := s.ConfiguredViews(ctx, l.uln); return err },
		"DataChallenges":        func() error { _, err := s.DataChallenges(ctx, l.uln); return err },
		"AccessEntry":           func() error { _, err := s.AccessEntry(ctx, l.uln, l.entry.ID); return err },
		"AccessEntries": func() error {
			_, _, err := s.AccessEntries(ctx, l.uln, plr.AccessQuery{Limit: 10})
			return err
		},
		"AccessEntries, filtered": func() error {
			_, _, err := s.AccessEntries(ctx, l.uln, plr.AccessQuery{Limit: 10, LinkID: l.link.ID})
			return err
		},
		"MadeBefore": func() error {
			_, err := s.MadeBefore(ctx, storetest.Idempotency(l.link.ID, "input", storetest.T0))
			return err
		},
		"CreateShareLink, repeated": func() error {
			_, err := s.CreateShareLink(ctx, l.link, storetest.Ref(l.link), storetest.Idempotency(l.link.ID, "input", storetest.T0), put(l.link))
			return err
		},
	}
}

func missing(err error) error {
	if plr.CodeOf(err) == plr.CodeNotFound {
		return nil
	}
	return fmt.Errorf("got %w, want NOT_FOUND", err)
}

// TestLookUpsDoNotGrowWithTheFile: among 20,000 learners a look-up makes as
// many cursors, and as many objects, as among a few; only the tree is deeper.
// A walk over other learners would show in thousands. Not parallel: it counts
// allocations.
func TestLookUpsDoNotGrowWithTheFile(t *testing.T) { //nolint:paralleltest // see above
	s := temp(t)
	ctx := t.Context()
	fill(t, s, 0, 10)
	one, err := newLearner(ctx, s, storetest.ULN(5))
	if err != nil {
		t.Fatal(err)
	}
	type cost struct {
		cursors int64
		objects float64
	}
	measure := func() map[string]cost {
		costs := map[string]cost{}
		for name, do := range one.lookUps(ctx, s) {
			before := s.db.Stats()
			if err := do(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			after := s.db.Stats()
			diff := after.Sub(&before)
			costs[name] = cost{diff.TxStats.GetCursorCount(), testing.AllocsPerRun(20, func() { _ = do() })}
		}
		return costs
	}
	small := measure()

	const many, others = 20_000, 200
	fill(t, s, 10, many)
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for n := w; n < others; n += 20 {
				if _, err := newLearner(ctx, s, storetest.ULN(1000+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for name, big := range measure() {
		if big.cursors > small[name].cursors || big.objects > small[name].objects*1.2+10 {
			t.Errorf("%s: %+v among many, %+v among few", name, big, small[name])
		}
	}
	err = s.read(ctx, func(x *tx) error {
		st := x.bolt.Bucket(records).Stats()
		if st.KeyN != many || st.Depth > 4 {
			t.Errorf("%d records at depth %d", st.KeyN, st.Depth)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := temp(b)
			fill(b, s, 0, n)
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				if _, err := s.Record(b.Context(), storetest.ULN(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLookUps is what one learner's reads and a redemption's write cost
// among a thousand, a hundred thousand and a million learners of 15 events, each
// time of another learner. The million takes some minutes to fill and 4 GB of
// TMPDIR:
//
//	go test ./store/boltstore -run '^$' -bench LookUps -benchtime 20000x -timeout 1h
//
// -short leaves it out. bench/doc.go has what was measured.
func BenchmarkLookUps(b *testing.B) {
	for _, learners := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(learners), func(b *testing.B) {
			if testing.Short() && learners > 100_000 {
				b.Skip("a million learners are left out with -short")
			}
			s, ctx := temp(b), b.Context()
			const step = 1000
			for from := 0; from < learners; from += step {
				updates := make([]plr.RecordUpdate, step)
				for i := range updates {
					// Scattered, as people come into the register.
					updates[i] = storetest.Update(storetest.ULN((from+i)*1_618_033%learners), 15)
				}
				if _, err := s.ImportRecords(ctx, updates, storetest.T0); err != nil {
					b.Fatal(err)
				}
			}
			const sharing = 1000
			var wg sync.WaitGroup
			owners := make([]*learner, sharing)
			for w := range 50 {
				wg.Go(func() {
					for n := w; n < sharing; n += 50 {
						var err error
						if owners[n], err = newLearner(ctx, s, storetest.ULN(n*(learners/sharing))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			n := 0
			for name, do := range map[string]func(i int) error{
				"Record":  func(i int) error { _, err := s.Record(ctx, storetest.ULN(i*7919%learners)); return err },
				"Sharing": func(i int) error { _, err := s.Sharing(ctx, owners[i%sharing].uln); return err },
				"SecretOwner": func(i int) error {
					_, err := s.SecretOwner(ctx, storetest.Ref(owners[i%sharing].link).Hash)
					return err
				},
				"AccessEntries": func(i int) error {
					_, _, err := s.AccessEntries(ctx, owners[i%sharing].uln, plr.AccessQuery{Limit: 10})
					return err
				},
				"ClaimRedemption": func(i int) error {
					_, err := s.ClaimRedemption(ctx, storetest.Claim(owners[i%sharing].link, storetest.T0.Add(time.Second)))
					return err
				},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						n++
						if err := do(n); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

func BenchmarkSecretOwner(b *testing.B) {
	s := temp(b)
	l, err := newLearner(b.Context(), s, storetest.ULN(1))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.SecretOwner(b.Context(), storetest.Ref(l.link).Hash); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClaim is a redemption's write: of one link, and of as many learners
// as there are writers.
func BenchmarkClaim(b *testing.B) {
	for _, writers := range []int{1, 4, 64} {
		b.Run(fmt.Sprintf("%d writers", writers), func(b *testing.B) {
			s := temp(b)
			ctx := b.Context()
			links := make([]*plr.ShareLink, writers)
			for i := range links {
				links[i] = storetest.Link(storetest.ULN(i))
				links[i].ExpiresAt = storetest.T0.Add(1000 * time.Hour)
				if _, err := s.CreateShareLink(ctx, links[i], storetest.Ref(links[i]), nil, put(links[i])); err != nil {
					b.Fatal(err)
				}
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for _, link := range links {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						c := storetest.Claim(link, storetest.T0.Add(time.Duration(n)*time.Second))
						if r, err := s.ClaimRedemption(ctx, c); err != nil || r.State != plr.LinkActive {
							b.Errorf("%v, %v", r.State, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func BenchmarkImport(b *testing.B) {
	s := openAt(b, filepath.Join(b.TempDir(), "openplr.db"))
	n := 0
	for b.Loop() {
		fill(b, s, n, n+1000)
		n += 1000
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
