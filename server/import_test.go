package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

func runCommand(t *testing.T, env map[string]string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, func(name string) string { return env[name] }, &out, io.Discard)
	return out.String(), err
}

// The command line's import, by the files that ship as samples and as fixtures.
func TestImportCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": filepath.Join(dir, "data")}
	samples, err := filepath.Glob("../lrs/samples/*.xml")
	if err != nil || len(samples) < 12 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	rejects := filepath.Join(dir, "rejects.ndjson")
	out, err := runCommand(t, env, append([]string{"import", "-rejects", rejects}, samples...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(rejects); err == nil {
		t.Error("an import without rejects leaves a rejects file")
	}
	again, err := runCommand(t, env, append([]string{"import", "-rejects", rejects}, samples...)...)
	if err != nil || again == out {
		t.Errorf("a second import: %v\n%s", err, again)
	}

	broken := filepath.Join(dir, "broken.xml")
	if err := os.WriteFile(broken, []byte("<Envelope><Body>Amber Thistlewood"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = runCommand(t, env, "import", "-rejects", rejects, broken); err == nil {
		t.Errorf("a broken file is a success:\n%s", out)
	}
	listed, err := os.ReadFile(rejects)
	if err != nil || len(bytes.Split(bytes.TrimSpace(listed), []byte("\n"))) != 1 || bytes.Contains(listed, []byte("Thistlewood")) {
		t.Errorf("rejects: %v %s", err, listed)
	}
}

// Beside a running server the data file is not to be had, and the words say why.
func TestImportBesideARunningServer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	_, err := runCommand(t, map[string]string{"DATA_DIR": h.dir}, "import", "../lrs/samples/04-no-events.xml")
	if err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("%v", err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
		fail bool
	}{
		"version":              {[]string{"version"}, "openplr", false},
		"help":                 {[]string{"help"}, "server import", false},
		"unknown":              {[]string{"serv"}, "", true},
		"import without file":  {[]string{"import"}, "", true},
		"import, unknown flag": {[]string{"import", "-x"}, "", true},
		"serve with argument":  {[]string{"serve", "now"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := runCommand(t, map[string]string{"DATA_DIR": t.TempDir()}, c.args...)
			if (err != nil) != c.fail || !strings.Contains(out, c.want) {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// Whoever imports real answers before the first start gets them alone: the
// sample people are not added, and none of them is connected to anything.
func TestImportBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := runCommand(t, map[string]string{"DATA_DIR": dir}, "import", "-rejects", filepath.Join(dir, "rejects"), "../lrs/samples/04-no-events.xml"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h := newHarness(t, harnessOptions{dir: dir})
	people := samplePeople(t)
	if a := h.signedIn(people[0].Subject).must(`{ viewer { identity { status } } learner { uln } }`, nil); a.at("viewer", "identity", "status") != "UNBOUND" || a.at("learner") != nil {
		t.Errorf("somebody who was not imported: %s", a.raw)
	}
	if a := h.signedIn(people[3].Subject).must(`{ learner { uln } }`, nil); a.at("learner", "uln") != string(people[3].ULN) {
		t.Errorf("somebody who was imported: %s", a.raw)
	}
	var where bytes.Buffer
	h.app.printWhere(&where)
	if !strings.Contains(where.String(), "server import lrs/samples/*.xml") {
		t.Errorf("nobody is told: %s", where.String())
	}
}

// unreadyStore does not answer at first.
type unreadyStore struct {
	plr.Store
	refusals, calls int
}

func (s *unreadyStore) ImportRecords(context.Context, []plr.RecordUpdate, time.Time) ([]plr.RecordChange, error) {
	if s.calls++; s.calls <= s.refusals {
		return nil, plr.Unavailable(errors.New("an election"), time.Second)
	}
	return []plr.RecordChange{{NewLearner: true}}, nil
}

// A database that is away for a moment does not end an import; the end of ctx does.
func TestImportOutlivesAnElection(t *testing.T) {
	t.Parallel()
	s := &unreadyStore{refusals: 1}
	if changes, err := (patientStore{s}).ImportRecords(t.Context(), nil, time.Now()); err != nil || len(changes) != 1 || s.calls != 2 {
		t.Errorf("%v, %v after %d calls", changes, err, s.calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = &unreadyStore{refusals: importAttempts}
	if _, err := (patientStore{s}).ImportRecords(ctx, nil, time.Now()); err == nil || s.calls != 1 {
		t.Errorf("%v after %d calls", err, s.calls)
	}
}
