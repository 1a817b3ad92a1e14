package mongostore

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// sharingDocument is a learner's Sharing document as it is stored. Only parts of
// it are ever written, so that what a newer version added stays.
type sharingDocument struct {
	ULN           plr.ULN `bson:"_id"`
	SchemaVersion int     `bson:"schemaVersion"`
	// Revision counts all writes, OwnerRevision those of the owner: whoever opens
	// a link does so on condition that the owner has written nothing meanwhile.
	Revision      int64                    `bson:"revision"`
	OwnerRevision int64                    `bson:"ownerRevision"`
	OptedOut      bool                     `bson:"optedOut"`
	ChangedAt     *time.Time               `bson:"changedAt"`
	Generation    int                      `bson:"generation"`
	Edition       int                      `bson:"edition"`
	Links         map[string]*linkDocument `bson:"links"`
	Leases        map[string]leaseDocument `bson:"leases"`
	// Made is what idempotency keys made: see use.
	Made      map[string]use `bson:"made"`
	OldestKey *time.Time     `bson:"oldestKey"`
	// Changes are moves of the switch on their way to their own collection, by
	// number; ChangeCount is the last number given.
	Changes     map[string]changeDocument `bson:"changes"`
	ChangeCount int64                     `bson:"changeCount"`
	// NextEnd is no later than the first instant from which a link's retention
	// counts; nil when there is no link.
	NextEnd *time.Time `bson:"nextEnd"`

	// raw is the document as it was read; nil when there was none.
	raw bson.Raw
}

type leaseDocument struct {
	Link  string    `bson:"link"`
	Until time.Time `bson:"until"`
}

type changeDocument struct {
	Number int64                `bson:"number"`
	Body   plr.PreferenceChange `bson:"body"`
}

// linkDocument is a link in the document. One with RevokedAt is revoked and on
// its way out: nobody but the functions about revoked links sees it.
type linkDocument struct {
	ID              string               `bson:"id"`
	Label           *string              `bson:"label"`
	ViewID          string               `bson:"viewId"`
	ViewVersion     int                  `bson:"viewVersion"`
	CreatedAt       time.Time            `bson:"createdAt"`
	EditedAt        time.Time            `bson:"editedAt"`
	ExpiresAt       time.Time            `bson:"expiresAt"`
	MaxRedemptions  *int                 `bson:"maxRedemptions"`
	RedemptionCount int                  `bson:"redemptionCount"`
	PINHash         string               `bson:"pinHash"`
	GuessesLeft     int                  `bson:"guessesLeft"`
	GuessAt         time.Time            `bson:"guessAt"`
	FrozenAt        *time.Time           `bson:"frozenAt"`
	Paused          bool                 `bson:"paused"`
	Generation      int                  `bson:"generation"`
	RevokedAt       *time.Time           `bson:"revokedAt"`
	Recipient       *plr.Recipient       `bson:"recipient"`
	Purpose         plr.SharingPurpose   `bson:"purpose"`
	Language        plr.Language         `bson:"language"`
	Version         int                  `bson:"version"`
	KeyID           string               `bson:"keyId"`
	Redemptions     map[string]time.Time `bson:"redemptions"`
	// Secret is the hash of the link's secret, so that both go together.
	Secret string `bson:"secret"`
}

func newLinkDocument(l *plr.ShareLink) *linkDocument {
	l = l.Clone()
	out := &linkDocument{
		ID: l.ID, Label: l.Label, ViewID: l.ViewID, ViewVersion: l.ViewVersion, CreatedAt: l.CreatedAt, EditedAt: l.EditedAt,
		ExpiresAt: l.ExpiresAt, MaxRedemptions: l.MaxRedemptions, RedemptionCount: l.RedemptionCount, PINHash: l.PINHash,
		GuessesLeft: l.GuessesLeft, GuessAt: l.GuessAt, FrozenAt: l.FrozenAt, Paused: l.Paused, Generation: l.Generation,
		RevokedAt: l.RevokedAt, Recipient: l.Recipient, Purpose: l.Purpose, Language: l.Language, Version: l.Version, KeyID: l.KeyID,
		Redemptions: map[string]time.Time{},
	}
	for hash, at := range l.Redemptions {
		out.Redemptions[field(hash)] = at
	}
	return out
}

func (l *linkDocument) link(uln plr.ULN) *plr.ShareLink {
	out := &plr.ShareLink{
		ID: l.ID, ULN: uln, Label: l.Label, ViewID: l.ViewID, ViewVersion: l.ViewVersion, CreatedAt: l.CreatedAt, EditedAt: l.EditedAt,
		ExpiresAt: l.ExpiresAt, MaxRedemptions: l.MaxRedemptions, RedemptionCount: l.RedemptionCount, PINHash: l.PINHash,
		GuessesLeft: l.GuessesLeft, GuessAt: l.GuessAt, FrozenAt: l.FrozenAt, Paused: l.Paused, Generation: l.Generation,
		RevokedAt: l.RevokedAt, Recipient: l.Recipient, Purpose: l.Purpose, Language: l.Language, Version: l.Version, KeyID: l.KeyID,
		Redemptions: make(map[string]time.Time, len(l.Redemptions)),
	}
	for hash, at := range l.Redemptions {
		out.Redemptions[idOf(hash)] = at
	}
	return out.Clone() // shares nothing with the document
}

// sharing is the document as the domain sees it.
func (d *sharingDocument) sharing() *plr.Sharing {
	out := plr.NewSharing(d.ULN)
	out.Revision, out.OptedOut, out.Generation, out.Edition = d.Revision, d.OptedOut, d.Generation, d.Edition
	if d.ChangedAt != nil {
		out.ChangedAt = new(*d.ChangedAt)
	}
	for _, l := range d.Links {
		if l.RevokedAt == nil {
			out.Links[l.ID] = l.link(d.ULN)
		}
	}
	for id, l := range d.Leases {
		out.Leases[idOf(id)] = plr.Lease{LinkID: l.Link, Until: l.Until}
	}
	return out
}

// take puts what the domain's functions made of the document back into it.
func (d *sharingDocument) take(sh *plr.Sharing) {
	d.OptedOut, d.Generation, d.Edition, d.ChangedAt = sh.OptedOut, sh.Generation, sh.Edition, sh.ChangedAt
	held := d.Links
	d.Links = make(map[string]*linkDocument, len(sh.Links))
	for key, l := range held {
		if l.RevokedAt != nil {
			d.Links[key] = l
		}
	}
	for id, l := range sh.Links {
		d.Links[field(id)] = newLinkDocument(l)
		if before := held[field(id)]; before != nil {
			d.Links[field(id)].Secret = before.Secret
		}
	}
	d.Leases = make(map[string]leaseDocument, len(sh.Leases))
	for id, l := range sh.Leases {
		d.Leases[field(id)] = leaseDocument{Link: l.LinkID, Until: l.Until}
	}
}

// count brings the fields that Purge searches by into line with the rest.
func (d *sharingDocument) count() {
	d.NextEnd = nil
	for _, l := range d.Links {
		if end := l.retainedFrom(); d.NextEnd == nil || end.Before(*d.NextEnd) {
			d.NextEnd = &end
		}
	}
	d.OldestKey = oldest(d.Made)
}

func (l *linkDocument) retainedFrom() time.Time {
	return plr.RetainedFrom(l.RevokedAt, l.ExpiresAt, l.EditedAt)
}

// difference is what makes one document of another.
type difference struct {
	set, unset, conditions bson.D
}

func (x *difference) change() bson.D {
	out := bson.D{{Key: "$inc", Value: bson.D{{Key: "revision", Value: 1}, {Key: "ownerRevision", Value: 1}}}}
	if len(x.set) > 0 {
		out = append(out, bson.E{Key: "$set", Value: x.set})
	}
	if len(x.unset) > 0 {
		out = append(out, bson.E{Key: "$unset", Value: x.unset})
	}
	return out
}

func (x *difference) put(path string, value any) {
	x.set = append(x.set, bson.E{Key: path, Value: value})
}
func (x *difference) drop(path string) { x.unset = append(x.unset, bson.E{Key: path, Value: ""}) }
func (x *difference) provided(path string, is any) {
	x.conditions = append(x.conditions, bson.E{Key: path, Value: is})
}

// differ gives the difference between two documents. What others than the owner
// write too (guesses, uses) is changed only on condition that it is as it was.
func differ(before, after *sharingDocument) (*difference, error) {
	x := &difference{}
	for _, f := range []struct {
		name    string
		changed bool
		value   any
	}{
		{"optedOut", before.OptedOut != after.OptedOut, after.OptedOut},
		{"changedAt", !sameTime(before.ChangedAt, after.ChangedAt), after.ChangedAt},
		{"generation", before.Generation != after.Generation, after.Generation},
		{"edition", before.Edition != after.Edition, after.Edition},
		{"changeCount", before.ChangeCount != after.ChangeCount, after.ChangeCount},
		{"nextEnd", !sameTime(before.NextEnd, after.NextEnd), after.NextEnd},
		{"oldestKey", !sameTime(before.OldestKey, after.OldestKey), after.OldestKey},
	} {
		if f.changed {
			x.put(f.name, f.value)
		}
	}
	entries(x, "leases.", before.Leases, after.Leases)
	entries(x, "made.", before.Made, after.Made)
	entries(x, "changes.", before.Changes, after.Changes)
	for key := range before.Links {
		if after.Links[key] == nil {
			x.drop("links." + key)
		}
	}
	for key, l := range after.Links {
		if before.Links[key] == nil {
			x.put("links."+key, l)
		} else if err := x.link("links."+key+".", before.Links[key], l); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func entries[V comparable](x *difference, path string, before, after map[string]V) {
	for key := range before {
		if _, kept := after[key]; !kept {
			x.drop(path + key)
		}
	}
	for key, v := range after {
		if b, held := before[key]; !held || b != v {
			x.put(path+key, v)
		}
	}
}

// guessFields and useFields are what TakeGuess, SettleGuess and claims write.
var (
	guessFields = []string{"guessesLeft", "guessAt", "frozenAt"}
	useFields   = []string{"redemptionCount"}
)

func (x *difference) link(path string, before, after *linkDocument) error {
	b, a := *before, *after
	b.Redemptions, a.Redemptions = nil, nil // compared by themselves: the order in a map says nothing
	rawBefore, err := encode(b)
	if err != nil {
		return err
	}
	rawAfter, err := encode(a)
	if err != nil {
		return err
	}
	elements, err := rawAfter.Elements()
	if err != nil {
		return err
	}
	changed := map[string]bool{}
	for _, e := range elements {
		if was := rawBefore.Lookup(e.Key()); was.Type != e.Value().Type || !bytes.Equal(was.Value, e.Value().Value) {
			x.put(path+e.Key(), e.Value())
			changed[e.Key()] = true
		}
	}
	entries(x, path+"redemptions.", before.Redemptions, after.Redemptions)
	for _, group := range [][]string{guessFields, useFields} {
		touched := false
		for _, f := range group {
			touched = touched || changed[f]
		}
		for _, f := range group {
			if touched {
				x.provided(path+f, rawBefore.Lookup(f))
			}
		}
	}
	return nil
}

func sameTime(a, b *time.Time) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Equal(*b))
}
