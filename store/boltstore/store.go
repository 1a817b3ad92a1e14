package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"openplr/plr"
)

// ErrLocked: the file belongs to another process. Open gives it within a second.
var ErrLocked = errors.New("another process has this data file open, most likely a running server: stop it first, then try again")

// ErrNewer: the file was written by a newer version of the product.
var ErrNewer = errors.New("this data file was written by a newer version of OpenPLR: start that version, or restore a backup made by this one")

// ErrForeign: the file is a bbolt file, but not one of ours.
var ErrForeign = errors.New("this file holds the data of another program: give OpenPLR a file of its own")

const (
	// lockTimeout is how long Open waits for another process to let go.
	lockTimeout = 500 * time.Millisecond
	// gather is how long a write waits for others to share its fsync with.
	// See Store.write for what it costs and brings.
	gather = time.Millisecond
	// retryAfter is told to whoever met a store that could not answer.
	retryAfter = time.Second
	// schema is the version of the layout: 2 has records in codecRecord, which
	// a program that knows only 1 could not read. Values written by 1 stay as
	// they are until they change. 3 has an index by which people are matched with
	// records: a program that knows only 2 would import past it.
	schema = 3
)

// Store is a plr.Store in one file. It is safe for concurrent use.
type Store struct {
	db *bbolt.DB
	// writers counts the writes under way: see write.
	writers atomic.Int64
}

var _ plr.Store = (*Store)(nil)

// Option changes how a file is opened.
type Option func(*bbolt.Options)

// WithLockTimeout sets how long to wait for another process to let go of the
// file, in place of half a second.
func WithLockTimeout(d time.Duration) Option { return func(o *bbolt.Options) { o.Timeout = d } }

// Open opens the file at path, making it (0600) and its directory (0700) where
// they are missing. The errors to expect are ErrLocked, ErrNewer and ErrForeign.
func Open(path string, opts ...Option) (*Store, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	o := &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType}
	for _, opt := range opts {
		opt(o)
	}
	db, err := bbolt.Open(path, 0o600, o)
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db.MaxBatchDelay = gather
	if err := errors.Join(prepare(db), SyncDir(dir)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, db.Close()))
	}
	s := &Store{db: db}
	if err := s.completeMatches(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, db.Close()))
	}
	return s, nil
}

// layout gives the layout that a file has, 0 for none, and refuses a file that
// is not ours or is of a newer version.
func layout(db *bbolt.DB) (held int, err error) {
	err = db.View(func(b *bbolt.Tx) error {
		m := b.Bucket(meta)
		if m == nil {
			if k, _ := b.Cursor().First(); k != nil {
				return ErrForeign
			}
			return nil
		}
		if err := decode(m.Get(schemaKey), &held); err != nil {
			return err
		}
		if held > schema {
			return fmt.Errorf("%w (its layout is %d, this program knows up to %d)", ErrNewer, held, schema)
		}
		if held == 0 {
			return ErrForeign
		}
		return nil
	})
	return held, err
}

// prepare makes the buckets of a new file, brings an older layout up to this
// one, and refuses a file that is not ours before anything in it is changed.
func prepare(db *bbolt.DB) error {
	held, err := layout(db)
	if err != nil || held == schema {
		return err
	}
	return db.Update(func(b *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := b.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		version, err := encode(schema)
		if err != nil {
			return err
		}
		if held > 0 && held < 3 {
			// From here on an older program is refused. See completeMatches.
			if err := (&tx{bolt: b}).put(meta, matchedKey, ""); err != nil {
				return err
			}
		}
		return b.Bucket(meta).Put(schemaKey, version)
	})
}

// SyncDir makes a new file's name as durable as its content. Windows cannot
// sync a directory and does not need to.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Ping implements plr.Store.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, func(*tx) error { return nil })
}

// Close implements plr.Store. It waits for what is under way.
func (s *Store) Close() error { return s.db.Close() }

// read runs do on the newest committed state.
func (s *Store) read(ctx context.Context, do func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	var outcome error
	err := s.db.View(func(b *bbolt.Tx) error {
		outcome = do(&tx{bolt: b})
		return outcome
	})
	if err != nil && outcome == nil {
		return plr.Unavailable(err, retryAfter)
	}
	return outcome
}

// write runs do in one durable transaction. do may be run more than once; an
// error of do leaves nothing of it stored and comes back as it is.
//
// A write that is alone runs at once; one that finds another under way joins a
// batch, which is one transaction and one pair of fsyncs for all of it. Both
// are needed (2 KB values, ext4 on a local disk, 2 cores):
//
//	                    1 writer            64 writers
//	Update              3,400/s, 0.28 ms     2,500/s, p50 25 ms, p99 37 ms
//	Batch, no delay     2,400/s, 0.38 ms     1,900/s, p50 33 ms (hardly groups)
//	Batch, 1 ms           640/s, 1.5 ms     16,000/s, p50  4 ms, p99 10 ms
//	Batch, 10 ms           92/s, 11 ms       5,000/s, p50 12 ms
//	this, 1 ms          3,200/s, 0.3 ms     16,200/s, p50  4 ms, p99  8 ms
//
// bbolt rolls back and repeats a whole batch when one of its functions fails.
// So that refusals, which cost their sender nothing, do not make others' writes
// run again, a function that has written nothing leaves the batch standing and
// its error is carried past it.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	alone := s.writers.Add(1) == 1
	defer s.writers.Add(-1)
	run := s.db.Batch
	if alone {
		run = s.db.Update
	}
	// outcome is what do said, told what bbolt was told, in the last run.
	var outcome, told error
	err := run(func(b *bbolt.Tx) error {
		outcome, told = nil, nil
		t := &tx{bolt: b}
		if err := ctx.Err(); err != nil { // it may have waited long for its turn
			outcome = plr.Unavailable(err, retryAfter)
		} else {
			outcome = do(t)
		}
		switch {
		case t.written:
			told = outcome
		case alone:
			told = errNothingWritten // rolls back: an empty commit costs as much as a full one
		}
		return told
	})
	if err != nil && told == nil {
		return plr.Unavailable(err, retryAfter)
	}
	return outcome
}

var errNothingWritten = errors.New("boltstore: nothing written")

// tx is one transaction. It offers look-ups by whole key and walks over one
// prefix: nothing here reads what other learners own on the way.
type tx struct {
	bolt    *bbolt.Tx
	written bool
}

func (t *tx) has(b bucket, key []byte) bool { return t.bolt.Bucket(b).Get(key) != nil }

func (t *tx) put(b bucket, key []byte, value any) error {
	data, err := encode(value)
	if err != nil {
		return err
	}
	t.written = true
	if err := t.bolt.Bucket(b).Put(key, data); err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	return nil
}

// add is put for what must not be there yet. A taken key is a fault, because
// keys are random or derived from what is: overwriting would lose an object.
func (t *tx) add(b bucket, key []byte, value any) error {
	if t.has(b, key) {
		return fmt.Errorf("boltstore: %s: the key is taken", b)
	}
	return t.put(b, key, value)
}

func (t *tx) remove(b bucket, key []byte) error {
	t.written = true
	if err := t.bolt.Bucket(b).Delete(key); err != nil {
		return plr.Unavailable(err, retryAfter)
	}
	return nil
}

// walk gives every key that begins with prefix, in order, until do says stop.
func (t *tx) walk(b bucket, prefix []byte, do func(key, value []byte) (more bool, err error)) error {
	c := t.bolt.Bucket(b).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if more, err := do(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// walkBack is walk in the opposite order: where the key ends in a time, newest first.
func (t *tx) walkBack(b bucket, prefix []byte, do func(key, value []byte) (more bool, err error)) error {
	c := t.bolt.Bucket(b).Cursor()
	behindAll, _ := c.Seek(behind(prefix))
	step := c.Prev
	if behindAll == nil {
		step = c.Last
	}
	k, v := step()
	for ; k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		if more, err := do(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// find gives the value at key, or nil when there is none.
func find[T any](t *tx, b bucket, key []byte) (*T, error) {
	data := t.bolt.Bucket(b).Get(key)
	if data == nil {
		return nil, nil
	}
	out := new(T)
	if err := decode(data, out); err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", b, err)
	}
	return out, nil
}

// get is find for what must be there: path is where a refusal points.
func get[T any](t *tx, b bucket, key []byte, path ...string) (*T, error) {
	out, err := find[T](t, b, key)
	if err == nil && out == nil {
		err = plr.NotFound(path...)
	}
	return out, err
}

// all gives every value whose key begins with prefix, in the order of the keys.
func all[T any](t *tx, b bucket, prefix []byte) ([]*T, error) {
	var out []*T
	err := t.walk(b, prefix, func(_, data []byte) (bool, error) {
		one := new(T)
		if err := decode(data, one); err != nil {
			return false, fmt.Errorf("boltstore: %s: %w", b, err)
		}
		out = append(out, one)
		return true, nil
	})
	return out, err
}

// answer gives what a write found, and nothing beside an error: what a
// function set in a run that was undone must not be seen.
func answer[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}
