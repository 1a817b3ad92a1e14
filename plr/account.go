package plr

import (
	"context"
	"slices"
	"time"
)

// Account is somebody who can sign in: one subject of one OpenID provider.
// Subject and e-mail are never the key: providers reissue them.
type Account struct {
	SchemaVersion int
	ID            string
	Issuer        string
	Subject       string
	// ULN is the record the account is bound to; empty until bound. One account
	// per ULN and one ULN per account.
	ULN       ULN
	BoundAt   *time.Time
	CreatedAt time.Time
	// SessionsInvalidBefore: no session that began before this instant is
	// accepted, whatever a stale session store says.
	SessionsInvalidBefore time.Time
	// ProviderLogoutAt is the newest time, by the provider's clock, at which the
	// provider said that this person has signed out: no session is accepted whose
	// person proved themselves until then.
	ProviderLogoutAt time.Time
	// EndedSessions are the sessions signed out of one by one that would not have
	// ended by time yet: a stale session store must not bring one back.
	EndedSessions []EndedSession
	// SuspendedAt: until a caseworker has looked, nothing of the record is
	// reachable through this account. What the Service gives out of a suspended
	// account has no ULN.
	SuspendedAt *time.Time
	// Notices are what the person must be told at their next visit, oldest first.
	Notices []AccountNotice
}

// EndedSession is a session that somebody signed out of. Its handle names it
// and opens nothing.
type EndedSession struct {
	Handle string
	// Until is when it would have ended at the latest, had nobody used it since.
	Until time.Time
}

// MaxEndedSessions bounds what an account remembers. One more ends them all, the
// one too that is just beginning: it is more than somebody ends who signs in every
// minute, as what watches a service does.
const MaxEndedSessions = 200

// EndSession notes that the session with this handle has ended, and forgets
// those that have ended by time. Stores apply it as one step.
func (a *Account) EndSession(handle string, until, now time.Time) {
	a.EndedSessions = slices.DeleteFunc(slices.Clone(a.EndedSessions), func(e EndedSession) bool {
		return e.Handle == handle || !e.Until.After(now)
	})
	if !until.After(now) {
		return
	}
	if len(a.EndedSessions) == MaxEndedSessions {
		// This ends the sessions on the list once more, and all others; also where a
		// clock was ahead, by which they began.
		a.EndedSessions = nil
		if began := a.SessionsInvalidBefore; now.After(began) {
			a.SessionsInvalidBefore = now
		} else {
			a.SessionsInvalidBefore = began.Add(time.Millisecond)
		}
	}
	a.EndedSessions = append(a.EndedSessions, EndedSession{Handle: handle, Until: until})
}

// SessionEnded says whether a session of this account that began at began has
// been ended by its owner.
func (a *Account) SessionEnded(handle string, began time.Time) bool {
	return began.Before(a.SessionsInvalidBefore) ||
		slices.ContainsFunc(a.EndedSessions, func(e EndedSession) bool { return e.Handle == handle })
}

// AccountKey names an (issuer, subject) pair for look-ups.
func AccountKey(issuer, subject string) string {
	return digest("account", issuer+"\x00"+subject)
}

// SignedIn gives the account of a subject that has just proved itself to the
// provider, made on first sight.
func (s *Service) SignedIn(ctx context.Context, issuer, subject string) (*Account, error) {
	id, err := newID(s.random, idAccount)
	if err != nil {
		return nil, err
	}
	account, err := s.store.EnsureAccount(ctx, &Account{SchemaVersion: 1, ID: id, Issuer: issuer, Subject: subject, CreatedAt: s.now()})
	if err != nil {
		return nil, err
	}
	return account, s.settle(ctx, account)
}

// settle makes an account as it is stored one that may be acted on: with the
// number of its record as it is now, and with none while it is suspended.
func (s *Service) settle(ctx context.Context, account *Account) error {
	if account.SuspendedAt == nil {
		if err := s.followLink(ctx, account); err != nil {
			return err
		}
	}
	if account.SuspendedAt != nil {
		account.ULN, account.BoundAt = "", nil
	}
	return nil
}

// followLink puts the master's number on an account that is bound to a number
// the register has since linked to another, so that everything of one person is
// kept under one number. When somebody else is bound to the master, the account
// is suspended for review: two people must never reach one record.
func (s *Service) followLink(ctx context.Context, account *Account) error {
	if account.ULN == "" {
		return nil
	}
	master, err := s.store.MasterULN(ctx, account.ULN)
	if err != nil || master == account.ULN {
		return err
	}
	holder, err := s.store.AccountOf(ctx, master)
	switch {
	case err == nil && holder.ID != account.ID:
		return s.suspendMerged(ctx, account, holder, master)
	case err != nil && CodeOf(err) != CodeNotFound:
		return err
	default:
		account.ULN = master
	}
	return nil
}

// Account gives the account with this id.
func (s *Service) Account(ctx context.Context, id string) (*Account, error) {
	if !isID(id, idAccount) {
		return nil, NotFound("id")
	}
	account, err := s.store.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	return account, s.settle(ctx, account)
}

// EndSessions makes every session of the account that began until now invalid,
// for good and on every replica. newest is when the newest session known began:
// clocks differ, and it may have begun where one is ahead of this one.
func (s *Service) EndSessions(ctx context.Context, id string, newest time.Time) error {
	account, err := s.store.Account(ctx, id)
	if err != nil {
		return err
	}
	// Where an earlier call had a clock ahead, sessions since began at its instant.
	before := s.now()
	for _, began := range []time.Time{newest, account.SessionsInvalidBefore} {
		if !began.Before(before) {
			before = began.Add(time.Millisecond)
		}
	}
	return s.store.InvalidateSessions(ctx, id, before)
}

// EndSession makes one session of the account invalid, for good and on every
// replica. until is when it would have ended by itself, unused.
func (s *Service) EndSession(ctx context.Context, id, handle string, until time.Time) error {
	return s.store.EndSession(ctx, id, handle, until, s.now())
}

// AccountOfSubject gives the account of a subject, CodeNotFound when the subject
// has never signed in.
func (s *Service) AccountOfSubject(ctx context.Context, issuer, subject string) (*Account, error) {
	return s.store.AccountOfSubject(ctx, issuer, subject)
}

// ProviderLogout makes every session invalid, for good and on every replica,
// whose person proved themselves to the provider at this time or before.
func (s *Service) ProviderLogout(ctx context.Context, id string, at time.Time) error {
	return s.store.RaiseProviderLogout(ctx, id, at)
}

// BindSample binds a subject of the development provider to a sample learner,
// taking the number over from a subject it was bound to under another address.
// Never reachable in production: real people claim their record.
func (s *Service) BindSample(ctx context.Context, issuer, subject string, uln ULN) error {
	account, err := s.SignedIn(ctx, issuer, subject)
	if err != nil {
		return err
	}
	if account.ULN == uln {
		return nil
	}
	if err := s.store.UnbindULN(ctx, uln, ""); err != nil {
		return err
	}
	return s.store.BindAccount(ctx, account.ID, uln, s.now())
}
