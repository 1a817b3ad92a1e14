package boltstore

import (
	"context"
	"fmt"
	"time"

	"openplr/plr"
)

func (t *tx) identity(accountID string) (*plr.IdentityFile, error) {
	file, err := find[plr.IdentityFile](t, identities, keyOf(accountID))
	if err == nil && file == nil {
		file = plr.NewIdentityFile(accountID)
	}
	return file, err
}

// Identity implements plr.IdentityStore.
func (s *Store) Identity(ctx context.Context, accountID string) (*plr.IdentityFile, error) {
	var out *plr.IdentityFile
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = t.identity(accountID)
		return err
	})
	return out, err
}

// EditIdentity implements plr.IdentityStore.
func (s *Store) EditIdentity(ctx context.Context, accountID string, edit func(*plr.IdentityFile) error) (*plr.IdentityFile, error) {
	var out *plr.IdentityFile
	err := s.write(ctx, func(t *tx) error {
		file, err := t.identity(accountID)
		if err != nil {
			return err
		}
		if err := edit(file); err != nil {
			return err
		}
		if err := t.put(identities, keyOf(accountID), file); err != nil {
			return err
		}
		out, err = t.identity(accountID)
		return err
	})
	return answer(out, err)
}

// CountClaim implements plr.IdentityStore.
func (s *Store) CountClaim(ctx context.Context, key, accountID string, now time.Time) (before int, err error) {
	err = s.write(ctx, func(t *tx) error {
		tally, err := find[plr.ClaimTally](t, claimTallies, keyOf(key))
		if err != nil {
			return err
		}
		if tally == nil {
			tally = plr.NewClaimTally(key)
		}
		before = tally.Count(accountID, now)
		return t.put(claimTallies, keyOf(key), tally)
	})
	return before, err
}

// AppendClaimEntry implements plr.IdentityStore.
func (s *Store) AppendClaimEntry(ctx context.Context, e *plr.ClaimEntry) error {
	return s.write(ctx, func(t *tx) error {
		return t.add(claimEntries, keyOf(e.AccountID, instant(e.At), e.ID), e)
	})
}

// ClaimEntries implements plr.IdentityStore.
func (s *Store) ClaimEntries(ctx context.Context, accountID string, limit int) ([]*plr.ClaimEntry, error) {
	var out []*plr.ClaimEntry
	err := s.read(ctx, func(t *tx) error {
		return t.walkBack(claimEntries, keyOf(accountID, ""), func(_, data []byte) (bool, error) {
			if len(out) >= limit {
				return false, nil
			}
			entry := &plr.ClaimEntry{}
			if err := decode(data, entry); err != nil {
				return false, fmt.Errorf("boltstore: %s: %w", claimEntries, err)
			}
			out = append(out, entry)
			return true, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
