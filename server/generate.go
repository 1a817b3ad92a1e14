package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// generateBatch is how many learners are stored at a time. A run that was
// killed leaves at most one batch half stored, so going on begins one before.
const generateBatch = 1000

// generate is `server generate`: invented learners into the store, or into a
// file that `server import` reads.
func generate(ctx context.Context, args []string, env func(string) string, now func() time.Time, stdout, stderr io.Writer) error {
	flags := newFlags("generate", stderr)
	learners := flags.Int("learners", 1000, "how many")
	events := flags.Int("events", 15, "how many each has")
	seed := flags.Uint64("seed", 1, "the same seed gives the same learners")
	out := flags.String("out", "", "write LRS answers (XML) to this new file, or - for standard output, in place of the store")
	if done, err := parseFlags(flags, args, 0); done || err != nil {
		return err
	}
	if *learners < 1 || *learners > lrs.MaxGenerated || *events < 0 || *events > lrs.MaxGeneratedEvents {
		return fmt.Errorf("generate 1 to %s learners with 0 to %d events each", grouped(lrs.MaxGenerated), lrs.MaxGeneratedEvents)
	}
	g := &lrs.Generator{Seed: *seed, Events: *events}
	p := newProgress(stderr, now)
	if *out != "" {
		return generateFile(ctx, g, *learners, *out, p, stdout)
	}
	c, err := readConfig(env)
	if err != nil {
		return err
	}
	if c.production() {
		return errors.New("invented learners do not belong among real ones: with ENV=production only --out FILE is allowed")
	}
	store, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	service, err := storeService(c, store, now)
	if err != nil {
		return err
	}
	// The sample people first: they are added to an empty store only, and whoever
	// starts the server on this store wants to sign in as them.
	if _, err := lrs.ImportSamples(ctx, service, plr.DateOf(now())); err != nil {
		return err
	}
	from, err := generatedBefore(ctx, store, g, *learners)
	if err != nil {
		return err
	}
	began := now()
	if err := generateInto(ctx, service, g, from, *learners, p); err != nil {
		return err
	}
	took := now().Sub(began)
	_, err = fmt.Fprintf(stdout, "%s learners with %d events each are in the store; %s were there before; %s\n",
		grouped(*learners), *events, grouped(from), took.Round(time.Millisecond))
	return err
}

// generatedBefore says how many learners of an earlier run can be relied on.
// There is no marker that could be lost or lie: the store itself is asked.
// Learners are stored in their order, so the first that is missing, or is of
// another seed or with other events, ends what is there; the batch before may be
// half there.
func generatedBefore(ctx context.Context, store plr.Store, g *lrs.Generator, learners int) (int, error) {
	var fault error
	missing := sort.Search(learners, func(n int) bool {
		record, err := store.Record(ctx, g.ULN(n))
		if err != nil {
			if plr.CodeOf(err) != plr.CodeNotFound {
				fault = err
			}
			return true
		}
		change := record.Apply(g.Update(n), record.UpdatedAt)
		return change.RegisterChanged || change.EventsSame != len(record.Events)
	})
	if missing == learners {
		return learners, fault
	}
	return max(0, missing-generateBatch), fault
}

// generateInto invents in one goroutine and stores in another.
func generateInto(ctx context.Context, service *plr.Service, g *lrs.Generator, from, to int, p *progress) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	share := func(n int) float64 { return float64(n) / float64(to) }
	p.start(share(from), from)
	batches := make(chan []plr.RecordUpdate, 1)
	go func() {
		defer close(batches)
		for first := from; first < to; first += generateBatch {
			batch := make([]plr.RecordUpdate, 0, generateBatch)
			for n := first; n < min(to, first+generateBatch); n++ {
				batch = append(batch, g.Update(n))
			}
			select {
			case batches <- batch:
			case <-ctx.Done():
				return
			}
		}
	}()
	stored := from
	for batch := range batches {
		if _, err := service.ImportRecords(ctx, batch); err != nil {
			return err
		}
		stored += len(batch)
		p.at(share(stored), stored)
	}
	p.end(share(stored), stored)
	return ctx.Err()
}

func generateFile(ctx context.Context, g *lrs.Generator, learners int, path string, p *progress, stdout io.Writer) (err error) {
	w := stdout
	if path != "-" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, os.ErrExist) {
			return errors.New("the file is there already: name another")
		} else if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	err = g.WriteXML(w, 0, learners, func(n int) error {
		p.at(float64(n+1)/float64(learners), n+1)
		return ctx.Err()
	})
	p.end(1, learners)
	return err
}

// newFlags are a subcommand's flags.
func newFlags(name string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	return flags
}

// parseFlags reads args. It is done when only help was asked for. most is how
// many arguments may follow the flags.
func parseFlags(flags *flag.FlagSet, args []string, most int) (done bool, err error) {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	if flags.NArg() > most {
		return false, fmt.Errorf("%s: too many arguments; flags come first", flags.Name())
	}
	return false, nil
}
