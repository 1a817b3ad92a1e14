package mongostore

import (
	"errors"
	"sync"
	"time"
)

// breakFor is how long nobody asks a server that did not answer in time.
const breakFor = 500 * time.Millisecond

// probeFor is how long a probe keeps others out. One that takes longer is work,
// such as building an index, and says nothing for long.
const probeFor = 2 * time.Second

// errAway is the cause of a refusal without a try.
var errAway = errors.New("mongostore: the database did not answer a moment ago")

// breaker keeps callers from queueing for a server that is away. A command
// that ran out of time opens it; after a pause one caller tries, and a success
// closes it.
type breaker struct {
	now func() time.Time

	mu    sync.Mutex
	open  bool
	until time.Time // nobody is let in before
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
	case b.now().Before(b.until):
		return false, errAway
	}
	b.until = b.now().Add(probeFor)
	return true, nil
}

func (b *breaker) leave(probe bool, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.until = b.now()
	}
	switch o {
	case answered:
		b.open = false
	case silent:
		b.open, b.until = true, b.now().Add(breakFor)
	case unknown: // as it was; the next caller probes
	}
}
