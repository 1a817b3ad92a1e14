package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"openplr/graph"
	"openplr/plr"
	"openplr/resolvers"
	"openplr/signin"
	"openplr/web"
)

// graphqlHandler is GraphQL over HTTP: POST with one strict JSON object. It
// replaces gqlgen's transports, which read bodies without a bound, repeat them
// in errors and logs, and encode the finished answer once more.
type graphqlHandler struct {
	exec   *executor.Executor
	logger *slog.Logger
	limits *rateLimits
	open   bool // introspection and exact validation messages
	// publicURL is where errors send people who must sign in once more or prove
	// who they are.
	publicURL string
}

const (
	maxBody        = 64 << 10
	maxQueryTokens = 1000
	queryDeadline  = 10 * time.Second
	// cachedDocuments: anybody can fill the cache, so it must not hold much.
	cachedDocuments = 200
	typeJSON        = "application/json"
	typeGraphQL     = "application/graphql-response+json"
)

// withoutDefer takes @defer out of the schema, which all handlers of a process
// share: gqlgen advertises it, but over POST all parts but the first are lost.
var withoutDefer = sync.OnceFunc(func() {
	delete(graph.NewExecutableSchema(graph.Config{}).Schema().Directives, "defer")
})

func newGraphQL(root *resolvers.Root, open bool, limits *rateLimits, logger *slog.Logger) *graphqlHandler {
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: root})
	withoutDefer()
	h := &graphqlHandler{exec: executor.New(schema), logger: logger, limits: limits, open: open, publicURL: root.PublicURL}
	h.exec.SetParserTokenLimit(maxQueryTokens)
	h.exec.SetQueryCache(lru.New[*ast.QueryDocument](cachedDocuments))
	h.exec.SetErrorPresenter(h.present)
	h.exec.SetRecoverFunc(func(ctx context.Context, thrown any) error {
		return &panicked{ref: logPanic(ctx, h.logger, thrown)}
	})
	// Order matters: the limiter bounds the document before anything walks it again.
	h.exec.Use(limiter{schema: schema.Schema(), open: open})
	h.exec.Use(inputs{schema: schema.Schema()})
	return h
}

// requestFault is a request that is refused before GraphQL sees it.
type requestFault struct {
	status  int
	code    string
	message string
	// retryAfter, in seconds, is set when trying again makes sense.
	retryAfter int
}

// guard stands before identify, sign-in's middleware, so that what goes wrong
// there is answered as everything under /graphql is: two credentials in one
// request, and a panic.
func (h *graphqlHandler) guard(identify func(http.Handler) http.Handler) http.Handler {
	next := identify(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		media := orJSON(negotiate(r.Header.Values("Accept")))
		defer func() {
			if thrown := recover(); thrown != nil {
				h.answer(w, media, http.StatusInternalServerError, internal(logPanic(r.Context(), h.logger, thrown)))
			}
		}()
		if len(r.CookiesNamed(signin.SessionCookie)) > 0 && hasBearer(r) {
			h.refuse(w, media, &requestFault{status: http.StatusBadRequest, code: "AMBIGUOUS_CREDENTIALS", message: "Send the session cookie or a bearer token, not both."})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hasBearer(r *http.Request) bool {
	for _, value := range r.Header.Values("Authorization") {
		scheme, _, _ := strings.Cut(strings.TrimLeft(value, " \t"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			return true
		}
	}
	return false
}

func (h *graphqlHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	media, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		h.refuse(w, typeJSON, &requestFault{status: http.StatusNotAcceptable, code: codeBadRequest, message: "Accept application/graphql-response+json or application/json."})
		return
	}
	fault := h.limit(w, r)
	var params *graphql.RawParams
	if fault == nil {
		params, fault = readRequest(w, r)
	}
	if fault == nil {
		fault = checkCredentials(r)
	}
	if fault != nil {
		h.refuse(w, media, fault)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryDeadline)
	defer cancel()
	ctx, disclosures, done := web.Disclosing(ctx)
	defer done()
	ctx = resolvers.WithLanguage(ctx, web.AcceptedLanguage(r))
	status, body, fault := h.execute(ctx, params, media, func(opCtx *graphql.OperationContext) *requestFault {
		return h.limitSensitive(w, r, opCtx)
	})
	if fault != nil {
		h.refuse(w, media, fault)
		return
	}
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Add("Vary", "Accept, Accept-Language, Cookie") // Origin is there already
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	if err := web.WriteDisclosure(ctx, w, disclosures, status, body); err != nil {
		h.logger.LogAttrs(ctx, slog.LevelWarn, "answer withheld or cut off", slog.String("ref", requestID(ctx)))
		if errors.Is(err, web.ErrNotDisclosed) {
			h.refuse(w, media, &requestFault{status: http.StatusServiceUnavailable, code: codeUnavailable, message: "The answer took too long and was withheld. Try again."})
		}
	}
}

// limit takes the general limit, before the body is read.
func (h *graphqlHandler) limit(w http.ResponseWriter, r *http.Request) *requestFault {
	name, subject := limitGraphQLAnonymous, byAddress
	if signin.From(r.Context()).State == signin.StateSignedIn {
		name, subject = limitGraphQL, bySession
	}
	if wait, ok := h.limits.take(w, r, name, subject); !ok {
		return rateLimited(wait)
	}
	return nil
}

// limitSensitive takes the limits of what an operation would do that others must
// not do often: open a link, claim a record. Nothing has been done or counted
// yet, and no input was looked at.
func (h *graphqlHandler) limitSensitive(w http.ResponseWriter, r *http.Request, opCtx *graphql.OperationContext) *requestFault {
	cost := costOf(opCtx)
	for _, limit := range []struct {
		name string
		free bool
	}{
		{limitRedeem, cost != nil && !cost.redeems},
		{limitClaim, cost != nil && !cost.claims},
	} {
		if limit.free {
			continue
		}
		if wait, ok := h.limits.take(w, r, limit.name, byAddress); !ok {
			return rateLimited(wait)
		}
	}
	return nil
}

// execute runs one operation, if admit has nothing against it, and gives the
// finished body.
func (h *graphqlHandler) execute(ctx context.Context, params *graphql.RawParams, media string, admit func(*graphql.OperationContext) *requestFault) (int, []byte, *requestFault) {
	ctx = graphql.StartOperationTrace(ctx)
	opCtx, errs := h.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		resp := h.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs)
		status := http.StatusOK
		if media == typeGraphQL {
			status = http.StatusBadRequest
		}
		return status, encode(resp, nil, false), nil
	}
	if fault := admit(opCtx); fault != nil {
		return 0, nil, fault
	}
	run, ctx := h.exec.DispatchOperation(ctx, opCtx)
	resp := run(ctx)
	if resp == nil { // the deadline passed before the first field
		resp = h.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), gqlerror.List{gqlerror.WrapIfUnwrapped(plr.Unavailable(ctx.Err(), time.Second))})
	}
	status := http.StatusOK
	for _, e := range resp.Errors {
		if e.Extensions["code"] == codeUnavailable {
			status = http.StatusServiceUnavailable
		}
	}
	return status, encode(resp, costOf(opCtx), true), nil
}

// encode writes the answer. The executor's data goes in as it is; a request
// that never ran has no data member at all.
func encode(resp *graphql.Response, cost *queryCost, ran bool) []byte {
	var b bytes.Buffer
	b.Grow(len(resp.Data) + 256)
	b.WriteByte('{')
	if len(resp.Errors) > 0 {
		b.WriteString(`"errors":`)
		b.Write(mustJSON(distinct(resp.Errors)))
		b.WriteByte(',')
	}
	if ran {
		b.WriteString(`"data":`)
		if len(resp.Data) == 0 {
			b.WriteString("null")
		}
		b.Write(resp.Data)
		b.WriteByte(',')
	}
	if cost != nil {
		b.WriteString(`"extensions":{"cost":`)
		b.Write(mustJSON(cost))
		b.WriteString("},")
	}
	b.Truncate(b.Len() - 1) // the last comma; one of the three was written
	b.WriteByte('}')
	return b.Bytes()
}

func mustJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil { // only our own strings and numbers are written
		return []byte("null")
	}
	return out
}

// refuse answers a request that never became an operation.
func (h *graphqlHandler) refuse(w http.ResponseWriter, media string, f *requestFault) {
	if f.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "POST")
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	e := coded(f.code, f.message)
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
		e.Extensions["retryAfter"] = f.retryAfter
	}
	h.answer(w, media, f.status, e)
}

// answer writes one error and nothing else.
func (h *graphqlHandler) answer(w http.ResponseWriter, media string, status int, e *gqlerror.Error) {
	body := mustJSON(map[string]any{"errors": gqlerror.List{e}})
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// readRequest reads the body strictly: one JSON object, no duplicate keys, no
// unknown keys, valid UTF-8, nothing behind it. What was sent is never repeated.
func readRequest(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *requestFault) {
	if r.Method != http.MethodPost {
		return nil, &requestFault{status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", message: "Send GraphQL requests with POST."}
	}
	if r.URL.RawQuery != "" {
		return nil, &requestFault{status: http.StatusBadRequest, code: codeBadRequest, message: "Send the request in the body, not in the address."}
	}
	media, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := options["charset"]
	if err != nil || media != typeJSON || (named && !strings.EqualFold(charset, "utf-8")) || r.Header.Get("Content-Encoding") != "" {
		return nil, &requestFault{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", message: "Send Content-Type: application/json in UTF-8, not compressed."}
	}
	read := graphql.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &requestFault{status: http.StatusRequestEntityTooLarge, code: "BODY_TOO_LARGE", message: "The body is larger than 64 KiB."}
	}
	bad := &requestFault{status: http.StatusBadRequest, code: codeBadRequest, message: "The body must be one JSON object with query, and on wish operationName, variables and extensions."}
	if err != nil || !jsontext.Value(body).IsValid() {
		return nil, bad
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil, bad
	}
	params := &graphql.RawParams{Headers: r.Header, ReadTime: graphql.TraceTiming{Start: read, End: graphql.Now()}}
	for name, raw := range members {
		var into any
		switch name {
		case "query":
			into = &params.Query
		case "operationName":
			into = &params.OperationName
		case "variables":
			into = &params.Variables
		case "extensions":
			into = &params.Extensions
		default:
			return nil, bad
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if decoder.Decode(into) != nil {
			return nil, bad
		}
	}
	if strings.TrimSpace(params.Query) == "" {
		return nil, bad
	}
	return params, nil
}

// checkCredentials asks for the header that no cross-site form can send
// whenever a cookie vouches for the caller.
func checkCredentials(r *http.Request) *requestFault {
	if len(r.CookiesNamed(signin.SessionCookie)) > 0 && r.Header.Get(csrfHeader) != csrfValue {
		return &requestFault{status: http.StatusForbidden, code: "CSRF_BLOCKED", message: "Send the header X-Requested-By: learner-web with the session cookie."}
	}
	return nil
}

const (
	csrfHeader = "X-Requested-By"
	csrfValue  = "learner-web"
)

// orJSON is the media type of an answer to somebody who accepts none of ours.
func orJSON(media string, ok bool) string {
	if !ok {
		return typeJSON
	}
	return media
}

// negotiate chooses the answer's media type by the Accept header: JSON for
// those who do not say, as GraphQL over HTTP asks.
func negotiate(accept []string) (string, bool) {
	all := strings.TrimSpace(strings.Join(accept, ","))
	if all == "" {
		return typeJSON, true
	}
	best, bestQ := "", 0.0
	for _, item := range strings.Split(all, ",") {
		media, options, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		q := 1.0
		if text, given := options["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		switch media {
		case typeGraphQL:
		case typeJSON, "application/*", "*/*":
			media = typeJSON
		default:
			continue
		}
		if charset, given := options["charset"]; given && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		if q > bestQ {
			best, bestQ = media, q
		}
	}
	return best, best != ""
}
