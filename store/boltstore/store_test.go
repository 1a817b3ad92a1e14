package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"openplr/plr"
	"openplr/store/storetest"
)

func openAt(t testing.TB, path string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(path, opts...)
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

func temp(t testing.TB) *Store { return openAt(t, filepath.Join(t.TempDir(), "openplr.db")) }

func TestOpenMakesFileAndDirectoryForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := openAt(t, filepath.Join(dir, "openplr.db"))
	for path, want := range map[string]os.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, s.db.Path(): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: %o, want %o", path, got, want)
		}
	}
}

func TestOpenAgainFindsWhatWasStored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openplr.db")
	first, sight := storetest.Account(), storetest.Account()
	sight.Issuer, sight.Subject = first.Issuer, first.Subject
	for _, a := range []*plr.Account{first, sight, sight} {
		s := openAt(t, path)
		got, err := s.EnsureAccount(t.Context(), a)
		if err != nil || got.ID != first.ID {
			t.Fatalf("got %+v, %v", got, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	bolt := func(t *testing.T, path string, change func(*bbolt.Tx) error) {
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, path string)
		want  error
		words string
	}{
		{"a newer layout", func(t *testing.T, path string) {
			if err := openAt(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			bolt(t, path, func(b *bbolt.Tx) error { return b.Bucket(meta).Put(schemaKey, []byte("\x0199")) })
		}, ErrNewer, "newer version of OpenPLR"},
		{"a layout in an unknown codec", func(t *testing.T, path string) {
			if err := openAt(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			bolt(t, path, func(b *bbolt.Tx) error { return b.Bucket(meta).Put(schemaKey, []byte("\x091")) })
		}, nil, "codec 9"},
		{"another program's bbolt file", func(t *testing.T, path string) {
			bolt(t, path, func(b *bbolt.Tx) error {
				_, err := b.CreateBucket([]byte("theirs"))
				return err
			})
		}, ErrForeign, "another program"},
		{"a file that is not bbolt's", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 4096)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil, "invalid database"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, "is a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "openplr.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			for range 2 { // and leaves no lock behind
				s, err := Open(path)
				if s != nil || err == nil || (c.want != nil && !errors.Is(err, c.want)) {
					t.Fatalf("got %v, %v", s, err)
				}
				if !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), path) {
					t.Fatalf("the words are %q", err)
				}
				s, err = OpenToRead(path)
				if s != nil || err == nil || (c.want != nil && !errors.Is(err, c.want)) || !strings.Contains(err.Error(), path) {
					t.Fatalf("to read: got %v, %v", s, err)
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Fatal("the file was changed")
			}
		})
	}
}

func TestDurability(t *testing.T) {
	t.Parallel()
	s := temp(t)
	if s.db.NoSync || s.db.NoGrowSync || s.db.NoFreelistSync {
		t.Fatal("a write is acknowledged before it is on the disk")
	}
	if lockTimeout > 500*time.Millisecond {
		t.Fatal("a second process must be refused within a second")
	}
}

// commits counts the pages written since it was made.
func commits(s *Store) func() int64 {
	before := s.db.Stats()
	return func() int64 {
		now := s.db.Stats()
		diff := now.Sub(&before)
		return diff.TxStats.GetWrite()
	}
}

// TestRefusalsCostNoDisk: whoever is refused cannot make the server wait for
// its disk, and does not undo what others write in the same batch.
func TestRefusalsCostNoDisk(t *testing.T) {
	t.Parallel()
	s := temp(t)
	link := storetest.WithLimit(storetest.WithPIN(storetest.Link(storetest.NewULN())), 1)
	if _, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), storetest.Idempotency("key", "input", storetest.T0), put(link)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ClaimRedemption(t.Context(), storetest.Claim(link, storetest.T0)); err != nil {
		t.Fatal(err)
	}
	for range plr.GuessBudget {
		if _, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, storetest.T0); err != nil {
			t.Fatal(err)
		}
	}
	for name, do := range map[string]func() error{
		"a claim of a used up link": func() error {
			_, err := s.ClaimRedemption(t.Context(), storetest.Claim(link, storetest.T0))
			return err
		},
		"a guess too many": func() error {
			_, _, err := s.TakeGuess(t.Context(), link.ULN, link.ID, storetest.T0)
			return err
		},
		"a renewal of an ended link": func() error {
			_, err := s.RenewLease(t.Context(), plr.Renewal{ULN: link.ULN, LinkID: link.ID, LeaseID: "lease", Now: link.ExpiresAt})
			return err
		},
		"a lease nobody holds": func() error { return s.ReleaseLease(t.Context(), link.ULN, "none") },
		"a repeated create": func() error {
			_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), storetest.Idempotency("key", "input", storetest.T0), put(link))
			return err
		},
		"an edit refused": func() error {
			_, err := s.EditSharing(t.Context(), link.ULN, func(*plr.Sharing) error { return plr.NotFound() })
			if plr.CodeOf(err) == plr.CodeNotFound {
				err = nil
			}
			return err
		},
	} {
		written := commits(s)
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := written(); n != 0 {
			t.Errorf("%s wrote %d times", name, n)
		}
	}
}

func put(link *plr.ShareLink) func(*plr.Sharing) error {
	return func(sh *plr.Sharing) error { return sh.Admit(link, false) }
}

// TestFailuresInOneBatch: refusals, faults and writes that share a transaction
// each get their own answer.
func TestFailuresInOneBatch(t *testing.T) {
	t.Parallel()
	s := temp(t)
	s.db.MaxBatchDelay = time.Hour // so that the batch goes off only when it is full
	const n = 60
	s.db.MaxBatchSize = n
	s.writers.Add(1) // somebody else is writing: nobody is alone
	fault, refusal := errors.New("fault"), errors.New("refusal")
	errs := make(chan error, n)
	runs := make([]int, n)
	for i := range n {
		go func() {
			err := s.write(t.Context(), func(x *tx) error {
				runs[i]++
				if i%3 == 0 {
					return refusal
				}
				err := x.put(secrets, keyOf(fmt.Sprint(i)), i)
				if i == 1 {
					err = fault
				}
				return err
			})
			switch {
			case i%3 == 0 && err == refusal, i == 1 && err == fault, i%3 > 0 && i > 1 && err == nil:
				errs <- nil
			default:
				errs <- fmt.Errorf("%d was answered %v", i, err)
			}
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	total := 0
	for _, r := range runs {
		total += r
	}
	if total > 2*n+1 { // one batch, undone once by the fault, and the fault's run alone
		t.Errorf("%d functions ran %d times", n, total)
	}
	err := s.read(t.Context(), func(x *tx) error {
		for i := range n {
			if stored := x.has(secrets, keyOf(fmt.Sprint(i))); stored != (i%3 > 0 && i > 1) {
				t.Errorf("%d stored: %v", i, stored)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestConformanceWhileBatchesFail runs the whole suite while somebody's writes
// fail all the time, so that every batch is undone and its functions run again.
func TestConformanceWhileBatchesFail(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) plr.Store {
		s := temp(t)
		s.writers.Add(1) // nobody is alone
		fault := errors.New("fault")
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
				}
				err := s.write(context.Background(), func(x *tx) error { return errors.Join(x.put(meta, []byte("fault"), 1), fault) })
				if !errors.Is(err, fault) {
					return // the store was closed
				}
			}
		}()
		t.Cleanup(func() {
			close(stop)
			<-stopped
		})
		return s
	})
}

// TestGivenUpWhileWaiting: a write whose caller has gone is not done any more.
func TestGivenUpWhileWaiting(t *testing.T) {
	t.Parallel()
	for _, alone := range []bool{true, false} {
		s := temp(t)
		s.writers.Store(map[bool]int64{true: 0, false: 1}[alone])
		waiting := s.writers.Load() + 1
		lock, err := s.db.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		uln, done := storetest.NewULN(), make(chan error)
		go func() {
			_, err := s.EditSharing(ctx, uln, func(*plr.Sharing) error { return nil })
			done <- err
		}()
		for s.writers.Load() < waiting {
			runtime.Gosched()
		}
		cancel()
		if err := lock.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; plr.CodeOf(err) != plr.CodeUnavailable || !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if doc, err := s.Sharing(t.Context(), uln); err != nil || doc.Revision != 0 {
			t.Fatalf("got %+v, %v", doc, err)
		}
	}
}

// TestKeyOfAnotherKind: a key that made a view makes no challenge.
func TestKeyOfAnotherKind(t *testing.T) {
	t.Parallel()
	s := temp(t)
	idem := storetest.Idempotency("key", "input", storetest.T0)
	if _, err := s.CreateConfiguredView(t.Context(), storetest.View(storetest.NewULN()), idem); err != nil {
		t.Fatal(err)
	}
	_, err := s.CreateDataChallenge(t.Context(), storetest.Challenge(storetest.NewULN(), storetest.T0), idem, func([]*plr.DataChallenge) error { return nil })
	if plr.CodeOf(err) != plr.CodeConflict {
		t.Fatalf("got %v", err)
	}
}

// TestFullDisk: what cannot be written is refused, what is there can be read,
// and nothing acknowledged is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openplr.db")
	s := openAt(t, path, func(o *bbolt.Options) { o.MaxSize = 1 << 20 })
	var stored []plr.ULN
	var err error
	for err == nil {
		u := storetest.Update(storetest.NewULN(), 20)
		if _, err = s.ImportRecords(t.Context(), []plr.RecordUpdate{u}, storetest.T0); err == nil {
			stored = append(stored, u.ULN)
		}
		if len(stored) > 1000 {
			t.Fatal("the file has no bound")
		}
	}
	var e *plr.Error
	if !errors.As(err, &e) || e.Code != plr.CodeUnavailable || e.RetryAfter <= 0 || errors.Unwrap(e) == nil {
		t.Fatalf("got %v", err)
	}
	check := func(s *Store) {
		t.Helper()
		for _, uln := range stored {
			if r, err := s.Record(t.Context(), uln); err != nil || len(r.Events) != 20 {
				t.Fatalf("%s: %v", uln, err)
			}
		}
	}
	check(s)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	check(s)
	if _, err := s.ImportRecords(t.Context(), []plr.RecordUpdate{storetest.Update(storetest.NewULN(), 20)}, storetest.T0); err != nil {
		t.Fatalf("with room again: %v", err)
	}
}

func TestLockTimeoutOption(t *testing.T) {
	t.Parallel()
	s := temp(t)
	if _, err := Open(s.db.Path(), WithLockTimeout(time.Millisecond)); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v", err)
	}
}

// TestSecretOfAnotherLink: a secret can only be made for the link it opens.
func TestSecretOfAnotherLink(t *testing.T) {
	t.Parallel()
	s := temp(t)
	link, other := storetest.Link(storetest.NewULN()), storetest.Link(storetest.NewULN())
	for name, c := range map[string]struct {
		ref   plr.SecretRef
		admit func(*plr.Sharing) error
	}{
		"another learner's": {plr.SecretRef{Hash: "h", ULN: other.ULN, LinkID: link.ID}, put(link)},
		"another link's":    {plr.SecretRef{Hash: "h", ULN: link.ULN, LinkID: other.ID}, put(link)},
		"nobody's":          {storetest.Ref(link), func(*plr.Sharing) error { return nil }},
	} {
		if _, err := s.CreateShareLink(t.Context(), link, c.ref, nil, c.admit); plr.CodeOf(err) != plr.CodeInternal || err == nil {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := s.SecretOwner(t.Context(), c.ref.Hash); plr.CodeOf(err) != plr.CodeNotFound {
			t.Errorf("%s: the secret leads somewhere", name)
		}
	}
}

// TestTakenKeys: nothing that is made can take the place of what is there.
func TestTakenKeys(t *testing.T) {
	t.Parallel()
	s := temp(t)
	uln := storetest.NewULN()
	link, view, challenge := storetest.Link(uln), storetest.View(uln), storetest.Challenge(uln, storetest.T0)
	entry, account := storetest.Entry(uln, link.ID, storetest.T0, plr.AccessDisclosed), storetest.Account()
	for round := range 2 {
		for name, attempt := range map[string]func() error{
			"link": func() error {
				_, err := s.CreateShareLink(t.Context(), link, storetest.Ref(link), nil, put(link))
				return err
			},
			"view": func() error {
				_, err := s.CreateConfiguredView(t.Context(), view, nil)
				return err
			},
			"challenge": func() error {
				_, err := s.CreateDataChallenge(t.Context(), challenge, nil, func([]*plr.DataChallenge) error { return nil })
				return err
			},
			"entry": func() error { return s.AppendAccessEntry(t.Context(), entry) },
			"account": func() error {
				a := *account
				a.Subject = fmt.Sprint("subject ", round)
				_, err := s.EnsureAccount(t.Context(), &a)
				return err
			},
		} {
			if err := attempt(); (round == 0) != (err == nil) {
				t.Errorf("%s, time %d: %v", name, round, err)
			}
		}
	}
}

// Whoever only reads an older file leaves it to the version that wrote it.
func TestOpenToReadChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "openplr.db")
	if s, err := OpenToRead(path); s != nil || !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("what is not there: %v", err)
	}
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	older := func(b *bbolt.Tx) error { return b.Bucket(meta).Put(schemaKey, []byte("\x011")) }
	if err := errors.Join(db.Update(older), db.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenToRead(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Snapshot(t.Context(), f)
	if err := errors.Join(err, f.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
	db, err = bbolt.Open(copied, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if held, err := layout(db); held != 1 || err != nil {
		t.Errorf("the copy has layout %d, %v", held, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openAt(t, copied).Close(); err != nil { // and can still be brought up
		t.Error(err)
	}
}
