// Package scalar reads and writes the API's scalars, strictly: nothing is
// converted from another kind, nothing is clamped, and an error never repeats
// the value.
//
// What may be touched: everything here is written by hand; graph/ above it is
// generated from schema.graphqls.
package scalar

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"openplr/plr"
)

// Error says that a value is not of its scalar's form. Its text is made here
// and holds nothing of the input, so it may be shown.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func bad(message string) error { return &Error{Message: message} }

// MarshalID writes an id.
func MarshalID(id string) graphql.Marshaler { return graphql.MarshalString(id) }

// UnmarshalID reads an id: a string.
func UnmarshalID(v any) (string, error) { return UnmarshalString(v) }

// MarshalString writes a text.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString reads a text, and nothing else as a text.
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", bad("a String must be a string")
	}
	if !utf8.ValidString(s) {
		return "", bad("a String must be valid UTF-8")
	}
	return s, nil
}

// MarshalBoolean writes a boolean.
func MarshalBoolean(b bool) graphql.Marshaler { return graphql.MarshalBoolean(b) }

// UnmarshalBoolean reads true or false, and no text or number in their place.
// Null, which the schema lets through where a Boolean is optional, is false.
func UnmarshalBoolean(v any) (bool, error) {
	if v == nil {
		return false, nil
	}
	b, ok := v.(bool)
	if !ok {
		return false, bad("a Boolean must be true or false")
	}
	return b, nil
}

// MarshalInt writes a whole number.
func MarshalInt(i int) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.Itoa(i)) })
}

// UnmarshalInt reads a whole number of 32 bits, as the GraphQL specification
// bounds Int; gqlgen's own accepts texts and larger numbers.
func UnmarshalInt(v any) (int, error) {
	var n int64
	switch v := v.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case json.Number:
		parsed, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil {
			return 0, bad("an Int must be a whole number between -2147483648 and 2147483647")
		}
		n = parsed
	default:
		return 0, bad("an Int must be a whole number")
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, bad("an Int must be a whole number between -2147483648 and 2147483647")
	}
	return int(n), nil
}

const dateTimeForm = "2006-01-02T15:04:05.000Z"

// MarshalDateTime writes an instant in UTC with three digits of fractions.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Format(dateTimeForm))
}

// strictDateTime is RFC 3339: time.Parse also takes an hour of one digit, a
// comma for the point, and offsets of a day and more.
var strictDateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// UnmarshalDateTime reads RFC 3339 with an offset, years 1 to 9999. The offset
// -00:00, which says that the offset is not known, is none.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok || len(s) > 40 || !strictDateTime.MatchString(s) || strings.HasSuffix(s, "-00:00") {
		return time.Time{}, errDateTime
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return time.Time{}, errDateTime
	}
	return t.UTC(), nil
}

var errDateTime = bad("a DateTime is written like 2026-11-21T09:30:00.000Z, with an offset or Z")

// MarshalLocalDate writes a day.
func MarshalLocalDate(d plr.Date) graphql.Marshaler { return graphql.MarshalString(string(d)) }

// UnmarshalLocalDate reads a day that exists.
func UnmarshalLocalDate(v any) (plr.Date, error) {
	s, ok := v.(string)
	if ok {
		if d, good := plr.ParseDate(s); good {
			return d, nil
		}
	}
	return "", bad("a LocalDate is a day that exists, written like 2025-08-21")
}

// MarshalULN writes a learner number.
func MarshalULN(u plr.ULN) graphql.Marshaler { return graphql.MarshalString(string(u)) }

// UnmarshalULN reads a learner number with a right check digit.
func UnmarshalULN(v any) (plr.ULN, error) {
	if s, ok := v.(string); ok && plr.ULN(s).Valid() {
		return plr.ULN(s), nil
	}
	return "", bad("a ULN has ten digits, the last a check digit")
}

// MarshalURL writes an address.
func MarshalURL(u string) graphql.Marshaler { return graphql.MarshalString(u) }

// UnmarshalURL reads an absolute http or https address.
func UnmarshalURL(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", errURL
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return "", errURL
	}
	return s, nil
}

var errURL = bad("a URL is an absolute web address")

// As gives the scalar error inside err, if there is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
