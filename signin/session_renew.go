package signin

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// generation names one token's time of a session in the durable store. The handle
// names all of them: ending it ends the session whatever its token is by now.
func (e *session) generation() string { return e.Handle + "." + strconv.Itoa(e.Generation) }

// remembered is until when the durable store must remember that a session, or one
// token's time of it, ends now. Should an older copy of Redis bring its record
// back, that record was last seen before, and has reached its idle limit by then.
// Clocks may differ by a minute, and a restart may set another limit for browsers.
func (s *SignIn) remembered(e *session) time.Time {
	unseen := max(maxIdle, time.Duration(e.Idle)*time.Millisecond)
	return time.UnixMilli(min(e.AbsoluteAt, s.now().Add(unseen+time.Minute).UnixMilli()))
}

// mark writes what an authentication proved into a session.
func (p *proof) mark(e *session, now time.Time) {
	e.AuthTime, e.Vector, e.Roles = p.authTime.UnixMilli(), p.vector, p.roles
	if !p.freshAt.IsZero() {
		e.StepUpAt = p.freshAt.UnixMilli()
	}
	if p.identity {
		e.IdentityAt = now.UnixMilli()
	}
}

// renewSession gives a living session a new token, after an authentication that
// proved p. Handle, beginning and absolute limit stay: signing
// in once more prolongs nothing, and what ended all sessions that had begun by
// then ends this one too. The old token is dead before the new one is given,
// durably: otherwise whoever planted or stole it would have it raised with the
// owner's. When that cannot be made sure, the new token is withdrawn.
func (s *SignIn) renewSession(ctx context.Context, oldHash, idToken string, p *proof) (string, *session, error) {
	token, err := newSessionToken(s.random)
	if err != nil {
		return "", nil, err
	}
	hash := hashOf(useWebSession, token)
	hint, err := s.sealer.seal(idToken, hintContext(hash))
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	old, err := s.readSession(ctx, oldHash)
	if err != nil {
		return "", nil, err
	}
	now := s.now()
	e := *old
	e.Generation, e.Hint, e.LastSeen = old.Generation+1, hint, now.UnixMilli()
	p.mark(&e, now)
	record, err := json.Marshal(&e)
	if err != nil {
		return "", nil, err
	}
	left := s.idleEnd(&e).Sub(now)
	if left <= 0 {
		return "", nil, errSessionOver
	}

	// The list last: an entry whose record is gone counts as dead.
	if err := s.redis.Set(ctx, sessionKey(hash), record, left).Err(); err != nil {
		s.withdraw(ctx, &e, hash)
		return "", nil, err
	}
	if err := listSessionScript.Run(ctx, s.redis, []string{indexKey(e.Account)}, now.UnixMilli(), e.AbsoluteAt,
		indexEntry(e.Handle, hash), epochLife.Milliseconds()).Err(); err != nil {
		s.withdraw(ctx, &e, hash)
		return "", nil, err
	}
	if err := s.redis.Set(ctx, successorKey(oldHash), hash, successorLife).Err(); err != nil {
		s.withdraw(ctx, &e, hash)
		return "", nil, err
	}
	if err := s.retire(ctx, old, oldHash); err != nil {
		s.withdraw(ctx, &e, hash)
		return "", nil, err
	}
	return token, &e, nil
}

// successorKey leads from a token that was replaced to the hash of the new one, for
// as long as somebody who holds only the old one may be about to sign out.
func successorKey(tokenHash string) string { return "lr:next:{" + tokenHash + "}" }

const successorLife = time.Minute

// successor gives the hash of the token that replaced this one a moment ago, or
// nothing. It opens nothing: somebody who signs out in one tab while another comes
// back from a step-up means the session, whatever its token is by then.
func (s *SignIn) successor(ctx context.Context, tokenHash string) (string, error) {
	next, err := s.redis.Get(ctx, successorKey(tokenHash)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return next, err
}

// retire ends the old token of a session that has a new one.
func (s *SignIn) retire(ctx context.Context, old *session, oldHash string) error {
	if err := s.config.Accounts.EndSession(ctx, old.Account, old.generation(), s.remembered(old)); err != nil {
		return accountFault{err}
	}
	s.accounts.forget(old.Account)
	deleted, err := s.redis.Del(ctx, sessionKey(oldHash)).Result()
	if err != nil {
		return err
	}
	if deleted == 0 {
		return errNoSession // it ended meanwhile, and must stay so
	}
	s.redis.ZRem(ctx, indexKey(old.Account), indexEntry(old.Handle, oldHash))
	return nil
}

// withdraw takes a session away again whose token nobody has been given.
func (s *SignIn) withdraw(ctx context.Context, e *session, hash string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	entry := entryOf(e, hash)
	s.redis.Del(ctx, recordKey(entry))
	s.redis.ZRem(ctx, indexKey(e.Account), entry)
}

// readSession gives a record as it lies in Redis, judging its form only.
func (s *SignIn) readSession(ctx context.Context, hash string) (*session, error) {
	record, err := s.redis.Get(ctx, sessionKey(hash)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, errNoSession
	case err != nil:
		return nil, err
	}
	var e session
	if err := json.Unmarshal(record, &e); err != nil || e.Version != 1 {
		return nil, errSessionRecord
	}
	return &e, nil
}
