package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

// sample gives the sample person with this given name.
func sample(t *testing.T, givenName string) lrs.SamplePerson {
	t.Helper()
	people := samplePeople(t)
	i := slices.IndexFunc(people, func(p lrs.SamplePerson) bool { return p.GivenName == givenName })
	if i < 0 {
		t.Fatalf("there is no %s among the sample learners", givenName)
	}
	return people[i]
}

// The two sample learners these tests use most: both are adults.
const (
	adult   = "Idris"
	another = "Niamh"
)

// refusal is why an answer refuses: "!CODE" at the top level, else the user
// errors as "CODE path", sorted and joined; "" when it does not.
func refusal(t *testing.T, a *gqlAnswer) string {
	t.Helper()
	checkCodes(t, a)
	if len(a.Errors) > 0 {
		return "!" + a.code()
	}
	var out []string
	for _, field := range a.Data {
		payload, ok := field.(map[string]any)
		if !ok {
			continue
		}
		list, _ := payload["userErrors"].([]any)
		for _, item := range list {
			e := item.(map[string]any)
			if e["message"] == "" {
				t.Errorf("a user error has no words: %s", a.raw)
			}
			steps, _ := e["path"].([]any)
			words := make([]string, len(steps))
			for i, s := range steps {
				words[i] = s.(string)
			}
			out = append(out, strings.TrimSpace(e["code"].(string)+" "+strings.Join(words, ".")))
		}
		for name, object := range payload {
			if name == "identity" {
				continue // where an account stands is told in any case
			}
			if name != "userErrors" && (object == nil) != (len(list) > 0) {
				t.Errorf("%s and userErrors contradict each other: %s", name, a.raw)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// with gives the variables of an input with members replaced; a member that is
// the text "ABSENT" is left out.
func with(base map[string]any, kv ...any) map[string]any {
	in := maps.Clone(base)
	for i := 0; i < len(kv); i += 2 {
		if in[kv[i].(string)] = kv[i+1]; kv[i+1] == "ABSENT" {
			delete(in, kv[i].(string))
		}
	}
	return map[string]any{"i": in}
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// everythingView makes a view of the whole record.
func (b *browser) everythingView() string {
	b.h.t.Helper()
	a := b.must(createView, vars("name", "All", "selection", map[string]any{"everything": true}))
	return a.at("createConfiguredView", "configuredView", "id").(string)
}

// narrowView is of one event.
func (b *browser) narrowView() string {
	b.h.t.Helper()
	a := b.must(createView, vars("name", "One", "selection", map[string]any{"events": b.eventIDs()[:1]}))
	return a.at("createConfiguredView", "configuredView", "id").(string)
}

const (
	raiseChallenge = `mutation($i: RaiseDataChallengeInput!) { raiseDataChallenge(input: $i) { dataChallenge { id explanation proposedValue } userErrors { code message path } } }`
	updateView     = `mutation($i: UpdateConfiguredViewInput!) { updateConfiguredView(input: $i) { configuredView { id version name fields language selection { everything events rule { qualificationTypes } } } userErrors { code message path } } }`
	updateLink     = `mutation($i: UpdateShareLinkInput!) { updateShareLink(input: $i) { shareLink { id version label expiresAt maxRedemptions purpose language status recipient { name organisation email } } userErrors { code message path } } }`
)

// eventIDs gives the ids of the learner's events, newest award first.
func (b *browser) eventIDs() []string {
	b.h.t.Helper()
	var out []string
	for _, n := range b.must(`{learner{learningEvents(first:100){nodes{id}}}}`, nil).at("learner", "learningEvents", "nodes").([]any) {
		out = append(out, n.(map[string]any)["id"].(string))
	}
	return out
}

// Row 27: whole numbers, by literal and by variable.
func TestNumbers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	for _, c := range []struct{ value, byLiteral, byVariable string }{
		{"1", "", ""},
		{"100", "", ""},
		{"0", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"-0", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"-1", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"101", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"2147483647", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"2147483648", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"-2147483649", "!BAD_USER_INPUT", "!BAD_USER_INPUT"},
		{"4294967297", "!BAD_USER_INPUT", "!BAD_USER_INPUT"}, // 1 in 32 bits
		{"18446744073709551617", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"5.5", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"5.0", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"1e1", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"1e30", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{`"5"`, "!GRAPHQL_VALIDATION_FAILED", "!BAD_USER_INPUT"},
		{`""`, "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"true", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"null", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"[5]", "!GRAPHQL_VALIDATION_FAILED", "!GRAPHQL_VALIDATION_FAILED"},
		{"{}", "!BAD_USER_INPUT", "!GRAPHQL_VALIDATION_FAILED"},
	} {
		for _, list := range []string{"learningEvents", "configuredViews", "shareLinks", "dataChallenges", "accessHistory"} {
			t.Run(list+" "+c.value, func(t *testing.T) {
				a := learner.ask("{learner{"+list+"(first:"+c.value+"){totalCount}}}", nil)
				if got := refusal(t, a); got != c.byLiteral {
					t.Errorf("by literal %s, want %s: %s", got, c.byLiteral, a.raw)
				}
				a = learner.ask("query($n:Int!){learner{"+list+"(first:$n){totalCount}}}", map[string]any{"n": raw(c.value)})
				if got := refusal(t, a); got != c.byVariable {
					t.Errorf("by variable %s, want %s: %s", got, c.byVariable, a.raw)
				}
				if wide := len(c.value) > 9 && c.value != "2147483647"; a.code() == "BAD_USER_INPUT" && wide != strings.Contains(a.Errors[0].Message, "between -2147483648 and") {
					t.Errorf("the bounds of an Int: %s", a.raw)
				}
				if a.code() == "BAD_USER_INPUT" && !strings.HasPrefix(c.value, `"`) && len(c.value) < 10 && a.Errors[0].Extensions["argument"] != "first" {
					t.Errorf("the argument is not named: %s", a.raw)
				}
			})
		}
	}
}

// Row 28: the opt-out takes true and false and nothing that looks like them.
func TestOptOutTakesOnlyBooleans(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	before := learner.holdings()
	for _, value := range []string{`"false"`, `"true"`, `"yes"`, `0`, `1`, `null`, `[]`, `[true]`, `{}`, `""`} {
		for _, field := range []string{"optOut", "consequencesAcknowledged", "resumeLinks"} {
			if value == "null" && field != "optOut" {
				continue // optional: null is as good as absent
			}
			t.Run(field+" "+value, func(t *testing.T) {
				in := map[string]any{"optOut": true, "consequencesAcknowledged": true}
				in[field] = raw(value)
				if a := learner.ask(setSharing, map[string]any{"i": in}); refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" {
					t.Errorf("by variable: %s", a.raw)
				}
				literal := map[string]string{"optOut": "true", "consequencesAcknowledged": "true"}
				literal[field] = value
				var members []string
				for name, v := range literal {
					members = append(members, name+":"+v)
				}
				a := learner.ask("mutation{setSharingPreference(input:{"+strings.Join(members, " ")+"}){sharingPreference{optedOut} userErrors{code message path}}}", nil)
				if got := refusal(t, a); got != "!GRAPHQL_VALIDATION_FAILED" && (got != "!BAD_USER_INPUT" || value != "{}") {
					t.Errorf("by literal: %s", a.raw)
				}
			})
		}
	}
	for name, c := range map[string]struct {
		in   map[string]any
		want string
	}{
		"not acknowledged":         {map[string]any{"optOut": true}, "ACKNOWLEDGEMENT_REQUIRED consequencesAcknowledged"},
		"acknowledged with false":  {map[string]any{"optOut": true, "consequencesAcknowledged": false}, "ACKNOWLEDGEMENT_REQUIRED consequencesAcknowledged"},
		"acknowledged with null":   {map[string]any{"optOut": true, "consequencesAcknowledged": nil}, "ACKNOWLEDGEMENT_REQUIRED consequencesAcknowledged"},
		"resuming while going off": {map[string]any{"optOut": true, "consequencesAcknowledged": true, "resumeLinks": true}, "INVALID resumeLinks"},
		"nothing said":             {map[string]any{}, "!GRAPHQL_VALIDATION_FAILED"},
	} {
		if a := learner.ask(setSharing, map[string]any{"i": c.in}); refusal(t, a) != c.want {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	if after := learner.holdings(); after != before {
		t.Errorf("the preference moved: %+v, before %+v", after, before)
	}
}

// texts of one line, and what becomes of them; "" is accepted and kept byte for byte.
func lineTexts(most int) []struct{ name, text, code string } {
	return []struct{ name, text, code string }{
		{"plain", "Bakery", ""},
		{"apostrophe, hyphen, stroke, Han", "O’Brien-Łukasz 李", ""},
		{"straight apostrophe", "O'Dowd", ""},
		{"one letter", "X", ""},
		{"Arabic", "محمد", ""},
		{"joiner inside", "क\u200dष", ""},
		{"as many as allowed, four bytes each", strings.Repeat("😀", most), ""},
		{"decomposed", "Zoe\u0308 Cafe\u0301", ""},
		{"composed", "Zo\u00eb Caf\u00e9", ""},
		{"markup", "<script>alert(1)</script>", ""},
		{"template", "{{7*7}} ${7*7} <%= 7 %>", ""},
		{"formula", `=cmd|' /C calc'!A0`, ""},
		{"format", "%s%n%d", ""},
		{"operator", `{"$gt":""}`, ""},
		{"operator of code", `{"$where":"sleep(5000)"}`, ""},
		{"pattern", "(a+)+$", ""},
		{"SQL", "'; DROP TABLE learners; --", ""},
		{"path", "../../etc/passwd", ""},
		{"spaces around are kept", " Bakery ", ""},
		{"empty", "", "REQUIRED"},
		{"spaces", "   ", "REQUIRED"},
		{"no-break spaces", "\u00a0\u2003", "REQUIRED"},
		{"zero width only", "\u200b\u200b\u2060", "REQUIRED"},
		{"joiners and spaces only", " \u200d\ufeff ", "REQUIRED"},
		{"one too many", strings.Repeat("x", most+1), "TOO_LONG"},
		{"one too many, four bytes each", strings.Repeat("😀", most+1), "TOO_LONG"},
		{"NUL", "a\x00b", "INVALID"},
		{"escape sequence", "a\x1b[31mb", "INVALID"},
		{"line break", "a\nb", "INVALID"},
		{"carriage return and line break", "a\r\nLevel: ERROR", "INVALID"},
		{"tab", "a\tb", "INVALID"},
		{"next line", "a\u0085b", "INVALID"},
		{"line separator", "a\u2028b", "INVALID"},
		{"right-to-left override", "a\u202eb", "INVALID"},
		{"right-to-left isolate", "a\u2067b", "INVALID"},
		{"replacement character", "a\ufffdb", "INVALID"},
	}
}

// Rows 30 to 32 and 55: texts of one line in every place that takes one.
func TestTextsOfOneLine(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	view := learner.everythingView()
	viewVersion := 1
	link := map[string]any{"viewId": view, "purpose": "EMPLOYMENT"}
	opened := learner.must(createLink, map[string]any{"i": link})
	linkID, secret := opened.at("createShareLink", "shareLink", "id"), secretOf(t, opened.at("createShareLink", "shareLink", "url"))
	linkVersion := 1

	for _, place := range []struct {
		name, path string
		most       int
		// send sends a text and gives the answer, and what is read back of it.
		send func(text string) (*gqlAnswer, any)
	}{
		{"new view's name", "name", 100, func(text string) (*gqlAnswer, any) {
			a := learner.ask(`mutation($i:CreateConfiguredViewInput!){createConfiguredView(input:$i){configuredView{id name} userErrors{code message path}}}`,
				vars("name", text, "selection", map[string]any{"everything": true}))
			id, _ := a.at("createConfiguredView", "configuredView", "id").(string)
			kept := any(nil)
			if id != "" {
				kept = learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{name}}}`, map[string]any{"i": id}).at("node", "name")
				learner.must(`mutation($i:DeleteConfiguredViewInput!){deleteConfiguredView(input:$i){deletedId userErrors{code message path}}}`, vars("id", id))
			}
			return a, kept
		}},
		{"view's new name", "name", 100, func(text string) (*gqlAnswer, any) {
			a := learner.ask(updateView, vars("id", view, "expectedVersion", viewVersion, "name", text))
			if v, ok := a.at("updateConfiguredView", "configuredView", "version").(float64); ok {
				viewVersion = int(v)
			}
			return a, learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{name}}}`, map[string]any{"i": view}).at("node", "name")
		}},
		{"link's new label", "label", 100, func(text string) (*gqlAnswer, any) {
			a := learner.ask(updateLink, vars("id", linkID, "expectedVersion", linkVersion, "label", text))
			if v, ok := a.at("updateShareLink", "shareLink", "version").(float64); ok {
				linkVersion = int(v)
			}
			return a, learner.must(`query($i:ID!){node(id:$i){... on ShareLink{label}}}`, map[string]any{"i": linkID}).at("node", "label")
		}},
		{"link's recipient", "recipient.organisation", 200, func(text string) (*gqlAnswer, any) {
			a := learner.ask(updateLink, vars("id", linkID, "expectedVersion", linkVersion, "recipient", map[string]any{"name": "Sam", "organisation": text}))
			if v, ok := a.at("updateShareLink", "shareLink", "version").(float64); ok {
				linkVersion = int(v)
			}
			return a, learner.must(`query($i:ID!){node(id:$i){... on ShareLink{recipient{organisation}}}}`, map[string]any{"i": linkID}).at("node", "recipient", "organisation")
		}},
		{"redeemer's name", "recipient.name", 200, func(text string) (*gqlAnswer, any) {
			h.clock.Advance(time.Millisecond) // entries of one instant have no order that a test could know
			a := h.browser().ask(redeem, redeemVars(secret, "", "recipient", map[string]any{"name": text}))
			return a, learner.must(`{learner{accessHistory(first:1){nodes{recipient{name}}}}}`, nil).at("learner", "accessHistory", "nodes", 0, "recipient", "name")
		}},
		{"filter's text", "!", 100, func(text string) (*gqlAnswer, any) {
			return learner.ask(`query($i:String){learner{learningEvents(filter:{text:$i}){totalCount}}}`, map[string]any{"i": text}), text
		}},
	} {
		for _, c := range lineTexts(place.most) {
			t.Run(place.name+": "+c.name, func(t *testing.T) {
				before := learner.holdings()
				a, kept := place.send(c.text)
				got := refusal(t, a)
				after := learner.holdings()
				if place.name == "redeemer's name" && c.code == "" {
					before.accesses++
				}
				if after != before {
					t.Errorf("%+v, before %+v", after, before)
				}
				if c.code != "" {
					want := c.code + " " + place.path
					if place.path == "!" {
						want = "!BAD_USER_INPUT"
					}
					if got != want {
						t.Errorf("%s, want %s: %.300s", got, want, a.raw)
					}
					if len(c.text) > 3 && strings.Contains(a.raw, c.text) {
						t.Errorf("the text comes back: %.300s", a.raw)
					}
					return
				}
				if got != "" || kept != c.text {
					t.Errorf("%s; kept %q, want %q", got, kept, c.text)
				}
			})
		}
	}
}

// Rows 30 and 31: the learner's own words about what is wrong, of several lines.
func TestChallengeTexts(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	events := learner.eventIDs()
	base := map[string]any{"eventId": events[0], "kind": "WRONG_GRADE", "explanation": "It says C."}
	for _, c := range []struct{ name, field, text, want string }{
		{"nothing", "explanation", "", "REQUIRED explanation"},
		{"spaces and lines", "explanation", " \r\n\t ", "REQUIRED explanation"},
		{"zero width only", "explanation", "\u200b\ufeff", "REQUIRED explanation"},
		{"4001 characters", "explanation", strings.Repeat("x", 4001), "TOO_LONG explanation"},
		{"4001 characters of four bytes", "explanation", strings.Repeat("😀", 4001), "TOO_LONG explanation"},
		{"NUL", "explanation", "a\x00", "INVALID explanation"},
		{"escape sequence", "explanation", "\x1b[2J", "INVALID explanation"},
		{"backspace", "explanation", "a\b", "INVALID explanation"},
		{"line separator", "explanation", "a\u2028b", "INVALID explanation"},
		{"replacement character", "explanation", "a\ufffd", "INVALID explanation"},
		{"nothing proposed", "proposedValue", "", "REQUIRED proposedValue"},
		{"201 characters proposed", "proposedValue", strings.Repeat("x", 201), "TOO_LONG proposedValue"},
		{"lines proposed", "proposedValue", "a\nb", "INVALID proposedValue"},
		{"override proposed", "proposedValue", "a\u202eb", "INVALID proposedValue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := learner.holdings()
			if a := learner.ask(raiseChallenge, with(base, c.field, c.text)); refusal(t, a) != c.want {
				t.Errorf("want %s: %.300s", c.want, a.raw)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, before %+v", after, before)
			}
		})
	}
	t.Run("lone surrogate in a literal", func(t *testing.T) {
		a := learner.ask(`mutation{raiseDataChallenge(input:{eventId:"`+events[0]+`",kind:OTHER,explanation:"a\uD83Db"}){dataChallenge{id} userErrors{code message path}}}`, nil)
		if got := refusal(t, a); got != "INVALID explanation" && !strings.HasPrefix(got, "!") {
			t.Errorf("%s: %s", got, a.raw)
		}
	})
	// Ten a day are allowed, each about another event.
	for i, c := range []struct{ name, explanation, proposed string }{
		{"plain", "It says C.", "A"},
		{"several lines", "One\r\nTwo\n\n\tThree", "7"},
		{"as long as allowed, four bytes each", strings.Repeat("😀", 4000), strings.Repeat("😀", 200)},
		{"decomposed", "Cafe\u0301", "Zoe\u0308"},
		{"right-to-left, with marks", "\u202bשלום\u202c \u200f!", "שלום"},
		{"markup", "<script>alert('x')</script><img src=x onerror=y>", "<b>A*</b>"},
		{"template and formula", "{{7*7}} =cmd() %s%n", "=1+1"},
		{"operators", `{"$gt":""} {"$where":"sleep(5000)"}`, `{"$regex":"(a+)+$"}`},
	} {
		t.Run("kept: "+c.name, func(t *testing.T) {
			a := learner.must(raiseChallenge, with(base, "eventId", events[i], "explanation", c.explanation, "proposedValue", c.proposed))
			id := a.at("raiseDataChallenge", "dataChallenge", "id")
			read := learner.must(`query($i:ID!){node(id:$i){... on DataChallenge{explanation proposedValue status}}}`, map[string]any{"i": id})
			for from, got := range map[string]*gqlAnswer{"raiseDataChallenge dataChallenge": a, "node": read} {
				var path []any
				for _, step := range strings.Fields(from) {
					path = append(path, step)
				}
				if got.at(append(path, "explanation")...) != c.explanation || got.at(append(path, "proposedValue")...) != c.proposed {
					t.Errorf("%s: not byte for byte: %.300s", from, got.raw)
				}
			}
			if strings.Contains(read.raw, "<script") && read.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("an answer with markup may be taken for a page")
			}
		})
	}
	if n := learner.holdings().challenges; n != 8 {
		t.Errorf("%v challenges, want 8", n)
	}
}

// Row 31: what a recipient typed comes back to them as text, never as markup.
func TestTypedMarkupIsInertOnThePage(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	link := learner.must(createLink, vars("viewId", learner.everythingView(), "purpose", "OTHER", "pin", "2580"))
	const typed = `"><script>alert(1)</script>{{7*7}}`
	p := h.browser().form("/s/redeem", url.Values{"link": {link.at("createShareLink", "shareLink", "url").(string)}, "name": {typed},
		"organisation": {typed}, "purpose": {"EMPLOYMENT"}, "pin": {"9999"}, "terms": {"accepted"}})
	if p.status != 200 || strings.Contains(p.body, "<script>alert") || !strings.Contains(p.body, "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}") {
		t.Errorf("%d %s", p.status, p.body)
	}
}

// Row 33: when a link may end.
func TestExpiry(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	base := map[string]any{"viewId": learner.everythingView(), "purpose": "EMPLOYMENT"}
	existing := learner.must(createLink, map[string]any{"i": base}).at("createShareLink", "shareLink", "id")
	version := 1
	now := h.clock.Now()
	year := now.Year() + 1
	in := func(d time.Duration) any { return now.Add(d).Format(time.RFC3339Nano) }
	at := func(form string) any { return fmt.Sprintf(form, year) }
	const day = 24 * time.Hour
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"one hour", in(time.Hour), ""},
		{"one hour less a millisecond", in(time.Hour - time.Millisecond), "OUT_OF_RANGE expiresAt"},
		{"59 minutes", in(59 * time.Minute), "OUT_OF_RANGE expiresAt"},
		{"one second", in(time.Second), "OUT_OF_RANGE expiresAt"},
		{"now", in(0), "OUT_OF_RANGE expiresAt"},
		{"past", in(-time.Hour), "OUT_OF_RANGE expiresAt"},
		{"365 days", in(365 * day), ""},
		{"the same day next year", now.AddDate(1, 0, 0).Format(time.RFC3339Nano), ""},
		{"367 days", in(367 * day), "OUT_OF_RANGE expiresAt"},
		{"9999", "9999-12-31T23:59:59Z", "OUT_OF_RANGE expiresAt"},
		{"year 1", "0001-01-01T00:00:00Z", "OUT_OF_RANGE expiresAt"},
		{"year 0", "0000-01-01T00:00:00Z", "!BAD_USER_INPUT"},
		{"before year 1 in UTC", "0001-01-01T00:00:00+01:00", "!BAD_USER_INPUT"},
		{"after 9999 in UTC", "9999-12-31T23:59:59-01:00", "!BAD_USER_INPUT"},
		{"year 10000", "10000-01-01T00:00:00Z", "!BAD_USER_INPUT"},
		{"negative year", "-2026-01-01T00:00:00Z", "!BAD_USER_INPUT"},
		{"no date", "x", "!BAD_USER_INPUT"},
		{"empty", "", "!BAD_USER_INPUT"},
		{"number", 1795000000, "!BAD_USER_INPUT"},
		{"boolean", true, "!BAD_USER_INPUT"},
		{"list", []any{in(2 * time.Hour)}, "!BAD_USER_INPUT"},
		{"object", map[string]any{"$gt": ""}, "!BAD_USER_INPUT"},
		{"nested 9000 deep", raw(strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), "!BAD_USER_INPUT"},
		{"no zone", at("%d-01-10T10:00:00"), "!BAD_USER_INPUT"},
		{"no time", at("%d-01-10"), "!BAD_USER_INPUT"},
		{"no seconds", at("%d-01-10T10:00Z"), "!BAD_USER_INPUT"},
		{"space for T", at("%d-01-10 10:00:00Z"), "!BAD_USER_INPUT"},
		{"space before", at(" %d-01-10T10:00:00Z"), "!BAD_USER_INPUT"},
		{"31 February", at("%d-02-31T10:00:00Z"), "!BAD_USER_INPUT"},
		{"month 13", at("%d-13-01T10:00:00Z"), "!BAD_USER_INPUT"},
		{"hour 24", at("%d-01-10T24:00:00Z"), "!BAD_USER_INPUT"},
		{"leap second", at("%d-01-10T23:59:60Z"), "!BAD_USER_INPUT"},
		{"hour of one digit", at("%d-01-10T9:00:00Z"), "!BAD_USER_INPUT"},
		{"comma before the fraction", at("%d-01-10T10:00:00,5Z"), "!BAD_USER_INPUT"},
		{"offset of 24 hours", at("%d-01-10T10:00:00+24:00"), "!BAD_USER_INPUT"},
		{"offset of 60 minutes", at("%d-01-10T10:00:00+01:60"), "!BAD_USER_INPUT"},
		{"unknown offset", at("%d-01-10T10:00:00-00:00"), "!BAD_USER_INPUT"},
		{"named zone", at("%d-01-10T10:00:00 Europe/London"), "!BAD_USER_INPUT"},
		{"offset", now.Add(2 * time.Hour).In(time.FixedZone("", 5*3600+45*60)).Format(time.RFC3339Nano), ""},
		{"nanoseconds", now.Add(2 * time.Hour).Format("2006-01-02T15:04:05.000000001Z"), ""},
		{"null", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := learner.holdings()
			a := learner.ask(createLink, with(base, "expiresAt", c.value))
			if got := refusal(t, a); got != c.want {
				t.Errorf("create: %s, want %s: %.300s", got, c.want, a.raw)
			}
			if c.want == "!BAD_USER_INPUT" && fmt.Sprint(a.Errors[0].Path) != "[createShareLink input expiresAt]" {
				t.Errorf("the field is not named: %.300s", a.raw)
			}
			if c.want == "" {
				before.links++
				if text, ok := c.value.(string); ok {
					sent, err := time.Parse(time.RFC3339Nano, text)
					if kept := a.at("createShareLink", "shareLink", "expiresAt"); err != nil || kept != sent.UTC().Format("2006-01-02T15:04:05.000Z") {
						t.Errorf("kept %v of %s", kept, text)
					}
				}
			}
			if c.value != nil {
				a = learner.ask(updateLink, vars("id", existing, "expectedVersion", version, "expiresAt", c.value))
				if got := refusal(t, a); got != c.want {
					t.Errorf("update: %s, want %s: %.300s", got, c.want, a.raw)
				}
				if c.want == "" {
					version++
				}
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
	// By literal too.
	if a := learner.ask(`mutation{createShareLink(input:{viewId:"`+base["viewId"].(string)+`",purpose:OTHER,expiresAt:1795000000}){shareLink{id} userErrors{code message path}}}`, nil); !strings.HasPrefix(refusal(t, a), "!") {
		t.Errorf("%s", a.raw)
	}
}

// A year is a year also when it has 366 days. Asked of the domain itself: the
// provider's clock does not move, so nobody could sign in then.
func TestExpiryInLeapYears(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	view := h.signedIn(sample(t, adult).Subject).everythingView()
	leap := 4 * ((h.clock.Now().Year() + 4) / 4)
	h.clock.Advance(time.Date(leap-1, 6, 1, 12, 0, 0, 0, time.UTC).Sub(h.clock.Now()))
	for _, c := range []struct {
		expires time.Time
		want    plr.Code
	}{
		{time.Date(leap, 6, 1, 12, 0, 0, 0, time.UTC), ""},
		{time.Date(leap, 6, 1, 12, 0, 0, 1e6, time.UTC), plr.CodeOutOfRange},
	} {
		_, err := h.app.service.CreateShareLink(t.Context(), sample(t, adult).ULN, plr.ShareLinkInput{ViewID: view, Purpose: plr.PurposeOther, ExpiresAt: &c.expires, Fresh: true})
		if (c.want == "" && err != nil) || (c.want != "" && plr.CodeOf(err) != c.want) {
			t.Errorf("%s: %v, want %q", c.expires, err, c.want)
		}
	}
}

// Row 34: an end in the hour that clocks skip or repeat is the instant its
// offset says, and the link dies at that instant.
func TestExpiryWhereClocksChange(t *testing.T) {
	t.Parallel()
	for _, offset := range []string{"Z", "+00:00", "+01:00"} {
		t.Run(offset, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			learner := h.signedIn(sample(t, adult).Subject)
			text := nextClockChange(h.clock.Now()).Format(time.DateOnly) + "T01:30:00" + offset
			instant, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			link := learner.must(createLink, vars("viewId", learner.everythingView(), "purpose", "OTHER", "expiresAt", text))
			if got := link.at("createShareLink", "shareLink", "expiresAt"); got != instant.UTC().Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("%s became %v", text, got)
			}
			secret := secretOf(t, link.at("createShareLink", "shareLink", "url"))
			h.clock.Advance(instant.Sub(h.clock.Now()) - time.Millisecond)
			if a := h.browser().ask(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
				t.Errorf("a millisecond before: %s", a.raw)
			}
			h.clock.Advance(time.Millisecond)
			a := h.browser().ask(redeem, redeemVars(secret, ""))
			if outcome(a) != "ShareUnavailable" || a.at("redeemShareLink", "outcome", "reason") != "EXPIRED" || a.at("redeemShareLink", "outcome", "expiredAt") != instant.UTC().Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("at the instant: %s", a.raw)
			}
		})
	}
}

// nextClockChange gives the day of the next change of clocks in the United
// Kingdom that is at least a day away: the last Sunday of March or October.
func nextClockChange(now time.Time) time.Time {
	for day := now.Add(24 * time.Hour).Truncate(24 * time.Hour); ; day = day.Add(24 * time.Hour) {
		if (day.Month() == time.March || day.Month() == time.October) && day.Weekday() == time.Sunday && day.Day() > 24 {
			return day
		}
	}
}

// Rows 35 and 36, and the rest of what can be said of a link.
func TestLinkInputs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner, stranger := h.signedIn(sample(t, adult).Subject), h.signedIn(sample(t, another).Subject)
	view := learner.everythingView()
	gone := learner.everythingView()
	learner.must(`mutation($i:DeleteConfiguredViewInput!){deleteConfiguredView(input:$i){deletedId userErrors{code message path}}}`, vars("id", gone))
	empty := learner.must(createView, vars("name", "None", "selection", map[string]any{"rule": map[string]any{"levels": []string{"Level 99"}}})).at("createConfiguredView", "configuredView", "id")
	base := map[string]any{"viewId": view, "purpose": "EMPLOYMENT"}
	person := func(kv ...any) map[string]any {
		return with(map[string]any{"name": "Sam"}, kv...)["i"].(map[string]any)
	}
	for _, c := range []struct {
		name  string
		field string
		value any
		want  string
	}{
		{"no limit said", "maxRedemptions", nil, ""},
		{"limit 1", "maxRedemptions", 1, ""},
		{"limit 10000", "maxRedemptions", 10000, ""},
		{"limit 0", "maxRedemptions", 0, "OUT_OF_RANGE maxRedemptions"},
		{"limit -1", "maxRedemptions", -1, "OUT_OF_RANGE maxRedemptions"},
		{"limit 10001", "maxRedemptions", 10001, "OUT_OF_RANGE maxRedemptions"},
		{"limit 2^31-1", "maxRedemptions", 2147483647, "OUT_OF_RANGE maxRedemptions"},
		{"limit 2^31", "maxRedemptions", 2147483648, "!BAD_USER_INPUT"},
		{"limit 2^32+1", "maxRedemptions", 4294967297, "!BAD_USER_INPUT"},
		{"limit 1.5", "maxRedemptions", 1.5, "!GRAPHQL_VALIDATION_FAILED"},
		{"limit as text", "maxRedemptions", "5", "!BAD_USER_INPUT"},

		{"PIN of four digits", "pin", "2580", ""},
		{"PIN with leading zero", "pin", "0739", ""},
		{"PIN of twelve", "pin", "a1b2c3d4e5f6", ""},
		{"PIN of letters", "pin", "bkzq", ""},
		{"PIN 0000", "pin", "0000", "INVALID pin"},
		{"PIN 1234", "pin", "1234", "INVALID pin"},
		{"PIN 9876", "pin", "9876", "INVALID pin"},
		{"PIN 3210", "pin", "3210", "INVALID pin"},
		{"PIN abcd", "pin", "abcd", "INVALID pin"},
		{"PIN of one letter in both cases", "pin", "aAaA", "INVALID pin"},
		{"PIN counting up in both cases", "pin", "aBcD", "INVALID pin"},
		{"PIN in full-width digits", "pin", "２５８０", "INVALID pin"},
		{"PIN in Arabic digits", "pin", "٢٥٨٠", "INVALID pin"},
		{"PIN with space before", "pin", " 2580", "INVALID pin"},
		{"PIN with space behind", "pin", "2580 ", "INVALID pin"},
		{"PIN with line break", "pin", "2580\n", "INVALID pin"},
		{"PIN with NUL", "pin", "2580\x00", "INVALID pin"},
		{"PIN with hyphen", "pin", "25-80", "INVALID pin"},
		{"PIN of three", "pin", "258", "INVALID pin"},
		{"PIN of thirteen", "pin", "2580258025801", "INVALID pin"},
		{"PIN of 200", "pin", strings.Repeat("25", 100), "INVALID pin"},
		{"PIN of emoji", "pin", "😀😁😂🤣", "INVALID pin"},
		{"PIN with accent", "pin", "piñ4", "INVALID pin"},
		{"empty PIN", "pin", "", "INVALID pin"},
		{"PIN as number", "pin", 2580, "!BAD_USER_INPUT"},
		{"PIN null", "pin", nil, ""},

		{"unknown view", "viewId", "vw_" + strings.Repeat("0", 26), "NOT_FOUND viewId"},
		{"deleted view", "viewId", gone, "NOT_FOUND viewId"},
		{"another learner's view", "viewId", stranger.everythingView(), "NOT_FOUND viewId"},
		{"event for a view", "viewId", learner.eventIDs()[0], "NOT_FOUND viewId"},
		{"no id", "viewId", "", "NOT_FOUND viewId"},
		{"garbage id", "viewId", "\x00'\"{$gt}", "NOT_FOUND viewId"},
		{"long id", "viewId", strings.Repeat("vw_", 5000), "NOT_FOUND viewId"},
		{"view id as object", "viewId", map[string]any{"$gt": ""}, "!GRAPHQL_VALIDATION_FAILED"},
		{"view id null", "viewId", nil, "!GRAPHQL_VALIDATION_FAILED"},
		{"view that shows nothing", "viewId", empty, "VIEW_EMPTY viewId"},

		{"purpose absent", "purpose", "ABSENT", "!GRAPHQL_VALIDATION_FAILED"},
		{"purpose nobody may have", "purpose", "MARKETING", "!GRAPHQL_VALIDATION_FAILED"},
		{"purpose in small letters", "purpose", "employment", "!GRAPHQL_VALIDATION_FAILED"},
		{"purpose as number", "purpose", 0, "!GRAPHQL_VALIDATION_FAILED"},
		{"language in small letters", "language", "cy", "!GRAPHQL_VALIDATION_FAILED"},
		{"language", "language", "CY", ""},

		{"label of 101", "label", strings.Repeat("x", 101), "TOO_LONG label"},
		{"label as number", "label", 5, "!BAD_USER_INPUT"},
		{"recipient without name", "recipient", person("name", "ABSENT"), "!GRAPHQL_VALIDATION_FAILED"},
		{"recipient with empty name", "recipient", person("name", ""), "REQUIRED recipient.name"},
		{"recipient with everything", "recipient", person("organisation", "Example Ltd", "email", "sam@example.com"), ""},
		{"recipient's organisation empty", "recipient", person("organisation", ""), "REQUIRED recipient.organisation"},
		{"recipient's address without at", "recipient", person("email", "sam.example.com"), "INVALID recipient.email"},
		{"recipient's address with a list", "recipient", person("email", "a@example.com,b@example.com"), "INVALID recipient.email"},
		{"recipient's address with a name", "recipient", person("email", "Sam <sam@example.com>"), "INVALID recipient.email"},
		{"recipient's address with a header", "recipient", person("email", "sam@example.com\r\nBcc: x@example.com"), "INVALID recipient.email"},
		{"recipient's address too long", "recipient", person("email", strings.Repeat("x", 250)+"@example.com"), "TOO_LONG recipient.email"},
		{"two faults at once", "recipient", person("name", " ", "email", "x"), "INVALID recipient.email, REQUIRED recipient.name"},

		{"key of 1", "idempotencyKey", "k", ""},
		{"key of 64", "idempotencyKey", strings.Repeat("é", 64), ""},
		{"key of 0", "idempotencyKey", "", "OUT_OF_RANGE idempotencyKey"},
		{"key of 65", "idempotencyKey", strings.Repeat("k", 65), "OUT_OF_RANGE idempotencyKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := learner.holdings()
			a := learner.ask(createLink, with(base, c.field, c.value))
			if got := refusal(t, a); got != c.want {
				t.Errorf("%s, want %s: %.400s", got, c.want, a.raw)
			}
			if text, ok := c.value.(string); ok && c.want != "" && len(text) > 6 && strings.Contains(a.raw, text) {
				t.Errorf("the value comes back: %.400s", a.raw)
			}
			if c.want == "" {
				before.links++
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
			if c.want == "" { // the limit of live links is not what is tried here
				learner.must(`mutation{revokeAllShareLinks{revokedCount userErrors{code message path}}}`, nil)
			}
		})
	}
	t.Run("every fault at once", func(t *testing.T) {
		a := learner.ask(createLink, with(base, "pin", "1", "maxRedemptions", 0, "label", "", "expiresAt", h.clock.Now().Format(time.RFC3339)))
		if got := refusal(t, a); got != "INVALID pin, OUT_OF_RANGE expiresAt, OUT_OF_RANGE maxRedemptions, REQUIRED label" {
			t.Errorf("%s", got)
		}
	})
	t.Run("in Welsh", func(t *testing.T) {
		welsh := learner.exchange(t, "POST", "/graphql", fromOurPage("Accept-Language", "cy-GB, en;q=0.5"),
			string(mustJSON(map[string]any{"query": createLink, "variables": with(base, "pin", "1")}))).answer(t)
		if message, _ := welsh.at("createShareLink", "userErrors", 0, "message").(string); !strings.HasPrefix(message, "Dewiswch PIN") {
			t.Errorf("%s", welsh.raw)
		}
	})
}

// Row 36: PINs are compared as they were chosen: leading zeros count, capital
// and small letters are the same, nothing is trimmed or widened.
func TestPINComparison(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	view := learner.everythingView()
	for _, c := range []struct {
		chosen string
		opens  []string
		not    []string
	}{
		{"0739", []string{"0739"}, []string{"739", "00739", "0739 ", " 0739", "٠٧٣٩", "０７３９", "7390"}},
		{"kz4Qw", []string{"kz4Qw", "KZ4QW", "kz4qw"}, []string{"kz4q", "kz4qwx", "ｋz4qw", "\u212az4qw"}}, // U+212A, the Kelvin sign, folds to k
	} {
		link := learner.must(createLink, vars("viewId", view, "purpose", "OTHER", "pin", c.chosen))
		id, secret := link.at("createShareLink", "shareLink", "id"), secretOf(t, link.at("createShareLink", "shareLink", "url"))
		for _, pin := range c.opens {
			if a := h.browser().ask(redeem, redeemVars(secret, pin)); outcome(a) != "SharedRecord" {
				t.Errorf("%q does not open %q: %s", pin, c.chosen, a.raw)
			}
		}
		for _, pin := range c.not {
			if a := h.browser().ask(redeem, redeemVars(secret, pin)); outcome(a) != "PinRequired" {
				t.Errorf("%q opens %q: %s", pin, c.chosen, a.raw)
			}
		}
		// What cannot be a PIN at all cost nothing of the budget.
		if a := learner.must(`query($i:ID!){node(id:$i){... on ShareLink{status}}}`, map[string]any{"i": id}); a.at("node", "status") != "ACTIVE" {
			t.Errorf("%s", a.raw)
		}
	}
}

// Row 37 and what else can be wrong with a view.
func TestViewInputs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	foreign := h.signedIn(sample(t, another).Subject).eventIDs()[0]
	own := learner.eventIDs()
	existing := learner.everythingView()
	chosen := func(kv ...any) map[string]any { return with(map[string]any{}, kv...)["i"].(map[string]any) }
	rule := func(kv ...any) map[string]any { return chosen("rule", chosen(kv...)) }
	base := map[string]any{"name": "View", "selection": chosen("everything", true)}
	for _, c := range []struct {
		name      string
		field     string
		value     any
		want      string
		onlyOnNew bool
	}{
		{"everything", "selection", chosen("everything", true), "", false},
		{"one event", "selection", chosen("events", own[:1]), "", false},
		{"one event without a list", "selection", chosen("events", own[0]), "", false},
		{"rule", "selection", rule("qualificationTypes", []string{"GCSE"}), "", false},
		{"no member", "selection", chosen(), "!BAD_USER_INPUT", false},
		{"two members", "selection", chosen("everything", true, "events", own[:1]), "!BAD_USER_INPUT", false},
		{"three members", "selection", chosen("everything", true, "events", own[:1], "rule", chosen("text", "x")), "!BAD_USER_INPUT", false},
		{"one member and a null", "selection", chosen("everything", true, "events", nil), "!BAD_USER_INPUT", false},
		{"one null", "selection", chosen("events", nil), "!BAD_USER_INPUT", false},
		{"one member and a type name", "selection", chosen("everything", true, "__typename", "x"), "!BAD_USER_INPUT", false},
		{"nothing chosen", "selection", chosen("everything", false), "INVALID selection", false},
		{"no events", "selection", chosen("events", []string{}), "INVALID selection", false},
		{"a null event", "selection", chosen("events", []any{nil}), "!GRAPHQL_VALIDATION_FAILED", false},
		{"unknown event", "selection", chosen("events", []string{own[0], "evt_" + strings.Repeat("0", 26)}), "NOT_FOUND selection.events", false},
		{"another learner's event", "selection", chosen("events", []string{own[0], foreign}), "NOT_FOUND selection.events", false},
		{"garbage event", "selection", chosen("events", []string{"\x00"}), "NOT_FOUND selection.events", false},
		{"view for an event", "selection", chosen("events", []string{existing}), "NOT_FOUND selection.events", false},
		{"501 events", "selection", chosen("events", slices.Repeat(own[:1], 501)), "TOO_LONG selection.events", false},
		{"rule without condition", "selection", rule(), "REQUIRED selection.rule", false},
		{"rule with empty lists", "selection", rule("qualificationTypes", []string{}, "levels", []string{}, "sources", []string{}), "REQUIRED selection.rule", false},
		{"rule with nulls", "selection", rule("text", nil, "awardedFrom", nil, "levels", nil), "REQUIRED selection.rule", false},
		{"rule with an empty kind", "selection", rule("qualificationTypes", []string{""}), "REQUIRED selection.rule.qualificationTypes", false},
		{"rule with 51 levels", "selection", rule("levels", slices.Repeat([]string{"Level 2"}, 51)), "TOO_LONG selection.rule.levels", false},
		{"rule with long text", "selection", rule("text", strings.Repeat("x", 101)), "TOO_LONG selection.rule.text", false},
		{"rule with days the wrong way round", "selection", rule("awardedFrom", "2020-01-02", "awardedTo", "2020-01-01"), "OUT_OF_RANGE selection.rule.awardedFrom", false},
		{"rule with one day", "selection", rule("awardedFrom", "2020-01-01", "awardedTo", "2020-01-01"), "", false},
		{"rule with a day that is none", "selection", rule("awardedFrom", "2023-02-29"), "!BAD_USER_INPUT", false},
		{"rule with a time for a day", "selection", rule("awardedFrom", "2023-02-28T00:00:00Z"), "!BAD_USER_INPUT", false},
		{"rule with year 0", "selection", rule("awardedFrom", "0000-01-01"), "!BAD_USER_INPUT", false},
		{"rule with a number for a day", "selection", rule("awardedTo", 20230228), "!BAD_USER_INPUT", false},
		{"rule with an unknown source", "selection", rule("sources", []string{"UCAS"}), "!GRAPHQL_VALIDATION_FAILED", false},
		{"rule with a source in small letters", "selection", rule("sources", []string{"npd"}), "!GRAPHQL_VALIDATION_FAILED", false},
		{"rule with a lone source in small letters", "selection", rule("sources", "npd"), "!GRAPHQL_VALIDATION_FAILED", false},
		{"rule with a lone source", "selection", rule("sources", "NPD"), "", false},
		{"rule with an unknown condition", "selection", rule("grade", "A"), "!GRAPHQL_VALIDATION_FAILED", false},
		{"no selection", "selection", "ABSENT", "!GRAPHQL_VALIDATION_FAILED", true},
		{"selection null", "selection", nil, "!GRAPHQL_VALIDATION_FAILED", true},
		{"selection a text", "selection", "everything", "!GRAPHQL_VALIDATION_FAILED", false},
		{"one field", "fields", []string{"GRADE"}, "", false},
		{"a field twice", "fields", []string{"GRADE", "NAME", "GRADE"}, "INVALID fields", false},
		{"no field", "fields", []string{}, "REQUIRED fields", false},
		{"unknown field", "fields", []string{"POSTCODE"}, "!GRAPHQL_VALIDATION_FAILED", false},
		{"field in small letters", "fields", []string{"grade"}, "!GRAPHQL_VALIDATION_FAILED", false},
		{"a null field", "fields", []any{nil}, "!GRAPHQL_VALIDATION_FAILED", false},
		{"fields null", "fields", nil, "", true},
		{"name absent", "name", "ABSENT", "!GRAPHQL_VALIDATION_FAILED", true},
		{"name null", "name", nil, "!GRAPHQL_VALIDATION_FAILED", true},
		{"name a number", "name", 5, "!BAD_USER_INPUT", false},
		{"name an object", "name", map[string]any{"$gt": ""}, "!GRAPHQL_VALIDATION_FAILED", false},
		{"name a list", "name", []string{"x"}, "!GRAPHQL_VALIDATION_FAILED", false},
		{"unknown language", "language", "FR", "!GRAPHQL_VALIDATION_FAILED", false},
		{"key of 65", "idempotencyKey", strings.Repeat("k", 65), "OUT_OF_RANGE idempotencyKey", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := learner.holdings()
			a := learner.ask(`mutation($i:CreateConfiguredViewInput!){createConfiguredView(input:$i){configuredView{id} userErrors{code message path}}}`, with(base, c.field, c.value))
			if got := refusal(t, a); got != c.want {
				t.Errorf("create: %s, want %s: %.300s", got, c.want, a.raw)
			}
			if c.want == "" {
				before.views++
			}
			version := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{version}}}`, map[string]any{"i": existing}).at("node", "version")
			if !c.onlyOnNew {
				a = learner.ask(updateView, vars("id", existing, "expectedVersion", version, c.field, c.value))
				if got := refusal(t, a); got != c.want {
					t.Errorf("update: %s, want %s: %.300s", got, c.want, a.raw)
				}
			}
			now := learner.must(`query($i:ID!){node(id:$i){... on ConfiguredView{version}}}`, map[string]any{"i": existing}).at("node", "version")
			if changed := now != version; changed != (c.want == "" && !c.onlyOnNew) {
				t.Errorf("version %v became %v", version, now)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
	// By literal, gqlparser refuses most of it before our own check.
	for name, literal := range map[string]string{
		"no member": "{}", "two members": `{everything:true,events:["x"]}`, "one null": "{events:null}", "member and null": "{everything:true,events:null}",
	} {
		t.Run("literal: "+name, func(t *testing.T) {
			before := learner.holdings()
			a := learner.ask(`mutation{createConfiguredView(input:{name:"x",selection:`+literal+`}){configuredView{id} userErrors{code message path}}}`, nil)
			if got := refusal(t, a); got != "!GRAPHQL_VALIDATION_FAILED" && got != "!BAD_USER_INPUT" {
				t.Errorf("%s: %s", got, a.raw)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
	// A literal whose members are variables: whether each is given shows only at the end.
	for name, variables := range map[string]map[string]any{
		"both": {"e": true, "s": own[:1]}, "the first alone": {"e": true}, "neither": {}, "the first null": {"e": nil, "s": own[:1]},
	} {
		t.Run("literal of variables: "+name, func(t *testing.T) {
			before := learner.holdings()
			a := learner.ask(`mutation($e:Boolean,$s:[ID!]){createConfiguredView(input:{name:"x",selection:{everything:$e,events:$s}}){configuredView{id} userErrors{code message path}}}`, variables)
			if got := refusal(t, a); !strings.HasPrefix(got, "!") {
				t.Errorf("%s: %s", got, a.raw)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
}

// An event that is hidden from every share is nothing a link could show.
func TestHiddenEventsDoNotFillAView(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	event := learner.eventIDs()[0]
	view := learner.must(createView, vars("name", "One", "selection", map[string]any{"events": []string{event}})).at("createConfiguredView", "configuredView", "id")
	learner.must(raiseChallenge, vars("eventId", event, "kind", "SENSITIVE_DATA", "explanation", "It names an illness."))
	if a := learner.ask(createLink, vars("viewId", view, "purpose", "OTHER")); refusal(t, a) != "VIEW_EMPTY viewId" {
		t.Errorf("%s", a.raw)
	}
}

// Row 38: an input takes what the schema lists, for every input there is.
func TestUnknownInputFields(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	before := learner.holdings()
	tried := 0
	for _, field := range loadSchema(t).Mutation.Fields {
		input := field.Arguments.ForName("input")
		if input == nil {
			continue
		}
		for _, extra := range []string{"learnerId", "uln", "state", "status", "uses", "redemptionCount", "version", "createdAt", "$set", canary} {
			if loadSchema(t).Types[input.Type.Name()].Fields.ForName(extra) != nil {
				continue
			}
			tried++
			a := learner.ask(fmt.Sprintf(`mutation($i:%s){%s(input:$i){__typename}}`, input.Type, field.Name), map[string]any{"i": map[string]any{extra: -5}})
			if refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" || !strings.Contains(a.Errors[0].Message, "does not have") {
				t.Errorf("%s with %s: %s", field.Name, extra, a.raw)
			}
			if strings.Contains(a.raw, canary) {
				t.Errorf("the name of an unknown field comes back: %s", a.raw)
			}
			if extra == "$set" || strings.Contains(extra, "-") {
				continue
			}
			a = learner.ask(fmt.Sprintf(`mutation{%s(input:{%s:-5}){__typename}}`, field.Name, extra), nil)
			if refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s with the literal %s: %s", field.Name, extra, a.raw)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d tried", tried)
	}
	// Beside everything that is right, too.
	for field, in := range map[string]map[string]any{
		createLink:     {"viewId": learner.everythingView(), "purpose": "OTHER", "redemptionCount": -5},
		raiseChallenge: {"eventId": learner.eventIDs()[0], "kind": "OTHER", "explanation": "x", "status": "WITHDRAWN"},
		setSharing:     {"optOut": true, "consequencesAcknowledged": true, "channel": "SELF"},
	} {
		if a := learner.ask(field, map[string]any{"i": in}); refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%s", a.raw)
		}
	}
	before.views++
	if after := learner.holdings(); after != before {
		t.Errorf("%+v, want %+v", after, before)
	}
}

// What a challenge is about and how it is meant.
func TestChallengeInputs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	events, foreign := learner.eventIDs(), h.signedIn(sample(t, another).Subject).eventIDs()[0]
	base := map[string]any{"eventId": events[0], "kind": "WRONG_GRADE", "explanation": "It says C."}
	for _, c := range []struct {
		name, field string
		value       any
		want        string
	}{
		{"unknown event", "eventId", "evt_" + strings.Repeat("0", 26), "NOT_FOUND eventId"},
		{"another learner's event", "eventId", foreign, "NOT_FOUND eventId"},
		{"garbage", "eventId", "{$gt}\x00", "NOT_FOUND eventId"},
		{"empty", "eventId", "", "NOT_FOUND eventId"},
		{"object", "eventId", map[string]any{"$gt": ""}, "!GRAPHQL_VALIDATION_FAILED"},
		{"unknown kind", "kind", "BORING", "!GRAPHQL_VALIDATION_FAILED"},
		{"kind in small letters", "kind", "sensitive_data", "!GRAPHQL_VALIDATION_FAILED"},
		{"kind a number", "kind", 6, "!GRAPHQL_VALIDATION_FAILED"},
		{"no kind", "kind", "ABSENT", "!GRAPHQL_VALIDATION_FAILED"},
		{"explanation a number", "explanation", 5, "!BAD_USER_INPUT"},
		{"explanation a list", "explanation", []string{"x"}, "!GRAPHQL_VALIDATION_FAILED"},
		{"key of 65", "idempotencyKey", strings.Repeat("k", 65), "OUT_OF_RANGE idempotencyKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := learner.holdings()
			if a := learner.ask(raiseChallenge, with(base, c.field, c.value)); refusal(t, a) != c.want {
				t.Errorf("want %s: %.300s", c.want, a.raw)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
	// The same event and kind once while it is open, ten in a day at most.
	learner.must(raiseChallenge, map[string]any{"i": base})
	if a := learner.ask(raiseChallenge, map[string]any{"i": base}); refusal(t, a) != "ALREADY_DONE eventId" {
		t.Errorf("%s", a.raw)
	}
	for i := 1; i < 10; i++ {
		learner.must(raiseChallenge, with(base, "eventId", events[i]))
	}
	if a := learner.ask(raiseChallenge, with(base, "eventId", events[10])); refusal(t, a) != "LIMIT_REACHED" {
		t.Errorf("%s", a.raw)
	}
	if n := learner.holdings().challenges; n != 10 {
		t.Errorf("%v challenges", n)
	}
}

// Order arguments are enums too: one in small letters must not quietly mean another order.
func TestEnumsInQueries(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	for _, c := range []struct{ name, query, variable string }{
		{"order", `query($v:LearningEventOrderField!){learner{learningEvents(orderBy:{field:$v,direction:ASC}){totalCount}}}`, "subject"},
		{"direction", `query($v:OrderDirection!){learner{learningEvents(orderBy:{field:SUBJECT,direction:$v}){totalCount}}}`, "asc"},
		{"status of links", `query($v:ShareLinkStatus){learner{shareLinks(filter:{status:$v}){totalCount}}}`, "active"},
		{"status of challenges", `query($v:DataChallengeStatus){learner{dataChallenges(filter:{status:$v}){totalCount}}}`, "open"},
		{"results", `query($v:[AccessResult!]){learner{accessHistory(filter:{results:$v}){totalCount}}}`, "disclosed"},
		{"format", `query($v:QrFormat!){learner{shareLinks{nodes{qrCode(format:$v){size}}}}}`, "png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := learner.ask(c.query, map[string]any{"v": c.variable}); refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s", a.raw)
			}
			if a := learner.ask(c.query, map[string]any{"v": strings.ToUpper(c.variable)}); refusal(t, a) != "" {
				t.Errorf("%s", a.raw)
			}
			if a := learner.ask(c.query, map[string]any{"v": canary}); refusal(t, a) != "!GRAPHQL_VALIDATION_FAILED" || strings.Contains(a.raw, canary) {
				t.Errorf("%s", a.raw)
			}
		})
	}
}
