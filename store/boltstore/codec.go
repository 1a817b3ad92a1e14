package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"openplr/plr"
)

// bucket is the name of one of bbolt's buckets.
type bucket []byte

// The buckets, and how the keys in each are made. A zero byte separates parts.
var (
	meta = bucket("meta") // a name

	records    = bucket("records")     // ULN
	linked     = bucket("linked")      // older ULN -> ULN
	matchIndex = bucket("match-index") // one of plr.MatchKeys, ULN: an index of the records

	accounts    = bucket("accounts")     // account id
	accountKeys = bucket("account-keys") // plr.AccountKey -> account id
	bindings    = bucket("bindings")     // ULN -> account id

	identities   = bucket("identities")    // account id
	claimTallies = bucket("claim-tallies") // plr.ClaimTally.Key
	claimEntries = bucket("claim-entries") // account id, instant, entry id
	reviewCases  = bucket("review-cases")  // case id
	reviewTimes  = bucket("review-times")  // instant, case id: an index of the cases

	sharings          = bucket("sharing")            // ULN
	preferenceChanges = bucket("preference-changes") // ULN, number in order of writing
	secrets           = bucket("secrets")            // hash of a link's secret
	revokedLinks      = bucket("revoked-links")      // ULN, link id

	views        = bucket("views")         // ULN, view id: the newest version
	viewVersions = bucket("view-versions") // ULN, view id, version: those before it

	challenges    = bucket("challenges")     // ULN, challenge id
	accessEntries = bucket("access-entries") // ULN, instant, entry id
	accessIDs     = bucket("access-ids")     // ULN, entry id -> key in accessEntries

	idempotency     = bucket("idempotency")      // plr.Idempotency.Key
	idempotencyAges = bucket("idempotency-ages") // instant, key: what can be forgotten first

	buckets = []bucket{
		meta, records, linked, matchIndex, accounts, accountKeys, bindings, identities, claimTallies, claimEntries, reviewCases, reviewTimes, sharings, preferenceChanges, secrets, revokedLinks,
		views, viewVersions, challenges, accessEntries, accessIDs, idempotency, idempotencyAges,
	}

	schemaKey = []byte("schema")
	// matchedKey is how far the index of records found in an older file has come:
	// the last ULN. It is gone once the index is complete.
	matchedKey = []byte("matched")
)

// keyOf joins the parts of a key. Ids, ULNs and hashes hold no zero byte;
// instants and ordered numbers may, but their length is fixed.
func keyOf(parts ...string) []byte {
	var key []byte
	for i, part := range parts {
		if i > 0 {
			key = append(key, 0)
		}
		key = append(key, part...)
	}
	return key
}

// ofULN is the prefix of everything a learner owns in one bucket.
func ofULN(uln plr.ULN) []byte { return keyOf(string(uln), "") }

// behind is the first key that lies after all keys with the prefix, which
// ends in a zero byte.
func behind(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	end[len(end)-1]++
	return end
}

// ordered writes n so that the order of bytes is the order of numbers.
func ordered(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// instant writes t so that the order of bytes is the order of time, for every
// time.Time there is (UnixNano ends in 2262).
func instant(t time.Time) string {
	out := binary.BigEndian.AppendUint64(nil, uint64(t.Unix())^(1<<63))       //nolint:gosec // the wrap is meant: negative seconds come first
	return string(binary.BigEndian.AppendUint32(out, uint32(t.Nanosecond()))) //nolint:gosec // below a thousand million
}

// codecJSON is the first byte of a value whose rest is JSON. A later codec
// takes another number, and this one stays readable: see codecRecord.
const codecJSON = 1

func encode(v any) ([]byte, error) {
	if r, ok := v.(*plr.Record); ok {
		return encodeRecord(r), nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("boltstore: %w", err)
	}
	return append([]byte{codecJSON}, text...), nil
}

func decode(data []byte, into any) error {
	if len(data) == 0 {
		return errors.New("an empty value")
	}
	if done, err := decodeAsRecord(data, into); done {
		return err
	}
	if data[0] != codecJSON {
		return fmt.Errorf("a value in codec %d, which this version cannot read", data[0])
	}
	return json.Unmarshal(data[1:], into)
}
