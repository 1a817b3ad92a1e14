package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"openplr/store/boltstore"
)

// restore is `server restore`: a backup becomes the data file. A restored copy
// is the past, so it is made safe first: see boltstore.MarkRestored.
func restore(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("restore", stderr)
	replace := flags.Bool("replace", false, "take the place of a data file that is there; it is kept under another name")
	keepLinks := flags.Bool("keep-links", false, "do not pause the links: only when nothing was revoked and nobody opted out since the backup")
	if done, err := parseFlags(flags, args, 1); done || err != nil {
		return err
	}
	if flags.Arg(0) == "" {
		return errors.New("name the file to restore: server restore FILE")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	if c.MongoDBURI != "" {
		return errNotEmbedded
	}
	target := filepath.Join(c.DataDir, dataFile)
	_, err = os.Lstat(target)
	held := err == nil
	if held && !*replace {
		return errors.New("DATA_DIR holds a data file already: name another DATA_DIR, or say -replace (the file that is there is kept under another name)")
	}
	if err := free(ctx, c, target); err != nil {
		return err
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return err
	}
	part := target + ".restoring"
	defer func() { _ = os.Remove(part) }()
	size, err := unpack(ctx, flags.Arg(0), part)
	if err != nil {
		return err
	}
	marked, err := makeSafe(ctx, part, now(), *keepLinks)
	if err != nil {
		return err
	}
	if err := free(ctx, c, target); err != nil { // somebody may have started one meanwhile
		return err
	}
	kept := ""
	if held {
		kept = target + ".before-restore-" + now().UTC().Format("20060102T150405Z")
		// A second name for the old file and one rename: at no moment is there no
		// data file, for which a server would make an empty one.
		if err := os.Link(target, kept); err != nil {
			return fmt.Errorf("keep the file that is there under another name: %w", err)
		}
	}
	if err := errors.Join(os.Rename(part, target), boltstore.SyncDir(c.DataDir)); err != nil {
		return err
	}
	sayRestored(stdout, c, size, marked, *keepLinks, kept)
	return nil
}

// free says why the data file cannot be replaced now.
func free(ctx context.Context, c *config, target string) error {
	err := boltstore.Free(target)
	if err == nil {
		if conn, err := askServer(ctx, c, ""); !errors.Is(err, errNoServer) { // it answers, if only with a refusal
			if conn != nil {
				_ = conn.Close()
			}
			return boltstore.ErrLocked
		}
	}
	return err
}

// unpack writes the backup's data to part, durable, once it is proven whole.
func unpack(ctx context.Context, from, part string) (int64, error) {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	size, err := readBackup(ctx, from, f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	return size, boltstore.Verify(ctx, part)
}

func makeSafe(ctx context.Context, part string, now time.Time, keepLinks bool) (boltstore.Restored, error) {
	store, err := boltstore.Open(part)
	if err != nil {
		return boltstore.Restored{}, err
	}
	marked, err := store.MarkRestored(ctx, now.UTC().Truncate(time.Millisecond), keepLinks)
	return marked, errors.Join(err, store.Close())
}

func sayRestored(w io.Writer, c *config, size int64, marked boltstore.Restored, keepLinks bool, kept string) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	say("Restored: %s bytes of data.", grouped(int(size)))
	if kept != "" {
		say("The data file that was there is now %s.", filepath.Base(kept))
	}
	say("A RESTORED COPY IS THE PAST. What happened since the backup is not in it: links revoked, sharing switched off, challenges, openings, imports.")
	say("Import again what was imported since: who is restricted or does not share upstream may be news that is missing.")
	if keepLinks {
		say("LINKS WERE KEPT AS THEY WERE: those revoked or stopped since the backup open again.")
	} else {
		say("%s links were paused. Each opens again only when its owner resumes it. Tell people to look at their links and at their sharing switch.", grouped(marked.Links))
	}
	say("%s accounts: everybody has to sign in again.", grouped(marked.Accounts))
	if _, err := os.Stat(filepath.Join(c.DataDir, "keys", "link-keys")); err != nil && c.LinkKeys == "" {
		say("THE LINK KEYS ARE MISSING, and no backup holds them. Put DATA_DIR/keys or LINK_KEYS back before you start: otherwise every link is dead.")
	}
}
