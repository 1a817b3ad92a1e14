package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// endSession ends the web session with this token hash; see endRecord.
func (s *SignIn) endSession(ctx context.Context, hash string) (*session, error) {
	return s.endRecord(ctx, sessionKey(hash), hash)
}

// endEntry ends the session with this entry on its account's list; see endRecord.
func (s *SignIn) endEntry(ctx context.Context, entry string) (*session, error) {
	return s.endRecord(ctx, recordKey(entry), entry[strings.LastIndexByte(entry, '.')+1:])
}

// endRecord ends the session kept under key and gives its record as it was, or
// nil when there was none. The durable store is told first, so that no older copy
// of Redis brings the session back. When it cannot be told, the session still
// ends in Redis: somebody who leaves a shared computer must not be kept signed in
// by it.
func (s *SignIn) endRecord(ctx context.Context, key, hash string) (*session, error) {
	record, err := s.redis.Get(ctx, key).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	e, _ := parseSession(record)
	if e != nil {
		if err := s.config.Accounts.EndSession(ctx, e.Account, e.Handle, time.UnixMilli(e.AbsoluteAt)); err != nil {
			s.log.WarnContext(ctx, "signed out in Redis only", "session", e.Handle, "why", reason(err))
		}
		s.accounts.forget(e.Account)
	}
	if err := s.redis.Del(ctx, key).Err(); err != nil {
		return nil, err
	}
	if e == nil {
		return nil, nil // whatever it was, it is gone
	}
	// The session is dead already; a list entry left behind only names it.
	s.redis.ZRem(ctx, indexKey(e.Account), entryOf(e, hash))
	return e, nil
}

// endAllSessions ends every session of an account: durably first, so that no
// state of Redis can undo it, then at once.
func (s *SignIn) endAllSessions(ctx context.Context, account string) error {
	if err := s.config.Accounts.EndSessions(ctx, account); err != nil {
		return accountFault{err}
	}
	s.accounts.forget(account)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return raiseEpochScript.Run(ctx, s.redis, []string{epochKey(account)}).Err()
}
