package plr

// ULN is a Unique Learner Number: ten digits, the last a check digit, kept for life.
//
// Source: HESA C21051 field ULN (first digit not zero; the digits weighted
// 10, 9, ..., 1 sum to 10 modulo 11).
type ULN string

// Valid says whether u can be a learner's number. The placeholder 9999999999
// ("no number yet" in provider returns) is refused by the check digit.
func (u ULN) Valid() bool {
	if len(u) != 10 || u[0] == '0' {
		return false
	}
	sum := 0
	for i := range 10 {
		c := u[i]
		if c < '0' || c > '9' {
			return false
		}
		sum += int(c-'0') * (10 - i)
	}
	return sum%11 == 10
}
