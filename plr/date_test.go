package plr_test

import (
	"testing"
	"time"

	"openplr/plr"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"2025-08-21": true, "2024-02-29": true, "0001-01-01": true, "9999-12-31": true,
		"2025-02-29": false, "2025-13-01": false, "2025-00-10": false, "2025-8-21": false, "21-08-2025": false, "0000-01-01": false,
		"2025-08-21T00:00:00Z": false, "": false, "10000-01-01": false, " 2025-08-2": false,
	} {
		if d, ok := plr.ParseDate(text); ok != want || (ok && string(d) != text) {
			t.Errorf("%q: %v", text, ok)
		}
	}
}

// The day is the one in the United Kingdom: summer nights belong to the next day.
func TestDateOf(t *testing.T) {
	t.Parallel()
	for instant, want := range map[string]plr.Date{
		"2026-07-01T23:30:00Z": "2026-07-02", "2026-01-01T23:30:00Z": "2026-01-01", "2027-03-28T00:59:59Z": "2027-03-28",
	} {
		at, err := time.Parse(time.RFC3339, instant)
		if err != nil {
			t.Fatal(err)
		}
		if got := plr.DateOf(at); got != want {
			t.Errorf("%s: %s", instant, got)
		}
	}
}
