package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// purgeAtOnce bounds one step of Purge, so that others wait for milliseconds only.
const purgeAtOnce = 200

// Purge implements plr.RetentionStore. It finds what is due by index, a few
// documents at a time, and removes them on condition that they are still due.
func (s *Store) Purge(ctx context.Context, due plr.Due, dry bool) (plr.Purged, error) {
	var out plr.Purged
	for _, kind := range []struct {
		count  *int
		before time.Time
		sweep  sweep
	}{
		{&out.Records, due.Records, sweep{in: records, by: "updatedAt"}},
		{&out.Disclosures, due.Disclosures, sweep{in: accessEntries, by: "at", also: op("disclosed", true)}},
		{&out.Attempts, due.Attempts, sweep{in: accessEntries, by: "at", also: op("disclosed", false)}},
		// Links before views: a view stays while a link that is kept names it.
		{&out.ShareLinks, due.ShareLinks, sweep{in: sharings, by: "nextEnd", remove: s.removeLinks}},
		{&out.ShareLinks, due.ShareLinks, sweep{in: revokedLinks, by: "revokedAt", remove: s.removeRevoked}},
		{&out.Views, due.Views, sweep{in: views, by: "deletedAt", remove: s.removeView(due.ShareLinks)}},
		{&out.Challenges, due.Challenges, sweep{in: challenges, by: "updatedAt", also: op("open", false), remove: s.removeChallenge}},
		{&out.Preferences, due.Preferences, sweep{in: preferenceChanges, by: "at", remove: s.removeChange}},
		{&out.ClaimEntries, due.ClaimEntries, sweep{in: claimEntries, by: "at"}},
		{&out.ReviewCases, due.ReviewCases, sweep{in: reviewCases, by: "closedAt"}},
		{&out.ClaimTallies, due.ClaimTallies, sweep{in: claimTallies, by: "updatedAt"}},
		{&out.IdempotencyKeys, due.IdempotencyKeys, sweep{in: sharings, by: "oldestKey", remove: s.removeLinkKeys}},
		{&out.IdempotencyKeys, due.IdempotencyKeys, sweep{in: creations, by: "oldestKey", remove: s.removeKeys}},
		// The index of a link that was never made. Every index is looked at once.
		{new(int), due.IdempotencyKeys, sweep{in: secrets, by: "at", also: op("settled", false), remove: s.removeSecret}},
	} {
		if kind.before.IsZero() {
			continue
		}
		n, err := s.sweep(ctx, kind.sweep, kind.before, dry)
		*kind.count += n
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// sweep is one kind's walk.
type sweep struct {
	in *collection
	// by is the instant that must lie before; also is what else must hold.
	by   string
	also bson.D
	// remove removes what is due of a document, or counts it; nil removes the document.
	remove func(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error)
}

func (w sweep) filter(before time.Time) bson.D {
	return append(w.also[:len(w.also):len(w.also)], bson.E{Key: w.by, Value: op("$lt", before)})
}

func (s *Store) sweep(ctx context.Context, w sweep, before time.Time, dry bool) (int, error) {
	total := 0
	var at, id bson.RawValue // the place of the last document seen
	for {
		filter := w.filter(before)
		if !id.IsZero() {
			filter = and(and(filter[:len(filter)-1], w.by, bson.D{{Key: "$lt", Value: before}, {Key: "$gte", Value: at}}),
				"$or", bson.A{op(w.by, op("$gt", at)), op("_id", op("$gt", id))})
		}
		found, err := s.step(ctx, func(ctx context.Context) ([]bson.Raw, error) {
			return s.find(ctx, w.in, filter, bson.D{{Key: w.by, Value: 1}, {Key: "_id", Value: 1}}, purgeAtOnce)
		})
		if err != nil || len(found) == 0 {
			return total, err
		}
		last := found[len(found)-1]
		at, id = last.Lookup(w.by), last.Lookup("_id")
		n, err := s.sweepStep(ctx, w, found, before, dry)
		total += n
		if err != nil {
			return total, err
		}
	}
}

func (s *Store) sweepStep(ctx context.Context, w sweep, found []bson.Raw, before time.Time, dry bool) (int, error) {
	if w.remove == nil {
		if dry {
			return len(found), nil
		}
		ids := bson.A{}
		for _, raw := range found {
			ids = append(ids, raw.Lookup("_id"))
		}
		ctx, done := s.begin(ctx)
		defer done()
		return s.removeAll(ctx, w.in, append(byID(op("$in", ids)), w.filter(before)...))
	}
	total := 0
	for _, raw := range found {
		if _, err := w.in.upgrade(raw); err != nil { // a newer version's is that version's to remove
			continue
		}
		ctx, done := s.begin(ctx)
		n, err := w.remove(ctx, raw, before, dry)
		done()
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// step bounds one reading step.
func (s *Store) step(ctx context.Context, do func(context.Context) ([]bson.Raw, error)) ([]bson.Raw, error) {
	ctx, done := s.begin(ctx)
	defer done()
	return do(ctx)
}

func (l *linkDocument) due(before time.Time) bool { return l.retainedFrom().Before(before) }

// removeLinks removes the links in a Sharing document that are due.
func (s *Store) removeLinks(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
	doc, err := decode[sharingDocument](sharings, raw)
	if err != nil {
		return 0, err
	}
	var gone []string
	find := func(doc *sharingDocument) {
		gone = nil
		for _, l := range doc.Links {
			if l.RevokedAt == nil && l.due(before) {
				gone = append(gone, l.Secret)
			}
		}
	}
	find(doc)
	if dry {
		for _, l := range doc.Links { // on its way to the collection of revoked links
			if l.RevokedAt != nil && l.due(before) {
				gone = append(gone, l.Secret)
			}
		}
		return len(gone), nil
	}
	// Should this end between link and secret, the secret is looked at once more.
	for _, hash := range gone {
		if _, err := s.update(ctx, secrets, byID(hash), op("$set", op("settled", false))); err != nil {
			return 0, err
		}
	}
	stored, err := s.editOwner(ctx, doc.ULN, func(doc *sharingDocument, sh *plr.Sharing) error {
		find(doc)
		for id := range sh.Links {
			if doc.Links[field(id)].due(before) {
				delete(sh.Links, id)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.carryOver(ctx, stored) // what was revoked is removed from there
	return len(gone), s.removeSecrets(ctx, gone)
}

func (s *Store) removeSecrets(ctx context.Context, hashes []string) error {
	for _, hash := range hashes {
		if _, err := s.remove(ctx, secrets, byID(hash)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) removeRevoked(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
	doc, err := decode[revokedDocument](revokedLinks, raw)
	if err != nil || dry {
		return 1, err
	}
	// The secret first: without its link it is found no more.
	if hash, ok := doc.Link.Lookup("secret").StringValueOK(); ok {
		if err := s.removeSecrets(ctx, []string{hash}); err != nil {
			return 0, err
		}
	}
	return s.remove(ctx, revokedLinks, and(owned(doc.ULN, doc.ID), "revokedAt", op("$lt", before)))
}

// removeView removes a deleted view with its versions, unless a link that is
// kept names it.
func (s *Store) removeView(linksBefore time.Time) func(context.Context, bson.Raw, time.Time, bool) (int, error) {
	return func(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
		doc, err := decode[viewDocument](views, raw)
		if err != nil {
			return 0, err
		}
		named, err := s.named(ctx, doc.ULN, doc.ID, linksBefore)
		if err != nil || named {
			return 0, err
		}
		if dry {
			return 1, nil
		}
		if err := s.settlePending(ctx, doc.ULN); err != nil {
			return 0, err
		}
		if _, err := s.removeAll(ctx, viewVersions, bson.D{{Key: "uln", Value: doc.ULN}, {Key: "view", Value: doc.ID}}); err != nil {
			return 0, err
		}
		return s.remove(ctx, views, and(owned(doc.ULN, doc.ID), "deletedAt", op("$lt", before)))
	}
}

func (s *Store) removeChallenge(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
	doc, err := decode[challengeDocument](challenges, raw)
	if err != nil || dry {
		return 1, err
	}
	if err := s.settlePending(ctx, doc.ULN); err != nil {
		return 0, err
	}
	still := append(owned(doc.ULN, doc.ID), bson.E{Key: "open", Value: false}, bson.E{Key: "updatedAt", Value: op("$lt", before)})
	return s.remove(ctx, challenges, still)
}

// settlePending puts what a learner made into its collection, or the next create
// would bring back what is removed.
func (s *Store) settlePending(ctx context.Context, uln plr.ULN) error {
	pending, err := s.creations(ctx, uln)
	if err != nil {
		return err
	}
	return s.putPending(ctx, pending)
}

// named says whether a link that is kept names the view.
func (s *Store) named(ctx context.Context, uln plr.ULN, view string, linksBefore time.Time) (bool, error) {
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return false, err
	}
	for _, l := range doc.Links {
		if l.ViewID == view && !l.due(linksBefore) {
			return true, nil
		}
	}
	raws, err := s.find(ctx, revokedLinks, bson.D{{Key: "uln", Value: uln}}, nil, 0)
	if err != nil {
		return false, err
	}
	for _, raw := range raws {
		at, _ := raw.Lookup("revokedAt").TimeOK()
		if id, ok := raw.Lookup("link", "viewId").StringValueOK(); ok && id == view && !at.Before(linksBefore) {
			return true, nil
		}
	}
	return false, nil
}

// removeChange removes a move of the switch that is not the learner's newest.
func (s *Store) removeChange(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
	doc, err := decode[preferenceDocument](preferenceChanges, raw)
	if err != nil {
		return 0, err
	}
	newest, err := s.find(ctx, preferenceChanges, bson.D{{Key: "uln", Value: doc.ULN}}, bson.D{{Key: "number", Value: -1}}, 1, "number")
	if err != nil || len(newest) == 0 {
		return 0, err
	}
	if number, _ := newest[0].Lookup("number").AsInt64OK(); number == doc.Number {
		return 0, nil
	}
	if dry {
		return 1, nil
	}
	return s.remove(ctx, preferenceChanges, and(owned(doc.ULN, doc.ID), "at", op("$lt", before)))
}

func (s *Store) removeLinkKeys(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (n int, err error) {
	doc, err := decode[sharingDocument](sharings, raw)
	if err != nil || dry {
		if err != nil {
			return 0, err
		}
		return forget(doc.Made, before, len(doc.Made)), nil
	}
	_, err = s.editOwner(ctx, doc.ULN, func(doc *sharingDocument, _ *plr.Sharing) error {
		n = forget(doc.Made, before, len(doc.Made))
		return nil
	})
	return n, err
}

func (s *Store) removeKeys(ctx context.Context, raw bson.Raw, before time.Time, dry bool) (int, error) {
	doc, err := decode[creationsDocument](creations, raw)
	if err != nil {
		return 0, err
	}
	for attempt := 0; ; attempt++ {
		n := forget(doc.Made, before, len(doc.Made))
		if n == 0 || dry {
			return n, nil
		}
		doc.stored = true
		stored, err := s.putCreations(ctx, doc)
		if err != nil || stored {
			return n, err
		}
		if err := pause(ctx, attempt); err != nil {
			return 0, err
		}
		if doc, err = s.creations(ctx, doc.ULN); err != nil {
			return 0, err
		}
	}
}

// removeSecret removes the index of a link that was not made, and marks others
// as looked at.
func (s *Store) removeSecret(ctx context.Context, raw bson.Raw, _ time.Time, dry bool) (int, error) {
	doc, err := decode[secretDocument](secrets, raw)
	if err != nil || dry {
		return 0, err
	}
	_, err = s.link(ctx, doc.ULN, doc.Link)
	if plr.CodeOf(err) == plr.CodeNotFound && err != nil {
		return s.remove(ctx, secrets, byID(doc.Hash))
	}
	if err != nil {
		return 0, err
	}
	_, err = s.update(ctx, secrets, byID(doc.Hash), op("$set", op("settled", true)))
	return 0, err
}
