package web

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"openplr/plr"
)

// recordBody is a shared record in words. It is built from shared.Shows alone,
// so what the owner did not choose has no place to stand in.
type recordBody struct {
	Marking string
	AsAt    string
	Learner []fact
	// HeadKey is the key of the heading over the rows' heads.
	HeadKey string
	Columns []column
	// Detailed: some of the fields shown have no column of their own.
	Detailed   bool
	Rows       []recordRow
	Challenged bool
	Ends       string
	Reference  string
	Terms      string
}

// fact is a labelled value.
type fact struct {
	LabelKey string
	cell
}

// cell is one value as shown. Foreign text is somebody else's words: it may be
// in any script and direction, and must not turn the words around it.
type cell struct {
	Text    string
	Foreign bool
	// Whole: not to be broken across lines.
	Whole bool
}

// longestWord is what a column can be as wide as. Longer words, which only dirty
// data has, may be broken anywhere, or they would push the table off the page.
const longestWord = 24

// Long says whether a word of c must be broken.
func (c cell) Long() bool {
	return slices.ContainsFunc(strings.Fields(c.Text), func(word string) bool { return utf8.RuneCountInString(word) > longestWord })
}

// column is one field of events.
type column struct {
	field plr.RecordField
	// LabelKey is the key of its heading.
	LabelKey string
	value    func(l plr.Language, e *plr.SharedLearningEvent) cell
}

// recordRow is one event.
type recordRow struct {
	// Head names the row: the first column shown, or a number when there is none.
	Head       cell
	Challenged bool
	// Cells belong to the Columns, in order.
	Cells   []fact
	Details []fact
}

// The first column shown heads its row. When there are more than maxColumns,
// detailColumns go into a line of their own below the row's others, or the
// table would outgrow a sheet of A4.
const maxColumns = 7

var (
	mainColumns = []column{
		{plr.FieldSubject, "field.subject", func(l plr.Language, e *plr.SharedLearningEvent) cell { return foreign(l, e.Subject) }},
		{plr.FieldQualificationType, "field.type", func(l plr.Language, e *plr.SharedLearningEvent) cell { return foreign(l, e.QualificationType) }},
		{plr.FieldLevel, "field.level", func(l plr.Language, e *plr.SharedLearningEvent) cell { return foreign(l, e.Level) }},
		{plr.FieldGrade, "field.grade", func(l plr.Language, e *plr.SharedLearningEvent) cell {
			if e.Grade == nil {
				return absent(l)
			}
			return foreign(l, &e.Grade.Value)
		}},
		{plr.FieldCredits, "field.credits", func(l plr.Language, e *plr.SharedLearningEvent) cell { return number(l, e.Credits) }},
		{plr.FieldAwardDate, "field.awarded", func(l plr.Language, e *plr.SharedLearningEvent) cell { return day(l, e.AwardDate) }},
		{plr.FieldStatus, "field.status", func(l plr.Language, e *plr.SharedLearningEvent) cell { return status(l, e.Status) }},
		{plr.FieldAwardingOrganisation, "field.awarder", func(l plr.Language, e *plr.SharedLearningEvent) cell {
			return organisation(l, e.AwardingOrganisation)
		}},
	}
	detailColumns = []column{
		{plr.FieldQualificationNumber, "field.number", func(l plr.Language, e *plr.SharedLearningEvent) cell { return foreign(l, e.QualificationNumber) }},
		{plr.FieldAchievementProvider, "field.provider", func(l plr.Language, e *plr.SharedLearningEvent) cell {
			return organisation(l, e.AchievementProvider)
		}},
		{plr.FieldParticipationDates, "field.participation", participation},
		{plr.FieldLanguageForAssessment, "field.language", func(l plr.Language, e *plr.SharedLearningEvent) cell { return foreign(l, e.LanguageForAssessment) }},
	}
)

// recordPage is the page of a record, in the language its owner chose for it.
func (p *Pages) recordPage(shared *plr.SharedRecord) *page {
	l := shared.Language
	body := &recordBody{
		Marking: shared.Marking, AsAt: momentWords(l, shared.AsAt), Learner: learnerFacts(l, shared),
		Ends: momentWords(l, shared.ExpiresAt), Reference: shared.Reference, Terms: shared.Terms,
	}
	columns, details := chosen(shared, mainColumns), chosen(shared, detailColumns)
	if len(columns)+len(details) <= maxColumns {
		columns, details = append(columns, details...), nil
	}
	body.HeadKey = "record.item"
	if len(columns) > 0 {
		body.HeadKey, body.Columns = columns[0].LabelKey, columns[1:]
	}
	body.Detailed = len(details) > 0
	for i := range shared.Events {
		e, head := &shared.Events[i], cell{Text: strconv.Itoa(i + 1)}
		if len(columns) > 0 {
			head = columns[0].value(l, e)
		}
		body.Challenged = body.Challenged || e.UnderDataChallenge
		body.Rows = append(body.Rows, recordRow{
			Head: head, Challenged: e.UnderDataChallenge, Cells: facts(l, body.Columns, e), Details: facts(l, details, e),
		})
	}
	return &page{Language: l, Title: say(l, "record.title"), Script: "print.js", Body: body}
}

func chosen(shared *plr.SharedRecord, columns []column) []column {
	var out []column
	for _, c := range columns {
		if shared.Shows(c.field) {
			out = append(out, c)
		}
	}
	return out
}

func facts(l plr.Language, columns []column, e *plr.SharedLearningEvent) []fact {
	var out []fact
	for _, c := range columns {
		out = append(out, fact{LabelKey: c.LabelKey, cell: c.value(l, e)})
	}
	return out
}

func learnerFacts(l plr.Language, shared *plr.SharedRecord) []fact {
	var out []fact
	add := func(f plr.RecordField, key string, value cell) {
		if shared.Shows(f) {
			out = append(out, fact{LabelKey: key, cell: value})
		}
	}
	who := &shared.Learner
	add(plr.FieldName, "learner.name", fullName(l, who))
	add(plr.FieldULN, "learner.uln", foreign(l, (*string)(who.ULN)))
	add(plr.FieldDateOfBirth, "learner.born", day(l, who.DateOfBirth))
	add(plr.FieldYearOfBirth, "learner.year", number(l, who.YearOfBirth))
	return out
}

func fullName(l plr.Language, who *plr.SharedLearner) cell {
	var names []string
	for _, n := range []*string{who.GivenName, who.FamilyName} {
		if n != nil && *n != "" {
			names = append(names, *n)
		}
	}
	full := strings.Join(names, " ")
	return foreign(l, &full)
}

// absent is what stands for a value that was chosen but is not held: an empty
// place would look like one that was left out.
func absent(l plr.Language) cell { return cell{Text: say(l, "value.none")} }

func foreign(l plr.Language, s *string) cell {
	if s == nil || *s == "" {
		return absent(l)
	}
	return cell{Text: *s, Foreign: true}
}

func number(l plr.Language, n *int) cell {
	if n == nil {
		return absent(l)
	}
	return cell{Text: strconv.Itoa(*n)}
}

func day(l plr.Language, d *plr.Date) cell {
	if d == nil || *d == "" {
		return absent(l)
	}
	return cell{Text: dateWords(l, *d), Whole: true}
}

func status(l plr.Language, s *plr.AchievementStatus) cell {
	switch {
	case s == nil:
		return absent(l)
	case *s == plr.StatusFinal:
		return cell{Text: say(l, "status.final")}
	case *s == plr.StatusProvisional:
		return cell{Text: say(l, "status.provisional")}
	}
	return cell{Text: string(*s), Foreign: true}
}

// organisation is its name, or the number that stands for one without a name.
func organisation(l plr.Language, o *plr.Organisation) cell {
	switch {
	case o == nil:
		return absent(l)
	case o.Name != nil && *o.Name != "":
		return foreign(l, o.Name)
	case o.UKPRN != nil:
		return cell{Text: "UKPRN " + *o.UKPRN, Foreign: true}
	}
	return foreign(l, o.Code)
}

func participation(l plr.Language, e *plr.SharedLearningEvent) cell {
	from, until := e.ParticipationStartDate, e.ParticipationEndDate
	switch {
	case from != nil && until != nil:
		return cell{Text: say(l, "dates.both", dateWords(l, *from), dateWords(l, *until))}
	case from != nil:
		return cell{Text: say(l, "dates.from", dateWords(l, *from))}
	case until != nil:
		return cell{Text: say(l, "dates.until", dateWords(l, *until))}
	}
	return absent(l)
}
