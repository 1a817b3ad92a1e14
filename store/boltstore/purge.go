package boltstore

import (
	"bytes"
	"context"
	"time"

	"openplr/plr"
)

const (
	// lookAtOnce bounds how many entries one reading step passes, so that it
	// holds back no page for long.
	lookAtOnce = 2000
	// removeAtOnce bounds one writing step, so that others wait for
	// milliseconds only.
	removeAtOnce = 200
)

// Purge implements plr.RetentionStore. Every step looks for what is due without
// locking anybody out, and looks again inside the transaction that removes.
func (s *Store) Purge(ctx context.Context, due plr.Due, dry bool) (plr.Purged, error) {
	var out plr.Purged
	for _, kind := range []struct {
		count *int
		sweep sweep
	}{
		{&out.Records, sweep{in: records, due: recordDue(due.Records), remove: removeRecord}},
		{&out.Disclosures, sweep{in: accessEntries, due: entryDue(due.Disclosures, true), remove: removeEntry}},
		{&out.Attempts, sweep{in: accessEntries, due: entryDue(due.Attempts, false), remove: removeEntry}},
		// Links before views: a view stays while a link that is kept names it.
		{&out.ShareLinks, sweep{in: revokedLinks, due: revokedDue(due.ShareLinks)}},
		{&out.ShareLinks, sweep{in: sharings, due: expiredDue(due.ShareLinks), remove: removeExpired(due.ShareLinks)}},
		{&out.Views, sweep{in: views, due: viewDue(due), remove: removeView}},
		{&out.Challenges, sweep{in: challenges, due: challengeDue(due.Challenges)}},
		{&out.Preferences, sweep{in: preferenceChanges, due: preferenceDue(due.Preferences)}},
		{&out.ClaimEntries, sweep{in: claimEntries, due: claimDue(due.ClaimEntries)}},
		{&out.ReviewCases, sweep{in: reviewCases, due: reviewDue(due.ReviewCases), remove: removeReview}},
		{&out.ClaimTallies, sweep{in: claimTallies, due: tallyDue(due.ClaimTallies)}},
		{&out.IdempotencyKeys, sweep{in: idempotencyAges, due: keyDue(due.IdempotencyKeys), remove: removeKey}},
	} {
		n, err := s.sweep(ctx, kind.sweep, dry)
		*kind.count += n
		if err != nil {
			return out, err
		}
	}
	if dry {
		return out, nil
	}
	// A link does not know its secret's hash. What a purge that was cut off left
	// behind goes too.
	_, err := s.sweep(ctx, sweep{in: secrets, due: orphaned}, false)
	return out, err
}

// sweep is one kind's walk over its bucket.
type sweep struct {
	in bucket
	// due says how much of an entry is to be removed: 0 for nothing.
	due func(t *tx, key, value []byte) (int, error)
	// remove removes what is due of an entry; nil removes the entry. key and
	// value are bbolt's own and end with the first write.
	remove func(t *tx, key, value []byte) error
}

// sweep walks to the bucket's end in bounded steps, and counts.
func (s *Store) sweep(ctx context.Context, w sweep, dry bool) (int, error) {
	total := 0
	var from []byte
	for more := true; more; {
		var found [][]byte
		counted := 0
		err := s.read(ctx, func(t *tx) error {
			c := t.bolt.Bucket(w.in).Cursor()
			k, v := c.Seek(from)
			for passed := 0; k != nil && passed < lookAtOnce && len(found) < removeAtOnce; k, v = c.Next() {
				n, err := w.due(t, k, v)
				if err != nil {
					return err
				}
				if n > 0 {
					found, counted = append(found, bytes.Clone(k)), counted+n
				}
				passed++
			}
			from, more = bytes.Clone(k), k != nil
			return nil
		})
		if err == nil && !dry {
			counted, err = s.removeDue(ctx, w, found)
		}
		if err != nil {
			return total, err
		}
		total += counted
	}
	return total, nil
}

// removeDue removes what is still due, and says how much that was.
func (s *Store) removeDue(ctx context.Context, w sweep, keys [][]byte) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	counted := 0
	err := s.write(ctx, func(t *tx) error {
		counted = 0
		for _, key := range keys {
			value := t.bolt.Bucket(w.in).Get(key)
			if value == nil {
				continue
			}
			n, err := w.due(t, key, value)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if w.remove == nil {
				err = t.remove(w.in, key)
			} else {
				err = w.remove(t, key, value)
			}
			if err != nil {
				return err
			}
			counted += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return counted, nil
}

// one is the count of an entry that is due as a whole, or not.
func one(due bool, err error) (int, error) {
	if err != nil || !due {
		return 0, err
	}
	return 1, nil
}

func recordDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		at, err := recordUpdatedAt(value)
		return one(at.Before(before), err)
	}
}

func removeRecord(t *tx, key, value []byte) error {
	record := &plr.Record{}
	if err := decode(value, record); err != nil {
		return err
	}
	if err := t.match(plr.ULN(key), plr.MatchKeys(record.Register), nil); err != nil {
		return err
	}
	return t.remove(records, key)
}

// entryDue goes by the instant in the key first: most entries are never read.
func entryDue(before time.Time, disclosures bool) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, key, value []byte) (int, error) {
		_, rest, _ := bytes.Cut(key, []byte{0})
		if string(rest) >= instant(before) {
			return 0, nil
		}
		var e struct{ Result plr.AccessResult }
		err := decode(value, &e)
		return one(e.Result.Disclosed() == disclosures, err)
	}
}

func removeEntry(t *tx, key, value []byte) error {
	var e struct {
		ULN plr.ULN
		ID  string
	}
	if err := decode(value, &e); err != nil {
		return err
	}
	if err := t.remove(accessIDs, keyOf(string(e.ULN), e.ID)); err != nil {
		return err
	}
	return t.remove(accessEntries, key)
}

func linkDue(link *plr.ShareLink, before time.Time) bool {
	return plr.RetainedFrom(link.RevokedAt, link.ExpiresAt, link.EditedAt).Before(before)
}

func revokedDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		var link plr.ShareLink
		err := decode(value, &link)
		return one(linkDue(&link, before), err)
	}
}

func expiredDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		var doc plr.Sharing
		if err := decode(value, &doc); err != nil {
			return 0, err
		}
		n := 0
		for _, link := range doc.Links {
			if linkDue(link, before) {
				n++
			}
		}
		return n, nil
	}
}

func removeExpired(before time.Time) func(*tx, []byte, []byte) error {
	return func(t *tx, key, _ []byte) error {
		_, err := t.editSharing(plr.ULN(key), func(doc *plr.Sharing) error {
			for id, link := range doc.Links {
				if linkDue(link, before) {
					delete(doc.Links, id)
				}
			}
			return nil
		})
		return err
	}
}

// orphaned: the link that a secret leads to is gone.
func orphaned(t *tx, _, value []byte) (int, error) {
	var ref plr.SecretRef
	if err := decode(value, &ref); err != nil {
		return 0, err
	}
	_, _, err := t.link(ref.ULN, ref.LinkID)
	if plr.CodeOf(err) == plr.CodeNotFound {
		return 1, nil
	}
	return 0, err
}

func viewDue(due plr.Due) func(*tx, []byte, []byte) (int, error) {
	return func(t *tx, _, value []byte) (int, error) {
		var v struct {
			ULN       plr.ULN
			ID        string
			DeletedAt *time.Time
		}
		if err := decode(value, &v); err != nil || v.DeletedAt == nil || !v.DeletedAt.Before(due.Views) {
			return 0, err
		}
		named, err := t.named(v.ULN, v.ID, due.ShareLinks)
		return one(!named, err)
	}
}

// named says whether a link that is kept names the view.
func (t *tx) named(uln plr.ULN, viewID string, linksBefore time.Time) (bool, error) {
	doc, err := t.sharing(uln)
	if err != nil {
		return false, err
	}
	for _, link := range doc.Links {
		if link.ViewID == viewID && !linkDue(link, linksBefore) {
			return true, nil
		}
	}
	revoked, err := all[plr.ShareLink](t, revokedLinks, ofULN(uln))
	for _, link := range revoked {
		if link.ViewID == viewID && !linkDue(link, linksBefore) {
			return true, err
		}
	}
	return false, err
}

func removeView(t *tx, key, _ []byte) error {
	var versions [][]byte
	err := t.walk(viewVersions, keyOf(string(key), ""), func(version, _ []byte) (bool, error) {
		versions = append(versions, bytes.Clone(version))
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, version := range versions {
		if err := t.remove(viewVersions, version); err != nil {
			return err
		}
	}
	return t.remove(views, key)
}

func challengeDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		var c struct {
			Status    plr.DataChallengeStatus
			UpdatedAt time.Time
		}
		err := decode(value, &c)
		return one(c.Status != plr.ChallengeOpen && c.UpdatedAt.Before(before), err)
	}
}

// preferenceDue keeps the newest change of each learner: the last of theirs.
func preferenceDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(t *tx, key, value []byte) (int, error) {
		var change plr.PreferenceChange
		if err := decode(value, &change); err != nil || !change.At.Before(before) {
			return 0, err
		}
		uln, _, _ := bytes.Cut(key, []byte{0})
		newest := false
		err := t.walkBack(preferenceChanges, ofULN(plr.ULN(uln)), func(last, _ []byte) (bool, error) {
			newest = bytes.Equal(last, key)
			return false, nil
		})
		return one(!newest, err)
	}
}

// claimDue goes by the instant in the key.
func claimDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, key, _ []byte) (int, error) {
		_, rest, _ := bytes.Cut(key, []byte{0})
		return one(string(rest) < instant(before), nil)
	}
}

func reviewDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		var c struct{ ClosedAt *time.Time }
		err := decode(value, &c)
		return one(c.ClosedAt != nil && c.ClosedAt.Before(before), err)
	}
}

func removeReview(t *tx, key, value []byte) error {
	var c struct{ OpenedAt time.Time }
	if err := decode(value, &c); err != nil {
		return err
	}
	if err := t.remove(reviewTimes, keyOf(instant(c.OpenedAt), string(key))); err != nil {
		return err
	}
	return t.remove(reviewCases, key)
}

func tallyDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, _, value []byte) (int, error) {
		var tally struct{ UpdatedAt time.Time }
		err := decode(value, &tally)
		return one(tally.UpdatedAt.Before(before), err)
	}
}

func keyDue(before time.Time) func(*tx, []byte, []byte) (int, error) {
	return func(_ *tx, age, _ []byte) (int, error) { return one(string(age) < instant(before), nil) }
}

func removeKey(t *tx, age, value []byte) error {
	var key string
	if err := decode(value, &key); err != nil {
		return err
	}
	if err := t.remove(idempotencyAges, age); err != nil {
		return err
	}
	return t.remove(idempotency, keyOf(key))
}
