package signin

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

const (
	errNoSession      = why("no session of this token")
	errSessionRecord  = why("the session's record is of no known form")
	errSessionOver    = why("the session has reached its limit")
	errSessionEpoch   = why("the account's sessions were ended")
	errSessionDurable = why("the session was ended, says the durable store")
	errProviderLogout = why("the person has signed out at the provider since")
	errAccountGone    = why("the session's account is gone")
)

// ended says whether err means that a session is no longer alive, as opposed to
// not being able to tell.
func ended(err error) bool {
	var w why
	return errors.As(err, &w)
}

// accountFault marks a failure of the accounts' store, as opposed to Redis.
type accountFault struct{ error }

func (f accountFault) Unwrap() error { return f.error }

// storeProblem says which store an error that is not ended came from.
func storeProblem(err error) Problem {
	var fault accountFault
	if errors.As(err, &fault) {
		return ProblemAccountStoreUnavailable
	}
	return ProblemSessionStoreUnavailable
}

// startProblem says why a session did not begin.
func startProblem(err error) Problem {
	if ended(err) {
		return ProblemSignedOutMeanwhile
	}
	return storeProblem(err)
}

// providerLogoutKey holds, in unix milliseconds of the provider's clock, when
// this person last signed out there. It is kept for people unknown here as well:
// one of them may be on the way in.
func providerLogoutKey(subjectHash string) string { return "lr:opout:{" + subjectHash + "}" }

// verdict is everything that decides over all sessions of one account.
type verdict struct {
	account *plr.Account
	epoch   string // empty when Redis has none: nothing may be resurrected then
	signOut int64  // at the provider, as Redis knows; zero for never
}

// verdictOn asks Redis about an account just read.
func (s *SignIn) verdictOn(ctx context.Context, account *plr.Account) (*verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	pipe := s.redis.Pipeline()
	epoch := pipe.Get(ctx, epochKey(account.ID))
	signOut := pipe.Get(ctx, providerLogoutKey(subjectHash(account.Issuer, account.Subject)))
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	v := &verdict{account: account}
	for _, answer := range []*redis.StringCmd{epoch, signOut} {
		if err := answer.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
	}
	v.epoch = epoch.Val()
	if word := signOut.Val(); word != "" {
		var err error
		if v.signOut, err = strconv.ParseInt(word, 10, 64); err != nil {
			return nil, errSessionRecord // not ours: whoever wrote it, nobody is let in by it
		}
	}
	return v, nil
}

// check gives nil for a session that lives. Times of the provider have seconds,
// so somebody who proved themselves in the second of a sign-out counts as signed
// out.
func (v *verdict) check(s *SignIn, e *session) error {
	switch authTime := time.UnixMilli(e.AuthTime); {
	case e.Account != v.account.ID || v.epoch == "" || (v.epoch != e.Epoch && v.epoch != e.NextEpoch):
		return errSessionEpoch
	case v.account.SessionEnded(e.Handle, time.UnixMilli(e.CreatedAt)), v.account.SessionEnded(e.generation(), time.UnixMilli(e.CreatedAt)):
		return errSessionDurable
	case e.AuthTime <= v.signOut || !authTime.After(v.account.ProviderLogoutAt):
		return errProviderLogout
	case !s.now().Before(s.idleEnd(e)):
		return errSessionOver
	default:
		return nil
	}
}

// judge gives the account of a session that lives, of whichever kind. An error
// for which ended holds says that it does not; any other that it cannot be told,
// which never counts as signed in.
func (s *SignIn) judge(ctx context.Context, e *session) (*plr.Account, error) {
	if !s.now().Before(s.idleEnd(e)) {
		return nil, errSessionOver
	}
	account, err := s.accounts.account(ctx, e.Account)
	switch {
	case err != nil && plr.CodeOf(err) == plr.CodeNotFound:
		return nil, errAccountGone
	case err != nil:
		return nil, accountFault{err}
	}
	v, err := s.verdictOn(ctx, account)
	if err != nil {
		return nil, err
	}
	if err := v.check(s, e); err != nil {
		return nil, err
	}
	return account, nil
}

// parseSession reads a record.
func parseSession(record string) (*session, error) {
	var e session
	if err := json.Unmarshal([]byte(record), &e); err != nil || e.Version != 1 {
		return nil, errSessionRecord
	}
	return &e, nil
}

// liveSession gives the web session of token and its account if the session
// lives; its errors are those of judge.
func (s *SignIn) liveSession(ctx context.Context, token string, touch bool) (*session, *plr.Account, error) {
	return s.sessionByHash(ctx, hashOf(useWebSession, token), touch)
}

// sessionByHash is liveSession for who remembers only the token's hash.
func (s *SignIn) sessionByHash(ctx context.Context, hash string, touch bool) (*session, *plr.Account, error) {
	storeCtx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	record, err := s.redis.Get(storeCtx, sessionKey(hash)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil, errNoSession
	case err != nil:
		return nil, nil, err
	}
	e, err := parseSession(record)
	if err != nil {
		return nil, nil, err
	}
	account, err := s.judge(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if now := s.now(); touch && now.Sub(time.UnixMilli(e.LastSeen)) >= touchEvery {
		// Not being able to extend a session (a Redis that is full still reads) is
		// no reason to end it early.
		if err := s.touchSession(ctx, hash, record, e, now); err != nil {
			s.log.WarnContext(ctx, "session not extended", "session", e.Handle, "why", reason(err))
		}
	}
	return e, account, nil
}

// touchSession moves the idle limit of a session that is still as read. Losing
// the race against another change is no fault: that session was seen or ended.
func (s *SignIn) touchSession(ctx context.Context, hash, record string, e *session, now time.Time) error {
	seen := *e
	seen.LastSeen = now.UnixMilli()
	changed, err := json.Marshal(&seen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	left := max(s.idleEnd(&seen).Sub(now).Milliseconds(), 1)
	done, err := replaceScript.Run(ctx, s.redis, []string{sessionKey(hash)}, record, changed, left).Int()
	if err == nil && done == 1 {
		*e = seen
	}
	return err
}
