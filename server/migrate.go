package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// migrator is a store that is prepared before the first start and after an
// upgrade: MongoDB's indexes.
type migrator interface {
	Migrate(ctx context.Context) error
	// MissingIndexes names what Migrate would make.
	MissingIndexes(ctx context.Context) ([]string, error)
}

// migrate is `server migrate`: it brings the store to the form this version
// wants. Running it again, or on several replicas at once, does no harm.
func migrate(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	if done, err := parseFlags(newFlags("migrate", stderr), args, 0); done || err != nil {
		return err
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	began := now()
	store, err := openStore(c) // brings the embedded file's layout up by itself
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	m, ok := store.(migrator)
	if !ok {
		_, err = fmt.Fprintln(stdout, "The data file has the layout of this version.")
		return err
	}
	missing, err := m.MissingIndexes(ctx)
	if err != nil {
		return fmt.Errorf("MongoDB: %w", err)
	}
	for _, index := range missing {
		if _, err := fmt.Fprintln(stdout, "to make:", index); err != nil {
			return err
		}
	}
	if err := m.Migrate(ctx); err != nil {
		return fmt.Errorf("MongoDB: the indexes, or the fields they are on, were not all made (does the user have the rights createIndex and update?): %w", err)
	}
	_, err = fmt.Fprintf(stdout, "%d indexes made in %s; every index is there.\n", len(missing), now().Sub(began).Round(time.Millisecond))
	return err
}
