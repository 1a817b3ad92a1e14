package plr

import (
	"context"
	"sync"
	"time"
)

// Disclosures holds the lease of a request that discloses data, until its
// answer has been written. The edge makes one per request, writes the answer
// only before Deadline, and calls Done afterwards.
type Disclosures struct {
	mu       sync.Mutex
	release  []func(context.Context)
	deadline time.Time
}

type disclosuresKey struct{}

// WithDisclosures gives ctx a place for leases.
func WithDisclosures(ctx context.Context) (context.Context, *Disclosures) {
	d := &Disclosures{}
	return context.WithValue(ctx, disclosuresKey{}, d), d
}

func disclosuresOf(ctx context.Context) *Disclosures {
	d, _ := ctx.Value(disclosuresKey{}).(*Disclosures)
	return d
}

// leaseMargin is kept back from a lease's life for the write itself.
const leaseMargin = 100 * time.Millisecond

func (d *Disclosures) add(s *Service, uln ULN, lease string, began time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if end := began.Add(LeaseLife - leaseMargin); d.deadline.IsZero() || end.Before(d.deadline) {
		d.deadline = end
	}
	d.release = append(d.release, func(ctx context.Context) {
		// A release that fails costs a waiting owner at most LeaseLife.
		_ = s.store.ReleaseLease(ctx, uln, lease)
	})
}

// Deadline is the instant, by this process's monotonic clock, after which the
// answer must not be written any more. False when nothing is disclosed.
func (d *Disclosures) Deadline() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.deadline, !d.deadline.IsZero()
}

// Done ends the leases: the answer is written, or was given up.
func (d *Disclosures) Done(ctx context.Context) {
	d.mu.Lock()
	release := d.release
	d.release = nil
	d.mu.Unlock()
	for _, f := range release {
		f(ctx)
	}
}
