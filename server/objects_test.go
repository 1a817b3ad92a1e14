package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"openplr/plr"
)

const (
	deleteView        = `mutation($i: DeleteConfiguredViewInput!) { deleteConfiguredView(input: $i) { deletedId userErrors { code message path } } }`
	withdrawChallenge = `mutation($i: WithdrawDataChallengeInput!) { withdrawDataChallenge(input: $i) { dataChallenge { status } userErrors { code message path } } }`
)

// belongings are one object of every kind that a learner has.
type belongings struct{ learner, event, view, link, challenge, entry string }

func (b *browser) belongings(t *testing.T) belongings {
	t.Helper()
	var out belongings
	out.learner = b.must(`{learner{id}}`, nil).at("learner", "id").(string)
	out.event = b.eventIDs()[0]
	out.view = b.everythingView()
	link := b.must(createLink, vars("viewId", out.view, "purpose", "OTHER", "pin", "2580"))
	out.link = link.at("createShareLink", "shareLink", "id").(string)
	out.challenge = b.must(raiseChallenge, vars("eventId", out.event, "kind", "OTHER", "explanation", "x")).at("raiseDataChallenge", "dataChallenge", "id").(string)
	for range plr.GuessBudget { // a frozen link can be unfrozen
		b.h.browser().must(redeem, redeemVars(secretOf(t, link.at("createShareLink", "shareLink", "url")), "9999"))
	}
	out.entry = b.must(`{learner{accessHistory(first:1){nodes{id}}}}`, nil).at("learner", "accessHistory", "nodes", 0, "id").(string)
	return out
}

func (o belongings) all() map[string]string {
	return map[string]string{"learner": o.learner, "event": o.event, "view": o.view, "link": o.link, "challenge": o.challenge, "access entry": o.entry}
}

// Rows 55 and 58: wherever an id goes in, somebody else's is answered byte for
// byte like one that never was, and so are garbage and ids of another kind.
// The places come from the schema: a new one fails until it is listed here.
func TestForeignIDsAreAbsent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner, stranger := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	own, foreign := learner.belongings(t), stranger.belongings(t)

	cursor := learner.must(`{learner{accessHistory(first:1){pageInfo{endCursor}}}}`, nil).at("learner", "accessHistory", "pageInfo", "endCursor")
	mutation := func(document string, more ...any) func(string) *gqlAnswer {
		return func(id string) *gqlAnswer { return learner.ask(document, vars(append([]any{"id", id}, more...)...)) }
	}
	places := []struct {
		place, kind string // kind of id that belongs here; none for any
		ask         func(id string) *gqlAnswer
	}{
		{"Query.node(id)", "", func(id string) *gqlAnswer {
			return learner.ask(`query($i:ID!){node(id:$i){__typename id ... on Learner{uln} ... on LearningEvent{subject} ... on ShareLink{url} ... on DataChallenge{explanation} ... on AccessEntry{recipient{name}} ... on ConfiguredView{name}}}`, map[string]any{"i": id})
		}},
		{"ShareLinkFilter.viewId", "view", func(id string) *gqlAnswer {
			return learner.ask(`query($i:ID!){learner{shareLinks(filter:{viewId:$i}){totalCount nodes{id} pageInfo{hasPreviousPage hasNextPage startCursor endCursor}}}}`, map[string]any{"i": id})
		}},
		{"AccessHistoryFilter.shareLinkId", "link", func(id string) *gqlAnswer {
			return learner.ask(`query($i:ID!){learner{accessHistory(filter:{shareLinkId:$i}){totalCount nodes{id} edges{cursor} pageInfo{hasPreviousPage hasNextPage startCursor endCursor}}}}`, map[string]any{"i": id})
		}},
		{"AccessHistoryFilter.shareLinkId", "link", func(id string) *gqlAnswer { // behind a cursor
			return learner.ask(`query($i:ID!,$a:String){learner{accessHistory(filter:{shareLinkId:$i},after:$a){totalCount nodes{id} pageInfo{hasPreviousPage hasNextPage}}}}`, map[string]any{"i": id, "a": cursor})
		}},
		{"AccessHistoryFilter.shareLinkId", "link", func(id string) *gqlAnswer { // behind what is no cursor
			a := learner.ask(`query($i:ID!){learner{accessHistory(filter:{shareLinkId:$i},after:"x"){totalCount}}}`, map[string]any{"i": id})
			if id == own.link { // refused for one's own as well: only here to be compared
				a.Errors, a.raw = nil, ""
			}
			return a
		}},
		{"ViewSelectionInput.events", "event", func(id string) *gqlAnswer {
			return learner.ask(createView, vars("name", "x", "selection", map[string]any{"events": []string{own.event, id}}))
		}},
		{"CreateShareLinkInput.viewId", "view", func(id string) *gqlAnswer {
			return learner.ask(createLink, vars("viewId", id, "purpose", "OTHER"))
		}},
		{"RaiseDataChallengeInput.eventId", "event", func(id string) *gqlAnswer {
			return learner.ask(raiseChallenge, vars("eventId", id, "kind", "WRONG_DATE", "explanation", "x"))
		}},
		{"UpdateConfiguredViewInput.id", "view", mutation(updateView, "expectedVersion", 1, "name", "stolen")},
		{"UpdateShareLinkInput.id", "link", mutation(updateLink, "expectedVersion", 1, "label", "stolen")},
		{"UnfreezeShareLinkInput.id", "link", mutation(unfreezeLink)},
		{"PauseShareLinkInput.id", "link", mutation(pauseLink)},
		{"ResumeShareLinkInput.id", "link", mutation(resumeLink)},
		{"RevokeShareLinkInput.id", "link", mutation(revokeLink)},
		{"WithdrawDataChallengeInput.id", "challenge", mutation(withdrawChallenge)},
		{"DeleteConfiguredViewInput.id", "view", mutation(deleteView)},
	}
	listed := []string{
		"EndSessionInput.id",        // TestEndSession
		"ResolveReviewCaseInput.id", // TestReviewCase
	}
	for _, p := range places {
		listed = append(listed, p.place)
	}
	for _, place := range idPlaces(loadSchema(t)) {
		if !slices.Contains(listed, place) {
			t.Errorf("%s takes an id and is not tried here", place)
		}
	}
	prefix := map[string]string{"": "lnk", "view": "vw", "link": "lnk", "event": "evt", "challenge": "dch"}
	const random = "0123456789abcdefghjkmnpqrs"
	mine, theirs := learner.holdings(), stranger.holdings()
	for _, p := range places {
		t.Run(p.place, func(t *testing.T) {
			reference := p.ask(prefix[p.kind] + "_" + random)
			checkCodes(t, reference)
			ids := map[string]string{
				"empty": "", "word": "x", "kind only": prefix[p.kind] + "_", "no kind": random, "unknown kind": "xyz_" + random,
				"capitals": prefix[p.kind] + "_" + strings.ToUpper(random), "one more": prefix[p.kind] + "_" + random + "0", "one less": prefix[p.kind] + "_" + random[1:],
				"NUL": prefix[p.kind] + "_" + random[:25] + "\x00", "spaces": " " + prefix[p.kind] + "_" + random, "operator": `{"$gt":""}`,
				"operator of code": `{"$where":"sleep(5000)"}`, "pattern": "(a+)+$", "path": "../../" + random, "long": strings.Repeat("vw_", 5000), "emoji": "😀",
				"Relay": "U2hhcmVMaW5rOjE=", "uuid": "00000000-0000-4000-8000-000000000000",
			}
			for kind, id := range foreign.all() {
				ids["foreign "+kind] = id
			}
			for kind, id := range own.all() {
				if p.kind != "" && kind != p.kind {
					ids["own "+kind] = id
				}
			}
			if p.kind == "view" || p.kind == "event" || p.kind == "challenge" {
				delete(ids, "unknown kind") // kept apart below only to say so: the next line tries it too
				ids["of no kind"] = "xyz_" + random
			}
			for name, id := range ids {
				a := p.ask(id)
				if a.raw != reference.raw || a.status != reference.status {
					t.Errorf("%s is told apart:\n%.300s\nwant\n%.300s", name, a.raw, reference.raw)
				}
			}
			if now := learner.holdings(); now != mine {
				t.Errorf("own things changed: %+v, before %+v", now, mine)
			}
			if now := stranger.holdings(); now != theirs {
				t.Errorf("another's things changed: %+v, before %+v", now, theirs)
			}
		})
	}
	// Nothing of the stranger's was touched, and the learner's own ids do work in
	// every place: the refusals above are not for want of trying.
	seen := stranger.must(`query($v:ID!,$l:ID!,$c:ID!){v:node(id:$v){... on ConfiguredView{name version}} l:node(id:$l){... on ShareLink{label status version}} c:node(id:$c){... on DataChallenge{status}}}`,
		map[string]any{"v": foreign.view, "l": foreign.link, "c": foreign.challenge})
	if seen.at("v", "version") != float64(1) || seen.at("l", "version") != float64(1) || seen.at("l", "status") != "FROZEN" || seen.at("c", "status") != "OPEN" {
		t.Errorf("another's things changed: %s", seen.raw)
	}
	for _, p := range places {
		kind := p.kind
		if kind == "" {
			kind = "link"
		}
		id := own.all()[kind]
		switch p.place {
		case "DeleteConfiguredViewInput.id":
			id = learner.everythingView() // no link hangs on this one
		case "RaiseDataChallengeInput.eventId":
			id = learner.eventIDs()[1]
		}
		if a, reference := p.ask(id), p.ask(prefix[kind]+"_"+random); refusal(t, a) != "" || a.raw == reference.raw {
			t.Errorf("%s does not take one's own: %s", p.place, a.raw)
		}
	}
	for kind, id := range own.all() {
		a := learner.ask(`query($i:ID!){node(id:$i){id}}`, map[string]any{"i": id})
		if kind != "view" && a.at("node", "id") != id {
			t.Errorf("%s cannot be found: %s", kind, a.raw)
		}
		if a := stranger.ask(`query($i:ID!){node(id:$i){id}}`, map[string]any{"i": id}); a.at("node") != nil || len(a.Errors) > 0 {
			t.Errorf("%s is found by another: %s", kind, a.raw)
		}
	}
	// The images of codes, which have an address of their own.
	reference := learner.get("/share-links/lnk_" + random + "/qr.png")
	for name, id := range map[string]string{"foreign": foreign.link, "word": "x", "view": own.view, "path": "..%2f..%2fetc", "NUL": "lnk_%00"} {
		if p := learner.get("/share-links/" + id + "/qr.png"); p.status != 404 || p.status != reference.status || p.body != reference.body {
			t.Errorf("QR code, %s: %d %.200s", name, p.status, p.body)
		}
	}
}

// idPlaces lists every argument and input member that takes an id.
func idPlaces(schema *ast.Schema) []string {
	var out []string
	for _, d := range ours(schema) {
		for _, f := range d.Fields {
			if d.Kind == ast.InputObject && f.Type.Name() == "ID" {
				out = append(out, d.Name+"."+f.Name)
			}
			for _, a := range f.Arguments {
				if a.Type.Name() == "ID" {
					out = append(out, fmt.Sprintf("%s.%s(%s)", d.Name, f.Name, a.Name))
				}
			}
		}
	}
	return out
}

// sampleInput makes an input of the right form out of nothing but the schema.
func sampleInput(schema *ast.Schema, t *ast.Type) any {
	if t.Elem != nil {
		return []any{sampleInput(schema, t.Elem)}
	}
	switch t.NamedType {
	case "ID":
		return "x"
	case "Int":
		return 1
	case "Boolean":
		return true
	case "String":
		return "text"
	case "DateTime":
		return "2027-01-01T00:00:00Z"
	}
	d := schema.Types[t.NamedType]
	if d.Kind == ast.Enum {
		return d.EnumValues[0].Name
	}
	out := map[string]any{}
	for _, f := range d.Fields {
		if f.Type.NonNull || (d.Directives.ForName("oneOf") != nil && len(out) == 0) {
			out[f.Name] = sampleInput(schema, f.Type)
		}
	}
	return out
}

// Nobody without a session, and nobody whose account is bound to no record,
// gets beyond the door: for every field of Query and Mutation there is.
func TestOnlyLearnersGetIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	schema := loadSchema(t)
	for _, c := range []struct {
		name     string
		who      *browser
		identity string
		learner  string // refusal of Query.learner and node
		mutation string
	}{
		{"nobody", h.browser(), "NONE", "!UNAUTHENTICATED", "!UNAUTHENTICATED"},
		{"bound to nothing", h.signedIn(sample(t, "Alex").Subject), "UNBOUND", "", "!IDENTITY_REQUIRED"},
	} {
		// These are about the account, or for staff.
		answers := map[string]string{
			"claimRecord": "IDENTITY_NOT_PROVED", "endSession": "NOT_FOUND id", "endOtherSessions": "", "acknowledgeNotices": "", "resolveReviewCase": "!FORBIDDEN",
		}
		t.Run(c.name, func(t *testing.T) {
			if a := c.who.ask(`{viewer{signedIn identity{status boundAt}}}`, nil); a.at("viewer", "identity", "status") != c.identity || a.at("viewer", "identity", "boundAt") != nil {
				t.Errorf("%s", a.raw)
			}
			for _, query := range []string{`{learner{id uln familyName}}`, `{node(id:"lnk_0123456789abcdefghjkmnpqrs"){id}}`} {
				if a := c.who.ask(query, nil); refusal(t, a) != c.learner || a.at("learner") != nil || a.at("node") != nil {
					t.Errorf("%s", a.raw)
				}
			}
			tried := 0
			for _, f := range schema.Mutation.Fields {
				if f.Name == "redeemShareLink" {
					continue // works for anyone
				}
				tried++
				document, variables := "mutation{"+f.Name+"{__typename}}", map[string]any(nil)
				if input := f.Arguments.ForName("input"); input != nil {
					document = fmt.Sprintf("mutation($i:%s){%s(input:$i){__typename}}", input.Type, f.Name)
					variables = map[string]any{"i": sampleInput(schema, input.Type)}
				}
				want, other := answers[f.Name]
				if !other || c.identity == "NONE" {
					want = c.mutation
				}
				a := c.who.ask(strings.Replace(document, "{__typename}", "{userErrors{code path message}}", 1), variables)
				if refusal(t, a) != want || a.status != 200 {
					t.Errorf("%s: %d %s", f.Name, a.status, a.raw)
				}
			}
			if tried < 13 {
				t.Errorf("only %d mutations were tried", tried)
			}
			if p := c.who.get("/share-links/lnk_0123456789abcdefghjkmnpqrs/qr.png"); p.status != 401 && p.status != 404 {
				t.Errorf("QR code: %d", p.status)
			}
		})
	}
}

// Pages of events in every order hold every event once, in that order,
// whatever the size of the pages.
func TestPagesOfEvents(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, name := range []string{adult, "Odette"} { // 60 events; and one of every dirty value
		learner := h.signedIn(sample(t, name).Subject)
		for _, field := range []string{"AWARD_DATE", "SUBJECT", "LEVEL"} {
			for _, direction := range []string{"ASC", "DESC"} {
				t.Run(name+" "+field+" "+direction, func(t *testing.T) {
					document := `query($n:Int!,$a:String,$o:LearningEventOrder){learner{learningEvents(first:$n,after:$a,orderBy:$o){totalCount nodes{id subject awardDate level} edges{cursor node{id}} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}}`
					order := map[string]any{"field": field, "direction": direction}
					var sizes []int
					for n := 1; n <= 7; n++ {
						sizes = append(sizes, n)
					}
					whole := learner.walk(t, document, "learningEvents", 100, map[string]any{"o": order})
					checkOrder(t, whole, field, direction)
					for _, n := range sizes {
						if got := learner.walk(t, document, "learningEvents", n, map[string]any{"o": order}); !slices.Equal(idsOf(got), idsOf(whole)) {
							t.Errorf("pages of %d: %d events, want %d in the same order", n, len(got), len(whole))
						}
					}
				})
			}
		}
	}
}

// walk reads a list page by page and checks what each page says of itself.
func (b *browser) walk(t *testing.T, document, list string, first int, variables map[string]any) []map[string]any {
	t.Helper()
	var out []map[string]any
	seen := map[string]bool{}
	after := any(nil)
	for page := 0; ; page++ {
		v := maps.Clone(variables)
		if v == nil {
			v = map[string]any{}
		}
		v["n"], v["a"] = first, after
		a := b.must(document, v)
		at := func(path ...any) any { return a.at(append([]any{"learner", list}, path...)...) }
		nodes, edges := at("nodes").([]any), at("edges").([]any)
		if len(nodes) > first || len(nodes) != len(edges) {
			t.Fatalf("%d nodes and %d edges on a page of %d", len(nodes), len(edges), first)
		}
		for i, n := range nodes {
			node := n.(map[string]any)
			id := node["id"].(string)
			if seen[id] {
				t.Fatalf("%s comes twice", id)
			}
			if at("edges", i, "node", "id") != id {
				t.Errorf("edge %d has another node", i)
			}
			seen[id] = true
			out = append(out, node)
		}
		if at("pageInfo", "hasPreviousPage") != (page > 0) {
			t.Errorf("page %d of %d: hasPreviousPage %v", page, first, at("pageInfo", "hasPreviousPage"))
		}
		if len(edges) > 0 && (at("pageInfo", "startCursor") != at("edges", 0, "cursor") || at("pageInfo", "endCursor") != at("edges", len(edges)-1, "cursor")) {
			t.Errorf("the page's cursors are not those of its ends")
		}
		if more := at("pageInfo", "hasNextPage").(bool); !more {
			if total := at("totalCount"); total != float64(len(out)) {
				t.Errorf("totalCount %v, but %d came", total, len(out))
			}
			return out
		}
		if len(nodes) != first {
			t.Fatalf("a page of %d of %d says there are more", len(nodes), first)
		}
		after = at("pageInfo", "endCursor")
	}
}

func idsOf(nodes []map[string]any) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n["id"].(string)
	}
	return out
}

// checkOrder says what the order means, in words of its own.
func checkOrder(t *testing.T, nodes []map[string]any, field, direction string) {
	t.Helper()
	key := func(n map[string]any) string {
		switch field {
		case "AWARD_DATE":
			text, _ := n["awardDate"].(string)
			return text
		case "SUBJECT":
			text, _ := n["subject"].(string)
			return strings.ToLower(strings.TrimSpace(text))
		}
		level, _ := n["level"].(string)
		level = strings.ToLower(strings.TrimSpace(level))
		if strings.HasPrefix(level, "entry") {
			return "0" + level
		}
		return strings.TrimPrefix(level, "level ")
	}
	if len(nodes) < 2 {
		t.Fatalf("only %d events", len(nodes))
	}
	different := false
	for i := 1; i < len(nodes); i++ {
		before, after := key(nodes[i-1]), key(nodes[i])
		different = different || before != after
		if (direction == "ASC" && before > after) || (direction == "DESC" && before < after) {
			t.Errorf("%q stands before %q", before, after)
		}
	}
	if !different {
		t.Error("all events have one key: this tries nothing")
	}
}

// Every other list, with things made in one instant: ties have an order too.
func TestPagesOfEverythingElse(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"configuredViews", "shareLinks", "dataChallenges", "accessHistory"} {
		t.Run(list, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			learner := h.signedIn(sample(t, adult).Subject)
			events := learner.eventIDs()
			for i := range 7 {
				if i > 3 {
					h.clock.Advance(time.Second)
				}
				_, secret := sharedLink(t, learner)
				learner.must(raiseChallenge, vars("eventId", events[i], "kind", "OTHER", "explanation", "x"))
				h.browser().must(redeem, redeemVars(secret, ""))
			}
			document := fmt.Sprintf(`query($n:Int!,$a:String){learner{%s(first:$n,after:$a){totalCount nodes{id} edges{cursor node{id}} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}}`, list)
			whole := learner.walk(t, document, list, 100, nil)
			if len(whole) != 7 {
				t.Fatalf("%d items", len(whole))
			}
			for n := 1; n <= 7; n++ {
				if got := learner.walk(t, document, list, n, nil); !slices.Equal(idsOf(got), idsOf(whole)) {
					t.Errorf("pages of %d: %v, want %v", n, idsOf(got), idsOf(whole))
				}
			}
			// What is added in front while somebody pages is neither repeated nor does it push anything out.
			first := learner.must(document, map[string]any{"n": 3})
			h.clock.Advance(time.Second)
			_, secret := sharedLink(t, learner)
			h.browser().must(redeem, redeemVars(secret, ""))
			learner.must(raiseChallenge, vars("eventId", events[20], "kind", "OTHER", "explanation", "x"))
			rest := learner.must(document, map[string]any{"n": 100, "a": first.at("learner", list, "pageInfo", "endCursor")})
			var got []map[string]any
			for _, n := range rest.at("learner", list, "nodes").([]any) {
				got = append(got, n.(map[string]any))
			}
			if !slices.Equal(idsOf(got), idsOf(whole)[3:]) || rest.at("learner", list, "totalCount") != float64(8) {
				t.Errorf("%s", rest.raw)
			}
		})
	}
}

func newest(b *browser, list string) string {
	b.h.t.Helper()
	return b.must(`{learner{`+list+`(first:1){nodes{id}}}}`, nil).at("learner", list, "nodes", 0, "id").(string)
}

// A cursor belongs to one list in one order. Another's cursor is a place and no
// more: it shows nothing but one's own.
func TestCursors(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner, stranger := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	learner.belongings(t)
	stranger.belongings(t)
	cursorOf := func(b *browser, list, order string) string {
		t.Helper()
		cursor, _ := b.must(`{learner{`+list+`(first:1`+order+`){pageInfo{endCursor}}}}`, nil).at("learner", list, "pageInfo", "endCursor").(string)
		if cursor == "" {
			t.Fatalf("%s has no cursor", list)
		}
		return cursor
	}
	lists := []string{"learningEvents", "configuredViews", "shareLinks", "dataChallenges", "accessHistory"}
	orders := map[string]string{}
	for _, field := range []string{"AWARD_DATE", "SUBJECT", "LEVEL"} {
		for _, direction := range []string{"ASC", "DESC"} {
			orders[field+" "+direction] = ",orderBy:{field:" + field + ",direction:" + direction + "}"
		}
	}
	for _, list := range lists {
		document := `query($a:String){learner{` + list + `(first:100,after:$a){nodes{id}}}}`
		good := cursorOf(learner, list, "")
		bad := map[string]string{
			"empty": "", "word": "x", "turned": turned(good), "padded": good + "=",
			"NUL": "\x00", "number": "1", "Relay": "YXJyYXljb25uZWN0aW9uOjE=", "long": strings.Repeat("A", 5000), "operator": `{"$gt":""}`, "bytes": "AAAA",
		}
		for _, other := range lists {
			if other != list {
				bad["of "+other] = cursorOf(learner, other, "")
			}
		}
		if list == "learningEvents" {
			for name, order := range orders {
				if name != "AWARD_DATE DESC" {
					bad["of "+name] = cursorOf(learner, list, order)
				}
			}
		}
		var reference *gqlAnswer
		for _, name := range slices.Sorted(maps.Keys(bad)) {
			a := learner.ask(document, map[string]any{"a": bad[name]})
			if reference == nil {
				reference = a
			}
			if refusal(t, a) != "!BAD_USER_INPUT" || a.Errors[0].Extensions["argument"] != "after" || a.raw != reference.raw {
				t.Errorf("%s, cursor %s: %s", list, name, a.raw)
			}
		}
		if a := learner.ask(document, map[string]any{"a": good}); refusal(t, a) != "" {
			t.Errorf("%s: %s", list, a.raw)
		}
		if a := learner.ask(document, map[string]any{"a": nil}); refusal(t, a) != "" || len(a.at("learner", list, "nodes").([]any)) == 0 {
			t.Errorf("%s from the beginning: %s", list, a.raw)
		}
		// A cursor that was tampered with may still be a place, and is no more than that.
		for _, tampered := range []string{good[:len(good)-1], good[:len(good)-2], good[:len(good)-4], good + "A", good + "AA", good + "AAAA"} {
			if got := refusal(t, learner.ask(document, map[string]any{"a": tampered})); got != "" && got != "!BAD_USER_INPUT" {
				t.Errorf("%s: %s", list, got)
			}
		}
		own := idsOf(learner.walk(t, `query($n:Int!,$a:String){learner{`+list+`(first:$n,after:$a){totalCount nodes{id} edges{cursor node{id}} pageInfo{hasNextPage hasPreviousPage startCursor endCursor}}}}`, list, 100, nil))
		a := learner.ask(document, map[string]any{"a": cursorOf(stranger, list, "")})
		if refusal(t, a) != "" {
			continue // refused is as good
		}
		for _, n := range a.at("learner", list, "nodes").([]any) {
			if !slices.Contains(own, n.(map[string]any)["id"].(string)) {
				t.Errorf("%s: another's cursor shows another's things: %s", list, a.raw)
			}
		}
	}
}

// Row 59: a create is safe to repeat.
func TestIdempotentCreates(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner, stranger := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	view := learner.everythingView()
	base := map[string]any{"viewId": view, "purpose": "EMPLOYMENT", "idempotencyKey": "key-1", "pin": "2580", "expiresAt": h.clock.Now().Add(time.Hour)}
	before := learner.holdings()
	made := together(100, func(int) string {
		a := learner.ask(createLink, map[string]any{"i": base})
		for a.code() == "UNAVAILABLE" { // so many PINs at once are sometimes too many: then one asks again
			a = learner.ask(createLink, map[string]any{"i": base})
		}
		id, _ := a.at("createShareLink", "shareLink", "id").(string)
		url, _ := a.at("createShareLink", "shareLink", "url").(string)
		return id + url + refusal(t, a)
	})
	before.links++
	if len(made) != 1 || learner.holdings() != before {
		t.Errorf("%v, %+v, want one answer and %+v", made, learner.holdings(), before)
	}
	// Later, when the end asked for is no longer an hour away, a retry still gets its answer.
	learner.pass(10 * time.Minute)
	if a := learner.must(createLink, map[string]any{"i": base}); made[a.at("createShareLink", "shareLink", "id").(string)+a.at("createShareLink", "shareLink", "url").(string)] == 0 {
		t.Errorf("a retry makes another link: %s", a.raw)
	}
	for name, change := range map[string][]any{
		"another end": {"expiresAt", h.clock.Now().Add(2 * time.Hour)}, "another PIN": {"pin", "2581"}, "no PIN": {"pin", "ABSENT"}, "another purpose": {"purpose", "OTHER"},
		"a label": {"label", "x"}, "another view": {"viewId", learner.everythingView()}, "a limit": {"maxRedemptions", 1}, "what would be refused": {"pin", "1"},
	} {
		if a := learner.ask(createLink, with(base, change...)); refusal(t, a) != "CONFLICT idempotencyKey" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	before.views++
	if now := learner.holdings(); now != before {
		t.Errorf("%+v, want %+v", now, before)
	}
	// A refused create leaves its key free. A link on everything would need a new
	// sign-in by now; the retry, above, did not.
	base["viewId"] = learner.narrowView()
	if a := learner.ask(createLink, with(base, "idempotencyKey", "key-2", "pin", "1", "expiresAt", "ABSENT")); refusal(t, a) != "INVALID pin" {
		t.Errorf("%s", a.raw)
	}
	if a := learner.ask(createLink, with(base, "idempotencyKey", "key-2", "expiresAt", "ABSENT")); refusal(t, a) != "" {
		t.Errorf("%s", a.raw)
	}
	// The same key is another one for another learner, and for another kind of thing.
	theirs := stranger.must(createLink, vars("viewId", stranger.narrowView(), "purpose", "OTHER", "idempotencyKey", "key-1"))
	if made[theirs.at("createShareLink", "shareLink", "id").(string)] != 0 {
		t.Error("two learners share a key")
	}
	for name, c := range map[string]struct {
		document string
		path     []any
		in       map[string]any
		other    []any
	}{
		"view":      {createView, []any{"createConfiguredView", "configuredView", "id"}, map[string]any{"name": "x", "selection": map[string]any{"everything": true}, "idempotencyKey": "key-1"}, []any{"name", "y"}},
		"challenge": {raiseChallenge, []any{"raiseDataChallenge", "dataChallenge", "id"}, map[string]any{"eventId": learner.eventIDs()[0], "kind": "OTHER", "explanation": "x", "idempotencyKey": "key-1"}, []any{"explanation", "y"}},
	} {
		first := learner.must(c.document, map[string]any{"i": c.in}).at(c.path...)
		if again := learner.must(c.document, map[string]any{"i": c.in}).at(c.path...); again != first {
			t.Errorf("%s: %v, then %v", name, first, again)
		}
		if a := learner.ask(c.document, with(c.in, c.other...)); refusal(t, a) != "CONFLICT idempotencyKey" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	// After 24 hours a key is new. Asked of the domain itself: no session lives so long.
	key := "key-3"
	in := plr.ShareLinkInput{ViewID: view, Purpose: plr.PurposeOther, IdempotencyKey: &key, Fresh: true}
	link := func() string {
		t.Helper()
		l, err := h.app.service.CreateShareLink(t.Context(), sample(t, adult).ULN, in)
		if err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	first := link()
	h.clock.Advance(24*time.Hour - time.Millisecond)
	if link() != first {
		t.Error("a key is forgotten within 24 hours")
	}
	h.clock.Advance(time.Millisecond)
	if link() == first {
		t.Error("a key is remembered for more than 24 hours")
	}
}

// An edit says which version it was made on.
func TestEditsOnAnotherVersion(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	for _, c := range []struct {
		name, document, payload, object, field string
		id                                     string
	}{
		{"view", updateView, "updateConfiguredView", "configuredView", "name", learner.everythingView()},
		{"link", updateLink, "updateShareLink", "shareLink", "label", func() string { id, _ := sharedLink(t, learner); return id }()},
	} {
		t.Run(c.name, func(t *testing.T) {
			read := func() string {
				return learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{version name} ... on ShareLink{version label}}}`, map[string]any{"i": c.id}).raw
			}
			for _, version := range []any{0, 2, -1, 2147483647} {
				before := read()
				a := learner.ask(c.document, vars("id", c.id, "expectedVersion", version, c.field, "stale"))
				if refusal(t, a) != "VERSION_MISMATCH expectedVersion" || read() != before {
					t.Errorf("version %v: %s", version, a.raw)
				}
			}
			for _, version := range []any{nil, "1", 1.5, 2147483648, "ABSENT"} {
				before := read()
				a := learner.ask(c.document, with(map[string]any{"id": c.id, c.field: "stale"}, "expectedVersion", version))
				if !strings.HasPrefix(refusal(t, a), "!") || read() != before {
					t.Errorf("version %v: %s", version, a.raw)
				}
			}
			got := together(20, func(i int) string {
				return refusal(t, learner.ask(c.document, vars("id", c.id, "expectedVersion", 1, c.field, fmt.Sprint("edit ", i))))
			})
			if got[""] != 1 || got["VERSION_MISMATCH expectedVersion"] != 19 {
				t.Errorf("of 20 edits of one version: %v", got)
			}
			a := learner.must(c.document, vars("id", c.id, "expectedVersion", 2, c.field, "third"))
			if a.at(c.payload, c.object, "version") != float64(3) || a.at(c.payload, c.object, c.field) != "third" {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

// In an edit, what is absent stays; null takes away what can be absent and
// leaves the rest.
func TestAbsentAndNullInEdits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "label", "Note", "maxRedemptions", 7, "language", "CY", "pin", "2580", "recipient", map[string]any{"name": "Sam", "organisation": "Example Ltd", "email": "sam@example.com"})
	version := 0
	edit := func(kv ...any) map[string]any {
		t.Helper()
		version++
		a := learner.must(updateLink, vars(append([]any{"id", id, "expectedVersion", version}, kv...)...))
		return a.at("updateShareLink", "shareLink").(map[string]any)
	}
	full := edit()
	if full["label"] != "Note" || full["maxRedemptions"] != float64(7) || full["language"] != "CY" || full["recipient"].(map[string]any)["email"] != "sam@example.com" {
		t.Errorf("an edit of nothing changed something: %v", full)
	}
	same := edit("expiresAt", nil, "purpose", nil, "language", nil)
	for name, value := range full {
		if name != "version" && fmt.Sprint(same[name]) != fmt.Sprint(value) {
			t.Errorf("null changed %s from %v to %v", name, value, same[name])
		}
	}
	for _, name := range []string{"label", "maxRedemptions", "recipient"} {
		if got := edit(name, nil); got[name] != nil {
			t.Errorf("null leaves %s: %v", name, got[name])
		}
	}
	got := edit("recipient", map[string]any{"name": "Kim", "organisation": nil}, "label", "Other", "maxRedemptions", 1)
	if got["recipient"].(map[string]any)["organisation"] != nil || got["recipient"].(map[string]any)["name"] != "Kim" || got["label"] != "Other" || got["maxRedemptions"] != float64(1) {
		t.Errorf("%v", got)
	}
	// The PIN and the secret stay through all edits, and no edit can take the PIN away.
	if a := learner.ask(updateLink, vars("id", id, "expectedVersion", version+1, "pin", nil)); refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("%s", a.raw)
	}
	if a := h.browser().ask(redeem, redeemVars(secret, "")); outcome(a) != "PinRequired" {
		t.Errorf("%s", a.raw)
	}
	if a := h.browser().ask(redeem, redeemVars(secret, "2580")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	// A use made before counts against a new limit.
	if got := edit("maxRedemptions", 1); got["status"] != "USED_UP" {
		t.Errorf("%v", got)
	}
	if got := edit("maxRedemptions", 2); got["status"] != "ACTIVE" {
		t.Errorf("%v", got)
	}

	view := learner.must(createView, vars("name", "View", "selection", map[string]any{"rule": map[string]any{"qualificationTypes": []string{"GCSE"}}}, "fields", []string{"GRADE", "NAME"}, "language", "CY")).at("createConfiguredView", "configuredView", "id")
	a := learner.must(updateView, vars("id", view, "expectedVersion", 1, "name", nil, "selection", nil, "fields", nil, "language", nil))
	b := learner.must(updateView, vars("id", view, "expectedVersion", 2))
	for _, answer := range []*gqlAnswer{a, b} {
		v := answer.at("updateConfiguredView", "configuredView").(map[string]any)
		if v["name"] != "View" || v["language"] != "CY" || fmt.Sprint(v["fields"]) != "[GRADE NAME]" || answer.at("updateConfiguredView", "configuredView", "selection", "rule", "qualificationTypes", 0) != "GCSE" {
			t.Errorf("%s", answer.raw)
		}
	}
}

// shared opens a link and gives its fields, and the subjects of its events.
func (h *harness) shared(t *testing.T, secret string) (fields []string, subjects []string, answer *gqlAnswer) {
	t.Helper()
	a := h.browser().must(redeem, redeemVars(secret, ""))
	if outcome(a) != "SharedRecord" {
		t.Fatalf("%s", a.raw)
	}
	for _, f := range a.at("redeemShareLink", "outcome", "fields").([]any) {
		fields = append(fields, f.(string))
	}
	for _, e := range a.at("redeemShareLink", "outcome", "events").([]any) {
		subject, _ := e.(map[string]any)["subject"].(string)
		subjects = append(subjects, subject)
	}
	return fields, subjects, a
}

// T12: a link shows no more than the version of the view it was made on, and
// no more than the newest one either.
func TestLinksPinTheirView(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	learner := h.signedIn(person.Subject)
	events := learner.eventIDs()
	view := learner.must(createView, vars("name", "Two", "selection", map[string]any{"events": events[:2]}, "fields", []string{"SUBJECT", "GRADE"})).at("createConfiguredView", "configuredView", "id")
	link := learner.must(createLink, vars("viewId", view, "purpose", "OTHER"))
	secret := secretOf(t, link.at("createShareLink", "shareLink", "url"))
	version := 0
	edit := func(kv ...any) {
		t.Helper()
		version++
		learner.must(updateView, vars(append([]any{"id", view, "expectedVersion", version}, kv...)...))
	}
	expect := func(name string, fields string, events int) {
		t.Helper()
		f, s, a := h.shared(t, secret)
		slices.Sort(f)
		if strings.Join(f, " ") != fields || len(s) != events {
			t.Errorf("%s: shows %v of %d events, want %s of %d", name, f, len(s), fields, events)
		}
		for _, e := range a.at("redeemShareLink", "outcome", "events").([]any) {
			event := e.(map[string]any)
			if event["awardDate"] != nil || event["level"] != nil || (event["grade"] != nil && !strings.Contains(fields, "GRADE")) {
				t.Errorf("%s: %v", name, event)
			}
		}
		if strings.Contains(a.raw, person.FamilyName) || strings.Contains(a.raw, string(person.ULN)) {
			t.Errorf("%s: the learner is named", name)
		}
	}
	expect("as made", "GRADE SUBJECT", 2)
	everything := []string{"NAME", "ULN", "DATE_OF_BIRTH", "SUBJECT", "GRADE", "LEVEL", "AWARD_DATE"}
	edit("fields", everything)
	expect("more fields", "GRADE SUBJECT", 2)
	edit("selection", map[string]any{"everything": true})
	expect("more events", "GRADE SUBJECT", 2)
	edit("selection", map[string]any{"rule": map[string]any{"awardedFrom": "1900-01-01"}})
	expect("a rule", "GRADE SUBJECT", 2)
	edit("fields", []string{"NAME", "SUBJECT"})
	expect("fewer fields", "SUBJECT", 2)
	edit("selection", map[string]any{"events": events[1:4]})
	expect("other events", "SUBJECT", 1)
	edit("selection", map[string]any{"events": events[2:4]})
	expect("none of the events", "SUBJECT", 0)
	edit("selection", map[string]any{"everything": true}, "fields", everything)
	expect("widened again", "GRADE SUBJECT", 2)
	// A new link shows what the view shows now; both say which version they were made on.
	fresh := learner.must(createLink, vars("viewId", view, "purpose", "OTHER"))
	f, s, _ := h.shared(t, secretOf(t, fresh.at("createShareLink", "shareLink", "url")))
	if len(f) != len(everything) || len(s) != len(events) {
		t.Errorf("a new link shows %v of %d events", f, len(s))
	}
	// What an edit of the link cannot do either.
	learner.must(updateLink, vars("id", link.at("createShareLink", "shareLink", "id"), "expectedVersion", 1, "label", "x"))
	expect("link edited", "GRADE SUBJECT", 2)
	got := learner.must(`{learner{shareLinks{nodes{viewVersion}} accessHistory(first:1){nodes{viewVersion itemsDisclosed fieldsDisclosed}}}}`, nil)
	versions := []any{got.at("learner", "shareLinks", "nodes", 0, "viewVersion"), got.at("learner", "shareLinks", "nodes", 1, "viewVersion")}
	if !slices.Contains(versions, any(float64(1))) || !slices.Contains(versions, any(float64(version+1))) {
		t.Errorf("%s", got.raw)
	}
}

// A disclosure that was under way is over when the owner is told that a view
// is narrower or an event hidden.
func TestNarrowingWaitsForDisclosuresUnderWay(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(b *browser, view, event string) *gqlAnswer{
		"narrower view": func(b *browser, view, _ string) *gqlAnswer {
			return b.ask(updateView, vars("id", view, "expectedVersion", 1, "fields", []string{"SUBJECT"}))
		},
		"hidden event": func(b *browser, _, event string) *gqlAnswer {
			return b.ask(raiseChallenge, vars("eventId", event, "kind", "SENSITIVE_DATA", "explanation", "x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := &heldStore{reached: make(chan struct{}), release: make(chan struct{})}
			h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { held.Store = s; return held }})
			learner := h.signedIn(sample(t, adult).Subject)
			event := learner.eventIDs()[0]
			_, secret := sharedLink(t, learner)
			view := newest(learner, "configuredViews")
			before := learner.holdings().challenges

			disclosed := make(chan string, 1)
			go func() { disclosed <- outcome(h.browser().ask(redeem, redeemVars(secret, ""))) }()
			<-held.reached
			told := make(chan *gqlAnswer, 1)
			go func() { told <- act(learner, view, event) }()
			for landed := false; !landed; { // until the owner's write is there
				a := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{version}}}`, map[string]any{"i": view})
				landed = a.at("node", "version") == float64(2) || learner.holdings().challenges > before
			}
			if len(told) > 0 {
				t.Error("told while a disclosure was under way")
			}
			close(held.release)
			if got := <-disclosed; got != "SharedRecord" {
				t.Error(got)
			}
			if a := <-told; refusal(t, a) != "" {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

// A view stays while a link that could open hangs on it.
func TestViewsWithLinksCannotBeDeleted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	view := learner.everythingView()
	link := learner.must(createLink, vars("viewId", view, "purpose", "OTHER", "maxRedemptions", 1))
	id, secret := link.at("createShareLink", "shareLink", "id").(string), secretOf(t, link.at("createShareLink", "shareLink", "url"))
	refused := func(when string) {
		t.Helper()
		before := learner.holdings()
		if a := learner.ask(deleteView, vars("id", view)); refusal(t, a) != "VIEW_IN_USE id" {
			t.Errorf("%s: %s", when, a.raw)
		}
		if now := learner.holdings(); now != before {
			t.Errorf("%s: %+v, before %+v", when, now, before)
		}
	}
	refused("active")
	learner.must(pauseLink, vars("id", id))
	refused("paused")
	learner.must(resumeLink, vars("id", id))
	h.browser().must(redeem, redeemVars(secret, ""))
	refused("used up")
	learner.must(updateLink, vars("id", id, "expectedVersion", 3, "expiresAt", h.clock.Now().Add(time.Hour)))
	learner.pass(2 * time.Hour)
	refused("expired")
	learner.must(revokeLink, vars("id", id))
	if a := learner.must(deleteView, vars("id", view)); a.at("deleteConfiguredView", "deletedId") != view {
		t.Errorf("%s", a.raw)
	}
	for _, again := range []string{deleteView, updateView} {
		in := vars("id", view)
		if again == updateView {
			in = vars("id", view, "expectedVersion", 2, "name", "x")
		}
		if a := learner.ask(again, in); refusal(t, a) != "NOT_FOUND id" {
			t.Errorf("%s", a.raw)
		}
	}
	// The history and the ended link still lead to it.
	a := learner.must(`{learner{configuredViews{totalCount} shareLinks{nodes{status view{id name}}} accessHistory{nodes{result shareLink{id view{id}}}}}}`, nil)
	if a.at("learner", "configuredViews", "totalCount") != float64(0) || a.at("learner", "shareLinks", "nodes", 0, "view", "id") != view || a.at("learner", "shareLinks", "nodes", 0, "status") != "REVOKED" {
		t.Errorf("%s", a.raw)
	}
	// What is revoked stays so: no edit brings it back.
	for name, ask := range map[string]*gqlAnswer{
		"update": learner.ask(updateLink, vars("id", id, "expectedVersion", 5, "expiresAt", h.clock.Now().Add(2*time.Hour))), "resume": learner.ask(resumeLink, vars("id", id)),
		"pause": learner.ask(pauseLink, vars("id", id)), "unfreeze": learner.ask(unfreezeLink, vars("id", id)),
	} {
		if refusal(t, ask) != "LINK_ENDED id" {
			t.Errorf("%s: %s", name, ask.raw)
		}
	}
	if a := learner.must(revokeLink, vars("id", id)); a.at("revokeShareLink", "shareLink", "status") != "REVOKED" || a.at("revokeShareLink", "shareLink", "url") != nil {
		t.Errorf("%s", a.raw)
	}
}

// A report of sensitive data hides the event from every share at once; the
// learner still sees it, and taking the report back shows it again.
func TestSensitiveDataIsHidden(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	events := learner.eventIDs()
	view := learner.must(createView, vars("name", "x", "selection", map[string]any{"everything": true}, "fields", []string{"SUBJECT"})).at("createConfiguredView", "configuredView", "id")
	chosen := learner.must(createView, vars("name", "x", "selection", map[string]any{"events": events[:2]}, "fields", []string{"SUBJECT"})).at("createConfiguredView", "configuredView", "id")
	count := func() (shares []int) {
		t.Helper()
		for _, v := range []any{view, chosen} {
			link := learner.must(createLink, vars("viewId", v, "purpose", "OTHER", "idempotencyKey", fmt.Sprint(v)))
			_, subjects, _ := h.shared(t, secretOf(t, link.at("createShareLink", "shareLink", "url")))
			preview := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{preview{events{subject}}}}}`, map[string]any{"i": v}).at("node", "preview", "events").([]any)
			shares = append(shares, len(subjects), len(preview))
		}
		return shares
	}
	all := len(events)
	if got := count(); !slices.Equal(got, []int{all, all, 2, 2}) {
		t.Fatalf("%v", got)
	}
	challenge := learner.must(raiseChallenge, vars("eventId", events[0], "kind", "SENSITIVE_DATA", "explanation", "It names an illness.")).at("raiseDataChallenge", "dataChallenge", "id")
	if got := count(); !slices.Equal(got, []int{all - 1, all - 1, 1, 1}) {
		t.Errorf("while challenged: %v", got)
	}
	if n := len(learner.eventIDs()); n != all {
		t.Errorf("the learner sees %d events", n)
	}
	// Another kind hides nothing.
	learner.must(raiseChallenge, vars("eventId", events[1], "kind", "NOT_MINE", "explanation", "x"))
	if got := count(); !slices.Equal(got, []int{all - 1, all - 1, 1, 1}) {
		t.Errorf("while another is challenged: %v", got)
	}
	learner.must(withdrawChallenge, vars("id", challenge))
	if got := count(); !slices.Equal(got, []int{all, all, 2, 2}) {
		t.Errorf("after taking it back: %v", got)
	}
	if a := learner.ask(withdrawChallenge, vars("id", challenge)); refusal(t, a) != "ALREADY_DONE id" {
		t.Errorf("%s", a.raw)
	}
}

const linkTerms = `mutation($i:CreateShareLinkInput!){createShareLink(input:$i){shareLink{id version expiresAt maxRedemptions url} userErrors{code message path}}}`

// T30: for under-18s, and for who may be one, a link is short and limited
// unless they say otherwise, and never unlimited.
func TestLinksOfUnder18s(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, c := range []struct {
		name string
		days int
		uses any
	}{{"Priya", 7, float64(5)}, {"Kofi", 7, float64(5)}, {adult, 30, nil}} {
		person := sample(t, c.name)
		if c.name == "Priya" && string(person.BirthDate) < h.clock.Now().AddDate(-18, 0, 0).Format(time.DateOnly) {
			continue // she has come of age
		}
		t.Run(c.name, func(t *testing.T) {
			learner := h.signedIn(person.Subject)
			view := learner.everythingView()
			base := map[string]any{"viewId": view, "purpose": "EDUCATION"}
			for name, in := range map[string]map[string]any{"absent": base, "null": with(base, "maxRedemptions", nil, "expiresAt", nil)["i"].(map[string]any)} {
				link := learner.must(linkTerms, map[string]any{"i": in}).at("createShareLink", "shareLink").(map[string]any)
				if link["maxRedemptions"] != c.uses || link["expiresAt"] != h.clock.Now().AddDate(0, 0, c.days).Format("2006-01-02T15:04:05.000Z") {
					t.Errorf("%s: %v", name, link)
				}
			}
			link := learner.must(linkTerms, with(base, "maxRedemptions", 2, "expiresAt", h.clock.Now().Add(20*24*time.Hour))).at("createShareLink", "shareLink").(map[string]any)
			if link["maxRedemptions"] != float64(2) {
				t.Errorf("%v", link)
			}
			want := "REQUIRED maxRedemptions"
			if c.uses == nil {
				want = ""
			}
			if a := learner.ask(updateLink, vars("id", link["id"], "expectedVersion", 1, "maxRedemptions", nil)); refusal(t, a) != want {
				t.Errorf("clearing the limit: %s", a.raw)
			}
			// What the preview says of the end is what a link would get.
			preview := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{preview{expiresAt redemptionId reference}}}}`, map[string]any{"i": view})
			if preview.at("node", "preview", "expiresAt") != h.clock.Now().AddDate(0, 0, c.days).Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("%s", preview.raw)
			}
		})
	}
}

// Under the sensitive learners policy sharing starts off, needs a PIN, lasts a
// week at most and never shows where the learner is.
func TestLinksOfRestrictedLearners(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, "Rowan").Subject)
	a := learner.must(`{learner{sharingPreference{optedOut since history{at}} learningEvents(first:100){nodes{achievementProvider{name}}}}}`, nil)
	if a.at("learner", "sharingPreference", "optedOut") != true || a.at("learner", "sharingPreference", "since") != nil {
		t.Errorf("%s", a.raw)
	}
	var providers []string
	for _, n := range a.at("learner", "learningEvents", "nodes").([]any) {
		if p, ok := n.(map[string]any)["achievementProvider"].(map[string]any); ok {
			providers = append(providers, p["name"].(string))
		}
	}
	if len(providers) == 0 {
		t.Fatal("the sample learner has no provider to hide")
	}
	view := learner.must(createView, vars("name", "x", "selection", map[string]any{"everything": true}, "fields", []string{"SUBJECT", "ACHIEVEMENT_PROVIDER"})).at("createConfiguredView", "configuredView", "id")
	base := map[string]any{"viewId": view, "purpose": "EMPLOYMENT", "pin": "2580"}
	if a := learner.ask(linkTerms, map[string]any{"i": base}); refusal(t, a) != "SHARING_OFF" {
		t.Errorf("%s", a.raw)
	}
	learner.must(setSharing, vars("optOut", false))
	const day = 24 * time.Hour
	for _, c := range []struct {
		name, want string
		kv         []any
	}{
		{"no PIN", "REQUIRED pin", []any{"pin", "ABSENT"}},
		{"PIN null", "REQUIRED pin", []any{"pin", nil}},
		{"a week and a millisecond", "OUT_OF_RANGE expiresAt", []any{"expiresAt", h.clock.Now().Add(7*day + time.Millisecond)}},
		{"a year", "OUT_OF_RANGE expiresAt", []any{"expiresAt", h.clock.Now().Add(365 * day)}},
		{"a week", "", []any{"expiresAt", h.clock.Now().Add(7 * day)}},
	} {
		if a := learner.ask(linkTerms, with(base, c.kv...)); refusal(t, a) != c.want {
			t.Errorf("%s: %s", c.name, a.raw)
		}
	}
	made := learner.must(linkTerms, map[string]any{"i": base}).at("createShareLink", "shareLink").(map[string]any)
	if made["expiresAt"] != h.clock.Now().Add(7*day).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("%v", made)
	}
	if a := learner.ask(updateLink, vars("id", made["id"], "expectedVersion", 1, "expiresAt", h.clock.Now().Add(8*day))); refusal(t, a) != "OUT_OF_RANGE expiresAt" {
		t.Errorf("%s", a.raw)
	}
	shared := h.browser().must(redeem, redeemVars(secretOf(t, made["url"]), "2580"))
	preview := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{preview{fields events{subject achievementProvider{name ukprn code}}}}}}`, map[string]any{"i": view})
	if outcome(shared) != "SharedRecord" {
		t.Fatalf("%s", shared.raw)
	}
	for _, a := range []*gqlAnswer{shared, preview} {
		for _, provider := range append(providers, "ACHIEVEMENT_PROVIDER") {
			if strings.Contains(a.raw, provider) {
				t.Errorf("%q shows: %s", provider, a.raw)
			}
		}
	}
	page := h.browser().form("/s/redeem", map[string][]string{"link": {made["url"].(string)}, "name": {"Sam"}, "purpose": {"EMPLOYMENT"}, "pin": {"2580"}, "terms": {"accepted"}})
	for _, provider := range providers {
		if strings.Contains(page.body, provider) {
			t.Errorf("the page shows %q", provider)
		}
	}
}

// As many views and links as allowed, and no more, however many are asked for at once.
func TestHowManyThereMayBe(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	in := vars("name", "x", "selection", map[string]any{"everything": true})
	got := together(plr.MaxConfiguredViews+10, func(int) string { return refusal(t, learner.ask(createView, in)) })
	if got[""] != plr.MaxConfiguredViews || got["LIMIT_REACHED"] != 10 {
		t.Errorf("views: %v", got)
	}
	view := newest(learner, "configuredViews")
	got = together(plr.MaxLiveLinks+10, func(int) string { return refusal(t, learner.ask(linkTerms, vars("viewId", view, "purpose", "OTHER"))) })
	if got[""] != plr.MaxLiveLinks || got["LIMIT_REACHED"] != 10 {
		t.Errorf("links: %v", got)
	}
	learner.must(revokeLink, vars("id", newest(learner, "shareLinks")))
	if a := learner.ask(linkTerms, vars("viewId", view, "purpose", "OTHER")); refusal(t, a) != "" {
		t.Errorf("%s", a.raw)
	}
}
