package lrs

import (
	"bufio"
	"errors"
	"io"
)

// Limits far above real answers (about 1 KB an event, some dozens of events)
// and far below what would hurt: the file as a whole has no limit.
const (
	maxTokenBytes  = 1 << 20  // one tag, text or comment
	maxAnswerBytes = 16 << 20 // one answer and what stands before it
	maxDepth       = 32       // real answers reach 8
)

var errTooLarge = errors.New("lrs: too large")

// source feeds the XML decoder byte by byte and stops it before a single token
// or answer outgrows memory. The decoder buffers a token in full before anyone
// can look at it, so the limit must sit below the decoder.
type source struct {
	in *bufio.Reader
	// token and answer are the bytes still allowed.
	token, answer int
	// failed is the fault of the input, as opposed to one of the XML.
	failed error
}

func newSource(r io.Reader) *source {
	s := &source{in: bufio.NewReaderSize(r, 64<<10)}
	s.nextToken()
	s.nextAnswer()
	return s
}

func (s *source) nextToken()  { s.token = maxTokenBytes }
func (s *source) nextAnswer() { s.answer = maxAnswerBytes }

// ReadByte is what the decoder calls, since source is an io.ByteReader.
func (s *source) ReadByte() (byte, error) {
	if s.token == 0 || s.answer == 0 {
		return 0, errTooLarge
	}
	b, err := s.in.ReadByte()
	switch {
	case err == nil:
		s.token--
		s.answer--
	case errors.Is(err, io.EOF):
		// The decoder knows the bare error only; it tells a good end from a bad one.
		err = io.EOF
	default:
		s.failed = err
	}
	return b, err
}

// Read makes source an io.Reader, which the decoder's constructor asks for.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}
