package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
	"openplr/signin"
)

// Row 72: every address that is given out begins with PUBLIC_URL, whatever a
// caller says the host is.
func TestAddressesComeFromTheConfiguration(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(sample(t, adult).Subject)
	view := learner.everythingView()
	for name, header := range map[string]http.Header{
		"Host":              {"Host": {"evil.example"}},
		"Host with a port":  {"Host": {"evil.example:8080"}},
		"X-Forwarded-Host":  {"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"1"}},
		"X-Original-Host":   {"X-Original-Host": {"evil.example"}, "X-Host": {"evil.example"}, "X-Rewrite-Url": {"https://evil.example/"}},
		"Forwarded":         {"Forwarded": {"for=1.2.3.4;host=evil.example;proto=https"}},
		"X-Forwarded-Proto": {"X-Forwarded-Proto": {"gopher"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.clock.Advance(time.Second) // so that the link made here is the newest
			more := fromOurPage()
			for k, v := range header {
				more[k] = v
			}
			body := string(mustJSON(map[string]any{"query": createLink, "variables": vars("viewId", view, "purpose", "OTHER")}))
			a := learner.exchange(t, "POST", "/graphql", more, body).answer(t)
			link, _ := a.at("createShareLink", "shareLink", "url").(string)
			if !strings.HasPrefix(link, h.url+"/s#") || strings.Contains(a.raw, "evil") {
				t.Fatalf("%s", a.raw)
			}
			if read := readQR(t, a.at("createShareLink", "shareLink", "qrCode", "dataUri").(string)); read != link {
				t.Errorf("the QR code reads %q", read)
			}
			read := learner.exchange(t, "POST", "/graphql", more, `{"query":"{learner{shareLinks(first:1){nodes{url qrCode(format:PNG){dataUri}}}}}"}`).answer(t)
			if got := read.at("learner", "shareLinks", "nodes", 0, "url"); got != link {
				t.Errorf("read again: %v, want %s", got, link)
			}
			for _, path := range []string{"/", "/s", "/auth/login?return_to=/", "/explorer", "/nowhere", "/sign-in/problem?code=internal"} {
				p := learner.exchange(t, "GET", path, header, "")
				if strings.Contains(p.body, "evil") || strings.Contains(fmt.Sprint(p.header), "evil") || strings.Contains(p.body, "gopher") {
					t.Errorf("%s: %d %v %.300s", path, p.status, p.header, p.body)
				}
				if strings.HasPrefix(path, "/auth/login") {
					to, err := url.Parse(p.header.Get("Location"))
					if err != nil || p.status != 303 || to.Query().Get("redirect_uri") != h.url+"/auth/callback" {
						t.Errorf("sign-in: %d %s", p.status, p.header.Get("Location"))
					}
				}
			}
		})
	}
}

// inProduction starts the service as in production, for records.example.org,
// with a provider that does not answer.
func inProduction(t *testing.T) *harness {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pemKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "client-key.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return newHarness(t, harnessOptions{env: map[string]string{
		"ENV": "production", "PUBLIC_URL": "https://records.example.org", "OIDC_ISSUER": "https://127.0.0.1:1/", "OIDC_CLIENT_ID": "openplr",
		"OIDC_CLIENT_KEY_FILE": file, "OIDC_CLIENT_KEY_ID": "key-1",
	}})
}

// Rows 11 and 72: in production another host is turned away, except by probes,
// and what is meant for development is not there.
func TestProductionIsClosed(t *testing.T) {
	t.Parallel()
	h := inProduction(t)
	const ours = "records.example.org"
	for _, c := range []struct {
		host, path string
		status     int
	}{
		{ours, "/", 200}, {strings.ToUpper(ours), "/s", 200}, {"10.0.0.1:8080", "/healthz", 200}, {"10.0.0.1:8080", "/readyz", 200},
		{"evil.example", "/", 421}, {"evil.example", "/s", 421}, {"evil.example", "/graphql", 421}, {"evil.example", "/auth/login", 421},
		{ours + ".evil.example", "/", 421}, {ours + ":8080", "/", 421}, {"localhost", "/", 421}, {"evil.example", "/healthz/x", 421},
		{ours, "/explorer", 404}, {ours, "/explorer/app.js", 404}, {ours, "/schema.graphqls", 404},
	} {
		p := h.browser().exchange(t, "GET", c.path, http.Header{"Host": {c.host}, "X-Forwarded-Host": {ours}}, "")
		if p.status != c.status || strings.Contains(p.body+fmt.Sprint(p.header), "evil") {
			t.Errorf("%s%s: %d, want %d: %.200s", c.host, c.path, p.status, c.status, p.body)
		}
		if p.header.Get("Strict-Transport-Security") == "" || p.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s%s: %v", c.host, c.path, p.header)
		}
	}
	for query, code := range map[string]string{"{viewer{signedIn}}": "", "{__typename}": "", "{__schema{types{name}}}": "GRAPHQL_VALIDATION_FAILED", "{viewr{signedIn}}": "GRAPHQL_VALIDATION_FAILED"} {
		p := h.browser().exchange(t, "POST", "/graphql", http.Header{"Host": {ours}, "Content-Type": {"application/json"}}, string(mustJSON(map[string]string{"query": query})))
		if a := p.answer(t); a.code() != code || (code != "" && a.Errors[0].Message != maskedMessage) {
			t.Errorf("%s: %s", query, p.body)
		}
	}
}

// faultyStore is a store in which everything fails, when told to.
type faultyStore struct {
	plr.Store
	fault atomic.Pointer[func() error]
}

func (s *faultyStore) breakWith(fault func() error) { s.fault.Store(&fault) }

func (s *faultyStore) mend() { s.fault.Store(nil) }

func (s *faultyStore) do(call func() error) error {
	if fault := s.fault.Load(); fault != nil {
		return (*fault)()
	}
	return call()
}

func try[E any](s *faultyStore, call func() (E, error)) (out E, err error) {
	err = s.do(func() error { out, err = call(); return err })
	return out, err
}

func (s *faultyStore) Ping(ctx context.Context) error {
	return s.do(func() error { return s.Store.Ping(ctx) })
}

func (s *faultyStore) Record(ctx context.Context, uln plr.ULN) (*plr.Record, error) {
	return try(s, func() (*plr.Record, error) { return s.Store.Record(ctx, uln) })
}

func (s *faultyStore) ImportRecords(ctx context.Context, updates []plr.RecordUpdate, now time.Time) ([]plr.RecordChange, error) {
	return try(s, func() ([]plr.RecordChange, error) { return s.Store.ImportRecords(ctx, updates, now) })
}

func (s *faultyStore) MasterULN(ctx context.Context, uln plr.ULN) (plr.ULN, error) {
	return try(s, func() (plr.ULN, error) { return s.Store.MasterULN(ctx, uln) })
}

func (s *faultyStore) HasRecords(ctx context.Context) (bool, error) {
	return try(s, func() (bool, error) { return s.Store.HasRecords(ctx) })
}

func (s *faultyStore) EnsureAccount(ctx context.Context, a *plr.Account) (*plr.Account, error) {
	return try(s, func() (*plr.Account, error) { return s.Store.EnsureAccount(ctx, a) })
}

func (s *faultyStore) Account(ctx context.Context, id string) (*plr.Account, error) {
	return try(s, func() (*plr.Account, error) { return s.Store.Account(ctx, id) })
}

func (s *faultyStore) BindAccount(ctx context.Context, accountID string, uln plr.ULN, now time.Time) error {
	return s.do(func() error { return s.Store.BindAccount(ctx, accountID, uln, now) })
}

func (s *faultyStore) AccountOfSubject(ctx context.Context, issuer, subject string) (*plr.Account, error) {
	return try(s, func() (*plr.Account, error) { return s.Store.AccountOfSubject(ctx, issuer, subject) })
}

func (s *faultyStore) AccountOf(ctx context.Context, uln plr.ULN) (*plr.Account, error) {
	return try(s, func() (*plr.Account, error) { return s.Store.AccountOf(ctx, uln) })
}

func (s *faultyStore) UnbindULN(ctx context.Context, uln plr.ULN, accountID string) error {
	return s.do(func() error { return s.Store.UnbindULN(ctx, uln, accountID) })
}

func (s *faultyStore) EndSession(ctx context.Context, accountID, handle string, until, now time.Time) error {
	return s.do(func() error { return s.Store.EndSession(ctx, accountID, handle, until, now) })
}
func (s *faultyStore) RaiseProviderLogout(ctx context.Context, accountID string, at time.Time) error {
	return s.do(func() error { return s.Store.RaiseProviderLogout(ctx, accountID, at) })
}

func (s *faultyStore) InvalidateSessions(ctx context.Context, accountID string, before time.Time) error {
	return s.do(func() error { return s.Store.InvalidateSessions(ctx, accountID, before) })
}

func (s *faultyStore) RecordsMatching(ctx context.Context, keys []string, limit int) ([]*plr.Record, error) {
	return try(s, func() ([]*plr.Record, error) { return s.Store.RecordsMatching(ctx, keys, limit) })
}

func (s *faultyStore) SuspendAccount(ctx context.Context, accountID string, at *time.Time) error {
	return s.do(func() error { return s.Store.SuspendAccount(ctx, accountID, at) })
}

func (s *faultyStore) AddNotice(ctx context.Context, accountID string, notice plr.AccountNotice) error {
	return s.do(func() error { return s.Store.AddNotice(ctx, accountID, notice) })
}

func (s *faultyStore) AcknowledgeNotices(ctx context.Context, accountID string, now time.Time) (*plr.Account, error) {
	return try(s, func() (*plr.Account, error) { return s.Store.AcknowledgeNotices(ctx, accountID, now) })
}

func (s *faultyStore) Identity(ctx context.Context, accountID string) (*plr.IdentityFile, error) {
	return try(s, func() (*plr.IdentityFile, error) { return s.Store.Identity(ctx, accountID) })
}

func (s *faultyStore) EditIdentity(ctx context.Context, accountID string, edit func(*plr.IdentityFile) error) (*plr.IdentityFile, error) {
	return try(s, func() (*plr.IdentityFile, error) { return s.Store.EditIdentity(ctx, accountID, edit) })
}

func (s *faultyStore) CountClaim(ctx context.Context, key, accountID string, now time.Time) (int, error) {
	return try(s, func() (int, error) { return s.Store.CountClaim(ctx, key, accountID, now) })
}

func (s *faultyStore) AppendClaimEntry(ctx context.Context, e *plr.ClaimEntry) error {
	return s.do(func() error { return s.Store.AppendClaimEntry(ctx, e) })
}

func (s *faultyStore) ClaimEntries(ctx context.Context, accountID string, limit int) ([]*plr.ClaimEntry, error) {
	return try(s, func() ([]*plr.ClaimEntry, error) { return s.Store.ClaimEntries(ctx, accountID, limit) })
}

func (s *faultyStore) CreateReviewCase(ctx context.Context, c *plr.ReviewCase) (a *plr.ReviewCase, b bool, err error) {
	err = s.do(func() error { a, b, err = s.Store.CreateReviewCase(ctx, c); return err })
	return a, b, err
}

func (s *faultyStore) ReviewCase(ctx context.Context, id string) (*plr.ReviewCase, error) {
	return try(s, func() (*plr.ReviewCase, error) { return s.Store.ReviewCase(ctx, id) })
}

func (s *faultyStore) EditReviewCase(ctx context.Context, id string, edit func(*plr.ReviewCase) error) (*plr.ReviewCase, error) {
	return try(s, func() (*plr.ReviewCase, error) { return s.Store.EditReviewCase(ctx, id, edit) })
}

func (s *faultyStore) ReviewCases(ctx context.Context, q plr.ReviewQuery) (a []*plr.ReviewCase, b int, err error) {
	err = s.do(func() error { a, b, err = s.Store.ReviewCases(ctx, q); return err })
	return a, b, err
}

func (s *faultyStore) Sharing(ctx context.Context, uln plr.ULN) (*plr.Sharing, error) {
	return try(s, func() (*plr.Sharing, error) { return s.Store.Sharing(ctx, uln) })
}

func (s *faultyStore) EditSharing(ctx context.Context, uln plr.ULN, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	return try(s, func() (*plr.Sharing, error) { return s.Store.EditSharing(ctx, uln, edit) })
}

func (s *faultyStore) SetSharingPreference(ctx context.Context, uln plr.ULN, change plr.PreferenceChange, edit func(*plr.Sharing) error) (*plr.Sharing, error) {
	return try(s, func() (*plr.Sharing, error) { return s.Store.SetSharingPreference(ctx, uln, change, edit) })
}

func (s *faultyStore) PreferenceChanges(ctx context.Context, uln plr.ULN) ([]plr.PreferenceChange, error) {
	return try(s, func() ([]plr.PreferenceChange, error) { return s.Store.PreferenceChanges(ctx, uln) })
}

func (s *faultyStore) CreateShareLink(ctx context.Context, link *plr.ShareLink, ref plr.SecretRef, idem *plr.Idempotency, admit func(*plr.Sharing) error) (*plr.ShareLink, error) {
	return try(s, func() (*plr.ShareLink, error) { return s.Store.CreateShareLink(ctx, link, ref, idem, admit) })
}

func (s *faultyStore) RevokeShareLinks(ctx context.Context, uln plr.ULN, ids []string, now time.Time) (int, error) {
	return try(s, func() (int, error) { return s.Store.RevokeShareLinks(ctx, uln, ids, now) })
}

func (s *faultyStore) RevokedShareLink(ctx context.Context, uln plr.ULN, id string) (*plr.ShareLink, error) {
	return try(s, func() (*plr.ShareLink, error) { return s.Store.RevokedShareLink(ctx, uln, id) })
}

func (s *faultyStore) RevokedShareLinks(ctx context.Context, uln plr.ULN) ([]*plr.ShareLink, error) {
	return try(s, func() ([]*plr.ShareLink, error) { return s.Store.RevokedShareLinks(ctx, uln) })
}

func (s *faultyStore) SecretOwner(ctx context.Context, hash string) (*plr.SecretRef, error) {
	return try(s, func() (*plr.SecretRef, error) { return s.Store.SecretOwner(ctx, hash) })
}

func (s *faultyStore) TakeGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (a bool, b *plr.ShareLink, err error) {
	err = s.do(func() error {
		a, b, err = s.Store.TakeGuess(ctx, uln, linkID, now)
		return err
	})
	return a, b, err
}

func (s *faultyStore) SettleGuess(ctx context.Context, uln plr.ULN, linkID string, right bool, now time.Time) error {
	return s.do(func() error { return s.Store.SettleGuess(ctx, uln, linkID, right, now) })
}

func (s *faultyStore) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	return try(s, func() (plr.ClaimResult, error) { return s.Store.ClaimRedemption(ctx, c) })
}

func (s *faultyStore) RenewLease(ctx context.Context, r plr.Renewal) (plr.LinkState, error) {
	return try(s, func() (plr.LinkState, error) { return s.Store.RenewLease(ctx, r) })
}

func (s *faultyStore) ReleaseLease(ctx context.Context, uln plr.ULN, leaseID string) error {
	return s.do(func() error { return s.Store.ReleaseLease(ctx, uln, leaseID) })
}

func (s *faultyStore) MadeBefore(ctx context.Context, idem *plr.Idempotency) (string, error) {
	return try(s, func() (string, error) { return s.Store.MadeBefore(ctx, idem) })
}

func (s *faultyStore) CreateConfiguredView(ctx context.Context, v *plr.ConfiguredView, idem *plr.Idempotency) (*plr.ConfiguredView, error) {
	return try(s, func() (*plr.ConfiguredView, error) { return s.Store.CreateConfiguredView(ctx, v, idem) })
}

func (s *faultyStore) UpdateConfiguredView(ctx context.Context, uln plr.ULN, id string, edit func(*plr.ConfiguredView) error) (*plr.ConfiguredView, error) {
	return try(s, func() (*plr.ConfiguredView, error) { return s.Store.UpdateConfiguredView(ctx, uln, id, edit) })
}

func (s *faultyStore) ConfiguredView(ctx context.Context, uln plr.ULN, id string) (*plr.ConfiguredView, error) {
	return try(s, func() (*plr.ConfiguredView, error) { return s.Store.ConfiguredView(ctx, uln, id) })
}

func (s *faultyStore) ConfiguredViewVersion(ctx context.Context, uln plr.ULN, id string, version int) (*plr.ConfiguredView, error) {
	return try(s, func() (*plr.ConfiguredView, error) { return s.Store.ConfiguredViewVersion(ctx, uln, id, version) })
}

func (s *faultyStore) ConfiguredViews(ctx context.Context, uln plr.ULN) ([]*plr.ConfiguredView, error) {
	return try(s, func() ([]*plr.ConfiguredView, error) { return s.Store.ConfiguredViews(ctx, uln) })
}

func (s *faultyStore) CreateDataChallenge(ctx context.Context, c *plr.DataChallenge, idem *plr.Idempotency, admit func(existing []*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	return try(s, func() (*plr.DataChallenge, error) { return s.Store.CreateDataChallenge(ctx, c, idem, admit) })
}

func (s *faultyStore) UpdateDataChallenge(ctx context.Context, uln plr.ULN, id string, edit func(*plr.DataChallenge) error) (*plr.DataChallenge, error) {
	return try(s, func() (*plr.DataChallenge, error) { return s.Store.UpdateDataChallenge(ctx, uln, id, edit) })
}

func (s *faultyStore) DataChallenges(ctx context.Context, uln plr.ULN) ([]*plr.DataChallenge, error) {
	return try(s, func() ([]*plr.DataChallenge, error) { return s.Store.DataChallenges(ctx, uln) })
}

func (s *faultyStore) AppendAccessEntry(ctx context.Context, e *plr.AccessEntry) error {
	return s.do(func() error { return s.Store.AppendAccessEntry(ctx, e) })
}

func (s *faultyStore) AccessEntry(ctx context.Context, uln plr.ULN, id string) (*plr.AccessEntry, error) {
	return try(s, func() (*plr.AccessEntry, error) { return s.Store.AccessEntry(ctx, uln, id) })
}

func (s *faultyStore) AccessEntries(ctx context.Context, uln plr.ULN, q plr.AccessQuery) (a []*plr.AccessEntry, b int, err error) {
	err = s.do(func() error { a, b, err = s.Store.AccessEntries(ctx, uln, q); return err })
	return a, b, err
}

func (s *faultyStore) Purge(ctx context.Context, due plr.Due, dry bool) (plr.Purged, error) {
	return try(s, func() (plr.Purged, error) { return s.Store.Purge(ctx, due, dry) })
}

var errMarked = errors.New("marked")

// Nothing of the store's gets past faultyStore: an operation that is new there must be added.
func TestFaultyStoreCoversTheStore(t *testing.T) {
	t.Parallel()
	s := &faultyStore{}
	s.breakWith(func() error { return errMarked })
	all := reflect.TypeFor[plr.Store]()
	for i := range all.NumMethod() {
		name := all.Method(i).Name
		if name == "Close" {
			continue
		}
		method := reflect.ValueOf(s).MethodByName(name)
		var in []reflect.Value
		for j := range method.Type().NumIn() {
			in = append(in, reflect.Zero(method.Type().In(j)))
		}
		func() {
			defer func() {
				if thrown := recover(); thrown != nil {
					t.Errorf("%s is not covered", name)
				}
			}()
			out := method.Call(in)
			if err, _ := out[len(out)-1].Interface().(error); !errors.Is(err, errMarked) {
				t.Errorf("%s gives %v", name, err)
			}
		}()
	}
}

const dsn = "mongodb://u:hunter2@10.0.0.7/plr"

// Row 76 and F2: whatever the store does, callers get a code and a reference
// that the log has too, and not one word of what went wrong.
func TestFaultsShowNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  func() error
		code   string
		status int
	}{
		{"unavailable", func() error {
			return plr.Unavailable(fmt.Errorf("dial %s: %w", dsn, io.ErrUnexpectedEOF), 3*time.Second)
		}, "UNAVAILABLE", 503},
		{"unavailable, wrapped", func() error {
			return fmt.Errorf("read %s: %w", dsn, plr.Unavailable(errors.New(dsn), time.Second))
		}, "UNAVAILABLE", 503},
		{"an error of no type", func() error { return errors.New("cannot reach " + dsn) }, "INTERNAL", 200},
		{"an error of a driver's type", func() error { return &url.Error{Op: "Get", URL: dsn, Err: errors.New(dsn)} }, "INTERNAL", 200},
		{"internal", func() error {
			return fmt.Errorf("%w", &os.PathError{Op: "open", Path: dsn, Err: errors.New("hunter2")})
		}, "INTERNAL", 200},
		{"panic with an error", func() error { panic(errors.New("lost " + dsn)) }, "INTERNAL", 200},
		{"panic with a text", func() error { panic("lost " + dsn) }, "INTERNAL", 200},
		{"panic with nothing", func() error { panic(map[string]string{"uri": dsn}) }, "INTERNAL", 200},
		{"nil pointer", func() error { var l *plr.Learner; return errors.New(string(l.ULN)) }, "INTERNAL", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store := &faultyStore{}
			h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { store.Store = s; return store }})
			learner := h.signedIn(sample(t, adult).Subject)
			id, secret := sharedLink(t, learner)
			pinID, pinSecret := sharedLink(t, learner, "pin", "2580")
			view, event := newest(learner, "configuredViews"), learner.eventIDs()[0]
			challenge := learner.must(raiseChallenge, vars("eventId", event, "kind", "OTHER", "explanation", "x")).at("raiseDataChallenge", "dataChallenge", "id")
			before := learner.holdings()

			quiet := func(what, text string) {
				t.Helper()
				for _, word := range []string{"hunter2", "mongodb", "10.0.0.7", "goroutine", "runtime error", ".go:"} {
					if strings.Contains(text, word) {
						t.Errorf("%s shows %q: %.500s", what, word, text)
					}
				}
			}
			store.breakWith(c.fault)
			for name, ask := range map[string]func() *gqlAnswer{
				"learner":  func() *gqlAnswer { return learner.ask(`{learner{id}}`, nil) },
				"node":     func() *gqlAnswer { return learner.ask(`query($i:ID!){node(id:$i){id}}`, map[string]any{"i": id}) },
				"redeem":   func() *gqlAnswer { return h.browser().ask(redeem, redeemVars(secret, "")) },
				"with PIN": func() *gqlAnswer { return h.browser().ask(redeem, redeemVars(pinSecret, "2580")) },
				"create a view": func() *gqlAnswer {
					return learner.ask(createView, vars("name", "x", "selection", map[string]any{"everything": true}))
				},
				"create a link": func() *gqlAnswer {
					return learner.ask(createLink, vars("viewId", view, "purpose", "OTHER", "idempotencyKey", "k"))
				},
				"update a view": func() *gqlAnswer { return learner.ask(updateView, vars("id", view, "expectedVersion", 1, "name", "y")) },
				"delete a view": func() *gqlAnswer { return learner.ask(deleteView, vars("id", view)) },
				"update a link": func() *gqlAnswer { return learner.ask(updateLink, vars("id", id, "expectedVersion", 1, "label", "y")) },
				"pause":         func() *gqlAnswer { return learner.ask(pauseLink, vars("id", id)) },
				"resume":        func() *gqlAnswer { return learner.ask(resumeLink, vars("id", id)) },
				"unfreeze":      func() *gqlAnswer { return learner.ask(unfreezeLink, vars("id", pinID)) },
				"revoke":        func() *gqlAnswer { return learner.ask(revokeLink, vars("id", id)) },
				"revoke all": func() *gqlAnswer {
					return learner.ask(`mutation{revokeAllShareLinks{revokedCount userErrors{code}}}`, nil)
				},
				"opt out": func() *gqlAnswer {
					return learner.ask(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
				},
				"challenge": func() *gqlAnswer {
					return learner.ask(raiseChallenge, vars("eventId", event, "kind", "NOT_MINE", "explanation", "x"))
				},
				"claim":                 func() *gqlAnswer { return learner.ask(claimRecord, vars()) },
				"identity":              func() *gqlAnswer { return learner.ask(`{viewer{identity{status}}}`, nil) },
				"notices":               func() *gqlAnswer { return learner.ask(`mutation{acknowledgeNotices{userErrors{code}}}`, nil) },
				"take a challenge back": func() *gqlAnswer { return learner.ask(withdrawChallenge, vars("id", challenge)) },
			} {
				a := ask()
				checkCodes(t, a)
				if a.code() != c.code || a.status != c.status {
					t.Errorf("%s: %d, want %d %s: %s", name, a.status, c.status, c.code, a.raw)
					continue
				}
				ref, _ := a.Errors[0].Extensions["ref"].(string)
				if ref == "" || !strings.Contains(h.logs.String(), ref) {
					t.Errorf("%s: the reference %q is not in the log: %s", name, ref, a.raw)
				}
				if c.status == 503 && a.header.Get("Retry-After") == "" {
					t.Errorf("%s: no Retry-After", name)
				}
				if retry, _ := a.Errors[0].Extensions["retryAfter"].(float64); (retry > 0) != (c.code == "UNAVAILABLE") {
					t.Errorf("%s: retryAfter: %s", name, a.raw)
				}
				quiet(name, a.raw+fmt.Sprint(a.header))
			}
			// Outside GraphQL.
			form := url.Values{"link": {secret}, "name": {"Sam"}, "purpose": {"OTHER"}, "terms": {"accepted"}}
			for name, p := range map[string]page{
				"page":     h.browser().form("/s/redeem", form),
				"QR code":  learner.get("/share-links/" + id + "/qr.png"),
				"readyz":   h.browser().get("/readyz"),
				"sign-in":  h.browser().get("/auth/login?return_to=/"),
				"home":     learner.get("/"),
				"session":  learner.get("/auth/session"),
				"no route": learner.get("/nowhere"),
			} {
				quiet(name, p.body+fmt.Sprint(p.header))
				if (name == "page" || name == "readyz") && p.status < 500 {
					t.Errorf("%s: %d", name, p.status)
				}
			}
			// When the account has to be read too, the same holds, and nobody is taken for signed out.
			h.clock.Advance(5 * time.Second)
			a := learner.ask(`{learner{id}}`, nil)
			if a.code() != "UNAVAILABLE" && a.code() != "INTERNAL" || a.status < 500 {
				t.Errorf("account: %d %s", a.status, a.raw)
			}
			quiet("account", a.raw)
			quiet("the log", h.logs.String())

			store.mend()
			h.clock.Advance(5 * time.Second)
			if after := learner.holdings(); after != before {
				t.Errorf("%+v, before the faults %+v", after, before)
			}
			if a := h.browser().ask(redeem, redeemVars(secret, "")); outcome(a) != "SharedRecord" {
				t.Errorf("after the faults: %s", a.raw)
			}
		})
	}
}

// One field that fails takes nothing else down with it.
func TestAFaultStaysWhereItIs(t *testing.T) {
	t.Parallel()
	store := &brokenHistory{}
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { store.Store = s; return store }})
	learner := h.signedIn(sample(t, adult).Subject)
	a := learner.ask(`{viewer{signedIn} learner{uln} other:learner{accessHistory{totalCount}}}`, nil)
	if a.status != 200 || a.code() != "INTERNAL" || len(a.Errors) != 1 || a.at("viewer", "signedIn") != true || a.at("learner", "uln") == nil || a.at("other") != nil {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if fmt.Sprint(a.Errors[0].Path) != "[other accessHistory]" || strings.Contains(a.raw+h.logs.String(), "hunter2") {
		t.Errorf("%s", a.raw)
	}
}

type brokenHistory struct{ plr.Store }

func (brokenHistory) AccessEntries(context.Context, plr.ULN, plr.AccessQuery) ([]*plr.AccessEntry, int, error) {
	panic(dsn)
}

// Rows 31 and 77: whatever is sent, each line of the log is one line of the
// service's own, in both forms of the log.
func TestLogLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	const forged = "x\r\ntime=2026-01-01T00:00:00Z level=ERROR msg=forged\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\u2028\u2029\x1b[31mforged\x1b[0m"
	bodies := []string{
		string(mustJSON(map[string]any{"query": "query A{viewer{signedIn}}", "operationName": forged})),
		string(mustJSON(map[string]any{"query": "query forged{viewer{signedIn}}", "operationName": "forged"})),
		string(mustJSON(map[string]any{"query": "{forged(forged:\"forged\"){forged}}"})),
		string(mustJSON(map[string]any{"query": "query($v:ID!){node(id:$v){id}}", "variables": map[string]any{"v": forged}})),
		string(mustJSON(map[string]any{"query": redeem, "variables": redeemVars(forged, forged, "recipient", map[string]any{"name": forged})})),
		"forged" + forged, `{"forged":` + forged, forged,
	}
	send := func(t *testing.T, address string, host string) {
		t.Helper()
		for _, body := range bodies {
			for _, path := range []string{"/graphql", "/s/redeem", "/s?forged=forged%0d%0aforged", "/forged%0d%0aforged%1b[31m", "/auth/callback?code=forged%0aforged&state=forged&error=forged"} {
				r, err := http.NewRequestWithContext(t.Context(), "POST", address+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if host != "" {
					r.Host = host
				}
				r.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"forged\tforged"}, "X-Request-Id": {"forged"}, "Referer": {"https://forged.example/forged"},
					"X-Forwarded-For": {"forged"}, "Traceparent": {"00-forged-forged-01"}, "Cookie": {signin.SessionCookie + "=forged"}, "X-Requested-By": {"learner-web"}}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		}
	}
	t.Run("development", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, harnessOptions{})
		send(t, h.url, "")
		line := regexp.MustCompile(`^time=\d{4}-\d\d-\d\dT[0-9:.]+Z level=(INFO|WARN|ERROR) msg=("[^"]*"|\S+)( [a-z]+=("[^"]*"|\S+))*$`)
		requests := 0
		for _, l := range strings.Split(strings.TrimSuffix(h.logs.String(), "\n"), "\n") {
			if !line.MatchString(l) || strings.Contains(l, "forged") {
				t.Errorf("%q", l)
			}
			if strings.Contains(l, "msg=request ") {
				requests++
			}
		}
		if requests != 5*len(bodies) {
			t.Errorf("%d lines for %d requests", requests, 5*len(bodies))
		}
	})
	t.Run("production", func(t *testing.T) {
		t.Parallel()
		h := inProduction(t)
		send(t, h.url, "records.example.org")
		lines := strings.Split(strings.TrimSuffix(h.logs.String(), "\n"), "\n")
		for _, l := range lines {
			var fields map[string]any
			if json.Unmarshal([]byte(l), &fields) != nil || fields["time"] == nil || fields["msg"] == nil || strings.Contains(l, "forged") {
				t.Errorf("%q", l)
			}
		}
		if len(lines) < 5*len(bodies) {
			t.Errorf("%d lines", len(lines))
		}
	})
}

// Row 78: a learner's and a recipient's whole way through the service, with
// everything that can go wrong on it, leaves nothing personal in the log, and
// no secret in the store.
func TestNothingPersonalIsKeptWhereItDoesNotBelong(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	person, other := sample(t, "Siân"), sample(t, another)
	learner := h.signedIn(person.Subject)
	private := map[string]string{
		"ULN": string(person.ULN), "family name": person.FamilyName, "given name": person.GivenName, "date of birth": string(person.BirthDate),
		"e-mail": person.Email, "subject": person.Subject, "other's ULN": string(other.ULN), "other's name": other.FamilyName,
		"view name": "Qxviewname", "label": "Qxlabelnote", "recipient": "Qxrecipient", "organisation": "Qxorganisation", "recipient's e-mail": "qx.mail@example.com",
		"redeemer": "Qxredeemer", "redeemer's organisation": "Qxredeemerorg", "explanation": "Qxexplanation", "proposed value": "Qxproposed",
		"PIN": "qz7kx9", "wrong PIN": "qw8jv3", "idempotency key": "Qxidempotency", "redemption id": "Qxredemption-0123456789", "search": "Qxsearch",
		"agent": "Qxagent/1.0", "body": "Qxbrokenbody",
	}
	learner.header.Set("User-Agent", private["agent"])
	view := learner.must(createView, vars("name", private["view name"], "selection", map[string]any{"everything": true}, "idempotencyKey", private["idempotency key"],
		"fields", []string{"NAME", "ULN", "DATE_OF_BIRTH", "SUBJECT", "GRADE"})).at("createConfiguredView", "configuredView", "id")
	in := map[string]any{"viewId": view, "purpose": "OTHER", "label": private["label"], "pin": private["PIN"], "idempotencyKey": private["idempotency key"], "maxRedemptions": 3,
		"recipient": map[string]any{"name": private["recipient"], "organisation": private["organisation"], "email": private["recipient's e-mail"]}}
	link := learner.must(createLink, map[string]any{"i": in})
	id, secret := link.at("createShareLink", "shareLink", "id"), secretOf(t, link.at("createShareLink", "shareLink", "url"))
	private["secret"] = secret
	cookies := learner.client.Jar.Cookies(mustURL(t, h.url+"/graphql"))
	for _, c := range cookies {
		if c.Name == signin.SessionCookie {
			private["session"] = c.Value
		}
	}
	if private["session"] == "" {
		t.Fatal("no session cookie")
	}
	event := learner.must(`query($t:String){learner{learningEvents(filter:{text:$t}){totalCount} all:learningEvents{nodes{id}}}}`, map[string]any{"t": private["search"]}).at("learner", "all", "nodes", 0, "id")
	learner.must(raiseChallenge, vars("eventId", event, "kind", "OTHER", "explanation", private["explanation"], "proposedValue", private["proposed value"]))
	who := []any{"recipient", map[string]any{"name": private["redeemer"], "organisation": private["redeemer's organisation"]}, "redemptionId", private["redemption id"]}
	for _, pin := range []string{"", private["wrong PIN"], private["PIN"], private["PIN"]} {
		a := h.browser().must(redeem, redeemVars(secret, pin, who...))
		if ref, ok := a.at("redeemShareLink", "outcome", "reference").(string); ok {
			private["reference "+ref] = ref
		}
	}
	form := url.Values{"link": {h.url + "/s#" + secret}, "name": {private["redeemer"]}, "organisation": {private["redeemer's organisation"]}, "purpose": {"OTHER"}, "pin": {private["PIN"]}, "terms": {"accepted"}}
	if p := h.browser().form("/s/redeem", form); !strings.Contains(p.body, person.FamilyName) {
		t.Fatalf("the page shows nothing: %d", p.status)
	}
	// Everything again, in ways that fail: cut off, twice, of the wrong type, to the wrong address, with the wrong media type.
	whole := string(mustJSON(map[string]any{"query": redeem, "variables": redeemVars(secret, private["PIN"], who...)}))
	personal := person.FamilyName + string(person.ULN) + person.Email + private["body"]
	for _, body := range []string{
		whole[:len(whole)-1], whole + whole, strings.Replace(whole, `"pin":"`, `"pin":["`, 1), `{"query":"` + personal + `"}`, `{"query":"{` + personal + `}"}`,
		string(mustJSON(map[string]any{"query": redeem, "variables": map[string]any{"i": personal}})),
		string(mustJSON(map[string]any{"query": redeem, "variables": map[string]any{personal: secret}})),
		string(mustJSON(map[string]any{"query": `{node(id:"` + secret + `"){id}}`, "operationName": personal})),
		personal, `{"` + personal + `":1}`, strings.Repeat(personal, 3000),
	} {
		for _, path := range []string{"/graphql", "/graphql?" + url.Values{"q": {personal}}.Encode(), "/s/redeem", "/s?" + url.Values{"secret": {secret}}.Encode(), "/" + secret, "/share-links/" + secret + "/qr.png", "/auth/callback?" + url.Values{"code": {secret}, "state": {personal}}.Encode()} {
			for _, header := range []http.Header{fromOurPage(), fromOurPage("Content-Type", "application/x-www-form-urlencoded"), fromOurPage("Origin", "https://"+strings.ToLower(person.FamilyName)+".example"), fromOurPage("Accept", "text/event-stream")} {
				learner.exchange(t, "POST", path, header, body)
			}
			learner.exchange(t, "GET", path, nil, "")
		}
	}
	learner.must(updateLink, vars("id", id, "expectedVersion", 1, "label", private["label"]))
	learner.must(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	h.browser().must(redeem, redeemVars(secret, private["PIN"], who...))
	learner.must(revokeLink, vars("id", id))
	learner.header.Set("X-Requested-By", "learner-web")
	learner.do("POST", "/auth/logout", "application/json", strings.NewReader("{}"))
	learner.ask(`{learner{uln}}`, nil)

	log := h.logs.String()
	if strings.Count(log, "msg=request ") < 300 {
		t.Fatal("the log has too few lines to say anything")
	}
	for what, value := range private {
		if strings.Contains(strings.ToLower(log), strings.ToLower(value)) {
			t.Errorf("the log holds the %s", what)
		}
	}
	// Secrets are not in the store either: a copy of it opens nothing.
	h.app.stop()
	stored, err := os.ReadFile(filepath.Join(h.dir, "openplr.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(stored, []byte(private["label"])) {
		t.Fatal("the store's file does not hold what it must: this looks in the wrong place")
	}
	for _, what := range []string{"secret", "PIN", "wrong PIN", "session", "redemption id", "idempotency key"} {
		for _, form := range []string{private[what], strings.ToUpper(private[what])} {
			if bytes.Contains(stored, []byte(form)) {
				t.Errorf("the store holds the %s", what)
			}
		}
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
