package lrs

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"openplr/plr"
)

// Read reads the LRS's answers from r and hands each to fn as soon as it is
// complete. The file may be one SOAP envelope, several one after the other, or
// any root element around many: memory is bounded by the largest answer. Today
// decides which award dates lie in the future.
//
// What cannot be kept is in Answer.Rejects. The error is a *ReadError when the
// file could not be read to its end, or had no answer at all; fn's own error
// ends the reading and is returned as it is. Answer belongs to fn.
func Read(r io.Reader, today plr.Date, fn func(*Answer) error) error {
	f := &file{xmlReader: newXMLReader(r), today: today, fn: fn}
	err := f.read()
	if err == nil && f.answers == 0 {
		return f.fail(RejectNoAnswer)
	}
	return err
}

// file is one reading of one file.
type file struct {
	*xmlReader
	today   plr.Date
	fn      func(*Answer) error
	answers int

	// body is the depth of the SOAP body we are in, 0 outside; bodyAnswers are
	// the answers it had so far.
	body, bodyAnswers int

	// Used for one element at a time, kept for their memory.
	head, event, learner fields
}

// answerReaders reads what may stand in a SOAP body. The result is here too,
// for files that carry results without their envelope.
var answerReaders = map[string]func(*file, *Answer) error{
	"GetLearnerLearningEventsResponse": (*file).readLearningEventsResponse,
	"GetLearnerLearningEventsResult":   (*file).readLearningEvents,
	"FindLearnerResponse":              (*file).readLearners,
	"Fault":                            (*file).readFault,
}

func (f *file) read() error {
	for {
		token, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			// Between documents only white space and byte order marks may stand:
			// a text file is not an XML file without answers.
			if f.depth == 0 && strings.Trim(string(t), " \t\r\n\ufeff") != "" {
				return f.fail(RejectMalformedXML)
			}
		case xml.StartElement:
			if err := f.open(t.Name.Local); err != nil {
				return err
			}
		case xml.EndElement:
			if err := f.closed(); err != nil {
				return err
			}
		}
	}
}

// open looks at an element outside of any answer.
func (f *file) open(name string) error {
	read, known := answerReaders[name]
	switch {
	case known:
		return f.answer(read)
	case f.body != 0:
		return f.answer((*file).readUnknown)
	case name == "Body":
		f.body, f.bodyAnswers = f.depth, 0
	}
	return nil
}

// closed notices the end of a SOAP body. One that was empty is refused like an
// answer: somebody expected one there.
func (f *file) closed() error {
	if f.body == 0 || f.depth >= f.body {
		return nil
	}
	f.body = 0
	if f.bodyAnswers > 0 {
		return nil
	}
	return f.answer(func(_ *file, a *Answer) error {
		a.Kind, a.Outcome = KindUnknown, OutcomeUnknown
		a.refuse("Body", RejectMissing, "")
		return nil
	})
}

// answer reads one answer and hands it on.
func (f *file) answer(read func(*file, *Answer) error) error {
	f.answers++
	f.bodyAnswers++
	a := &Answer{Number: f.answers, Line: f.line()}
	if err := read(f, a); err != nil {
		return err
	}
	f.src.nextAnswer()
	return f.fn(a)
}
