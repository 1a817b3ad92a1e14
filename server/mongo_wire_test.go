package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mongoWire answers MongoDB's wire protocol with documents that a test chooses,
// by the command's name. It is no database: it is for findings that a good
// server does not give.
type mongoWire struct {
	listener net.Listener
	answer   func(command string, body bson.Raw) bson.D
}

func newMongoWire(t *testing.T, answer func(command string, body bson.Raw) bson.D) *mongoWire {
	t.Helper()
	m := &mongoWire{listener: freeListener(t), answer: answer}
	t.Cleanup(func() { _ = m.listener.Close() })
	go func() {
		for {
			conn, err := m.listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				var err error
				for err == nil {
					err = m.serve(conn)
				}
			}()
		}
	}()
	return m
}

func (m *mongoWire) url() string {
	return "mongodb://" + m.listener.Addr().String() + "/records?directConnection=true"
}

// Operation codes of the protocol.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

// serve answers one message.
func (m *mongoWire) serve(conn net.Conn) error {
	head := make([]byte, 16)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	rest := make([]byte, binary.LittleEndian.Uint32(head)-16)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return err
	}
	code := binary.LittleEndian.Uint32(head[12:])
	var body bson.Raw
	switch code {
	case opMsg:
		body = rest[5:] // flags and the kind of the section
	case opQuery:
		end := 4
		for rest[end] != 0 {
			end++
		}
		body = rest[end+9:] // the collection's name, two numbers
	default:
		return errors.New("an unknown operation")
	}
	body = body[:binary.LittleEndian.Uint32(body)]
	first, err := body.IndexErr(0)
	if err != nil {
		return err
	}
	document, err := bson.Marshal(append(m.answer(first.Key(), body), bson.E{Key: "ok", Value: 1}))
	if err != nil {
		return err
	}
	out := make([]byte, 16)
	copy(out[8:], head[4:8]) // the answer to that request
	if code == opMsg {
		binary.LittleEndian.PutUint32(out[12:], opMsg)
		out = append(out, 0, 0, 0, 0, 0)
	} else {
		binary.LittleEndian.PutUint32(out[12:], opReply)
		out = append(out, make([]byte, 16)...)
		out = append(out, 1, 0, 0, 0)
	}
	out = append(out, document...)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	_, err = conn.Write(out)
	return err
}
