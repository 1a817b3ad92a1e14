package devop

import "time"

// shelf is a map whose entries end at a deadline on our clock. It does not lock:
// its owner does, because the owner's operations span several shelves.
type shelf[T any] struct {
	now     func() time.Time
	items   map[string]shelved[T]
	sweepAt time.Time
}

type shelved[T any] struct {
	value    T
	deadline time.Time
}

func newShelf[T any](now func() time.Time) *shelf[T] {
	return &shelf[T]{now: now, items: make(map[string]shelved[T])}
}

func (s *shelf[T]) get(key string) (T, bool) {
	item, ok := s.items[key]
	if !ok || !s.now().Before(item.deadline) {
		var zero T
		return zero, false
	}
	return item.value, true
}

// put sets the value and its lifetime.
func (s *shelf[T]) put(key string, value T, life time.Duration) {
	now := s.now()
	s.sweep(now)
	s.items[key] = shelved[T]{value, now.Add(life)}
}

// replace changes the value of an entry and leaves its deadline alone.
func (s *shelf[T]) replace(key string, value T) {
	if item, ok := s.items[key]; ok {
		s.items[key] = shelved[T]{value, item.deadline}
	}
}

func (s *shelf[T]) drop(key string) { delete(s.items, key) }

// sweep forgets what has ended, at most once a minute: a load test signs in
// thousands of times and must not pay for a scan each time.
func (s *shelf[T]) sweep(now time.Time) {
	if now.Before(s.sweepAt) {
		return
	}
	s.sweepAt = now.Add(time.Minute)
	for key, item := range s.items {
		if !now.Before(item.deadline) {
			delete(s.items, key)
		}
	}
}
