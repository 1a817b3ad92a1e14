package lrs

import (
	"slices"

	"openplr/plr"
)

// registerFields is the allow-list: the single-valued fields of a register
// entry that are kept (LinkedULNs, a list, is the one besides). The register
// has some eighty fields, special-category data among them; a field that is
// not here is never read, only counted.
var registerFields = map[string]bool{
	"ULN":                true,
	"GivenName":          true,
	"MiddleOtherName":    true,
	"FamilyName":         true,
	"PreferredGivenName": true,
	"PreviousFamilyName": true,
	"FamilyNameAtAge16":  true,
	"DateOfBirth":        true,
	"LastKnownPostCode":  true,
	"AbilityToShare":     true,
	"RestrictedUse":      true,
	"VersionNumber":      true,
	"CreatedDate":        true,
	"LastUpdatedDate":    true,
}

// abilityCodes: the register writes codes, the newer service the names of the
// same codes.
var abilityCodes = map[string]string{
	"-1": "-1", "NotProvided": "-1",
	"0": "0", "FPNNotSeen": "0",
	"1": "1", "FPNSeenShareData": "1",
	"2": "2", "FPNSeenUnableShareData": "2",
}

// convertRegister makes the entry. A value that makes no sense is left out and
// counted; only a number that is none refuses the learner.
func convertRegister(raw map[string]string, linked []string, today plr.Date) (plr.RegisterEntry, map[ValueFault]int, RejectCode) {
	uln := plr.ULN(raw["ULN"])
	switch {
	case uln == "":
		return plr.RegisterEntry{}, nil, RejectMissing
	case !uln.Valid():
		return plr.RegisterEntry{}, nil, RejectInvalidULN
	}
	c := registerConversion{raw: raw}
	return plr.RegisterEntry{
		ULN:                uln,
		GivenName:          raw["GivenName"],
		MiddleOtherName:    raw["MiddleOtherName"],
		FamilyName:         raw["FamilyName"],
		PreferredGivenName: raw["PreferredGivenName"],
		PreviousFamilyName: raw["PreviousFamilyName"],
		FamilyNameAtAge16:  raw["FamilyNameAtAge16"],
		DateOfBirth:        c.birthDate("DateOfBirth", today),
		LastKnownPostCode:  raw["LastKnownPostCode"],
		AbilityToShare:     c.ability("AbilityToShare"),
		LinkedULNs:         c.linked("LinkedULNs", linked, uln),
		Restricted:         c.restricted("RestrictedUse"),
		VersionNumber:      raw["VersionNumber"],
		CreatedDate:        c.date("CreatedDate"),
		LastUpdatedDate:    c.date("LastUpdatedDate"),
	}, c.dirty, ""
}

type registerConversion struct {
	raw   map[string]string
	dirty map[ValueFault]int
}

func (c *registerConversion) count(field string, code plr.DataQualityCode) {
	if c.dirty == nil {
		c.dirty = map[ValueFault]int{}
	}
	c.dirty[ValueFault{field, code}]++
}

func (c *registerConversion) date(field string) plr.Date {
	value := c.raw[field]
	if value == "" {
		return ""
	}
	if value == noDay {
		c.count(field, plr.QualityPlaceholder)
		return ""
	}
	day, ok := plr.ParseDate(value)
	if !ok {
		c.count(field, plr.QualityNotADate)
	}
	return day
}

// birthDate leaves out a day in the future: an age below zero must not decide
// about anything. Without a date of birth the learner gets the protection of a minor.
func (c *registerConversion) birthDate(field string, today plr.Date) plr.Date {
	day := c.date(field)
	if day > today {
		c.count(field, plr.QualityFutureDate)
		return ""
	}
	return day
}

func (c *registerConversion) ability(field string) string {
	code, known := abilityCodes[c.raw[field]]
	if !known && c.raw[field] != "" {
		c.count(field, plr.QualityUnknownCode)
	}
	return code
}

// restricted takes the protective side when the flag cannot be understood.
func (c *registerConversion) restricted(field string) bool {
	value := c.raw[field]
	set, known := yesNo(value)
	if value != "" && !known {
		c.count(field, plr.QualityUnknownCode)
		return true
	}
	return set
}

func (c *registerConversion) linked(field string, words []string, own plr.ULN) []plr.ULN {
	var list []plr.ULN
	for _, word := range words {
		uln := plr.ULN(word)
		switch {
		case !uln.Valid():
			c.count(field, plr.QualityUnknownCode)
		case uln != own && !slices.Contains(list, uln):
			list = append(list, uln)
		}
	}
	return list
}
