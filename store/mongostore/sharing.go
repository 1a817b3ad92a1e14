package mongostore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// sharing reads the learner's document, a new one when none is stored.
func (s *Store) sharing(ctx context.Context, uln plr.ULN) (*sharingDocument, error) {
	raw, err := s.findOne(ctx, sharings, byID(uln))
	if err != nil {
		return nil, err
	}
	return sharingOf(uln, raw)
}

func sharingOf(uln plr.ULN, raw bson.Raw) (*sharingDocument, error) {
	doc := &sharingDocument{ULN: uln, SchemaVersion: sharings.version}
	if raw != nil {
		var err error
		if doc, err = decode[sharingDocument](sharings, raw); err != nil {
			return nil, err
		}
		doc.raw = raw
	}
	if doc.Links == nil {
		doc.Links = map[string]*linkDocument{}
	}
	if doc.Leases == nil {
		doc.Leases = map[string]leaseDocument{}
	}
	if doc.Made == nil {
		doc.Made = map[string]use{}
	}
	if doc.Changes == nil {
		doc.Changes = map[string]changeDocument{}
	}
	return doc, nil
}

// current stores the document in the layout of this version if it is older, so
// that parts of it can be written. Who does it first is no matter.
func (s *Store) current(ctx context.Context, doc *sharingDocument) (*sharingDocument, error) {
	if doc.raw == nil {
		return doc, nil
	}
	if version, _ := doc.raw.Lookup("schemaVersion").AsInt64OK(); version == int64(sharings.version) {
		return doc, nil
	}
	upgraded, err := sharings.upgrade(doc.raw)
	if err != nil {
		return nil, err
	}
	if _, err := s.replace(ctx, sharings, and(byID(doc.ULN), "revision", doc.Revision), upgraded); err != nil {
		return nil, err
	}
	return s.sharing(ctx, doc.ULN)
}

// editOwner applies an owner's edit: to the document and, beside it, to what
// the domain sees of it. It writes the difference on condition that the owner
// has written nothing meanwhile, and begins anew otherwise. Claims at full
// speed do not hold it up, because they do not count as the owner's writes.
func (s *Store) editOwner(ctx context.Context, uln plr.ULN, edit func(*sharingDocument, *plr.Sharing) error) (*sharingDocument, error) {
	done, err := s.queue.wait(ctx, "sharing "+string(uln))
	if err != nil {
		return nil, err
	}
	defer done()
	for attempt := 0; ; attempt++ {
		before, err := s.sharing(ctx, uln)
		if err != nil {
			return nil, err
		}
		if before, err = s.current(ctx, before); err != nil {
			return nil, err
		}
		after, err := sharingOf(uln, before.raw)
		if err != nil {
			return nil, err
		}
		sh := after.sharing()
		if err := edit(after, sh); err != nil {
			return nil, err
		}
		after.take(sh)
		after.count()
		stored, err := s.putOwner(ctx, before, after)
		if err != nil {
			return nil, err
		}
		if stored != nil {
			return stored, nil
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// putOwner stores an owner's edit; nil when somebody else's write came between.
func (s *Store) putOwner(ctx context.Context, before, after *sharingDocument) (*sharingDocument, error) {
	if before.raw == nil {
		after.Revision, after.OwnerRevision = 1, 1
		taken, err := s.insert(ctx, sharings, after)
		if err != nil || taken {
			return nil, err
		}
		raw, err := encode(after)
		if err != nil {
			return nil, err
		}
		return sharingOf(after.ULN, raw)
	}
	x, err := differ(before, after)
	if err != nil {
		return nil, err
	}
	raw, err := s.change(ctx, sharings, append(before.asOwned(), x.conditions...), x.change())
	if err != nil || raw == nil {
		return nil, err
	}
	return sharingOf(after.ULN, raw)
}

// asOwned matches the document while its owner writes nothing, and no newer
// version of the program takes it over.
func (d *sharingDocument) asOwned() bson.D {
	return bson.D{{Key: "_id", Value: d.ULN}, {Key: "schemaVersion", Value: sharings.version}, {Key: "ownerRevision", Value: d.OwnerRevision}}
}

// Sharing implements plr.SharingStore.
func (s *Store) Sharing(ctx context.Context, uln plr.ULN) (*plr.Sharing, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	return doc.sharing(), nil
}

// EditSharing implements plr.SharingStore. An edit that decides by what claims
// and guesses write must write it too, or it may decide by what was.
func (s *Store) EditSharing(ctx context.Context, uln plr.ULN, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.editOwner(ctx, uln, func(_ *sharingDocument, sh *plr.Sharing) error { return edit(sh) })
	if err != nil {
		return nil, err
	}
	s.carryOver(ctx, doc)
	return doc.sharing(), nil
}

// SetSharingPreference implements plr.SharingStore.
func (s *Store) SetSharingPreference(ctx context.Context, uln plr.ULN, change plr.PreferenceChange, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.editOwner(ctx, uln, func(doc *sharingDocument, sh *plr.Sharing) error {
		if err := edit(sh); err != nil {
			return err
		}
		doc.ChangeCount++
		doc.Changes[strconv.FormatInt(doc.ChangeCount, 10)] = changeDocument{Number: doc.ChangeCount, Body: change}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.carryOver(ctx, doc)
	return doc.sharing(), nil
}

// preferenceDocument is one move of the switch in its own collection.
type preferenceDocument struct {
	ID            string               `bson:"_id"` // ULN#number
	SchemaVersion int                  `bson:"schemaVersion"`
	ULN           plr.ULN              `bson:"uln"`
	Number        int64                `bson:"number"`
	At            time.Time            `bson:"at"`
	Body          plr.PreferenceChange `bson:"body"`
}

// PreferenceChanges implements plr.SharingStore. It reads the document first: a
// move that has left it by then has arrived in the collection.
func (s *Store) PreferenceChanges(ctx context.Context, uln plr.ULN) ([]plr.PreferenceChange, error) {
	ctx, done := s.begin(ctx)
	defer done()
	doc, err := s.sharing(ctx, uln)
	if err != nil {
		return nil, err
	}
	raws, err := s.find(ctx, preferenceChanges, bson.D{{Key: "uln", Value: uln}}, bson.D{{Key: "number", Value: -1}}, 0)
	if err != nil {
		return nil, err
	}
	list, err := decodeAll[preferenceDocument](preferenceChanges, raws)
	if err != nil {
		return nil, err
	}
	all := map[int64]plr.PreferenceChange{}
	for _, change := range list {
		all[change.Number] = change.Body
	}
	for _, change := range doc.Changes {
		all[change.Number] = change.Body
	}
	var out []plr.PreferenceChange
	for _, number := range slices.SortedFunc(maps.Keys(all), func(a, b int64) int { return cmp.Compare(b, a) }) {
		out = append(out, all[number])
	}
	return out, nil
}

// carryOver takes moves of the switch and revoked links out of the document to
// their collections. It may fail or be cut off: readers find them in either
// place, and the owner's next edit carries them over.
func (s *Store) carryOver(ctx context.Context, doc *sharingDocument) {
	if len(doc.Changes) > 0 {
		_ = s.carryChanges(ctx, doc)
	}
	for range 3 { // a guess at a link that is on its way out makes it wait for the next try
		left, err := s.carryRevoked(ctx, doc)
		if err != nil || !left {
			return
		}
		if doc, err = s.sharing(ctx, doc.ULN); err != nil {
			return
		}
	}
}

func (s *Store) carryChanges(ctx context.Context, doc *sharingDocument) error {
	var unset bson.D
	for key, change := range doc.Changes {
		_, err := s.insert(ctx, preferenceChanges, preferenceDocument{ // taken: somebody else carried it over
			ID: fmt.Sprintf("%s#%d", doc.ULN, change.Number), SchemaVersion: preferenceChanges.version,
			ULN: doc.ULN, Number: change.Number, At: change.Body.At, Body: change.Body,
		})
		if err != nil {
			return err
		}
		unset = append(unset, bson.E{Key: "changes." + key, Value: ""})
	}
	_, err := s.update(ctx, sharings, and(byID(doc.ULN), "schemaVersion", sharings.version), op("$unset", unset))
	return err
}
