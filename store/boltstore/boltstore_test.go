package boltstore_test

import (
	"path/filepath"
	"testing"

	"openplr/plr"
	"openplr/store/boltstore"
	"openplr/store/storetest"
)

func open(t *testing.T) plr.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "openplr.db"))
}

func openAt(t *testing.T, path string, opts ...boltstore.Option) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, opts...)
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

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, open)
}
