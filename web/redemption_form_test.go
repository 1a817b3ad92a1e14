package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever is posted, it is either refused or says the same to whoever reads
// the body with the standard library.
func FuzzRedemptionForm(f *testing.F) {
	for _, seed := range []string{
		"", "link=a&name=b&organisation=c&purpose=OTHER&pin=1234&terms=accepted", "pin=1&pin=2", "name=%ff", "name=%zz", "a;b", "=", "&&&",
		"name=%E2%80%AE", "terms=accepted&terms=accepted", "link=" + strings.Repeat("%20", 6000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/s/redeem", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		form, status := readRedemptionForm(httptest.NewRecorder(), r)
		if status != 0 {
			if form != (redemptionForm{}) {
				t.Errorf("refused with %d but kept %+v", status, form)
			}
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil || len(body) > maxForm {
			t.Fatalf("took a body of %d bytes: %v", len(body), err)
		}
		for name, got := range map[string]string{
			"link": form.Link, "name": form.Name, "organisation": form.Organisation, "purpose": form.Purpose, "pin": form.PIN,
		} {
			if got != strings.TrimSpace(values.Get(name)) && got != values.Get(name) || !utf8.ValidString(got) {
				t.Errorf("%s read as %q", name, got)
			}
		}
		if form.Terms != (values.Get("terms") == accepted) {
			t.Errorf("terms read as %v", form.Terms)
		}
	})
}
