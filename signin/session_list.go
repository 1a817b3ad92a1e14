package signin

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// listedSession is a living session on its account's list.
type listedSession struct {
	session
	entry, record string
}

// listed gives the living sessions of an account, in no order.
func (s *SignIn) listed(ctx context.Context, v *verdict) ([]listedSession, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	index := indexKey(v.account.ID)
	entries, err := s.redis.ZRange(ctx, index, 0, -1).Result()
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	pipe := s.redis.Pipeline() // one by one: a cluster has them all over
	records := make([]*redis.StringCmd, len(entries))
	for i, entry := range entries {
		records[i] = pipe.Get(ctx, recordKey(entry))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var live []listedSession
	var gone []any
	for i, answer := range records {
		record, err := answer.Result()
		switch {
		case errors.Is(err, redis.Nil):
			gone = append(gone, entries[i])
			continue
		case err != nil:
			return nil, err
		}
		if e, err := parseSession(record); err == nil && v.check(s, e) == nil {
			live = append(live, listedSession{session: *e, entry: entries[i], record: record})
		}
	}
	if len(gone) > 0 {
		s.redis.ZRem(ctx, index, gone...) // idle ones; if not now, then the next time
	}
	return live, nil
}
