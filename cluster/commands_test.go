package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"openplr/plr"
	"openplr/store/mongostore"
	"openplr/store/storetest"
)

// sent is one command that the driver sent.
type sent struct {
	name       string
	body       bson.Raw
	inDeadline bool
}

// recorder notes every command.
type recorder struct {
	mu   sync.Mutex
	sent []sent
}

func (r *recorder) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(ctx context.Context, e *event.CommandStartedEvent) {
		_, bounded := ctx.Deadline()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sent = append(r.sent, sent{e.CommandName, slices.Clone(e.Command), bounded})
	}}
}

func (r *recorder) take() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.sent
	r.sent = nil
	return out
}

// cold are the calls nobody waits for at a page: they may ask every shard. So may
// a claim, which a learner makes once, and the list that caseworkers work by.
var cold = map[string]bool{
	"HasRecords": true, "Ping": true, "Purge": true, "Migrate": true, "MissingIndexes": true, "RecordsMatching": true, "ReviewCases": true,
}

func TestCommands(t *testing.T) {
	front := server(t)
	r := &recorder{}
	uri, _ := database(t, front)
	s := openStore(t, uri, patience, r.monitor())
	seen := map[string]int{}
	watch := func(name string, call func(context.Context) error) {
		r.take()
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, c := range r.take() {
			seen[c.name]++
			checkCommand(t, name, c)
		}
	}
	watch("Migrate", s.Migrate)
	watch("MissingIndexes", func(ctx context.Context) error {
		missing, err := s.MissingIndexes(ctx)
		if len(missing) > 0 {
			t.Errorf("missing after a migration: %v", missing)
		}
		return err
	})
	storetest.EachCall(t, s, watch)
	linked := storetest.NewULN()
	watch("ImportRecords", func(ctx context.Context) error {
		u, v := storetest.Update(storetest.NewULN(), 1), storetest.Update(storetest.NewULN(), 1)
		u.Linked = []plr.ULN{linked}
		_, err := s.ImportRecords(ctx, []plr.RecordUpdate{u, v, u}, storetest.T0)
		return err
	})
	watch("Record of a linked number", func(ctx context.Context) error {
		_, err := s.Record(ctx, linked)
		return err
	})
	watch("AccessEntries of one link from a place on", func(ctx context.Context) error {
		q := plr.AccessQuery{LinkID: "lnk_1", Results: []plr.AccessResult{plr.AccessFrozen}, BeforeAt: storetest.T0, BeforeID: "acc_1", Limit: 9}
		_, _, err := s.AccessEntries(ctx, linked, q)
		return err
	})
	for _, dry := range []bool{true, false} {
		watch("Purge", func(ctx context.Context) error {
			_, err := s.Purge(ctx, plr.DueAt(storetest.T0.AddDate(100, 0, 0)), dry)
			return err
		})
	}
	for _, name := range []string{"find", "insert", "update", "delete", "findAndModify", "aggregate", "createIndexes", "listIndexes", "ping"} {
		if seen[name] == 0 {
			t.Errorf("no %s was seen: the test watches less than it says", name)
		}
	}
}

// checkCommand checks a command against what the store promises of each.
func checkCommand(t *testing.T, call string, c sent) {
	t.Helper()
	fault := func(what string) {
		t.Helper()
		t.Errorf("%s sends %s %s: %s", call, c.name, collectionOf(c), what)
	}
	switch c.name {
	case "find", "aggregate", "getMore", "listIndexes", "ping":
	case "insert", "update", "delete", "findAndModify", "createIndexes":
		if w, _ := c.body.Lookup("writeConcern", "w").StringValueOK(); w != "majority" {
			fault("its write concern is not majority")
		}
		if j, _ := c.body.Lookup("writeConcern", "j").BooleanOK(); !j {
			fault("its write concern is without the journal")
		}
	default:
		fault("it is not on the list")
	}
	if c.name == "find" || c.name == "aggregate" {
		if level, _ := c.body.Lookup("readConcern", "level").StringValueOK(); level != "majority" && level != "linearizable" {
			fault("its read concern is " + level)
		}
	}
	if mode, ok := c.body.Lookup("$readPreference", "mode").StringValueOK(); ok && mode != "primary" {
		fault("it may be answered by a secondary")
	}
	if version, _ := c.body.Lookup("apiVersion").StringValueOK(); version != "1" {
		fault("it does not ask for the stable API")
	}
	if strict, _ := c.body.Lookup("apiStrict").BooleanOK(); !strict {
		fault("it does not ask for the stable API alone")
	}
	// The driver sends no maxTimeMS with a query for many documents, whose cursor
	// would die with it; then the connection's deadline bounds it, at whose end the
	// server stops working for a client that has gone.
	if !c.inDeadline {
		fault("its caller has no deadline")
	}
	one, _ := c.body.Lookup("singleBatch").BooleanOK()
	if limit, ok := c.body.Lookup("maxTimeMS").AsInt64OK(); (!ok || limit <= 0) && (c.name != "find" || one) {
		fault("it has no maxTimeMS")
	}
	for _, q := range queriesOf(t, c) {
		if q.change != nil {
			checkChange(t, call, c, q.change)
		}
		if !cold[call] && !q.equal(layoutOf(t, c).ShardKey) {
			fault("it asks every shard: " + q.filter.String())
		}
		if why := q.unserved(layoutOf(t, c)); why != "" && call != "HasRecords" {
			fault(why + ": " + q.filter.String() + " sort " + q.sort.String())
		}
	}
}

// checkChange lets only plain update operators pass, and replacements of
// documents that are not written part by part.
func checkChange(t *testing.T, call string, c sent, change bson.Raw) {
	t.Helper()
	elements, _ := change.Elements()
	for _, e := range elements {
		name := e.Key()
		if !strings.HasPrefix(name, "$") {
			if collectionOf(c) == "sharing" {
				t.Errorf("%s replaces a whole Sharing document: what a newer version added would be lost", call)
			}
			return
		}
		if !slices.Contains([]string{"$set", "$unset", "$inc", "$max"}, name) {
			t.Errorf("%s uses %s", call, name)
		}
	}
}

func collectionOf(c sent) string {
	name, _ := c.body.Index(0).Value().StringValueOK()
	return name
}

func layoutOf(t *testing.T, c sent) mongostore.Layout {
	t.Helper()
	for _, l := range mongostore.Layouts() {
		if l.Name == collectionOf(c) {
			return l
		}
	}
	t.Fatalf("a collection that is not in the table: %s", collectionOf(c))
	return mongostore.Layout{}
}

// query is what a command looks documents up by.
type query struct {
	filter, sort, change bson.Raw
}

func queriesOf(t *testing.T, c sent) (out []query) {
	t.Helper()
	doc := func(v bson.RawValue) bson.Raw { d, _ := v.DocumentOK(); return d }
	each := func(list string, do func(bson.Raw)) {
		values, _ := c.body.Lookup(list).Array().Values()
		for _, v := range values {
			do(doc(v))
		}
	}
	switch c.name {
	case "find":
		out = append(out, query{filter: doc(c.body.Lookup("filter")), sort: doc(c.body.Lookup("sort"))})
	case "findAndModify":
		out = append(out, query{filter: doc(c.body.Lookup("query")), change: doc(c.body.Lookup("update"))})
	case "update":
		each("updates", func(u bson.Raw) {
			if multi, _ := u.Lookup("multi").BooleanOK(); multi {
				t.Error("an update of several documents is not repeated by the driver when its answer is lost")
			}
			out = append(out, query{filter: doc(u.Lookup("q")), change: doc(u.Lookup("u"))})
		})
	case "delete":
		each("deletes", func(d bson.Raw) { out = append(out, query{filter: doc(d.Lookup("q"))}) })
	case "aggregate": // only to count
		stages, _ := c.body.Lookup("pipeline").Array().Values()
		if len(stages) != 2 || doc(stages[0]).Index(0).Key() != "$match" || doc(stages[1]).Index(0).Key() != "$group" {
			t.Errorf("an aggregation that does more than count: %s", c.body.Lookup("pipeline"))
			return nil
		}
		out = append(out, query{filter: doc(doc(stages[0]).Lookup("$match"))})
	}
	return out
}

// equal says whether the filter names the field's value, or several of them.
func (q query) equal(name string) bool {
	v, err := q.filter.LookupErr(name)
	if err != nil {
		return false
	}
	d, isDocument := v.DocumentOK()
	if !isDocument {
		return true
	}
	elements, _ := d.Elements()
	return len(elements) > 0 && elements[0].Key() == "$in"
}

// unserved says why neither _id nor an index of the table serves the query: it
// must narrow the search by its first fields, and give the order asked for.
func (q query) unserved(l mongostore.Layout) string {
	if q.equal("_id") {
		return ""
	}
	elements, _ := q.sort.Elements()
	for _, fields := range l.Indexes {
		i, narrow := 0, false
		for i < len(fields) && q.equal(strings.TrimPrefix(fields[i], "-")) {
			i, narrow = i+1, true
		}
		if i < len(fields) && !narrow {
			_, err := q.filter.LookupErr(strings.TrimPrefix(fields[i], "-"))
			narrow = err == nil // a range on the first field
		}
		ordered := len(fields)-i >= len(elements)
		for n := 0; ordered && n < len(elements); n++ {
			direction, _ := elements[n].Value().AsInt64OK()
			want := elements[n].Key()
			if direction < 0 {
				want = "-" + want
			}
			ordered = fields[i+n] == want
		}
		if narrow && ordered {
			return ""
		}
	}
	return "no index serves it"
}
