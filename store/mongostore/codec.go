package mongostore

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

// ErrNewer: a document was written by a newer version of the product. It is
// the cause of an UNAVAILABLE: while replicas of two versions run side by side,
// the same request may succeed at another one.
var ErrNewer = errors.New("mongostore: a document was written by a newer version of OpenPLR: start that version")

// encode writes a document as the store keeps it. Fields that a domain type
// keeps out of JSON are kept out here too.
func encode(v any) (bson.Raw, error) {
	if raw, ok := v.(bson.Raw); ok {
		return raw, nil
	}
	var buf bytes.Buffer
	enc := bson.NewEncoder(bson.NewDocumentWriter(&buf))
	enc.UseJSONStructTags()
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("mongostore: %w", err)
	}
	return buf.Bytes(), nil
}

// decode reads a document of c into a new T, whatever version wrote it.
func decode[T any](c *collection, raw bson.Raw) (*T, error) {
	raw, err := c.upgrade(raw)
	if err != nil {
		return nil, err
	}
	out := new(T)
	dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(raw)))
	dec.UseJSONStructTags()
	if err := dec.Decode(out); err != nil {
		return nil, fmt.Errorf("mongostore: a document of %s cannot be read", c.name) // the driver's words may repeat it
	}
	return out, nil
}

func decodeAll[T any](c *collection, raws []bson.Raw) ([]*T, error) {
	out := make([]*T, 0, len(raws))
	for _, raw := range raws {
		one, err := decode[T](c, raw)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// upgrade brings a document to the version this program writes, step by step.
func (c *collection) upgrade(raw bson.Raw) (bson.Raw, error) {
	version, _ := raw.Lookup("schemaVersion").AsInt64OK()
	if version > int64(c.version) {
		return nil, plr.Unavailable(ErrNewer, retryAfter)
	}
	for v := int(version); v < c.version; v++ {
		step := c.upgrades[v]
		if step == nil {
			return nil, fmt.Errorf("mongostore: a document of %s has version %d, which this program cannot read", c.name, v)
		}
		var err error
		if raw, err = step(raw); err != nil {
			return nil, fmt.Errorf("mongostore: a document of %s has version %d and cannot be read", c.name, v)
		}
	}
	return raw, nil
}

var (
	escape   = strings.NewReplacer("%", "%25", ".", "%2E", "$", "%24", "\x00", "%00")
	unescape = strings.NewReplacer("%25", "%", "%2E", ".", "%24", "$", "%00", "\x00", "%", "")
)

// field makes an id the name of a field: names hold no dot and begin with no dollar.
func field(id string) string {
	if id == "" {
		return "%"
	}
	return escape.Replace(id)
}

// idOf is the inverse of field.
func idOf(name string) string { return unescape.Replace(name) }

// byID is the filter of a document whose _id is its shard key.
func byID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }

// owned is the filter of one of a learner's documents.
func owned(uln plr.ULN, id string) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "uln", Value: uln}}
}

// and adds a condition to a filter.
func and(filter bson.D, key string, value any) bson.D {
	return append(filter[:len(filter):len(filter)], bson.E{Key: key, Value: value})
}

func op(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }
