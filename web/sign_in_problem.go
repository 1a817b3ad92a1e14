package web

import (
	"net/http"
	"net/url"
	"regexp"
)

// problemTexts says for each code that sign-in ends with what happened and what
// to do, in as few kinds as a person can act on. A code not listed gets the
// words of a fault.
var problemTexts = map[string]struct{ title, body string }{
	"state_unknown":    {"problem.again.title", "problem.again.body"},
	"state_used":       {"problem.again.title", "problem.again.body"},
	"browser_mismatch": {"problem.again.title", "problem.again.body"},

	"access_denied": {"problem.cancelled.title", "problem.cancelled.body"},

	"temporarily_unavailable":   {"problem.later.title", "problem.later.body"},
	"provider_unavailable":      {"problem.later.title", "problem.later.body"},
	"session_store_unavailable": {"problem.later.title", "problem.later.body"},
	"account_store_unavailable": {"problem.later.title", "problem.later.body"},

	"service_suspended": {"problem.suspended.title", "problem.suspended.body"},

	"assurance_too_low":   {"problem.identity.title", "problem.identity.body"},
	"identity_not_proved": {"problem.identity.title", "problem.identity.body"},

	"identity_invalid":     {"problem.proof.title", "problem.proof.body"},
	"identity_unavailable": {"problem.noproof.title", "problem.noproof.body"},
	"already_bound":        {"problem.bound.title", "problem.bound.body"},
	"binding_locked":       {"problem.locked.title", "problem.locked.body"},

	"unauthenticated": {"problem.first.title", "problem.first.body"},
	"session_expired": {"problem.ended.title", "problem.ended.body"},

	"reauth_failed":    {"problem.confirm.title", "problem.confirm.body"},
	"subject_mismatch": {"problem.confirm.title", "problem.confirm.body"},

	"signed_out_meanwhile": {"problem.meanwhile.title", "problem.meanwhile.body"},

	"iss_mismatch":          {"problem.fault.title", "problem.fault.body"},
	"provider_error":        {"problem.fault.title", "problem.fault.body"},
	"token_exchange_failed": {"problem.fault.title", "problem.fault.body"},
	"id_token_invalid":      {"problem.fault.title", "problem.fault.body"},
	"internal":              {"problem.fault.title", "problem.fault.body"},
	"callback_invalid":      {"problem.fault.title", "problem.fault.body"},
	"invalid_return_to":     {"problem.fault.title", "problem.fault.body"},
	"invalid_action":        {"problem.fault.title", "problem.fault.body"},
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
	p.show(w, r, http.StatusOK, "message.html", &page{
		Language: l, Title: say(l, texts.title), Elsewhere: "?" + again.Encode(),
		Body: &messageBody{
			Paragraphs: []string{say(l, texts.body)}, Ref: ref,
			Link: p.signInLink(l), LinkText: say(l, "problem.retry"),
		},
	})
}
