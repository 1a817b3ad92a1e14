package mongotest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The operations of the wire protocol that occur.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

const (
	headerSize  = 16
	maxMessage  = 48_000_000
	replyPrefix = headerSize + 20 // flags, cursor, start and count come before an OP_REPLY's document
	msgPrefix   = headerSize + 5  // flags and the kind of the first section
)

// message is one message of the wire protocol, whole.
type message struct {
	raw []byte
	op  uint32
}

func readMessage(r io.Reader) (*message, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n < headerSize || n > maxMessage {
		return nil, fmt.Errorf("mongotest: a message of %d bytes", n)
	}
	raw := make([]byte, n)
	copy(raw, size[:])
	if _, err := io.ReadFull(r, raw[4:]); err != nil {
		return nil, err
	}
	return &message{raw: raw, op: binary.LittleEndian.Uint32(raw[12:])}, nil
}

// document is the answer's document.
func (m *message) document() bson.Raw {
	from := msgPrefix
	if m.op == opReply {
		from = replyPrefix
	}
	if len(m.raw) < from+4 {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(m.raw[from:]))
	if size > len(m.raw)-from {
		return nil
	}
	return m.raw[from : from+size]
}

// withDocument is the same answer with another document.
func (m *message) withDocument(doc bson.Raw) []byte {
	from := msgPrefix
	if m.op == opReply {
		from = replyPrefix
	}
	out := append(bytes.Clone(m.raw[:from]), doc...)
	binary.LittleEndian.PutUint32(out, uint32(len(out))) //nolint:gosec // far below maxMessage
	return out
}

// answer is an OP_MSG that answers m with doc.
func (m *message) answer(doc bson.Raw) []byte {
	out := make([]byte, msgPrefix, msgPrefix+len(doc))
	copy(out[8:], m.raw[4:8]) // responseTo: the request's number
	binary.LittleEndian.PutUint32(out[12:], opMsg)
	out = append(out, doc...)
	binary.LittleEndian.PutUint32(out, uint32(len(out))) //nolint:gosec // far below maxMessage
	return out
}

// command reads an OP_MSG.
func (m *message) command(client net.Addr) (*Command, error) {
	if m.op != opMsg {
		return nil, fmt.Errorf("mongotest: operation %d", m.op)
	}
	c := &Command{Client: client}
	flags := binary.LittleEndian.Uint32(m.raw[headerSize:])
	rest := m.raw[headerSize+4:]
	if flags&1 != 0 && len(rest) >= 4 { // a checksum ends the message
		rest = rest[:len(rest)-4]
	}
	if flags&^(1|1<<16) != 0 { // 1<<16: the client would take more than one answer
		return nil, fmt.Errorf("mongotest: flags %x", flags)
	}
	for len(rest) > 0 {
		var err error
		if rest, err = c.section(rest); err != nil {
			return nil, err
		}
	}
	return c, c.read()
}

var errMalformed = errors.New("mongotest: a malformed message")

func (c *Command) section(rest []byte) ([]byte, error) {
	kind, rest := rest[0], rest[1:]
	if len(rest) < 4 {
		return nil, errMalformed
	}
	size := int(binary.LittleEndian.Uint32(rest))
	if size < 4 || size > len(rest) {
		return nil, errMalformed
	}
	part, rest := rest[:size], rest[size:]
	if kind == 0 {
		c.Body = part
		return rest, c.Body.Validate()
	}
	_, docs, found := bytes.Cut(part[4:], []byte{0}) // the name of the sequence
	for len(docs) > 0 {
		if len(docs) < 4 {
			return nil, errMalformed
		}
		n := int(binary.LittleEndian.Uint32(docs))
		if n < 5 || n > len(docs) {
			return nil, errMalformed
		}
		c.Documents, docs = append(c.Documents, docs[:n]), docs[n:]
	}
	if !found {
		return nil, errMalformed
	}
	return rest, nil
}

// read takes what a Command says from its body.
func (c *Command) read() error {
	first, err := c.Body.IndexErr(0)
	if err != nil {
		return errMalformed
	}
	c.Name = first.Key()
	c.Collection, _ = first.Value().StringValueOK()
	if c.Name == "getMore" {
		c.Collection, _ = c.Body.Lookup("collection").StringValueOK()
	}
	c.Database, _ = c.Body.Lookup("$db").StringValueOK()
	for _, name := range []string{"documents", "updates", "deletes"} {
		if list, ok := c.Body.Lookup(name).ArrayOK(); ok {
			values, err := list.Values()
			if err != nil {
				return errMalformed
			}
			for _, v := range values {
				if doc, ok := v.DocumentOK(); ok {
					c.Documents = append(c.Documents, doc)
				}
			}
		}
	}
	if _, id, ok := c.Body.Lookup("lsid", "id").BinaryOK(); ok {
		c.session = hex.EncodeToString(id)
	}
	c.txn, _ = c.Body.Lookup("txnNumber").AsInt64OK()
	return nil
}
