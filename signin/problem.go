package signin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"openplr/plr"
)

// Problem is the closed list of reasons a request here is refused for. A person
// arrives at ProblemPath with one of PageProblems; a program reads it as "code"
// of an application/problem+json answer.
type Problem string

// ProblemPath is where the web room shows what went wrong, by the query
// parameters code (a Problem) and ref (the id under which it was logged).
const ProblemPath = "/sign-in/problem"

// Problems that end a sign-in. Each has a page.
const (
	// ProblemStateUnknown: no such sign-in is under way, or it took too long.
	ProblemStateUnknown Problem = "state_unknown"
	// ProblemStateUsed: this sign-in was finished before, well or badly.
	ProblemStateUsed Problem = "state_used"
	// ProblemBrowserMismatch: the sign-in was begun in another browser.
	ProblemBrowserMismatch Problem = "browser_mismatch"
	// ProblemIssuerMismatch: another provider answered than was asked.
	ProblemIssuerMismatch Problem = "iss_mismatch"
	// ProblemProviderError: the provider refused for a reason that is ours or its own.
	ProblemProviderError Problem = "provider_error"
	// ProblemAccessDenied: the person cancelled, or lost the provider's session.
	ProblemAccessDenied Problem = "access_denied"
	// ProblemTemporarilyUnavailable: the provider asks to come back in a few minutes.
	ProblemTemporarilyUnavailable Problem = "temporarily_unavailable"
	// ProblemServiceSuspended: the provider does not serve us at present.
	ProblemServiceSuspended Problem = "service_suspended"
	// ProblemTokenExchangeFailed: the provider did not give its proof.
	ProblemTokenExchangeFailed Problem = "token_exchange_failed"
	// ProblemIDTokenInvalid: the provider's proof does not stand.
	ProblemIDTokenInvalid Problem = "id_token_invalid"
	// ProblemAssuranceTooLow: signed in more weakly than asked for.
	ProblemAssuranceTooLow Problem = "assurance_too_low"
	// ProblemReauthFailed: signing in once more did not succeed.
	ProblemReauthFailed Problem = "reauth_failed"
	// ProblemSubjectMismatch: another person's sign-in than the one asked for.
	ProblemSubjectMismatch Problem = "subject_mismatch"
	// ProblemIdentityNotProved: signed in, but identity was not proved.
	ProblemIdentityNotProved Problem = "identity_not_proved"
	// ProblemIdentityInvalid: what vouches for the identity does not stand.
	ProblemIdentityInvalid Problem = "identity_invalid"
	// ProblemIdentityUnavailable: nobody can prove their identity here.
	ProblemIdentityUnavailable Problem = "identity_unavailable"
	// ProblemAlreadyBound: the account is connected to a record already.
	ProblemAlreadyBound Problem = "already_bound"
	// ProblemBindingLocked: too many attempts; people look into it now.
	ProblemBindingLocked Problem = "binding_locked"
	// ProblemUnauthenticated: what was asked for needs a session, and there is none.
	ProblemUnauthenticated Problem = "unauthenticated"
	// ProblemSessionExpired: the session has ended.
	ProblemSessionExpired Problem = "session_expired"
	// ProblemSignedOutMeanwhile: the person was signed out while signing in.
	ProblemSignedOutMeanwhile Problem = "signed_out_meanwhile"
	// ProblemProviderUnavailable: the provider cannot be reached.
	ProblemProviderUnavailable Problem = "provider_unavailable"
	// ProblemSessionStoreUnavailable: sessions cannot be read or written.
	ProblemSessionStoreUnavailable Problem = "session_store_unavailable"
	// ProblemAccountStoreUnavailable: accounts cannot be read or written.
	ProblemAccountStoreUnavailable Problem = "account_store_unavailable"
	// ProblemInternal: a fault of ours.
	ProblemInternal Problem = "internal"
)

// Requests of no form. People meet them by a broken link, and have a page for each.
const (
	// ProblemInvalidReturnTo: return_to is no path on our own origin.
	ProblemInvalidReturnTo Problem = "invalid_return_to"
	// ProblemInvalidAction: action is no plr.StepUpAction.
	ProblemInvalidAction Problem = "invalid_action"
	// ProblemCallbackInvalid: the parameters of the callback are not of its form.
	ProblemCallbackInvalid Problem = "callback_invalid"
)

// Refusals that only a program, or somebody tampering, gets to see.
const (
	// ProblemAmbiguousCredentials: a cookie and a bearer token in one request.
	ProblemAmbiguousCredentials Problem = "ambiguous_credentials"
	// ProblemCrossOrigin: the header that only our own page can send is missing.
	ProblemCrossOrigin Problem = "cross_origin"
	// ProblemUnsupportedMediaType: the body is not announced as JSON.
	ProblemUnsupportedMediaType Problem = "unsupported_media_type"
	// ProblemInvalidBody: the body is not the JSON object expected.
	ProblemInvalidBody Problem = "invalid_body"
	// ProblemBodyTooLarge: the body is longer than any honest one.
	ProblemBodyTooLarge Problem = "body_too_large"
	// ProblemMethodNotAllowed: this address does not answer to that method.
	ProblemMethodNotAllowed Problem = "method_not_allowed"
)

// auditDuplicateCookie stands in the log only: the request goes on as one without
// a session.
const auditDuplicateCookie Problem = "duplicate_cookie"

// PageProblems gives every code that ProblemPath can be called with.
func PageProblems() []Problem {
	return []Problem{
		ProblemStateUnknown, ProblemStateUsed, ProblemBrowserMismatch, ProblemIssuerMismatch,
		ProblemProviderError, ProblemAccessDenied, ProblemTemporarilyUnavailable, ProblemServiceSuspended,
		ProblemTokenExchangeFailed, ProblemIDTokenInvalid, ProblemAssuranceTooLow, ProblemReauthFailed,
		ProblemSubjectMismatch, ProblemIdentityNotProved, ProblemSignedOutMeanwhile, ProblemIdentityInvalid, ProblemIdentityUnavailable,
		ProblemAlreadyBound, ProblemBindingLocked, ProblemUnauthenticated, ProblemSessionExpired,
		ProblemProviderUnavailable,
		ProblemSessionStoreUnavailable, ProblemAccountStoreUnavailable, ProblemInternal,
		ProblemInvalidReturnTo, ProblemInvalidAction, ProblemCallbackInvalid,
	}
}

// statuses is the HTTP status of a code in a JSON answer; 400 when not listed.
var statuses = map[Problem]int{
	ProblemUnauthenticated:         http.StatusUnauthorized,
	ProblemSessionExpired:          http.StatusUnauthorized,
	ProblemStepUpRequired:          http.StatusUnauthorized,
	ProblemNotFound:                http.StatusNotFound,
	ProblemCrossOrigin:             http.StatusForbidden,
	ProblemIdentityUnavailable:     http.StatusNotFound,
	ProblemAlreadyBound:            http.StatusConflict,
	ProblemBindingLocked:           http.StatusLocked,
	ProblemMethodNotAllowed:        http.StatusMethodNotAllowed,
	ProblemBodyTooLarge:            http.StatusRequestEntityTooLarge,
	ProblemUnsupportedMediaType:    http.StatusUnsupportedMediaType,
	ProblemProviderUnavailable:     http.StatusServiceUnavailable,
	ProblemSessionStoreUnavailable: http.StatusServiceUnavailable,
	ProblemAccountStoreUnavailable: http.StatusServiceUnavailable,
	ProblemInternal:                http.StatusInternalServerError,
	ProblemNoApps:                  http.StatusNotFound,
}

// why is a reason in our own fixed words, and so safe to log. Anything else
// that goes wrong is logged as the kind of thing it is, because texts of
// libraries and of the provider quote what they were given.
type why string

func (w why) Error() string { return string(w) }

// refused writes the one audit line of a refusal and gives its reference.
func (s *SignIn) refused(ctx context.Context, code Problem, cause error, more ...slog.Attr) string {
	ref, err := newID(s.random, "ref")
	if err != nil {
		ref = "" // no randomness is a reason to refuse, not a reason not to log
	}
	attrs := []slog.Attr{slog.String("code", string(code)), slog.String("ref", ref), slog.String("why", reason(cause))}
	level := slog.LevelWarn
	// A false proof of identity is for people to look into, a provider that knows us
	// no more or does not take our requests is too.
	if statuses[code] >= http.StatusInternalServerError || code == ProblemIdentityInvalid || isOurFault(cause) {
		level = slog.LevelError
	}
	s.log.LogAttrs(ctx, level, "refused", append(attrs, more...)...)
	return ref
}

// reason gives words about cause that hold nothing from outside.
func reason(cause error) string {
	var w why
	var refusal *plr.Error
	switch {
	case cause == nil:
		return ""
	case errors.As(cause, &w):
		return string(w)
	case errors.As(cause, &refusal):
		return string(refusal.Code)
	case errors.Is(cause, context.Canceled):
		return "the caller went away"
	case isTimeout(cause):
		return "no answer in time"
	default:
		return kindOf(cause)
	}
}

// toPage sends a person to the problem page.
func (s *SignIn) toPage(w http.ResponseWriter, r *http.Request, code Problem, cause error, more ...slog.Attr) {
	ref := s.refused(r.Context(), code, cause, more...)
	seeOther(w, ProblemPath+"?"+url.Values{"code": {string(code)}, "ref": {ref}}.Encode())
}

// toProgram answers with the problem as JSON.
func (s *SignIn) toProgram(w http.ResponseWriter, r *http.Request, code Problem, cause error) {
	ref := s.refused(r.Context(), code, cause)
	status := statuses[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	writeJSON(w, status, "application/problem+json", newProblemJSON(status, code, ref))
}

// problemJSON is the body of a refusal, by RFC 9457.
type problemJSON struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Code   Problem `json:"code"`
	Ref    string  `json:"ref"`
}

func newProblemJSON(status int, code Problem, ref string) problemJSON {
	return problemJSON{"about:blank", http.StatusText(status), status, code, ref}
}

// toEither answers at an address that people and programs both call: whoever can
// read a page gets the page, anyone else the status.
func (s *SignIn) toEither(w http.ResponseWriter, r *http.Request, code Problem, cause error) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.toPage(w, r, code, cause)
		return
	}
	s.toProgram(w, r, code, cause)
}

// begin sets the headers every /auth answer carries and refuses other methods.
// Handlers check the method themselves: a HEAD that a router maps to GET must
// not use up a sign-in.
func (s *SignIn) begin(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	for _, m := range methods {
		if r.Method == m {
			return true
		}
	}
	h.Set("Allow", strings.Join(methods, ", "))
	s.toProgram(w, r, ProblemMethodNotAllowed, nil)
	return false
}

// seeOther is http.Redirect without its body and without its rewriting of the
// path: what was checked is what is sent.
func seeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a caller that has gone is no fault of ours
}
