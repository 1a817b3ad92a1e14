package plr_test

import (
	"testing"

	"openplr/plr"
)

// The numbers are HESA's example, test data of public stubs, and made-up ones.
func TestULN(t *testing.T) {
	t.Parallel()
	for number, want := range map[plr.ULN]bool{
		"9276308686": true, "1000000000": true, "1000000019": true, "1234567899": true, "2345678908": true, "9999999998": true,
		"1174112637": true, "1026893096": true,
		"1234567890": false, "6666666666": false, "9999999999": false, "0123456789": false, "": false,
		"927630868": false, "92763086860": false, "92763O8686": false, " 927630868": false, "５２７６３０８６８６": false,
	} {
		if got := number.Valid(); got != want {
			t.Errorf("%q: %v", number, got)
		}
	}
}

func FuzzULN(f *testing.F) {
	f.Add("9276308686")
	f.Fuzz(func(t *testing.T, s string) {
		if !plr.ULN(s).Valid() {
			return
		}
		// No two valid numbers differ in one digit only: that is what the check digit is for.
		for i := range s {
			for c := byte('0'); c <= '9'; c++ {
				other := []byte(s)
				if other[i] == c {
					continue
				}
				other[i] = c
				if plr.ULN(other).Valid() {
					t.Errorf("%s and %s", s, other)
				}
			}
		}
	})
}
