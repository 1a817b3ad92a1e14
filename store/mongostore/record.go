package mongostore

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"openplr/plr"
)

const (
	// importBatch is how many updates are read and written together.
	importBatch = 200
	// importPatience is how many times an operation's time a batch may take:
	// nobody waits for it at a page.
	importPatience = 5
	// maxHops bounds the way from a number to its master. Numbers of one person
	// are few; a longer way is a fault in the data.
	maxHops = 64
)

type recordDocument struct {
	ULN           plr.ULN `bson:"_id"`
	SchemaVersion int     `bson:"schemaVersion"`
	Revision      int64   `bson:"revision"`
	// Stamp is the import batch that wrote it last.
	Stamp     bson.ObjectID `bson:"stamp"`
	UpdatedAt time.Time     `bson:"updatedAt"`
	// MatchKeys are plr.MatchKeys, never null: null is a record of an older version.
	MatchKeys []string    `bson:"matchKeys"`
	Body      *plr.Record `bson:"body"`
}

// linkedDocument leads from an older number to the one it is linked to.
type linkedDocument struct {
	ULN           plr.ULN `bson:"_id"`
	SchemaVersion int     `bson:"schemaVersion"`
	To            plr.ULN `bson:"to"`
}

// Record implements plr.RecordStore.
func (s *Store) Record(ctx context.Context, uln plr.ULN) (*plr.Record, error) {
	ctx, done := s.begin(ctx)
	defer done()
	uln, err := s.master(ctx, uln)
	if err != nil {
		return nil, err
	}
	raw, err := s.findOne(ctx, records, byID(uln))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, plr.NotFound()
	}
	doc, err := decode[recordDocument](records, raw)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

// MasterULN implements plr.RecordStore.
func (s *Store) MasterULN(ctx context.Context, uln plr.ULN) (plr.ULN, error) {
	ctx, done := s.begin(ctx)
	defer done()
	return s.master(ctx, uln)
}

func (s *Store) master(ctx context.Context, uln plr.ULN) (plr.ULN, error) {
	links := linksRead{}
	if err := s.readLinks(ctx, links, []plr.ULN{uln}); err != nil {
		return "", err
	}
	return links.master(uln), nil
}

// linksRead is where numbers lead, "" for nowhere. Two imports at once can tie
// numbers in a ring, because each sees only that the other has not happened yet.
type linksRead map[plr.ULN]plr.ULN

// master follows uln to its end. In a ring the lowest number counts as the end,
// whichever number the way began at.
func (l linksRead) master(uln plr.ULN) plr.ULN {
	var way []plr.ULN
	for len(way) < maxHops {
		if i := slices.Index(way, uln); i >= 0 {
			return slices.Min(way[i:])
		}
		way = append(way, uln)
		if l[uln] == "" {
			return uln
		}
		uln = l[uln]
	}
	return slices.Min(way)
}

// readLinks reads where the numbers lead, and where those lead, to the end.
func (s *Store) readLinks(ctx context.Context, links linksRead, ulns []plr.ULN) error {
	for range maxHops {
		var unread []plr.ULN
		for _, uln := range ulns {
			if _, read := links[uln]; !read {
				links[uln] = ""
				unread = append(unread, uln)
			}
		}
		if len(unread) == 0 {
			return nil
		}
		raws, err := s.find(ctx, linkedULNs, anyOf(unread), nil, 0)
		if err != nil {
			return err
		}
		docs, err := decodeAll[linkedDocument](linkedULNs, raws)
		if err != nil {
			return err
		}
		ulns = nil
		for _, doc := range docs {
			links[doc.ULN] = doc.To
			ulns = append(ulns, doc.To)
		}
	}
	return nil
}

// anyOf is the filter of the documents with these _ids.
func anyOf(ulns []plr.ULN) bson.D {
	if len(ulns) == 1 {
		return byID(ulns[0])
	}
	return byID(op("$in", ulns))
}

// HasRecords implements plr.RecordStore.
func (s *Store) HasRecords(ctx context.Context) (bool, error) {
	ctx, done := s.begin(ctx)
	defer done()
	list, err := s.find(ctx, records, bson.D{}, nil, 1, "_id")
	return len(list) > 0, err
}

// ImportRecords implements plr.RecordStore. A batch is read at once, changed in
// memory in the updates' order and written at once; a record that somebody else
// wrote meanwhile is done again by itself.
func (s *Store) ImportRecords(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	changes := make([]plr.RecordChange, 0, len(updates))
	for batch := range slices.Chunk(updates, importBatch) {
		done, err := s.importBatch(ctx, batch, now)
		if err != nil {
			return nil, err
		}
		changes = append(changes, done...)
	}
	return changes, nil
}

// batch is a part of an import under way.
type batch struct {
	links   linksRead
	linked  map[plr.ULN]bool            // links to be written
	records map[plr.ULN]*recordDocument // as read, then as changed
	updates map[plr.ULN][]int           // which updates went to a record
}

func (s *Store) importBatch(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	ctx, done := context.WithTimeout(ctx, importPatience*s.timeout)
	defer done()
	b, changes, err := s.applyBatch(ctx, updates, now)
	if err != nil {
		return nil, err
	}
	stamp := bson.NewObjectID()
	lost, err := s.writeRecords(ctx, b, stamp)
	if err != nil {
		return nil, err
	}
	for _, uln := range lost {
		if err := s.importAlone(ctx, uln, b.updates[uln], updates, changes, now); err != nil {
			return nil, err
		}
	}
	var links []mongo.WriteModel
	for old := range b.linked {
		links = append(links, mongo.NewUpdateOneModel().SetFilter(linkedULNs.readable(byID(old))).SetUpsert(true).
			SetUpdate(op("$set", bson.D{{Key: "schemaVersion", Value: linkedULNs.version}, {Key: "to", Value: b.links[old]}})))
	}
	for attempt := 0; ; attempt++ { // of two upserts at once of one number, one may be told that it is taken
		all, err := s.bulk(ctx, linkedULNs, links)
		if err != nil || all {
			return changes, err
		}
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// applyBatch reads what the updates touch and applies them in memory.
func (s *Store) applyBatch(ctx context.Context, updates []plr.RecordUpdate, now time.Time) (*batch, []plr.RecordChange, error) {
	b := &batch{links: linksRead{}, linked: map[plr.ULN]bool{}, records: map[plr.ULN]*recordDocument{}, updates: map[plr.ULN][]int{}}
	var ulns []plr.ULN
	for _, u := range updates {
		ulns = append(ulns, u.ULN)
	}
	if err := s.readLinks(ctx, b.links, ulns); err != nil {
		return nil, nil, err
	}
	// Where the batch leads is known before any record is read: a pass over the
	// links alone.
	var touched []plr.ULN
	for _, u := range updates {
		uln := b.links.master(u.ULN)
		touched = append(touched, uln)
		for _, old := range u.Linked {
			if old != uln { // a number linked to itself would have no end
				b.links[old], b.linked[old] = uln, true
			}
		}
	}
	if err := s.readRecords(ctx, b, touched); err != nil {
		return nil, nil, err
	}
	changes := make([]plr.RecordChange, len(updates))
	for i, u := range updates {
		uln := touched[i]
		changes[i] = b.records[uln].apply(u, now)
		b.updates[uln] = append(b.updates[uln], i)
	}
	return b, changes, nil
}

func (s *Store) readRecords(ctx context.Context, b *batch, ulns []plr.ULN) error {
	unique := slices.Compact(slices.Sorted(slices.Values(ulns)))
	if len(unique) == 0 {
		return nil
	}
	raws, err := s.find(ctx, records, anyOf(unique), nil, 0)
	if err != nil {
		return err
	}
	docs, err := decodeAll[recordDocument](records, raws)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		b.records[doc.ULN] = doc
	}
	for _, uln := range unique {
		if b.records[uln] == nil {
			b.records[uln] = &recordDocument{ULN: uln}
		}
	}
	return nil
}

// apply changes the record by an update.
func (d *recordDocument) apply(u plr.RecordUpdate, now time.Time) plr.RecordChange {
	isNew := d.Body == nil
	if isNew {
		d.Body = plr.NewRecord(d.ULN)
	}
	change := d.Body.Apply(u, now)
	change.NewLearner = isNew
	return change
}

// stamped makes the record ready to be stored as the next revision.
func (d *recordDocument) stamped(stamp bson.ObjectID) (before int64, raw bson.Raw, err error) {
	before = d.Revision
	d.SchemaVersion, d.Revision, d.Stamp, d.UpdatedAt = records.version, before+1, stamp, d.Body.UpdatedAt
	d.MatchKeys = append([]string{}, plr.MatchKeys(d.Body.Register)...)
	raw, err = encode(d)
	return before, raw, err
}

// writeRecords stores the batch's records; lost are those that somebody else
// wrote since they were read.
func (s *Store) writeRecords(ctx context.Context, b *batch, stamp bson.ObjectID) (lost []plr.ULN, err error) {
	var models []mongo.WriteModel
	var ulns []plr.ULN
	for uln, doc := range b.records {
		before, raw, err := doc.stamped(stamp)
		if err != nil {
			return nil, err
		}
		ulns = append(ulns, uln)
		if before == 0 {
			models = append(models, mongo.NewInsertOneModel().SetDocument(raw))
		} else {
			models = append(models, mongo.NewReplaceOneModel().SetFilter(records.readable(and(byID(uln), "revision", before))).SetReplacement(raw))
		}
	}
	all, err := s.bulk(ctx, records, models)
	if err != nil || all {
		return nil, err
	}
	raws, err := s.find(ctx, records, anyOf(ulns), nil, 0, "stamp")
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, raw := range raws {
		if at, ok := raw.Lookup("stamp").ObjectIDOK(); ok && at == stamp {
			ours[raw.Lookup("_id").StringValue()] = true
		}
	}
	for _, uln := range ulns {
		if !ours[string(uln)] {
			lost = append(lost, uln)
		}
	}
	return lost, nil
}

// importAlone applies the updates of one record until nobody comes between.
func (s *Store) importAlone(ctx context.Context, uln plr.ULN, which []int, updates []plr.RecordUpdate, changes []plr.RecordChange, now time.Time) error {
	done, err := s.queue.wait(ctx, "record "+string(uln))
	if err != nil {
		return err
	}
	defer done()
	for attempt := 0; ; attempt++ {
		b := &batch{records: map[plr.ULN]*recordDocument{}}
		if err := s.readRecords(ctx, b, []plr.ULN{uln}); err != nil {
			return err
		}
		doc := b.records[uln]
		for _, i := range which {
			changes[i] = doc.apply(updates[i], now)
		}
		before, raw, err := doc.stamped(bson.NewObjectID())
		if err != nil {
			return err
		}
		var stored bool
		if before == 0 {
			stored, err = s.insert(ctx, records, raw)
			stored = !stored
		} else {
			stored, err = s.replace(ctx, records, and(byID(uln), "revision", before), raw)
		}
		if err != nil || stored {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}
