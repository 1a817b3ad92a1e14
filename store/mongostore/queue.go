package mongostore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"openplr/plr"
)

// queue lets one caller of this process at a time change a document by compare
// and swap, so that only replicas ever meet there.
type queue struct {
	mu      sync.Mutex
	waiting map[string]*place
}

type place struct {
	turn chan struct{} // holds one token while nobody is at work
	here int
}

func newQueue() *queue { return &queue{waiting: map[string]*place{}} }

// wait gives the caller's turn, to be ended by calling done.
func (q *queue) wait(ctx context.Context, key string) (done func(), err error) {
	q.mu.Lock()
	p := q.waiting[key]
	if p == nil {
		p = &place{turn: make(chan struct{}, 1)}
		p.turn <- struct{}{}
		q.waiting[key] = p
	}
	p.here++
	q.mu.Unlock()
	leave := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if p.here--; p.here == 0 {
			delete(q.waiting, key)
		}
	}
	select {
	case <-p.turn:
		return func() {
			p.turn <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, plr.Unavailable(ctx.Err(), retryAfter)
	}
}

// pause waits before a new attempt: some milliseconds, longer the more there
// were, never the same.
func pause(ctx context.Context, attempt int) error {
	longest := time.Millisecond << min(attempt, 5)
	t := time.NewTimer(rand.N(longest)) //nolint:gosec // to spread callers, not to hide anything
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return plr.Unavailable(ctx.Err(), retryAfter)
	}
}
