package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"openplr/plr"
)

// purge is `server purge`: what has had its time by the retention table goes.
// Beside a running server on the embedded store, that server does the work.
func purge(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("purge", stderr)
	dry := flags.Bool("dry-run", false, "only count what would be removed")
	if done, err := parseFlags(flags, args, 0); done || err != nil {
		return err
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	purged, err := askPurge(ctx, c, *dry)
	if err != nil && !errors.Is(err, errNoServer) {
		return err
	}
	if err != nil {
		purged, err = purgeStore(ctx, c, now, *dry)
	}
	if err != nil && purged == (plr.Purged{}) {
		return err // nothing was begun, or at least nothing removed
	}
	return errors.Join(err, printPurged(stdout, purged, *dry, err != nil))
}

// askPurge lets the running server do it: the data file is its own.
func askPurge(ctx context.Context, c *config, dry bool) (purged plr.Purged, err error) {
	if c.MongoDBURI != "" {
		return purged, errNoServer
	}
	command := controlPurge
	if dry {
		command = controlDry
	}
	answer, err := askServer(ctx, c, command)
	if err != nil {
		return purged, err
	}
	err = json.NewDecoder(answer).Decode(&purged)
	return purged, errors.Join(err, answer.Close())
}

func purgeStore(ctx context.Context, c *config, now func() time.Time, dry bool) (purged plr.Purged, err error) {
	if c.MongoDBURI == "" {
		// Whoever names the wrong DATA_DIR must not go on for years without a purge.
		if _, err := os.Stat(filepath.Join(c.DataDir, dataFile)); err != nil {
			return purged, errNoDataFile
		}
	}
	store, err := openStore(c)
	if err != nil {
		return purged, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Purge(ctx, plr.DueAt(now()), dry)
}

// printPurged writes the retention table with what it found.
func printPurged(w io.Writer, p plr.Purged, dry, cutOff bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := "REMOVED"
	if dry {
		head = "DUE"
	}
	_, _ = fmt.Fprintf(t, "%s\tKIND\tRULE\n", head)
	for _, row := range p.Rows() {
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\n", row.Count, row.Kind, row.Rule)
	}
	err := t.Flush()
	switch {
	case cutOff && dry:
		_, err = fmt.Fprintln(w, "The count did not come to its end. Run it again.")
	case cutOff:
		_, err = fmt.Fprintln(w, "The purge did not come to its end; what is counted is gone. Run it again.")
	}
	return err
}
