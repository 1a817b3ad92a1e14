package web

import (
	"errors"
	"math"
	"net/http"
	"os"
	"strconv"
	"time"

	"openplr/plr"
)

// Redeem is GET /s: the neutral page behind every shared link. It is the same
// for everyone and changes nothing: mail scanners and previews come here. The
// link's secret stands in the fragment, which browsers do not send. The browser
// gets its redemption's token already here: an answer that is lost on the way
// back from opening can then be asked for again without spending a use.
func (p *Pages) Redeem(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	if _, err := p.redemptionToken(w, r); err != nil {
		p.fault(w, r, err)
		return
	}
	p.show(w, r, http.StatusOK, "redeem.html", formPage(l, redemptionForm{}, nil))
}

// RedeemSubmit is POST /s/redeem: it opens a link.
func (p *Pages) RedeemSubmit(w http.ResponseWriter, r *http.Request) {
	l := languageOf(r)
	form, status := readRedemptionForm(w, r)
	if status != 0 {
		p.ErrorPage(w, r, status, "")
		return
	}
	token, err := p.redemptionToken(w, r)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	ctx, disclosures, done := Disclosing(r.Context())
	defer done()
	secret, linkProblem := form.secret()
	outcome, err := p.Redeemer.Redeem(ctx, form.input(secret, token))
	if refusals := plr.Refusals(err); refusals != nil || linkProblem != "" {
		var mend []formError
		if linkProblem != "" {
			mend = append(mend, formError{Field: "link", Text: say(l, linkProblem)})
		}
		p.show(w, r, http.StatusBadRequest, "redeem.html", formPage(l, form, append(mend, formErrors(l, refusals)...)))
		return
	}
	if err != nil {
		p.fault(w, r, err)
		return
	}
	switch o := outcome.(type) {
	case *plr.SharedRecord:
		p.disclose(w, r, disclosures, o)
	case *plr.PINRequired:
		pg := formPage(l, form, []formError{{Field: "pin", Text: o.Message.In(l)}})
		p.show(w, r, http.StatusOK, "redeem.html", pg)
	case *plr.ShareUnavailable:
		p.show(w, r, http.StatusOK, "unavailable.html", unavailablePage(l, o))
	case *plr.TryAgainLater:
		setRetryAfter(w.Header(), o.RetryAfter)
		pg := formPage(l, form, []formError{{Text: o.Message.In(l)}})
		p.show(w, r, http.StatusServiceUnavailable, "redeem.html", pg)
	default:
		p.fault(w, r, errors.New("web: unknown outcome of a redemption"))
	}
}

// disclose shows the record in the language its owner chose.
func (p *Pages) disclose(w http.ResponseWriter, r *http.Request, d *plr.Disclosures, shared *plr.SharedRecord) {
	body, err := p.render("record.html", p.recordPage(shared))
	if err != nil {
		p.fault(w, r, err)
		return
	}
	pageHeaders(w.Header(), shared.Language)
	err = WriteDisclosure(r.Context(), w, d, http.StatusOK, body)
	if errors.Is(err, ErrNotDisclosed) {
		// Trying again is free: the same browser's cookie repeats the opening.
		p.fault(w, r, plr.Unavailable(err, time.Second))
	} else if err != nil {
		// Without the error's own words: they hold the reader's address.
		p.Logger.InfoContext(r.Context(), "disclosure broken off", "slowReader", errors.Is(err, os.ErrDeadlineExceeded))
	}
}

// formBody is what the form's template is given.
type formBody struct {
	redemptionForm
	Errors   []formError
	Purposes []choice
	SharingTerms,
	Accepted string
	// PINAsked: the link asked for a PIN, so it is no longer optional.
	PINAsked bool
}

// choice is one radio button.
type choice struct {
	Value, ID, TextKey string
	Chosen             bool
}

// purposeTexts are the purposes a recipient may state, in the form's order.
var purposeTexts = []struct {
	purpose plr.SharingPurpose
	key     string
}{
	{plr.PurposeEmployment, "purpose.employment"},
	{plr.PurposeEducation, "purpose.education"},
	{plr.PurposeAdvice, "purpose.advice"},
	{plr.PurposeProfessionalEntry, "purpose.professional"},
	{plr.PurposeOther, "purpose.other"},
}

// formPage is the form, empty or with what was filled in and what is to mend.
func formPage(l plr.Language, form redemptionForm, errs []formError) *page {
	form.PIN = "" // never goes back, not even to whoever typed it
	body := formBody{redemptionForm: form, Errors: errs, SharingTerms: plr.SharingTerms.In(l), Accepted: accepted}
	body.PINAsked = body.Error("pin") != ""
	for i, p := range purposeTexts {
		id := "purpose" // the first one's id is where an error's link leads
		if i > 0 {
			id += "-" + strconv.Itoa(i+1)
		}
		body.Purposes = append(body.Purposes, choice{
			Value: string(p.purpose), ID: id, TextKey: p.key, Chosen: form.Purpose == string(p.purpose),
		})
	}
	return &page{
		Language: l, Title: say(l, "redeem.title"), Failed: len(errs) > 0, Script: "redeem.js",
		// Back to the empty form: an answer to a POST has no address of its own.
		Elsewhere: "/s" + elsewhere(l), Body: &body,
	}
}

// Error gives what is to mend in a field.
func (b *formBody) Error(field string) string {
	for _, e := range b.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// unavailableBody is what the template of a link that did not open is given.
type unavailableBody struct{ Message, EndedOn string }

func unavailablePage(l plr.Language, o *plr.ShareUnavailable) *page {
	body := &unavailableBody{Message: o.Message.In(l)}
	if o.ExpiredAt != nil {
		body.EndedOn = momentWords(l, *o.ExpiredAt)
	}
	return &page{Language: l, Title: say(l, "unavailable.title"), Elsewhere: "/s" + elsewhere(l), Body: body}
}

// setRetryAfter says in whole seconds when trying again makes sense.
func setRetryAfter(h http.Header, after time.Duration) {
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
}
