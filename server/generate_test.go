package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// childArgs names the command line that TestCommandChild runs, as JSON.
const childArgs = "OPENPLR_TEST_COMMAND"

// TestCommandChild is no test: it is this program as another process, which a
// test starts to kill it.
func TestCommandChild(t *testing.T) {
	t.Parallel()
	text := os.Getenv(childArgs)
	if text == "" {
		return
	}
	var args []string
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), args, os.Getenv, os.Stdout, os.Stderr); err != nil {
		t.Fatal(err)
	}
}

// killAtSize starts a command on dir and kills it as soon as the data file has
// the size. It says whether the command was still at work.
func killAtSize(t *testing.T, dir string, size int64, args ...string) bool {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCommandChild$")
	child.Env = append(os.Environ(), childArgs+"="+string(text), "DATA_DIR="+dir)
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			return false
		case <-poll.C:
		}
		if info, err := os.Stat(filepath.Join(dir, dataFile)); err == nil && info.Size() >= size {
			_ = child.Process.Kill()
			<-ended
			return true
		}
	}
}

// holds checks that the store has the first learners of g, whole, and no more.
func holds(t *testing.T, dir string, g *lrs.Generator, learners int) {
	t.Helper()
	store, err := openStore(&config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for n := range learners {
		got, err := store.Record(t.Context(), g.ULN(n))
		if err != nil {
			t.Fatalf("learner %d: %v", n, err)
		}
		want := plr.NewRecord(g.ULN(n))
		want.Apply(g.Update(n), got.UpdatedAt)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("learner %d:\n got %+v\nwant %+v", n, got, want)
		}
	}
	if _, err := store.Record(t.Context(), g.ULN(learners)); plr.CodeOf(err) != plr.CodeNotFound {
		t.Errorf("one learner too many: %v", err)
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	g := &lrs.Generator{Seed: 4, Events: 3}
	dir := t.TempDir()
	env := map[string]string{"DATA_DIR": dir}
	generate := func(learners, events, before string) {
		t.Helper()
		out, err := runCommand(t, env, "generate", "-learners", learners, "-events", events, "-seed", "4")
		if err != nil || !strings.Contains(out, "; "+before+" were there before") {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	generate("1500", "3", "0")
	holds(t, dir, g, 1500)
	generate("1500", "3", "1,500") // again: nothing to do
	holds(t, dir, g, 1500)
	generate("2700", "3", "500") // more: from the batch before the first that is missing
	holds(t, dir, g, 2700)
	g.Events = 4
	generate("2700", "4", "0") // other events: all anew, and nothing twice
	holds(t, dir, g, 2700)
	g.Events = 5
	generate("1500", "5", "0") // as a run that was cut off would leave it: half new, half of before
	generate("2700", "5", "500")
	holds(t, dir, g, 2700)

	// Whoever starts the server on such a store signs in as the sample people.
	h := newHarness(t, harnessOptions{dir: dir})
	if a := h.signedIn(samplePeople(t)[0].Subject).must(`{ learner { uln } }`, nil); a.at("learner", "uln") != string(samplePeople(t)[0].ULN) {
		t.Errorf("%s", a.raw)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there.xml")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	production := map[string]string{
		"DATA_DIR": dir, "ENV": "production", "PUBLIC_URL": "https://records.example.org", "OIDC_ISSUER": "https://oidc.example.org/",
		"OIDC_CLIENT_ID": "records", "OIDC_CLIENT_KEY_FILE": "config_test.go", "OIDC_CLIENT_KEY_ID": "k1", "REDIS_URL": "rediss://redis.example.org",
	}
	for name, c := range map[string]struct {
		env   map[string]string
		args  []string
		words string
	}{
		"production":     {production, nil, "do not belong"},
		"nobody":         {nil, []string{"-learners", "0"}, "generate 1 to"},
		"too many":       {nil, []string{"-learners", "2400000"}, "generate 1 to"},
		"too many each":  {nil, []string{"-events", "501"}, "generate 1 to"},
		"an argument":    {nil, []string{"1000"}, "flags come first"},
		"an unknown one": {nil, []string{"-x"}, "not defined"},
		"a file there":   {nil, []string{"-out", there}, "there already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.env == nil {
				c.env = map[string]string{"DATA_DIR": t.TempDir()}
			}
			if _, err := runCommand(t, c.env, append([]string{"generate"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if text, _ := os.ReadFile(there); string(text) != "precious" {
			t.Errorf("the file was overwritten: %s", text)
		}
		if _, err := os.Stat(filepath.Join(dir, dataFile)); err == nil {
			t.Error("a refused command made a data file")
		}
	})
}

// A generation that is killed is gone on with, wherever it was.
func TestGenerateKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const learners = 10_000
	g := &lrs.Generator{Seed: 5, Events: 4}
	args := []string{"generate", "-learners", "10000", "-events", "4", "-seed", "5"}
	killed := 0
	for _, size := range []int64{3 << 20, 5 << 20, 7 << 20, 9 << 20} {
		if killAtSize(t, dir, size, args...) {
			killed++
		}
	}
	out, err := runCommand(t, map[string]string{"DATA_DIR": dir}, args...)
	if err != nil || strings.Contains(out, "; 0 were there before") {
		t.Fatalf("%v\n%s", err, out)
	}
	if killed == 0 {
		t.Error("nothing was killed at work")
	}
	t.Logf("killed %d times; then: %s", killed, out)
	holds(t, dir, g, learners)
}

// An import that is killed is repeated; the file gives what generating gives.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "answers.xml")
	const learners = 3000
	g := &lrs.Generator{Seed: 6, Events: 4}
	if out, err := runCommand(t, nil, "generate", "-learners", "3000", "-events", "4", "-seed", "6", "-out", file); err != nil || out != "" {
		t.Fatalf("%v %s", err, out)
	}
	data := filepath.Join(dir, "data")
	args := []string{"import", "-rejects", filepath.Join(dir, "rejects"), file}
	killed := 0
	for _, size := range []int64{1 << 20, 2 << 20} {
		if killAtSize(t, data, size, args...) {
			killed++
		}
	}
	if killed == 0 {
		t.Error("nothing was killed at work")
	}
	if out, err := runCommand(t, map[string]string{"DATA_DIR": data}, args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	holds(t, data, g, learners)
}

// In place of a terminal's bar there are plain lines, at the clock's pace.
func TestProgress(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	var out bytes.Buffer
	p := newProgress(&out, clock.Now)
	p.start(0.1, 100_000)
	for i := range 40 {
		clock.Advance(time.Second)
		count := 100_000 + (i+1)*2_500
		p.at(float64(count)/1_000_000, count)
	}
	p.end(0.2, 200_000)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 8 || lines[7] != " 20 %, 200,000 learners, 2,500 a second, 5m20s left" {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}

	out.Reset()
	p = newProgress(&out, clock.Now)
	p.terminal = true
	for i := range 10 {
		clock.Advance(100 * time.Millisecond)
		p.at(float64(i+1)/10, 1234*(i+1))
	}
	p.end(1, 12_340)
	if bar := out.String(); strings.Count(bar, "\r") != 6 || !strings.HasSuffix(bar, "\r["+strings.Repeat("#", 30)+"] 100 %, 12,340 learners, 12,340 a second\x1b[K\n") {
		t.Errorf("%q", bar)
	}

	out.Reset()
	p = newProgress(&out, clock.Now)
	clock.Advance(10 * time.Second)
	p.at(-1, 50) // a pipe, whose end nobody knows
	if out.String() != "50 learners, 5 a second\n" {
		t.Errorf("%q", out.String())
	}
}
