package boltstore_test

import (
	"os"
	"testing"
)

// childEnv names what this binary does when a test starts it as another
// process; childPath is the file it works on.
const (
	childEnv  = "OPENPLR_TEST_CHILD"
	childPath = "OPENPLR_TEST_PATH"
	childSeed = "OPENPLR_TEST_SEED"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "hold":
		hold()
	case "write":
		writeUntilKilled()
	default:
		os.Exit(m.Run())
	}
}
