package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"openplr/plr"
	"openplr/store/boltstore"
)

// dataFile is the embedded store's file in DATA_DIR.
const dataFile = "openplr.db"

// openStore opens MONGODB_URI when it is set, the embedded file otherwise.
func openStore(c *config) (plr.Store, error) {
	if c.MongoDBURI != "" {
		return nil, errors.New("MONGODB_URI is set, but this build has no MongoDB store yet")
	}
	store, err := boltstore.Open(filepath.Join(c.DataDir, dataFile))
	if err != nil {
		return nil, fmt.Errorf("open the store in DATA_DIR: %w", err)
	}
	return store, nil
}
