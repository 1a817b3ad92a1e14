package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type accountDocument struct {
	ID                    string              `bson:"_id"`
	SchemaVersion         int                 `bson:"schemaVersion"`
	Revision              int64               `bson:"revision"` // counts writes
	Issuer                string              `bson:"issuer"`
	Subject               string              `bson:"subject"`
	ULN                   plr.ULN             `bson:"uln"`
	BoundAt               *time.Time          `bson:"boundAt"`
	CreatedAt             time.Time           `bson:"createdAt"`
	SessionsInvalidBefore time.Time           `bson:"sessionsInvalidBefore"`
	EndedSessions         []plr.EndedSession  `bson:"endedSessions"`
	ProviderLogoutAt      time.Time           `bson:"providerLogoutAt"`
	SuspendedAt           *time.Time          `bson:"suspendedAt"`
	Notices               []plr.AccountNotice `bson:"notices"`
}

// keyDocument leads from issuer and subject to the account.
type keyDocument struct {
	Key           string `bson:"_id"`
	SchemaVersion int    `bson:"schemaVersion"`
	Account       string `bson:"account"`
}

// bindingDocument reserves a number for an account, then says that it is bound.
// The account has the last word: a binding to an account without the number
// binds nothing.
type bindingDocument struct {
	ULN           plr.ULN `bson:"_id"`
	SchemaVersion int     `bson:"schemaVersion"`
	Account       string  `bson:"account"`
	Confirmed     bool    `bson:"confirmed"`
	// Until is when a reservation that nobody confirmed may be taken over.
	Until time.Time `bson:"until"`
	// Reservation is new with every reservation: who met an older one does not
	// take over or remove this one.
	Reservation bson.ObjectID `bson:"reservation"`
}

// asRead matches the binding while nobody else reserves the number.
func (d *bindingDocument) asRead() bson.D {
	return bson.D{
		{Key: "_id", Value: d.ULN}, {Key: "account", Value: d.Account}, {Key: "confirmed", Value: d.Confirmed}, {Key: "reservation", Value: d.Reservation},
	}
}

// reserveFor is far more than a binding takes, and than clocks differ.
const reserveFor = time.Minute

func (d *accountDocument) account() *plr.Account {
	return &plr.Account{
		SchemaVersion: 1, ID: d.ID, Issuer: d.Issuer, Subject: d.Subject, ULN: d.ULN, BoundAt: d.BoundAt,
		CreatedAt: d.CreatedAt, SessionsInvalidBefore: d.SessionsInvalidBefore,
		EndedSessions: d.EndedSessions, ProviderLogoutAt: d.ProviderLogoutAt, SuspendedAt: d.SuspendedAt, Notices: d.Notices,
	}
}

func (s *Store) account(ctx context.Context, id string) (*accountDocument, error) {
	raw, err := s.findOne(ctx, accounts, byID(id))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	return decode[accountDocument](accounts, raw)
}

// accountOfKey gives the account that a key leads to, nil when there is none.
func (s *Store) accountOfKey(ctx context.Context, key string) (*accountDocument, error) {
	raw, err := s.findOne(ctx, accountKeys, byID(key))
	if err != nil || raw == nil {
		return nil, err
	}
	doc, err := decode[keyDocument](accountKeys, raw)
	if err != nil {
		return nil, err
	}
	return s.account(ctx, doc.Account)
}

// EnsureAccount implements plr.AccountStore. The account is stored before the
// key that leads to it; of several, the one that gets the key stays.
func (s *Store) EnsureAccount(ctx context.Context, a *plr.Account) (*plr.Account, error) {
	ctx, done := s.begin(ctx)
	defer done()
	key := plr.AccountKey(a.Issuer, a.Subject)
	if held, err := s.accountOfKey(ctx, key); err != nil || held != nil {
		return accountOrNil(held), err
	}
	if a.ULN != "" {
		return nil, errors.New("mongostore: an account is bound by BindAccount, not when it is made")
	}
	turn, err := s.queue.wait(ctx, "account "+key)
	if err != nil {
		return nil, err
	}
	defer turn()
	if held, err := s.accountOfKey(ctx, key); err != nil || held != nil { // made while this one waited
		return accountOrNil(held), err
	}
	doc := &accountDocument{
		ID: a.ID, SchemaVersion: accounts.version, Issuer: a.Issuer, Subject: a.Subject, CreatedAt: a.CreatedAt, SessionsInvalidBefore: a.SessionsInvalidBefore, EndedSessions: a.EndedSessions,
		ProviderLogoutAt: a.ProviderLogoutAt, SuspendedAt: a.SuspendedAt, Notices: a.Notices,
	}
	taken, err := s.insert(ctx, accounts, doc)
	if err == nil && taken {
		err = errors.New("mongostore: the account's id is taken")
	}
	if err != nil {
		return nil, err
	}
	taken, err = s.insert(ctx, accountKeys, keyDocument{Key: key, SchemaVersion: accountKeys.version, Account: a.ID})
	if err != nil {
		return nil, err
	}
	if taken {
		if _, err := s.remove(ctx, accounts, byID(a.ID)); err != nil {
			return nil, err
		}
	}
	held, err := s.accountOfKey(ctx, key)
	if err == nil && held == nil {
		err = errors.New("mongostore: an account's key is gone")
	}
	return accountOrNil(held), err
}

func accountOrNil(d *accountDocument) *plr.Account {
	if d == nil {
		return nil
	}
	return d.account()
}

// Account implements plr.AccountStore.
func (s *Store) Account(ctx context.Context, id string) (*plr.Account, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.account(ctx, id)
	return accountOrNil(doc), err
}

// binding gives who holds a number, nil when nobody does. bound: the account
// has the number.
func (s *Store) binding(ctx context.Context, uln plr.ULN) (held *bindingDocument, account *accountDocument, bound bool, err error) {
	raw, err := s.findOne(ctx, bindings, byID(uln))
	if err != nil || raw == nil {
		return nil, nil, false, err
	}
	if held, err = decode[bindingDocument](bindings, raw); err != nil {
		return nil, nil, false, err
	}
	account, err = s.account(ctx, held.Account)
	if err != nil && plr.CodeOf(err) != plr.CodeNotFound {
		return nil, nil, false, err
	}
	return held, account, err == nil && account.ULN == uln, nil
}

// BindAccount implements plr.AccountStore: it reserves the number, puts it on
// the account, which is when they are bound, and confirms. Who meets another's
// reservation waits until it has come to something.
func (s *Store) BindAccount(ctx context.Context, accountID string, uln plr.ULN, now time.Time) error {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "binding "+string(uln))
	if err != nil {
		return err
	}
	defer turn()
	account, err := s.account(ctx, accountID)
	if err != nil {
		return err
	}
	if account.ULN == "" {
		if account, err = s.reserveAndPut(ctx, accountID, uln, now); err != nil {
			return err
		}
	}
	if account.ULN != uln {
		return plr.AlreadyBound()
	}
	return s.confirm(ctx, accountID, uln, now)
}

// reserveAndPut puts a number that it has reserved on an account that has none,
// and gives the account's number as it is then: another call may have been first.
func (s *Store) reserveAndPut(ctx context.Context, accountID string, uln plr.ULN, now time.Time) (*accountDocument, error) {
	reserved, err := s.reserve(ctx, accountID, uln, now)
	if err != nil {
		return nil, err
	}
	free := append(byID(accountID), bson.E{Key: "uln", Value: ""})
	matched, err := s.update(ctx, accounts, free, written("$set", bson.D{{Key: "uln", Value: uln}, {Key: "boundAt", Value: now}}))
	if err != nil || matched {
		return &accountDocument{ID: accountID, ULN: uln}, err
	}
	account, err := s.account(ctx, accountID)
	if err != nil || account.ULN == uln {
		return account, err
	}
	_, err = s.remove(ctx, bindings, reserved.asRead()) // bound to another number meanwhile: let go of this one
	return account, err
}

// reserve holds the number for the account, or refuses when it is bound. What is
// left of an older reservation is replaced, the account's own too: whoever is
// about to take that one over, or to remove it, meets another.
func (s *Store) reserve(ctx context.Context, accountID string, uln plr.ULN, now time.Time) (*bindingDocument, error) {
	want := &bindingDocument{
		ULN: uln, SchemaVersion: bindings.version, Account: accountID, Until: now.Add(reserveFor), Reservation: bson.NewObjectID(),
	}
	for attempt := 0; ; attempt++ {
		taken, err := s.insert(ctx, bindings, want)
		if err != nil || !taken {
			return want, err
		}
		held, _, bound, err := s.binding(ctx, uln)
		switch {
		case err != nil:
			return nil, err
		case held == nil: // let go of just now
			continue
		case held.Account != accountID && bound:
			return nil, plr.AlreadyBound()
		case held.Account == accountID, held.Confirmed, !now.Before(held.Until): // unbound, or never bound
			matched, err := s.replace(ctx, bindings, held.asRead(), want)
			if err != nil || matched {
				return want, err
			}
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// confirm makes a reservation a binding. If the number was freed or taken over
// meanwhile, the account lets go of it.
func (s *Store) confirm(ctx context.Context, accountID string, uln plr.ULN, now time.Time) error {
	mine := bson.D{{Key: "_id", Value: uln}, {Key: "account", Value: accountID}}
	matched, err := s.update(ctx, bindings, mine, op("$set", op("confirmed", true)))
	if err != nil || matched {
		return err
	}
	taken, err := s.insert(ctx, bindings, bindingDocument{ULN: uln, SchemaVersion: bindings.version, Account: accountID, Confirmed: true, Until: now})
	if err != nil || !taken {
		return err
	}
	if err := s.letGo(ctx, accountID, uln); err != nil {
		return err
	}
	return plr.AlreadyBound()
}

// letGo takes the number off the account, if it has it.
func (s *Store) letGo(ctx context.Context, accountID string, uln plr.ULN) error {
	bound := append(byID(accountID), bson.E{Key: "uln", Value: uln})
	_, err := s.update(ctx, accounts, bound, written("$set", bson.D{{Key: "uln", Value: ""}, {Key: "boundAt", Value: nil}}))
	return err
}

// AccountOf implements plr.AccountStore.
func (s *Store) AccountOf(ctx context.Context, uln plr.ULN) (*plr.Account, error) {
	ctx, done := s.begin(ctx)
	defer done()
	_, account, bound, err := s.binding(ctx, uln)
	if err != nil {
		return nil, err
	}
	if !bound {
		return nil, plr.NotFound()
	}
	return account.account(), nil
}

// UnbindULN implements plr.AccountStore. A reservation under way is not bound yet.
func (s *Store) UnbindULN(ctx context.Context, uln plr.ULN, accountID string) error {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "binding "+string(uln))
	if err != nil {
		return err
	}
	defer turn()
	held, _, bound, err := s.binding(ctx, uln)
	if err != nil || held == nil || (!bound && !held.Confirmed) || (accountID != "" && held.Account != accountID) {
		return err
	}
	if err := s.letGo(ctx, held.Account, uln); err != nil {
		return err
	}
	_, err = s.remove(ctx, bindings, held.asRead()) // unless it was reserved anew
	return err
}

// AccountOfSubject implements plr.AccountStore.
func (s *Store) AccountOfSubject(ctx context.Context, issuer, subject string) (*plr.Account, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.accountOfKey(ctx, plr.AccountKey(issuer, subject))
	if err == nil && doc == nil {
		err = plr.NotFound()
	}
	return accountOrNil(doc), err
}

// InvalidateSessions implements plr.AccountStore.
func (s *Store) InvalidateSessions(ctx context.Context, accountID string, before time.Time) error {
	return s.raise(ctx, accountID, "sessionsInvalidBefore", before)
}

// RaiseProviderLogout implements plr.AccountStore.
func (s *Store) RaiseProviderLogout(ctx context.Context, accountID string, at time.Time) error {
	return s.raise(ctx, accountID, "providerLogoutAt", at)
}

// raise moves a time of an account forward.
func (s *Store) raise(ctx context.Context, accountID, field string, to time.Time) error {
	ctx, done := s.begin(ctx)
	defer done()
	matched, err := s.update(ctx, accounts, byID(accountID), written("$max", op(field, to)))
	if err != nil || matched {
		return err
	}
	if _, err = s.account(ctx, accountID); err == nil { // made between the two
		err = plr.NotFound("id")
	}
	return err
}

// EndSession implements plr.AccountStore.
func (s *Store) EndSession(ctx context.Context, accountID, handle string, until, now time.Time) error {
	_, err := s.editAccount(ctx, accountID, func(a *plr.Account) bson.D {
		a.EndSession(handle, until, now)
		return bson.D{{Key: "endedSessions", Value: a.EndedSessions}, {Key: "sessionsInvalidBefore", Value: a.SessionsInvalidBefore}}
	})
	return err
}

// AddNotice implements plr.AccountStore.
func (s *Store) AddNotice(ctx context.Context, accountID string, notice plr.AccountNotice) error {
	_, err := s.editAccount(ctx, accountID, func(a *plr.Account) bson.D {
		a.AddNotice(notice)
		return op("notices", a.Notices)
	})
	return err
}

// AcknowledgeNotices implements plr.AccountStore.
func (s *Store) AcknowledgeNotices(ctx context.Context, accountID string, now time.Time) (*plr.Account, error) {
	return s.editAccount(ctx, accountID, func(a *plr.Account) bson.D {
		a.AcknowledgeNotices(now)
		return op("notices", a.Notices)
	})
}

// editAccount applies edit, which gives the fields that it changed, and gives the
// account as it is then.
func (s *Store) editAccount(ctx context.Context, accountID string, edit func(*plr.Account) bson.D) (*plr.Account, error) {
	ctx, done := s.begin(ctx)
	defer done()
	turn, err := s.queue.wait(ctx, "account "+accountID)
	if err != nil {
		return nil, err
	}
	defer turn()
	for attempt := 0; ; attempt++ {
		doc, err := s.account(ctx, accountID)
		if err != nil {
			return nil, err
		}
		account := doc.account()
		matched, err := s.update(ctx, accounts, and(byID(accountID), "revision", doc.Revision), written("$set", edit(account)))
		if err != nil {
			return nil, err
		}
		if matched {
			return account, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// SuspendAccount implements plr.AccountStore.
func (s *Store) SuspendAccount(ctx context.Context, accountID string, at *time.Time) error {
	ctx, done := s.begin(ctx)
	defer done()
	filter := byID(accountID)
	if at != nil { // one that is suspended stays so
		filter = and(filter, "suspendedAt", nil)
	}
	matched, err := s.update(ctx, accounts, filter, written("$set", op("suspendedAt", at)))
	if err != nil || matched {
		return err
	}
	_, err = s.account(ctx, accountID)
	return err
}

// written is a change of an account that counts as a write.
func written(operator string, fields bson.D) bson.D {
	return bson.D{{Key: operator, Value: fields}, {Key: "$inc", Value: bson.D{bumped}}}
}
