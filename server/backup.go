package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"openplr/store/boltstore"
)

// A backup is the data file between a head with the version of this form and a
// tail with its length and a SHA-256 of all before, so that one that was cut off
// or has changed is refused. It is not encrypted and not signed: whoever can
// write it can write another sum too.
const (
	backupHead = "OPENPLR BACKUP 1\n"
	backupEnd  = "END\n"
	backupTail = 8 + sha256.Size + len(backupEnd)
)

// notEmbedded is why backup and restore do nothing with MONGODB_URI.
var errNotEmbedded = errors.New("MONGODB_URI is set: back up and restore with MongoDB's own means (mongodump and mongorestore with --oplog, or snapshots of its volumes); " +
	"after restoring an older copy, take every old key off LINK_KEYS, because links revoked since then live in it")

// backup is `server backup`: a consistent copy of the embedded store, beside a
// running server or without one.
func backup(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("backup", stderr)
	replace := flags.Bool("replace", false, "replace FILE if it is there")
	if done, err := parseFlags(flags, args, 1); done || err != nil {
		return err
	}
	path := flags.Arg(0)
	if path == "" {
		return errors.New("name the file to write: server backup FILE")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	if c.MongoDBURI != "" {
		return errNotEmbedded
	}
	mayWrite := func() error {
		if isFile(path, filepath.Join(c.DataDir, dataFile)) {
			return errors.New("this is the data file itself: name another file to write")
		}
		if _, err := os.Lstat(path); err == nil && !*replace {
			return errors.New("the file is there already: name another, or say -replace before its name")
		}
		return nil
	}
	if err := mayWrite(); err != nil {
		return err
	}
	began := now()
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	from, err := copyBackup(ctx, c, tmp)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	// Read again from the disk: a copy that cannot be restored is none.
	size, err := readBackup(ctx, tmp.Name(), io.Discard)
	if err != nil {
		return err
	}
	if err := mayWrite(); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(tmp.Name(), path), boltstore.SyncDir(filepath.Dir(path))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s bytes of data, %s, in %s\n"+
		"The keys are not in it. Keep DATA_DIR/keys, or the settings LINK_KEYS and SESSION_KEYS, in another place: without the link keys every link is dead.\n"+
		"It holds personal data in clear: encrypt the place it lies in.\n",
		grouped(int(size)), from, now().Sub(began).Round(time.Millisecond))
	return err
}

var errNoDataFile = errors.New("there is no data file in DATA_DIR")

// isFile says whether two paths lead to one file.
func isFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// copyBackup writes a backup made by the running server, or else from the file.
func copyBackup(ctx context.Context, c *config, w io.Writer) (from string, err error) {
	answer, err := askServer(ctx, c, controlBackup)
	if err == nil {
		_, err = io.Copy(w, answer)
		return "from the running server", errors.Join(err, answer.Close())
	}
	if !errors.Is(err, errNoServer) {
		return "", err
	}
	file := filepath.Join(c.DataDir, dataFile)
	if _, err := os.Stat(file); err != nil {
		return "", errNoDataFile
	}
	store, err := boltstore.OpenToRead(file) // a backup before an upgrade upgrades nothing
	if errors.Is(err, boltstore.ErrLocked) {
		return "", errors.New("another process has the data file open and takes no commands: a server of another version, an import, or a server whose DATA_DIR has too long a path. Stop it first")
	} else if err != nil {
		return "", err
	}
	return "from the file", errors.Join(writeBackup(ctx, w, store), store.Close())
}

// writeBackup writes head, data and tail.
func writeBackup(ctx context.Context, w io.Writer, store interface {
	Snapshot(ctx context.Context, w io.Writer) (int64, error)
}) error {
	sum := sha256.New()
	both := io.MultiWriter(w, sum)
	if _, err := io.WriteString(both, backupHead); err != nil {
		return err
	}
	n, err := store.Snapshot(ctx, both)
	if err != nil {
		return err
	}
	if _, err := both.Write(binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil { //nolint:gosec // a length
		return err
	}
	_, err = w.Write(append(sum.Sum(nil), backupEnd...))
	return err
}

var errNoBackup = errors.New("this file is no backup that this version can read")

var errCutOff = errors.New("this backup is cut off or damaged: use another")

// readBackup copies a backup's data to w and says how many bytes it has. What was
// copied counts only if there is no error.
func readBackup(ctx context.Context, path string, w io.Writer) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	in := io.TeeReader(f, sum)
	head := make([]byte, len(backupHead))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != backupHead {
		return 0, errNoBackup
	}
	size := info.Size() - int64(len(backupHead)+backupTail)
	if size < 0 {
		return 0, errCutOff
	}
	if _, err := io.CopyN(&contextWriter{ctx, w}, in, size); err != nil {
		return 0, err
	}
	length := make([]byte, 8)
	if _, err := io.ReadFull(in, length); err != nil {
		return 0, err
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return 0, err
	}
	if binary.BigEndian.Uint64(length) != uint64(size) || !bytes.Equal(rest, append(sum.Sum(nil), backupEnd...)) {
		return 0, errCutOff
	}
	return size, nil
}

// contextWriter ends with its context, between two writes.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w *contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}
