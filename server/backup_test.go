package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
)

// copyKeys takes the keys to another DATA_DIR, as an operator does by hand.
func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "keys"), os.DirFS(filepath.Join(from, "keys"))); err != nil {
		t.Fatal(err)
	}
}

// A backup beside a server under load has everything acknowledged before it
// began. What is restored from it serves, and its links open only when resumed.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	file := filepath.Join(t.TempDir(), "openplr.backup")
	person := samplePeople(t)[0]
	var id, secret string
	var acked atomic.Int64
	var before, after int64

	t.Run("backup beside a running server", func(t *testing.T) {
		h := newHarness(t, harnessOptions{dir: dir})
		learner := h.signedIn(person.Subject)
		id, secret = sharedLink(t, learner)
		stop := make(chan struct{})
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				b := h.browser()
				for {
					select {
					case <-stop:
						return
					default:
					}
					if a := b.ask(redeem, redeemVars(secret, "")); outcome(a) == "SharedRecord" {
						acked.Add(1)
					}
				}
			})
		}
		for acked.Load() < 20 {
			h.browser().get("/healthz")
		}
		before = acked.Load()
		out, err := runCommand(t, h.env, "backup", file)
		close(stop)
		writers.Wait()
		after = acked.Load()
		if err != nil || !strings.Contains(out, "from the running server") || !strings.Contains(out, "keys are not in it") {
			t.Fatalf("%v\n%s", err, out)
		}
		for path, mode := range map[string]os.FileMode{file: 0o600, filepath.Join(dir, controlSocket): 0o600 | os.ModeSocket} {
			if info, err := os.Stat(path); err != nil || info.Mode() != mode {
				t.Errorf("%s: %v %v", filepath.Base(path), info.Mode(), err)
			}
		}
		if out, err := runCommand(t, h.env, "backup", file); err == nil || !strings.Contains(err.Error(), "there already") {
			t.Errorf("a second backup over the first: %v\n%s", err, out)
		}
		if _, err := runCommand(t, h.env, "backup", "-replace", file+"2"); err != nil {
			t.Error(err)
		}
		if _, err := runCommand(t, h.env, "restore", "-replace", file); err == nil || !strings.Contains(err.Error(), "stop it first") {
			t.Errorf("a restore beside a running server: %v", err)
		}
		// What comes after the backup is not in it.
		learner.must(revokeLink, vars("id", id))
	})
	if _, err := os.Lstat(filepath.Join(dir, controlSocket)); err == nil {
		t.Error("the control socket outlives its server")
	}

	out, err := runCommand(t, map[string]string{"DATA_DIR": other}, "restore", file)
	if err != nil || !strings.Contains(out, "THE PAST") || !strings.Contains(out, "1 links were paused") || !strings.Contains(out, "Import again") || !strings.Contains(out, "KEYS ARE MISSING") {
		t.Fatalf("%v\n%s", err, out)
	}
	copyKeys(t, dir, other)
	h := newHarness(t, harnessOptions{dir: other})
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "ShareUnavailable" {
		t.Errorf("a link of the past opens: %s", a.raw)
	}
	learner := h.signedIn(person.Subject)
	a := learner.must(`query($id: ID!) { node(id: $id) { ... on ShareLink { status version redemptionCount accessHistory(first: 1) { totalCount } } } }`, map[string]any{"id": id})
	if n, _ := a.at("node", "redemptionCount").(float64); a.at("node", "status") != "PAUSED" || int64(n) < before || int64(n) > after {
		t.Errorf("between %d and %d openings: %s", before, after, a.raw)
	}
	learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	learner.must(setSharing, vars("optOut", false, "resumeLinks", true))
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "ShareUnavailable" {
		t.Errorf("switching sharing on resumed a link of the past: %s", a.raw)
	}
	learner.must(resumeLink, vars("id", id))
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Errorf("after its owner resumed it: %s", a.raw)
	}
}

// Without a server the file is read itself. -keep-links is for a move, in which
// nothing has happened since.
func TestBackupWithoutAServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": dir}
	file := filepath.Join(dir, "openplr.backup")
	if _, err := runCommand(t, env, "backup", file); err == nil || !strings.Contains(err.Error(), "no data file") {
		t.Errorf("a backup of nothing: %v", err)
	}
	var secret string
	t.Run("serve", func(t *testing.T) {
		_, secret = sharedLink(t, newHarness(t, harnessOptions{dir: dir}).signedIn(samplePeople(t)[0].Subject))
	})
	if out, err := runCommand(t, env, "backup", file); err != nil || !strings.Contains(out, "from the file") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := runCommand(t, env, "backup", "-replace", filepath.Join(dir, ".", dataFile)); err == nil || !strings.Contains(err.Error(), "data file itself") {
		t.Errorf("a backup in the place of what it is of: %v", err)
	}
	if _, err := runCommand(t, env, "restore", file); err == nil || !strings.Contains(err.Error(), "holds a data file already") {
		t.Errorf("a restore over a data file: %v", err)
	}
	// What a restore that was killed left behind is no hindrance.
	if err := os.WriteFile(filepath.Join(dir, dataFile+".restoring"), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(t, env, "restore", "-replace", "-keep-links", file)
	if err != nil || !strings.Contains(out, "LINKS WERE KEPT") {
		t.Fatalf("%v\n%s", err, out)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, dataFile+".before-restore-*")); len(kept) != 1 {
		t.Errorf("the old file: %v", kept)
	}
	if _, err := os.Stat(filepath.Join(dir, dataFile+".restoring")); err == nil {
		t.Error("a part of the restore was left behind")
	}
	h := newHarness(t, harnessOptions{dir: dir})
	if a := h.browser().must(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
}

// A backup that is not whole is refused and leaves DATA_DIR as it was.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := runCommand(t, map[string]string{"DATA_DIR": dir}, "generate", "-learners", "20"); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good")
	if _, err := runCommand(t, map[string]string{"DATA_DIR": dir}, "backup", good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		data  []byte
		words string
	}{
		"nothing":           {nil, "no backup"},
		"the head alone":    {whole[:len(backupHead)], "cut off"},
		"half of it":        {whole[:len(whole)/2], "cut off"},
		"all but a byte":    {whole[:len(whole)-1], "cut off"},
		"a byte too many":   {append(bytes.Clone(whole), '\n'), "cut off"},
		"a flipped bit":     {flipped, "cut off or damaged"},
		"a data file":       {whole[len(backupHead):], "no backup"},
		"of a later form":   {bytes.Replace(whole, []byte("BACKUP 1"), []byte("BACKUP 2"), 1), "no backup"},
		"of something else": {wrapped(t, []byte(strings.Repeat("not a data file\n", 4096))), "invalid database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, target := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "data")
			if err := os.WriteFile(file, c.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := runCommand(t, map[string]string{"DATA_DIR": target}, "restore", file); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v", err)
			}
			if left, _ := os.ReadDir(target); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	for name, args := range map[string][]string{"backup, no file": {"backup"}, "restore, no file": {"restore"}, "restore, two files": {"restore", good, good}} {
		if _, err := runCommand(t, map[string]string{"DATA_DIR": dir}, args...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	mongo := map[string]string{"DATA_DIR": t.TempDir(), "MONGODB_URI": "mongodb://127.0.0.1:1/openplr"}
	for _, command := range []string{"backup", "restore"} {
		if _, err := runCommand(t, mongo, command, good+"2"); err == nil || !strings.Contains(err.Error(), "MongoDB's own means") {
			t.Errorf("%s with MONGODB_URI: %v", command, err)
		}
	}
}

// wrapped is data in the form of a backup.
func wrapped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := writeBackup(t.Context(), &out, fakeSnapshot(data)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A socket that a killed server left behind is replaced, and nothing but the
// commands is taken on it.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, controlSocket), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	h := newHarness(t, harnessOptions{dir: dir})
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := runCommand(t, h.env, "backup", file); err != nil {
		t.Fatal(err)
	}
	c := &config{DataDir: dir}
	if _, err := askServer(t.Context(), c, "format the disk"); err == nil || !strings.Contains(err.Error(), "does not know this command") {
		t.Errorf("an unknown command: %v", err)
	}
}

// stuckStore is a store whose backup does not end.
type stuckStore struct {
	plr.RetentionStore
	begun chan struct{}
}

func (s *stuckStore) Snapshot(ctx context.Context, w io.Writer) (int64, error) {
	n, _ := w.Write(make([]byte, 100_000))
	close(s.begun)
	<-ctx.Done()
	return int64(n), ctx.Err()
}

// One command at a time. A server that stops in the middle of a backup leaves
// something that is cut off, and no file.
func TestBackupCutOffByTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": dir}
	logger := slog.New(slog.DiscardHandler)
	store := &stuckStore{begun: make(chan struct{})}
	control, err := openControl(&config{DataDir: dir}, store, time.Now, logger)
	if err != nil {
		t.Fatal(err)
	}
	outcome := make(chan error, 1)
	go func() {
		_, err := runCommand(t, env, "backup", filepath.Join(dir, "backup"))
		outcome <- err
	}()
	<-store.begun
	if _, err := runCommand(t, env, "purge", "-dry-run"); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a second command: %v", err)
	}
	control.close()
	if err := <-outcome; err == nil {
		t.Error("half a backup is a success")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	long := filepath.Join(dir, strings.Repeat("a", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := openControl(&config{DataDir: long}, store, time.Now, logger); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a long path: %v", err)
	}
	if left, _ := os.ReadDir(long); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// fakeSnapshot is a store whose file is these bytes.
type fakeSnapshot []byte

func (f fakeSnapshot) Snapshot(_ context.Context, w io.Writer) (int64, error) {
	n, err := w.Write(f)
	return int64(n), err
}
