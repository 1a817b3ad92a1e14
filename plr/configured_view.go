package plr

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// ConfiguredView is a named choice of events and fields that links hang on. It
// shows live data: the record as it is when somebody opens the link.
type ConfiguredView struct {
	SchemaVersion int
	ID            string
	ULN           ULN
	Name          string
	Selection     ViewSelection
	Fields        []RecordField
	Language      Language
	// Version counts the owner's edits, from 1. Every version is kept: a link
	// pins the one it was made on.
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
	// DeletedAt is set when the owner deleted the view; old links still name it.
	DeletedAt *time.Time
}

// IsNode marks ConfiguredView as one of the API's nodes.
func (ConfiguredView) IsNode() {}

// ViewSelection is which events a view shows: exactly one of the three.
type ViewSelection struct {
	Everything bool
	// Events are API ids of the owner's events.
	Events []string
	// Rule includes future events that match.
	Rule *LearningEventFilter
}

// RecordField is one thing a view may show. What is not chosen cannot leave.
type RecordField string

// The fields a view can choose from.
const (
	FieldName                  RecordField = "NAME"
	FieldULN                   RecordField = "ULN"
	FieldDateOfBirth           RecordField = "DATE_OF_BIRTH"
	FieldYearOfBirth           RecordField = "YEAR_OF_BIRTH"
	FieldSubject               RecordField = "SUBJECT"
	FieldQualificationType     RecordField = "QUALIFICATION_TYPE"
	FieldQualificationNumber   RecordField = "QUALIFICATION_NUMBER"
	FieldLevel                 RecordField = "LEVEL"
	FieldGrade                 RecordField = "GRADE"
	FieldCredits               RecordField = "CREDITS"
	FieldAwardDate             RecordField = "AWARD_DATE"
	FieldStatus                RecordField = "STATUS"
	FieldAchievementProvider   RecordField = "ACHIEVEMENT_PROVIDER"
	FieldAwardingOrganisation  RecordField = "AWARDING_ORGANISATION"
	FieldParticipationDates    RecordField = "PARTICIPATION_DATES"
	FieldLanguageForAssessment RecordField = "LANGUAGE_FOR_ASSESSMENT"
)

// DefaultFields is what a view shows when its owner chose nothing: enough to
// be believed, and no more.
func DefaultFields() []RecordField {
	return []RecordField{
		FieldName, FieldSubject, FieldQualificationType, FieldLevel, FieldGrade, FieldAwardDate, FieldAwardingOrganisation,
	}
}

var recordFields = []RecordField{
	FieldName, FieldULN, FieldDateOfBirth, FieldYearOfBirth, FieldSubject, FieldQualificationType,
	FieldQualificationNumber, FieldLevel, FieldGrade, FieldCredits, FieldAwardDate, FieldStatus,
	FieldAchievementProvider, FieldAwardingOrganisation, FieldParticipationDates, FieldLanguageForAssessment,
}

// Limits of configured views.
const (
	MaxConfiguredViews = 50
	maxViewName        = 100
	maxViewEvents      = 500
)

// ConfiguredViewInput is what an owner says when making a view.
type ConfiguredViewInput struct {
	Name      string
	Selection ViewSelection
	// Fields: nil for DefaultFields.
	Fields         []RecordField
	Language       Language
	IdempotencyKey *string
}

// CreateConfiguredView makes a view.
func (s *Service) CreateConfiguredView(ctx context.Context, uln ULN, in ConfiguredViewInput) (*ConfiguredView, error) {
	var faults faultList
	idem := s.idempotency(uln, "createConfiguredView", in.IdempotencyKey, in, &faults)
	made, err := s.madeBefore(ctx, idem, &faults)
	if err != nil {
		return nil, err
	}
	if made != "" {
		return s.store.ConfiguredView(ctx, uln, made)
	}
	learner, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	if in.Fields == nil {
		in.Fields = DefaultFields()
	}
	if in.Language == "" {
		in.Language = LanguageEnglish
	}
	now := s.now()
	id, err := newID(s.random, idView)
	if err != nil {
		return nil, err
	}
	view := &ConfiguredView{
		SchemaVersion: 1, ID: id, ULN: uln, Name: in.Name, Selection: in.Selection, Fields: in.Fields,
		Language: in.Language, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	view.check(learner, &faults)
	if err := faults.err(); err != nil {
		return nil, err
	}
	return s.store.CreateConfiguredView(ctx, view, idem)
}

// ConfiguredViewChange is an edit; nil means unchanged.
type ConfiguredViewChange struct {
	ID              string
	ExpectedVersion int
	Name            *string
	Selection       *ViewSelection
	Fields          []RecordField
	Language        *Language
}

// UpdateConfiguredView edits a view. Links made before show what both the
// version they pinned and the new one show: narrowing applies at once,
// widening never reaches an existing link.
func (s *Service) UpdateConfiguredView(ctx context.Context, uln ULN, in ConfiguredViewChange) (*ConfiguredView, error) {
	learner, err := s.Learner(ctx, uln)
	if err != nil {
		return nil, err
	}
	if !isID(in.ID, idView) {
		return nil, NotFound("id")
	}
	now := s.now()
	view, err := s.store.UpdateConfiguredView(ctx, uln, in.ID, func(v *ConfiguredView) error {
		if v.DeletedAt != nil {
			return NotFound("id")
		}
		if v.Version != in.ExpectedVersion {
			return versionMismatch(v.Version)
		}
		if in.Name != nil {
			v.Name = *in.Name
		}
		if in.Selection != nil {
			v.Selection = *in.Selection
		}
		if in.Fields != nil {
			v.Fields = in.Fields
		}
		if in.Language != nil {
			v.Language = *in.Language
		}
		var faults faultList
		v.check(learner, &faults)
		v.Version++
		v.UpdatedAt = now
		return faults.err()
	})
	if err != nil && CodeOf(err) == CodeVersionMismatch { // perhaps changed by a call whose answer was lost
		return nil, cmp.Or(s.contentChanged(ctx, uln), err)
	}
	if err != nil {
		return nil, err
	}
	return view, s.contentChanged(ctx, uln)
}

// DeleteConfiguredView deletes a view no link that can still open hangs on.
func (s *Service) DeleteConfiguredView(ctx context.Context, uln ULN, id string) error {
	if _, err := s.ConfiguredView(ctx, uln, id); err != nil {
		return err
	}
	sharing, err := s.store.Sharing(ctx, uln)
	if err != nil {
		return err
	}
	for _, link := range sharing.Links {
		if link.ViewID == id {
			return refuse(CodeViewInUse, T(
				"Links still use this view. Revoke them first, then delete it.",
				"Mae dolenni'n dal i ddefnyddio'r wedd hon. Diddymwch nhw yn gyntaf, yna dilëwch hi."), "id")
		}
	}
	now := s.now()
	_, err = s.store.UpdateConfiguredView(ctx, uln, id, func(v *ConfiguredView) error {
		if v.DeletedAt != nil {
			return NotFound("id")
		}
		v.DeletedAt = &now
		v.Version++
		return nil
	})
	if err != nil {
		return err
	}
	return s.contentChanged(ctx, uln)
}

// ConfiguredView gives the owner's view with this id.
func (s *Service) ConfiguredView(ctx context.Context, uln ULN, id string) (*ConfiguredView, error) {
	if !isID(id, idView) {
		return nil, NotFound("id")
	}
	v, err := s.store.ConfiguredView(ctx, uln, id)
	if err != nil {
		return nil, err
	}
	if v.DeletedAt != nil {
		return nil, NotFound("id")
	}
	return v, nil
}

// ViewOfLink gives the view a link hangs on, also when it was deleted since.
func (s *Service) ViewOfLink(ctx context.Context, link *ShareLink) (*ConfiguredView, error) {
	return s.store.ConfiguredView(ctx, link.ULN, link.ViewID)
}

// ConfiguredViews gives one page of the owner's views, newest first.
func (s *Service) ConfiguredViews(ctx context.Context, uln ULN, page PageRequest) (*Page[*ConfiguredView], error) {
	views, err := s.store.ConfiguredViews(ctx, uln)
	if err != nil {
		return nil, err
	}
	views = slices.DeleteFunc(views, func(v *ConfiguredView) bool { return v.DeletedAt != nil })
	return paginate(views, page, keyset[*ConfiguredView]{
		sort: "views", descending: true,
		key: func(v *ConfiguredView) string { return timeKey(v.CreatedAt) },
		id:  func(v *ConfiguredView) string { return v.ID },
	})
}

func (v *ConfiguredView) check(l *Learner, faults *faultList) {
	faults.add(line(v.Name, maxViewName, "name"))
	if !v.Language.Valid() {
		faults.add(refuse(CodeInvalid, T("Choose EN or CY.", "Dewiswch EN neu CY."), "language"))
	}
	if len(v.Fields) == 0 {
		faults.add(refuse(CodeRequired, T("Choose at least one field to show.", "Dewiswch o leiaf un maes i'w ddangos."), "fields"))
	}
	for i, f := range v.Fields {
		if !slices.Contains(recordFields, f) {
			faults.add(refuse(CodeInvalid, T("This is not a field of the record.", "Nid yw hwn yn faes o'r cofnod."), "fields"))
		} else if slices.Contains(v.Fields[:i], f) {
			faults.add(refuse(CodeInvalid, T("Name each field once.", "Enwch bob maes unwaith."), "fields"))
			break
		}
	}
	v.Selection.check(l, faults)
}

func (sel *ViewSelection) check(l *Learner, faults *faultList) {
	chosen := 0
	for _, given := range []bool{sel.Everything, len(sel.Events) > 0, sel.Rule != nil} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		faults.add(refuse(CodeInvalid, T(
			"Choose exactly one of: a list of events, a rule, or everything.",
			"Dewiswch un yn unig: rhestr o ddigwyddiadau, rheol, neu bopeth."), "selection"))
		return
	}
	if len(sel.Events) > maxViewEvents {
		faults.add(refuse(CodeTooLong, T(
			fmt.Sprintf("Choose %d events or fewer, or use a rule.", maxViewEvents),
			fmt.Sprintf("Dewiswch %d digwyddiad neu lai, neu defnyddiwch reol.", maxViewEvents)), "selection", "events"))
		return
	}
	for _, id := range sel.Events {
		if l.LearningEvent(id) == nil {
			faults.add(NotFound("selection", "events"))
			break
		}
	}
	if sel.Rule != nil {
		if sel.Rule.empty() {
			faults.add(refuse(CodeRequired, T(
				"Give the rule at least one condition, or choose everything.",
				"Rhowch o leiaf un amod i'r rheol, neu dewiswch bopeth."), "selection", "rule"))
		}
		if err := sel.Rule.check("selection", "rule"); err != nil {
			for _, e := range Refusals(err) {
				faults.add(e)
			}
		}
	}
}

func (sel *ViewSelection) includes(e *LearningEvent) bool {
	switch {
	case sel.Everything:
		return true
	case sel.Rule != nil:
		return sel.Rule.matches(e)
	default:
		return slices.Contains(sel.Events, e.ID)
	}
}

func versionMismatch(current int) *Error {
	return refuse(CodeVersionMismatch, T(
		fmt.Sprintf("This was changed since you read it. Read it again (version %d) and repeat your change.", current),
		fmt.Sprintf("Mae hwn wedi newid ers i chi ei ddarllen. Darllenwch ef eto (fersiwn %d) ac ailadroddwch eich newid.", current)),
		"expectedVersion")
}

// timeKey writes an instant so that text order is time order.
func timeKey(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }
