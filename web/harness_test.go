package web_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/plr"
	"openplr/web"
)

const publicURL = "https://plr.example"

// now is in British Summer Time.
var now = time.Date(2026, 7, 14, 21, 30, 0, 0, time.UTC)

// fakeRedeemer answers as told and remembers what it was asked.
type fakeRedeemer struct {
	mu      sync.Mutex
	inputs  []plr.RedeemInput
	outcome plr.RedeemOutcome
	err     error
}

func (f *fakeRedeemer) Redeem(_ context.Context, in plr.RedeemInput) (plr.RedeemOutcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inputs = append(f.inputs, in)
	return f.outcome, f.err
}

func (f *fakeRedeemer) asked() []plr.RedeemInput {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]plr.RedeemInput(nil), f.inputs...)
}

// site is the pages under the routes and middleware that the server gives them.
type site struct {
	http.Handler
	redeemer *fakeRedeemer
	logged   *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newSite(t *testing.T, change ...func(*web.Config)) *site {
	t.Helper()
	s := &site{redeemer: &fakeRedeemer{}, logged: &safeBuffer{}}
	c := web.Config{
		Redeemer: s.redeemer, PublicURL: publicURL, Explorer: true, Random: newRandom(),
		Logger: slog.New(slog.NewJSONHandler(s.logged, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	p, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = web.SecureHeaders(true)(routes(p))
	return s
}

func routes(p *web.Pages) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.Home)
	mux.HandleFunc("GET /s", p.Redeem)
	mux.HandleFunc("GET /s/redeem", p.Redeem)
	mux.HandleFunc("POST /s/redeem", p.RedeemSubmit)
	mux.HandleFunc("GET /sign-in/problem", p.Problem)
	mux.HandleFunc("GET /signed-out", p.SignedOut)
	mux.HandleFunc("GET /app/callback", p.AppCallback)
	mux.HandleFunc("GET /identity/continue", p.IdentityContinue)
	mux.HandleFunc("GET /explorer", p.Explorer)
	mux.HandleFunc("GET /explorer/", p.Explorer)
	mux.HandleFunc("GET /static/", p.Static)
	mux.HandleFunc("/", p.NotFound)
	return mux
}

// newRandom is no secret source, but every call of it goes on where the last ended.
func newRandom() io.Reader { return &lockedReader{r: rand.NewChaCha8([32]byte{1})} }

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// get asks for a page; headers come in pairs.
func (s *site) get(target string, headers ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodGet, target, nil, headers...)
}

func (s *site) do(method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const formType = "application/x-www-form-urlencoded"

// filled is a form without fault; changes come in pairs, "" takes a field out.
func filled(changes ...string) url.Values {
	v := url.Values{
		"link": {publicURL + "/s#" + secret}, "name": {"Ada Employer"}, "organisation": {"Acme Ltd"},
		"purpose": {"EMPLOYMENT"}, "pin": {"K7M2"}, "terms": {"accepted"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			v.Del(changes[i])
		} else {
			v.Set(changes[i], changes[i+1])
		}
	}
	return v
}

// secret is well formed and opens nothing.
const secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func (s *site) submit(form url.Values, headers ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodPost, "/s/redeem", strings.NewReader(form.Encode()), append([]string{"Content-Type", formType}, headers...)...)
}

// element is one element of a page.
type element struct {
	name string
	attr map[string]string
	text string // with that of its children
}

// parse reads a page strictly: every tag closed, every attribute quoted.
func parse(t *testing.T, body string) []*element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(body))
	var all, open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("not well formed: %v\n%s", err, body)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				name := a.Name.Local
				if _, twice := e.attr[name]; twice {
					t.Fatalf("attribute %s twice on %s", name, e.name)
				}
				e.attr[name] = a.Value
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, e := range open {
				e.text += string(token)
			}
		}
	}
}

func named(all []*element, name string) []*element {
	var out []*element
	for _, e := range all {
		if e.name == name {
			out = append(out, e)
		}
	}
	return out
}

// squeeze writes text as a reader sees it.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// seen is all text of the page's main part.
func seen(t *testing.T, body string) string {
	t.Helper()
	return squeeze(named(parse(t, body), "main")[0].text)
}

func ptr[T any](v T) *T { return &v }

// allFields is every field a view can show.
var allFields = []plr.RecordField{
	plr.FieldName, plr.FieldULN, plr.FieldDateOfBirth, plr.FieldYearOfBirth, plr.FieldSubject, plr.FieldQualificationType,
	plr.FieldQualificationNumber, plr.FieldLevel, plr.FieldGrade, plr.FieldCredits, plr.FieldAwardDate, plr.FieldStatus,
	plr.FieldAchievementProvider, plr.FieldAwardingOrganisation, plr.FieldParticipationDates, plr.FieldLanguageForAssessment,
}

// unusedStore satisfies plr.New for what needs no store.
type unusedStore struct{ plr.Store }

func newService(t *testing.T, store plr.Store) *plr.Service {
	t.Helper()
	svc, err := plr.New(plr.Config{
		Store: store, Now: func() time.Time { return now }, Random: newRandom(),
		LinkKeys:  plr.LinkKeys{{ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}},
		PublicURL: publicURL, Marking: "OFFICIAL", PINSlots: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return svc
}

// learner has one clean, one challenged and one almost empty event.
func learner() *plr.Learner {
	return &plr.Learner{
		ULN: "1000000043", GivenName: ptr("Nia"), FamilyName: ptr("Prydderch"), DateOfBirth: ptr(plr.Date("2004-02-29")),
		Record: &plr.Record{
			ULN: "1000000043", Register: &plr.RegisterEntry{ULN: "1000000043", GivenName: "Nia", FamilyName: "Prydderch", DateOfBirth: "2004-02-29"},
			Events: []plr.LearningEvent{
				{
					ID: "evt_a", EventID: "1", Subject: ptr("Further Mathematics"), QualificationType: ptr("GCE A Level"),
					QualificationNumber: ptr("601/4500/4"), Level: ptr("Level 3"), Grade: &plr.Grade{Value: "A*"}, Credits: ptr(48),
					AwardDate: ptr(plr.Date("2022-08-18")), Status: ptr(plr.StatusFinal), Source: plr.SourceAO,
					AchievementProvider:    &plr.Organisation{UKPRN: ptr("10001111"), Name: ptr("Coleg Cwm")},
					AwardingOrganisation:   &plr.Organisation{UKPRN: ptr("10009999"), Name: ptr("Pearson Education Ltd")},
					ParticipationStartDate: ptr(plr.Date("2020-09-01")), ParticipationEndDate: ptr(plr.Date("2022-06-30")),
					LanguageForAssessment: ptr("Welsh medium"),
				},
				{
					ID: "evt_b", EventID: "2", Subject: ptr("Customer Service"), AwardDate: ptr(plr.Date("2021-01-05")),
					Status: ptr(plr.StatusProvisional), AwardingOrganisation: &plr.Organisation{UKPRN: ptr("10008888")},
					ParticipationStartDate: ptr(plr.Date("2020-09-02")), UnderDataChallenge: true,
				},
				{ID: "evt_c", EventID: "3", AchievementProvider: &plr.Organisation{Code: ptr("LEGACY7")}, ParticipationEndDate: ptr(plr.Date("2019-06-28"))},
			},
		},
	}
}

// record is what the domain itself would show of l.
func record(t *testing.T, l *plr.Learner, language plr.Language, fields ...plr.RecordField) *plr.SharedRecord {
	t.Helper()
	shared := newService(t, unusedStore{}).Preview(l, &plr.ConfiguredView{
		Selection: plr.ViewSelection{Everything: true}, Fields: fields, Language: language,
	})
	shared.Reference, shared.ExpiresAt = "PLR-BCDF-GHJK-MNPQ", time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)
	return shared
}
