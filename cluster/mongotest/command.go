package mongotest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Command is what a client asked for.
type Command struct {
	Name       string // as the driver writes it: "find", "findAndModify"
	Database   string
	Collection string // "" when the command is on none
	// Body is the command's document, without the documents below.
	Body bson.Raw
	// Documents are those of an insert, and the statements of an update or delete.
	Documents []bson.Raw
	// Client is the address of the connection the command came by.
	Client net.Addr
	// Retried says that the same write was answered before.
	Retried bool

	session string
	txn     int64
}

// Action says what becomes of a command. The zero Action forwards it.
type Action struct {
	// Before and After are called around the forwarding; After also when the
	// answer is dropped.
	Before, After func()
	// Delay and Hold put the forwarding off: for a time, until the channel is closed.
	Delay time.Duration
	Hold  <-chan struct{}
	// DropBefore cuts the connection in place of forwarding.
	DropBefore bool
	// DropReply forwards, then cuts the connection in place of answering.
	DropReply bool
	// Reply is answered in place of forwarding: see NotPrimary.
	Reply bson.D
}

// NotPrimary is the answer of a server that has just stepped down.
func NotPrimary() bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: "not primary"}, {Key: "code", Value: int32(10107)},
		{Key: "codeName", Value: "NotWritablePrimary"}, {Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}}
}

var errDropped = errors.New("mongotest: the connection is to be cut")

// handle gives the answer to one message, or an error to cut the connection.
func (f *Front) handle(client, backend net.Conn, m *message) ([]byte, error) {
	if m.op == opQuery { // an old way to say hello
		reply, err := exchange(backend, m.raw)
		if err != nil {
			return nil, err
		}
		return reply.withDocument(f.hello(reply.document())), nil
	}
	c, err := m.command(client.RemoteAddr())
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(c.Name) {
	case "hello", "ismaster":
		reply, err := exchange(backend, m.raw)
		if err != nil {
			return nil, err
		}
		return reply.withDocument(f.hello(reply.document())), nil
	case "ping", "endsessions":
		reply, err := exchange(backend, m.raw)
		if err != nil {
			return nil, err
		}
		return reply.raw, nil
	}
	if fault := c.unstable(); fault != "" {
		return m.answer(mustMarshal(bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: int32(323)},
			{Key: "codeName", Value: "APIStrictError"}, {Key: "errmsg", Value: fault}})), nil
	}
	f.mu.Lock()
	intercept := f.intercept
	f.mu.Unlock()
	var act Action
	if intercept != nil {
		c.Retried = f.server.answered(c) != nil
		act = intercept(c)
	}
	return f.act(act, c, backend, m)
}

func (f *Front) act(act Action, c *Command, backend net.Conn, m *message) ([]byte, error) {
	if act.Delay > 0 {
		<-time.After(act.Delay)
	}
	if act.Hold != nil {
		<-act.Hold
	}
	if act.Before != nil {
		act.Before()
	}
	if act.DropBefore {
		return nil, errDropped
	}
	if act.Reply != nil {
		return m.answer(mustMarshal(act.Reply)), nil
	}
	reply, err := f.forward(c, backend, m)
	if err != nil {
		return nil, err
	}
	if act.After != nil {
		act.After()
	}
	if act.DropReply {
		return nil, errDropped
	}
	return reply, nil
}

// forward has the server do the command, alone on its database, and not again
// when it was done before.
func (f *Front) forward(c *Command, backend net.Conn, m *message) ([]byte, error) {
	defer f.server.lock(c.Database).Unlock()
	if before := f.server.answered(c); before != nil {
		return m.answer(before), nil
	}
	reply, err := exchange(backend, m.raw)
	if err != nil {
		return nil, err
	}
	f.server.remember(c, reply.document())
	return reply.raw, nil
}

func exchange(backend net.Conn, raw []byte) (*message, error) {
	if _, err := backend.Write(raw); err != nil {
		return nil, err
	}
	reply, err := readMessage(backend)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("mongotest: the server cut the connection")
	}
	return reply, err
}

// stable are the commands of the stable API that a client may send, others are
// refused: FerretDB itself would let anything pass.
var stable = map[string]bool{
	"abortTransaction": true, "aggregate": true, "authenticate": true, "bulkWrite": true, "collMod": true,
	"commitTransaction": true, "count": true, "create": true, "createIndexes": true, "delete": true, "drop": true,
	"dropDatabase": true, "dropIndexes": true, "explain": true, "find": true, "findAndModify": true,
	"findandmodify": true, "getMore": true, "insert": true, "killCursors": true, "listCollections": true,
	"listDatabases": true, "listIndexes": true, "ping": true, "refreshSessions": true, "update": true,
}

// unstable says what the command lacks for the stable API, version 1, strict.
func (c *Command) unstable() string {
	version, _ := c.Body.Lookup("apiVersion").StringValueOK()
	strict, _ := c.Body.Lookup("apiStrict").BooleanOK()
	switch {
	case c.Name == "getMore":
		return "" // takes the fields of the command that opened the cursor
	case version != "1" || !strict:
		return fmt.Sprintf("%s does not ask for the stable API, version 1, strict", c.Name)
	case !stable[c.Name]:
		return fmt.Sprintf("%s is not in the stable API", c.Name)
	}
	return ""
}

// hello makes a replica set's primary of what FerretDB says about itself.
func (f *Front) hello(said bson.Raw) bson.Raw {
	var out bson.D
	if err := bson.Unmarshal(said, &out); err != nil || !isOK(said) {
		return said
	}
	ours := bson.D{
		{Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true}, {Key: "secondary", Value: false},
		{Key: "setName", Value: "test"}, {Key: "setVersion", Value: int32(1)}, {Key: "hosts", Value: bson.A{f.addr}},
		{Key: "me", Value: f.addr}, {Key: "primary", Value: f.addr}, {Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
	}
	for _, e := range out {
		replaced := e.Key == "topologyVersion"
		for _, o := range ours {
			replaced = replaced || o.Key == e.Key
		}
		if !replaced {
			ours = append(ours, e)
		}
	}
	return mustMarshal(ours)
}

func isOK(reply bson.Raw) bool {
	ok, is := reply.Lookup("ok").AsFloat64OK()
	return is && ok == 1
}

func mustMarshal(v any) bson.Raw {
	out, err := bson.Marshal(v)
	if err != nil {
		panic(err) // only documents written in this file come here
	}
	return out
}
