package signin

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// errBusyRecord is no reason to think the session over.
var errBusyRecord = errors.New("signin: a session's record changed with every look at it")

// endSession ends the web session with this token hash and gives its record as it
// was, or nil when there was none. The durable store is told first, so that no
// older copy of Redis brings the session back. When it cannot be told, the session
// still ends in Redis: somebody who leaves a shared computer must not be kept
// signed in by it.
func (s *SignIn) endSession(ctx context.Context, hash string) (*session, error) {
	e, known, err := s.recordToEnd(ctx, hash)
	if err != nil || !known {
		return nil, err
	}
	if err := s.endInStore(ctx, e); err != nil {
		s.log.WarnContext(ctx, "signed out in Redis only", "session", e.Handle, "why", reason(err))
	}
	return e, s.dropRecord(ctx, e, hash)
}

// endEntry ends the session with this entry on its account's list, of whichever
// kind, and gives its record as it was, or nil when there was none. Unlike
// endSession it fails when the durable store cannot be told: nobody is told that
// another's session has ended who could meet it again.
func (s *SignIn) endEntry(ctx context.Context, entry string) (*session, error) {
	_, hash, _ := strings.Cut(entry, ".")
	if family, ok := strings.CutPrefix(hash, "f."); ok {
		return s.endFamily(ctx, family)
	}
	e, known, err := s.recordToEnd(ctx, hash)
	if err != nil || !known {
		return nil, err
	}
	if err := s.endInStore(ctx, e); err != nil {
		return nil, accountFault{err}
	}
	return e, s.dropRecord(ctx, e, hash)
}

// recordToEnd reads the record of a web session. One of no known form is taken
// away, whatever it was.
func (s *SignIn) recordToEnd(ctx context.Context, hash string) (e *session, known bool, err error) {
	record, err := s.redis.Get(ctx, sessionKey(hash)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	if e, err = parseSession(record); err != nil {
		return nil, false, s.redis.Del(ctx, sessionKey(hash)).Err()
	}
	return e, true, nil
}

// endInStore has nothing to do for an account that is gone. The end is remembered
// for as long as an identity trip can be under way that left from the session:
// see ranOut.
func (s *SignIn) endInStore(ctx context.Context, e *session) error {
	// Also after the session's own limit: the trip may come back then.
	until := time.UnixMilli(max(s.remembered(e).UnixMilli(), s.now().Add(identityLife+time.Minute).UnixMilli()))
	err := s.config.Accounts.EndSession(ctx, e.Account, e.Handle, until)
	s.accounts.forget(e.Account)
	if plr.CodeOf(err) == plr.CodeNotFound {
		return nil
	}
	return err
}

func (s *SignIn) dropRecord(ctx context.Context, e *session, hash string) error {
	if err := s.redis.Del(ctx, sessionKey(hash)).Err(); err != nil {
		return err
	}
	// The session is dead already; a list entry left behind only names it.
	s.redis.ZRem(ctx, indexKey(e.Account), indexEntry(e.Handle, hash))
	return nil
}

// endAllSessions ends every session of an account: durably first, so that no
// state of Redis can undo it, then at once.
func (s *SignIn) endAllSessions(ctx context.Context, account string) error {
	var newest time.Time
	live, err := s.listed(ctx, account)
	if err != nil { // ended by the clock then, and by Redis if that answers again
		s.log.WarnContext(ctx, "sessions not looked at", "account", account, "why", reason(err))
	}
	for _, l := range live {
		if began := time.UnixMilli(l.CreatedAt).UTC(); began.After(newest) {
			newest = began
		}
	}
	if err := s.config.Accounts.EndSessions(ctx, account, newest); err != nil {
		return accountFault{err}
	}
	s.accounts.forget(account)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return raiseEpochScript.Run(ctx, s.redis, []string{epochKey(account)}).Err()
}

// endOtherSessions ends every session of an account but the one with this handle,
// which lives, and gives how many lived.
//
// The one that stays first notes the epoch that it will live on in; then the
// account moves there, which ends all others at once: those on no list, those
// just beginning and those being extended or refreshed, whose records go on
// naming the old epoch whatever is written into them. That is Redis' word only, so
// each of them is then ended durably as well. A second call ends what a failed
// one left.
//
// The new epoch is far enough away that no sign-out everywhere, which counts on
// by one, ever arrives at it.
func (s *SignIn) endOtherSessions(ctx context.Context, account *plr.Account, handle string) (int, error) {
	v, err := s.verdictOn(ctx, account)
	if err != nil {
		return 0, err
	}
	kept, err := s.listed(ctx, account.ID)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(kept, func(l listedSession) bool { return l.Handle == handle && v.check(s, &l.session) == nil })
	if i < 0 {
		return 0, errNoSession
	}
	next, err := s.epochAfter(v.epoch)
	if err != nil {
		return 0, err
	}
	if err := s.noteEpoch(ctx, v, &kept[i], next); err != nil {
		return 0, err
	}
	moved, err := moveEpochScript.Run(ctx, s.redis, []string{epochKey(account.ID)}, v.epoch, next).Int()
	switch {
	case err != nil:
		return 0, err
	case moved == 0:
		return 0, errSessionEpoch
	}
	if kept, err = s.listed(ctx, account.ID); err != nil { // once more: nothing that lives by the old epoch is added from here on
		return 0, err
	}
	lived := 0
	for _, l := range kept {
		if l.Handle == handle || l.Epoch == next {
			continue
		}
		if v.check(s, &l.session) == nil {
			lived++
		}
		if _, err := s.endEntry(ctx, l.entry); err != nil {
			return 0, err
		}
	}
	return lived, nil
}

func (s *SignIn) epochAfter(epoch string) (string, error) {
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return "", errSessionRecord
	}
	var b [4]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return "", err
	}
	return strconv.FormatInt(n+1<<16+int64(binary.BigEndian.Uint32(b[:])), 10), nil
}

// noteEpoch writes into the record of a living session that it lives in the epoch
// of now and in next after it. Whatever else the record holds, of an app for one,
// stays.
func (s *SignIn) noteEpoch(ctx context.Context, v *verdict, l *listedSession, next string) error {
	key, record := recordKey(l.entry), l.record
	for range 5 {
		e, err := parseSession(record)
		if err == nil {
			err = v.check(s, e) // whatever ended it meanwhile must not be undone
		}
		if err != nil {
			return err
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(record), &members); err != nil {
			return errSessionRecord
		}
		members["epoch"], members["nextEpoch"] = json.RawMessage(strconv.Quote(v.epoch)), json.RawMessage(strconv.Quote(next))
		changed, err := json.Marshal(members)
		if err != nil {
			return err
		}
		left := max(s.idleEnd(e).Sub(s.now()).Milliseconds(), 1)
		done, err := replaceScript.Run(ctx, s.redis, []string{key}, record, changed, left).Int()
		if err != nil || done == 1 {
			return err
		}
		// Extended or refreshed meanwhile, or ended.
		record, err = s.redis.Get(ctx, key).Result()
		switch {
		case errors.Is(err, redis.Nil):
			return errNoSession
		case err != nil:
			return err
		}
	}
	return errBusyRecord
}
