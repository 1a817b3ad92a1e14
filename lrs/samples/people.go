//go:build ignore

package main

// person is one sample: somebody who can sign in, what the register says of
// them, and their events.
type person struct {
	// File is empty for an account without answers of its own.
	File, Subject, Description string
	// Group is what the person is good for; empty means "ordinary".
	Group string
	// ULN is the number of the person's record; empty when there is none for certain.
	ULN string
	// Unbound accounts start without their record, if they have one.
	Unbound             bool
	Given, Family, Born string
	Email               string
	Gender, PostCode    string

	// What the provider of identity knows and the register does not: the present
	// family name, earlier names, the addresses with the present one first, why
	// the identity cannot be proved, and that somebody is staff.
	FamilyNow     string
	PreviousNames []name
	PostCodes     []string
	ReturnCodes   []string
	Role          string

	FindCode string
	Register []entry

	EventsCode      string
	Found, Incoming string
	Events          []event

	handWritten bool
	// unlisted: in the register, and nobody who signs in.
	unlisted bool
}

type name struct{ Given, Family string }

// entry is what of a register entry differs between samples.
type entry struct {
	ULN, Title, Middle, Preferred, Previous, At16 string
	School, Street, Town, PostCode                string
	Ability, Linked, Version                      string
	Created, Updated                              string
	Restricted                                    bool
}

const (
	gcse   = "GCSE (9 to 1)"
	gcseAG = "GCSE (A* to G)"
	aLevel = "GCE A Level"
	level1 = "Level 1"
	level2 = "Level 2"
	level3 = "Level 3"
	level4 = "Level 4"
	level5 = "Level 5"
	both12 = "Level 1/2"
)

var people = []*person{
	{
		File: "school-leaver", Subject: "6LBM9rW398xcjYebBBsQWg", ULN: "9900001000",
		Description: "Ordinary school leaver: 10 GCSEs, 3 A levels and a project; GCSE History shows grade 1 and looks wrong, so challenge it",
		Given:       "Amber", Family: "Thistlewood", Born: "2008-03-14", Email: "amber.thistlewood@example.com", Gender: "2", PostCode: "ZZ10 1AA",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001000", Title: "Miss", Middle: "Rose", School: "Harrowmere Academy", Street: "3 Tern Walk", Town: "Harrowmere",
			PostCode: "ZZ10 1AA", Ability: "1", Version: "2", Created: "2022-09-12", Updated: "2024-10-01",
		}},
		EventsCode: "WSRC0004", Found: "9900001000", Incoming: "9900001000",
		Events: []event{
			fromAO(fernley, school, gcse, both12, qan(1), "GCSE in English Language", "7", "2024-08-22"),
			fromAO(fernley, school, gcse, both12, qan(2), "GCSE in English Literature", "8", "2024-08-22"),
			fromAO(fernley, school, gcse, both12, qan(3), "GCSE in Mathematics", "7", "2024-08-22"),
			fromAO(fernley, school, gcse, both12, qan(4), "GCSE in Biology", "8", "2024-08-22"),
			fromAO(fernley, school, gcse, both12, qan(5), "GCSE in Chemistry", "7", "2024-08-22"),
			fromAO(fernley, school, gcse, both12, qan(6), "GCSE in Physics", "6", "2024-08-22"),
			fromAO(alderway, school, gcse, both12, qan(7), "GCSE in History", "1", "2024-08-22"),
			fromAO(alderway, school, gcse, both12, qan(8), "GCSE in Geography", "7", "2024-08-22"),
			fromAO(alderway, school, gcse, both12, qan(9), "GCSE in Spanish", "6", "2024-08-22"),
			fromAO(alderway, school, gcse, both12, qan(10), "GCSE in Art and Design", "9", "2024-08-22"),
			fromAO(fernley, sixthForm, "Project", level3, qan(11), "Level 3 Extended Project", "B", "2025-08-14"),
			fromAO(fernley, sixthForm, aLevel, level3, qan(12), "Level 3 Advanced GCE in Biology", "A", "2026-08-13"),
			fromAO(fernley, sixthForm, aLevel, level3, qan(13), "Level 3 Advanced GCE in Chemistry", "B", "2026-08-13"),
			fromAO(alderway, sixthForm, aLevel, level3, qan(14), "Level 3 Advanced GCE in History", "A*", "2026-08-13"),
		},
	},
	{
		File: "adult-60-events", Subject: "cuYgDZCSTo6n2zCHx2AsCg", ULN: "9900001019",
		Description: "Adult with 60 events over 15 years, from GCSEs to a Level 5 diploma: for paging, filters, sorting and long views",
		Given:       "Idris", Family: "Pennarth", Born: "1995-01-30", Email: "idris.pennarth@example.wales", Gender: "1", PostCode: "ZZ10 4BD",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001019", Title: "Mr", School: "Harrowmere Academy", Street: "Flat 2, 40 Quay Row", Town: "Northwater",
			PostCode: "ZZ10 4BD", Ability: "1", Version: "9", Created: "2009-10-05", Updated: "2026-09-18",
		}},
		EventsCode: "WSRC0004", Found: "9900001019", Incoming: "9900001019",
		Events: career,
	},
	{
		File: "every-dirty-value", Subject: "moqyI2c-Y7gs0j-U51jrvg", ULN: "9900001027", handWritten: true,
		Description: "One of every kind of dirty value the LRS sends: stand-ins, impossible dates, unknown codes, duplicates; for showing data quality honestly",
		Given:       "Odette", Family: "Muckleford", Born: "1989-06-02", Email: "odette.muckleford@example.com", PostCodes: []string{"ZZ12 5MU"},
	},
	{
		File: "no-events", Subject: "Sr_o8J3AO0k8cVq97qVa4g", ULN: "9900001035",
		Description: "Has a register entry but no events at all: the empty record",
		Given:       "Tobias", Family: "Quarrell", Born: "2004-11-11", Email: "tobias.quarrell@example.com", Gender: "1", PostCode: "ZZ11 2CE",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001035", Title: "Mr", School: "Not known", Street: "17 Lantern Hill", Town: "Stonevale",
			PostCode: "ZZ11 2CE", Ability: "0", Version: "1", Created: "2026-09-07", Updated: "2026-09-07",
		}},
		EventsCode: "WSRC0004", Found: "9900001035", Incoming: "9900001035",
	},
	{
		File: "under-18", Subject: "EZCZ5Fg2u_bDdeiiHZw9pQ", ULN: "9900001043",
		Description: "Aged 16 (in 2026) with this summer's GCSEs, two still provisional: links get the shorter life and the use limit of under-18s",
		Given:       "Priya", Family: "Wexcombe", Born: "2010-05-19", Email: "priya.wexcombe@example.com", Gender: "2", PostCode: "ZZ10 1CG",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001043", Title: "Miss", School: "Harrowmere Academy", Street: "9 Tern Walk", Town: "Harrowmere",
			PostCode: "ZZ10 1CG", Ability: "1", Version: "1", Created: "2024-09-09", Updated: "2024-09-09",
		}},
		EventsCode: "WSRC0004", Found: "9900001043", Incoming: "9900001043",
		Events: []event{
			fromAO(fernley, school, gcse, both12, qan(1), "GCSE in English Language", "6", "2026-08-20"),
			fromAO(fernley, school, gcse, both12, qan(2), "GCSE in English Literature", "5", "2026-08-20").provisional(),
			fromAO(fernley, school, gcse, both12, qan(3), "GCSE in Mathematics", "9", "2026-08-20"),
			fromAO(fernley, school, "GCSE (9 to 1) Double Award", both12, qan(15), "GCSE in Combined Science", "87", "2026-08-20"),
			fromAO(alderway, school, gcse, both12, qan(16), "GCSE in Computer Science", "8", "2026-08-20"),
			fromAO(alderway, school, gcse, both12, qan(8), "GCSE in Geography", "6", "2026-08-20"),
			fromAO(alderway, school, gcse, both12, qan(17), "GCSE in Religious Studies", "U", "2026-08-20").provisional(),
			fromAO(brackwater, school, "BTEC Tech Award", both12, qan(18), "Tech Award in Enterprise", "D*", "2026-08-20"),
		},
	},
	{
		File: "restricted", Subject: "Jm6I7K9uSoQxgqzekYncA0", ULN: "9900001051",
		Group:       "sensitive",
		Description: "Restricted under the sensitive learners policy: never bound automatically, shares hide provider and place, need a PIN, last 7 days at most",
		Given:       "Rowan", Family: "Harbottle", Born: "1998-07-23", Email: "rowan.harbottle@example.com", Gender: "9", PostCode: "ZZ99 9ZZ",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001051", Title: "Mx", School: "Not known", Street: "Not disclosed", Town: "Not disclosed",
			PostCode: "ZZ99 9ZZ", Ability: "1", Version: "4", Created: "2012-10-02", Updated: "2025-02-11", Restricted: true,
		}},
		EventsCode: "WSRC0004", Found: "9900001051", Incoming: "9900001051",
		Events: []event{
			fromNPD(fernley, school, gcseAG, qan(101), "GCSE in English Language", "B", "2014-08-21"),
			fromNPD(fernley, school, gcseAG, qan(103), "GCSE in Mathematics", "C", "2014-08-21"),
			fromAO(brackwater, college, "BTEC National Diploma", level3, qan(120), "Level 3 National Diploma in Health and Social Care", "DDM", "2016-07-08"),
			fromAO(brackwater, trainer, "Certificate", level2, qan(121), "Level 2 Certificate in Counselling Skills", "Pass", "2023-06-30"),
		},
	},
	{
		File: "linked-uln", Subject: "FkYFtSDVm3J7eNHSQWGqjA", ULN: "9900001078",
		Description: "Had two numbers: the older one (9900001086) was merged into this one and leads to the same record",
		Given:       "Leonard", Family: "Ashgrove-Finch", Born: "1984-12-05", Email: "leonard.ashgrove-finch@example.com", Gender: "1", PostCode: "ZZ12 7HT",
		FindCode: "WSRC0022",
		Register: []entry{{
			ULN: "9900001078", Title: "Mr", Preferred: "Len", School: "Not known", Street: "88 Orchard Bank", Town: "Stonevale",
			PostCode: "ZZ12 7HT", Ability: "1", Linked: "9900001086", Version: "6", Created: "2008-09-30", Updated: "2019-05-14",
		}},
		EventsCode: "WSRC0022", Found: "9900001078", Incoming: "9900001086",
		Events: []event{
			fromILR(adultCentre, "Functional Skills", qan(205), "Functional Skills English at Level 1", "2012-09-17", "2013-05-24"),
			fromAO(alderway, adultCentre, "Functional Skills", level1, qan(205), "Functional Skills English at Level 1", "Pass", "2013-05-24"),
			fromAO(alderway, adultCentre, "Functional Skills", level2, qan(206), "Functional Skills English at Level 2", "Pass", "2014-05-30"),
			fromAO(alderway, adultCentre, "Functional Skills", level2, qan(207), "Functional Skills Mathematics at Level 2", "Fail", "2014-06-06"),
			fromAO(alderway, adultCentre, "Functional Skills", level2, qan(207), "Functional Skills Mathematics at Level 2", "Pass", "2015-02-13"),
			fromILR(trainer, "NVQ", qan(210), "NVQ in Warehousing and Storage", "2016-01-11", "2017-03-31"),
			fromAO(brackwater, trainer, "NVQ", level2, qan(210), "Level 2 NVQ Certificate in Warehousing and Storage", "Pass", "2017-03-31"),
			fromAO(brackwater, trainer, "Certificate", level2, qan(211), "Level 2 Award in Forklift Truck Operations", "Pass", "2019-04-26"),
		},
	},
	{
		File: "not-shared", Subject: "hPV2gCKVIHdDdav0bdzkrA", ULN: "9900001094",
		Description: "Opted not to share at the LRS (WSEC0206): a register entry, no events, and a record marked as not shared upstream",
		Given:       "Hattie", Family: "Brackenbury", Born: "2001-02-17", Email: "hattie.brackenbury@example.com", Gender: "2", PostCode: "ZZ13 3JL",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001094", Title: "Ms", School: "Harrowmere Academy", Street: "1 Fuller's Yard", Town: "Harrowmere",
			PostCode: "ZZ13 3JL", Ability: "2", Version: "3", Created: "2015-09-21", Updated: "2017-11-03",
		}},
		EventsCode: "WSEC0206", Found: "9900001094", Incoming: "9900001094",
	},
	{
		File: "welsh-medium", Subject: "s1yAvzeBVSr-AqKPSxeRQQ", ULN: "9900001108",
		Description: "Welsh-medium assessments and letters with circumflex in names and subjects: for Welsh text from record to recipient",
		Given:       "Siân", Family: "Glasfryn", Born: "2006-04-03", Email: "sian.glasfryn@example.wales", Gender: "2", PostCode: "ZZ20 5PW",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001108", Title: "Miss", Middle: "Tŵr", School: "Ysgol Gyfun Glan Tywarch", Street: "2 Rhes y Bont", Town: "Llanfelyn-y-cwm",
			PostCode: "ZZ20 5PW", Ability: "1", Version: "2", Created: "2020-09-14", Updated: "2024-09-02",
		}},
		EventsCode: "WSRC0004", Found: "9900001108", Incoming: "9900001108",
		Events: []event{
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(301), "TGAU Cymraeg Iaith Gyntaf", "A*", "2022-08-25").in("Cymraeg"),
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(302), "TGAU Llenyddiaeth Gymraeg", "A", "2022-08-25").in("Cymraeg"),
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(303), "TGAU Mathemateg – Rhifedd", "B", "2022-08-25").in("Cymraeg"),
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(304), "TGAU Mathemateg", "B", "2022-08-25").in("Cymraeg"),
			fromAO(tairAfon, ysgol, "GCSE (A* to G) Double Award", both12, qan(305), "TGAU Gwyddoniaeth (Dwyradd)", "AB", "2022-08-25").in("Cymraeg"),
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(306), "TGAU Hanes: gwŷr a môr", "A", "2022-08-25").in("Welsh"),
			fromAO(tairAfon, ysgol, gcseAG, both12, qan(307), "GCSE in English Language", "B", "2022-08-25"),
			fromAO(tairAfon, ysgol, aLevel, level3, qan(308), "Lefel 3 TAG Uwch: Cymraeg Iaith Gyntaf", "A", "2024-08-15").in("Cymraeg"),
			fromAO(tairAfon, ysgol, aLevel, level3, qan(309), "Lefel 3 TAG Uwch: Cerddoriaeth", "B", "2024-08-15").in("Welsh"),
			fromAO(tairAfon, ysgol, "Certificate", level3, qan(310), "Tystysgrif Her Sgiliau Uwch", "A", "2024-08-15").in("Cymraeg"),
		},
	},
	{
		File: "same-name-1", Subject: "j9cxZ14PlbcjKP7VShvDjA", ULN: "9900001116",
		Description: "One of two people with the same name and date of birth (postcode ZZ14 1AB): binding must never mix them up",
		Given:       "Jordan", Family: "Marlowe", Born: "2003-10-08", Email: "jordan.marlowe.1@example.com", Gender: "1", PostCode: "ZZ14 1AB",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001116", Title: "Mr", School: "Harrowmere Academy", Street: "52 Pipit Road", Town: "Harrowmere",
			PostCode: "ZZ14 1AB", Ability: "1", Version: "1", Created: "2017-09-18", Updated: "2017-09-18",
		}},
		EventsCode: "WSRC0004", Found: "9900001116", Incoming: "9900001116",
		Events: []event{
			fromNPD(fernley, school, gcse, qan(1), "GCSE in English Language", "5", "2020-08-20"),
			fromNPD(fernley, school, gcse, qan(3), "GCSE in Mathematics", "6", "2020-08-20"),
			fromAO(brackwater, college, "T Level", level3, qan(130), "T Level in Digital Production", "Merit", "2022-08-18"),
		},
	},
	{
		File: "same-name-2", Subject: "nG4pq3NcGNSx2S0dmh0yFQ", ULN: "9900001124",
		Description: "The other of two people with the same name and date of birth (postcode ZZ15 8QR), with another record",
		Given:       "Jordan", Family: "Marlowe", Born: "2003-10-08", Email: "jordan.marlowe.2@example.com", Gender: "2", PostCode: "ZZ15 8QR",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001124", Title: "Ms", School: "Ysgol Gyfun Glan Tywarch", Street: "6 Coopers Green", Town: "Millbeck",
			PostCode: "ZZ15 8QR", Ability: "1", Version: "1", Created: "2017-09-25", Updated: "2017-09-25",
		}},
		EventsCode: "WSRC0004", Found: "9900001124", Incoming: "9900001124",
		Events: []event{
			fromNPD(tairAfon, ysgol, gcseAG, qan(307), "GCSE in English Language", "A", "2020-08-20"),
			fromNPD(tairAfon, ysgol, gcseAG, qan(304), "GCSE in Mathematics", "D", "2020-08-20"),
			fromAO(alderway, sixthForm, aLevel, level3, qan(140), "Level 3 Advanced GCE in Drama and Theatre", "A", "2022-08-18"),
			fromAO(alderway, sixthForm, aLevel, level3, qan(141), "Level 3 Advanced GCE in Sociology", "C", "2022-08-18"),
		},
	},
	{
		File: "events-only", Subject: "94dk09cx5AdOGkQkBlUCDg", ULN: "9900001132",
		Description: "Events but no register entry: the API shows no name and no date of birth, and protects like an under-18",
		Given:       "Kofi", Family: "Larkhall", Born: "1999-05-27", Email: "kofi.larkhall@example.com", PostCodes: []string{"ZZ21 3AB"},
		EventsCode: "WSRC0004", Found: "9900001132", Incoming: "9900001132",
		Events: []event{
			fromAO(brackwater, college, "Certificate", level2, qan(150), "Level 2 Certificate in Food Preparation and Cooking", "Merit", "2018-06-29"),
			fromAO(brackwater, college, "Diploma", level3, qan(151), "Level 3 Diploma in Professional Cookery", "Distinction", "2020-07-03"),
			fromAO(alderway, nobody, "Award", level2, qan(152), "Level 2 Award in Food Safety in Catering", "Pass", "2022-11-08"),
		},
	},
	{
		File: "changed-name", Subject: "zIZtBLk9pPzpWXDL2vDtiw", ULN: "9900001140",
		Description: "Changed her name (apostrophe, hyphen, preferred and previous name), and one event is already under challenge at the LRS",
		Given:       "Niamh", Family: "O'Dowd-Pellew", Born: "1991-08-15", Email: "niamh.odowd-pellew@example.com", Gender: "2", PostCode: "ZZ16 2VN",
		PreviousNames: []name{{"Niamh", "Rushbrooke"}},
		FindCode:      "WSRC0004",
		Register: []entry{{
			ULN: "9900001140", Title: "Dr", Middle: "Bríd", Preferred: "Neve", Previous: "Rushbrooke", At16: "Rushbrooke",
			School: "Harrowmere Academy", Street: "The Old Forge", Town: "Kestrelway", PostCode: "ZZ16 2VN", Ability: "-1", Version: "5",
			Created: "2008-01-22", Updated: "2021-07-09",
		}},
		EventsCode: "WSRC0004", Found: "9900001140", Incoming: "9900001140",
		Events: []event{
			fromAO(fernley, sixthForm, "GCE AS level", level3, qan(160), "Level 3 Advanced Subsidiary GCE in French", "B", "2012-08-16"),
			fromAO(fernley, sixthForm, aLevel, level3, qan(161), "Level 3 Advanced GCE in Mathematics", "A", "2013-08-15"),
			fromAO(fernley, sixthForm, aLevel, level3, qan(162), "Level 3 Advanced GCE in Physics", "E", "2013-08-15").challenged(),
			fromAO(alderway, trainer, "Certificate", level4, qan(163), "Level 4 Certificate in Education and Training", "Pass", "2018-12-14"),
		},
	},
	{
		File: "credits-and-basic-skills", Subject: "rEdAIF_qD1IHlAKr0JLEuA", ULN: "9900001159",
		Description: "Came back to learning at 45: Entry Level and Functional Skills, then QCF units with credits towards a certificate",
		Given:       "Derek", Family: "Stannery", Born: "1968-03-21", Email: "derek.stannery@example.com", Gender: "1", PostCode: "ZZ11 6WX",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001159", Title: "Mr", School: "Not known", Street: "Caravan 4, Mill Lane", Town: "Stonevale",
			PostCode: "ZZ11 6WX", Ability: "1", Version: "2", Created: "2013-01-15", Updated: "2016-03-08",
		}},
		EventsCode: "WSRC0004", Found: "9900001159", Incoming: "9900001159",
		Events: []event{
			fromILR(adultCentre, "Basic Skills", qan(170), "Reading and Writing: Entry 3", "2013-01-21", "2013-07-05"),
			fromAO(alderway, adultCentre, "Functional Skills", "Entry Level", qan(171), "Functional Skills English at Entry 3", "Pass", "2013-07-05"),
			fromAO(alderway, adultCentre, "Functional Skills", level1, qan(205), "Functional Skills English at Level 1", "Pass", "2014-06-20"),
			fromAO(alderway, adultCentre, "Functional Skills", level1, qan(172), "Functional Skills Mathematics at Level 1", "Fail", "2014-06-27"),
			fromQCF(brackwater, adultCentre, level1, unit(401), "Introduction to Horticulture: Tools and Safety", 2, "2013-11-29"),
			fromQCF(brackwater, adultCentre, level1, unit(402), "Sow Seeds in Containers", 3, "2014-03-28"),
			fromQCF(brackwater, adultCentre, level1, unit(403), "Plant Bulbs in the Ground", 3, "2014-11-07"),
			fromQCF(brackwater, adultCentre, level2, unit(404), "Identify Plants by Their Botanical Names", 5, "2015-05-15"),
			fromAO(brackwater, adultCentre, "QCF", level1, qan(173), "Level 1 Certificate in Practical Horticulture", "Pass", "2015-07-10"),
		},
	},
	{
		File: "not-verified", Subject: "AN9ZZ7WJfF87-X2wAqEVqA", ULN: "9900001167",
		Description: "In the register, but the LRS could not verify the learner when asked for events (WSEC0208): no events arrive",
		Given:       "Zofia", Family: "Brindlewick", Born: "2000-06-30", Email: "zofia.brindlewick@example.com", Gender: "2", PostCode: "ZZ17 4TK",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001167", Title: "Ms", School: "Not known", Street: "29 Saltern Close", Town: "Northwater",
			PostCode: "ZZ17 4TK", Ability: "1", Version: "1", Created: "2019-02-26", Updated: "2019-02-26",
		}},
		EventsCode: "WSEC0208", Incoming: "9900001167",
	},
	{
		File: "possible-match", Subject: "fVRwJIWniPajqIpvqiFmQw",
		Group:       "several-matches",
		Description: "Bound to nothing: the register has two candidates (WSRC0003) and neither is imported; for trying to claim a record",
		Given:       "Alex", Family: "Winterhey", Born: "2002-01-05", Email: "alex.winterhey@example.com", Gender: "9", PostCode: "ZZ18 9DD",
		FindCode: "WSRC0003",
		Register: []entry{
			{
				ULN: "9900001175", Title: "Mx", School: "Harrowmere Academy", Street: "11 Curlew Street", Town: "Harrowmere",
				PostCode: "ZZ18 9DD", Ability: "1", Version: "1", Created: "2016-10-10", Updated: "2016-10-10",
			},
			{
				ULN: "9900001183", Title: "Mx", School: "Not known", Street: "70 Lantern Hill", Town: "Stonevale",
				PostCode: "ZZ11 2CF", Ability: "0", Version: "1", Created: "2020-12-01", Updated: "2020-12-01",
			},
		},
	},
	{
		File: "no-match", Subject: "CLfLsODWY611xlmZBq-I-A",
		Group:       "no-match",
		Description: "Bound to nothing: the register knows nobody of this name (WSRC0001)",
		Given:       "Meredith", Family: "Fallowgate", Born: "1996-09-09", Email: "meredith.fallowgate@example.wales", Gender: "2", PostCode: "ZZ19 5RB",
		FindCode: "WSRC0001",
	},
}
