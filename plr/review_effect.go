package plr

import "context"

// connectReviewed makes the record the claimant's. Every step may be made again.
func (s *Service) connectReviewed(ctx context.Context, c *ReviewCase, m *move) error {
	if err := s.release(ctx, c, m); err != nil {
		return err
	}
	if m.record.restricted() {
		// Before anybody is bound: between the two nothing could be shared.
		if err := s.switchOffByReview(ctx, m.record.ULN); err != nil {
			return err
		}
	}
	now := s.now()
	restored := m.claimant.SuspendedAt != nil
	if m.claimant.ULN != "" && m.claimant.ULN != m.record.ULN { // an older number of this record
		if err := s.store.UnbindULN(ctx, m.claimant.ULN, c.Claimant); err != nil {
			return err
		}
	}
	if err := s.store.BindAccount(ctx, c.Claimant, m.record.ULN, now); err != nil {
		return err
	}
	change, notice := ChangeBound, NoticeConnected
	if restored {
		change, notice = ChangeRestored, NoticeRestored
	}
	if _, err := s.store.EditIdentity(ctx, c.Claimant, func(f *IdentityFile) error {
		f.FailedClaims, f.FailedTotal, f.LastClaimFailed, f.ReviewID, f.SuspendedFor = nil, 0, false, "", ""
		f.note(IdentityChange{Kind: change, At: now, Route: m.route, Matched: m.by})
		return nil
	}); err != nil {
		return err
	}
	if err := s.store.SuspendAccount(ctx, c.Claimant, nil); err != nil {
		return err
	}
	return s.notify(ctx, c.Claimant, notice)
}

// release takes the record's numbers off every other account and ends its sessions.
func (s *Service) release(ctx context.Context, c *ReviewCase, m *move) error {
	for _, uln := range append([]ULN{m.record.ULN}, m.record.LinkedULNs...) {
		holder, err := s.store.AccountOf(ctx, uln)
		if CodeOf(err) == CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		if holder.ID == c.Claimant {
			continue
		}
		if holder.ID != c.Holder { // bound since this was checked, and not told
			return AlreadyBound()
		}
		// The links are the holder's, who may be a stranger to this record: whoever
		// gets it decides on them anew.
		if err := s.switchOffByReview(ctx, m.record.ULN); err != nil {
			return err
		}
		now := s.now()
		if err := s.store.UnbindULN(ctx, uln, holder.ID); err != nil {
			return err
		}
		if err := s.closed(ctx, holder.ID, ChangeMoved, NoticeMoved); err != nil {
			return err
		}
		if err := s.store.InvalidateSessions(ctx, holder.ID, now); err != nil {
			return err
		}
	}
	return nil
}

// closed notes that an account has lost its record.
func (s *Service) closed(ctx context.Context, accountID string, change IdentityChangeKind, notice NoticeKind) error {
	now := s.now()
	if _, err := s.store.EditIdentity(ctx, accountID, func(f *IdentityFile) error {
		f.SuspendedFor = ""
		f.note(IdentityChange{Kind: change, At: now})
		return nil
	}); err != nil {
		return err
	}
	return s.notify(ctx, accountID, notice)
}

// refuseReviewed makes what follows from a refusal: an account that is suspended
// loses its record. A claimant is told only when they know that a caseworker
// looks: telling others would tell them that their claim was no ordinary failure.
func (s *Service) refuseReviewed(ctx context.Context, c *ReviewCase) error {
	switch c.Kind {
	case ReviewLocked:
		return s.notify(ctx, c.Claimant, NoticeRefused)
	case ReviewBirthDateChanged, ReviewMerged:
		return s.disconnect(ctx, c.Claimant)
	}
	return nil
}

func (s *Service) disconnect(ctx context.Context, accountID string) error {
	account, err := s.store.Account(ctx, accountID)
	if err != nil || account.SuspendedAt == nil {
		return err
	}
	if err := s.store.InvalidateSessions(ctx, accountID, s.now()); err != nil {
		return err
	}
	if account.ULN != "" {
		if err := s.store.UnbindULN(ctx, account.ULN, accountID); err != nil {
			return err
		}
	}
	if err := s.closed(ctx, accountID, ChangeUnbound, NoticeDisconnected); err != nil {
		return err
	}
	return s.store.SuspendAccount(ctx, accountID, nil) // last: while it stands, all of this is made again
}

// switchOffByReview switches the sharing of a record off: a restricted learner's,
// or one of whom it is doubtful whose it is. It returns when no disclosure is
// under way. The learner may switch it on again, once they can.
func (s *Service) switchOffByReview(ctx context.Context, uln ULN) error {
	sharing, err := s.store.Sharing(ctx, uln)
	if err != nil {
		return err
	}
	now := s.now()
	if sharing.ChangedAt == nil || !sharing.OptedOut {
		change := PreferenceChange{OptedOut: true, At: now, Channel: ChannelReview}
		if _, err := s.store.SetSharingPreference(ctx, uln, change, func(sh *Sharing) error {
			sh.OptOut(now)
			return nil
		}); err != nil {
			return err
		}
	}
	return s.awaitLeases(ctx, uln, "")
}
