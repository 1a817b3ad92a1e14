package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"openplr/plr"
)

// maxForm bounds the body; the longest honest form is a tenth of it.
const maxForm = 16 << 10

// accepted is the value of the ticked terms box.
const accepted = "accepted"

// redemptionForm is what a recipient filled in.
type redemptionForm struct {
	Link         string
	Name         string
	Organisation string
	Purpose      string
	PIN          string
	Terms        bool
}

// readRedemptionForm reads the body strictly: what a browser would not have
// sent is refused by status instead of being guessed at. Status 0 is success.
func readRedemptionForm(w http.ResponseWriter, r *http.Request) (form redemptionForm, status int) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || mediaType != "application/x-www-form-urlencoded" || (charset != "" && charset != "utf-8") ||
		r.Header.Get("Content-Encoding") != "" {
		return form, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return form, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return form, http.StatusBadRequest
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return form, http.StatusBadRequest
	}
	for name, given := range values {
		// Two values for one field: what one reader checks, another would use.
		if len(given) != 1 || !utf8.ValidString(given[0]) || !form.set(name, given[0]) {
			return redemptionForm{}, http.StatusBadRequest
		}
	}
	return form, 0
}

// set takes one field in; false for a field the form does not have.
func (f *redemptionForm) set(name, value string) bool {
	switch name {
	case "link":
		f.Link = strings.TrimSpace(value)
	case "name":
		f.Name = strings.TrimSpace(value)
	case "organisation":
		f.Organisation = strings.TrimSpace(value)
	case "purpose":
		f.Purpose = value
	case "pin":
		f.PIN = strings.TrimSpace(value)
	case "terms":
		f.Terms = value == accepted
	default:
		return false
	}
	return true
}

// secret finds the secret in what was pasted. When there can be none it gives
// the key of the text that says so.
func (f *redemptionForm) secret() (secret, problem string) {
	secret = plr.SecretIn(f.Link)
	switch {
	case secret == "":
		return "", "redeem.link.missing"
	case strings.Contains(secret, "/"):
		// An address without its fragment: a mail program or a scanner cut it off.
		return "", "redeem.link.cut"
	}
	return secret, ""
}

func (f *redemptionForm) input(secret, redemption string) plr.RedeemInput {
	in := plr.RedeemInput{
		Secret: secret, PIN: f.PIN, Recipient: plr.Recipient{Name: f.Name}, Purpose: plr.SharingPurpose(f.Purpose),
		TermsAccepted: f.Terms, RedemptionID: redemption, Channel: plr.ChannelPage,
	}
	if f.Organisation != "" {
		in.Recipient.Organisation = &f.Organisation
	}
	return in
}

// formError is one thing to mend. Field is the id of the input it is about;
// empty when it is about none.
type formError struct {
	Field string
	Text  string
}

// fieldOf leads from the path of a refusal to the input on the form.
var fieldOf = map[string]string{
	"recipient.name": "name", "recipient.organisation": "organisation", "purpose": "purpose", "pin": "pin", "termsAccepted": "terms",
}

// formErrors puts the domain's refusals into the order they came in, which is
// the form's. Those whose words do not say which field they mean get its name.
func formErrors(l plr.Language, refusals []*plr.Error) []formError {
	var out []formError
	for _, e := range refusals {
		field, words := fieldOf[strings.Join(e.Path, ".")], e.Text.In(l)
		switch {
		case field == "name" && e.Code == plr.CodeRequired:
			words = say(l, "redeem.name.missing")
		case field == "name":
			words = say(l, "redeem.name") + ": " + words
		case field == "organisation":
			words = say(l, "redeem.organisation") + ": " + words
		}
		out = append(out, formError{Field: field, Text: words})
	}
	return out
}
