package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

const (
	pauseLink    = `mutation($i: PauseShareLinkInput!) { pauseShareLink(input: $i) { shareLink { status } userErrors { code message path } } }`
	resumeLink   = `mutation($i: ResumeShareLinkInput!) { resumeShareLink(input: $i) { shareLink { status } userErrors { code message path } } }`
	unfreezeLink = `mutation($i: UnfreezeShareLinkInput!) { unfreezeShareLink(input: $i) { shareLink { status } userErrors { code message path } } }`
	revokeLink   = `mutation($i: RevokeShareLinkInput!) { revokeShareLink(input: $i) { shareLink { status url } userErrors { code message path } } }`
)

// pass lets time go by while the learner keeps the session alive.
func (b *browser) pass(d time.Duration) {
	b.h.t.Helper()
	for d > 0 {
		step := min(d, 29*time.Minute)
		b.h.clock.Advance(step)
		d -= step
		if a := b.ask(`{viewer{signedIn}}`, nil); a.at("viewer", "signedIn") != true {
			b.h.t.Fatalf("the session has ended: %s", a.raw)
		}
	}
}

// linkNow reads what the owner sees of a link: status, count, and how many
// entries of each result its history has.
func (b *browser) linkNow(id string) (status string, count float64, results map[string]int) {
	b.h.t.Helper()
	a := b.must(`query($i:ID!){node(id:$i){... on ShareLink{status redemptionCount accessHistory(first:100){nodes{result}}}}}`, map[string]any{"i": id})
	results = map[string]int{}
	for _, n := range a.at("node", "accessHistory", "nodes").([]any) {
		results[n.(map[string]any)["result"].(string)]++
	}
	return a.at("node", "status").(string), a.at("node", "redemptionCount").(float64), results
}

// sameAnswer fails unless two answers are the same in status, headers and bytes.
func sameAnswer(t *testing.T, name string, got, want *gqlAnswer) {
	t.Helper()
	g, w := got.header.Clone(), want.header.Clone()
	for _, name := range []string{"Date", "RateLimit"} { // when it was, and the how-manieth request
		g.Del(name)
		w.Del(name)
	}
	if got.status != want.status || got.raw != want.raw || !reflect.DeepEqual(g, w) {
		t.Errorf("%s is told apart:\n%d %v %s\nwant\n%d %v %s", name, got.status, g, got.raw, want.status, w, want.raw)
	}
}

// Row 39: whatever is no key of a link gets one answer.
func TestUnknownTokensAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner)
	pinID, pinSecret := sharedLink(t, learner, "pin", "2580")
	reference := h.browser().ask(redeem, redeemVars(strings.Repeat("Q", 42)+"A", ""))
	if outcome(reference) != "ShareUnavailable" || reference.at("redeemShareLink", "outcome", "reason") != nil || reference.at("redeemShareLink", "outcome", "expiredAt") != nil {
		t.Fatalf("%s", reference.raw)
	}
	// The last character of 43 holds four bits only: another one that decodes to
	// the same bytes is not the same secret.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", secret[42])
	twin := secret[:42] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1])
	for name, token := range map[string]string{
		"another random one":              strings.Repeat("Z", 42) + "E",
		"empty":                           "",
		"spaces":                          "   ",
		"too short":                       secret[:42],
		"too long":                        secret + "A",
		"twice":                           secret + secret,
		"standard alphabet":               "+" + strings.Repeat("/", 42),
		"padded":                          secret + "=",
		"other bits at the end":           twin,
		"other case":                      strings.Map(func(r rune) rune { return r ^ 0x20 }, strings.Repeat("a", 42)) + "A",
		"turned round":                    turned(secret),
		"NUL":                             secret + "\x00",
		"NUL before":                      "\x00" + secret,
		"inside something":                "x" + secret + "x",
		"full-width":                      strings.Repeat("Ａ", 43),
		"emoji":                           strings.Repeat("😀", 43),
		"long":                            strings.Repeat("A", 10_000),
		"link's id":                       id,
		"id of a link with a PIN":         pinID,
		"address without the secret":      h.url + "/s",
		"address with an unknown secret":  h.url + "/s#" + strings.Repeat("Q", 42) + "A",
		"address with an empty secret":    h.url + "/s#",
		"address with the secret in path": h.url + "/s/" + secret,
		"two fragments":                   h.url + "/s#x#" + secret,
		"operator":                        `{"$gt":""}`,
		"operator of code":                `{"$where":"sleep(5000)"}`,
		"pattern":                         "^.*$",
		"hash of the secret":              strings.Repeat("0", 64),
	} {
		for _, pin := range []string{"", "2580"} {
			sameAnswer(t, name+", PIN "+pin, h.browser().ask(redeem, redeemVars(token, pin)), reference)
		}
	}
	// Names of what may differ do differ: the comparison above is not blind.
	if a := h.browser().ask(redeem, redeemVars(pinSecret, "")); outcome(a) != "PinRequired" {
		t.Errorf("%s", a.raw)
	}
	if status, count, results := learner.linkNow(id); status != "ACTIVE" || count != 0 || len(results) != 0 {
		t.Errorf("%s %v %v", status, count, results)
	}
	// What people paste around a secret does no harm.
	for _, pasted := range []string{secret, " " + secret + "\n", h.url + "/s#" + secret, "https://elsewhere.example/s#" + secret + ".", h.url + "/s#" + secret + "),"} {
		if a := h.browser().ask(redeem, redeemVars(pasted, "")); outcome(a) != "SharedRecord" {
			t.Errorf("%q: %s", pasted, a.raw)
		}
	}
}

func turned(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// states are the ways a link can be dead, and what may be told of them.
var states = []struct {
	name, reason, result, status string
	kill                         func(t *testing.T, learner *browser, id, secret, pin string)
}{
	{"expired", "EXPIRED", "LINK_EXPIRED", "EXPIRED", func(_ *testing.T, learner *browser, _, _, _ string) {
		learner.pass(2 * time.Hour)
	}},
	{"revoked", "WITHDRAWN", "LINK_REVOKED", "REVOKED", func(_ *testing.T, learner *browser, id, _, _ string) {
		learner.must(revokeLink, vars("id", id))
	}},
	{"revoked with all", "WITHDRAWN", "LINK_REVOKED", "REVOKED", func(_ *testing.T, learner *browser, _, _, _ string) {
		learner.must(`mutation{revokeAllShareLinks{revokedCount userErrors{code message path}}}`, nil)
	}},
	{"used up", "USED_UP", "LINK_USED_UP", "USED_UP", func(t *testing.T, learner *browser, _, secret, pin string) {
		for range 2 {
			if a := learner.h.browser().ask(redeem, redeemVars(secret, pin)); outcome(a) != "SharedRecord" {
				t.Fatalf("%s", a.raw)
			}
		}
	}},
	{"paused", "PAUSED", "LINK_PAUSED", "PAUSED", func(_ *testing.T, learner *browser, id, _, _ string) {
		learner.must(pauseLink, vars("id", id))
	}},
	{"opted out", "PAUSED", "LINK_PAUSED", "PAUSED", func(_ *testing.T, learner *browser, _, _, _ string) {
		learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	}},
	{"opted out and in again", "PAUSED", "LINK_PAUSED", "PAUSED", func(_ *testing.T, learner *browser, _, _, _ string) {
		learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
		learner.must(setSharing, vars("optOut", false))
	}},
	{"expired while opted out", "EXPIRED", "LINK_EXPIRED", "EXPIRED", func(_ *testing.T, learner *browser, _, _, _ string) {
		learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
		learner.pass(2 * time.Hour)
	}},
}

// Row 41: who has the whole key is told why a link does not open, and the
// owner's history has the truth; nothing of the record leaves.
func TestDeadLinks(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			person := sample(t, adult)
			learner := h.signedIn(person.Subject)
			id, secret := sharedLink(t, learner, "maxRedemptions", 2, "expiresAt", h.clock.Now().Add(2*time.Hour))
			if a := h.browser().ask(redeem, redeemVars(secret, "", "redemptionId", strings.Repeat("z", 20))); state.name != "used up" && outcome(a) != "SharedRecord" {
				t.Fatalf("%s", a.raw)
			} else if state.name == "used up" {
				id, secret = sharedLink(t, learner, "maxRedemptions", 2)
			}
			state.kill(t, learner, id, secret, "")
			_, used, before := learner.linkNow(id)
			a := h.browser().must(redeem, redeemVars(secret, ""))
			if outcome(a) != "ShareUnavailable" || a.at("redeemShareLink", "outcome", "reason") != state.reason {
				t.Errorf("%s", a.raw)
			}
			if told := a.at("redeemShareLink", "outcome", "expiredAt") != nil; told != (state.reason == "EXPIRED") {
				t.Errorf("%s", a.raw)
			}
			if strings.Contains(a.raw, person.FamilyName) || strings.Contains(a.raw, `"events"`) {
				t.Errorf("a dead link shows the record: %s", a.raw)
			}
			// The repeat of an opening dies with the link.
			repeat := h.browser().must(redeem, redeemVars(secret, "", "redemptionId", strings.Repeat("z", 20)))
			if outcome(repeat) != "ShareUnavailable" {
				t.Errorf("a repeat opens a dead link: %s", repeat.raw)
			}
			status, count, results := learner.linkNow(id)
			want := maps.Clone(before)
			want[state.result] += 2
			if status != state.status || count != used || !maps.Equal(results, want) {
				t.Errorf("the owner sees %s, %v opened, %v; want %s, %v, %v", status, count, results, state.status, used, want)
			}
			if n := learner.holdings(); n.links < 1 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// Row 42: a link with a PIN answers alike, whatever has become of it, until the
// PIN is right: by API and on the page.
func TestPINLinksDoNotTellTheirState(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	alive := h.signedIn(sample(t, adult).Subject)
	_, secret := sharedLink(t, alive, "pin", "2580")
	reference := h.browser().ask(redeem, redeemVars(secret, ""))
	if outcome(reference) != "PinRequired" {
		t.Fatalf("%s", reference.raw)
	}
	page := func(h *harness, secret, pin string) string {
		p := h.browser().form("/s/redeem", url.Values{"link": {secret}, "name": {"Sam"}, "purpose": {"OTHER"}, "pin": {pin}, "terms": {"accepted"}})
		return fmt.Sprint(p.status, strings.ReplaceAll(strings.ReplaceAll(p.body, secret, "SECRET"), h.url, "HERE"))
	}
	shown := page(h, secret, "")
	for name, pin := range map[string]string{"wrong": "9999", "too short": "25", "letters": "abqz", "blank": "    ", "long": strings.Repeat("25", 40), "NUL": "2580\x00"} {
		sameAnswer(t, name, h.browser().ask(redeem, redeemVars(secret, pin)), reference)
		if got := page(h, secret, pin); got != shown {
			t.Errorf("%s: the page tells it apart", name)
		}
	}
	frozen := append(slices.Clone(states), states[0])
	frozen[len(frozen)-1].name, frozen[len(frozen)-1].reason, frozen[len(frozen)-1].status = "frozen", "", "FROZEN"
	frozen[len(frozen)-1].kill = func(_ *testing.T, learner *browser, _, secret, _ string) {
		for range plr.GuessBudget {
			learner.h.browser().ask(redeem, redeemVars(secret, "9999"))
		}
	}
	for _, state := range frozen {
		t.Run(state.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, harnessOptions{})
			learner := h.signedIn(sample(t, adult).Subject)
			id, secret := sharedLink(t, learner, "pin", "2580", "maxRedemptions", 2, "expiresAt", h.clock.Now().Add(2*time.Hour))
			state.kill(t, learner, id, secret, "2580")
			for name, pin := range map[string]string{"missing": "", "wrong": "9999", "too short": "25"} {
				sameAnswer(t, name, h.browser().ask(redeem, redeemVars(secret, pin)), reference)
				if got := page(h, secret, pin); got != shown {
					t.Errorf("%s: the page tells it apart", name)
				}
			}
			right := h.browser().ask(redeem, redeemVars(secret, "2580"))
			if state.reason == "" {
				sameAnswer(t, "right PIN of a frozen link", right, reference)
			} else if outcome(right) != "ShareUnavailable" || right.at("redeemShareLink", "outcome", "reason") != state.reason {
				t.Errorf("the right PIN: %s", right.raw)
			}
			if status, _, _ := learner.linkNow(id); status != state.status {
				t.Errorf("the owner sees %s", status)
			}
		})
	}
}

// Row 43: five wrong PINs freeze a link, also for the right one, also after a
// restart; its owner sees it and grants five more.
func TestWrongPINsFreezeALink(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "pin", "2580")
	try := func(pin string) string {
		t.Helper()
		return outcome(h.browser().must(redeem, redeemVars(secret, pin)))
	}
	expect := func(status string, count float64, results map[string]int) {
		t.Helper()
		if s, c, r := learner.linkNow(id); s != status || c != count || !maps.Equal(r, results) {
			t.Errorf("the owner sees %s, %v opened, %v; want %s, %v, %v", s, c, r, status, count, results)
		}
	}
	if a := learner.ask(unfreezeLink, vars("id", id)); refusal(t, a) != "ALREADY_DONE id" {
		t.Errorf("%s", a.raw)
	}
	// A right PIN between wrong ones gives nothing back of the five.
	for i, pin := range []string{"9990", "9991", "2580", "9992", "9993"} {
		if got := try(pin); got != map[bool]string{true: "SharedRecord", false: "PinRequired"}[pin == "2580"] {
			t.Errorf("%d: %s", i, got)
		}
	}
	expect("ACTIVE", 1, map[string]int{"DISCLOSED": 1, "WRONG_PIN": 4})
	if got := try("9994"); got != "PinRequired" {
		t.Error(got)
	}
	expect("FROZEN", 1, map[string]int{"DISCLOSED": 1, "WRONG_PIN": 5})
	if got := try("2580"); got != "PinRequired" {
		t.Errorf("the right PIN opens a frozen link: %s", got)
	}
	expect("FROZEN", 1, map[string]int{"DISCLOSED": 1, "WRONG_PIN": 5, "LINK_FROZEN": 1})
	if a := learner.ask(resumeLink, vars("id", id)); a.at("resumeShareLink", "shareLink", "status") != "FROZEN" {
		t.Errorf("resuming thaws: %s", a.raw)
	}
	if a := learner.must(unfreezeLink, vars("id", id)); a.at("unfreezeShareLink", "shareLink", "status") != "ACTIVE" {
		t.Errorf("%s", a.raw)
	}
	for range 4 {
		try("9999")
	}
	if got := try("2580"); got != "SharedRecord" {
		t.Errorf("four of the new five are used: %s", got)
	}
	try("9999")
	if got := try("2580"); got != "PinRequired" {
		t.Errorf("the new five are used up: %s", got)
	}
	expect("FROZEN", 2, map[string]int{"DISCLOSED": 2, "WRONG_PIN": 10, "LINK_FROZEN": 2})

	h.app.stop()
	again := newHarness(t, harnessOptions{dir: h.dir})
	if a := again.browser().must(redeem, redeemVars(secret, "2580")); outcome(a) != "PinRequired" {
		t.Errorf("a restart thaws: %s", a.raw)
	}
}

// Row 44: however many guess at once and from wherever they say they come, five
// are evaluated.
func TestParallelGuessesShareOneBudget(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "pin", "2580")
	got := together(100, func(i int) string {
		body := string(mustJSON(map[string]any{"query": redeem, "variables": redeemVars(secret, fmt.Sprintf("9%03d", i))}))
		from := fmt.Sprintf("10.0.%d.%d", i/50, i%50)
		a := h.browser().post(body, http.Header{"X-Forwarded-For": {from}, "X-Real-Ip": {from}, "Forwarded": {"for=" + from}})
		return outcome(a) + a.code()
	})
	if got["PinRequired"]+got["TryAgainLater"]+got["UNAVAILABLE"] != 100 {
		t.Errorf("%v", got)
	}
	h.clock.Advance(time.Minute) // a guess whose check was cut off counts as wrong by now
	status, count, results := learner.linkNow(id)
	evaluated := results["WRONG_PIN"] + got["UNAVAILABLE"]
	if status != "FROZEN" || count != 0 || results["WRONG_PIN"] > plr.GuessBudget || evaluated < plr.GuessBudget || results["DISCLOSED"] != 0 {
		t.Errorf("%s, %v opened, %v", status, count, results)
	}
	if a := h.browser().must(redeem, redeemVars(secret, "2580")); outcome(a) != "PinRequired" {
		t.Errorf("%s", a.raw)
	}
}

// Row 45: a request is one attempt.
func TestOneAttemptPerRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "pin", "2580")
	guess := func(pin string) string {
		return `redeemShareLink(input:{key:{token:"` + secret + `"},pin:"` + pin + `",recipient:{name:"Sam"},purpose:OTHER,termsAccepted:true}){outcome{__typename}}`
	}
	var fifty strings.Builder
	for i := range 15 {
		_, _ = fmt.Fprintf(&fifty, "a%d:%s ", i, guess(fmt.Sprintf("99%02d", i)))
	}
	for name, query := range map[string]string{
		"two":               "mutation{a:" + guess("9990") + " b:" + guess("2580") + "}",
		"fifteen":           "mutation{" + fifty.String() + "}",
		"one in a fragment": "mutation{a:" + guess("9990") + " ...F} fragment F on Mutation{b:" + guess("2580") + "}",
		"inline fragments":  "mutation{...{a:" + guess("9990") + "} ...on Mutation{b:" + guess("2580") + "}}",
		"one left out":      "mutation{a:" + guess("9990") + " b:" + strings.Replace(guess("2580"), "){", ")@skip(if:true){", 1) + "}",
	} {
		if a := h.browser().ask(query, nil); a.code() != "QUERY_TOO_COMPLEX" {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	if status, count, results := learner.linkNow(id); status != "ACTIVE" || count != 0 || len(results) != 0 {
		t.Errorf("%s %v %v", status, count, results)
	}
	if a := h.browser().ask("mutation{a:"+guess("2580")+"}", nil); a.at("a", "outcome", "__typename") != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
}

// Row 48: a client that lost the answer asks again and spends nothing.
func TestRepeatedRedemptions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "maxRedemptions", 3)
	_, other := sharedLink(t, learner)
	first, second := "first-"+strings.Repeat("1", 20), "second-"+strings.Repeat("2", 20)
	open := func(redemption string) *gqlAnswer {
		t.Helper()
		return h.browser().must(redeem, redeemVars(secret, "", "redemptionId", redemption))
	}
	expect := func(count float64, again int) {
		t.Helper()
		if _, c, results := learner.linkNow(id); c != count || results["DISCLOSED_AGAIN"] != again || results["DISCLOSED"] != int(c) {
			t.Errorf("%v opened, %v; want %v and %d repeats", c, results, count, again)
		}
	}
	events := open(first).at("redeemShareLink", "outcome", "events")
	for range 9 {
		a := open(first)
		if outcome(a) != "SharedRecord" || a.at("redeemShareLink", "outcome", "redemptionId") != first || !reflect.DeepEqual(a.at("redeemShareLink", "outcome", "events"), events) {
			t.Fatalf("%s", a.raw)
		}
	}
	expect(1, 9)
	if a := open(second); outcome(a) != "SharedRecord" {
		t.Fatalf("%s", a.raw)
	}
	expect(2, 9)
	// Half an hour, to the millisecond, after the first opening.
	learner.pass(30*time.Minute - time.Millisecond)
	open(first)
	expect(2, 10)
	h.clock.Advance(time.Millisecond)
	open(first)
	expect(3, 10)
	// The limit is reached: repeats still open, new ones do not.
	open(first)
	expect(3, 11)
	for _, redemption := range []string{second, "third-" + strings.Repeat("3", 20)} {
		if a := open(redemption); a.at("redeemShareLink", "outcome", "reason") != "USED_UP" {
			t.Errorf("%s: %s", redemption, a.raw)
		}
	}
	expect(3, 11)
	// An id given out is as good as one sent; an id opens nothing on another link.
	given := h.browser().must(redeem, redeemVars(other, "")).at("redeemShareLink", "outcome", "redemptionId").(string)
	if a := h.browser().must(redeem, redeemVars(other, "", "redemptionId", given)); a.at("redeemShareLink", "outcome", "redemptionId") != given {
		t.Errorf("%s", a.raw)
	}
	if a := open(given); outcome(a) != "ShareUnavailable" {
		t.Errorf("%s", a.raw)
	}
	for _, bad := range []string{strings.Repeat("x", 19), strings.Repeat("x", 129)} {
		if a := h.browser().ask(redeem, redeemVars(other, "", "redemptionId", bad)); refusal(t, a) != "OUT_OF_RANGE redemptionId" {
			t.Errorf("%d characters: %s", len(bad), a.raw)
		}
	}
}

// Row 53: a session beside the key changes nothing, whoever's it is.
func TestRedemptionIgnoresSessions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	learner := h.signedIn(person.Subject)
	view := learner.must(createView, vars("name", "Grades", "selection", map[string]any{"everything": true}, "fields", []string{"SUBJECT", "GRADE"}))
	link := learner.must(createLink, vars("viewId", view.at("createConfiguredView", "configuredView", "id"), "purpose", "OTHER", "label", "Private note"))
	secret := secretOf(t, link.at("createShareLink", "shareLink", "url"))
	strip := func(a *gqlAnswer) string {
		shared := a.at("redeemShareLink", "outcome").(map[string]any)
		for _, name := range []string{"reference", "redemptionId", "asAt"} {
			delete(shared, name)
		}
		return string(mustJSON(a.Data))
	}
	var want string
	for _, c := range []struct {
		name string
		who  *browser
	}{{"nobody", h.browser()}, {"the owner", learner}, {"another learner", h.signedIn(sample(t, another).Subject)}, {"an account bound to nothing", h.signedIn(sample(t, "Alex").Subject)}} {
		a := c.who.must(redeem, redeemVars(secret, ""))
		if outcome(a) != "SharedRecord" {
			t.Fatalf("%s: %s", c.name, a.raw)
		}
		got := strip(a)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s sees\n%s\nwant\n%s", c.name, got, want)
		}
		for _, private := range []string{person.FamilyName, person.GivenName, string(person.ULN), string(person.BirthDate), "Private note"} {
			if strings.Contains(a.raw, private) {
				t.Errorf("%s sees %q", c.name, private)
			}
		}
	}
	if _, count, results := learner.linkNow(link.at("createShareLink", "shareLink", "id").(string)); count != 4 || results["DISCLOSED"] != 4 {
		t.Errorf("%v %v", count, results)
	}
}

// Who does not say who they are, why, and that they accept the terms has tried
// nothing: no use, no guess and no entry is made.
func TestIncompleteRedemptionsCountForNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	id, secret := sharedLink(t, learner, "maxRedemptions", 1)
	pinID, pinSecret := sharedLink(t, learner, "pin", "2580")
	for _, c := range []struct {
		name, field string
		value       any
		want        string
	}{
		{"no recipient", "recipient", "ABSENT", "!GRAPHQL_VALIDATION_FAILED"},
		{"recipient null", "recipient", nil, "!GRAPHQL_VALIDATION_FAILED"},
		{"recipient a text", "recipient", "Sam", "!GRAPHQL_VALIDATION_FAILED"},
		{"no name", "recipient", map[string]any{"organisation": "x"}, "!GRAPHQL_VALIDATION_FAILED"},
		{"blank name", "recipient", map[string]any{"name": " \u200b "}, "REQUIRED recipient.name"},
		{"name with NUL", "recipient", map[string]any{"name": "a\x00"}, "INVALID recipient.name"},
		{"name that runs backwards", "recipient", map[string]any{"name": "\u202eremirP"}, "INVALID recipient.name"},
		{"long name", "recipient", map[string]any{"name": strings.Repeat("x", 201)}, "TOO_LONG recipient.name"},
		{"long organisation", "recipient", map[string]any{"name": "Sam", "organisation": strings.Repeat("x", 201)}, "TOO_LONG recipient.organisation"},
		{"address that is none", "recipient", map[string]any{"name": "Sam", "email": "x"}, "INVALID recipient.email"},
		{"verified by themselves", "recipient", map[string]any{"name": "Sam", "verified": true}, "!GRAPHQL_VALIDATION_FAILED"},
		{"no purpose", "purpose", "ABSENT", "!GRAPHQL_VALIDATION_FAILED"},
		{"purpose that is not allowed", "purpose", "MARKETING", "!GRAPHQL_VALIDATION_FAILED"},
		{"purpose in small letters", "purpose", "employment", "!GRAPHQL_VALIDATION_FAILED"},
		{"terms not accepted", "termsAccepted", false, "ACKNOWLEDGEMENT_REQUIRED termsAccepted"},
		{"terms null", "termsAccepted", nil, "!GRAPHQL_VALIDATION_FAILED"},
		{"terms a text", "termsAccepted", "true", "!GRAPHQL_VALIDATION_FAILED"},
		{"terms 1", "termsAccepted", 1, "!GRAPHQL_VALIDATION_FAILED"},
		{"no key", "key", "ABSENT", "!GRAPHQL_VALIDATION_FAILED"},
		{"key without member", "key", map[string]any{}, "!BAD_USER_INPUT"},
		{"key null inside", "key", map[string]any{"token": nil}, "!BAD_USER_INPUT"},
		{"key a text", "key", secret, "!GRAPHQL_VALIDATION_FAILED"},
		{"key with an operator", "key", map[string]any{"token": map[string]any{"$gt": ""}}, "!GRAPHQL_VALIDATION_FAILED"},
		{"key by link id", "key", map[string]any{"id": id}, "!GRAPHQL_VALIDATION_FAILED"},
		{"PIN a number", "pin", 2580, "!BAD_USER_INPUT"},
		{"PIN a list", "pin", []string{"2580", "9999"}, "!GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, key := range []struct{ secret, pin string }{{secret, ""}, {pinSecret, "9999"}, {strings.Repeat("A", 43), ""}} {
				a := h.browser().ask(redeem, with(redeemVars(key.secret, key.pin)["i"].(map[string]any), c.field, c.value))
				if got := refusal(t, a); got != c.want {
					t.Errorf("%s, want %s: %s", got, c.want, a.raw)
				}
			}
		})
	}
	for name, link := range map[string]string{"limit 1": id, "PIN": pinID} {
		if status, count, results := learner.linkNow(link); status != "ACTIVE" || count != 0 || len(results) != 0 {
			t.Errorf("%s: %s, %v opened, %v", name, status, count, results)
		}
	}
	if n := learner.holdings().accesses; n != 0 {
		t.Errorf("%v entries", n)
	}
	// All five guesses are still there.
	for i := range plr.GuessBudget - 1 {
		if a := h.browser().ask(redeem, redeemVars(pinSecret, fmt.Sprintf("999%d", i))); outcome(a) != "PinRequired" {
			t.Errorf("%s", a.raw)
		}
	}
	if a := h.browser().ask(redeem, redeemVars(pinSecret, "2580")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
}

// T9: whoever only looks at a link's address, as mail scanners and chat previews do, spends nothing.
func TestLookingAtALinkSpendsNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person := sample(t, adult)
	learner := h.signedIn(person.Subject)
	id, secret := sharedLink(t, learner, "maxRedemptions", 1)
	agents := []string{
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "Mozilla/5.0 (SafeLinks; Microsoft Defender)",
		"facebookexternalhit/1.1", "Twitterbot/1.0", "WhatsApp/2.23", "Mozilla/5.0 (compatible; Googlebot/2.1)",
	}
	var first string
	for i := range 200 {
		method := []string{"GET", "HEAD", "OPTIONS"}[i%3]
		path := []string{"/s", "/s?x=1", "/s/redeem", "/s?token=" + secret, "/s/" + secret}[i%5]
		p := h.browser().exchange(t, method, path, http.Header{"User-Agent": {agents[i%len(agents)]}}, "")
		if strings.Contains(p.body, person.FamilyName) || strings.Contains(p.body, secret) || setsMore(p.header) {
			t.Fatalf("%s %s: %d %v", method, path, p.status, p.header)
		}
		if method == "GET" && path == "/s" {
			if first == "" {
				first = p.body
			}
			if p.status != 200 || p.body != first {
				t.Errorf("the neutral page changes: %d", p.status)
			}
		}
	}
	if status, count, results := learner.linkNow(id); status != "ACTIVE" || count != 0 || len(results) != 0 {
		t.Errorf("%s, %v opened, %v", status, count, results)
	}
	if a := h.browser().ask(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
		t.Errorf("%s", a.raw)
	}
	if strings.Contains(h.logs.String(), secret) {
		t.Error("the log holds a secret that somebody put into the address")
	}
}

// setsMore says whether an answer sets another cookie than the token by which
// a browser may repeat an opening.
func setsMore(h http.Header) bool {
	for _, c := range h.Values("Set-Cookie") {
		if !strings.HasPrefix(c, "__Host-Http-lr-redemption=") {
			return true
		}
	}
	return false
}
