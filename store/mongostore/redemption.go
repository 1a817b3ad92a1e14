package mongostore

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

var bumped = bson.E{Key: "revision", Value: 1}

// ClaimRedemption implements plr.SharingStore. It decides on the document as
// read. A refusal writes nothing; leave to open is one write on condition that
// all it was decided by still holds: that the owner has written nothing, that a
// use is left, that the link is not frozen. Claims that only count up do not
// disturb each other.
func (s *Store) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	ctx, done := s.begin(ctx)
	defer done()
	for attempt := 0; ; attempt++ {
		doc, err := s.sharing(ctx, c.ULN)
		if err != nil {
			return plr.ClaimResult{}, err
		}
		if doc, err = s.current(ctx, doc); err != nil {
			return plr.ClaimResult{}, err
		}
		after := doc.sharing()
		out := after.Claim(c)
		if out.State != plr.LinkActive || out.Stale {
			return out, nil
		}
		filter, change := doc.claim(c, out.Repeat, after)
		raw, err := s.change(ctx, sharings, filter, change)
		if err != nil {
			return plr.ClaimResult{}, err
		}
		if raw != nil {
			stored, err := sharingOf(c.ULN, raw)
			if err != nil {
				return plr.ClaimResult{}, err
			}
			out.Link = *stored.Links[field(c.LinkID)].link(c.ULN)
			return out, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return plr.ClaimResult{}, err
		}
	}
}

// claim is the write that makes of the document what a granted claim made of it.
func (d *sharingDocument) claim(c plr.Claim, repeat bool, after *plr.Sharing) (filter, change bson.D) {
	path := "links." + field(c.LinkID) + "."
	link := d.Links[field(c.LinkID)]
	filter = append(d.asOwned(), bson.E{Key: path + "frozenAt", Value: link.FrozenAt})
	inc, set, unset := bson.D{bumped}, bson.D{}, bson.D{}

	token := path + "redemptions." + field(c.RedemptionHash)
	if at, known := link.Redemptions[field(c.RedemptionHash)]; known {
		filter = append(filter, bson.E{Key: token, Value: at})
	} else {
		filter = append(filter, bson.E{Key: token, Value: op("$exists", false)})
	}
	if !repeat {
		inc = append(inc, bson.E{Key: path + "redemptionCount", Value: 1})
		set = append(set, bson.E{Key: token, Value: c.Now})
		if link.MaxRedemptions != nil {
			filter = append(filter, bson.E{Key: path + "redemptionCount", Value: op("$lt", *link.MaxRedemptions)})
		}
	}
	set = append(set, bson.E{Key: "leases." + field(c.LeaseID), Value: leaseDocument{Link: c.LinkID, Until: c.Now.Add(plr.LeaseLife)}})

	// What the claim tidied away goes only if it is as it was: a lease may have
	// been renewed, a token used anew. One that still repeats and only had to make
	// room cannot have changed.
	for key, lease := range d.Leases {
		if _, kept := after.Leases[idOf(key)]; !kept && len(unset) < tidyAtOnce {
			filter = append(filter, bson.E{Key: "leases." + key + ".until", Value: lease.Until})
			unset = append(unset, bson.E{Key: "leases." + key, Value: ""})
		}
	}
	for key, l := range d.Links {
		now := after.Links[l.ID]
		if now == nil {
			continue
		}
		for hash, at := range l.Redemptions {
			if _, kept := now.Redemptions[idOf(hash)]; kept || len(unset) >= 2*tidyAtOnce {
				continue
			}
			name := "links." + key + ".redemptions." + hash
			if !c.Now.Before(at.Add(plr.RepeatWindow)) {
				filter = append(filter, bson.E{Key: name, Value: at})
			}
			unset = append(unset, bson.E{Key: name, Value: ""})
		}
	}
	change = bson.D{{Key: "$inc", Value: inc}, {Key: "$set", Value: set}}
	if len(unset) > 0 {
		change = append(change, bson.E{Key: "$unset", Value: unset})
	}
	return filter, change
}

// tidyAtOnce bounds what one claim tidies away.
const tidyAtOnce = 100

// RenewLease implements plr.SharingStore. A refusal writes nothing.
func (s *Store) RenewLease(ctx context.Context, r plr.Renewal) (plr.LinkState, error) {
	ctx, done := s.begin(ctx)
	defer done()
	for attempt := 0; ; attempt++ {
		doc, err := s.sharing(ctx, r.ULN)
		if err != nil {
			return "", err
		}
		if doc, err = s.current(ctx, doc); err != nil {
			return "", err
		}
		state := doc.sharing().Renew(r)
		if state != plr.LinkActive {
			return state, nil
		}
		lease := "leases." + field(r.LeaseID)
		filter := append(doc.asOwned(),
			bson.E{Key: "links." + field(r.LinkID) + ".frozenAt", Value: doc.Links[field(r.LinkID)].FrozenAt},
			bson.E{Key: lease + ".link", Value: r.LinkID})
		matched, err := s.update(ctx, sharings, filter, bson.D{
			{Key: "$set", Value: bson.D{{Key: lease + ".until", Value: r.Now.Add(plr.LeaseLife)}}}, {Key: "$inc", Value: bson.D{bumped}},
		})
		if err != nil {
			return "", err
		}
		if matched {
			return state, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return "", err
		}
	}
}

// ReleaseLease implements plr.SharingStore.
func (s *Store) ReleaseLease(ctx context.Context, uln plr.ULN, leaseID string) error {
	ctx, done := s.begin(ctx)
	defer done()
	lease := "leases." + field(leaseID)
	filter := bson.D{{Key: "_id", Value: uln}, {Key: "schemaVersion", Value: sharings.version}, {Key: lease, Value: op("$exists", true)}}
	_, err := s.update(ctx, sharings, filter, bson.D{
		{Key: "$unset", Value: bson.D{{Key: lease, Value: ""}}}, {Key: "$inc", Value: bson.D{bumped}},
	})
	return err
}

// TakeGuess implements plr.SharingStore: one write, if a guess is left.
func (s *Store) TakeGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (taken bool, link *plr.ShareLink, err error) {
	ctx, done := s.begin(ctx)
	defer done()
	path := "links." + field(linkID) + "."
	filter := bson.D{{Key: "_id", Value: uln}, {Key: "schemaVersion", Value: sharings.version}, {Key: path + "guessesLeft", Value: op("$gt", 0)}}
	change := bson.D{
		{Key: "$inc", Value: bson.D{bumped, {Key: path + "guessesLeft", Value: -1}}}, {Key: "$set", Value: bson.D{{Key: path + "guessAt", Value: now}}},
	}
	for attempt := 0; ; attempt++ {
		raw, err := s.change(ctx, sharings, filter, change)
		if err != nil {
			return false, nil, err
		}
		if raw != nil {
			doc, err := sharingOf(uln, raw)
			if err != nil {
				return false, nil, err
			}
			return true, doc.Links[field(linkID)].link(uln), nil
		}
		doc, err := s.sharing(ctx, uln)
		if err != nil {
			return false, nil, err
		}
		l := doc.Links[field(linkID)]
		if l == nil {
			return s.takeArrivedGuess(ctx, uln, linkID, now)
		}
		if l.GuessesLeft == 0 {
			return false, l.link(uln), nil
		}
		// A guess was given back since, or the document is of an older version.
		if _, err := s.current(ctx, doc); err != nil {
			return false, nil, err
		}
		if err := pause(ctx, attempt); err != nil {
			return false, nil, err
		}
	}
}

func (s *Store) takeArrivedGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (bool, *plr.ShareLink, error) {
	filter := and(owned(uln, revokedID(uln, linkID)), "link.guessesLeft", op("$gt", 0))
	raw, err := s.change(ctx, revokedLinks, filter, bson.D{
		{Key: "$inc", Value: bson.D{{Key: "link.guessesLeft", Value: -1}}},
		{Key: "$set", Value: bson.D{{Key: "link.guessAt", Value: now}, {Key: "arrived", Value: true}}},
	})
	if err != nil {
		return false, nil, err
	}
	if raw == nil {
		link, err := s.arrived(ctx, uln, linkID)
		return false, link, err
	}
	doc, err := decode[revokedDocument](revokedLinks, raw)
	if err != nil {
		return false, nil, err
	}
	link, err := doc.link()
	return err == nil, link, err
}

// SettleGuess implements plr.SharingStore.
func (s *Store) SettleGuess(ctx context.Context, uln plr.ULN, linkID string, right bool, now time.Time) error {
	ctx, done := s.begin(ctx)
	defer done()
	for attempt := 0; ; attempt++ {
		doc, err := s.sharing(ctx, uln)
		if err != nil {
			return err
		}
		if doc, err = s.current(ctx, doc); err != nil {
			return err
		}
		var matched bool
		if l := doc.Links[field(linkID)]; l != nil {
			filter := and(byID(uln), "schemaVersion", sharings.version)
			matched, err = s.settle(ctx, sharings, filter, "links."+field(linkID)+".", l.link(uln), right, now, bson.D{bumped}, nil)
		} else {
			var link *plr.ShareLink
			if link, err = s.arrived(ctx, uln, linkID); err != nil {
				return err
			}
			filter := owned(uln, revokedID(uln, linkID))
			matched, err = s.settle(ctx, revokedLinks, filter, "link.", link, right, now, nil, bson.D{{Key: "arrived", Value: true}})
		}
		if err != nil || matched {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// settle writes what SettleGuess makes of a link, on condition that its guesses
// are as they were when it was read.
func (s *Store) settle(ctx context.Context, c *collection, filter bson.D, path string, link *plr.ShareLink, right bool, now time.Time, inc, set bson.D) (matched bool, err error) {
	filter = append(filter,
		bson.E{Key: path + "guessesLeft", Value: link.GuessesLeft}, bson.E{Key: path + "frozenAt", Value: link.FrozenAt})
	link.SettleGuess(right, now)
	set = append(set, bson.E{Key: path + "guessesLeft", Value: link.GuessesLeft}, bson.E{Key: path + "frozenAt", Value: link.FrozenAt})
	change := bson.D{{Key: "$set", Value: set}}
	if inc != nil {
		change = append(change, bson.E{Key: "$inc", Value: inc})
	}
	return s.update(ctx, c, filter, change)
}
