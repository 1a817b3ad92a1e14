package plr

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// LearningEvent is one qualification or unit the LRS holds about a learner:
// all 22 fields of its web service (source: DfE proxy of the R9 service), typed
// where the value can be typed. A value that cannot is kept as received in
// DataQuality. Plain fields, no methods: the API reads them directly.
type LearningEvent struct {
	// ID is the opaque id of the API; EventID the number the LRS gave.
	ID                     string
	EventID                string
	QualificationNumber    *string
	QualificationType      *string
	Subject                *string
	Level                  *string
	Grade                  *Grade
	Credits                *int
	AwardDate              *Date
	Status                 *AchievementStatus
	Source                 EventSource
	AchievementProvider    *Organisation
	AwardingOrganisation   *Organisation
	ParticipationStartDate *Date
	ParticipationEndDate   *Date
	LanguageForAssessment  *string
	CollectionType         *string
	ReturnNumber           *string
	Restriction            *string
	DateLoaded             *time.Time
	// UnderDataChallenge: said by the LRS, or an open challenge made here.
	UnderDataChallenge bool
	DataQuality        []DataQualityNote

	// DataChallenges is filled when the record is read, never stored with the event.
	DataChallenges []*DataChallenge `json:"-"`
	// hidden is set while an open challenge reports sensitive data in the event:
	// nobody but the learner sees it until that is settled.
	hidden bool
}

// IsNode marks LearningEvent as one of the API's nodes.
func (LearningEvent) IsNode() {}

// Grade is a grade as the source gave it. A placeholder for "no grade" is no Grade.
type Grade struct {
	// Value is the grade's text, for example "A*", "7" or "Pass".
	Value string
}

// Organisation is a provider or awarding organisation as named by an event.
type Organisation struct {
	// UKPRN has eight digits; nil when the source gave another kind of code.
	UKPRN *string
	// Code is what the source gave in place of a UKPRN.
	Code *string
	Name *string
}

// AchievementStatus says whether a result can still change upstream.
type AchievementStatus string

// The two states of an achievement.
const (
	StatusFinal       AchievementStatus = "FINAL"
	StatusProvisional AchievementStatus = "PROVISIONAL"
)

// EventSource is the data collection an event came from.
type EventSource string

// Sources seen in LRS data; anything else is SourceOther, marked and kept raw.
const (
	SourceILR   EventSource = "ILR"
	SourceNPD   EventSource = "NPD"
	SourceAO    EventSource = "AO"
	SourceQCFU  EventSource = "QCFU"
	SourceOther EventSource = "OTHER"
)

// DataQualityCode says what is wrong with a value as received.
type DataQualityCode string

// The kinds of dirty value.
const (
	QualityPlaceholder DataQualityCode = "PLACEHOLDER"
	QualityNotADate    DataQualityCode = "NOT_A_DATE"
	QualityFutureDate  DataQualityCode = "FUTURE_DATE"
	QualityNotANumber  DataQualityCode = "NOT_A_NUMBER"
	QualityUnknownCode DataQualityCode = "UNKNOWN_CODE"
	QualityNotAUKPRN   DataQualityCode = "NOT_A_UKPRN"
	QualityNumberForm  DataQualityCode = "UNUSUAL_QUALIFICATION_NUMBER"
	QualityDateOrder   DataQualityCode = "END_BEFORE_START"
	QualityDuplicate   DataQualityCode = "DUPLICATE"
	QualityMissing     DataQualityCode = "MISSING"
)

// DataQualityNote marks one value of an event that is not as it should be.
type DataQualityNote struct {
	// Field is the API's name of the field, for example "awardDate".
	Field string
	Code  DataQualityCode
	// Raw is the value as received; nil when there was none.
	Raw *string
}

// EventIDOf gives the API id of the event the LRS numbers eventID.
func EventIDOf(eventID string) string { return idOf(idEvent, eventID) }

// LearningEventFilter chooses events. Every condition given must hold; within
// a list one hit is enough. It is both the argument of a query and the rule of
// a configured view, which then includes future events by itself.
type LearningEventFilter struct {
	// QualificationTypes match without regard to case; "GCSE" also matches
	// types that add a scale in brackets, such as "GCSE (9 to 1)".
	QualificationTypes []string
	Levels             []string
	// AwardedFrom and AwardedTo are inclusive; events without a date do not match.
	AwardedFrom *Date
	AwardedTo   *Date
	Sources     []EventSource
	// Text is looked for in subject, qualification number and organisations.
	Text *string
}

const (
	maxFilterItems = 50
	maxFilterText  = 100
)

func (f *LearningEventFilter) check(path ...string) error {
	if f == nil {
		return nil
	}
	var faults faultList
	at := func(name string) []string { return append(slices.Clone(path), name) }
	for _, list := range []struct {
		name  string
		items []string
	}{{"qualificationTypes", f.QualificationTypes}, {"levels", f.Levels}} {
		if len(list.items) > maxFilterItems {
			faults.add(refuse(CodeTooLong, T("Use 50 entries or fewer.", "Defnyddiwch 50 cofnod neu lai."), at(list.name)...))
		}
		for _, item := range list.items {
			if e := line(item, maxFilterText, at(list.name)...); e != nil {
				faults.add(e)
				break
			}
		}
	}
	if f.Text != nil {
		faults.add(line(*f.Text, maxFilterText, at("text")...))
	}
	if f.AwardedFrom != nil && f.AwardedTo != nil && *f.AwardedFrom > *f.AwardedTo {
		faults.add(refuse(CodeOutOfRange, T("The first day must not be after the last.", "Ni chaiff y diwrnod cyntaf fod ar ôl yr olaf."), at("awardedFrom")...))
	}
	return faults.err()
}

// empty says whether f has no condition at all.
func (f *LearningEventFilter) empty() bool {
	return f == nil || (len(f.QualificationTypes) == 0 && len(f.Levels) == 0 && f.AwardedFrom == nil &&
		f.AwardedTo == nil && len(f.Sources) == 0 && f.Text == nil)
}

func (f *LearningEventFilter) matches(e *LearningEvent) bool {
	if f == nil {
		return true
	}
	if len(f.QualificationTypes) > 0 && !slices.ContainsFunc(f.QualificationTypes, func(want string) bool {
		return typeMatches(want, deref(e.QualificationType))
	}) {
		return false
	}
	if len(f.Levels) > 0 && !slices.ContainsFunc(f.Levels, func(want string) bool {
		return e.Level != nil && fold(want) == fold(*e.Level)
	}) {
		return false
	}
	if f.AwardedFrom != nil && (e.AwardDate == nil || *e.AwardDate < *f.AwardedFrom) {
		return false
	}
	if f.AwardedTo != nil && (e.AwardDate == nil || *e.AwardDate > *f.AwardedTo) {
		return false
	}
	if len(f.Sources) > 0 && !slices.Contains(f.Sources, e.Source) {
		return false
	}
	return f.Text == nil || textMatches(fold(*f.Text), e)
}

func typeMatches(want, have string) bool {
	want, have = fold(want), fold(have)
	return have != "" && (want == have || strings.HasPrefix(have, want+" ("))
}

func textMatches(want string, e *LearningEvent) bool {
	within := func(s *string) bool { return s != nil && strings.Contains(fold(*s), want) }
	number := deref(e.QualificationNumber)
	bare := strings.ReplaceAll(fold(number), "/", "")
	if within(e.Subject) || within(&number) || strings.Contains(bare, strings.ReplaceAll(want, "/", "")) && bare != "" {
		return true
	}
	for _, o := range []*Organisation{e.AchievementProvider, e.AwardingOrganisation} {
		if o != nil && within(o.Name) {
			return true
		}
	}
	return false
}

// LearningEventOrderField is what events can be sorted by.
type LearningEventOrderField string

// The sortable fields.
const (
	OrderByAwardDate LearningEventOrderField = "AWARD_DATE"
	OrderBySubject   LearningEventOrderField = "SUBJECT"
	OrderByLevel     LearningEventOrderField = "LEVEL"
)

// OrderDirection is ascending or descending.
type OrderDirection string

// The two directions.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

// LearningEventOrder sorts events; ties are broken by id, so that the order is total.
type LearningEventOrder struct {
	Field     LearningEventOrderField
	Direction OrderDirection
}

func (o *LearningEventOrder) orDefault() LearningEventOrder {
	if o == nil {
		return LearningEventOrder{Field: OrderByAwardDate, Direction: Descending}
	}
	return *o
}

// key is the sort key of e; an event without the value has the lowest.
func (o LearningEventOrder) key(e *LearningEvent) string {
	switch o.Field {
	case OrderBySubject:
		return fold(deref(e.Subject))
	case OrderByLevel:
		return levelKey(deref(e.Level))
	case OrderByAwardDate:
		if e.AwardDate != nil {
			return string(*e.AwardDate)
		}
	}
	return ""
}

// levelKey ranks the texts seen for levels: Entry Level, Level 1, Level 1/2, Level 2 to 8.
func levelKey(level string) string {
	l := fold(level)
	if strings.HasPrefix(l, "entry") {
		return "0" + l
	}
	return strings.TrimPrefix(l, "level ")
}

// LearningEvents gives one page of the learner's events.
func (l *Learner) LearningEvents(page PageRequest, filter *LearningEventFilter, order *LearningEventOrder) (*Page[*LearningEvent], error) {
	if err := filter.check("filter"); err != nil {
		return nil, err
	}
	o := order.orDefault()
	chosen := make([]*LearningEvent, 0, len(l.Record.Events))
	for i := range l.Record.Events {
		if e := &l.Record.Events[i]; filter.matches(e) {
			chosen = append(chosen, e)
		}
	}
	return paginate(chosen, page, keyset[*LearningEvent]{
		sort: "events:" + string(o.Field) + ":" + string(o.Direction), descending: o.Direction == Descending,
		key: o.key, id: func(e *LearningEvent) string { return e.ID },
	})
}

// LearningEvent gives the learner's event with this API id, or nil.
func (l *Learner) LearningEvent(id string) *LearningEvent {
	i := slices.IndexFunc(l.Record.Events, func(e LearningEvent) bool { return e.ID == id })
	if i < 0 {
		return nil
	}
	return &l.Record.Events[i]
}

// contentKey is equal for events that differ in nothing but their ids: the
// duplicates that LRS data is known for.
func (e *LearningEvent) contentKey() string {
	org := func(o *Organisation) string {
		if o == nil {
			return ""
		}
		return deref(o.UKPRN) + deref(o.Code) + deref(o.Name)
	}
	grade := ""
	if e.Grade != nil {
		grade = e.Grade.Value
	}
	return strings.Join([]string{
		deref(e.QualificationNumber), fold(deref(e.QualificationType)), fold(deref(e.Subject)), deref(e.Level), grade,
		string(deref(e.AwardDate)), string(e.Source), org(e.AchievementProvider), org(e.AwardingOrganisation),
		string(deref(e.ParticipationStartDate)), string(deref(e.ParticipationEndDate)), deref(e.LanguageForAssessment),
	}, "\x00")
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func sortByKey[E any](items []E, k keyset[E]) {
	slices.SortStableFunc(items, func(a, b E) int {
		c := cmp.Or(cmp.Compare(k.key(a), k.key(b)), cmp.Compare(k.id(a), k.id(b)))
		if k.descending {
			return -c
		}
		return c
	})
}
