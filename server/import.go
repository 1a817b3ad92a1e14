package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// importFiles is `server import`: LRS web-service responses into the store.
func importFiles(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rejectsPath := flags.String("rejects", "rejects.ndjson", "where refused items are listed, without any personal value")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name at least one file: server import FILE")
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	store, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	keys, err := secretKeys(c.LinkKeys, c.DataDir, "link-keys")
	if err != nil {
		return err
	}
	service, err := plr.New(plr.Config{
		Store: store, Now: now, Random: rand.Reader, LinkKeys: keys, PublicURL: c.PublicURL, Marking: c.Marking, PINSlots: 1,
	})
	if err != nil {
		return err
	}
	rejects := &lazyFile{path: *rejectsPath}
	importer := &lrs.Importer{Service: service, Today: plr.DateOf(now()), Rejects: rejects}
	summary, err := importer.Import(ctx, lrs.Paths(flags.Args()...)...)
	if summary != nil {
		err = errors.Join(err, summary.Print(stdout))
	}
	if err := errors.Join(err, rejects.Close()); err != nil {
		return err
	}
	if n := summary.Rejected(); n > 0 {
		return fmt.Errorf("%d rejected; see %s", n, *rejectsPath)
	}
	return nil
}

// lazyFile makes its file at the first write, so that an import without
// rejects leaves none.
type lazyFile struct {
	path string
	file *os.File
}

func (l *lazyFile) Write(p []byte) (int, error) {
	if l.file == nil {
		f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return 0, err
		}
		l.file = f
	}
	return l.file.Write(p)
}

func (l *lazyFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
