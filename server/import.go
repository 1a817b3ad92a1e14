package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// importFiles is `server import`: LRS web-service responses into the store.
func importFiles(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("import", stderr)
	rejectsPath := flags.String("rejects", "rejects.ndjson", "where refused items are listed, without any personal value")
	if done, err := parseFlags(flags, args, len(args)); done || err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name at least one file: server import FILE")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	store, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	service, err := storeService(c, store, now)
	if err != nil {
		return err
	}
	rejects := &lazyFile{path: *rejectsPath}
	p := newProgress(stderr, now)
	files, read := countedFiles(flags.Args())
	importer := &lrs.Importer{
		Service: service, Today: plr.DateOf(now()), Rejects: rejects,
		Progress: func(s *lrs.Summary) { p.at(read.share(), s.Stored()) },
	}
	summary, err := importer.Import(ctx, files...)
	if summary != nil {
		p.end(read.share(), summary.Stored())
		err = errors.Join(err, summary.Print(stdout))
	}
	if err := errors.Join(err, rejects.Close()); err != nil {
		return err
	}
	if n := summary.Rejected(); n > 0 {
		return fmt.Errorf("%d rejected; see %s", n, *rejectsPath)
	}
	return nil
}

// storeService is the domain for a command that fills the store.
func storeService(c *config, store plr.Store, now func() time.Time) (*plr.Service, error) {
	keys, err := secretKeys(c.LinkKeys, c.DataDir, "link-keys")
	if err != nil {
		return nil, err
	}
	if c.MongoDBURI != "" {
		store = patientStore{store}
	}
	return plr.New(plr.Config{
		Store: store, Now: now, Random: rand.Reader, LinkKeys: keys, PublicURL: c.PublicURL, Marking: c.Marking, PINSlots: 1,
	})
}

// patientStore sends a batch again when the database did not answer: a long
// import must outlive the election of a new primary. Repeating is harmless; what
// a lost answer had stored already is then counted as the same.
type patientStore struct{ plr.Store }

const (
	importAttempts = 30
	importPause    = time.Second
)

// ImportRecords implements plr.RecordStore.
func (s patientStore) ImportRecords(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	for attempt := 1; ; attempt++ {
		changes, err := s.Store.ImportRecords(ctx, updates, now)
		if plr.CodeOf(err) != plr.CodeUnavailable || attempt == importAttempts {
			return changes, err
		}
		pause := time.NewTimer(importPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
}

// readShare counts how much of some files was read.
type readShare struct{ done, total int64 }

// share is from 0 to 1, or below 0 when a file's size is not known: a pipe.
func (r *readShare) share() float64 {
	if r.total <= 0 {
		return -1
	}
	return min(1, float64(r.done)/float64(r.total))
}

// countedFiles names files on disk whose reading is counted.
func countedFiles(paths []string) ([]lrs.File, *readShare) {
	counted := &readShare{}
	known := true
	files := lrs.Paths(paths...)
	for i := range files {
		info, err := os.Stat(paths[i])
		if err == nil && info.Mode().IsRegular() {
			counted.total += info.Size()
		} else if err == nil {
			known = false
		}
		open := files[i].Open
		files[i].Open = func() (io.ReadCloser, error) {
			f, err := open()
			return &countingReader{f, counted}, err
		}
	}
	if !known {
		counted.total = 0
	}
	return files, counted
}

type countingReader struct {
	io.ReadCloser
	counted *readShare
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.counted.done += int64(n)
	return n, err
}

// lazyFile makes its file at the first write, so that an import without
// rejects leaves none.
type lazyFile struct {
	path string
	file *os.File
}

func (l *lazyFile) Write(p []byte) (int, error) {
	if l.file == nil {
		f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return 0, err
		}
		l.file = f
	}
	return l.file.Write(p)
}

func (l *lazyFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
