package plr

import (
	"cmp"
	"slices"
	"time"
)

// SharedRecord is what a recipient sees: only what the owner chose, copied
// field by field from an allow-list, with no way back to the learner.
type SharedRecord struct {
	Learner SharedLearner
	Events  []SharedLearningEvent
	// AsAt is when the record was read.
	AsAt time.Time
	// ExpiresAt is when the link ends; it says nothing about any qualification.
	ExpiresAt time.Time
	// Marking is how the content must be handled.
	Marking   string
	Terms     string
	Reference string
	// RedemptionID repeats this opening within 30 minutes; nil in a preview.
	RedemptionID *string
	Language     Language
	// Fields are those the owner chose to show.
	Fields []RecordField
}

// IsRedeemOutcome marks SharedRecord as an outcome.
func (SharedRecord) IsRedeemOutcome() {}

// Shows says whether the owner chose to show f.
func (r *SharedRecord) Shows(f RecordField) bool { return slices.Contains(r.Fields, f) }

// SharedLearner is the person a shared record is about, as far as chosen.
type SharedLearner struct {
	GivenName   *string
	FamilyName  *string
	ULN         *ULN
	DateOfBirth *Date
	YearOfBirth *int
}

// SharedLearningEvent is an event as far as chosen. The challenge flag always shows.
type SharedLearningEvent struct {
	Subject                *string
	QualificationType      *string
	QualificationNumber    *string
	Level                  *string
	Grade                  *Grade
	Credits                *int
	AwardDate              *Date
	Status                 *AchievementStatus
	AchievementProvider    *Organisation
	AwardingOrganisation   *Organisation
	ParticipationStartDate *Date
	ParticipationEndDate   *Date
	LanguageForAssessment  *string
	UnderDataChallenge     bool
}

// SharingTerms is what a recipient accepts before seeing a record.
var SharingTerms = T(
	"Use this record only for the purpose you gave, and only if you have a direct connection with the learner. Do not pass it on, "+
		"sell it or use it for marketing. It is shown as received from its sources, without a guarantee that it is accurate or complete. "+
		"Your name, organisation and purpose are kept and shown to the learner. The learner can withdraw the link at any time, "+
		"but cannot recall a proof that you have kept.",
	"Defnyddiwch y cofnod hwn at y diben a roesoch yn unig, a dim ond os oes gennych gysylltiad uniongyrchol â'r dysgwr. Peidiwch â'i drosglwyddo, "+
		"ei werthu na'i ddefnyddio ar gyfer marchnata. Fe'i dangosir fel y'i derbyniwyd gan ei ffynonellau, heb warant ei fod yn gywir nac yn gyflawn. "+
		"Cedwir eich enw, eich sefydliad a'ch diben a'u dangos i'r dysgwr. Gall y dysgwr dynnu'r ddolen yn ôl unrhyw bryd, "+
		"ond ni all alw prawf rydych wedi'i gadw yn ôl.")

// PreviewReference stands where a real opening has its reference.
const PreviewReference = "PREVIEW"

// Preview shows the owner what a recipient of a link made now would see.
func (s *Service) Preview(l *Learner, view *ConfiguredView) *SharedRecord {
	shared := s.project(l, view.Language, view, view)
	shared.Reference = PreviewReference
	life := adultLinkLife
	if l.Record.minor(DateOf(s.now())) || l.Record.restricted() {
		life = minorLinkLife
	}
	shared.ExpiresAt = s.now().Add(life)
	return shared
}

// project copies what both versions of a view show: the pinned one, which the
// owner consented to, and the current one, which may have been narrowed since.
func (s *Service) project(l *Learner, language Language, pinned, current *ConfiguredView) *SharedRecord {
	out := &SharedRecord{
		AsAt: s.now(), Marking: s.marking, Terms: SharingTerms.In(language), Language: language,
		Events: []SharedLearningEvent{},
	}
	for _, f := range recordFields {
		if slices.Contains(pinned.Fields, f) && slices.Contains(current.Fields, f) && (!l.Record.restricted() || !hiddenForRestricted(f)) {
			out.Fields = append(out.Fields, f)
		}
	}
	out.projectLearner(l)
	events := slices.Clone(l.Record.Events)
	slices.SortStableFunc(events, newestFirst)
	for i := range events {
		e := &events[i]
		if !e.hidden && pinned.Selection.includes(e) && current.Selection.includes(e) {
			out.Events = append(out.Events, out.projectEvent(e))
		}
	}
	return out
}

// newestFirst puts the newest award first; results of one day by subject.
func newestFirst(a, b LearningEvent) int {
	return cmp.Or(
		-cmp.Compare(deref(a.AwardDate), deref(b.AwardDate)),
		cmp.Compare(fold(deref(a.Subject)), fold(deref(b.Subject))),
		cmp.Compare(a.ID, b.ID),
	)
}

// hiddenForRestricted: fields that could tell where a restricted learner is.
func hiddenForRestricted(f RecordField) bool { return f == FieldAchievementProvider }

func (r *SharedRecord) projectLearner(l *Learner) {
	if r.Shows(FieldName) {
		r.Learner.GivenName, r.Learner.FamilyName = l.GivenName, l.FamilyName
	}
	if r.Shows(FieldULN) {
		r.Learner.ULN = &l.ULN
	}
	if r.Shows(FieldDateOfBirth) {
		r.Learner.DateOfBirth = l.DateOfBirth
	}
	if r.Shows(FieldYearOfBirth) && l.DateOfBirth != nil {
		year := 0
		for _, c := range l.DateOfBirth.Year() {
			year = year*10 + int(c-'0')
		}
		r.Learner.YearOfBirth = &year
	}
}

// projectEvent is the allow-list: an event's value that is not copied here
// cannot leave by any path.
func (r *SharedRecord) projectEvent(e *LearningEvent) SharedLearningEvent {
	out := SharedLearningEvent{UnderDataChallenge: e.UnderDataChallenge}
	copies := map[RecordField]func(){
		FieldSubject:               func() { out.Subject = e.Subject },
		FieldQualificationType:     func() { out.QualificationType = e.QualificationType },
		FieldQualificationNumber:   func() { out.QualificationNumber = e.QualificationNumber },
		FieldLevel:                 func() { out.Level = e.Level },
		FieldGrade:                 func() { out.Grade = e.Grade },
		FieldCredits:               func() { out.Credits = e.Credits },
		FieldAwardDate:             func() { out.AwardDate = e.AwardDate },
		FieldStatus:                func() { out.Status = e.Status },
		FieldAchievementProvider:   func() { out.AchievementProvider = e.AchievementProvider },
		FieldAwardingOrganisation:  func() { out.AwardingOrganisation = e.AwardingOrganisation },
		FieldLanguageForAssessment: func() { out.LanguageForAssessment = e.LanguageForAssessment },
		FieldParticipationDates: func() {
			out.ParticipationStartDate, out.ParticipationEndDate = e.ParticipationStartDate, e.ParticipationEndDate
		},
	}
	for _, f := range r.Fields {
		if copyField := copies[f]; copyField != nil {
			copyField()
		}
	}
	return out
}
