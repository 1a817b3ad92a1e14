package mongostore

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"openplr/plr"
)

const (
	// defaultTimeout is what an operation may take when Config says nothing.
	defaultTimeout = 2 * time.Second
	// heartbeat is how often a server is asked how it is. The driver asks at once
	// when an operation waits, but can lose that wish; this bounds the harm.
	heartbeat = time.Second
	// retryAfter is told to whoever met a store that could not answer.
	retryAfter = time.Second
	// defaultPool bounds the connections when the URI does not.
	defaultPool = 100
	// defaultDatabase is used when the URI names none.
	defaultDatabase = "openplr"
)

// indexTimeout bounds the building of one collection's indexes.
const indexTimeout = time.Hour

// ErrURI is all that is said about a URI that cannot be used: it holds a password.
var ErrURI = errors.New("mongostore: the connection string is not one: it has the form mongodb://user:password@host1,host2/database?options")

// ErrHost is all that is said about a mongodb+srv URI whose hosts cannot be
// looked up now: the name service is asked when a store is opened.
var ErrHost = errors.New("mongostore: the hosts of the connection string cannot be looked up")

// Config says where the database is and how long it may take.
type Config struct {
	// URI names the servers, the database (openplr when none) and TLS. What it
	// says about concerns, preferences and retries is overruled.
	URI string
	// Timeout bounds each operation of the store; 2 seconds when zero.
	// ImportRecords and Purge are bounded step by step.
	Timeout time.Duration
	// Monitor sees every command, for tests. Commands hold personal data.
	Monitor *event.CommandMonitor
	// AppName is what the server's log calls this program; openplr when empty.
	AppName string
}

// Store is a plr.Store and a plr.RetentionStore. It is safe for concurrent use.
type Store struct {
	client  *mongo.Client
	db      *mongo.Database
	timeout time.Duration
	breaker *breaker
	queue   *queue
	now     func() time.Time
	closed  atomic.Bool
}

var (
	_ plr.Store          = (*Store)(nil)
	_ plr.RetentionStore = (*Store)(nil)
)

// Open prepares a store without waiting for the database: whether it answers is
// Ping's business. The errors are ErrURI and ErrHost.
func Open(c Config) (*Store, error) {
	parsed, o, err := parse(c.URI)
	if err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.AppName == "" {
		c.AppName = "openplr"
	}
	if parsed.Database == "" {
		parsed.Database = defaultDatabase
	}
	if o.MaxPoolSize == nil || *o.MaxPoolSize == 0 { // zero would mean without bound
		o.SetMaxPoolSize(defaultPool)
	}
	majority := writeconcern.Majority()
	majority.Journal = new(true)
	o.SetAppName(c.AppName).SetTimeout(c.Timeout).
		SetServerSelectionTimeout(c.Timeout * 3 / 4).SetConnectTimeout(c.Timeout).SetHeartbeatInterval(heartbeat).
		SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion1).SetStrict(true)).
		SetWriteConcern(majority).SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetRetryReads(true).SetRetryWrites(true).SetMonitor(c.Monitor).
		SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true})
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, ErrURI
	}
	now := time.Now //nolint:forbidigo // only to measure how long the server takes; it decides nothing of the domain
	return &Store{
		client: client, db: client.Database(parsed.Database), timeout: c.Timeout,
		breaker: &breaker{now: now}, queue: newQueue(), now: now,
	}, nil
}

// lookUpTime bounds how long a name service may take.
const lookUpTime = 10 * time.Second

// parse reads the URI. The driver looks up the hosts of mongodb+srv meanwhile,
// without a bound of its own.
func parse(uri string) (*connstring.ConnString, *options.ClientOptions, error) {
	type result struct {
		parsed *connstring.ConnString
		o      *options.ClientOptions
		err    error
	}
	done := make(chan result, 1)
	go func() {
		parsed, err := connstring.ParseAndValidate(uri)
		if err != nil {
			done <- result{err: err}
			return
		}
		o := options.Client().ApplyURI(uri)
		done <- result{parsed, o, o.Validate()}
	}()
	select {
	case r := <-done:
		if errors.As(r.err, new(*net.DNSError)) {
			return nil, nil, ErrHost
		}
		if r.err != nil {
			return nil, nil, ErrURI
		}
		return r.parsed, r.o, nil
	case <-time.After(lookUpTime):
		return nil, nil, ErrHost
	}
}

// Ping implements plr.Store.
func (s *Store) Ping(ctx context.Context) error {
	ctx, done := s.begin(ctx)
	defer done()
	return s.command(ctx, func(ctx context.Context) error {
		return s.db.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err()
	})
}

// Close implements plr.Store. It waits for what is under way, for a while.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	ctx, done := context.WithTimeout(context.Background(), defaultTimeout)
	defer done()
	if err := s.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return plr.Unavailable(err, retryAfter)
	}
	return nil
}

// begin bounds an operation: every command, wait and new attempt of it together.
func (s *Store) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}
