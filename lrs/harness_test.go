package lrs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openplr/lrs"
	"openplr/plr"
)

const today = plr.Date("2026-11-21")

// A learner of the tests, and a second one. Both are invented.
const (
	uln1 = plr.ULN("9900002007")
	uln2 = plr.ULN("9900002015")
	uln3 = plr.ULN("9900002023")
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// read reads a text to its end.
func read(text string) ([]*lrs.Answer, error) {
	var answers []*lrs.Answer
	err := lrs.Read(strings.NewReader(text), today, func(a *lrs.Answer) error {
		answers = append(answers, a)
		return nil
	})
	return answers, err
}

// readOne reads a text that must hold one answer and no fault.
func readOne(t *testing.T, text string) *lrs.Answer {
	t.Helper()
	answers, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != 1 {
		t.Fatalf("%d answers, want 1", len(answers))
	}
	return answers[0]
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// eventsAnswer is an answer with the given inside of its learner record.
func eventsAnswer(code string, found, incoming plr.ULN, record string) string {
	return fmt.Sprintf(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`+
		`<GetLearnerLearningEventsResponse xmlns="http://tempuri.org/"><GetLearnerLearningEventsResult`+
		` xmlns:a="http://api.lrs.qcf.gov.uk/model" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">`+
		`<a:ResponseCode>%s</a:ResponseCode><a:FoundULN>%s</a:FoundULN><a:IncomingULN>%s</a:IncomingULN>`+
		`<a:LearnerRecord>%s</a:LearnerRecord></GetLearnerLearningEventsResult></GetLearnerLearningEventsResponse>`+
		`</s:Body></s:Envelope>`, code, found, incoming, record)
}

// findAnswer is a find answer with the given inside.
func findAnswer(code, inside string) string {
	return `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>` +
		`<n:FindLearnerResponse xmlns:n="http://api.lrs.miap.gov.uk/findmsg"><ResponseCode>` + code + `</ResponseCode>` +
		inside + `</n:FindLearnerResponse></e:Body></e:Envelope>`
}

// fields are an element's children in one order.
type fields map[string]string

func (f fields) in(element, prefix string) string {
	var b strings.Builder
	b.WriteString("<" + prefix + element + ">")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		b.WriteString("<" + prefix + name + ">" + f[name] + "</" + prefix + name + ">")
	}
	b.WriteString("</" + prefix + element + ">")
	return b.String()
}

func (f fields) event() string { return f.in("LearningEvent", "a:") }

// with is f with more fields; a field of "-" is taken away.
func (f fields) with(more fields) fields {
	f = maps.Clone(f)
	for name, value := range more {
		if f[name] = value; value == "-" {
			delete(f, name)
		}
	}
	return f
}

// clean is an event with nothing wrong, all 22 fields filled.
var clean = fields{
	"ID": "28538264", "AchievementProviderUkprn": "90000111", "AchievementProviderName": "LONG MEADOW COLLEGE",
	"AwardingOrganisationUkprn": "90000203", "AwardingOrganisationName": "Alderway Awards",
	"QualificationType": "Certificate", "SubjectCode": "900/7003/5", "Subject": "Certificate in Joinery",
	"AchievementAwardDate": "2015-07-03", "Credits": "12", "Grade": "Merit", "Level": "Level 2", "Status": "F",
	"Source": "ILR", "CollectionType": "W", "ReturnNumber": "02", "ParticipationStartDate": "2014-09-08",
	"ParticipationEndDate": "2015-07-03", "LanguageForAssessment": "English", "Restriction": "0",
	"UnderDataChallenge": "N", "DateLoaded": "2015-07-31 16:47:04",
}

// oneEvent reads an answer with the one event.
func oneEvent(t *testing.T, f fields) *lrs.Answer {
	t.Helper()
	return readOne(t, eventsAnswer("WSRC0004", uln1, uln1, f.event()))
}

// memory is as much of a store as an import needs. Records go through JSON, so
// that nothing is shared with the caller and nothing unstorable passes.
type memory struct {
	plr.Store
	mu      sync.Mutex
	records map[plr.ULN][]byte
	links   map[plr.ULN]plr.ULN
	batches []int
	fail    error
}

func (m *memory) master(uln plr.ULN) plr.ULN {
	if to, linked := m.links[uln]; linked {
		return to
	}
	return uln
}

func (m *memory) ImportRecords(_ context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	m.batches = append(m.batches, len(updates))
	changes := make([]plr.RecordChange, 0, len(updates))
	for _, u := range updates {
		uln := m.master(u.ULN)
		record := plr.NewRecord(uln)
		data, held := m.records[uln]
		if held {
			if err := json.Unmarshal(data, record); err != nil {
				return nil, err
			}
		}
		change := record.Apply(u, now)
		change.NewLearner = !held
		for _, old := range u.Linked {
			m.links[old] = uln
		}
		m.records[uln] = must(json.Marshal(record))
		changes = append(changes, change)
	}
	return changes, nil
}

func (m *memory) Record(_ context.Context, uln plr.ULN) (*plr.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	if held := m.record(uln); held != nil {
		return held, nil
	}
	return nil, plr.NotFound("uln")
}

func (m *memory) HasRecords(context.Context) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records) > 0, m.fail
}

// record gives what is held under uln; nil for nobody.
func (m *memory) record(uln plr.ULN) *plr.Record {
	data, held := m.records[m.master(uln)]
	if !held {
		return nil
	}
	var r plr.Record
	if err := json.Unmarshal(data, &r); err != nil {
		panic(err)
	}
	return &r
}

// importing is an importer into an empty store, and its rejects.
func importing() (*lrs.Importer, *memory, *bytes.Buffer) {
	store := &memory{records: map[plr.ULN][]byte{}, links: map[plr.ULN]plr.ULN{}}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	service := must(plr.New(plr.Config{
		Store: store, Now: func() time.Time { return at }, Random: strings.NewReader(""),
		LinkKeys:  plr.LinkKeys{{ID: "a", Key: make([]byte, 32)}},
		PublicURL: "http://localhost:8080", Marking: "OFFICIAL", PINSlots: 1,
	}))
	var rejects bytes.Buffer
	return &lrs.Importer{Service: service, Today: today, Rejects: &rejects}, store, &rejects
}

// texts makes files of texts.
func texts(content ...string) []lrs.File {
	files := make([]lrs.File, len(content))
	for i, text := range content {
		files[i] = lrs.File{
			Name: fmt.Sprintf("answers-%d.xml", i+1),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		}
	}
	return files
}
