package storetest

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"openplr/plr"
)

// Run checks a backend against the whole contract. open gives an empty store
// of the test's own and closes it when the test ends; closing it twice must do
// no harm. Run under -race.
func Run(t *testing.T, open func(t *testing.T) plr.Store) { run(t, open, false) }

// RunApart is Run with a store for every case, where the cases of a group would
// share one: for a server to which the documents of others cost more than it is
// worth to be disturbed by them.
func RunApart(t *testing.T, open func(t *testing.T) plr.Store) { run(t, open, true) }

func run(t *testing.T, open func(t *testing.T) plr.Store, apart bool) {
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			var s plr.Store
			if !apart {
				s = open(t)
			}
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					if apart {
						c.run(t, open(t))
					} else {
						c.run(t, s)
					}
				})
			}
		})
	}
	for _, c := range slices.Concat(lifecycle, retentionCases, reviewListCases) {
		t.Run("lifecycle/"+c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

// testCase is one promise. Those of a group share a store and run at once, so
// that they also disturb each other: each keeps to learners of its own.
type testCase struct {
	name string
	run  func(t *testing.T, s plr.Store)
}

var groups = []struct {
	name  string
	cases []testCase
}{
	{"records", recordCases},
	{"matching", matchCases},
	{"accounts", accountCases},
	{"notices", noticeCases},
	{"identities", identityCases},
	{"review cases", reviewCases},
	{"sharing", sharingCases},
	{"share links", shareLinkCases},
	{"guesses", guessCases},
	{"claims", claimCases},
	{"configured views", viewCases},
	{"data challenges", challengeCases},
	{"access entries", accessCases},
	{"idempotency", idempotencyCases},
	{"functions", functionCases},
}

// together calls do n times at once and gives what each call gave.
func together[T any](n int, do func(i int) T) []T {
	out := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			out[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return out
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("unexpected error: %v (cause: %v)", err, errors.Unwrap(err))
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v (cause: %v)", err, errors.Unwrap(err))
	}
}

// refused checks that err is a *plr.Error with the code.
func refused(t *testing.T, err error, code plr.Code) {
	t.Helper()
	var e *plr.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got error %v, want one with code %s", err, code)
	}
}

// same checks that two values say the same. No value and an empty list or map
// are the same; instants are the same when they are written the same, so a
// store must give them back in UTC.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if text(t, got) == text(t, want) {
		return // the usual case, and the cheap one
	}
	if g, w := tree(t, got), tree(t, want); !reflect.DeepEqual(g, w) {
		t.Fatalf("%s:\n got %s\nwant %s", what, text(t, g), text(t, w))
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	ok(t, err)
	return string(out)
}

func tree(t *testing.T, v any) any {
	t.Helper()
	var out any
	ok(t, json.Unmarshal([]byte(text(t, v)), &out))
	return prune(out)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	}
	return v
}

// copyOf copies deeply what same compares.
func copyOf[T any](t *testing.T, v T) T {
	t.Helper()
	var out T
	ok(t, json.Unmarshal([]byte(text(t, v)), &out))
	return out
}

// scribble overwrites everything reachable from a pointer, as a careless owner
// of a value might.
func scribble(v any) { scribbleValue(reflect.ValueOf(v)) }

func scribbleValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			scribbleValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scribbleValue(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribbleValue(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			scribbleValue(v.MapIndex(k)) // what it points to
			v.SetMapIndex(k, reflect.Value{})
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString("scribbled")
		}
	case reflect.Int, reflect.Int64:
		if v.CanSet() {
			v.SetInt(-77)
		}
	case reflect.Bool:
		if v.CanSet() {
			v.SetBool(!v.Bool())
		}
	}
}
