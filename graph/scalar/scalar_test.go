package scalar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"openplr/graph/scalar"
)

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	return b.String()
}

// What every scalar takes and refuses, by the kind of value.
func TestKindsOfValues(t *testing.T) {
	t.Parallel()
	read := map[string]func(any) error{
		"ID":        func(v any) error { _, err := scalar.UnmarshalID(v); return err },
		"String":    func(v any) error { _, err := scalar.UnmarshalString(v); return err },
		"Boolean":   func(v any) error { _, err := scalar.UnmarshalBoolean(v); return err },
		"Int":       func(v any) error { _, err := scalar.UnmarshalInt(v); return err },
		"DateTime":  func(v any) error { _, err := scalar.UnmarshalDateTime(v); return err },
		"LocalDate": func(v any) error { _, err := scalar.UnmarshalLocalDate(v); return err },
		"ULN":       func(v any) error { _, err := scalar.UnmarshalULN(v); return err },
		"URL":       func(v any) error { _, err := scalar.UnmarshalURL(v); return err },
	}
	const canary = "Qxcanary"
	for name, good := range map[string][]any{
		"ID":        {"", "x", "vw_1"},
		"String":    {"", "x", "Łukasz 李", "a\x00b"},
		"Boolean":   {true, false, nil},
		"Int":       {0, -1, int64(2147483647), json.Number("-2147483648"), json.Number("-0")},
		"DateTime":  {"2026-11-21T09:30:00Z", "2026-11-21T09:30:00.123456789+05:45", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-02-29T00:00:00-23:59"},
		"LocalDate": {"2024-02-29", "0001-01-01", "9999-12-31"},
		"ULN":       {"9900001000"},
		"URL":       {"https://example.org/s#x", "http://localhost:8080"},
	} {
		for _, v := range good {
			if err := read[name](v); err != nil {
				t.Errorf("%s refuses %#v: %v", name, v, err)
			}
		}
	}
	for name, bad := range map[string][]any{
		"ID":      {nil, 1, json.Number("1"), true, []any{"x"}, map[string]any{"$gt": canary}, "\xff"},
		"String":  {nil, 1, json.Number("1"), true, []any{canary}, map[string]any{canary: ""}, "\xc0\xaf", "\xed\xa0\x80"},
		"Boolean": {"true", "false", canary, "", 0, 1, json.Number("1"), []any{true}, map[string]any{}},
		"Int": {nil, "5", canary, "", true, 1.0, 1.5, json.Number("1.0"), json.Number("1e3"), json.Number("2147483648"), json.Number("-2147483649"),
			json.Number("99999999999999999999"), int64(2147483648), json.Number(""), []any{1}, map[string]any{}},
		"DateTime": {nil, 1, true, "", canary, "2026-11-21", "2026-11-21T09:30:00", "2026-11-21T9:30:00Z", "2026-11-21T09:30:00,5Z", "2026-11-21T09:30:60Z",
			"2026-11-21T24:00:00Z", "2026-02-29T00:00:00Z", "2026-11-21T09:30:00+24:00", "2026-11-21T09:30:00+01:60", "2026-11-21T09:30:00-00:00", "0000-01-01T00:00:00Z",
			"10000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-11-21T09:30:00.Z", "2026-11-21t09:30:00z", " 2026-11-21T09:30:00Z",
			"2026-11-21T09:30:00." + strings.Repeat("1", 40) + "Z", "２０２６-11-21T09:30:00Z", []any{"2026-11-21T09:30:00Z"}},
		"LocalDate": {nil, 20260101, "", canary, "2026-02-29", "2026-1-1", "2026-01-01T00:00:00Z", "0000-01-01", "10000-01-01", "2026-13-01", " 2026-01-01", "２０２６-01-01"},
		"ULN":       {nil, 9900001000, "", canary, "9900001001", "0900001000", "99000010000", "９９００００１０００", "9999999999"},
		"URL":       {nil, 1, "", canary, "/s#x", "//example.org", "javascript:alert(1)", "data:text/html,x", "ftp://example.org", "https://", "http:example.org", "https://exa mple.org"},
	} {
		for _, v := range bad {
			err := read[name](v)
			var own *scalar.Error
			if !errors.As(err, &own) {
				t.Errorf("%s takes %#v: %v", name, v, err)
			} else if strings.Contains(own.Message, canary) || own.Message == "" {
				t.Errorf("%s repeats its input: %s", name, own.Message)
			}
		}
	}
}

// Instants are written in UTC with exactly three digits, whatever they come with.
func TestInstantsAreWrittenInOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-11-21T09:30:00Z":                `"2026-11-21T09:30:00.000Z"`,
		"2026-11-21T09:30:00.9999Z":           `"2026-11-21T09:30:00.999Z"`,
		"2026-11-21T09:30:00.1+05:45":         `"2026-11-21T03:45:00.100Z"`,
		"2027-03-28T01:30:00+01:00":           `"2027-03-28T00:30:00.000Z"`,
		"9999-12-31T23:59:59.999999999+00:00": `"9999-12-31T23:59:59.999Z"`,
	} {
		got, err := scalar.UnmarshalDateTime(in)
		if err != nil || written(scalar.MarshalDateTime(got)) != want {
			t.Errorf("%s became %s, %v", in, written(scalar.MarshalDateTime(got)), err)
		}
	}
}

// What is accepted can be written and read again, to the same.
func FuzzScalars(f *testing.F) {
	for _, seed := range []string{"2026-11-21T09:30:00.123Z", "2026-11-21T09:30:00+23:59", "2024-02-29", "9900001000", "https://example.org/s#x", "-00:00", "0001-01-01T00:00:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := scalar.UnmarshalDateTime(s); err == nil {
			var text string
			if err := json.Unmarshal([]byte(written(scalar.MarshalDateTime(at))), &text); err != nil {
				t.Fatal(err)
			}
			again, err := scalar.UnmarshalDateTime(text)
			if err != nil || !again.Equal(at.Truncate(time.Millisecond)) {
				t.Errorf("%q: %s became %s, %v", s, at, again, err)
			}
		}
		if day, err := scalar.UnmarshalLocalDate(s); err == nil && written(scalar.MarshalLocalDate(day)) != `"`+s+`"` {
			t.Errorf("%q became %s", s, day)
		}
		if uln, err := scalar.UnmarshalULN(s); err == nil && written(scalar.MarshalULN(uln)) != `"`+s+`"` {
			t.Errorf("%q became %s", s, uln)
		}
	})
}
