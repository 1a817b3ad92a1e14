package lrs

import "fmt"

// RejectCode says why something could not be imported.
type RejectCode string

// Reasons that end the reading of a file.
const (
	RejectCannotRead   RejectCode = "CANNOT_READ"
	RejectMalformedXML RejectCode = "MALFORMED_XML"
	RejectTooLarge     RejectCode = "TOO_LARGE"
	RejectTooDeep      RejectCode = "TOO_DEEP"
	RejectDTD          RejectCode = "DTD_NOT_ALLOWED"
	RejectNoAnswer     RejectCode = "NO_ANSWER"
)

// Reasons that refuse one answer.
const (
	RejectFault               RejectCode = "FAULT"
	RejectUnknownAnswer       RejectCode = "UNKNOWN_ANSWER"
	RejectUnknownResponseCode RejectCode = "UNKNOWN_RESPONSE_CODE"
	RejectInvalidULN          RejectCode = "INVALID_ULN"
	RejectNumbersDiffer       RejectCode = "NUMBERS_DIFFER"
	RejectAmbiguous           RejectCode = "AMBIGUOUS"
	RejectEventsNotExpected   RejectCode = "EVENTS_NOT_EXPECTED"
)

// Reasons that refuse one event, or one answer when they concern its own fields.
const (
	RejectMissing           RejectCode = "MISSING"
	RejectRepeated          RejectCode = "REPEATED"
	RejectNested            RejectCode = "NESTED"
	RejectTooLong           RejectCode = "TOO_LONG"
	RejectControlCharacters RejectCode = "CONTROL_CHARACTERS"
	RejectNotAnEventID      RejectCode = "NOT_AN_EVENT_ID"
)

// The words are fixed, so that no value can slip into them.
var rejectMessages = map[RejectCode]string{
	RejectCannotRead:   "The file could not be read.",
	RejectMalformedXML: "The file is not well-formed XML in UTF-8. Nothing after this place was read.",
	RejectTooLarge:     "A value or an answer is larger than any real one. Nothing after this place was read.",
	RejectTooDeep:      "Elements are nested deeper than in any real answer. Nothing after this place was read.",
	RejectDTD:          "A document type declaration is not allowed. Nothing after this place was read.",
	RejectNoAnswer:     "The file holds no answer of the LRS.",

	RejectFault:               "The LRS answered with a fault.",
	RejectUnknownAnswer:       "This is not an answer that can be imported.",
	RejectUnknownResponseCode: "The response code is not known.",
	RejectInvalidULN:          "The number is not a ULN: its check digit or form is wrong.",
	RejectNumbersDiffer:       "The number found is not the number asked for, and the answer does not say that they are linked.",
	RejectAmbiguous:           "An exact match has more than one learner.",
	RejectEventsNotExpected:   "The answer has learning events although it says that there are none to see.",

	RejectMissing:           "A value without which this cannot be kept is missing.",
	RejectRepeated:          "A field stands here twice.",
	RejectNested:            "A field that should hold a value holds elements.",
	RejectTooLong:           "A value is longer than 500 characters.",
	RejectControlCharacters: "A value has characters that cannot be shown.",
	RejectNotAnEventID:      "The number of the event is not a whole number above zero.",
}

// Message is the reason in a sentence, without any value.
func (c RejectCode) Message() string { return rejectMessages[c] }

// Reject is one refusal, as it is written to the rejects file. It says where
// and why, never what: no field of it holds a value of the learner.
type Reject struct {
	// File is the file's base name, runs of eight and more digits hidden, since
	// files are often named after a number of the learner. FileNumber counts
	// from 1 in the order given and tells files apart. Both are filled by Importer.
	File       string `json:"file"`
	FileNumber int    `json:"fileNumber"`
	// Answer counts from 1 within the file; 0 when the file itself is refused.
	Answer int `json:"answer,omitempty"`
	// Event counts from 1 within the answer; 0 when the answer itself is refused.
	Event int `json:"event,omitempty"`
	// Line counts from 1: where the refused part begins, or reading ended.
	Line int `json:"line,omitempty"`
	// Field is the name on the wire, for example "SubjectCode".
	Field string     `json:"field,omitempty"`
	Code  RejectCode `json:"code"`
	// UpstreamCode is the LRS's own code of a fault or an unknown response.
	UpstreamCode string `json:"upstreamCode,omitempty"`
	Message      string `json:"message"`
}

// ReadError says why reading a file ended early. Answers before it were
// delivered. Its text has a place and a code, nothing of the file.
type ReadError struct {
	Code RejectCode
	// Line and Column count from 1, Column in bytes; Offset is the byte's place
	// in the file.
	Line, Column int
	Offset       int64

	cause error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("lrs: %s at line %d, column %d (byte %d): %s", e.Code, e.Line, e.Column, e.Offset, e.Code.Message())
}

// Unwrap gives the fault of the reader behind CANNOT_READ; nil otherwise.
func (e *ReadError) Unwrap() error { return e.cause }
