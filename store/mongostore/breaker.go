package mongostore

import (
	"errors"
	"sync"
	"time"
)

// breakFor is how long nobody asks a server that did not answer in time.
const breakFor = 500 * time.Millisecond

// errAway is the cause of a refusal without a try.
var errAway = errors.New("mongostore: the database did not answer a moment ago")

// breaker keeps callers from queueing for a server that is away. A command
// that ran out of time opens it; after a pause one caller tries, and a success
// closes it.
type breaker struct {
	now func() time.Time

	mu      sync.Mutex
	open    bool
	until   time.Time
	probing bool
}

// outcome is what a command says about the server.
type outcome int

const (
	answered outcome = iota
	silent           // it had time and did not answer
	unknown          // the caller left first, or the connection broke: says nothing
)

// enter says whether to try. Who is let in must leave.
func (b *breaker) enter() (probe bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return false, nil
	case b.probing || b.now().Before(b.until):
		return false, errAway
	}
	b.probing = true
	return true, nil
}

func (b *breaker) leave(probe bool, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch o {
	case answered:
		b.open = false
	case silent:
		b.open, b.until = true, b.now().Add(breakFor)
	case unknown: // as it was; the next caller probes
	}
}
