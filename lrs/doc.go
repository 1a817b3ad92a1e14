// Package lrs speaks the formats of the Learning Records Service (LRS): it reads
// the answers of its web service, turns them into the domain's types and brings
// them into the store. The sample learners that ship with the project are files
// in the same format, read by the same code.
//
// What lives here, one concern per file:
//
//	read.go             finding answers in a file: [Read]
//	read_events.go      one GetLearnerLearningEvents answer
//	read_learners.go    one FindLearner answer
//	read_fault.go       SOAP faults and what is no known answer
//	xml.go, source.go   XML without surprises: no DTD, bounded depth and memory
//	answer.go           what an answer is, and what it asks the store to change
//	outcome.go          the LRS's response codes
//	learning_event.go   22 wire fields to one plr.LearningEvent
//	register_entry.go   the allow-list of register fields
//	text.go             which texts are kept at all
//	dropped.go          counting fields that are not kept
//	reject.go           what is refused, and the words for it
//	importer.go         files into the store, in batches: [Importer]
//	file.go, summary.go what goes in, and what is told about it
//	samples.go          the sample learners; samples/ holds them
//
// What may be touched: only plr is imported. A new answer of the LRS gets a
// read_ file and a line in read.go's table; a new event field a line in
// learning_event.go. The wire names are the LRS's and must stay as they are.
//
// # Two kinds of trouble
//
// A dirty value is kept as received and marked (plr.DataQualityNote), because
// which value is right is not ours to say. A reject is something that cannot be
// kept at all: it is counted, written to the rejects file and makes the import
// fail at its end. Answers such as "not shared" or "no match" are neither.
//
// # No personal data leaves by the back door
//
// Errors, rejects and summaries name places (file, answer, event, line), fields
// and codes, never a value: no ULN, no name, no text of the file.
package lrs
