package lrs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"openplr/plr"
)

const (
	defaultBatch = 500
	// maxBatchWeight, in answers and events, ends a batch early when its
	// learners have many, so that its size does not depend on who is in it.
	maxBatchWeight = 10_000
)

// Importer brings files of LRS answers into the store. Importing the same file
// again changes nothing.
type Importer struct {
	Service *plr.Service
	// Today decides which award dates lie in the future.
	Today plr.Date
	// Rejects gets one JSON object a line for every reject, without any value
	// of a learner. Nil keeps only the counts.
	Rejects io.Writer
	// Progress, if set, is called after every batch with the counts so far. It
	// must neither change nor keep them.
	Progress func(*Summary)
	// Batch is how many learners are stored at a time; 0 means 500.
	Batch int
}

// Import reads the files in their order. A file that cannot be read, or not to
// its end, is a reject and the next one follows. The error is for what makes
// going on pointless: the store, the rejects file, the end of ctx. The summary
// is there in any case, and counts as stored only what the store confirmed.
func (im *Importer) Import(ctx context.Context, files ...File) (*Summary, error) {
	if im.Service == nil || im.Today == "" {
		return newSummary(), errors.New("lrs: incomplete Importer")
	}
	run := &importRun{Importer: im, summary: newSummary(), size: im.Batch}
	if run.size < 1 {
		run.size = defaultBatch
	}
	for _, file := range files {
		if err := run.file(ctx, file); err != nil {
			return run.summary, errors.Join(err, run.settle())
		}
	}
	return run.summary, errors.Join(run.store(ctx), run.settle())
}

// importRun is one call of Import.
type importRun struct {
	*Importer
	summary *Summary
	size    int
	name    string

	batch  []plr.RecordUpdate
	weight int
	// storing gives the outcome of the batch that is being stored while the next
	// is read; nil when none is. Reading takes as long as storing, so that two
	// processors are twice as quick.
	storing chan stored
}

// stored is the outcome of one batch.
type stored struct {
	changes []plr.RecordChange
	err     error
}

func (run *importRun) file(ctx context.Context, file File) error {
	run.summary.Files++
	run.name = shownName(file.Name)
	in, err := file.Open()
	if err != nil {
		return run.reject(Reject{Code: RejectCannotRead, Message: RejectCannotRead.Message()})
	}
	defer in.Close() //nolint:errcheck // it was only read
	err = Read(in, run.Today, func(a *Answer) error { return run.answer(ctx, a) })
	if broken, ok := errors.AsType[*ReadError](err); ok {
		return run.reject(Reject{Line: broken.Line, Code: broken.Code, Message: broken.Code.Message()})
	}
	return err
}

func (run *importRun) answer(ctx context.Context, a *Answer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	run.summary.answer(a)
	for _, r := range a.Rejects {
		if err := run.reject(r); err != nil {
			return err
		}
	}
	for _, u := range a.Updates() {
		run.add(u)
	}
	run.weight += 1 + len(a.Events)
	if len(run.batch) < run.size && run.weight < maxBatchWeight {
		return nil
	}
	return run.store(ctx)
}

// add puts u at the end of the batch, which the store applies in order. Answers
// of one learner mostly stand side by side (register entry, then events): these
// become one update, so that the learner is written, and counted, once.
func (run *importRun) add(u plr.RecordUpdate) {
	if len(run.batch) == 0 || run.batch[len(run.batch)-1].ULN != u.ULN {
		run.batch = append(run.batch, u)
		return
	}
	last := &run.batch[len(run.batch)-1]
	if u.Register != nil {
		last.Register = u.Register
	}
	last.Events = append(last.Events, u.Events...)
	// A new list: the old one belongs to the register entry.
	last.Linked = slices.Concat(last.Linked, u.Linked)
	if u.EventsAnswer {
		last.EventsAnswer, last.NotShared = true, u.NotShared
	}
}

// store hands the batch over, once the one before is stored.
func (run *importRun) store(ctx context.Context) error {
	if err := run.settle(); err != nil || len(run.batch) == 0 {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	batch, done := run.batch, make(chan stored, 1)
	run.batch, run.weight, run.storing = make([]plr.RecordUpdate, 0, len(batch)), 0, done
	go func() {
		changes, err := run.Service.ImportRecords(ctx, batch)
		done <- stored{changes, err}
	}()
	return nil
}

// settle waits for the batch that is being stored, and counts it.
func (run *importRun) settle() error {
	if run.storing == nil {
		return nil
	}
	out := <-run.storing
	if run.storing = nil; out.err != nil {
		return out.err
	}
	run.summary.stored(out.changes)
	if run.Progress != nil {
		run.Progress(run.summary)
	}
	return nil
}

func (run *importRun) reject(r Reject) error {
	run.summary.Rejects[r.Code]++
	if run.Rejects == nil {
		return nil
	}
	r.File, r.FileNumber = run.name, run.summary.Files
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := run.Rejects.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("lrs: writing the rejects: %w", err)
	}
	return nil
}
