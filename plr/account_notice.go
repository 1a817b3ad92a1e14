package plr

import (
	"context"
	"slices"
	"time"
)

// AccountNotice tells the person of an account what others did to it.
type AccountNotice struct {
	Kind NoticeKind
	At   time.Time
	// SeenAt is when the person acknowledged it; nil until then.
	SeenAt *time.Time
}

// NoticeKind is what happened.
type NoticeKind string

// The kinds.
const (
	// NoticeClaimedByAnother: somebody else tried to connect to this person's record.
	NoticeClaimedByAnother NoticeKind = "CLAIMED_BY_ANOTHER"
	// NoticeMoved: a review connected the record to another account.
	NoticeMoved NoticeKind = "RECORD_MOVED"
	// NoticeConnected: a review connected this account to its record.
	NoticeConnected NoticeKind = "RECORD_CONNECTED"
	// NoticeDisconnected: a review found that the record is not this person's.
	NoticeDisconnected NoticeKind = "RECORD_DISCONNECTED"
	// NoticeRestored: a review ended the suspension.
	NoticeRestored NoticeKind = "RECORD_RESTORED"
	// NoticeRefused: a review did not connect this account.
	NoticeRefused NoticeKind = "CLAIM_REFUSED"
	// NoticeTokenReused: a refresh token of this person's app was used twice, so that
	// somebody else may have it, and the app's session was ended.
	NoticeTokenReused NoticeKind = "SESSION_TOKEN_REUSED"
)

// MaxNotices bounds what an account keeps; the oldest go first.
const MaxNotices = 20

// AddNotice tells the person something. What they have been told and not yet
// seen is not told again: whoever tries often must not drown out the rest.
func (a *Account) AddNotice(n AccountNotice) {
	if slices.ContainsFunc(a.Notices, func(held AccountNotice) bool { return held.Kind == n.Kind && held.SeenAt == nil }) {
		return
	}
	a.Notices = append(slices.Clone(a.Notices), n)
	if over := len(a.Notices) - MaxNotices; over > 0 {
		a.Notices = slices.Delete(a.Notices, 0, over)
	}
}

// AcknowledgeNotices marks what stands there until now as seen.
func (a *Account) AcknowledgeNotices(now time.Time) {
	a.Notices = slices.Clone(a.Notices)
	for i := range a.Notices {
		if n := &a.Notices[i]; n.SeenAt == nil && !n.At.After(now) {
			n.SeenAt = &now
		}
	}
}

// AcknowledgeNotices marks the account's notices as seen, and gives the account.
func (s *Service) AcknowledgeNotices(ctx context.Context, id string) (*Account, error) {
	if !isID(id, idAccount) {
		return nil, NotFound("id")
	}
	account, err := s.store.AcknowledgeNotices(ctx, id, s.now())
	if err != nil {
		return nil, err
	}
	return account, s.settle(ctx, account)
}

// TokenReused tells the person of the account that a refresh token of their app
// was used twice.
func (s *Service) TokenReused(ctx context.Context, id string) error {
	return s.notify(ctx, id, NoticeTokenReused)
}

func (s *Service) notify(ctx context.Context, accountID string, kind NoticeKind) error {
	return s.store.AddNotice(ctx, accountID, AccountNotice{Kind: kind, At: s.now()})
}
