package web

import (
	"fmt"
	"strings"
	"time"

	"openplr/plr"
)

var monthsCY = [...]string{"Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf", "Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"}

// dayWords writes a day as people say it; the year has no more digits than it needs.
func dayWords(l plr.Language, t time.Time) string {
	month := t.Month().String()
	if l == plr.LanguageWelsh {
		month = monthsCY[t.Month()-1]
	}
	return fmt.Sprintf("%d %s %d", t.Day(), month, t.Year())
}

// dateWords writes a date; one that is none (it never passes import) as it stands.
func dateWords(l plr.Language, d plr.Date) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return dayWords(l, t)
}

// momentWords writes an instant in UK time and names the zone in words, since
// a recipient may sit elsewhere and a printed page is read months later.
func momentWords(l plr.Language, t time.Time) string {
	t = t.In(plr.London())
	zone := say(l, "time.gmt")
	if t.IsDST() {
		zone = say(l, "time.bst")
	}
	clock := strings.ToLower(t.Format("3:04PM"))
	if l == plr.LanguageWelsh {
		clock = t.Format("15:04")
	}
	return say(l, "time.moment", dayWords(l, t), clock, zone)
}
