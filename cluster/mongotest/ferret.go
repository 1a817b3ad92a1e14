package mongotest

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Server is one FerretDB and the fronts through which it is reached.
type Server struct {
	*Front // the first one

	backend string

	mu sync.Mutex
	// databases has a lock for each database: see the package's comment.
	databases map[string]*sync.Mutex
	// answers are those to the last write of each driver session.
	answers map[string]answer
	fronts  []*Front
}

// answer is what a write with this number was answered.
type answer struct {
	txn   int64
	reply bson.Raw
}

// Start starts a server that lives as long as the test.
func Start(t testing.TB) *Server {
	t.Helper()
	db, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + dataDir(t) + "/",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = db.Run(ctx)
	}()
	u, err := url.Parse(db.MongoDBURI())
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{backend: u.Host, databases: map[string]*sync.Mutex{}, answers: map[string]answer{}}
	t.Cleanup(func() {
		s.mu.Lock()
		fronts := s.fronts
		s.mu.Unlock()
		for _, f := range fronts {
			f.Stop()
		}
		stop()
		<-ended
	})
	s.Front = s.Listen(t)
	return s
}

// Listen opens another way to the server, with an address, an interceptor and
// faults of its own: one for each replica that a test wants to tell apart.
func (s *Server) Listen(t testing.TB) *Front {
	t.Helper()
	f := &Front{server: s, addr: "127.0.0.1:0"}
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fronts = append(s.fronts, f)
	return f
}

// lock waits until no other command is at work on the database.
func (s *Server) lock(database string) *sync.Mutex {
	s.mu.Lock()
	l := s.databases[database]
	if l == nil {
		l = &sync.Mutex{}
		s.databases[database] = l
	}
	s.mu.Unlock()
	l.Lock()
	return l
}

// answered gives the answer to an earlier sending of the same write.
func (s *Server) answered(c *Command) bson.Raw {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.answers[c.session]; ok && c.txn != 0 && a.txn == c.txn {
		return a.reply
	}
	return nil
}

func (s *Server) remember(c *Command, reply bson.Raw) {
	if c.txn == 0 || !isOK(reply) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[c.session] = answer{c.txn, reply}
}

// dataDir is in memory where there is such a place: no test here outlives a
// power cut, and waiting for a disk would be most of its time.
func dataDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "mongotest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
