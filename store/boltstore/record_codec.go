package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"openplr/plr"
)

// codecRecord is the first byte of a record in the form below: a sixth of the
// same record in JSON, and read in a sixth of the time. Records are almost all
// of a large file and the one thing every request reads; whatever else is
// stored stays JSON, which needs no care when a type grows.
//
// A value is its parts in a fixed order, without names. A text that stood in
// the same record before is a reference to it: organisations, types and
// languages repeat from event to event. A part is never taken away or moved; a
// record that gets another part needs another codec byte, and this one stays
// readable. TestRecordCodecKeepsEveryField fails for a field that is forgotten.
const codecRecord = 2

var errRecord = errors.New("a record that is cut off or damaged")

// recordCodec writes a record, or reads one: the same steps do both, so that
// they cannot differ. After a fault nothing more is read and err says so.
type recordCodec struct {
	writing bool
	out     []byte
	in      string
	err     error
	// table holds the texts so far, places the place of each while writing.
	table  []string
	places map[string]uint64
	// slab is where read texts are kept that are pointed to.
	slab []string
}

func encodeRecord(r *plr.Record) []byte {
	c := &recordCodec{writing: true, out: make([]byte, 1, 2048), places: make(map[string]uint64, 64)}
	c.out[0] = codecRecord
	own := *r // writing changes nothing, but takes pointers
	c.record(&own)
	return c.out
}

// decodeRecord reads what follows the codec byte. It copies data once: the
// texts of the record are parts of that copy.
func decodeRecord(data []byte, into *plr.Record) error {
	c := &recordCodec{in: string(data)}
	c.record(into)
	if c.err == nil && len(c.in) > 0 {
		c.err = errRecord
	}
	return c.err
}

// recordUpdatedAt reads no more of a stored record than when it was last updated.
func recordUpdatedAt(value []byte) (time.Time, error) {
	if len(value) > 0 && value[0] == codecRecord {
		c := &recordCodec{in: string(value[1:min(len(value), 1+2*binary.MaxVarintLen64)])}
		var at time.Time
		c.instant(&at)
		return at, c.err
	}
	var r struct{ UpdatedAt time.Time }
	err := decode(value, &r)
	return r.UpdatedAt, err
}

func (c *recordCodec) record(r *plr.Record) {
	c.instant(&r.UpdatedAt) // first: see recordUpdatedAt
	c.number(&r.SchemaVersion)
	text(c, &r.ULN)
	c.flag(&r.NotSharedUpstream)
	list(c, &r.LinkedULNs, func(u *plr.ULN) { text(c, u) })
	pointer(c, &r.Register, c.register)
	list(c, &r.Events, c.event)
}

func (c *recordCodec) register(r *plr.RegisterEntry) {
	text(c, &r.ULN)
	text(c, &r.GivenName)
	text(c, &r.MiddleOtherName)
	text(c, &r.FamilyName)
	text(c, &r.PreferredGivenName)
	text(c, &r.PreviousFamilyName)
	text(c, &r.FamilyNameAtAge16)
	text(c, &r.DateOfBirth)
	text(c, &r.LastKnownPostCode)
	text(c, &r.AbilityToShare)
	list(c, &r.LinkedULNs, func(u *plr.ULN) { text(c, u) })
	c.flag(&r.Restricted)
	text(c, &r.VersionNumber)
	text(c, &r.CreatedDate)
	text(c, &r.LastUpdatedDate)
}

func (c *recordCodec) event(e *plr.LearningEvent) {
	text(c, &e.EventID)
	derived := c.writing && e.ID == plr.EventIDOf(e.EventID)
	c.flag(&derived)
	switch {
	case !derived:
		text(c, &e.ID)
	case !c.writing:
		e.ID = plr.EventIDOf(e.EventID)
	}
	optional(c, &e.QualificationNumber)
	optional(c, &e.QualificationType)
	optional(c, &e.Subject)
	optional(c, &e.Level)
	pointer(c, &e.Grade, func(g *plr.Grade) { text(c, &g.Value) })
	pointer(c, &e.Credits, c.number)
	pointer(c, &e.AwardDate, func(d *plr.Date) { text(c, d) })
	pointer(c, &e.Status, func(s *plr.AchievementStatus) { text(c, s) })
	text(c, &e.Source)
	pointer(c, &e.AchievementProvider, c.organisation)
	pointer(c, &e.AwardingOrganisation, c.organisation)
	pointer(c, &e.ParticipationStartDate, func(d *plr.Date) { text(c, d) })
	pointer(c, &e.ParticipationEndDate, func(d *plr.Date) { text(c, d) })
	optional(c, &e.LanguageForAssessment)
	optional(c, &e.CollectionType)
	optional(c, &e.ReturnNumber)
	optional(c, &e.Restriction)
	pointer(c, &e.DateLoaded, c.instant)
	c.flag(&e.UnderDataChallenge)
	list(c, &e.DataQuality, func(n *plr.DataQualityNote) {
		text(c, &n.Field)
		text(c, &n.Code)
		optional(c, &n.Raw)
	})
}

func (c *recordCodec) organisation(o *plr.Organisation) {
	optional(c, &o.UKPRN)
	optional(c, &o.Code)
	optional(c, &o.Name)
}

// count writes or reads a number from 0.
func (c *recordCodec) count(n *uint64) {
	if c.writing {
		c.out = binary.AppendUvarint(c.out, *n)
		return
	}
	*n = 0
	for i := 0; i < len(c.in) && i < binary.MaxVarintLen64; i++ {
		b := c.in[i]
		*n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.in = c.in[i+1:]
			return
		}
	}
	c.fail()
}

func (c *recordCodec) fail() {
	if c.err == nil {
		c.err, c.in = errRecord, "" // everything that follows reads as nothing
	}
}

// signed is count for numbers below 0 too: small ones are short on both sides.
func (c *recordCodec) signed(n *int64) {
	u := uint64(*n<<1) ^ uint64(*n>>63) //nolint:gosec // zigzag: the wrap is meant
	c.count(&u)
	*n = int64(u>>1) ^ -int64(u&1)
}

func (c *recordCodec) number(n *int) {
	v := int64(*n)
	c.signed(&v)
	*n = int(v)
}

func (c *recordCodec) flag(b *bool) {
	var n uint64
	if *b {
		n = 1
	}
	c.count(&n)
	if *b = n == 1; n > 1 {
		c.fail()
	}
}

// instant keeps an instant to the nanosecond, and gives it back in UTC.
func (c *recordCodec) instant(t *time.Time) {
	seconds, nanos := t.Unix(), uint64(t.Nanosecond()) //nolint:gosec // never below 0
	c.signed(&seconds)
	c.count(&nanos)
	if !c.writing {
		if nanos >= uint64(time.Second) {
			c.fail()
			return
		}
		*t = time.Unix(seconds, int64(nanos)).UTC()
	}
}

// text is 2n for n bytes that follow, or 2i+1 for the i-th text before it.
func text[S ~string](c *recordCodec, s *S) {
	if c.writing {
		c.writeText(string(*s))
		return
	}
	var n uint64
	c.count(&n)
	switch n, back := n/2, n%2 == 1; {
	case back && n < uint64(len(c.table)):
		*s = S(c.table[n])
	case !back && n <= uint64(len(c.in)):
		*s = S(c.in[:n])
		if c.in = c.in[n:]; n > 0 {
			c.table = append(c.table, string(*s))
		}
	default:
		c.fail()
	}
}

func (c *recordCodec) writeText(s string) {
	if place, held := c.places[s]; held {
		c.out = binary.AppendUvarint(c.out, place*2+1)
		return
	}
	c.out = append(binary.AppendUvarint(c.out, uint64(len(s))*2), s...)
	if s != "" {
		c.places[s] = uint64(len(c.places))
	}
}

// optional is a text that may be missing. Texts that are pointed to share
// memory with none that somebody else may change.
func optional(c *recordCodec, s **string) {
	there := *s != nil
	if c.flag(&there); !there {
		return
	}
	if !c.writing {
		if len(c.slab) == cap(c.slab) {
			c.slab = make([]string, 0, 64)
		}
		c.slab = append(c.slab, "")
		*s = &c.slab[len(c.slab)-1]
	}
	text(c, *s)
}

func pointer[T any](c *recordCodec, p **T, do func(*T)) {
	there := *p != nil
	if c.flag(&there); !there {
		return
	}
	if !c.writing {
		*p = new(T)
	}
	do(*p)
}

// list is 0 for no list, else how many follow and 1.
func list[T any](c *recordCodec, items *[]T, do func(*T)) {
	var n uint64
	if *items != nil {
		n = uint64(len(*items)) + 1
	}
	if c.count(&n); n == 0 {
		return
	}
	if !c.writing {
		if n-1 > uint64(len(c.in)) { // every item takes a byte at least
			c.fail()
			return
		}
		*items = make([]T, n-1)
	}
	for i := range *items {
		do(&(*items)[i])
	}
}

// decodeAsRecord reads data if it is in this form, and says whether it was.
func decodeAsRecord(data []byte, into any) (bool, error) {
	if data[0] != codecRecord {
		return false, nil
	}
	record, ok := into.(*plr.Record)
	if !ok {
		return true, fmt.Errorf("a record in place of %T", into)
	}
	return true, decodeRecord(data[1:], record)
}
