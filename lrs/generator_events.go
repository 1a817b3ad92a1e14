package lrs

import (
	"fmt"
	"maps"
	"strconv"
	"time"
)

// generatedBody is an invented provider or awarding organisation.
type generatedBody struct{ ukprn, name string }

var (
	generatedGiven = []string{
		"Amber", "Bríd", "Callum", "Dilys", "Efan", "Farah", "Gethin", "Hana", "Imogen", "Jordan", "Kofi", "Lowri", "Mansoor", "Nia", "Oluwaseun",
		"Piotr", "Rhiannon", "Siân", "Tariq", "Una", "Vikram", "Wren", "Yusuf", "Zofia", "Alex", "Beatrix", "Cai", "Derek", "Elin", "Freya",
	}
	generatedFamily = []string{
		"Thistlewood", "Larkhall", "Marlowe-Test", "Brindlewick", "Stannery", "Fallowgate", "Winterhey", "Rushbrooke", "O'Dowd-Pellew", "Ashgrove-Moor",
		"Tywarchen", "Penllergarth", "Quillfeather", "Hartsmere", "Copperthwaite", "Dunnockshaw", "Ellerbeckon", "Fennimoor", "Gorsedale", "Hollinrigg",
		"Inglefold", "Juniperley", "Kestrelway", "Lanternby", "Mosswater", "Nettlecombe-Ray", "Osierbank", "Pipitson", "Ravelstoke", "Saltmarch",
	}
	generatedSchools = []generatedBody{
		{"90000301", "WHITMOOR ACADEMY"}, {"90000302", "YSGOL BRYN TESTUN"}, {"90000303", "EASTLOCK HIGH SCHOOL"}, {"90000304", "ST AUDREY'S TEST SCHOOL"},
		{"90000305", "CORNHILL COMMUNITY COLLEGE"}, {"90000306", "TARNBECK GRAMMAR SCHOOL"},
	}
	generatedColleges = []generatedBody{
		{"90000311", "SOUTHMERE COLLEGE"}, {"90000312", "COLEG GLAN Y PRAWF"}, {"90000313", "ORCHARD VALE SIXTH FORM COLLEGE"}, {"90000314", "HEXTON TRAINING LIMITED"},
	}
	generatedBoards = []generatedBody{
		{"90000321", "Calder Examinations Board"}, {"90000322", "Bwrdd Arholi Nant y Prawf"}, {"90000323", "Larch Awards"}, {"90000324", "Milestone Vocational Qualifications"},
	}
	generatedSubjects = []string{
		"English Language", "Mathematics", "English Literature", "Biology", "Chemistry", "Physics", "History", "Geography", "French", "Welsh Second Language",
		"Religious Studies", "Art and Design", "Computer Science", "Business", "Music", "Drama", "Design and Technology", "Physical Education", "Sociology", "Economics",
	}
	generatedTrades = []string{
		"Electrical Installation", "Health and Social Care", "Business Administration", "Carpentry and Joinery", "Hairdressing", "Professional Cookery",
		"Engineering Technologies", "Early Years Education", "Digital Support", "Plumbing Studies",
	}
	generatedAwards = []string{
		"First Aid at Work", "Food Safety in Catering", "Manual Handling", "Team Leading", "Health and Safety in the Workplace", "Customer Service",
		"Introduction to Warehousing", "Fire Safety", "Safeguarding", "Information Technology Users",
	}
	gradesNineToOne = []string{"9", "8", "7", "7", "6", "6", "6", "5", "5", "5", "5", "4", "4", "4", "4", "3", "3", "2", "1", "U"}
	gradesAToG      = []string{"A*", "A", "A", "B", "B", "B", "C", "C", "C", "C", "D", "D", "E", "F", "G", "U"}
	gradesAToE      = []string{"A*", "A", "A", "B", "B", "B", "C", "C", "D", "E", "U"}
	gradesPass      = []string{"Pass", "Pass", "Pass", "Merit", "Merit", "Distinction", "P", "D*"}
)

// career gives the learner so many events: school, then college if they are old
// enough, then what working people are awarded.
func (p *generated) career(events int) {
	academic := p.r.IntN(2) == 0
	for k := range events {
		switch {
		case k < 9:
			p.gcse(k)
		case k < 12 && academic && p.year16+2 <= generatedYear:
			p.aLevel(k)
		case k == 9 && !academic:
			p.takingPart()
		case k < 13 && !academic:
			p.unit(k)
		default:
			p.award()
		}
		last := p.events[k]
		last["ID"] = strconv.Itoa(p.firstEvent + k)
		switch {
		case p.chance(30):
			p.spoil(last)
		case k > 0 && p.chance(5):
			// The same again under another number: LRS data is known for it.
			p.events[k] = maps.Clone(p.events[k-1])
			p.events[k]["ID"] = last["ID"]
		}
	}
}

// add appends an event with what all of them have.
func (p *generated) add(source string, at, board generatedBody, kind, number, subject, grade string, award time.Time) map[string]string {
	e := map[string]string{
		"AchievementAwardDate": award.Format(time.DateOnly), "AchievementProviderName": at.name, "AchievementProviderUkprn": at.ukprn,
		"AwardingOrganisationName": board.name, "AwardingOrganisationUkprn": board.ukprn, "Credits": "0",
		"DateLoaded": award.AddDate(0, 0, 21).Add(time.Duration(8*60+p.r.IntN(600)) * time.Minute).Format(time.DateTime),
		"Grade":      grade, "QualificationType": kind, "Source": source, "Status": "F", "Subject": subject, "SubjectCode": number, "UnderDataChallenge": "N",
	}
	p.events = append(p.events, e)
	return e
}

// resultsDay is close to the Thursday in late August.
func resultsDay(year int) time.Time { return time.Date(year, time.August, 20, 0, 0, 0, 0, time.UTC) }

func (p *generated) gcse(k int) {
	subject := generatedSubjects[k]
	if k >= 3 {
		subject = generatedSubjects[3+(k-3)*2+p.r.IntN(2)]
	}
	kind, grades := "GCSE (9 to 1)", gradesNineToOne
	if p.year16 < 2017 {
		kind, grades = "GCSE (A* to G)", gradesAToG
	}
	e := p.add("NPD", p.school, choose(p, generatedBoards[:2]), kind, qualification(100+k, false), "GCSE in "+subject, choose(p, grades), resultsDay(p.year16))
	e["CollectionType"], e["ReturnNumber"] = "A", "01"
	if p.year16 >= 2020 { // since then awarding organisations send them themselves
		delete(e, "CollectionType")
		delete(e, "ReturnNumber")
		e["Source"], e["Level"], e["LanguageForAssessment"], e["SubjectCode"] = "AO", "Level 1/2", "English", qualification(100+k, true)
		if p.school.ukprn == "90000302" {
			e["LanguageForAssessment"] = "Cymraeg"
		}
	}
}

func (p *generated) aLevel(k int) {
	e := p.add("AO", p.college, choose(p, generatedBoards[:2]), "GCE A Level", qualification(200+k, true),
		"Level 3 Advanced GCE in "+choose(p, generatedSubjects), choose(p, gradesAToE), resultsDay(p.year16+2))
	e["Level"], e["LanguageForAssessment"] = "Level 3", "English"
	if p.year16+2 == generatedYear && p.chance(500) {
		e["Status"] = "P"
	}
}

// takingPart is a further-education return: no grade, no awarding organisation.
func (p *generated) takingPart() {
	end := p.day()
	e := p.add("ILR", p.college, generatedBody{"UNKNWN", "UNKNOWN"}, "Diploma", qualification(300, false), "Diploma in "+choose(p, generatedTrades), "9999999999", end)
	e["CollectionType"], e["ReturnNumber"] = "W", "02"
	e["ParticipationStartDate"], e["ParticipationEndDate"] = end.AddDate(-1, 0, 0).Format(time.DateOnly), end.Format(time.DateOnly)
}

func (p *generated) unit(k int) {
	e := p.add("QCFU", p.college, generatedBoards[3], "QCF", fmt.Sprintf("Z/900/%04d", 1000+k*10+p.r.IntN(10)),
		"Unit in "+choose(p, generatedTrades), "Pass", p.day())
	e["Credits"], e["Level"] = strconv.Itoa(1+p.r.IntN(15)), choose(p, []string{"Level 1", "Level 2", "Level 3"})
}

func (p *generated) award() {
	level := choose(p, []string{"Entry Level", "Level 1", "Level 2", "Level 2", "Level 3", "Level 4"})
	e := p.add("AO", p.college, choose(p, generatedBoards[2:]), "Award", qualification(400+p.r.IntN(80), true),
		level+" Award in "+choose(p, generatedAwards), choose(p, gradesPass), p.day())
	e["Level"], e["LanguageForAssessment"] = level, "English"
}

// day is a working day between leaving school and the summer of generatedYear.
func (p *generated) day() time.Time {
	first := resultsDay(p.year16).AddDate(-1, 0, 0)
	last := time.Date(generatedYear, time.July, 10, 0, 0, 0, 0, time.UTC)
	d := first.AddDate(0, 0, p.r.IntN(int(last.Sub(first)/(24*time.Hour))))
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		d = d.AddDate(0, 0, -1)
	}
	return d
}

// spoil makes one value as dirty as LRS data has them.
func (p *generated) spoil(e map[string]string) {
	dirt := choose(p, []struct{ field, value string }{
		{"AchievementAwardDate", "0001-01-01"}, {"AchievementAwardDate", "31/08/2019"}, {"AchievementAwardDate", "2062-08-20"},
		{"Grade", "9999999999"}, {"Subject", ""}, {"AwardingOrganisationUkprn", "UNKNWN"}, {"AchievementProviderUkprn", "SCH1"}, {"Credits", "n/a"},
		{"Status", "X"}, {"Source", "LEGACY"}, {"SubjectCode", "9001"}, {"DateLoaded", "2019-13-01 00:00:00"}, {"UnderDataChallenge", "Y"},
	})
	e[dirt.field] = dirt.value
}

// qualification is an invented qualification number with its check character.
func qualification(n int, slashes bool) string {
	stem := fmt.Sprintf("900%04d", n)
	sum := 0
	for i, c := range stem {
		sum += int(c-'0') * (8 - i)
	}
	check := string("0123456789X"[sum%11])
	if slashes {
		return stem[:3] + "/" + stem[3:] + "/" + check
	}
	return stem + check
}
