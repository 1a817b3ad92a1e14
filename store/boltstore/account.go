package boltstore

import (
	"context"
	"errors"
	"time"

	"openplr/plr"
)

// EnsureAccount implements plr.AccountStore.
func (s *Store) EnsureAccount(ctx context.Context, a *plr.Account) (*plr.Account, error) {
	var out *plr.Account
	key := keyOf(plr.AccountKey(a.Issuer, a.Subject))
	held := func(t *tx) (bool, error) {
		id, err := find[string](t, accountKeys, key)
		if err != nil || id == nil {
			return false, err
		}
		out, err = get[plr.Account](t, accounts, keyOf(*id), "id")
		return err == nil, err
	}
	// Almost every sign-in finds its account: a look first spares the write lock.
	found := false
	err := s.read(ctx, func(t *tx) (err error) {
		found, err = held(t)
		return err
	})
	if err != nil || found {
		return out, err
	}
	err = s.write(ctx, func(t *tx) error {
		if found, err := held(t); err != nil || found {
			return err
		}
		if a.ULN != "" {
			return errors.New("boltstore: an account is bound by BindAccount, not when it is made")
		}
		if err := t.add(accounts, keyOf(a.ID), a); err != nil {
			return err
		}
		if err := t.put(accountKeys, key, a.ID); err != nil {
			return err
		}
		var err error
		out, err = get[plr.Account](t, accounts, keyOf(a.ID), "id")
		return err
	})
	return answer(out, err)
}

// Account implements plr.AccountStore.
func (s *Store) Account(ctx context.Context, id string) (*plr.Account, error) {
	var out *plr.Account
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.Account](t, accounts, keyOf(id), "id")
		return err
	})
	return out, err
}

// AccountOfSubject implements plr.AccountStore.
func (s *Store) AccountOfSubject(ctx context.Context, issuer, subject string) (*plr.Account, error) {
	var out *plr.Account
	err := s.read(ctx, func(t *tx) error {
		id, err := get[string](t, accountKeys, keyOf(plr.AccountKey(issuer, subject)))
		if err != nil {
			return err
		}
		out, err = get[plr.Account](t, accounts, keyOf(*id), "id")
		return err
	})
	return out, err
}

// RaiseProviderLogout implements plr.AccountStore.
func (s *Store) RaiseProviderLogout(ctx context.Context, accountID string, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil || !at.After(account.ProviderLogoutAt) {
			return err
		}
		account.ProviderLogoutAt = at
		return t.put(accounts, keyOf(accountID), account)
	})
}

// BindAccount implements plr.AccountStore.
func (s *Store) BindAccount(ctx context.Context, accountID string, uln plr.ULN, now time.Time) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil {
			return err
		}
		if account.ULN == uln {
			return nil
		}
		if account.ULN != "" || t.has(bindings, keyOf(string(uln))) {
			return plr.AlreadyBound()
		}
		account.ULN, account.BoundAt = uln, &now
		if err := t.put(bindings, keyOf(string(uln)), accountID); err != nil {
			return err
		}
		return t.put(accounts, keyOf(accountID), account)
	})
}

// AccountOf implements plr.AccountStore.
func (s *Store) AccountOf(ctx context.Context, uln plr.ULN) (*plr.Account, error) {
	var out *plr.Account
	err := s.read(ctx, func(t *tx) error {
		id, err := get[string](t, bindings, keyOf(string(uln)))
		if err != nil {
			return err
		}
		out, err = get[plr.Account](t, accounts, keyOf(*id), "id")
		return err
	})
	return out, err
}

// UnbindULN implements plr.AccountStore.
func (s *Store) UnbindULN(ctx context.Context, uln plr.ULN, accountID string) error {
	return s.write(ctx, func(t *tx) error {
		id, err := find[string](t, bindings, keyOf(string(uln)))
		if err != nil || id == nil || (accountID != "" && *id != accountID) {
			return err
		}
		account, err := get[plr.Account](t, accounts, keyOf(*id), "id")
		if err != nil {
			return err
		}
		account.ULN, account.BoundAt = "", nil
		if err := t.remove(bindings, keyOf(string(uln))); err != nil {
			return err
		}
		return t.put(accounts, keyOf(*id), account)
	})
}

// InvalidateSessions implements plr.AccountStore.
func (s *Store) InvalidateSessions(ctx context.Context, accountID string, before time.Time) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil || !before.After(account.SessionsInvalidBefore) {
			return err
		}
		account.SessionsInvalidBefore = before
		return t.put(accounts, keyOf(accountID), account)
	})
}

// EndSession implements plr.AccountStore.
func (s *Store) EndSession(ctx context.Context, accountID, handle string, until, now time.Time) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil {
			return err
		}
		account.EndSession(handle, until, now)
		return t.put(accounts, keyOf(accountID), account)
	})
}

// SuspendAccount implements plr.AccountStore.
func (s *Store) SuspendAccount(ctx context.Context, accountID string, at *time.Time) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil || (account.SuspendedAt != nil && at != nil) {
			return err
		}
		account.SuspendedAt = at
		return t.put(accounts, keyOf(accountID), account)
	})
}

// AddNotice implements plr.AccountStore.
func (s *Store) AddNotice(ctx context.Context, accountID string, notice plr.AccountNotice) error {
	return s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil {
			return err
		}
		account.AddNotice(notice)
		return t.put(accounts, keyOf(accountID), account)
	})
}

// AcknowledgeNotices implements plr.AccountStore.
func (s *Store) AcknowledgeNotices(ctx context.Context, accountID string, now time.Time) (*plr.Account, error) {
	var out *plr.Account
	err := s.write(ctx, func(t *tx) error {
		account, err := get[plr.Account](t, accounts, keyOf(accountID), "id")
		if err != nil {
			return err
		}
		account.AcknowledgeNotices(now)
		if err := t.put(accounts, keyOf(accountID), account); err != nil {
			return err
		}
		out, err = get[plr.Account](t, accounts, keyOf(accountID), "id")
		return err
	})
	return answer(out, err)
}
