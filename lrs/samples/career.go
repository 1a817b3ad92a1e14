//go:build ignore

package main

// career is the adult's 60 events, from school in 2011 to a diploma in 2026,
// mixed as real records are: results, units, stand-ins for grades, refreshers.
var career = []event{
	// School.
	fromNPD(fernley, school, gcseAG, qan(101), "GCSE in English Language", "C", "2011-08-25"),
	fromNPD(fernley, school, gcseAG, qan(102), "GCSE in English Literature", "D", "2011-08-25"),
	fromNPD(fernley, school, gcseAG, qan(103), "GCSE in Mathematics", "C", "2011-08-25"),
	fromNPD(fernley, school, gcseAG, qan(104), "GCSE in Science", "B", "2011-08-25"),
	fromNPD(fernley, school, gcseAG, qan(105), "GCSE in Additional Science", "C", "2011-08-25"),
	fromNPD(alderway, school, gcseAG, qan(106), "GCSE in Design and Technology: Resistant Materials", "A", "2011-08-25"),
	fromNPD(alderway, school, gcseAG, qan(107), "GCSE in Geography", "C", "2011-08-25"),
	fromNPD(alderway, school, gcseAG, qan(108), "GCSE in French", "E", "2011-08-25"),
	fromNPD(alderway, school, gcseAG, qan(109), "GCSE in Religious Studies", "D", "2011-08-25"),
	fromNPD(alderway, school, gcseAG, qan(110), "GCSE in Information and Communication Technology", "B", "2011-08-25"),

	// College: taking part, twelve units, the qualification, basic skills.
	fromILR(college, "BTEC National Certificate", qan(501), "Level 3 National Certificate in Engineering", "2011-09-05", "2013-07-05"),
	fromQCF(brackwater, college, level3, unit(501), "Health and Safety in the Engineering Workplace", 10, "2011-12-16"),
	fromQCF(brackwater, college, level3, unit(502), "Communications for Technicians", 10, "2012-02-10"),
	fromQCF(brackwater, college, level3, unit(503), "Mathematics for Technicians", 10, "2012-03-30"),
	fromQCF(brackwater, college, level3, unit(504), "Electrical and Electronic Principles", 10, "2012-05-11"),
	fromQCF(brackwater, college, level3, unit(505), "Mechanical Principles and Applications", 10, "2012-06-29"),
	fromQCF(brackwater, college, level3, unit(506), "Properties and Applications of Materials", 10, "2012-07-06"),
	fromQCF(brackwater, college, level3, unit(507), "Computer-aided Drafting", 10, "2012-11-23"),
	fromQCF(brackwater, college, level3, unit(508), "Engineering Maintenance Procedures", 10, "2012-12-14"),
	fromQCF(brackwater, college, level3, unit(509), "Programmable Controllers", 10, "2013-02-15"),
	fromQCF(brackwater, college, level3, unit(510), "Fluid Power", 10, "2013-03-22"),
	fromQCF(brackwater, college, level3, unit(511), "Three-phase Motors and Drives", 5, "2013-05-17"),
	fromQCF(brackwater, college, level3, unit(512), "Engineering Project", 15, "2013-06-28"),
	fromAO(brackwater, college, "BTEC National Certificate", level3, qan(501), "Level 3 National Certificate in Engineering", "DM", "2013-07-05"),
	fromAO(alderway, college, "Functional Skills", level2, qan(206), "Functional Skills English at Level 2", "Pass", "2012-06-15"),
	fromAO(alderway, college, "Functional Skills", level2, qan(207), "Functional Skills Mathematics at Level 2", "Pass", "2012-06-22"),

	// Apprenticeship.
	fromILR(trainer, "NVQ", qan(510), "NVQ in Electrical and Electronic Engineering", "2013-09-02", "2015-05-29"),
	fromAO(brackwater, trainer, "Award", level2, qan(511), "Level 2 Award in Employment Rights and Responsibilities", "Pass", "2014-03-21"),
	fromAO(brackwater, trainer, "Certificate", level3, qan(512), "Level 3 Certificate in Engineering Technical Knowledge", "Merit", "2015-04-24"),
	fromAO(brackwater, trainer, "NVQ", level3, qan(510), "Level 3 NVQ Extended Diploma in Electrical and Electronic Engineering", "Pass", "2015-05-29"),

	// What the job asks for, again and again.
	fromAO(alderway, trainer, "Award", level3, qan(520), "Level 3 Award in First Aid at Work", "Pass", "2013-10-11"),
	fromAO(alderway, trainer, "Award", level3, qan(520), "Level 3 Award in First Aid at Work", "Pass", "2016-10-07"),
	fromAO(alderway, trainer, "Award", level3, qan(520), "Level 3 Award in First Aid at Work", "Pass", "2019-10-04"),
	fromAO(alderway, trainer, "Award", level3, qan(521), "Level 3 Award in First Aid at Work", "Pass", "2022-09-30"),
	fromAO(alderway, trainer, "Award", level3, qan(521), "Level 3 Award in First Aid at Work", "Pass", "2025-09-26"),
	fromAO(alderway, trainer, "Award", level2, qan(522), "Level 2 Award in Health and Safety in the Workplace", "Pass", "2014-01-17"),
	fromAO(alderway, nobody, "Award", level2, qan(523), "Level 2 Award in Manual Handling", "Pass", "2015-11-13"),
	fromAO(alderway, nobody, "Award", level2, qan(524), "Level 2 Award in the Safe Use of Abrasive Wheels", "Pass", "2016-05-20"),
	fromAO(alderway, nobody, "Award", level2, qan(525), "Level 2 Award in Control of Hazardous Substances", "Pass", "2017-02-03"),
	fromAO(brackwater, trainer, "Award", level3, qan(526), "Level 3 Award in Requirements for Electrical Installations", "Pass", "2018-12-07"),
	fromAO(alderway, trainer, "Certificate", level3, qan(527), "Level 3 Certificate in Managing Health and Safety", "Merit", "2019-03-15"),

	// Higher technical, in the evenings.
	fromILR(college, "Higher National Certificate", qan(530), "Level 4 Higher National Certificate in Engineering", "2017-09-18", "2019-07-12"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(531), "Engineering Design", "M", "2018-02-09"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(532), "Engineering Mathematics", "P", "2018-04-20"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(533), "Engineering Science", "M", "2018-06-15"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(534), "Managing a Professional Engineering Project", "D", "2018-07-06"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(535), "Automation, Robotics and Controllers", "D", "2018-12-14"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(536), "Electrical Machines", "M", "2019-03-29"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(537), "Quality and Process Improvement", "M", "2019-05-24"),
	fromAO(brackwater, college, "Higher National Unit", level4, qan(538), "Maintenance Engineering", "P", "2019-06-28"),
	fromAO(brackwater, college, "Higher National Certificate", level4, qan(530), "Level 4 Higher National Certificate in Engineering", "Merit", "2019-07-12"),

	// Leading and teaching others.
	fromAO(alderway, trainer, "Award", level2, qan(540), "Level 2 Award in Team Leading", "Pass", "2020-02-14"),
	fromAO(alderway, adultCentre, "Essential Digital Skills", level1, qan(541), "Level 1 Essential Digital Skills", "Pass", "2020-11-27"),
	fromAO(tairAfon, adultCentre, "Award", "Entry Level", qan(542), "Cymraeg i Oedolion: Mynediad", "Pass", "2021-06-18").in("Cymraeg"),
	fromAO(alderway, trainer, "Diploma", level3, qan(543), "Level 3 Diploma in Management", "Pass", "2021-12-10"),
	fromAO(alderway, trainer, "Award", level3, qan(544), "Level 3 Award in Assessing Competence in the Work Environment", "Pass", "2022-05-13"),
	fromAO(alderway, trainer, "Certificate", level5, qan(545), "Level 5 Certificate in Coaching and Mentoring", "Pass", "2023-07-21"),
	fromAO(alderway, trainer, "Award", level4, qan(546), "Level 4 Award in Internal Quality Assurance", "Pass", "2024-03-08"),
	fromAO(brackwater, college, "Certificate", level4, qan(547), "Level 4 Certificate in Data Analysis for Engineers", "Distinction", "2024-11-29"),
	fromAO(brackwater, college, "Diploma", level5, qan(548), "Level 5 Diploma in Engineering Management", "Distinction", "2026-08-28"),
}
