package signin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// ListSessions gives the sessions of whoever asks that live, the newest first.
func (s *SignIn) ListSessions(ctx context.Context, who Who) ([]*SessionInfo, error) {
	account, err := who.Require()
	if err != nil {
		return nil, err
	}
	v, err := s.verdictOn(ctx, account)
	if err != nil {
		return nil, refusal(err)
	}
	kept, err := s.listed(ctx, account.ID)
	if err != nil {
		return nil, refusal(err)
	}
	list := []*SessionInfo{}
	for i := range kept {
		if v.check(s, &kept[i].session) == nil {
			info := s.info(&kept[i].session)
			info.Current = info.ID == who.Session.ID
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b *SessionInfo) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// End ends the session with this id of whoever asks. Their own of the moment
// takes nothing more; for another one they must have signed in freshly. An id
// that is unknown, malformed or another account's is plr.CodeNotFound: it is
// looked for on the account's own list and nowhere else.
func (s *SignIn) End(ctx context.Context, who Who, id string) (ended bool, err error) {
	account, err := who.Require()
	if err == nil && id != who.Session.ID {
		_, err = who.RequireFresh(plr.ActionEndSessions)
	}
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	entries, err := s.redis.ZRange(ctx, indexKey(account.ID), 0, -1).Result()
	if err != nil {
		return false, refusal(err)
	}
	for _, entry := range entries {
		// Several while it is getting a new token.
		if handle, _, _ := strings.Cut(entry, "."); handle != id {
			continue
		}
		gone, err := s.endEntry(ctx, entry)
		if err != nil {
			return false, refusal(err)
		}
		ended = ended || gone != nil
	}
	if !ended {
		return false, plr.NotFound("input", "id")
	}
	s.log.InfoContext(ctx, "signed out", "account", account.ID, "session", id, "by", who.Session.ID)
	return true, nil
}

// EndOthers ends every session of whoever asks but theirs of the moment, and gives
// how many lived. They must have signed in freshly.
func (s *SignIn) EndOthers(ctx context.Context, who Who) (int, error) {
	account, err := who.RequireFresh(plr.ActionEndSessions)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	n, err := s.endOtherSessions(ctx, account, who.Session.ID)
	if err != nil {
		return 0, refusal(err)
	}
	s.log.InfoContext(ctx, "signed out of the others", "account", account.ID, "sessions", n, "by", who.Session.ID)
	return n, nil
}

// refusal is a failure to find out about sessions, as the domain puts it.
func refusal(err error) error {
	who := Who{State: StateUnavailable, cause: err}
	if ended(err) {
		who.State = StateExpired
	}
	_, err = who.Require()
	return err
}

// listedSession is a session on its account's list as it lies in Redis.
type listedSession struct {
	session
	entry, record string
}

// listed gives the sessions on the account's list that Redis still has, in no
// order. Whether they live is another question.
func (s *SignIn) listed(ctx context.Context, account string) ([]listedSession, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	entries, err := s.redis.ZRange(ctx, indexKey(account), 0, -1).Result()
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
	var list []listedSession
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
		if e, err := parseSession(record); err == nil && e.Account == account {
			list = append(list, listedSession{session: *e, entry: entries[i], record: record})
		}
	}
	if len(gone) > 0 {
		s.redis.ZRem(ctx, indexKey(account), gone...) // if not now, then the next time
	}
	return list, nil
}

// sessionListJSON is the answer of GET /auth/sessions.
type sessionListJSON struct {
	Sessions []listedSessionJSON `json:"sessions"`
}

type listedSessionJSON struct {
	ID          string  `json:"id"`
	Kind        Kind    `json:"kind"`
	DeviceLabel *string `json:"deviceLabel"`
	CreatedAt   string  `json:"createdAt"`
	LastSeenAt  string  `json:"lastSeenAt"`
	Current     bool    `json:"current"`
}

// Sessions serves GET /auth/sessions: where the person is signed in.
func (s *SignIn) Sessions(w http.ResponseWriter, r *http.Request) {
	if !s.begin(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	who, err := s.identify(w, r, false)
	if err != nil {
		s.toProgram(w, r, ProblemAmbiguousCredentials, err)
		return
	}
	list, err := s.ListSessions(r.Context(), who)
	if err != nil {
		s.toOwner(w, r, who, err)
		return
	}
	out := sessionListJSON{Sessions: []listedSessionJSON{}}
	for _, info := range list {
		out.Sessions = append(out.Sessions, listedSessionJSON{
			ID: info.ID, Kind: info.Kind, DeviceLabel: labelOf(info),
			CreatedAt: stamp(info.CreatedAt), LastSeenAt: stamp(info.LastSeenAt), Current: info.Current,
		})
	}
	writeJSON(w, http.StatusOK, "application/json", out)
}

// EndSessionByID serves DELETE /auth/sessions/{id}; see End.
func (s *SignIn) EndSessionByID(w http.ResponseWriter, r *http.Request) {
	who, ok := s.owner(w, r, http.MethodDelete)
	if !ok {
		return
	}
	id := r.PathValue("id")
	if _, err := s.End(r.Context(), who, id); err != nil {
		s.toOwner(w, r, who, err)
		return
	}
	if id == who.Session.ID && who.Session.Kind == KindWeb {
		clearCookie(w, SessionCookie)
		clearCookie(w, TransactionCookie)
	}
	w.WriteHeader(http.StatusNoContent)
}

// EndOtherSessions serves DELETE /auth/sessions. With except=current it ends all
// sessions of the person but this one, see EndOthers; without, this one too.
func (s *SignIn) EndOtherSessions(w http.ResponseWriter, r *http.Request) {
	who, ok := s.owner(w, r, http.MethodDelete)
	if !ok {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	except := query["except"]
	switch {
	case err != nil, len(except) > 1, len(except) == 1 && except[0] != "current":
		s.toProgram(w, r, ProblemInvalidExcept, errExcept)
		return
	case len(except) == 1:
		_, err = s.EndOthers(r.Context(), who)
	default:
		err = s.endEvery(r.Context(), who)
	}
	if err != nil {
		s.toOwner(w, r, who, err)
		return
	}
	if len(except) == 0 && who.Session.Kind == KindWeb {
		clearCookie(w, SessionCookie)
		clearCookie(w, TransactionCookie)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *SignIn) endEvery(ctx context.Context, who Who) error {
	account, err := who.RequireFresh(plr.ActionEndSessions)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	if err := s.endAllSessions(ctx, account.ID); err != nil {
		return refusal(err)
	}
	s.log.InfoContext(ctx, "signed out", "account", account.ID, "session", who.Session.ID, "everywhere", true)
	return nil
}
