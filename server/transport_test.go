package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"openplr/resolvers"
	"openplr/signin"
)

// exchange sends one request exactly as given: no header is added. Host is
// taken from the headers.
func (b *browser) exchange(t *testing.T, method, path string, header http.Header, body string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.h.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		for _, c := range b.client.Jar.Cookies(req.URL) { // net/http would choose them by Host
			req.AddCookie(c)
		}
		req.Host = host
		req.Header.Del("Host")
	}
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{url: req.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// answer reads a page as a GraphQL answer, whose errors must all have codes.
func (p page) answer(t *testing.T) *gqlAnswer {
	t.Helper()
	a := &gqlAnswer{status: p.status, header: p.header, raw: p.body}
	if err := json.Unmarshal([]byte(p.body), a); err != nil {
		t.Fatalf("no GraphQL answer (%d %s): %.300q", p.status, p.header.Get("Content-Type"), p.body)
	}
	checkCodes(t, a)
	return a
}

// holdings is how much a learner has: what a refused request must not change.
type holdings struct {
	views, links, challenges, accesses, moves float64
	optedOut                                  bool
}

func (b *browser) holdings() holdings {
	b.h.t.Helper()
	a := b.must(`{learner{configuredViews(first:1){totalCount} shareLinks(first:1){totalCount} dataChallenges(first:1){totalCount}
	  accessHistory(first:1){totalCount} sharingPreference{optedOut history{at}}}}`, nil)
	count := func(list string) float64 { return a.at("learner", list, "totalCount").(float64) }
	return holdings{
		views: count("configuredViews"), links: count("shareLinks"), challenges: count("dataChallenges"), accesses: count("accessHistory"),
		moves:    float64(len(a.at("learner", "sharingPreference", "history").([]any))),
		optedOut: a.at("learner", "sharingPreference", "optedOut").(bool),
	}
}

// canary stands for whatever people send: it must come back nowhere.
const canary = "Canary-7741-Xylophone"

// viewMutation makes a view when it gets through; its name is the canary.
const viewMutation = `{"query":"mutation{createConfiguredView(input:{name:\"` + canary + `\",selection:{everything:true}}){configuredView{id}}}"}`

func fromOurPage(more ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "X-Requested-By": {"learner-web"}}
	for i := 0; i < len(more); i += 2 {
		if h.Del(more[i]); more[i+1] != "" {
			h.Set(more[i], more[i+1])
		}
	}
	return h
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// Rows 14 and 16 to 23: what is no honest request of a front end is refused by
// status and code before anything runs, and never repeated.
func TestTransportRefusals(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)

	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.WriteField("operations", viewMutation)
	_ = parts.WriteField("map", "{}")
	_ = parts.Close()
	urlencoded := url.Values{"query": {`mutation{createConfiguredView(input:{name:"` + canary + `",selection:{everything:true}}){configuredView{id}}}`}}.Encode()
	with := func(member string) string { return strings.Replace(viewMutation, "{", "{"+member+",", 1) }
	variables := func(value string) string {
		return `{"query":"mutation($i:CreateConfiguredViewInput!){createConfiguredView(input:$i){configuredView{id}}}","variables":` + value + `}`
	}
	input := `"name":"` + canary + `","selection":{"everything":true}`
	padded := func(size int) string {
		return strings.Replace(viewMutation, "{", `{"operationName":null,"extensions":{"p":"`+strings.Repeat("p", size-len(viewMutation)-len(`"operationName":null,"extensions":{"p":""},`))+`"},`, 1)
	}
	if len(padded(maxBody)) != maxBody {
		t.Fatalf("padding is wrong: %d", len(padded(maxBody)))
	}

	for _, c := range []struct {
		row, name string
		method    string
		path      string
		header    http.Header
		body      string
		status    int
		code      string
	}{
		{row: "16", name: "GET with a query", method: "GET", path: "?query=%7Bviewer%7BsignedIn%7D%7D&x=" + canary, header: fromOurPage(), status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "GET with a mutation", method: "GET", path: "?" + urlencoded, header: fromOurPage(), status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "GET without anything", method: "GET", status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "PUT", method: "PUT", header: fromOurPage(), body: viewMutation, status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "PATCH", method: "PATCH", header: fromOurPage(), body: viewMutation, status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "DELETE", method: "DELETE", header: fromOurPage(), body: viewMutation, status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "TRACE", method: "TRACE", header: fromOurPage(), status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "QUERY", method: "QUERY", header: fromOurPage(), body: viewMutation, status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "HEAD", method: "HEAD", header: fromOurPage(), status: 405},
		{row: "16", name: "OPTIONS", method: "OPTIONS", header: fromOurPage(), status: 405, code: "METHOD_NOT_ALLOWED"},
		{row: "16", name: "POST with the query in the address", path: "?query=%7Bviewer%7BsignedIn%7D%7D&x=" + canary, header: fromOurPage(), body: viewMutation, status: 400, code: "BAD_REQUEST"},
		{row: "17", name: "form", header: fromOurPage("Content-Type", "application/x-www-form-urlencoded"), body: urlencoded, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "17", name: "form as another site sends it", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, body: urlencoded, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "plain text", header: fromOurPage("Content-Type", "text/plain"), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "plain text as another site sends it", header: http.Header{"Content-Type": {"text/plain"}}, body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "no Content-Type", header: fromOurPage("Content-Type", ""), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "application/graphql", header: fromOurPage("Content-Type", "application/graphql"), body: "{viewer{signedIn}}", status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "application/graphql-response+json", header: fromOurPage("Content-Type", "application/graphql-response+json"), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "UTF-16", header: fromOurPage("Content-Type", "application/json; charset=utf-16"), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "Content-Type that is none", header: fromOurPage("Content-Type", "application/json; charset"), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "gzip", header: fromOurPage("Content-Encoding", "gzip"), body: zipped(t, viewMutation), status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "18", name: "named gzip but plain", header: fromOurPage("Content-Encoding", "gzip"), body: viewMutation, status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "19", name: "multipart", header: fromOurPage("Content-Type", parts.FormDataContentType()), body: form.String(), status: 415, code: "UNSUPPORTED_MEDIA_TYPE"},
		{row: "20", name: "cross-site by Sec-Fetch-Site", header: fromOurPage("Sec-Fetch-Site", "cross-site"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "same-site by Sec-Fetch-Site", header: fromOurPage("Sec-Fetch-Site", "same-site"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "foreign Origin", header: fromOurPage("Origin", "https://evil.example"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "Origin null", header: fromOurPage("Origin", "null"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "Origin that begins like ours", header: fromOurPage("Origin", h.url+".evil.example"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "cookie without the header", header: fromOurPage("X-Requested-By", ""), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "20", name: "cookie with another header value", header: fromOurPage("X-Requested-By", "Learner-Web"), body: viewMutation, status: 403, code: "CSRF_BLOCKED"},
		{row: "21", name: "nothing", header: fromOurPage(), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "cut off", header: fromOurPage(), body: viewMutation[:len(viewMutation)-1], status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "null", header: fromOurPage(), body: "null", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "text", header: fromOurPage(), body: `"` + canary + `"`, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "number", header: fromOurPage(), body: "7741", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "brace", header: fromOurPage(), body: "{", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "empty object", header: fromOurPage(), body: "{}", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "no JSON", header: fromOurPage(), body: canary, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "byte order mark", header: fromOurPage(), body: "\ufeff" + viewMutation, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "text behind", header: fromOurPage(), body: viewMutation + canary, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "another object behind", header: fromOurPage(), body: viewMutation + viewMutation, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "comma behind", header: fromOurPage(), body: viewMutation + ",", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "comment", header: fromOurPage(), body: "/* */" + viewMutation, status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "capital key", header: fromOurPage(), body: strings.Replace(viewMutation, "query", "QUERY", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "key folded by Unicode", header: fromOurPage(), body: with(`"operationNa\u017fme":"x"`), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "raw NUL behind", header: fromOurPage(), body: viewMutation + "\x00", status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "raw NUL in a text", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+"\x00", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "raw line break in a text", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+"\n", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "single quotes", header: fromOurPage(), body: strings.ReplaceAll(viewMutation, `"`, `'`), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "invalid UTF-8", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+"\xff", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "overlong UTF-8", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+"\xc0\xaf", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "surrogate in UTF-8", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+"\xed\xa0\x80", 1), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "lone surrogate, escaped", header: fromOurPage(), body: variables(`{"i":{"name":"` + canary + `\ud83d","selection":{"everything":true}}}`), status: 400, code: "BAD_REQUEST"},
		{row: "21", name: "surrogates the wrong way round", header: fromOurPage(), body: variables(`{"i":{"name":"` + canary + `\ude00\ud83d","selection":{"everything":true}}}`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "query twice", header: fromOurPage(), body: with(`"query":"{viewer{signedIn}}"`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "query twice, once escaped", header: fromOurPage(), body: with(`"\u0071uery":"{viewer{signedIn}}"`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "variables twice", header: fromOurPage(), body: with(`"variables":{},"variables":{}`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "a variable twice", header: fromOurPage(), body: variables(`{"i":{` + input + `},"i":{` + input + `}}`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "an input member twice", header: fromOurPage(), body: variables(`{"i":{` + input + `,"name":"other"}}`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "a member twice, deep below", header: fromOurPage(), body: variables(`{"i":{"name":"` + canary + `","selection":{"everything":true,"everything":true}}}`), status: 400, code: "BAD_REQUEST"},
		{row: "22", name: "a member of extensions twice", header: fromOurPage(), body: with(`"extensions":{"a":1,"a":2}`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "variables an array", header: fromOurPage(), body: variables(`[{` + input + `}]`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "variables a text", header: fromOurPage(), body: variables(`"{}"`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "variables a number", header: fromOurPage(), body: variables(`1`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "variables true", header: fromOurPage(), body: variables(`true`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "query a number", header: fromOurPage(), body: `{"query":123}`, status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "query null", header: fromOurPage(), body: `{"query":null}`, status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "query empty", header: fromOurPage(), body: `{"query":""}`, status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "query blank", header: fromOurPage(), body: `{"query":" \n\t"}`, status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "query a list", header: fromOurPage(), body: `{"query":["{viewer{signedIn}}"]}`, status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "operationName an object", header: fromOurPage(), body: with(`"operationName":{}`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "operationName a number", header: fromOurPage(), body: with(`"operationName":1`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "extensions a text", header: fromOurPage(), body: with(`"extensions":"x"`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "extensions an array", header: fromOurPage(), body: with(`"extensions":[]`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "unknown member", header: fromOurPage(), body: with(`"` + canary + `":1`), status: 400, code: "BAD_REQUEST"},
		{row: "23", name: "member of another protocol", header: fromOurPage(), body: with(`"documentId":"` + canary + `"`), status: 400, code: "BAD_REQUEST"},
		{row: "14", name: "batch", header: fromOurPage(), body: "[" + viewMutation + "," + viewMutation + "]", status: 400, code: "BAD_REQUEST"},
		{row: "10", name: "64 KiB and one byte", header: fromOurPage(), body: padded(maxBody + 1), status: 413, code: "BODY_TOO_LARGE"},
		{row: "10", name: "65 KiB name", header: fromOurPage(), body: strings.Replace(viewMutation, canary, canary+strings.Repeat("n", 65<<10), 1), status: 413, code: "BODY_TOO_LARGE"},
		{row: "10", name: "65 KiB of white space", header: fromOurPage(), body: viewMutation + strings.Repeat(" ", 65<<10), status: 413, code: "BODY_TOO_LARGE"},
		{row: "10", name: "65 KiB unknown key", header: fromOurPage(), body: with(`"` + strings.Repeat("k", 65<<10) + `":1`), status: 413, code: "BODY_TOO_LARGE"},
		{row: "9", name: "arrays 20000 deep", header: fromOurPage(), body: variables(strings.Repeat("[", 20000) + strings.Repeat("]", 20000)), status: 400, code: "BAD_REQUEST"},
	} {
		name := "row " + c.row + " " + c.name
		t.Run(name, func(t *testing.T) {
			before := learner.holdings()
			p := learner.exchange(t, orText(c.method, "POST"), "/graphql"+c.path, c.header, c.body)
			if p.status != c.status {
				t.Errorf("%d, want %d: %.300s", p.status, c.status, p.body)
			}
			if c.code != "" {
				if a := p.answer(t); a.code() != c.code || len(a.Errors) != 1 || strings.Contains(p.body, `"data"`) {
					t.Errorf("want %s: %.300s", c.code, p.body)
				}
			}
			if p.status == 405 && p.header.Get("Allow") != "POST" {
				t.Errorf("Allow: %q", p.header.Get("Allow"))
			}
			if strings.Contains(p.body, canary) || strings.Contains(p.body, "7741") || len(p.body) > 512 {
				t.Errorf("the input comes back: %.600s", p.body)
			}
			if got := p.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %q", got)
			}
			if after := learner.holdings(); after != before {
				t.Errorf("something was stored: %+v, before %+v", after, before)
			}
		})
	}
	if log := h.logs.String(); strings.Contains(log, canary) || strings.Contains(log, "pppp") || strings.Contains(log, "nnnn") {
		t.Error("the log holds what was sent")
	}

	// The same requests without their fault do run: nothing above is refused by chance.
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
	}{
		{"plain", fromOurPage(), viewMutation},
		{"charset named", fromOurPage("Content-Type", "application/json; charset=UTF-8"), viewMutation},
		{"our Origin", fromOurPage("Origin", h.url, "Sec-Fetch-Site", "same-origin"), viewMutation},
		{"no page at all", fromOurPage("Sec-Fetch-Site", "none"), viewMutation},
		{"64 KiB exactly", fromOurPage(), padded(maxBody)},
		{"white space around", fromOurPage(), "\r\n\t " + viewMutation + " \n"},
		{"variables", fromOurPage(), variables(`{"i":{` + input + `}}`)},
		{"a pair of surrogates", fromOurPage(), variables(`{"i":{"name":"\ud83d\ude00","selection":{"everything":true}}}`)},
	} {
		t.Run("accepted: "+c.name, func(t *testing.T) {
			before := learner.holdings()
			p := learner.exchange(t, "POST", "/graphql", c.header, c.body)
			if a := p.answer(t); p.status != 200 || len(a.Errors) > 0 {
				t.Errorf("%d %.300s", p.status, p.body)
			}
			before.views++
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, want %+v", after, before)
			}
		})
	}
}

// Whatever is sent, the answer is JSON, its errors have codes, and nothing breaks.
func FuzzGraphQLRequest(f *testing.F) {
	handler := newGraphQL(&resolvers.Root{}, true, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, query := range []string{bomb(5), standardIntrospection, createView, createLink, updateLink, raiseChallenge, `query($n:Int!=3,$e:[ID!],$o:LearningEventOrder){learner{learningEvents(first:$n,orderBy:$o,filter:{levels:"x"}){nodes{... on LearningEvent @include(if:true){id}}}}}`} {
		for _, variables := range []string{`{}`, `{"i":{"name":"x","selection":{"events":["a",null],"rule":{"sources":"NPD"}},"fields":"GRADE"},"n":1e3,"e":"x"}`, `{"i":[{}],"o":{"field":"SUBJECT","direction":5}}`, `{"i":{"viewId":5,"expiresAt":{},"__typename":"x"}}`} {
			f.Add(query, variables)
		}
	}
	f.Fuzz(func(t *testing.T, query, variables string) {
		body := `{"query":` + string(mustJSON(query)) + `,"variables":` + variables + `}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		a := &gqlAnswer{raw: w.Body.String()}
		if err := json.Unmarshal(w.Body.Bytes(), a); err != nil {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		checkCodes(t, a)
		if a.code() == "INTERNAL" && !strings.Contains(query, "redeemShareLink") { // the one field that reads without a session, and there is no domain here
			t.Errorf("%s", w.Body)
		}
	})
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Row 20: another site's script gets no leave to read or send anything.
func TestPreflightGivesNoLeave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, origin := range []string{"https://evil.example", "null", h.url} {
		p := h.browser().exchange(t, "OPTIONS", "/graphql", http.Header{
			"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type,x-requested-by"},
			"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"cors"},
		}, "")
		for name := range p.header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s", origin, name)
			}
		}
		if p.status < 400 {
			t.Errorf("%s: %d", origin, p.status)
		}
	}
}

// Who has no session needs no header: an employer's system calls as it likes,
// as long as no browser says that another site made it.
func TestHeaderIsOnlyAskedForWithACookie(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	body := `{"query":"{viewer{signedIn}}"}`
	json := http.Header{"Content-Type": {"application/json"}}
	if p := h.browser().exchange(t, "POST", "/graphql", json, body); p.status != 200 || p.answer(t).at("viewer", "signedIn") != false {
		t.Errorf("%d %s", p.status, p.body)
	}
	for _, value := range []string{"", "x", strings.Repeat("A", 43)} {
		withCookie := json.Clone()
		withCookie.Set("Cookie", signin.SessionCookie+"="+value)
		if p := h.browser().exchange(t, "POST", "/graphql", withCookie, body); p.status != 403 || p.answer(t).code() != "CSRF_BLOCKED" {
			t.Errorf("a cookie %q: %d %s", value, p.status, p.body)
		}
		withCookie.Set("X-Requested-By", "learner-web")
		p := h.browser().exchange(t, "POST", "/graphql", withCookie, `{"query":"{viewer{signedIn} learner{id}}"}`)
		if a := p.answer(t); p.status != 200 || a.at("viewer", "signedIn") != false || a.code() != "SESSION_EXPIRED" {
			t.Errorf("a cookie %q: %d %s", value, p.status, p.body)
		}
	}
	// Two credentials in one request: no two parts of the service may disagree about who asked.
	learner := h.signedIn(samplePeople(t)[0].Subject)
	p := learner.exchange(t, "POST", "/graphql", fromOurPage("Authorization", "Bearer "+canary), viewMutation)
	if a := p.answer(t); p.status != 400 || a.code() != "AMBIGUOUS_CREDENTIALS" || strings.Contains(p.body, canary) {
		t.Errorf("%d %s", p.status, p.body)
	}
	if n := learner.holdings().views; n != 0 {
		t.Errorf("%v views were made", n)
	}
}

// Row 10: what is far too large is not read to its end.
func TestLargeBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	for _, c := range []struct{ name, head, fill string }{
		{"name", `{"query":"{viewer{`, "n"},
		{"comment", `{"query":"#`, "c"},
		{"unknown key", `{"`, "k"},
		{"white space", ``, " "},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			const size = 64 << 20
			_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", strings.TrimPrefix(h.url, "http://"), size, c.head)
			if err != nil {
				t.Fatal(err)
			}
			sent, chunk := 0, strings.Repeat(c.fill, 64<<10)
			answered := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(conn)
				answered <- string(text)
			}()
			for sent < size {
				n, err := io.WriteString(conn, chunk)
				sent += n
				if err != nil {
					break
				}
			}
			// The rest of what was sent stands in buffers between the two.
			if sent >= size {
				t.Errorf("all %d bytes were taken", sent)
			}
			if text := <-answered; text != "" && !strings.Contains(text, "413 Request Entity Too Large") {
				t.Errorf("%.300s", text)
			}
		})
	}
}
