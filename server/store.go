package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"openplr/plr"
	"openplr/store/boltstore"
	"openplr/store/mongostore"
)

// dataFile is the embedded store's file in DATA_DIR.
const dataFile = "openplr.db"

// openStore opens MONGODB_URI when it is set, the embedded file otherwise. It
// does not wait for MongoDB: a server starts without it, and is not ready.
func openStore(c *config) (plr.Store, error) {
	if c.MongoDBURI != "" {
		store, err := mongostore.Open(mongostore.Config{URI: c.MongoDBURI})
		if errors.Is(err, mongostore.ErrHost) {
			return nil, errors.New("MONGODB_URI: its hosts cannot be looked up; check the name and the name service, or name the hosts with mongodb://")
		}
		if err != nil {
			return nil, errors.New("MONGODB_URI is not a connection string: it has the form mongodb://user:password@host1,host2/database?options")
		}
		return store, nil
	}
	store, err := boltstore.Open(filepath.Join(c.DataDir, dataFile))
	if err != nil {
		return nil, fmt.Errorf("open the store in DATA_DIR: %w", err)
	}
	return store, nil
}

// migrateEvery is how long to wait for a database that is away.
const migrateEvery = 2 * time.Second

// migrateBeside makes what indexes are missing while the server already serves,
// and tries again until it has, or stop is called, which waits for it to end.
func migrateBeside(store plr.Store, logger *slog.Logger) (stop func()) {
	m, ok := store.(migrator)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(migrateEvery)
		defer every.Stop()
		for warned := false; ; {
			err := m.Migrate(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			if !warned {
				logger.LogAttrs(ctx, slog.LevelWarn, "MongoDB: indexes are not made yet; set MONGODB_MIGRATE=false and run server migrate if this user may not")
				warned = true
			}
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
