package plr

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Code is the closed list of reasons a request can be refused for. The edges
// map it once: to a GraphQL user error or top-level error, or a page.
type Code string

// Faults and refusals that no change of the input's words would mend.
const (
	// CodeUnauthenticated: nobody is signed in.
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	// CodeSessionExpired: a session was presented that no longer lives.
	CodeSessionExpired Code = "SESSION_EXPIRED"
	// CodeIdentityRequired: signed in, but bound to no learning record yet.
	CodeIdentityRequired Code = "IDENTITY_REQUIRED"
	// CodeStepUpRequired: signed in, but too long ago for what was asked.
	CodeStepUpRequired Code = "STEP_UP_REQUIRED"
	// CodeForbidden: signed in, but not as somebody who may do this.
	CodeForbidden Code = "FORBIDDEN"
	// CodeUnavailable: a part the service needs did not answer; try again.
	CodeUnavailable Code = "UNAVAILABLE"
	// CodeInternal: a fault of ours, logged under an id.
	CodeInternal Code = "INTERNAL"
)

// Refusals of the business: answered as user errors with a path into the input.
const (
	// CodeInvalid: the value is not of a form that can be accepted.
	CodeInvalid Code = "INVALID"
	// CodeRequired: a value is missing.
	CodeRequired Code = "REQUIRED"
	// CodeTooLong: the text is longer than allowed.
	CodeTooLong Code = "TOO_LONG"
	// CodeOutOfRange: a number or a time lies outside its limits.
	CodeOutOfRange Code = "OUT_OF_RANGE"
	// CodeNotFound: no such object, or not the caller's: the two are never told apart.
	CodeNotFound Code = "NOT_FOUND"
	// CodeConflict: an idempotency key was used before with another input.
	CodeConflict Code = "CONFLICT"
	// CodeVersionMismatch: the object changed since the caller read it.
	CodeVersionMismatch Code = "VERSION_MISMATCH"
	// CodeLimitReached: as many of these as allowed exist already.
	CodeLimitReached Code = "LIMIT_REACHED"
	// CodeSharingOff: the learner has switched sharing off.
	CodeSharingOff Code = "SHARING_OFF"
	// CodeAcknowledgementRequired: the consequences must be acknowledged first.
	CodeAcknowledgementRequired Code = "ACKNOWLEDGEMENT_REQUIRED"
	// CodeViewEmpty: the view shows nothing, so there is nothing to share.
	CodeViewEmpty Code = "VIEW_EMPTY"
	// CodeViewInUse: links still hang on the view.
	CodeViewInUse Code = "VIEW_IN_USE"
	// CodeLinkEnded: the link was revoked; revoking cannot be undone.
	CodeLinkEnded Code = "LINK_ENDED"
	// CodeAlreadyDone: the object is already in the state asked for by another act.
	CodeAlreadyDone Code = "ALREADY_DONE"
	// CodeIdentityNotProved: the person has to prove who they are first, or again.
	CodeIdentityNotProved Code = "IDENTITY_NOT_PROVED"
	// CodeNotMatched: no record could be connected. Why is never said.
	CodeNotMatched Code = "NOT_MATCHED"
)

// Error is a refusal or a fault that may be told to a person.
type Error struct {
	Code Code
	// Text is the message for people, in both languages.
	Text Text
	// Path names the input field, outermost first; empty for the whole request.
	Path []string
	// RetryAfter says when trying again makes sense; zero when unknown.
	RetryAfter time.Duration
	// Action is set with CodeStepUpRequired.
	Action StepUpAction
	// cause is for the log only and never leaves the process.
	cause error
}

func (e *Error) Error() string {
	if len(e.Path) == 0 {
		return string(e.Code)
	}
	return string(e.Code) + " " + strings.Join(e.Path, ".")
}

// Unwrap gives the hidden cause, for logs and errors.Is.
func (e *Error) Unwrap() error { return e.cause }

// Errors is several refusals found in one input, all reported together.
type Errors []*Error

func (es Errors) Error() string {
	words := make([]string, len(es))
	for i, e := range es {
		words[i] = e.Error()
	}
	return strings.Join(words, "; ")
}

// Refusals gives the user-facing refusals inside err, or nil when err is a
// fault (or nil). Faults are the first group of codes above.
func Refusals(err error) []*Error {
	var many Errors
	if errors.As(err, &many) {
		return many
	}
	var one *Error
	if errors.As(err, &one) && !slices.Contains(faults, one.Code) {
		return []*Error{one}
	}
	return nil
}

var faults = []Code{CodeUnauthenticated, CodeSessionExpired, CodeIdentityRequired, CodeStepUpRequired, CodeForbidden, CodeUnavailable, CodeInternal}

// CodeOf gives the code of err; CodeInternal for an error that has none.
func CodeOf(err error) Code {
	var one *Error
	if errors.As(err, &one) {
		return one.Code
	}
	var many Errors
	if errors.As(err, &many) && len(many) > 0 {
		return many[0].Code
	}
	return CodeInternal
}

// Unavailable wraps a failed dependency. The cause reaches the log, never the caller.
func Unavailable(cause error, retryAfter time.Duration) *Error {
	return &Error{
		Code:       CodeUnavailable,
		Text:       T("The service cannot do this at the moment. Try again shortly.", "Ni all y gwasanaeth wneud hyn ar hyn o bryd. Rhowch gynnig arall arni cyn bo hir."),
		RetryAfter: retryAfter,
		cause:      cause,
	}
}

// StepUpAction names what a person is asked to sign in once more for.
type StepUpAction string

// The actions.
const (
	ActionShare         StepUpAction = "share"
	ActionExport        StepUpAction = "export"
	ActionClaimRecord   StepUpAction = "claim_record"
	ActionEndSessions   StepUpAction = "end_sessions"
	ActionResolveReview StepUpAction = "resolve_review"
)

// Known says whether a is one of the actions.
func (a StepUpAction) Known() bool {
	switch a {
	case ActionShare, ActionExport, ActionClaimRecord, ActionEndSessions, ActionResolveReview:
		return true
	default:
		return false
	}
}

// StepUpRequired is the refusal of somebody who has not signed in within the last
// minutes. The edges add where to go.
func StepUpRequired(action StepUpAction) *Error {
	e := refuse(CodeStepUpRequired, T(
		"Sign in once more to do this.",
		"Mewngofnodwch unwaith eto i wneud hyn."))
	e.Action = action
	return e
}

// Forbidden is the refusal of somebody who has not the role for it.
func Forbidden() *Error {
	return refuse(CodeForbidden, T("You may not do this.", "Ni chewch wneud hyn."))
}

// NotFound is the one answer for an id that is unknown, malformed or another's.
func NotFound(path ...string) *Error {
	return &Error{
		Code: CodeNotFound,
		Text: T("There is nothing with this id in your record.", "Nid oes dim gyda'r dynodydd hwn yn eich cofnod."),
		Path: path,
	}
}

func refuse(code Code, text Text, path ...string) *Error {
	return &Error{Code: code, Text: text, Path: path}
}

// faultList gathers refusals while an input is checked.
type faultList struct{ list Errors }

func (f *faultList) add(e *Error) {
	if e != nil {
		f.list = append(f.list, e)
	}
}

func (f *faultList) err() error {
	if len(f.list) == 0 {
		return nil
	}
	return f.list
}
