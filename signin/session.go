package signin

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

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
	// Idle is how long the session lives unseen, in milliseconds; zero: as web
	// sessions do.
	Idle int64 `json:"idle,omitempty"`
	// NextEpoch is the one that the session lives on in when it ends the others.
	NextEpoch string `json:"nextEpoch,omitempty"`
	// Device is what an app calls the device it runs on.
	Device string `json:"device,omitempty"`
	// Hint is the ID token, sealed, which the provider wants back at sign-out.
	Hint string `json:"idTokenHint,omitempty"`
}

func sessionKey(tokenHash string) string { return "lr:s:{" + tokenHash + "}" }

// Keys of one account share a hash tag.
func epochKey(account string) string { return "lr:a:{" + account + "}:epoch" }
func indexKey(account string) string { return "lr:a:{" + account + "}:idx" }

// longestSession is how long any session lives at most: one of an app that locks
// itself.
const longestSession = 30 * 24 * time.Hour

// epochLife: what is kept about an account's sessions outlives every one of them,
// and not by much, so that Redis does not keep a key for whoever has ever signed in.
const epochLife = longestSession + time.Hour

// maxSessions is how many sessions an account has side by side.
const maxSessions = 10

// indexEntry leads from a handle to the record of a web session.
func indexEntry(handle, tokenHash string) string { return handle + "." + tokenHash }

// entryOf is the session's entry on the list of its account. hash is that of the
// token, or of an app's family of tokens.
func entryOf(e *session, hash string) string {
	if e.Kind == KindApp {
		return familyEntry(e.Handle, hash)
	}
	return indexEntry(e.Handle, hash)
}

// recordKey is where the session with this entry is kept.
func recordKey(entry string) string {
	_, hash, _ := strings.Cut(entry, ".")
	if family, ok := strings.CutPrefix(hash, "f."); ok {
		return familyKey(family)
	}
	return sessionKey(hash)
}

// subjectHash names a person of a provider without saying who it is.
func subjectHash(issuer, subject string) string { return hashOf(useSubject, issuer+"|"+subject) }

func newEpoch(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	// 52 bits: exact in Lua's numbers, and far from where INCR would overflow.
	return strconv.FormatUint(binary.BigEndian.Uint64(b[:])>>12, 10), nil
}

// idleEnd is when the session ends by our clock unless it is seen before.
func (s *SignIn) idleEnd(e *session) time.Time {
	idle := s.config.WebIdle
	if e.Idle > 0 {
		idle = time.Duration(e.Idle) * time.Millisecond
	}
	return time.UnixMilli(min(e.LastSeen+idle.Milliseconds(), e.AbsoluteAt))
}

// startSession begins a web session for a person who has just proved themselves
// and gives its token. The sessions replaced are gone before it begins. An error
// for which ended holds says that the person was signed out in the meantime.
func (s *SignIn) startSession(ctx context.Context, account *plr.Account, p *proof, idToken string, replaced []string) (token string, e *session, err error) {
	if token, err = newSessionToken(s.random); err != nil {
		return "", nil, err
	}
	handle, err := newID(s.random, "ses")
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
	now := s.now()
	e = &session{Handle: handle, Kind: KindWeb, AbsoluteAt: now.Add(s.config.WebAbsolute).UnixMilli(), Hint: hint}
	p.mark(e, now)
	if err := s.keepSession(ctx, account, e, hash); err != nil {
		return "", nil, err
	}
	return token, e, nil
}

// keepSession completes a new web session of an account just read and stores it.
func (s *SignIn) keepSession(ctx context.Context, account *plr.Account, e *session, hash string) error {
	epoch, err := s.holdEpoch(ctx, account.ID)
	if err != nil {
		return err
	}
	now := s.now()
	e.Version, e.Account, e.Epoch = 1, account.ID, epoch
	e.Issuer, e.Subject = account.Issuer, subjectHash(account.Issuer, account.Subject)
	// Began after the account was read, whatever the clocks of other replicas say.
	e.CreatedAt, e.LastSeen = max(now.UnixMilli(), roundedUp(account.SessionsInvalidBefore)), now.UnixMilli()
	return s.keepRecord(ctx, account, e, hash, e)
}

// keepRecord is the second half of keepSession, for a session of whichever kind
// that is complete. whole is what to write: the session or what holds it. An error
// for which ended holds says that the person was signed out in the meantime; the
// session is gone again then.
func (s *SignIn) keepRecord(ctx context.Context, account *plr.Account, e *session, hash string, whole any) error {
	record, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	now := s.now()
	// The list last: an entry whose record is gone is dead, and may be taken off.
	entry := entryOf(e, hash)
	err = s.redis.Set(ctx, recordKey(entry), record, max(s.idleEnd(e).Sub(now), time.Millisecond)).Err()
	if err == nil {
		err = listSessionScript.Run(ctx, s.redis, []string{indexKey(account.ID)}, now.UnixMilli(), e.AbsoluteAt, entry, epochLife.Milliseconds()).Err()
	}
	// Only now: a sign-out that comes later than this look finds the session, one
	// that came earlier is found by it.
	var v *verdict
	if err == nil {
		v, err = s.verdictOn(ctx, account)
	}
	if err == nil {
		err = v.check(s, e)
	}
	if err != nil {
		// Also what may have been done although no answer came: nobody gets its token.
		s.withdraw(ctx, e, hash)
		return err
	}
	s.trimSessions(ctx, v, e.Handle)
	return nil
}

// roundedUp gives unix milliseconds not before t; nothing for the zero time.
func roundedUp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Millisecond - 1).UnixMilli()
}

// trimSessions ends what exceeds maxSessions, but never the one that just began.
// A sign-in does not fail over it.
func (s *SignIn) trimSessions(ctx context.Context, v *verdict, began string) {
	live, err := s.listed(ctx, v.account.ID)
	if err != nil {
		s.log.WarnContext(ctx, "sessions not counted", "account", v.account.ID, "why", reason(err))
		return
	}
	live = slices.DeleteFunc(live, func(l listedSession) bool { return l.Handle == began || v.check(s, &l.session) != nil })
	slices.SortFunc(live, func(a, b listedSession) int { return cmp.Compare(a.LastSeen, b.LastSeen) })
	for ; len(live) > maxSessions-1; live = live[1:] {
		if _, err := s.endEntry(ctx, live[0].entry); err != nil {
			s.log.WarnContext(ctx, "session too many not ended", "session", live[0].Handle, "why", reason(err))
			return
		}
		s.log.InfoContext(ctx, "signed out", "account", v.account.ID, "session", live[0].Handle, "by", "limit")
	}
}

func hintContext(tokenHash string) string { return "id_token_hint " + tokenHash }
