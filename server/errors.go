package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"openplr/graph/scalar"
	"openplr/plr"
	"openplr/resolvers"
	"openplr/signin"
)

// Codes of top-level errors used in more than one place. The whole list is in
// docs/front-end.md.
const (
	codeBadRequest  = "BAD_REQUEST"
	codeUnavailable = "UNAVAILABLE"
	codeInternal    = "INTERNAL"
	codeValidation  = "GRAPHQL_VALIDATION_FAILED"
	codeParse       = "GRAPHQL_PARSE_FAILED"
	codeTooComplex  = "QUERY_TOO_COMPLEX"
	codeBadInput    = "BAD_USER_INPUT"
)

// maxErrors bounds the errors of one answer.
const maxErrors = 50

const maskedMessage = "The operation does not fit the schema."

// topLevel maps the domain's codes that can reach the top level. Refusals of a
// query's arguments are bad input there, as queries have no user errors.
var topLevel = map[plr.Code]string{
	plr.CodeUnauthenticated: "UNAUTHENTICATED", plr.CodeSessionExpired: "SESSION_EXPIRED",
	plr.CodeIdentityRequired: "IDENTITY_REQUIRED", plr.CodeStepUpRequired: "STEP_UP_REQUIRED", plr.CodeForbidden: "FORBIDDEN",
	plr.CodeUnavailable: codeUnavailable, plr.CodeInternal: codeInternal,
	plr.CodeNotFound: "NOT_FOUND", plr.CodeConflict: "CONFLICT", plr.CodeVersionMismatch: "CONFLICT",
}

// panicked stands for a recovered panic, which was logged under ref.
type panicked struct{ ref string }

func (panicked) Error() string { return "panic" }

func coded(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

// present is the only way an error reaches a caller: what is not on its list
// is logged and answered without detail. It always makes a new error, because
// gqlgen writes paths into the one it is given.
func (h *graphqlHandler) present(ctx context.Context, err error) *gqlerror.Error {
	out := h.presentable(ctx, err)
	out.Path = graphql.GetPath(ctx)
	var given *gqlerror.Error
	if errors.As(err, &given) {
		out.Locations = given.Locations
		if len(given.Path) > 0 && out.Extensions["code"] != codeValidation {
			out.Path = given.Path
		}
	}
	return out
}

func (h *graphqlHandler) presentable(ctx context.Context, err error) *gqlerror.Error {
	if caught, ok := errors.AsType[*panicked](err); ok {
		return internal(caught.ref)
	}
	if e, ok := errors.AsType[*plr.Error](err); ok {
		return h.fromDomain(ctx, e)
	}
	if many, ok := errors.AsType[plr.Errors](err); ok && len(many) > 0 {
		return h.fromDomain(ctx, many[0])
	}
	if e, ok := scalar.As(err); ok {
		return coded(codeBadInput, e.Message)
	}
	if given, ok := errors.AsType[*gqlerror.Error](err); ok {
		if code, _ := given.Extensions["code"].(string); code != "" {
			return h.fromDocument(given, code)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return coded(codeUnavailable, "The request took too long. Try again.")
	}
	ref := requestID(ctx)
	h.logger.LogAttrs(ctx, slog.LevelError, "field failed", slog.String("ref", ref), slog.String("kind", fmt.Sprintf("%T", rootCause(err))))
	return internal(ref)
}

func internal(ref string) *gqlerror.Error {
	e := coded(codeInternal, "Something went wrong on our side. Quote the reference if you ask about it.")
	e.Extensions["ref"] = ref
	return e
}

func (h *graphqlHandler) fromDomain(ctx context.Context, e *plr.Error) *gqlerror.Error {
	code, ok := topLevel[e.Code]
	if !ok {
		code = codeBadInput
	}
	if code == codeInternal {
		return internal(requestID(ctx))
	}
	out := coded(code, e.Text.In(resolvers.LanguageOf(ctx)))
	if len(e.Path) > 0 {
		out.Extensions["argument"] = strings.Join(e.Path, ".")
	}
	switch e.Code {
	case plr.CodeStepUpRequired:
		out.Extensions["stepUp"] = signin.From(ctx).StepUpWay(h.publicURL, e.Action)
	case plr.CodeIdentityRequired:
		out.Extensions["identity"] = signin.From(ctx).IdentityWay(h.publicURL)
	}
	if e.RetryAfter > 0 {
		out.Extensions["retryAfter"] = int(math.Ceil(e.RetryAfter.Seconds()))
	}
	if code == codeUnavailable {
		ref := requestID(ctx)
		out.Extensions["ref"] = ref
		h.logger.LogAttrs(ctx, slog.LevelWarn, "dependency unavailable", slog.String("ref", ref), slog.String("kind", fmt.Sprintf("%T", rootCause(e))))
	}
	return out
}

// fromDocument rewords what the parser and the validator say, so that no value
// of the document is repeated. While the schema is closed, nothing of it shows.
func (h *graphqlHandler) fromDocument(given *gqlerror.Error, code string) *gqlerror.Error {
	switch {
	case strings.HasPrefix(given.Message, "exceeded token limit"):
		return coded(codeTooComplex, "The document has more than 1000 tokens.")
	case code == codeParse:
		return coded(code, "The document is not valid GraphQL.")
	case code != codeValidation:
		return coded(code, given.Message) // made by ourselves
	case !h.open:
		return coded(code, maskedMessage)
	case strings.HasPrefix(given.Message, "operation ") && strings.HasSuffix(given.Message, " not found"):
		return coded(code, "Name exactly one operation of the document in operationName.")
	case len(given.Path) > 0 && given.Message == "unknown field":
		// The last step is a name of the caller's making.
		return coded(code, "The variable at "+cutText(given.Path[:len(given.Path)-1].String())+" has a member that the schema does not have.")
	case len(given.Path) > 0:
		return coded(code, "The variable at "+cutText(given.Path.String())+" is missing or not of its type.")
	case given.Rule == "ValuesOfCorrectType":
		return coded(code, "A value is not of the type the schema asks for.")
	}
	return coded(code, cutText(given.Message))
}

func cutText(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// distinct drops errors that say the same at the same place again, and bounds the rest.
func distinct(errs gqlerror.List) gqlerror.List {
	seen := map[string]bool{}
	out := gqlerror.List{}
	for _, e := range errs {
		key := e.Message + "\x00" + e.Path.String()
		if len(out) < maxErrors && !seen[key] {
			seen[key] = true
			out = append(out, e)
		}
	}
	return out
}

// rootCause finds the innermost error, whose type is safe to log. Its words
// are not: drivers put addresses and values into them.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
