package web_test

import (
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"openplr/plr"
	"openplr/web"
)

var discard = slog.New(slog.NewJSONHandler(io.Discard, nil))

// Mail scanners and chat previews ask for the page again and again: nothing
// happens, and what they get names nobody and is the same for everyone.
func TestOpeningALinkChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first := s.get("/s")
	for i := range 1000 {
		method := []string{http.MethodGet, http.MethodHead}[i%2]
		w := s.do(method, "/s", nil, "User-Agent", "Slackbot-LinkExpanding 1.0")
		if w.Code != http.StatusOK || len(w.Header().Values("Set-Cookie")) != 1 {
			t.Fatalf("%s: %d %v", method, w.Code, w.Header())
		}
		if method == http.MethodGet && w.Body.String() != first.Body.String() {
			t.Fatal("the page differs")
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete} {
		s.do(method, "/s/redeem?"+filled().Encode(), strings.NewReader(filled().Encode()), "Content-Type", formType)
	}
	if n := len(s.redeemer.asked()); n != 0 {
		t.Errorf("redeemed %d times", n)
	}
}

func TestSubmitAsksTheDomain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		form url.Values
		want plr.RedeemInput
	}{
		{"whole link", filled(), plr.RedeemInput{
			Secret: secret, PIN: "K7M2", Recipient: plr.Recipient{Name: "Ada Employer", Organisation: ptr("Acme Ltd")},
			Purpose: plr.PurposeEmployment, TermsAccepted: true, Channel: plr.ChannelPage,
		}},
		{"only the code, nothing optional", filled("link", " "+secret+".\n", "organisation", "", "pin", ""), plr.RedeemInput{
			Secret: secret, Recipient: plr.Recipient{Name: "Ada Employer"}, Purpose: plr.PurposeEmployment, TermsAccepted: true, Channel: plr.ChannelPage,
		}},
		{"blank optional fields", filled("organisation", "  ", "pin", " "), plr.RedeemInput{
			Secret: secret, Recipient: plr.Recipient{Name: "Ada Employer"}, Purpose: plr.PurposeEmployment, TermsAccepted: true, Channel: plr.ChannelPage,
		}},
		{"terms not ticked, another purpose", filled("terms", "", "purpose", "MARKETING"), plr.RedeemInput{
			Secret: secret, PIN: "K7M2", Recipient: plr.Recipient{Name: "Ada Employer", Organisation: ptr("Acme Ltd")},
			Purpose: "MARKETING", Channel: plr.ChannelPage,
		}},
		{"terms with another value", filled("terms", "no"), plr.RedeemInput{
			Secret: secret, PIN: "K7M2", Recipient: plr.Recipient{Name: "Ada Employer", Organisation: ptr("Acme Ltd")},
			Purpose: plr.PurposeEmployment, Channel: plr.ChannelPage,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.redeemer.outcome = &plr.ShareUnavailable{}
			s.submit(c.form)
			got := s.redeemer.asked()
			if len(got) != 1 {
				t.Fatalf("asked %d times", len(got))
			}
			in := got[0]
			if len(in.RedemptionID) != 43 {
				t.Errorf("redemption id of %d characters", len(in.RedemptionID))
			}
			organisation := func(r plr.Recipient) string {
				if r.Organisation == nil {
					return "none"
				}
				return *r.Organisation
			}
			if organisation(in.Recipient) != organisation(c.want.Recipient) || in.Recipient.Email != nil {
				t.Errorf("recipient %+v", in.Recipient)
			}
			in.RedemptionID, in.Recipient.Organisation, c.want.Recipient.Organisation = "", nil, nil
			if in != c.want {
				t.Errorf("got  %+v\nwant %+v", in, c.want)
			}
		})
	}
}

func TestStrictForm(t *testing.T) {
	t.Parallel()
	good := filled().Encode()
	long := func(n int) string {
		return filled("organisation", strings.Repeat("a", n-len(good)+len("Acme+Ltd"))).Encode()
	}
	for _, c := range []struct {
		name    string
		body    string
		headers []string
		want    int
	}{
		{"as a browser sends it", good, []string{"Content-Type", formType}, 200},
		{"with charset", good, []string{"Content-Type", formType + "; charset=UTF-8"}, 200},
		{"as long as may be", long(16 << 10), []string{"Content-Type", formType}, 200},
		{"one byte longer", long(16<<10 + 1), []string{"Content-Type", formType}, 413},
		{"far longer", "link=" + strings.Repeat("a", 1<<20), []string{"Content-Type", formType}, 413},
		{"no type", good, nil, 415},
		{"JSON", `{"link":"x"}`, []string{"Content-Type", "application/json"}, 415},
		{"plain text, as a foreign form can send", good, []string{"Content-Type", "text/plain"}, 415},
		{"multipart", good, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		{"another charset", good, []string{"Content-Type", formType + "; charset=utf-7"}, 415},
		{"broken type", good, []string{"Content-Type", formType + "; charset"}, 415},
		{"packed", good, []string{"Content-Type", formType, "Content-Encoding", "gzip"}, 415},
		{"a field twice", good + "&pin=1234", []string{"Content-Type", formType}, 400},
		{"a field twice, the same", good + "&terms=accepted", []string{"Content-Type", formType}, 400},
		{"an unknown field", good + "&uln=1000000043", []string{"Content-Type", formType}, 400},
		{"an unnamed field", good + "&=x", []string{"Content-Type", formType}, 400},
		{"broken escape", good + "&name=%zz", []string{"Content-Type", formType}, 400},
		{"semicolon", good + ";name=x", []string{"Content-Type", formType}, 400},
		{"not UTF-8", "name=%ff", []string{"Content-Type", formType}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.redeemer.outcome = &plr.ShareUnavailable{}
			w := s.do(http.MethodPost, "/s/redeem", strings.NewReader(c.body), c.headers...)
			if w.Code != c.want {
				t.Errorf("status %d, want %d", w.Code, c.want)
			}
			if asked := len(s.redeemer.asked()); (asked == 1) != (c.want == http.StatusOK) {
				t.Errorf("asked the domain %d times", asked)
			}
			if strings.Contains(w.Body.String(), "K7M2") || strings.Contains(s.logged.String(), "K7M2") {
				t.Error("the PIN came back")
			}
		})
	}
	t.Run("fields in the address are not fields of the form", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.redeemer.outcome = &plr.ShareUnavailable{}
		s.do(http.MethodPost, "/s/redeem?pin=9999&name=Eve", strings.NewReader(good), "Content-Type", formType)
		if in := s.redeemer.asked(); len(in) != 1 || in[0].PIN != "K7M2" || in[0].Recipient.Name != "Ada Employer" {
			t.Errorf("asked %+v", in)
		}
	})
}

// The real domain refuses here, so that its paths and this form's fields stay together.
func TestMistakesAreShownWhereTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		form url.Values
		// want: field and words of each entry of the error summary, in order.
		want []string
	}{
		{"all empty", url.Values{}, []string{
			"link", "Paste the link you were given", "name", "Enter your full name", "purpose", "Choose what you need this for.",
			"terms", "Accept the terms to see the record.",
		}},
		{"link without its end", filled("link", publicURL+"/s"), []string{
			"link", "The end of the link is missing: paste all of it, with the code after the # sign",
		}},
		{"link of nothing but a sign", filled("link", publicURL+"/s#"), []string{"link", "Paste the link you were given"}},
		{"name too long", filled("name", strings.Repeat("é", 201)), []string{"name", "Your full name: Use 200 characters or fewer."}},
		{"bidi isolate in the organisation", filled("organisation", "Acme \u2067Ltd"), []string{
			"organisation", "Your organisation: This has characters that cannot be shown. Type it again without them.",
		}},
		{"bidi override in the name", filled("name", "Ada \u202eEmployer"), []string{
			"name", "Your full name: This has characters that cannot be shown. Type it again without them.",
		}},
		{"purpose not on the form", filled("purpose", "MARKETING"), []string{"purpose", "Choose what you need this for."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(cfg *web.Config) { cfg.Redeemer = newService(t, unusedStore{}) })
			w := s.submit(c.form)
			if w.Code != http.StatusBadRequest {
				t.Fatalf("status %d", w.Code)
			}
			body := w.Body.String()
			all := parse(t, body)
			var got []string
			for _, a := range named(all, "a") {
				if field, ok := strings.CutPrefix(a.attr["href"], "#"); ok && field != "main-content" {
					got = append(got, field, squeeze(a.text))
				}
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("summary %q\nwant    %q", got, c.want)
			}
			for _, e := range named(all, "input") {
				id := e.attr["id"]
				if e.attr["name"] == "pin" {
					if e.attr["value"] != "" {
						t.Error("the PIN came back")
					}
					continue
				}
				switch e.attr["type"] {
				case "text":
					if want := strings.TrimSpace(c.form.Get(id)); e.attr["value"] != want {
						t.Errorf("%s kept as %q, want %q", id, e.attr["value"], want)
					}
				default:
					if kept := e.attr["checked"] != ""; kept != (c.form.Get(e.attr["name"]) == e.attr["value"]) {
						t.Errorf("%s kept: %v", id, kept)
					}
				}
			}
			if strings.Contains(body, "K7M2") {
				t.Error("the PIN came back")
			}
		})
	}
}

func TestPINIsAskedForInOneWay(t *testing.T) {
	t.Parallel()
	answer := func(pin string) string {
		s := newSite(t)
		s.redeemer.outcome = &plr.PINRequired{Message: plr.T("This link needs the right PIN.", "Mae angen y PIN cywir.")}
		w := s.submit(filled("pin", pin))
		if w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
		return w.Body.String()
	}
	missing, wrong := answer(""), answer("Z9Z8Y7X6")
	if missing != wrong {
		t.Error("a missing and a wrong PIN are told apart")
	}
	if strings.Contains(wrong, "Z9Z8Y7X6") {
		t.Error("the PIN came back")
	}
	for _, want := range []string{`<a href="#pin">This link needs the right PIN.</a>`, `value="Ada Employer"`, `value="Acme Ltd"`, secret, `checked="checked"`} {
		if !strings.Contains(wrong, want) {
			t.Errorf("missing %s", want)
		}
	}
	if strings.Contains(wrong, "Only if you were given one") {
		t.Error("the PIN is still called optional")
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	answer := func(o *plr.ShareUnavailable, language string) *httptest.ResponseRecorder {
		s := newSite(t)
		s.redeemer.outcome = o
		return s.submit(filled(), "Accept-Language", language)
	}
	message := plr.T("This link has ended. The qualifications it showed have not.", "Mae'r ddolen hon wedi dod i ben.")
	ended := time.Date(2026, 1, 31, 0, 5, 0, 0, time.UTC)
	expired := answer(&plr.ShareUnavailable{Reason: ptr(plr.ReasonExpired), ExpiredAt: &ended, Message: message}, "en").Body.String()
	for _, want := range []string{message.EN, "The link ended on 31 January 2026 at 12:05am (Greenwich Mean Time)."} {
		if !strings.Contains(seen(t, expired), want) {
			t.Errorf("missing %q in %q", want, seen(t, expired))
		}
	}
	welsh := answer(&plr.ShareUnavailable{Reason: ptr(plr.ReasonExpired), ExpiredAt: &now, Message: message}, "cy").Body.String()
	for _, want := range []string{message.CY, "Daeth y ddolen i ben ar 14 Gorffennaf 2026 am 22:30 (Amser Haf Prydain)."} {
		if !strings.Contains(seen(t, welsh), want) {
			t.Errorf("missing %q in %q", want, seen(t, welsh))
		}
	}
	// What the domain says alike, the page says alike, byte for byte, and without the input.
	one, two := answer(&plr.ShareUnavailable{Message: message}, "en"), answer(&plr.ShareUnavailable{Message: message}, "en")
	if one.Body.String() != two.Body.String() || len(one.Header()) != len(two.Header()) {
		t.Error("two equal outcomes look different")
	}
	for _, input := range []string{secret, "Ada Employer", "K7M2"} {
		if strings.Contains(one.Body.String(), input) {
			t.Errorf("%q came back", input)
		}
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.redeemer.outcome = &plr.TryAgainLater{RetryAfter: 1500 * time.Millisecond, Message: plr.T("Somebody is opening this link.", "")}
	w := s.submit(filled())
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if body := w.Body.String(); !strings.Contains(body, "Somebody is opening this link.") || !strings.Contains(body, secret) || strings.Contains(body, "K7M2") {
		t.Error("the form does not come back as it was, without the PIN")
	}
}

func TestFaultsAreLoggedUnderAReferenceWithoutTheInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		err    error
		status int
		retry  string
	}{
		{"fault", errors.New("disk on fire"), 500, ""},
		{"unavailable", plr.Unavailable(errors.New("disk on fire"), 3*time.Second), 503, "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.redeemer.err = c.err
			w := s.submit(filled())
			if w.Code != c.status || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			var ref string
			for _, e := range named(parse(t, w.Body.String()), "span") {
				if e.attr["class"] == "app-code" {
					ref = e.text
				}
			}
			if ref == "" || !strings.Contains(s.logged.String(), ref) || !strings.Contains(s.logged.String(), "*errors.errorString") {
				t.Errorf("ref %q, log %s", ref, s.logged)
			}
			for _, input := range []string{secret, "Ada Employer", "Acme Ltd", "K7M2", "disk on fire"} {
				if strings.Contains(s.logged.String(), input) || strings.Contains(w.Body.String(), input) {
					t.Errorf("%q in log or page", input)
				}
			}
			if strings.Contains(w.Body.String(), "disk") {
				t.Error("the cause reached the reader")
			}
		})
	}
}

func TestRedemptionCookie(t *testing.T) {
	t.Parallel()
	const name = "__Host-Http-lr-redemption"
	s := newSite(t)
	s.redeemer.outcome = &plr.ShareUnavailable{}
	cookieOf := func(w *httptest.ResponseRecorder) *http.Cookie {
		t.Helper()
		cookies := w.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Name != name {
			t.Fatalf("cookies %v", cookies)
		}
		return cookies[0]
	}
	c := cookieOf(s.submit(filled()))
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 1800 {
		t.Errorf("cookie %+v", c)
	}
	if b, err := base64.RawURLEncoding.DecodeString(c.Value); err != nil || len(b) != 32 {
		t.Errorf("value %q", c.Value)
	}
	if again := cookieOf(s.submit(filled(), "Cookie", name+"="+c.Value)); again.Value != c.Value {
		t.Error("the same browser got another token")
	}
	if other := cookieOf(s.submit(filled())); other.Value == c.Value {
		t.Error("two browsers share a token")
	}
	for _, forged := range []string{"short", strings.Repeat("a", 44), strings.Repeat("!", 43), strings.Repeat("B", 42) + "B"} {
		if w := cookieOf(s.submit(filled(), "Cookie", name+"="+forged)); w.Value == forged {
			t.Errorf("took %q for a token", forged)
		}
	}
	asked := s.redeemer.asked()
	if asked[0].RedemptionID != c.Value || asked[1].RedemptionID != c.Value || asked[2].RedemptionID == c.Value {
		t.Error("the domain was told other tokens than the browsers")
	}
	// It comes with the neutral page, for an answer that is lost, and goes with
	// every outcome, so that its presence says nothing.
	for name, ask := range everyPage(t, "en") {
		w := ask()
		posted := strings.HasPrefix(name, "record") || map[string]bool{
			"redeem": true, "redeem after all": true, "refused form": true, "PIN": true, "unavailable": true, "expired": true, "busy": true, "fault": true, "store away": true, "no outcome": true,
		}[name]
		if got := len(w.Result().Cookies()) == 1; got != posted {
			t.Errorf("%s: cookie set is %v", name, got)
		}
	}
}
