package lrs

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"openplr/plr"
)

// eventFields are the 22 fields of a learning event on the wire.
// Source: the Department for Education's own client of the service.
var eventFields = map[string]bool{
	"ID":                        true,
	"AchievementProviderUkprn":  true,
	"AchievementProviderName":   true,
	"AwardingOrganisationUkprn": true,
	"AwardingOrganisationName":  true,
	"QualificationType":         true,
	"SubjectCode":               true,
	"Subject":                   true,
	"AchievementAwardDate":      true,
	"Credits":                   true,
	"Grade":                     true,
	"Level":                     true,
	"Status":                    true,
	"Source":                    true,
	"CollectionType":            true,
	"ReturnNumber":              true,
	"ParticipationStartDate":    true,
	"ParticipationEndDate":      true,
	"LanguageForAssessment":     true,
	"Restriction":               true,
	"UnderDataChallenge":        true,
	"DateLoaded":                true,
}

const (
	// noGrade stands for "not supplied" on every ILR event seen.
	noGrade = "9999999999"
	// noDay is what a date nobody set looks like in the service's language.
	noDay = "0001-01-01"
	// loadedForm is how DateLoaded is written, without a zone.
	loadedForm = time.DateTime
)

var statuses = map[string]plr.AchievementStatus{
	"F": plr.StatusFinal, "FINAL": plr.StatusFinal,
	"P": plr.StatusProvisional, "PROVISIONAL": plr.StatusProvisional,
}

var sources = map[string]plr.EventSource{
	"ILR": plr.SourceILR, "NPD": plr.SourceNPD, "AO": plr.SourceAO, "QCFU": plr.SourceQCFU,
}

// qualificationNumber: a qualification with or without slashes, or a QCF unit.
// The last character is a check character by a rule that is not published and
// has exceptions, so it is not checked.
var qualificationNumber = regexp.MustCompile(`^([0-9]{3}/[0-9]{4}/[0-9A-Za-z]|[0-9]{7}[0-9A-Za-z]|[A-Za-z]/[0-9]{3}/[0-9]{4})$`)

// convertEvent types what can be typed and marks the rest. An event is refused
// (with the field that is to blame) only when it cannot be kept at all.
func convertEvent(raw *fields, today plr.Date) (e plr.LearningEvent, field string, fault RejectCode) {
	if raw.fault != "" {
		return e, raw.name, raw.fault
	}
	id, ok := eventID(raw.values["ID"])
	if !ok {
		if raw.values["ID"] == "" {
			return e, "ID", RejectMissing
		}
		return e, "ID", RejectNotAnEventID
	}
	c := conversion{raw: raw.values}
	e = plr.LearningEvent{
		ID:                     plr.EventIDOf(id),
		EventID:                id,
		QualificationNumber:    c.number("qualificationNumber", "SubjectCode"),
		QualificationType:      c.text("QualificationType"),
		Subject:                c.required("subject", "Subject"),
		Level:                  c.text("Level"),
		Grade:                  c.grade("grade", "Grade"),
		Credits:                c.credits("credits", "Credits"),
		AwardDate:              c.awardDate("awardDate", "AchievementAwardDate", today),
		Status:                 c.status("status", "Status"),
		Source:                 c.source("source", "Source"),
		AchievementProvider:    c.organisation("achievementProvider", "AchievementProviderUkprn", "AchievementProviderName"),
		AwardingOrganisation:   c.organisation("awardingOrganisation", "AwardingOrganisationUkprn", "AwardingOrganisationName"),
		ParticipationStartDate: c.date("participationStartDate", "ParticipationStartDate"),
		ParticipationEndDate:   c.date("participationEndDate", "ParticipationEndDate"),
		LanguageForAssessment:  c.text("LanguageForAssessment"),
		CollectionType:         c.text("CollectionType"),
		ReturnNumber:           c.text("ReturnNumber"),
		Restriction:            c.text("Restriction"),
		DateLoaded:             c.loaded("dateLoaded", "DateLoaded"),
		UnderDataChallenge:     c.flag("underDataChallenge", "UnderDataChallenge"),
	}
	if start, end := e.ParticipationStartDate, e.ParticipationEndDate; start != nil && end != nil && *end < *start {
		c.note("participationEndDate", plr.QualityDateOrder, string(*end))
	}
	e.DataQuality = c.notes
	return e, "", ""
}

// eventID gives the number in its one spelling: upserts go by it. Zero is what
// an id nobody set looks like, and would make strangers' events one.
func eventID(s string) (string, bool) {
	if !digits(s, 1, 18) {
		return "", false
	}
	s = strings.TrimLeft(s, "0")
	return s, s != ""
}

// conversion is one event on its way. Its notes bear the API's field names, in
// the order in which the fields are converted, so that the same event always
// gives the same notes.
type conversion struct {
	raw   map[string]string
	notes []plr.DataQualityNote
}

func (c *conversion) note(field string, code plr.DataQualityCode, raw string) {
	c.notes = append(c.notes, plr.DataQualityNote{Field: field, Code: code, Raw: optional(raw)})
}

func (c *conversion) text(wire string) *string { return optional(c.raw[wire]) }

func (c *conversion) required(field, wire string) *string {
	if c.raw[wire] == "" {
		c.note(field, plr.QualityMissing, "")
	}
	return c.text(wire)
}

func (c *conversion) number(field, wire string) *string {
	if value := c.raw[wire]; value != "" && !qualificationNumber.MatchString(value) {
		c.note(field, plr.QualityNumberForm, value)
	}
	return c.text(wire)
}

func (c *conversion) grade(field, wire string) *plr.Grade {
	value := c.raw[wire]
	if value == noGrade {
		c.note(field, plr.QualityPlaceholder, value)
		return nil
	}
	if value == "" {
		return nil
	}
	return &plr.Grade{Value: value}
}

// credits are a long on the wire; the API's integers have 32 bits.
func (c *conversion) credits(field, wire string) *int {
	value := c.raw[wire]
	if value == "" {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt32 {
		c.note(field, plr.QualityNotANumber, value)
		return nil
	}
	credits := int(n)
	return &credits
}

func (c *conversion) date(field, wire string) *plr.Date {
	value := c.raw[wire]
	if value == "" {
		return nil
	}
	if value == noDay {
		c.note(field, plr.QualityPlaceholder, value)
		return nil
	}
	day, ok := plr.ParseDate(value)
	if !ok {
		c.note(field, plr.QualityNotADate, value)
		return nil
	}
	return &day
}

// awardDate keeps a day in the future: it may be a slip of one digit, which
// the learner will recognise.
func (c *conversion) awardDate(field, wire string, today plr.Date) *plr.Date {
	day := c.date(field, wire)
	if day != nil && *day > today {
		c.note(field, plr.QualityFutureDate, string(*day))
	}
	return day
}

func (c *conversion) loaded(field, wire string) *time.Time {
	value := c.raw[wire]
	if value == "" {
		return nil
	}
	if strings.HasPrefix(value, noDay) {
		c.note(field, plr.QualityPlaceholder, value)
		return nil
	}
	local, err := time.ParseInLocation(loadedForm, value, plr.London())
	// The form's length is checked too: time.Parse takes fractions of a second
	// that the form does not have.
	if err != nil || len(value) != len(loadedForm) || local.Year() < 1 {
		c.note(field, plr.QualityNotADate, value)
		return nil
	}
	at := local.UTC()
	return &at
}

func (c *conversion) status(field, wire string) *plr.AchievementStatus {
	value := c.raw[wire]
	if value == "" {
		return nil
	}
	status, ok := statuses[strings.ToUpper(value)]
	if !ok {
		c.note(field, plr.QualityUnknownCode, value)
		return nil
	}
	return &status
}

func (c *conversion) source(field, wire string) plr.EventSource {
	value := c.raw[wire]
	if source, ok := sources[strings.ToUpper(value)]; ok {
		return source
	}
	if value == "" {
		c.note(field, plr.QualityMissing, "")
	} else {
		c.note(field, plr.QualityUnknownCode, value)
	}
	return plr.SourceOther
}

func (c *conversion) flag(field, wire string) bool {
	value := c.raw[wire]
	set, known := yesNo(value)
	if value != "" && !known {
		c.note(field, plr.QualityUnknownCode, value)
	}
	return set
}

// organisation is nil when the source gave nothing but stand-ins. Code and name
// are judged apart: either may be real while the other is a stand-in.
func (c *conversion) organisation(field, wireCode, wireName string) *plr.Organisation {
	var o plr.Organisation
	switch code := c.raw[wireCode]; {
	case code == "":
	case unknownBody(code):
		c.note(field, plr.QualityPlaceholder, code)
	case digits(code, 8, 8):
		o.UKPRN = &code
	default:
		o.Code = &code
		c.note(field, plr.QualityNotAUKPRN, code)
	}
	switch name := c.raw[wireName]; {
	case name == "":
	case unknownBody(name):
		c.note(field, plr.QualityPlaceholder, name)
	default:
		o.Name = &name
	}
	if o == (plr.Organisation{}) {
		return nil
	}
	return &o
}

func unknownBody(s string) bool {
	return strings.EqualFold(s, "UNKNWN") || strings.EqualFold(s, "UNKNOWN")
}

// yesNo reads the spellings of a flag in the service's versions.
func yesNo(value string) (set, known bool) {
	switch strings.ToUpper(value) {
	case "Y", "TRUE", "1":
		return true, true
	case "N", "FALSE", "0":
		return false, true
	}
	return false, false
}
