//go:build ignore

package main

// claimants are the people for claiming a record, with and without success: none
// is bound to one at the start. The first of them have answers, the others are
// no more than accounts.
var claimants = []*person{
	{
		File: "to-claim", Subject: "QRWaANupGVnC9hE1M9P6zw", ULN: "9900001191", Unbound: true,
		Group:       "to-claim",
		Description: "Can claim a record: by the number 9900001191, or by the postcode alone",
		Given:       "Callum", Family: "Westerdale", Born: "1997-02-24", Email: "callum.westerdale@example.com", Gender: "1", PostCode: "ZZ21 4RG",
		PostCodes: []string{"ZZ21 4RG", "ZZ13 8LT"},
		FindCode:  "WSRC0004",
		Register: []entry{{
			ULN: "9900001191", Title: "Mr", School: "Harrowmere Academy", Street: "14 Ropewalk", Town: "Kestrelway",
			PostCode: "ZZ21 4RG", Ability: "1", Version: "2", Created: "2011-09-12", Updated: "2018-01-22",
		}},
		EventsCode: "WSRC0004", Found: "9900001191", Incoming: "9900001191",
		Events: []event{
			fromNPD(fernley, school, gcseAG, qan(101), "GCSE in English Language", "C", "2013-08-22"),
			fromNPD(fernley, school, gcseAG, qan(103), "GCSE in Mathematics", "B", "2013-08-22"),
			fromAO(brackwater, college, "BTEC National Diploma", level3, qan(180), "Level 3 National Diploma in Engineering", "DMM", "2015-07-10"),
		},
	},
	{
		File: "to-claim-changed-name", Subject: "1kw4s34a-5CvPEMGpNfYxQ", ULN: "9900001205", Unbound: true,
		Group:       "to-claim",
		Description: "Can claim 9900001205: only an earlier name (Tarrow) is known both to the register and to the provider of identity",
		Given:       "Bethan", Family: "Oakhanger", Born: "1987-10-30", Email: "bethan.wrenfield@example.wales", Gender: "2", PostCode: "ZZ20 7HD",
		FamilyNow: "Wrenfield", PreviousNames: []name{{"Bethan", "Tarrow"}}, PostCodes: []string{"ZZ22 9BN", "ZZ20 7HD"},
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001205", Title: "Mrs", Previous: "Tarrow", At16: "Tarrow", School: "Ysgol Gyfun Glan Tywarch", Street: "5 Lôn Las",
			Town: "Llanfelyn-y-cwm", PostCode: "ZZ20 7HD", Ability: "1", Version: "4", Created: "2009-02-17", Updated: "2016-06-13",
		}},
		EventsCode: "WSRC0004", Found: "9900001205", Incoming: "9900001205",
		Events: []event{
			fromILR(adultCentre, "Functional Skills", qan(207), "Functional Skills Mathematics at Level 2", "2012-09-10", "2013-06-28"),
			fromAO(alderway, adultCentre, "Certificate", level3, qan(181), "Level 3 Certificate in Bookkeeping", "Pass", "2014-12-05"),
		},
	},
	{
		File: "to-claim-restricted", Subject: "YXbJDhQ4BUKjD7A6Br0PtA", ULN: "9900001213", Unbound: true,
		Group:       "sensitive",
		Description: "Everything agrees with 9900001213, but that record is restricted: claiming it must look as if nothing matched",
		Given:       "Linden", Family: "Marchbank", Born: "1994-04-12", Email: "linden.marchbank@example.com", Gender: "9", PostCode: "ZZ23 6QF",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001213", Title: "Mx", School: "Not known", Street: "Not disclosed", Town: "Not disclosed",
			PostCode: "ZZ23 6QF", Ability: "1", Version: "3", Created: "2010-11-08", Updated: "2024-07-01", Restricted: true,
		}},
		EventsCode: "WSRC0004", Found: "9900001213", Incoming: "9900001213",
		Events: []event{
			fromAO(alderway, college, "Certificate", level2, qan(121), "Level 2 Certificate in Counselling Skills", "Pass", "2022-06-24"),
		},
	},
	{
		File: "registered-twice-1", Subject: "Qnrku2xqx_hBBw2-_cfOew", ULN: "9900001221", Unbound: true,
		Group:       "several-matches",
		Description: "Registered twice with everything the same (9900001221 and 9900001248): several match until the number is given",
		Given:       "Harriet", Family: "Coldbrook", Born: "2000-12-11", Email: "harriet.coldbrook@example.com", Gender: "2", PostCode: "ZZ24 1WS",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001221", Title: "Miss", School: "Harrowmere Academy", Street: "Lock Cottage", Town: "Millbeck",
			PostCode: "ZZ24 1WS", Ability: "1", Version: "1", Created: "2015-09-07", Updated: "2015-09-07",
		}},
		EventsCode: "WSRC0004", Found: "9900001221", Incoming: "9900001221",
		Events: []event{
			fromNPD(fernley, school, gcse, qan(1), "GCSE in English Language", "6", "2017-08-24"),
		},
	},
	{
		File: "registered-twice-2", ULN: "9900001248", unlisted: true,
		Description: "The other register entry of the person registered twice",
		Given:       "Harriet", Family: "Coldbrook", Born: "2000-12-11", Email: "harriet.coldbrook@example.com", Gender: "2", PostCode: "ZZ24 1WS",
		FindCode: "WSRC0004",
		Register: []entry{{
			ULN: "9900001248", Title: "Miss", School: "Not known", Street: "Lock Cottage", Town: "Millbeck",
			PostCode: "ZZ24 1WS", Ability: "1", Version: "1", Created: "2018-10-01", Updated: "2018-10-01",
		}},
		EventsCode: "WSRC0004", Found: "9900001248", Incoming: "9900001248",
		Events: []event{
			fromAO(brackwater, college, "T Level", level3, qan(130), "T Level in Digital Production", "Pass", "2020-08-13"),
		},
	},
	{
		Subject: "pGtpR9mtF2MnK02qd5v5jQ", ULN: "9900001000", Unbound: true,
		Group:       "already-bound",
		Description: "A second account of the school leaver, whose record is bound to the first: claiming it must not succeed",
		Given:       "Amber", Family: "Thistlewood", Born: "2008-03-14", Email: "amber.again@example.com", PostCode: "ZZ10 1AA",
	},
	{
		Subject:     "YEjrtpMHyedfDfFPSYLK2Q",
		Group:       "identity-fails",
		Description: "Signs in, but cannot prove who they are: the proof of identity comes back with return code N",
		Given:       "Marcus", Family: "Netherby", Born: "2009-08-06", Email: "marcus.netherby@example.com", PostCode: "ZZ25 2KJ",
		ReturnCodes: []string{"N"},
	},
	{
		Subject:     "QclT3Cl5eOdo_1u5y-3wTQ",
		Group:       "other",
		Description: "Staff, no learner: a caseworker, who decides the claims that need a person to look at them",
		Given:       "Imogen", Family: "Saltmarsh", Born: "1980-05-02", Email: "imogen.saltmarsh@example.com", PostCode: "ZZ26 3TN",
		Role: "caseworker",
	},
}
