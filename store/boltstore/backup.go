package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"openplr/plr"
)

// Snapshot writes the file as it is at one instant, everything acknowledged
// before the call included, and says how many bytes that is. Others go on
// reading and writing; pages they free stay in the file until it is done.
func (s *Store) Snapshot(ctx context.Context, w io.Writer) (int64, error) {
	var n int64
	err := s.db.View(func(b *bbolt.Tx) (err error) {
		n, err = b.WriteTo(&endingWriter{ctx, w})
		return err
	})
	return n, err
}

// endingWriter ends with its context, between two writes.
type endingWriter struct {
	ctx context.Context
	w   io.Writer
}

func (e *endingWriter) Write(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.w.Write(p)
}

// OpenToRead opens a file of this or an older layout and changes nothing in it,
// so that a backup before an upgrade is one that the older version reads, and
// the file stays its own. What is not there is not made. The errors are Open's.
func OpenToRead(path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	held, err := layout(db)
	if err == nil && held == 0 {
		err = ErrForeign
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, db.Close()))
	}
	return &Store{db: db}, nil
}

// Free says whether a file can be replaced: ErrLocked while a process has it
// open. A file that is missing or damaged is free.
func Free(path string) error {
	if _, err := os.Stat(path); err != nil {
		return nil //nolint:nilerr // what is not there is free
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if errors.Is(err, berrors.ErrTimeout) {
		return ErrLocked
	}
	if err != nil {
		return nil //nolint:nilerr // damaged, which is what it is to be replaced for
	}
	return db.Close()
}

// Verify reads a file and says whether it is whole: every page in its place, and
// ours. It takes memory in proportion to the file, about 100 bytes a page of 4 KB.
func Verify(ctx context.Context, path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		if errors.Is(err, berrors.ErrTimeout) {
			err = ErrLocked
		}
		return err
	}
	err = db.View(func(b *bbolt.Tx) error {
		var faults error
		for fault := range b.Check() { // to its end: the check runs beside
			if faults == nil {
				faults = fmt.Errorf("the data file is damaged: %w", fault)
			}
		}
		if faults != nil {
			return faults
		}
		if b.Bucket(meta) == nil {
			return ErrForeign
		}
		return ctx.Err()
	})
	return errors.Join(err, db.Close())
}

// Restored counts what MarkRestored did.
type Restored struct {
	// Links were paused, Accounts signed out.
	Links, Accounts int
}

// MarkRestored makes a copy from the past safe to serve. Links that were revoked
// since, used up since or stopped by an opt-out since stand in it as they were,
// so each is paused as if by its owner's hand, until its owner resumes that very
// link: switching sharing on does not. keepLinks leaves them as they are. No session
// that began before now is accepted, because "sign out everywhere" may have been
// asked for since. It is for a file that nobody serves yet: if it fails half-way,
// the file must not be used.
func (s *Store) MarkRestored(ctx context.Context, now time.Time, keepLinks bool) (Restored, error) {
	var out Restored
	if !keepLinks {
		err := s.editEach(ctx, sharings, func(t *tx, key, _ []byte) error {
			doc, err := t.sharing(plr.ULN(key))
			if err != nil {
				return err
			}
			if len(doc.Links) == 0 {
				return nil
			}
			for _, link := range doc.Links {
				if !link.Paused {
					link.Paused = true
					link.Version++
					out.Links++
				}
			}
			clear(doc.Leases) // of disclosures that ended long ago
			return t.putSharing(doc)
		})
		if err != nil {
			return out, err
		}
	}
	err := s.editEach(ctx, accounts, func(t *tx, key, value []byte) error {
		var account plr.Account
		if err := decode(value, &account); err != nil {
			return err
		}
		if !now.After(account.SessionsInvalidBefore) {
			return nil
		}
		account.SessionsInvalidBefore = now
		out.Accounts++
		return t.put(accounts, key, &account)
	})
	return out, err
}

// editEach runs edit for every entry of a bucket, in bounded transactions that
// nobody else shares, so that edit may count.
func (s *Store) editEach(ctx context.Context, in bucket, edit func(t *tx, key, value []byte) error) error {
	var from []byte
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.db.Update(func(b *bbolt.Tx) error {
			t := &tx{bolt: b}
			var keys [][]byte
			c := b.Bucket(in).Cursor()
			k, _ := c.Seek(from)
			for ; k != nil && len(keys) < removeAtOnce; k, _ = c.Next() {
				keys = append(keys, bytes.Clone(k))
			}
			from, more = bytes.Clone(k), k != nil
			for _, key := range keys {
				if err := edit(t, key, bytes.Clone(b.Bucket(in).Get(key))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
