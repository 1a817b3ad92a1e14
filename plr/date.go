package plr

import "time"

// Date is a calendar day without a time or a zone, written yyyy-mm-dd. The
// text order is the day order. The zero value "" means no date.
type Date string

// ParseDate reads yyyy-mm-dd and refuses days that do not exist.
func ParseDate(s string) (Date, bool) {
	if len(s) != 10 {
		return "", false
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return "", false
	}
	return Date(s), true
}

// DateOf gives the day of t in the United Kingdom, where learners live.
func DateOf(t time.Time) Date { return Date(t.In(london).Format(time.DateOnly)) }

// Year gives the year's four digits, or "" for no date.
func (d Date) Year() string {
	if len(d) < 4 {
		return ""
	}
	return string(d[:4])
}

// ageOn gives full years from d until day; -1 when d is no date. Somebody born
// on 29 February has their birthday on 1 March in common years.
func (d Date) ageOn(day Date) int {
	born, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return -1
	}
	now, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return -1
	}
	age := now.Year() - born.Year()
	if now.Month() < born.Month() || (now.Month() == born.Month() && now.Day() < born.Day()) {
		age--
	}
	return age
}
