package lrs

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"openplr/plr"
)

// Generator invents learners with the values the LRS would send for them, so
// that a store can be filled to any size. Nobody it makes exists: numbers begin
// with 99, postcodes with ZZ, UKPRNs with 9, qualification numbers with 900, as
// in the samples. What it makes for a number n depends on n, Seed and Events
// alone: not on the day, and not on what was made before.
type Generator struct {
	Seed uint64
	// Events is how many each learner has, 0 to MaxGeneratedEvents.
	Events int
}

// MaxGenerated is how many learners a Generator can tell apart. It is a prime,
// so that the numbers can be scattered: see place.
const MaxGenerated = 2_399_993

// MaxGeneratedEvents bounds Generator.Events: event ids leave room for so many.
const MaxGeneratedEvents = 500

// generatedDay is the day generated answers speak of. Dates behind it are dirty
// on purpose.
const generatedDay = plr.Date("2026-08-31")

// generatedYear is the last year in which somebody can have been awarded something.
const generatedYear = 2026

// ULN gives the number of the n-th learner. Neighbours in n lie far apart, as
// people do who come into the register one after another.
func (g *Generator) ULN(n int) plr.ULN { return generatedULN(place(n)) }

// olderULN gives the number the n-th learner had before, if they are linked.
func (g *Generator) olderULN(n int) plr.ULN { return generatedULN(MaxGenerated + place(n)) }

func place(n int) int { return (n*1_618_033 + 271_828) % MaxGenerated }

// generatedULN gives a number for each i, none twice and none of the samples'.
func generatedULN(i int) plr.ULN {
	for stem := 990_010_000 + 2*i; ; stem++ {
		sum := 0
		for weight, rest := 2, stem; rest > 0; weight, rest = weight+1, rest/10 {
			sum += weight * (rest % 10)
		}
		// One stem in eleven has no check digit; its neighbour then has one.
		if check := (10 + 11*100 - sum) % 11; check < 10 {
			return plr.ULN(strconv.Itoa(stem) + strconv.Itoa(check))
		}
	}
}

// Update gives what an import of the n-th learner's answers asks of the store.
func (g *Generator) Update(n int) plr.RecordUpdate {
	p := g.person(n)
	u := plr.RecordUpdate{ULN: p.uln, EventsAnswer: true, Linked: p.linked()}
	entry, _, fault := convertRegister(p.register, ulnWords(u.Linked), generatedDay)
	if fault != "" {
		panic("lrs: a generated register entry is refused: " + string(fault))
	}
	u.Register = &entry
	for _, values := range p.events {
		event, field, fault := convertEvent(&fields{values: values}, generatedDay)
		if fault != "" {
			panic("lrs: a generated event is refused: " + field + " " + string(fault))
		}
		u.Events = append(u.Events, event)
	}
	return u
}

func ulnWords(list []plr.ULN) []string {
	var words []string
	for _, u := range list {
		words = append(words, string(u))
	}
	return words
}

// generated is one invented learner, in the LRS's own words.
type generated struct {
	uln, older plr.ULN // older is empty for most
	register   map[string]string
	events     []map[string]string

	r          *rand.Rand
	firstEvent int
	// year16 is the summer in which the learner left school.
	year16          int
	school, college generatedBody
}

func (p *generated) linked() []plr.ULN {
	if p.older == "" {
		return nil
	}
	return []plr.ULN{p.older}
}

// chance says yes in so many of a thousand cases.
func (p *generated) chance(inThousand int) bool { return p.r.IntN(1000) < inThousand }

func choose[T any](p *generated, list []T) T { return list[p.r.IntN(len(list))] }

func (g *Generator) person(n int) *generated {
	p := &generated{
		uln: g.ULN(n), r: rand.New(rand.NewPCG(g.Seed, uint64(n))), //nolint:gosec // invented people need no secret
		firstEvent: 900_000_000_000 + n*2*MaxGeneratedEvents,
	}
	if p.chance(10) {
		p.older = g.olderULN(n)
	}
	born := p.birthday()
	p.school, p.college = choose(p, generatedSchools), choose(p, generatedColleges)
	created := time.Date(p.year16-2, time.September, 1+p.r.IntN(28), 0, 0, 0, 0, time.UTC)
	p.register = map[string]string{
		"ULN": string(p.uln), "GivenName": choose(p, generatedGiven), "FamilyName": choose(p, generatedFamily),
		"DateOfBirth": born, "LastKnownPostCode": fmt.Sprintf("ZZ%d %d%c%c", 10+p.r.IntN(89), 1+p.r.IntN(9), letter(p), letter(p)),
		"AbilityToShare": choose(p, []string{"1", "1", "1", "1", "0", "2", "-1"}), "VersionNumber": strconv.Itoa(1 + p.r.IntN(6)),
		"CreatedDate": created.Format(time.DateOnly), "LastUpdatedDate": created.AddDate(0, p.r.IntN(20), 0).Format(time.DateOnly),
	}
	if p.chance(300) {
		p.register["MiddleOtherName"] = choose(p, generatedGiven)
	}
	if p.chance(80) {
		p.register["PreviousFamilyName"] = choose(p, generatedFamily)
		p.register["FamilyNameAtAge16"] = p.register["PreviousFamilyName"]
	}
	if p.chance(60) {
		p.register["PreferredGivenName"] = choose(p, generatedGiven)
	}
	if p.chance(3) {
		p.register["RestrictedUse"] = "true"
	}
	if p.chance(3) {
		p.register["DateOfBirth"] = choose(p, []string{"0001-01-01", "31/12/1999", ""})
	}
	p.career(g.Events)
	return p
}

func letter(p *generated) byte { return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[p.r.IntN(26)] }

// birthday chooses an age by bands: 16 to 18, 19 to 24, 25 to 44, 45 to 66, older.
func (p *generated) birthday() string {
	var age int
	switch share := p.r.IntN(100); {
	case share < 15:
		age = 16 + p.r.IntN(3)
	case share < 40:
		age = 19 + p.r.IntN(6)
	case share < 75:
		age = 25 + p.r.IntN(20)
	case share < 95:
		age = 45 + p.r.IntN(22)
	default:
		age = 67 + p.r.IntN(14)
	}
	// A school year is born from September to August.
	born := time.Date(generatedYear-age-1, time.September, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, p.r.IntN(365))
	p.year16 = generatedYear - age + 16
	return born.Format(time.DateOnly)
}
