package lrs_test

import (
	"fmt"
	"reflect"
	"testing"

	"openplr/lrs"
	"openplr/plr"
)

// register is a register entry with nothing wrong and only fields that are kept.
var register = fields{
	"ULN": string(uln1), "GivenName": "Testgiven", "MiddleOtherName": "Testmiddle", "FamilyName": "Testfamily",
	"PreferredGivenName": "Testpref", "PreviousFamilyName": "Testprevious", "FamilyNameAtAge16": "Testsixteen",
	"DateOfBirth": "1977-08-16", "LastKnownPostCode": "ZZ31 0AA", "AbilityToShare": "1", "LinkedULNs": "",
	"RestrictedUse": "false", "VersionNumber": "3", "CreatedDate": "2013-05-25", "LastUpdatedDate": "2014-06-26",
}

func entry(t *testing.T, f fields) (plr.RegisterEntry, *lrs.Answer) {
	t.Helper()
	a := readOne(t, findAnswer("WSRC0004", f.in("Learner", "")))
	if len(a.Learners) != 1 {
		t.Fatalf("%d learners, rejects %v", len(a.Learners), a.Rejects)
	}
	return a.Learners[0], a
}

func TestRegisterEntryHasEveryKeptField(t *testing.T) {
	t.Parallel()
	got, a := entry(t, register.with(fields{"LinkedULNs": "<ULN>9900002015</ULN>", "RestrictedUse": "true"}))
	want := plr.RegisterEntry{
		ULN: uln1, GivenName: "Testgiven", MiddleOtherName: "Testmiddle", FamilyName: "Testfamily",
		PreferredGivenName: "Testpref", PreviousFamilyName: "Testprevious", FamilyNameAtAge16: "Testsixteen",
		DateOfBirth: "1977-08-16", LastKnownPostCode: "ZZ31 0AA", AbilityToShare: "1", LinkedULNs: []plr.ULN{uln2},
		Restricted: true, VersionNumber: "3", CreatedDate: "2013-05-25", LastUpdatedDate: "2014-06-26",
	}
	if !reflect.DeepEqual(got, want) || len(a.Dropped) > 0 || len(a.DirtyRegister) > 0 {
		t.Errorf("got %+v, dropped %v, dirty %v", got, a.Dropped, a.DirtyRegister)
	}
	// A field added to the type must be filled here, or it would stay empty for ever.
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is never filled", v.Type().Field(i).Name)
		}
	}
}

// Everything else is counted by name and never kept.
func TestRegisterFieldsDropped(t *testing.T) {
	t.Parallel()
	got, a := entry(t, register.with(fields{
		"EthnicityCode": "SECRET", "DisabilityCode": "SECRET", "SenType": "SECRET", "NationalInsuranceNumber": "SECRET",
		"EmailAddress": "SECRET", "LastKnownAddressLine1": "SECRET", "Notes": "<p>SECRET<ULN>9900002015</ULN></p>",
		"Nested": "<GivenName>SECRET</GivenName>",
	}))
	want := map[string]int{
		"EthnicityCode": 1, "DisabilityCode": 1, "SenType": 1, "NationalInsuranceNumber": 1,
		"EmailAddress": 1, "LastKnownAddressLine1": 1, "Notes": 1, "Nested": 1,
	}
	if !reflect.DeepEqual(a.Dropped, want) {
		t.Errorf("dropped %v", a.Dropped)
	}
	if plain, _ := entry(t, register); !reflect.DeepEqual(got, plain) {
		t.Errorf("a dropped field left a trace: %+v", got)
	}
}

func TestRegisterConversion(t *testing.T) {
	t.Parallel()
	type e = plr.RegisterEntry
	tests := map[string]struct {
		change fields
		see    func(e) any
		want   string
		dirty  map[lrs.ValueFault]int
	}{
		"names are trimmed":      {fields{"GivenName": " Testgiven "}, func(r e) any { return r.GivenName }, "Testgiven", nil},
		"no birth date":          {fields{"DateOfBirth": ""}, func(r e) any { return r.DateOfBirth }, "", nil},
		"birth on no day":        {fields{"DateOfBirth": "1977-02-30"}, func(r e) any { return r.DateOfBirth }, "", map[lrs.ValueFault]int{{Field: "DateOfBirth", Code: plr.QualityNotADate}: 1}},
		"birth to come":          {fields{"DateOfBirth": "2077-02-03"}, func(r e) any { return r.DateOfBirth }, "", map[lrs.ValueFault]int{{Field: "DateOfBirth", Code: plr.QualityFutureDate}: 1}},
		"created nobody knows":   {fields{"CreatedDate": "0001-01-01"}, func(r e) any { return r.CreatedDate }, "", map[lrs.ValueFault]int{{Field: "CreatedDate", Code: plr.QualityPlaceholder}: 1}},
		"updated on no day":      {fields{"LastUpdatedDate": "26/06/2014"}, func(r e) any { return r.LastUpdatedDate }, "", map[lrs.ValueFault]int{{Field: "LastUpdatedDate", Code: plr.QualityNotADate}: 1}},
		"ability not provided":   {fields{"AbilityToShare": "-1"}, func(r e) any { return r.AbilityToShare }, "-1", nil},
		"ability by name":        {fields{"AbilityToShare": "FPNSeenUnableShareData"}, func(r e) any { return r.AbilityToShare }, "2", nil},
		"ability unknown":        {fields{"AbilityToShare": "9"}, func(r e) any { return r.AbilityToShare }, "", map[lrs.ValueFault]int{{Field: "AbilityToShare", Code: plr.QualityUnknownCode}: 1}},
		"restricted 1":           {fields{"RestrictedUse": "1"}, func(r e) any { return r.Restricted }, "true", nil},
		"restricted Y":           {fields{"RestrictedUse": "Y"}, func(r e) any { return r.Restricted }, "true", nil},
		"restricted TRUE":        {fields{"RestrictedUse": "TRUE"}, func(r e) any { return r.Restricted }, "true", nil},
		"restricted 0":           {fields{"RestrictedUse": "0"}, func(r e) any { return r.Restricted }, "false", nil},
		"restricted not said":    {fields{"RestrictedUse": "-"}, func(r e) any { return r.Restricted }, "false", nil},
		"restricted or so":       {fields{"RestrictedUse": "perhaps"}, func(r e) any { return r.Restricted }, "true", map[lrs.ValueFault]int{{Field: "RestrictedUse", Code: plr.QualityUnknownCode}: 1}},
		"linked, in any element": {fields{"LinkedULNs": "<x:string xmlns:x='urn:x'>9900002015</x:string><ULN> 9900002023 </ULN>"}, func(r e) any { return r.LinkedULNs }, "[9900002015 9900002023]", nil},
		"linked as a text":       {fields{"LinkedULNs": "9900002015 9900002015"}, func(r e) any { return r.LinkedULNs }, "[9900002015]", nil},
		"linked to itself":       {fields{"LinkedULNs": "<ULN>9900002007</ULN>"}, func(r e) any { return len(r.LinkedULNs) }, "0", nil},
		"linked to no number":    {fields{"LinkedULNs": "<ULN>9900002016</ULN>"}, func(r e) any { return len(r.LinkedULNs) }, "0", map[lrs.ValueFault]int{{Field: "LinkedULNs", Code: plr.QualityUnknownCode}: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, a := entry(t, register.with(test.change))
			if text := fmt.Sprint(test.see(got)); text != test.want {
				t.Errorf("became %s, want %s", text, test.want)
			}
			if !reflect.DeepEqual(a.DirtyRegister, test.dirty) {
				t.Errorf("dirty %v, want %v", a.DirtyRegister, test.dirty)
			}
			if len(a.Rejects) > 0 {
				t.Errorf("rejects %v", a.Rejects)
			}
		})
	}
}
