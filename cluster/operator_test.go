package cluster_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openplr/cluster/mongotest"
)

// The operator's commands on MongoDB: the indexes are made, learners generated,
// gone on with, imported from the same answers, counted for a purge, and the
// check tells what is not as it should be.
func TestOperatorsCommandsOnMongoDB(t *testing.T) {
	t.Parallel()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	mongo := mongotest.Start(t)
	dir := t.TempDir()
	command := func(args ...string) (string, bool) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DATA_DIR="+filepath.Join(dir, "data"), "MONGODB_URI="+mongo.URI()+"records", "LINK_KEYS="+linkKeys, "SESSION_KEYS="+sessionKeys)
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), mongo.Addr()) {
			t.Errorf("%v tells the address: %s", args, out)
		}
		return string(out), err == nil
	}
	expect := func(good bool, words string, args ...string) {
		t.Helper()
		if out, ok := command(args...); ok != good || !strings.Contains(strings.Join(strings.Fields(out), " "), words) { // tables have any width
			t.Fatalf("%v: succeeded %v, want %v and %q:\n%s", args, ok, good, words, out)
		}
	}
	expect(false, "indexes are missing", "check")
	expect(true, "every index is there", "migrate")
	expect(true, "0 indexes made", "migrate")
	expect(true, "MongoDB: every index is there", "check")
	expect(true, "written with a majority", "check")
	expect(true, "; 0 were there before", "generate", "-learners", "30", "-events", "3")
	expect(true, "; 30 were there before", "generate", "-learners", "30", "-events", "3")
	expect(true, "were there before", "generate", "-learners", "40", "-events", "3")
	expect(true, "", "generate", "-learners", "40", "-events", "3", "-out", "answers.xml")
	expect(true, "Events the same 120", "import", "answers.xml")
	expect(true, "0 records", "purge", "--dry-run")
	expect(false, "MongoDB's own means", "backup", "file")
	mongo.Stop()
	expect(false, "MongoDB: ", "check")
}
