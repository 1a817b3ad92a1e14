package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"openplr/plr"
	"openplr/resolvers"
)

// The rows named in these tests are those of the abuse cases in
// facts/security.md, section 4.

// closedCodes is every code a top-level error may have (design/api.md).
var closedCodes = strings.Fields(`BAD_REQUEST METHOD_NOT_ALLOWED UNSUPPORTED_MEDIA_TYPE BODY_TOO_LARGE CSRF_BLOCKED
	AMBIGUOUS_CREDENTIALS GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED QUERY_TOO_COMPLEX PERSISTED_QUERY_NOT_FOUND
	UNAUTHENTICATED SESSION_EXPIRED FORBIDDEN IDENTITY_REQUIRED STEP_UP_REQUIRED BAD_USER_INPUT NOT_FOUND CONFLICT
	RATE_LIMITED UNAVAILABLE INTERNAL`)

// checkCodes fails for an error without a code of the closed list.
func checkCodes(t *testing.T, a *gqlAnswer) {
	t.Helper()
	for _, e := range a.Errors {
		if code, _ := e.Extensions["code"].(string); !slices.Contains(closedCodes, code) || e.Message == "" {
			t.Errorf("an error has the code %q: %.500s", code, a.raw)
		}
	}
}

// countingStore counts what resolvers and the domain ask of the store.
type countingStore struct {
	plr.Store
	calls atomic.Int64
}

func (s *countingStore) Record(ctx context.Context, uln plr.ULN) (*plr.Record, error) {
	s.calls.Add(1)
	return s.Store.Record(ctx, uln)
}

func (s *countingStore) Sharing(ctx context.Context, uln plr.ULN) (*plr.Sharing, error) {
	s.calls.Add(1)
	return s.Store.Sharing(ctx, uln)
}

func (s *countingStore) SecretOwner(ctx context.Context, hash string) (*plr.SecretRef, error) {
	s.calls.Add(1)
	return s.Store.SecretOwner(ctx, hash)
}

func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		_, _ = fmt.Fprintf(&b, strings.ReplaceAll(format, "#", "%[1]d"), i)
	}
	return b.String()
}

// bomb is a document of n fragments of which each spreads the next one twice.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{...F0}")
	for i := range n - 1 {
		_, _ = fmt.Fprintf(&b, " fragment F%d on Query{...F%d ...F%d}", i, i+1, i+1)
	}
	_, _ = fmt.Fprintf(&b, " fragment F%d on Query{learner{learningEvents(first:1){totalCount}}}", n-1)
	return b.String()
}

func TestDocumentLimits(t *testing.T) {
	t.Parallel()
	var store *countingStore
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store {
		store = &countingStore{Store: s}
		return store
	}})
	learner := h.signedIn(samplePeople(t)[0].Subject)

	const refusedOpen = "{learner{configuredViews(first:1){nodes{shareLinks(first:1){nodes{view{shareLinks(first:1){nodes{view{"
	nested := func(levels int) string {
		return "{learner{learningEvents{nodes{" + strings.Repeat("dataChallenges{learningEvent{", levels) + "id" + strings.Repeat("}}", levels) + "}}}}"
	}
	costing := func(atLearner int) string {
		return "{learner{" + strings.Repeat("uln ", atLearner) + "learningEvents(first:100){nodes{" + strings.Repeat("id ", 98) + "}}}}"
	}
	fragments := func(n int) string {
		return "{viewer{" + repeated(n, "...F# ") + "}}" + repeated(n, " fragment F# on Viewer{signedIn}")
	}
	tokens := func(inside int) string { // a directive's use has seven
		return "{viewer{" + strings.Repeat("signedIn@skip(if:false) ", 100) + strings.Repeat("signedIn ", inside-800) + "}}"
	}
	for _, c := range []struct {
		row, name, query string
		code, words      string // no code: it runs
		most             int    // bytes of the answer; 0 for any
	}{
		{row: "1", name: "50 levels", query: nested(25), code: "QUERY_TOO_COMPLEX", words: "deeper than 10"},
		{name: "depth 10", query: refusedOpen + "id}}}}}}}}}}"},
		{name: "depth 11", query: refusedOpen + "preview{asAt}}}}}}}}}}}", code: "QUERY_TOO_COMPLEX", words: "deeper than 10"},
		{row: "2", name: "nested first:100", query: "{learner{configuredViews(first:100){nodes{shareLinks(first:100){nodes{accessHistory(first:100){nodes{id}}}}}}}}", code: "QUERY_TOO_COMPLEX", words: "costs more than 10000"},
		{row: "2", name: "first by variable is counted too", query: "query($n:Int!){learner{configuredViews(first:$n){nodes{shareLinks(first:$n){nodes{accessHistory(first:$n){nodes{id}}}}}}}}", code: "QUERY_TOO_COMPLEX", words: "costs more than 10000"},
		{name: "cost 10000", query: costing(98)},
		{name: "cost 10001", query: costing(99), code: "QUERY_TOO_COMPLEX", words: "costs more than 10000"},
		{row: "3", name: "25 fragments, each spreading the next twice", query: bomb(25), code: "QUERY_TOO_COMPLEX", words: "more than 15 fragments"},
		{row: "3", name: "15 fragments, each spreading the next twice", query: bomb(15), code: "QUERY_TOO_COMPLEX", words: "more than 10 root fields"},
		{name: "15 fragments", query: fragments(15)},
		{name: "16 fragments", query: fragments(16), code: "QUERY_TOO_COMPLEX", words: "more than 15 fragments"},
		{row: "4", name: "3000 aliases", query: "{" + repeated(3000, "a#:learner{id} ") + "}", code: "QUERY_TOO_COMPLEX", words: "1000 tokens"},
		{name: "15 aliases", query: "{viewer{" + repeated(15, "a#:signedIn ") + "}}"},
		{row: "4", name: "16 aliases", query: "{learner{" + repeated(16, "a#:uln ") + "}}", code: "QUERY_TOO_COMPLEX", words: "more than 15 aliases"},
		{row: "4", name: "16 aliases of root fields", query: "{" + repeated(16, "a#:learner{id} ") + "}", code: "QUERY_TOO_COMPLEX", words: "more than 10 root fields"},
		{name: "16 aliases by a fragment spread four times", query: "{learner{...F ...F ...F ...F}} fragment F on Learner{a:uln b:uln c:uln d:uln}", code: "QUERY_TOO_COMPLEX", words: "more than 15 aliases"},
		{name: "10 root fields", query: "{" + repeated(10, "a#:viewer{signedIn} ") + "}"},
		{name: "11 root fields", query: "{" + repeated(11, "a#:learner{id} ") + "}", code: "QUERY_TOO_COMPLEX", words: "more than 10 root fields"},
		{name: "11 root fields behind a fragment", query: "{...R} fragment R on Query{" + repeated(11, "a#:learner{id} ") + "}", code: "QUERY_TOO_COMPLEX", words: "more than 10 root fields"},
		{name: "300 fields", query: "{viewer{" + strings.Repeat("signedIn ", 299) + "}}"},
		{name: "301 fields", query: "{learner{" + strings.Repeat("uln ", 300) + "}}", code: "QUERY_TOO_COMPLEX", words: "more than 300 fields"},
		{name: "1000 tokens", query: tokens(995)},
		{name: "1001 tokens", query: tokens(996), code: "QUERY_TOO_COMPLEX", words: "1000 tokens"},
		{row: "7", name: "4000 directives", query: "{learner{uln" + strings.Repeat("@skip(if:false)", 4000) + "}}", code: "QUERY_TOO_COMPLEX", words: "1000 tokens", most: 1024},
		{row: "7", name: "100 directives on one field", query: "{learner{uln" + strings.Repeat("@skip(if:false)", 100) + "}}", code: "GRAPHQL_VALIDATION_FAILED", most: 1024},
		{row: "7", name: "100 unknown directives", query: "{learner{uln" + strings.Repeat("@aa", 100) + "}}", code: "GRAPHQL_VALIDATION_FAILED", most: 1024},
		{row: "7", name: "450 unknown directives, all different", query: "{learner{uln" + repeated(450, "@a#") + "}}", code: "GRAPHQL_VALIDATION_FAILED", most: 8 << 10},
		{row: "8", name: "fragment in itself", query: "{learner{...F}} fragment F on Learner{...F}", code: "GRAPHQL_VALIDATION_FAILED"},
		{row: "8", name: "fragments in each other", query: "{learner{...F}} fragment F on Learner{...G} fragment G on Learner{...F}", code: "GRAPHQL_VALIDATION_FAILED"},
		{row: "9", name: "20000 braces, unclosed", query: strings.Repeat("{a", 20000), code: "QUERY_TOO_COMPLEX", words: "1000 tokens", most: 1024},
		{row: "9", name: "300 braces, unclosed", query: strings.Repeat("{a", 300), code: "GRAPHQL_PARSE_FAILED", most: 1024},
		{row: "9", name: "list literal 30000 deep", query: "{node(id:" + strings.Repeat("[", 30000), code: "QUERY_TOO_COMPLEX", words: "1000 tokens"},
		{row: "9", name: "list literal 400 deep", query: "{node(id:" + strings.Repeat("[", 400) + strings.Repeat("]", 400) + "){id}}", code: "GRAPHQL_VALIDATION_FAILED"},
		{row: "9", name: "object literal 200 deep", query: "{learner{learningEvents(filter:" + strings.Repeat("{a:", 200) + "1" + strings.Repeat("}", 200) + "){totalCount}}}", code: "GRAPHQL_VALIDATION_FAILED"},
		{row: "12", name: "@defer", query: "{learner{... @defer {uln}}}", code: "GRAPHQL_VALIDATION_FAILED", words: "defer"},
		{name: "@stream", query: "{learner{learningEvents{nodes @stream {id}}}}", code: "GRAPHQL_VALIDATION_FAILED", words: "stream"},
		{row: "14", name: "200 operations", query: repeated(200, "query Q#{viewer{signedIn}} "), code: "QUERY_TOO_COMPLEX", words: "1000 tokens"},
		{row: "14", name: "two anonymous operations", query: "{learner{id}} {learner{id}}", code: "GRAPHQL_VALIDATION_FAILED"},
		{row: "14", name: "two operations, none named", query: "query A{learner{id}} query B{learner{id}}", code: "GRAPHQL_VALIDATION_FAILED", words: "operationName"},
		{row: "45", name: "two redemptions", query: `mutation($i:RedeemShareLinkInput!){a:redeemShareLink(input:$i){userErrors{code}} b:redeemShareLink(input:$i){userErrors{code}}}`, code: "QUERY_TOO_COMPLEX", words: "more than one of"},
		{name: "two sensitive mutations of different kinds, in a fragment", query: `mutation{...M} fragment M on Mutation{setSharingPreference(input:{optOut:true,consequencesAcknowledged:true}){userErrors{code}} createShareLink(input:{viewId:"x",purpose:OTHER}){userErrors{code}}}`, code: "QUERY_TOO_COMPLEX", words: "more than one of"},
		{name: "subscription", query: "subscription{learner{id}}", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "nothing but a comment", query: "# nothing", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "nothing but a fragment", query: "fragment F on Query{viewer{signedIn}}", code: "GRAPHQL_VALIDATION_FAILED"},
		{name: "no GraphQL", query: "SELECT * FROM learners", code: "GRAPHQL_PARSE_FAILED"},
		{name: "control character in the document", query: "{viewer\x01{signedIn}}", code: "GRAPHQL_PARSE_FAILED"},
	} {
		name := c.name
		if c.row != "" {
			name = "row " + c.row + " " + name
		}
		t.Run(name, func(t *testing.T) {
			var variables map[string]any
			switch {
			case strings.Contains(c.query, "$n"):
				variables = map[string]any{"n": 100}
			case strings.Contains(c.query, "$i"):
				variables = redeemVars(strings.Repeat("A", 43), "2580")
			}
			before := store.calls.Load()
			a := learner.ask(c.query, variables)
			checkCodes(t, a)
			if a.status != 200 || a.code() != c.code {
				t.Fatalf("%d %q, want 200 %q: %.500s", a.status, a.code(), c.code, a.raw)
			}
			if c.code == "" {
				if len(a.Errors) > 0 || a.Data == nil {
					t.Errorf("%.500s", a.raw)
				}
				return
			}
			if !strings.Contains(a.Errors[0].Message, c.words) {
				t.Errorf("the refusal does not say %q: %.500s", c.words, a.raw)
			}
			if strings.Contains(a.raw, `"data"`) {
				t.Errorf("a request that never ran has data: %.500s", a.raw)
			}
			if ran := store.calls.Load() - before; ran != 0 {
				t.Errorf("%d reads were made for a refused document", ran)
			}
			if c.most > 0 && len(a.raw) > c.most {
				t.Errorf("the answer has %d bytes, want at most %d", len(a.raw), c.most)
			}
		})
	}
}

// Row 3: what a document costs to refuse grows with the document, not with
// what it would expand to. The work is counted in allocations: counting each
// spread again would make 30 million of them for these 993 bytes. Runs alone,
// because allocations are counted for the whole process.
func TestFragmentBombIsRefusedWithBoundedWork(t *testing.T) {
	handler := newGraphQL(&resolvers.Root{}, true, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, fragments := range []int{15, 25} {
		body := string(mustJSON(map[string]string{"query": bomb(fragments)}))
		allocations := testing.AllocsPerRun(1, func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			handler.ServeHTTP(w, r)
			if !strings.Contains(w.Body.String(), "QUERY_TOO_COMPLEX") {
				t.Fatalf("%s", w.Body)
			}
		})
		if allocations > 10_000 {
			t.Errorf("%d fragments: %.0f allocations", fragments, allocations)
		}
	}
}

// A caller sees what the request cost, reckoned by the page sizes asked for.
func TestCostIsToldAndRight(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	for _, c := range []struct {
		name, query string
		variables   map[string]any
		want        float64
	}{
		{"one object", `{viewer{signedIn}}`, nil, 2},
		{"typename", `{__typename}`, nil, 1},
		{"default page of 20", `{learner{learningEvents{nodes{id}}}}`, nil, 1 + 1 + 20*(1+1)},
		{"page by literal", `{learner{learningEvents(first:7){nodes{id subject}}}}`, nil, 1 + 1 + 7*(1+2)},
		{"page by variable", `query($n:Int!){learner{learningEvents(first:$n){nodes{id subject}}}}`, map[string]any{"n": 7}, 1 + 1 + 7*(1+2)},
		{"page by a variable's default", `query($n:Int!=3){learner{learningEvents(first:$n){nodes{id}}}}`, nil, 1 + 1 + 3*2},
		{"lists in lists", `{learner{configuredViews(first:2){nodes{shareLinks(first:3){nodes{id}}}}}}`, nil, 1 + 1 + 2*(1+50+3*(1+1))},
		{"list without pages", `{learner{learningEvents(first:1){nodes{dataQuality{field}}}}}`, nil, 1 + 1 + 1*(1+1+3*1)},
		{"fragments as often as they are spread", `{viewer{...F ...F}} fragment F on Viewer{signedIn}`, nil, 3},
		{"a mutation", `mutation{revokeAllShareLinks{revokedCount}}`, nil, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := learner.ask(c.query, c.variables)
			cost, _ := a.Extensions["cost"].(map[string]any)
			if len(a.Errors) > 0 || cost["requested"] != c.want || cost["limit"] != float64(10_000) {
				t.Errorf("want %v: %.500s", c.want, a.raw)
			}
		})
	}
}

// The document decides nothing about status: the media type asked for does.
func TestStatusFollowsTheMediaTypeAskedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	anyone := h.browser()
	for _, media := range []struct {
		accept, answer string
		bad            int
	}{
		{"", "application/json", 200},
		{"*/*", "application/json", 200},
		{"application/json", "application/json", 200},
		{"application/graphql-response+json", "application/graphql-response+json", 400},
		{"application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json", 400},
		{"application/json, application/graphql-response+json;q=0.5", "application/json", 200},
		{"text/html;q=0.9, application/graphql-response+json;q=0.8", "application/graphql-response+json", 400},
	} {
		for _, c := range []struct{ name, body, code string }{
			{"good", `{"query":"{viewer{signedIn}}"}`, ""},
			{"parse", `{"query":"{"}`, "GRAPHQL_PARSE_FAILED"},
			{"validation", `{"query":"{nothing}"}`, "GRAPHQL_VALIDATION_FAILED"},
			{"variable missing", `{"query":"query($i:ID!){node(id:$i){id}}"}`, "GRAPHQL_VALIDATION_FAILED"},
			{"too complex", string(mustJSON(map[string]string{"query": bomb(15)})), "QUERY_TOO_COMPLEX"},
			{"refused field", `{"query":"{learner{id}}"}`, "UNAUTHENTICATED"},
		} {
			t.Run(media.accept+" "+c.name, func(t *testing.T) {
				header := http.Header{"Content-Type": {"application/json"}}
				if media.accept != "" {
					header.Set("Accept", media.accept)
				}
				p := anyone.exchange(t, http.MethodPost, "/graphql", header, c.body)
				want := 200
				if c.code != "" && c.code != "UNAUTHENTICATED" {
					want = media.bad
				}
				if a := p.answer(t); p.status != want || a.code() != c.code {
					t.Errorf("%d %q, want %d %q: %s", p.status, a.code(), want, c.code, p.body)
				}
				if got := p.header.Get("Content-Type"); got != media.answer+"; charset=utf-8" {
					t.Errorf("Content-Type: %s", got)
				}
				if vary := strings.Join(p.header.Values("Vary"), ","); !strings.Contains(vary, "Accept") && c.code == "" {
					t.Errorf("Vary: %s", vary)
				}
			})
		}
	}
	t.Run("nothing we can write", func(t *testing.T) {
		p := anyone.exchange(t, http.MethodPost, "/graphql", http.Header{"Content-Type": {"application/json"}, "Accept": {"text/html"}}, `{"query":"{viewer{signedIn}}"}`)
		if a := p.answer(t); p.status != 406 || a.code() != "BAD_REQUEST" {
			t.Errorf("%d %s", p.status, p.body)
		}
	})
}

// standardIntrospection is what GraphiQL and code generators send, with
// everything switched on (graphql-js getIntrospectionQuery).
const standardIntrospection = `query IntrospectionQuery {
  __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

func TestIntrospectionWhileOpen(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	a := h.browser().must(standardIntrospection, nil)
	schema := loadSchema(t)
	told := map[string]bool{}
	for _, v := range a.at("__schema", "types").([]any) {
		told[v.(map[string]any)["name"].(string)] = true
	}
	for _, d := range ours(schema) {
		if !told[d.Name] {
			t.Errorf("introspection does not tell of %s", d.Name)
		}
	}
	for _, d := range a.at("__schema", "directives").([]any) {
		if name := d.(map[string]any)["name"]; name == "defer" || name == "stream" {
			t.Errorf("introspection offers @%s", name)
		}
	}
	if a := h.browser().ask(`{__type(name:"ShareLink"){name fields{name type{name}}}}`, nil); a.at("__type", "name") != "ShareLink" {
		t.Errorf("%s", a.raw)
	}
	// Row 11: the budget of introspection bounds the answer, not only the document.
	for _, c := range []struct{ name, query string }{
		{"cycle of types and fields", "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"},
		{"cycle of interfaces", "{__schema{types{interfaces{possibleTypes{interfaces{possibleTypes{name}}}}}}}"},
		{"cycle of references", "{__schema{types" + strings.Repeat("{ofType", 30) + "{name}" + strings.Repeat("}", 30) + "}}"},
		{"one name 300 times for every field of every field", "{__schema{types{fields{type{fields{" + repeated(300, "a#:name ") + "}}}}}}"},
		{"names of fields of fields, ten times", "{" + repeated(10, "s#:__schema{types{fields{type{fields{a:name b:name c:name d:name}}}}}") + "}"},
		{"600 fields", "{" + "__schema{types{" + strings.Repeat("name ", 600) + "}}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.browser().ask(c.query, nil)
			checkCodes(t, a)
			if len(a.Errors) == 0 || len(a.raw) > 1024 {
				t.Errorf("%d bytes: %.300s", len(a.raw), a.raw)
			}
		})
	}
}

// Rows 11 and 12: while the schema is closed, nothing of it shows.
func TestClosedSchemaTellsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{env: map[string]string{"SCHEMA_OPEN": "false"}})
	anyone := h.browser()
	if a := anyone.ask(`{__typename viewer{__typename signedIn}}`, nil); len(a.Errors) > 0 || a.at("__typename") != "Query" || a.at("viewer", "__typename") != "Viewer" {
		t.Errorf("%s", a.raw)
	}
	if p := anyone.get("/schema.graphqls"); p.status != 404 || strings.Contains(p.body, "ShareLink") {
		t.Errorf("the schema's file: %d", p.status)
	}
	create := `mutation($i:CreateShareLinkInput!){createShareLink(input:$i){userErrors{code}}}`
	for _, c := range []struct {
		name, query string
		variables   map[string]any
	}{
		{name: "__schema", query: "{__schema{types{name}}}"},
		{name: "__type", query: `{__type(name:"ShareLink"){name}}`},
		{name: "__type in a fragment", query: `{...F} fragment F on Query{__type(name:"ShareLink"){fields{name}}}`},
		{name: "__schema beside an honest field", query: "{viewer{signedIn} __schema{queryType{name}}}"},
		{name: "cycle", query: "{__schema{types{fields{type{fields{type{fields{name}}}}}}}}"},
		{name: "standard", query: standardIntrospection},
		{name: "misspelt field", query: "{viewr{signedIn}}"},
		{name: "misspelt field below", query: "{viewer{signdIn}}"},
		{name: "misspelt argument", query: `{node(di:"x"){id}}`},
		{name: "missing argument", query: `{node{id}}`},
		{name: "misspelt enum", query: `mutation{createShareLink(input:{viewId:"x",purpose:EMPLOYMNT}){userErrors{code}}}`},
		{name: "misspelt enum in a variable", query: create, variables: vars("viewId", "x", "purpose", "EMPLOYMNT")},
		{name: "enum in small letters in a variable", query: create, variables: vars("viewId", "x", "purpose", "employment")},
		{name: "misspelt input field", query: `mutation{createShareLink(input:{viewID:"x",purpose:OTHER}){userErrors{code}}}`},
		{name: "misspelt input field in a variable", query: create, variables: vars("viewID", "x", "purpose", "OTHER")},
		{name: "missing variable", query: create},
		{name: "misspelt type", query: `mutation($i:CreateShareLinkInputs!){createShareLink(input:$i){userErrors{code}}}`},
		{name: "type of another kind", query: `query($i:Int!){node(id:$i){id}}`, variables: map[string]any{"i": 1}},
		{name: "misspelt type condition", query: "{viewer{...on Viewr{signedIn}}}"},
		{name: "misspelt directive", query: "{viewer{signedIn @skp(if:true)}}"},
		{name: "no selection", query: "{viewer}"},
		{name: "unknown operation name", query: "query A{viewer{signedIn}} query B{viewer{signedIn}}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := anyone.ask(c.query, c.variables)
			if a.code() != "GRAPHQL_VALIDATION_FAILED" || len(a.Errors) != 1 || a.Errors[0].Message != "The operation does not fit the schema." {
				t.Errorf("%s", a.raw)
			}
			for _, told := range []string{"Did you mean", "did you mean", "ShareLink", "signedIn", "viewId", "EMPLOYMENT", "String", `"path"`} {
				if strings.Contains(a.raw, told) {
					t.Errorf("the answer holds %q: %s", told, a.raw)
				}
			}
		})
	}
}

// Row 14 and 15: what belongs to other protocols is refused or ignored.
func TestBatchesAndPersistedQueries(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	anyone := h.browser()
	const hash = "0b0a5a9bc6b2a0aa1e42d7d0d1e7d42c5f6ab4b9ac6f8d4f2a1e4a1b0c3d2e1f"
	for _, c := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"array", `[{"query":"{viewer{signedIn}}"},{"query":"{viewer{signedIn}}"}]`, 400, "BAD_REQUEST"},
		{"array of one", `[{"query":"{viewer{signedIn}}"}]`, 400, "BAD_REQUEST"},
		{"empty array", `[]`, 400, "BAD_REQUEST"},
		{"hash without a query", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}}`, 400, "BAD_REQUEST"},
		{"wrong hash with a query", `{"query":"{viewer{signedIn}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}}`, 200, ""},
		{"version 2", `{"query":"{viewer{signedIn}}","extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + strings.ToUpper(hash) + `"}}}`, 200, ""},
		{"operation chosen by name", `{"query":"query A{viewer{signedIn}} query B{nope:viewer{signedIn}}","operationName":"A"}`, 200, ""},
		{"operation that is not there", `{"query":"query A{viewer{signedIn}} query B{viewer{signedIn}}","operationName":"C"}`, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"null members", `{"query":"{viewer{signedIn}}","operationName":null,"variables":null,"extensions":null}`, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := anyone.exchange(t, http.MethodPost, "/graphql", http.Header{"Content-Type": {"application/json"}}, c.body)
			a := p.answer(t)
			if p.status != c.status || a.code() != c.code {
				t.Fatalf("%d %s", p.status, p.body)
			}
			if c.code == "" && (a.at("viewer", "signedIn") != false || a.at("nope") != nil) {
				t.Errorf("%s", p.body)
			}
		})
	}
	// A text first sent beside a hash is not kept under it.
	p := anyone.exchange(t, http.MethodPost, "/graphql", http.Header{"Content-Type": {"application/json"}}, `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}}`)
	if p.status != 400 {
		t.Errorf("%d %s", p.status, p.body)
	}
}
