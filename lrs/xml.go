package lrs

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// xmlReader walks through XML by local names. Prefixes differ between callers
// of the same service, and its namespaces differ between its versions, so
// neither decides anything.
type xmlReader struct {
	dec   *xml.Decoder
	src   *source
	depth int
}

func newXMLReader(r io.Reader) *xmlReader {
	src := newSource(r)
	// The decoder is strict and knows the five predefined entities only: both
	// are its defaults, and no charset reader means UTF-8 only.
	return &xmlReader{dec: xml.NewDecoder(src), src: src}
}

// next gives the next token. io.EOF comes only where the XML may end; every
// other error is a *ReadError.
func (x *xmlReader) next() (xml.Token, error) {
	token, err := x.dec.Token()
	x.src.nextToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, x.failure(err)
	}
	switch token.(type) {
	case xml.Directive:
		// A DTD can define entities and point outside. No real answer has one.
		return nil, x.fail(RejectDTD)
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, x.fail(RejectTooDeep)
		}
	case xml.EndElement:
		x.depth--
	}
	return token, nil
}

// failure turns the decoder's error, which quotes the file, into one that does not.
func (x *xmlReader) failure(err error) error {
	switch {
	case errors.Is(err, errTooLarge):
		return x.fail(RejectTooLarge)
	case x.src.failed != nil:
		e := x.fail(RejectCannotRead)
		e.cause = x.src.failed
		return e
	}
	return x.fail(RejectMalformedXML)
}

func (x *xmlReader) fail(code RejectCode) *ReadError {
	line, column := x.dec.InputPos()
	return &ReadError{Code: code, Line: line, Column: column, Offset: x.dec.InputOffset()}
}

func (x *xmlReader) line() int {
	line, _ := x.dec.InputPos()
	return line
}

// children calls each for every child element of the element just opened,
// until that closes. each must read its element to the end.
func (x *xmlReader) children(each func(name string) error) error {
	for {
		token, err := x.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := each(t.Name.Local); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads the element just opened to its end and keeps nothing.
func (x *xmlReader) skip() error {
	return x.children(func(string) error { return x.skip() })
}

// leaf reads the text of the element just opened, which should hold nothing
// else. A text that must not be kept is not returned; fault says why.
func (x *xmlReader) leaf() (text string, fault RejectCode, err error) {
	var b strings.Builder
	for {
		token, err := x.next()
		if err != nil {
			return "", "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			if b.Len() <= maxTextBytes {
				b.Write(t)
			}
		case xml.StartElement:
			fault = RejectNested
			if err := x.skip(); err != nil {
				return "", "", err
			}
		case xml.EndElement:
			if fault != "" {
				return "", fault, nil
			}
			text, fault = cleanText(b.String())
			return text, fault, nil
		}
	}
}

// words reads every text inside the element just opened, at any depth, split
// at white space: for lists whose items' element name is not known for sure.
func (x *xmlReader) words() (words []string, fault RejectCode, err error) {
	for depth := x.depth; x.depth >= depth; {
		token, err := x.next()
		if err != nil {
			return nil, "", err
		}
		if t, ok := token.(xml.CharData); ok {
			words = append(words, strings.Fields(string(t))...)
		}
		if len(words) > maxWords {
			words, fault = words[:0], RejectTooLong
		}
	}
	return words, fault, nil
}

// fields gathers the leaves of one element by name. It is used again and again.
type fields struct {
	values map[string]string
	// name and fault tell the first field that cannot be kept.
	name  string
	fault RejectCode
}

func (f *fields) reset() {
	if f.values == nil {
		f.values = map[string]string{}
	}
	clear(f.values)
	f.name, f.fault = "", ""
}

// read takes the element just opened as the field called name.
func (f *fields) read(x *xmlReader, name string) error {
	text, fault, err := x.leaf()
	if err != nil {
		return err
	}
	// Which of two values is meant nobody can say.
	if _, held := f.values[name]; held && fault == "" {
		fault = RejectRepeated
	}
	f.refuse(name, fault)
	f.values[name] = text
	return nil
}

func (f *fields) refuse(name string, fault RejectCode) {
	if fault != "" && f.fault == "" {
		f.name, f.fault = name, fault
	}
}
