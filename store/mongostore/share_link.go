package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"openplr/plr"
)

// secretDocument leads from a secret's hash to its link. It is there before the
// link and opens nothing without it.
type secretDocument struct {
	Hash          string    `bson:"_id"`
	SchemaVersion int       `bson:"schemaVersion"`
	ULN           plr.ULN   `bson:"uln"`
	Link          string    `bson:"link"`
	At            time.Time `bson:"at"`
	// Settled: Purge has seen that the link was made.
	Settled bool `bson:"settled"`
}

// revokedDocument is a revoked link outside the Sharing document.
type revokedDocument struct {
	ID            string    `bson:"_id"` // ULN#link
	SchemaVersion int       `bson:"schemaVersion"`
	ULN           plr.ULN   `bson:"uln"`
	RevokedAt     time.Time `bson:"revokedAt"`
	// Revision of the Sharing document that the link was copied from. A copy of
	// an older one never replaces it.
	Revision int64 `bson:"revision"`
	// Arrived: a guess was counted here, so that the copy in the Sharing document
	// is gone and must never be copied again.
	Arrived bool     `bson:"arrived"`
	Link    bson.Raw `bson:"link"` // as it stood in the Sharing document
}

func revokedID(uln plr.ULN, id string) string { return string(uln) + "#" + id }

func (d *revokedDocument) link() (*plr.ShareLink, error) {
	var l linkDocument
	if err := bson.Unmarshal(d.Link, &l); err != nil {
		return nil, errors.New("mongostore: a revoked link cannot be read")
	}
	return l.link(d.ULN), nil
}

// CreateShareLink implements plr.SharingStore.
func (s *Store) CreateShareLink(ctx context.Context, link *plr.ShareLink, ref plr.SecretRef, idem *plr.Idempotency, admit func(*plr.Sharing) error) (*plr.ShareLink, error) {
	if ref.ULN != link.ULN || ref.LinkID != link.ID {
		return nil, errors.New("mongostore: the secret leads to another link than the one to be made")
	}
	uln, id := link.ULN, link.ID
	if err := ownKey(idem, uln); err != nil {
		return nil, err
	}
	ctx, done := s.begin(ctx)
	defer done()
	first, indexed := "", false
	doc, err := s.editOwner(ctx, uln, func(doc *sharingDocument, sh *plr.Sharing) error {
		made, err := usedBefore(doc.Made, idem)
		if err != nil {
			return err
		}
		if made != nil {
			first = made.ID
			return errMade
		}
		if err := admit(sh); err != nil {
			return err
		}
		if sh.Links[id] == nil {
			return errors.New("mongostore: admit let the link in but did not add it")
		}
		doc.Links[field(id)] = &linkDocument{Secret: ref.Hash}
		if err := remember(doc.Made, idem, id); err != nil {
			return err
		}
		if indexed {
			return nil
		}
		indexed = true
		taken, err := s.insert(ctx, secrets, secretDocument{
			Hash: ref.Hash, SchemaVersion: secrets.version, ULN: uln, Link: id, At: sh.Links[id].CreatedAt,
		})
		if err == nil && taken {
			err = errors.New("mongostore: the secret is taken")
		}
		return err
	})
	if errors.Is(err, errMade) {
		return s.link(ctx, uln, first)
	}
	if err != nil {
		return nil, err
	}
	s.carryOver(ctx, doc)
	return doc.Links[field(id)].link(uln), nil
}

// link gives a live or a revoked link.
func (s *Store) link(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	if l := doc.Links[field(id)]; l != nil {
		return l.link(uln), nil
	}
	return s.arrived(ctx, uln, id)
}

// arrived gives a revoked link that has left the document.
func (s *Store) arrived(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	raw, err := s.findOne(ctx, revokedLinks, owned(uln, revokedID(uln, id)))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound("id")
	}
	doc, err := decode[revokedDocument](revokedLinks, raw)
	if err != nil {
		return nil, err
	}
	return doc.link()
}

// RevokeShareLinks implements plr.SharingStore. One write marks the links as
// revoked, and from then on they are; to carry them out of the document comes after.
func (s *Store) RevokeShareLinks(ctx context.Context, uln plr.ULN, ids []string, now time.Time) (int, error) {
	ctx, done := s.begin(ctx)
	defer done()
	ended := 0
	errNone := errors.New("nothing to revoke")
	doc, err := s.editOwner(ctx, uln, func(doc *sharingDocument, sh *plr.Sharing) error {
		end := map[string]*plr.ShareLink{}
		for _, id := range ids {
			if sh.Links[id] != nil {
				end[id] = sh.Links[id]
			} else if doc.Links[field(id)] == nil { // it may have arrived
				if _, err := s.arrived(ctx, uln, id); err != nil {
					return err
				}
			}
		}
		if ids == nil {
			end = sh.Links
		}
		for _, link := range end {
			link.RevokedAt = &now
			link.Version++
		}
		// That nothing is left of all links is answered only behind a write: the
		// read may be of a primary that has been replaced, and a link made since.
		if ended = len(end); ended == 0 && ids != nil {
			return errNone
		}
		return nil
	})
	if errors.Is(err, errNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	s.carryOver(ctx, doc)
	return ended, nil
}

// carryRevoked copies revoked links to their collection, then takes them out of
// the document on condition that no guess was counted since. left: one was.
func (s *Store) carryRevoked(ctx context.Context, doc *sharingDocument) (left bool, err error) {
	if doc.raw == nil {
		return false, nil
	}
	var copies []revokedDocument
	var models []mongo.WriteModel
	filter := and(byID(doc.ULN), "schemaVersion", sharings.version)
	var unset bson.D
	for key, l := range doc.Links {
		if l.RevokedAt == nil {
			continue
		}
		raw := doc.raw.Lookup("links", key).Document() // not l: a newer version's fields go along
		copied := revokedDocument{
			ID: revokedID(doc.ULN, l.ID), SchemaVersion: revokedLinks.version, ULN: doc.ULN, RevokedAt: *l.RevokedAt, Revision: doc.Revision, Link: raw,
		}
		whole, err := encode(copied)
		if err != nil {
			return false, err
		}
		copies, models = append(copies, copied), append(models, mongo.NewInsertOneModel().SetDocument(whole))
		for _, f := range guessFields {
			filter = append(filter, bson.E{Key: "links." + key + "." + f, Value: raw.Lookup(f)})
		}
		unset = append(unset, bson.E{Key: "links." + key, Value: ""})
	}
	if len(copies) == 0 {
		return false, nil
	}
	all, err := s.bulk(ctx, revokedLinks, models)
	if err != nil {
		return false, err
	}
	if !all { // copied before, by somebody who was cut off or is at it too
		for _, copied := range copies {
			older := append(owned(doc.ULN, copied.ID), bson.E{Key: "arrived", Value: false}, bson.E{Key: "revision", Value: op("$lt", copied.Revision)})
			if _, err := s.replace(ctx, revokedLinks, older, copied); err != nil {
				return false, err
			}
		}
	}
	matched, err := s.update(ctx, sharings, filter, op("$unset", unset))
	return !matched, err
}

// RevokedShareLink implements plr.SharingStore.
func (s *Store) RevokedShareLink(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	if l := doc.Links[field(id)]; l != nil {
		if l.RevokedAt == nil {
			return nil, plr.NotFound("id")
		}
		return l.link(uln), nil
	}
	return s.arrived(ctx, uln, id)
}

// RevokedShareLinks implements plr.SharingStore. It reads the document first: a
// link that has left it by then has arrived in the collection.
func (s *Store) RevokedShareLinks(ctx context.Context, uln plr.ULN) ([]*plr.ShareLink, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	raws, err := s.find(ctx, revokedLinks, bson.D{{Key: "uln", Value: uln}}, bson.D{{Key: "_id", Value: 1}}, 0)
	if err != nil {
		return nil, err
	}
	list, err := decodeAll[revokedDocument](revokedLinks, raws)
	if err != nil {
		return nil, err
	}
	var out []*plr.ShareLink
	for _, l := range doc.Links {
		if l.RevokedAt != nil {
			out = append(out, l.link(uln))
		}
	}
	for _, d := range list {
		link, err := d.link()
		if err != nil {
			return nil, err
		}
		if doc.Links[field(link.ID)] == nil {
			out = append(out, link)
		}
	}
	return out, nil
}

// SecretOwner implements plr.SharingStore.
func (s *Store) SecretOwner(ctx context.Context, hash string) (*plr.SecretRef, error) {
	ctx, done := s.begin(ctx)
	defer done()
	raw, err := s.findOne(ctx, secrets, byID(hash))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound()
	}
	doc, err := decode[secretDocument](secrets, raw)
	if err != nil {
		return nil, err
	}
	return &plr.SecretRef{Hash: hash, ULN: doc.ULN, LinkID: doc.Link}, nil
}
