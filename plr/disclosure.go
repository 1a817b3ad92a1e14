package plr

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Disclosures holds the lease of a request that discloses data, until its
// answer has been written. The edge makes one per request, calls Hold when the
// answer is ready, writes it only before Deadline, and calls Done afterwards.
type Disclosures struct {
	mu       sync.Mutex
	leases   []heldLease
	deadline time.Time
}

type heldLease struct {
	service *Service
	renewal Renewal // Now is set at each use
}

// ErrWithheld: the data must not leave any more. The link died meanwhile, or
// its store could not confirm in time that it lives.
var ErrWithheld = errors.New("plr: disclosure withheld")

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

const (
	// leaseMargin is kept back from a lease's life for clocks that tick apart.
	leaseMargin = 100 * time.Millisecond
	// writeTime is what must be left of a lease to begin writing.
	writeTime = 500 * time.Millisecond
	// renewals bounds how often a disclosure may ask for more time.
	renewals = 3
)

// add notes a lease that was granted to a call begun at began, which is before
// the grant: the deadline errs to the safe side.
func (d *Disclosures) add(s *Service, r Renewal, began time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leases = append(d.leases, heldLease{s, r})
	end := began.Add(LeaseLife - leaseMargin)
	if d.deadline.IsZero() || end.Before(d.deadline) {
		d.deadline = end
	}
}

// Hold makes sure that there is time to write, and asks the store again when a
// busy machine has used it up. ErrWithheld when there is none to be had.
func (d *Disclosures) Hold(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for try := 0; ; try++ {
		if len(d.leases) == 0 || time.Until(d.deadline) >= writeTime {
			return nil
		}
		if try == renewals {
			return ErrWithheld
		}
		began := time.Now() //nolint:forbidigo // monotonic: a lease ends on this process's own watch
		for _, l := range d.leases {
			l.renewal.Now = l.service.now()
			state, err := l.service.store.RenewLease(ctx, l.renewal)
			if err != nil {
				return errors.Join(ErrWithheld, err)
			}
			if state != LinkActive {
				return ErrWithheld
			}
		}
		d.deadline = began.Add(LeaseLife - leaseMargin)
	}
}

// Deadline is the instant, by this process's monotonic clock, after which the
// answer must not be written any more. False when nothing is disclosed.
func (d *Disclosures) Deadline() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.deadline, !d.deadline.IsZero()
}

// Done ends the leases: the answer is written, or was given up. A release that
// fails costs a waiting owner at most LeaseLife.
func (d *Disclosures) Done(ctx context.Context) {
	d.mu.Lock()
	leases := d.leases
	d.leases = nil
	d.mu.Unlock()
	for _, l := range leases {
		_ = l.service.store.ReleaseLease(ctx, l.renewal.ULN, l.renewal.LeaseID)
	}
}
