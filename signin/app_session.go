package signin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// The tokens of an app, recognisable to secret scanners. Both consist of the
// session's locator, which finds the record, and a secret of their own, which
// opens it.
const (
	accessPrefix  = "lra_"
	refreshPrefix = "lrr_"
)

const (
	useLocator use = "app"
	useAccess  use = "access"
	useRefresh use = "refresh"
)

const (
	locatorBytes  = 16
	appTokenChars = 64 // of locator and secret, 48 bytes
)

// family is one app session with everything that belongs to it in one record, so
// that rotating its tokens is one compare-and-set, in clusters too. It reads as a
// session.
type family struct {
	session
	Client string `json:"client"`
	// AppLock: the app asks for a fingerprint or the like before it shows anything.
	AppLock bool `json:"appLock,omitempty"`
	// Locator is sealed: a step-up gives new tokens without having seen the old.
	Locator string `json:"locator"`
	// Access and Refresh are hashes of the tokens in force.
	Access   string `json:"access"`
	AccessAt int64  `json:"accessExp"`
	Refresh  string `json:"refresh"`
	// Previous is the hash of the refresh token before, and Answer, sealed, what it
	// was traded for: an app that missed the answer gets the same one again.
	// Without an answer the tokens were replaced by those of a step-up.
	Previous  string `json:"previous,omitempty"`
	RotatedAt int64  `json:"rotatedAt,omitempty"`
	// Code is the hash of the step-up's or identity trip's code that the tokens, or
	// those they were refreshed from, were traded for.
	Code   string `json:"code,omitempty"`
	Answer string `json:"answer,omitempty"`
	// Confirmation is room for tokens bound to a key (RFC 9449). A record that has
	// it belongs to a newer replica, and whoever holds the token is not enough.
	Confirmation json.RawMessage `json:"cnf,omitempty"`
}

// familyKey is where everything of one app session is kept, under the hash of
// the locator that its tokens share.
func familyKey(hash string) string { return "lr:f:{" + hash + "}" }

// familyEntry leads from a handle to the record, as indexEntry does.
func familyEntry(handle, hash string) string { return handle + ".f." + hash }

func locatorContext(hash string) string { return "locator " + hash }

func answerContext(hash, previous string) string { return "app_answer " + hash + " " + previous }

// newAppToken gives a token and its hash.
func newAppToken(random io.Reader, prefix string, u use, locator []byte) (token, hash string, err error) {
	raw := make([]byte, locatorBytes+secretBytes)
	copy(raw, locator)
	if _, err := io.ReadFull(random, raw[locatorBytes:]); err != nil {
		return "", "", err
	}
	token = prefix + secretEncoding.EncodeToString(raw)
	return token, hashOf(u, token), nil
}

// readAppToken gives the locator in a token, or false when the token has not the
// form of one with this prefix.
func readAppToken(token, prefix string) (locator []byte, ok bool) {
	body, ok := strings.CutPrefix(token, prefix)
	if !ok || len(body) != appTokenChars {
		return nil, false
	}
	raw, err := secretEncoding.DecodeString(body)
	if err != nil || len(raw) != locatorBytes+secretBytes {
		return nil, false
	}
	return raw[:locatorBytes], true
}

func familyHash(locator []byte) string { return hashOf(useLocator, string(locator)) }

// isAccessToken says whether s has the form of an app's access token.
func isAccessToken(s string) bool {
	_, ok := readAppToken(s, accessPrefix)
	return ok
}

func sameHash(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

const (
	errAccessReplaced = why("the access token is not the one in force")
	errAccessOver     = why("the access token has expired")
)

// liveApp is liveSession for an app's access token.
func (s *SignIn) liveApp(ctx context.Context, token string, touch bool) (*session, *plr.Account, error) {
	locator, ok := readAppToken(token, accessPrefix)
	if !ok {
		return nil, nil, errNoSession
	}
	hash := familyHash(locator)
	f, record, err := s.readFamily(ctx, hash)
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	switch {
	case !sameHash(f.Access, hashOf(useAccess, token)):
		return nil, nil, errAccessReplaced
	case !now.Before(time.UnixMilli(f.AccessAt)):
		return nil, nil, errAccessOver
	}
	account, err := s.judge(ctx, &f.session)
	if err != nil {
		return nil, nil, err
	}
	if touch && now.Sub(time.UnixMilli(f.LastSeen)) >= touchEvery {
		seen := *f
		seen.LastSeen = now.UnixMilli()
		if !now.Before(time.UnixMilli(f.RotatedAt).Add(refreshGrace)) {
			seen.Answer = "" // nobody may hear it again
		}
		// Losing the race is no fault: the session was seen, renewed or ended.
		switch done, err := s.replaceFamily(ctx, hash, record, &seen); {
		case err != nil:
			s.log.WarnContext(ctx, "session not extended", "session", f.Handle, "why", reason(err))
		case done:
			f = &seen
		}
	}
	return &f.session, account, nil
}

// readFamily gives the record with this hash, in the form that replaceFamily wants
// back too. It says nothing about whether the session lives.
func (s *SignIn) readFamily(ctx context.Context, hash string) (f *family, record string, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	record, err = s.redis.Get(ctx, familyKey(hash)).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, "", errNoSession
	case err != nil:
		return nil, "", err
	}
	f = &family{}
	if err := json.Unmarshal([]byte(record), f); err != nil || f.Version != 1 || f.Kind != KindApp || f.Confirmation != nil {
		return nil, "", errSessionRecord
	}
	return f, record, nil
}

// replaceFamily writes f unless the record has changed since it was read.
func (s *SignIn) replaceFamily(ctx context.Context, hash, record string, f *family) (bool, error) {
	changed, err := json.Marshal(f)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	done, err := replaceScript.Run(ctx, s.redis, []string{familyKey(hash)}, record, changed, s.familyLife(f)).Int()
	return done == 1, err
}

// familyLife is how long Redis keeps the record, in milliseconds.
func (s *SignIn) familyLife(f *family) int64 {
	return max(s.idleEnd(&f.session).Sub(s.now()).Milliseconds(), 1)
}

// endFamily ends the app session with this hash and gives its record as it was,
// or nil when there was none. The durable store is told first, so that no older
// copy of Redis brings the session back. When it cannot be told the session is
// dead all the same, and its record stays so that ending it can be repeated: the
// error is one for which storeProblem says that the accounts' store failed.
func (s *SignIn) endFamily(ctx context.Context, hash string) (*session, error) {
	f, _, err := s.readFamily(ctx, hash)
	switch {
	case errors.Is(err, errNoSession):
		return nil, nil
	case err != nil && !ended(err):
		return nil, err
	}
	// The two steps have their own time: a durable store that hangs must not keep
	// the session alive in Redis.
	if err != nil { // whatever it was, it shall be gone
		return nil, s.dropFamily(ctx, hash)
	}
	durable, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.endInStore(durable, &f.session); err != nil {
		return nil, errors.Join(accountFault{err}, s.killFamily(ctx, hash, f))
	}
	if err := s.dropFamily(ctx, hash); err != nil {
		return nil, err
	}
	// The session is dead already; a list entry left behind only names it.
	ctx, cancel = context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s.redis.ZRem(ctx, indexKey(f.Account), familyEntry(f.Handle, hash))
	return &f.session, nil
}

func (s *SignIn) dropFamily(ctx context.Context, hash string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.redis.Del(ctx, familyKey(hash)).Err()
}

// killFamily makes f a session that is dead but remembered. It is written over
// whatever is there: a rotation that has not seen it fails. No account has the
// empty epoch.
func (s *SignIn) killFamily(ctx context.Context, hash string, f *family) error {
	dead := *f
	dead.Epoch, dead.NextEpoch = "", ""
	record, err := json.Marshal(&dead)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err = s.redis.SetXX(ctx, familyKey(hash), record, redis.KeepTTL).Err()
	if errors.Is(err, redis.Nil) {
		return nil // gone meanwhile
	}
	return err
}

// appTokens is the answer that gives tokens, by RFC 6749 section 5.1.
type appTokens struct {
	AccessToken      string `json:"access_token"`
	TokenType        string `json:"token_type"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
	SessionID        string `json:"session_id"`
}

// issue gives f new tokens, and the answer that carries them.
func (s *SignIn) issue(f *family, locator []byte) (answer string, err error) {
	now := s.now()
	out := appTokens{TokenType: "Bearer", SessionID: f.Handle}
	if out.AccessToken, f.Access, err = newAppToken(s.random, accessPrefix, useAccess, locator); err != nil {
		return "", err
	}
	if out.RefreshToken, f.Refresh, err = newAppToken(s.random, refreshPrefix, useRefresh, locator); err != nil {
		return "", err
	}
	// Sealed anew each time, so that a key can go once all sessions were refreshed.
	if f.Locator, err = s.sealer.seal(string(locator), locatorContext(familyHash(locator))); err != nil {
		return "", err
	}
	f.LastSeen = now.UnixMilli()
	end := s.idleEnd(&f.session)
	access := now.Add(s.config.AppAccess)
	if absolute := time.UnixMilli(f.AbsoluteAt); absolute.Before(access) {
		access = absolute
	}
	f.AccessAt = access.UnixMilli()
	out.ExpiresIn, out.RefreshExpiresIn = int64(access.Sub(now)/time.Second), int64(end.Sub(now)/time.Second)
	body, err := json.Marshal(out) //nolint:gosec // the answer is where the tokens go
	return string(body), err
}

// challengeOf is the challenge that a verifier answers (RFC 7636, S256).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return secretEncoding.EncodeToString(sum[:])
}
