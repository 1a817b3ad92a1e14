package web

import (
	"net/http"
	"net/url"
	"regexp"
)

// nextStep is what somebody is offered first on the problem page, besides the start page.
type nextStep int

const (
	nextSignIn nextStep = iota
	nextProve           // proving who one is, where that can be done
	nextHome            // nothing but the start page: signing in anew would not help
)

// problemTexts says for each code that sign-in ends with what happened and what
// to do, in as few kinds as a person can act on. A code not listed gets the
// words of a fault. The words hold for every trip: somebody who was only asked to
// sign in once more is signed in still.
var problemTexts = map[string]struct {
	title, body string
	next        nextStep
}{
	"state_unknown":    {"problem.again.title", "problem.again.body", nextSignIn},
	"state_used":       {"problem.again.title", "problem.again.body", nextSignIn},
	"browser_mismatch": {"problem.again.title", "problem.again.body", nextSignIn},

	"access_denied": {"problem.cancelled.title", "problem.cancelled.body", nextSignIn},

	"temporarily_unavailable": {"problem.later.title", "problem.later.body", nextSignIn},
	"provider_unavailable":    {"problem.later.title", "problem.later.body", nextSignIn},

	"session_store_unavailable": {"error.503.title", "problem.store.body", nextHome},
	"account_store_unavailable": {"error.503.title", "problem.store.body", nextHome},

	"service_suspended": {"problem.suspended.title", "problem.suspended.body", nextHome},

	"assurance_too_low": {"problem.assurance.title", "problem.assurance.body", nextSignIn},

	"identity_not_proved":  {"problem.identity.title", "problem.identity.body", nextProve},
	"identity_invalid":     {"problem.proof.title", "problem.proof.body", nextHome},
	"identity_unavailable": {"problem.noproof.title", "problem.noproof.body", nextHome},
	"already_bound":        {"problem.bound.title", "problem.bound.body", nextHome},
	"binding_locked":       {"problem.locked.title", "problem.locked.body", nextHome},

	"unauthenticated": {"problem.first.title", "problem.first.body", nextSignIn},
	"session_expired": {"problem.ended.title", "problem.ended.body", nextSignIn},

	"reauth_failed":    {"problem.confirm.title", "problem.confirm.body", nextHome},
	"subject_mismatch": {"problem.other.title", "problem.other.body", nextHome},

	"signed_out_meanwhile": {"problem.meanwhile.title", "problem.meanwhile.body", nextSignIn},

	"iss_mismatch":          {"problem.fault.title", "problem.fault.body", nextSignIn},
	"provider_error":        {"problem.fault.title", "problem.fault.body", nextSignIn},
	"token_exchange_failed": {"problem.fault.title", "problem.fault.body", nextSignIn},
	"id_token_invalid":      {"problem.fault.title", "problem.fault.body", nextSignIn},
	"internal":              {"problem.fault.title", "problem.fault.body", nextSignIn},
	"callback_invalid":      {"problem.fault.title", "problem.fault.body", nextSignIn},
	"invalid_return_to":     {"problem.fault.title", "problem.fault.body", nextSignIn},
	"invalid_action":        {"problem.fault.title", "problem.fault.body", nextSignIn},
}

// refForm: the reference comes from the address, so it is shown only when it
// can be nothing but an id. Anybody could write "call 0900..." there.
var refForm = regexp.MustCompile(`^[A-Za-z0-9_-]{4,40}$`)

// Problem is GET /sign-in/problem: where the browser is sent when signing in
// did not work. Nothing the identity provider said is shown.
func (p *Pages) Problem(w http.ResponseWriter, r *http.Request) {
	l, query := languageOf(r), r.URL.Query()
	code, ref := query.Get("code"), query.Get("ref")
	texts, ok := problemTexts[code]
	if !ok {
		code, texts = "", problemTexts["provider_error"]
	}
	if !refForm.MatchString(ref) {
		ref = ""
	}
	again := url.Values{"lang": {tagOf(otherThan(l))}, "code": {code}, "ref": {ref}}
	pg := &page{Language: l, Title: say(l, texts.title), Elsewhere: "?" + again.Encode()}
	body := &messageBody{Paragraphs: []string{say(l, texts.body)}, Ref: ref, Link: pg.To("/"), LinkText: say(l, "error.home")}
	switch {
	case texts.next == nextSignIn:
		body.First, body.FirstText = p.signInLink(l), say(l, "problem.retry")
	case texts.next == nextProve && p.Identity:
		body.First, body.FirstText = identityLink(l), say(l, "home.prove")
	}
	pg.Body = body
	p.show(w, r, http.StatusOK, "message.html", pg)
}
