//go:build ignore

package main

import (
	"fmt"
	"log"
	"strings"
	"time"
)

// body is a provider or an awarding organisation.
type body struct{ UKPRN, Name string }

// Fictional bodies. UKPRNs beginning with 9 are not given to real ones.
var (
	school      = body{"90000101", "HARROWMERE ACADEMY"}
	sixthForm   = body{"90000102", "MILLBECK SIXTH FORM COLLEGE"}
	college     = body{"90000103", "NORTHWATER COLLEGE"}
	ysgol       = body{"90000104", "YSGOL GYFUN GLAN TYWARCH"}
	adultCentre = body{"90000105", "STONEVALE ADULT LEARNING"}
	trainer     = body{"90000106", "KESTRELWAY TRAINING LIMITED"}
	nobody      = body{}

	fernley    = body{"90000201", "Fernley Examinations Board"}
	tairAfon   = body{"90000202", "Bwrdd Arholi Tair Afon"}
	alderway   = body{"90000203", "Alderway Awards"}
	brackwater = body{"90000204", "Brackwater Vocational Qualifications"}
	unknown    = body{"UNKNWN", "UNKNOWN"}
)

// event is one learning event as the LRS writes it.
type event struct {
	ID                 int
	Award, Loaded      string
	At, Body           body
	Type, Level        string
	Number, Subject    string
	Grade, Status      string
	Credits            int
	Source             string
	Collection, Return string
	Start, End         string
	Language           string
	Challenged         string
}

// The four kinds of event differ in what the source fills in; the shapes are
// those of the service's public test answers.

// fromAO is an awarding organisation's own return.
func fromAO(awarder, at body, kind, level, number, subject, grade, award string) event {
	return event{
		Award: award, Loaded: loaded(award, 21), At: at, Body: awarder, Type: kind, Level: level, Number: number,
		Subject: subject, Grade: grade, Status: "F", Source: "AO", Language: "English", Challenged: "N",
	}
}

// fromQCF is a unit with credits.
func fromQCF(awarder, at body, level, unit, subject string, credits int, award string) event {
	e := fromAO(awarder, at, "QCF", level, unit, subject, "Pass", award)
	e.Source, e.Credits, e.Language = "QCFU", credits, ""
	return e
}

// fromNPD is a school's result: no level, numbers without slashes.
func fromNPD(awarder, at body, kind, number, subject, grade, award string) event {
	e := fromAO(awarder, at, kind, "", strings.ReplaceAll(number, "/", ""), subject, grade, award)
	e.Source, e.Collection, e.Return, e.Language = "NPD", "A", "01", ""
	e.Loaded = loaded(award, 270)
	return e
}

// fromILR is a further-education return: taking part, without grade and awarder.
func fromILR(at body, kind, number, subject, start, end string) event {
	e := fromNPD(unknown, at, kind, number, subject, "9999999999", end)
	e.Source, e.Collection, e.Return, e.Start, e.End = "ILR", "W", "02", start, end
	return e
}

// in says in which language the assessment was.
func (e event) in(language string) event { e.Language = language; return e }

// provisional marks a result that can still change.
func (e event) provisional() event { e.Status = "P"; return e }

// challenged marks an event that is under challenge at the LRS.
func (e event) challenged() event { e.Challenged = "Y"; return e }

// loaded is some days after the award, at an hour that differs between events.
func loaded(award string, days int) string {
	day, err := time.Parse(time.DateOnly, award)
	if err != nil {
		log.Fatal(err)
	}
	return day.AddDate(0, 0, days).Add(9*time.Hour + time.Duration(day.Unix()/86400%480)*time.Minute).Format(time.DateTime)
}

// qan is a fictional qualification number, 900 to 999 in front, with the
// check character that real ones have.
func qan(n int) string {
	stem := fmt.Sprintf("900%04d", n)
	sum := 0
	for i, c := range stem {
		sum += int(c-'0') * (8 - i)
	}
	return fmt.Sprintf("900/%s/%c", stem[3:], "0123456789X"[sum%11])
}

// unit is a fictional QCF unit code.
func unit(n int) string { return fmt.Sprintf("Z/900/%04d", n) }
