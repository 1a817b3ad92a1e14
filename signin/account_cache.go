package signin

import (
	"context"
	"slices"
	"sync"
	"time"

	"openplr/plr"
)

// accountAge is how old the durable word on an account may be. It is the longest
// a session can outlive a sign-out everywhere on another replica when Redis has
// lost or forgotten its part.
const accountAge = time.Second

// accountCache spares the durable store a read per request. Ages are taken
// between two readings of the clock, so with time.Now they are monotonic.
//
// Accounts without a record are always read: who has just claimed one must see it
// on the next request.
type accountCache struct {
	accounts Accounts
	now      func() time.Time

	mu     sync.Mutex
	turned time.Time
	// Two generations: the older is dropped whole, so the cache holds no more than
	// the accounts of the last two seconds and needs no sweeping.
	young, old map[string]heldAccount
}

type heldAccount struct {
	account plr.Account
	read    time.Time
}

func newAccountCache(accounts Accounts, now func() time.Time) *accountCache {
	return &accountCache{accounts: accounts, now: now, turned: now(), young: map[string]heldAccount{}}
}

// account gives a copy of its own to every caller.
func (c *accountCache) account(ctx context.Context, id string) (*plr.Account, error) {
	read := c.now() // before asking: the answer may be this old
	c.mu.Lock()
	held, ok := c.young[id]
	if !ok {
		held, ok = c.old[id]
	}
	c.mu.Unlock()
	if age := read.Sub(held.read); ok && age >= 0 && age < accountAge {
		return copyOf(held.account), nil
	}

	account, err := c.accounts.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if account.ULN != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if age := read.Sub(c.turned); age < 0 || age >= accountAge {
			c.old, c.young, c.turned = c.young, map[string]heldAccount{}, read
		}
		c.young[id] = heldAccount{account: *copyOf(*account), read: read}
	}
	return account, nil
}

// forget makes the next look at the account a fresh one, on this replica.
func (c *accountCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, generation := range []map[string]heldAccount{c.young, c.old} {
		delete(generation, id)
	}
}

func copyOf(a plr.Account) *plr.Account {
	if a.BoundAt != nil {
		bound := *a.BoundAt
		a.BoundAt = &bound
	}
	a.EndedSessions = slices.Clone(a.EndedSessions)
	return &a
}
