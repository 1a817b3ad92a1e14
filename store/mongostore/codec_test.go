package mongostore

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"openplr/plr"
)

type greeting struct {
	ID            string `bson:"_id"`
	SchemaVersion int    `bson:"schemaVersion"`
	Words         string `bson:"words"`
}

// greetings are in their third version: words were called text, then said.
var greetings = &collection{name: "greetings", version: 3, upgrades: map[int]func(bson.Raw) (bson.Raw, error){
	1: renaming("text", "said"), 2: renaming("said", "words"),
}}

func renaming(from, to string) func(bson.Raw) (bson.Raw, error) {
	return func(raw bson.Raw) (bson.Raw, error) {
		var doc bson.D
		if err := bson.Unmarshal(raw, &doc); err != nil {
			return nil, err
		}
		for i := range doc {
			if doc[i].Key == from {
				doc[i].Key = to
			}
		}
		return bson.Marshal(doc)
	}
}

func TestOlderAndNewerDocuments(t *testing.T) {
	for version, name := range map[int]string{1: "text", 2: "said", 3: "words"} {
		raw, err := bson.Marshal(bson.D{{Key: "_id", Value: "1"}, {Key: "schemaVersion", Value: version}, {Key: name, Value: "bore da"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode[greeting](greetings, raw)
		if err != nil || got.Words != "bore da" {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	for version, want := range map[int]error{4: ErrNewer, 0: nil} {
		raw, err := bson.Marshal(bson.D{{Key: "_id", Value: "1"}, {Key: "schemaVersion", Value: version}, {Key: "words", Value: "bore da"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode[greeting](greetings, raw)
		if err == nil || got != nil || (want != nil && !errors.Is(err, want)) {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
		if want != nil && plr.CodeOf(err) != plr.CodeUnavailable {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

func TestFieldNames(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"", "lnk_1", "a.b", "$a", "a$b", "%", "%25", "a%2Eb", "%2E", ".", "nul\x00", "ŵ ŷ"} {
		name := field(id)
		if idOf(name) != id {
			t.Errorf("%q became %q became %q", id, name, idOf(name))
		}
		if other, taken := seen[name]; taken {
			t.Errorf("%q and %q have the same name %q", id, other, name)
		}
		seen[name] = id
		if name == "" || name[0] == '$' {
			t.Errorf("%q became %q", id, name)
		}
	}
}
