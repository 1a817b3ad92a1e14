package signin

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// Kind is where a session is used.
type Kind string

// The kinds.
const (
	// KindWeb is a session of a browser, held by cookie.
	KindWeb Kind = "web"
	// KindApp is a session of a mobile app, held by a bearer token.
	KindApp Kind = "app"
)

// touchEvery keeps a busy session from writing on every request.
const touchEvery = time.Minute

// session is a record kept under the hash of its token. Times are unix
// milliseconds.
type session struct {
	Version int `json:"v"`
	// Handle names the session to people and logs, and opens nothing.
	Handle string `json:"handle"`
	// Generation counts the tokens the session has had. See renewSession.
	Generation int    `json:"gen,omitempty"`
	Kind       Kind   `json:"kind"`
	Account    string `json:"account"`
	// Epoch is the account's when the session began.
	Epoch      string `json:"epoch"`
	CreatedAt  int64  `json:"createdAt"`
	AbsoluteAt int64  `json:"absExp"`
	LastSeen   int64  `json:"lastSeen"`
	// AuthTime is by the provider's clock.
	AuthTime int64  `json:"authTime"`
	Issuer   string `json:"opIssuer"`
	// Subject is the hash of issuer and subject, by which the provider names the
	// person when it signs them out.
	Subject string `json:"opSub,omitempty"`
	// Vector is the vector of trust of the sign-in, as the provider wrote it.
	Vector string `json:"vot,omitempty"`
	// StepUpAt is when the person last proved themselves anew on a trip for this
	// session, by our clock; zero when the provider let them pass by an older sign-in.
	StepUpAt int64 `json:"stepUpAt,omitempty"`
	// IdentityAt is when this session last came back from an identity trip.
	IdentityAt int64      `json:"identityAt,omitempty"`
	Roles      []plr.Role `json:"roles,omitempty"`
	// Device is what an app calls the device it runs on.
	Device string `json:"device,omitempty"`
	// AppLock: the app asks for a fingerprint or the like before it shows anything,
	// so that its session needs no idle limit of ours.
	AppLock bool `json:"appLock,omitempty"`
	// Hint is the ID token, sealed, which the provider wants back at sign-out.
	Hint string `json:"idTokenHint,omitempty"`
}

func sessionKey(tokenHash string) string { return "lr:s:{" + tokenHash + "}" }

// Keys of one account share a hash tag.
func epochKey(account string) string { return "lr:a:{" + account + "}:epoch" }
func indexKey(account string) string { return "lr:a:{" + account + "}:idx" }

// epochLife: an epoch outlives every session that remembers it, and not by much,
// so that Redis does not keep a key for whoever has ever signed in.
const epochLife, appEpochLife = maxAbsolute + time.Hour, maxLockedAbsolute + time.Hour

// indexEntry leads from a handle to the record.
func indexEntry(handle, tokenHash string) string { return handle + "." + tokenHash }

func newEpoch(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	// 52 bits: exact in Lua's numbers, and far from where INCR would overflow.
	return strconv.FormatUint(binary.BigEndian.Uint64(b[:])>>12, 10), nil
}

// limits of a session by our clock.
func (s *SignIn) idleEnd(e *session) time.Time {
	end, life := time.UnixMilli(e.AbsoluteAt), s.config.WebIdle
	if e.Kind == KindApp {
		life = s.config.AppIdle
	}
	if idle := time.UnixMilli(e.LastSeen).Add(life); !e.AppLock && idle.Before(end) {
		return idle
	}
	return end
}

// startSession begins a web session for a person who has just proved themselves
// and gives its token. The sessions replaced are gone before it begins.
func (s *SignIn) startSession(ctx context.Context, account *plr.Account, p *proof, idToken string, replaced []string) (token string, e *session, err error) {
	if token, err = newSessionToken(s.random); err != nil {
		return "", nil, err
	}
	handle, err := newID(s.random, "ses")
	if err != nil {
		return "", nil, err
	}
	epoch, err := newEpoch(s.random)
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
	for _, old := range replaced {
		if _, err := s.endSession(ctx, old); err != nil {
			return "", nil, err
		}
	}
	epoch, err = holdEpochScript.Run(ctx, s.redis, []string{epochKey(account.ID)}, epoch, epochLife.Milliseconds()).Text()
	if err != nil {
		return "", nil, err
	}
	now := s.now()
	e = &session{
		Version: 1, Handle: handle, Kind: KindWeb, Account: account.ID, Epoch: epoch,
		CreatedAt: now.UnixMilli(), LastSeen: now.UnixMilli(),
		AbsoluteAt: now.Add(s.config.WebAbsolute).UnixMilli(),
		Issuer:     s.config.Issuer, Hint: hint,
	}
	p.mark(e, now)
	record, err := json.Marshal(e)
	if err != nil {
		return "", nil, err
	}
	// The index first: an entry without a session is harmless, a session that no
	// list shows is not.
	if err := listSessionScript.Run(ctx, s.redis, []string{indexKey(account.ID)}, e.CreatedAt, e.AbsoluteAt,
		indexEntry(handle, hash), maxAbsolute.Milliseconds()).Err(); err != nil {
		return "", nil, err
	}
	if err := s.redis.Set(ctx, sessionKey(hash), record, s.config.WebIdle).Err(); err != nil {
		return "", nil, err
	}
	return token, e, nil
}

func hintContext(tokenHash string) string { return "id_token_hint " + tokenHash }

const (
	errNoSession      = why("no session of this token")
	errSessionRecord  = why("the session's record is of no known form")
	errSessionOver    = why("the session has reached its limit")
	errSessionEpoch   = why("the account's sessions were ended")
	errSessionDurable = why("the session was ended, says the durable store")
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

// liveSession gives the session of token and its account if the session lives. An
// error for which ended holds says that it does not; any other that it cannot be
// told, which never counts as signed in.
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
	var e session
	if err := json.Unmarshal([]byte(record), &e); err != nil || e.Version != 1 {
		return nil, nil, errSessionRecord
	}
	now := s.now()
	if !now.Before(s.idleEnd(&e)) {
		return nil, nil, errSessionOver
	}
	epoch, err := s.redis.Get(storeCtx, epochKey(e.Account)).Result()
	switch {
	case errors.Is(err, redis.Nil): // lost or evicted: nothing may be resurrected
		return nil, nil, errSessionEpoch
	case err != nil:
		return nil, nil, err
	case epoch != e.Epoch:
		return nil, nil, errSessionEpoch
	}
	account, err := s.accounts.account(ctx, e.Account)
	switch {
	case err != nil && plr.CodeOf(err) == plr.CodeNotFound:
		return nil, nil, errAccountGone
	case err != nil:
		return nil, nil, accountFault{err}
	case account.SessionEnded(e.Handle, time.UnixMilli(e.CreatedAt)), account.SessionEnded(e.generation(), time.UnixMilli(e.CreatedAt)):
		return nil, nil, errSessionDurable
	}
	if touch && now.Sub(time.UnixMilli(e.LastSeen)) >= touchEvery {
		// Not being able to extend a session (a Redis that is full still reads) is
		// no reason to end it early.
		if err := s.touchSession(storeCtx, hash, record, &e, now); err != nil {
			s.log.WarnContext(ctx, "session not extended", "session", e.Handle, "why", reason(err))
		}
	}
	return &e, account, nil
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
	left := max(s.idleEnd(&seen).Sub(now).Milliseconds(), 1)
	done, err := replaceScript.Run(ctx, s.redis, []string{sessionKey(hash)}, record, changed, left).Int()
	if err == nil && done == 1 {
		*e = seen
	}
	return err
}

// endSession ends the session with this token hash and gives its record as it
// was, or nil when there was none. The durable store is told first, so that no
// older copy of Redis brings the session back. When it cannot be told, the
// session still ends in Redis: somebody who leaves a shared computer must not be
// kept signed in by it.
func (s *SignIn) endSession(ctx context.Context, hash string) (*session, error) {
	record, err := s.redis.Get(ctx, sessionKey(hash)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	var e session
	known := json.Unmarshal([]byte(record), &e) == nil && e.Version == 1
	if known {
		if err := s.config.Accounts.EndSession(ctx, e.Account, e.Handle, time.UnixMilli(e.AbsoluteAt)); err != nil {
			s.log.WarnContext(ctx, "signed out in Redis only", "session", e.Handle, "why", reason(err))
		}
		s.accounts.forget(e.Account)
	}
	if err := s.redis.Del(ctx, sessionKey(hash)).Err(); err != nil {
		return nil, err
	}
	if !known {
		return nil, nil // whatever it was, it is gone
	}
	// The session is dead already; a list entry left behind only names it.
	s.redis.ZRem(ctx, indexKey(e.Account), indexEntry(e.Handle, hash))
	return &e, nil
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
