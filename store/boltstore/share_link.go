package boltstore

import (
	"context"
	"errors"
	"time"

	"openplr/plr"
)

// CreateShareLink implements plr.SharingStore.
func (s *Store) CreateShareLink(ctx context.Context, link *plr.ShareLink, ref plr.SecretRef, idem *plr.Idempotency, admit func(*plr.Sharing) error) (*plr.ShareLink, error) {
	if ref.ULN != link.ULN || ref.LinkID != link.ID {
		return nil, errors.New("boltstore: the secret leads to another link than the one to be made")
	}
	var out *plr.ShareLink
	err := s.write(ctx, func(t *tx) error {
		if first, err := t.madeBefore(idem, kindShareLink); err != nil {
			return err
		} else if first != nil {
			out, _, err = t.link(first.ULN, first.ID)
			return err
		}
		doc, err := t.editSharing(link.ULN, func(doc *plr.Sharing) error {
			if err := admit(doc); err != nil {
				return err
			}
			if doc.Links[link.ID] == nil {
				return errors.New("boltstore: admit let the link in but did not add it")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := t.add(secrets, keyOf(ref.Hash), ref); err != nil {
			return err
		}
		out = doc.Links[link.ID]
		return t.remember(idem, kindShareLink, link.ULN, link.ID)
	})
	return answer(out, err)
}

// link gives a live or a revoked link, and the document if it is live.
func (t *tx) link(uln plr.ULN, id string) (*plr.ShareLink, *plr.Sharing, error) {
	doc, err := t.sharing(uln)
	if err != nil {
		return nil, nil, err
	}
	if link := doc.Links[id]; link != nil {
		return link, doc, nil
	}
	link, err := get[plr.ShareLink](t, revokedLinks, keyOf(string(uln), id), "id")
	return link, nil, err
}

// editLink applies edit to a live or a revoked link, and stores it if edit
// says that it changed something.
func (t *tx) editLink(uln plr.ULN, id string, edit func(*plr.ShareLink) (changed bool)) (*plr.ShareLink, error) {
	link, doc, err := t.link(uln, id)
	if err != nil || !edit(link) {
		return link, err
	}
	if doc != nil {
		return link, t.putSharing(doc)
	}
	return link, t.put(revokedLinks, keyOf(string(uln), id), link)
}

// RevokeShareLinks implements plr.SharingStore.
func (s *Store) RevokeShareLinks(ctx context.Context, uln plr.ULN, ids []string, now time.Time) (int, error) {
	ended := 0
	err := s.write(ctx, func(t *tx) error {
		ended = 0
		doc, err := t.sharing(uln)
		if err != nil {
			return err
		}
		end := map[string]*plr.ShareLink{}
		for _, id := range ids {
			if link := doc.Links[id]; link != nil {
				end[id] = link
			} else if !t.has(revokedLinks, keyOf(string(uln), id)) {
				return plr.NotFound("id")
			}
		}
		if ids == nil {
			end = doc.Links
		}
		for id, link := range end {
			link.RevokedAt = &now
			link.Version++
			if err := t.add(revokedLinks, keyOf(string(uln), id), link); err != nil {
				return err
			}
			ended++
		}
		if ended == 0 {
			return nil
		}
		for id := range end {
			delete(doc.Links, id)
		}
		return t.putSharing(doc)
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// RevokedShareLink implements plr.SharingStore.
func (s *Store) RevokedShareLink(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	var out *plr.ShareLink
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.ShareLink](t, revokedLinks, keyOf(string(uln), id), "id")
		return err
	})
	return out, err
}

// RevokedShareLinks implements plr.SharingStore.
func (s *Store) RevokedShareLinks(ctx context.Context, uln plr.ULN) ([]*plr.ShareLink, error) {
	var out []*plr.ShareLink
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = all[plr.ShareLink](t, revokedLinks, ofULN(uln))
		return err
	})
	return out, err
}

// SecretOwner implements plr.SharingStore.
func (s *Store) SecretOwner(ctx context.Context, hash string) (*plr.SecretRef, error) {
	var out *plr.SecretRef
	err := s.read(ctx, func(t *tx) (err error) {
		out, err = get[plr.SecretRef](t, secrets, keyOf(hash))
		return err
	})
	return out, err
}

// TakeGuess implements plr.SharingStore.
func (s *Store) TakeGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (taken bool, link *plr.ShareLink, err error) {
	err = s.write(ctx, func(t *tx) (err error) {
		link, err = t.editLink(uln, linkID, func(l *plr.ShareLink) bool {
			taken = l.TakeGuess(now)
			return taken
		})
		return err
	})
	if err != nil {
		return false, nil, err
	}
	return taken, link, nil
}

// SettleGuess implements plr.SharingStore.
func (s *Store) SettleGuess(ctx context.Context, uln plr.ULN, linkID string, right bool, now time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.editLink(uln, linkID, func(l *plr.ShareLink) bool {
			l.SettleGuess(right, now)
			return true
		})
		return err
	})
}

// ClaimRedemption implements plr.SharingStore. A refusal writes nothing: what
// the claim tidied away is tidied by the next one that opens.
func (s *Store) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	var out plr.ClaimResult
	err := s.write(ctx, func(t *tx) error {
		doc, err := t.sharing(c.ULN)
		if err != nil {
			return err
		}
		if out = doc.Claim(c); out.State != plr.LinkActive {
			return nil
		}
		return t.putSharing(doc)
	})
	if err != nil {
		return plr.ClaimResult{}, err
	}
	return out, nil
}

// RenewLease implements plr.SharingStore. A refusal writes nothing.
func (s *Store) RenewLease(ctx context.Context, r plr.Renewal) (state plr.LinkState, err error) {
	err = s.write(ctx, func(t *tx) error {
		doc, err := t.sharing(r.ULN)
		if err != nil {
			return err
		}
		if state = doc.Renew(r); state != plr.LinkActive {
			return nil
		}
		return t.putSharing(doc)
	})
	if err != nil {
		return "", err
	}
	return state, nil
}

// ReleaseLease implements plr.SharingStore.
func (s *Store) ReleaseLease(ctx context.Context, uln plr.ULN, leaseID string) error {
	return s.write(ctx, func(t *tx) error {
		doc, err := t.sharing(uln)
		if err != nil {
			return err
		}
		if _, held := doc.Leases[leaseID]; !held {
			return nil
		}
		doc.Release(leaseID)
		return t.putSharing(doc)
	})
}
