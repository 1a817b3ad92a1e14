package web_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"openplr/plr"
	"openplr/web"
)

// oneLink is a store that holds one learner with one link; what the domain
// does with it in a redemption is the domain's own.
type oneLink struct {
	plr.Store
	mu      sync.Mutex
	sharing *plr.Sharing
	view    *plr.ConfiguredView
	learner *plr.Learner
	events  []string // what happened, in order
	// beforeEntry runs before the access entry is kept.
	beforeEntry func()
}

const linkID, viewID = "lnk_00000000000000000000000000", "vw_00000000000000000000000000"

// newOneLink gives the store, the domain on it and the link's secret.
func newOneLink(t *testing.T) (*oneLink, *plr.Service, string) {
	t.Helper()
	s := &oneLink{learner: learner(), beforeEntry: func() {}}
	s.sharing = plr.NewSharing(s.learner.ULN)
	link := &plr.ShareLink{
		ID: linkID, ULN: s.learner.ULN, ViewID: viewID, ViewVersion: 1, ExpiresAt: now.Add(time.Hour), MaxRedemptions: ptr(1),
		Purpose: plr.PurposeOther, Language: plr.LanguageEnglish, Version: 1, KeyID: "k1", GuessesLeft: plr.GuessBudget,
		Generation: s.sharing.Generation,
	}
	s.sharing.Links[linkID] = link
	s.view = &plr.ConfiguredView{ID: viewID, ULN: s.learner.ULN, Selection: plr.ViewSelection{Everything: true}, Fields: allFields, Language: "EN", Version: 1}
	svc := newService(t, s)
	return s, svc, plr.SecretIn(svc.LinkURL(link))
}

func (s *oneLink) note(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

func (s *oneLink) noted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.events, ", ")
}

func (s *oneLink) SecretOwner(_ context.Context, hash string) (*plr.SecretRef, error) {
	return &plr.SecretRef{Hash: hash, ULN: s.learner.ULN, LinkID: linkID}, nil
}

func (s *oneLink) Sharing(context.Context, plr.ULN) (*plr.Sharing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := *s.sharing
	copied.Links = map[string]*plr.ShareLink{linkID: s.sharing.Links[linkID].Clone()}
	return &copied, nil
}
func (s *oneLink) MasterULN(_ context.Context, uln plr.ULN) (plr.ULN, error) { return uln, nil }

func (s *oneLink) Record(context.Context, plr.ULN) (*plr.Record, error) { return s.learner.Record, nil }
func (s *oneLink) DataChallenges(context.Context, plr.ULN) ([]*plr.DataChallenge, error) {
	return nil, nil
}
func (s *oneLink) ConfiguredView(context.Context, plr.ULN, string) (*plr.ConfiguredView, error) {
	return s.view, nil
}
func (s *oneLink) ConfiguredViewVersion(context.Context, plr.ULN, string, int) (*plr.ConfiguredView, error) {
	return s.view, nil
}

func (s *oneLink) ClaimRedemption(_ context.Context, c plr.Claim) (plr.ClaimResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sharing.Claim(c), nil
}

func (s *oneLink) AppendAccessEntry(_ context.Context, e *plr.AccessEntry) error {
	s.beforeEntry()
	s.note(string(e.Result))
	return nil
}

// RenewLease refuses: the owner has paused the link since the claim.
func (s *oneLink) RenewLease(context.Context, plr.Renewal) (plr.LinkState, error) {
	return plr.LinkPaused, nil
}

func (s *oneLink) ReleaseLease(ctx context.Context, _ plr.ULN, lease string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.note("released")
	return nil
}

// notingWriter is a ResponseWriter that keeps deadlines and says what was done to it.
type notingWriter struct {
	*httptest.ResponseRecorder
	note func(string)
}

func (w *notingWriter) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		w.note("deadline lifted")
	} else {
		w.note("deadline set")
	}
	return nil
}

func (w *notingWriter) Write(b []byte) (int, error) {
	w.note("written")
	return w.ResponseRecorder.Write(b)
}

func (w *notingWriter) FlushError() error {
	w.note("flushed")
	return nil
}

func postForm(secret string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/s/redeem", strings.NewReader(filled("link", secret).Encode()))
	r.Header.Set("Content-Type", formType)
	return r
}

func TestDisclosureIsWrittenWithinItsLease(t *testing.T) {
	t.Parallel()
	store, svc, secret := newOneLink(t)
	s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
	w := &notingWriter{httptest.NewRecorder(), store.note}
	s.ServeHTTP(w, postForm(secret))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Further Mathematics") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := store.noted(); got != "DISCLOSED, deadline set, written, flushed, deadline lifted, released" {
		t.Errorf("order: %s", got)
	}
}

// A reload by the same browser spends nothing; another browser finds the link used up.
func TestReloadSpendsNothing(t *testing.T) {
	t.Parallel()
	store, svc, secret := newOneLink(t)
	s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
	open := func(cookie string) *httptest.ResponseRecorder {
		w := &notingWriter{httptest.NewRecorder(), func(string) {}}
		r := postForm(secret)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		s.ServeHTTP(w, r)
		return w.ResponseRecorder
	}
	first := open("")
	cookie, _, _ := strings.Cut(first.Header().Get("Set-Cookie"), ";")
	for range 3 {
		if w := open(cookie); !strings.Contains(w.Body.String(), "Further Mathematics") {
			t.Fatalf("reload: %s", w.Body)
		}
	}
	if w := open(""); !strings.Contains(w.Body.String(), "opened as often as it may") {
		t.Errorf("another browser: %s", w.Body)
	}
	if n := store.sharing.Links[linkID].RedemptionCount; n != 1 {
		t.Errorf("spent %d", n)
	}
}

func TestNothingIsWrittenAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, svc, secret := newOneLink(t)
		store.beforeEntry = func() { time.Sleep(plr.LeaseLife) } // the bubble's clock: nobody waits
		s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
		w := &notingWriter{httptest.NewRecorder(), store.note}
		s.ServeHTTP(w, postForm(secret))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("status %d", w.Code)
		}
		for _, data := range []string{"Further Mathematics", "Nia", "PLR-"} {
			if strings.Contains(w.Body.String(), data) {
				t.Errorf("%q left after the deadline", data)
			}
		}
		if got := store.noted(); got != "DISCLOSED, written, released" {
			t.Errorf("order: %s", got)
		}
	})
}

// A writer that cannot keep a deadline must not be given data to keep it with.
func TestNothingIsDisclosedWithoutADeadline(t *testing.T) {
	t.Parallel()
	store, svc, secret := newOneLink(t)
	s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
	w := httptest.NewRecorder()
	s.ServeHTTP(w, postForm(secret))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "Further Mathematics") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.HasSuffix(store.noted(), "released") {
		t.Errorf("order: %s", store.noted())
	}
}

// pipeListener hands one end of a pipe to the server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A reader who takes the first bytes and then no more holds neither the lease
// nor a part of the record back for later.
func TestSlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, svc, secret := newOneLink(t)
		s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
		listener := &pipeListener{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: s}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		ours, theirs := net.Pipe()
		listener.conns <- theirs
		began := time.Now()
		r := postForm(secret)
		r.Host = "plr.example"
		if err := r.Write(ours); err != nil {
			t.Fatal(err)
		}
		var first [100]byte
		if _, err := io.ReadFull(ours, first[:]); err != nil {
			t.Fatal(err)
		}
		for !strings.HasSuffix(store.noted(), "released") {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took < time.Second || took > plr.LeaseLife {
			t.Errorf("given up after %s", took)
		}
		rest, err := io.ReadAll(ours)
		if err != nil || strings.Contains(string(first[:])+string(rest), "Further Mathematics") {
			t.Errorf("%v, %d bytes came late", err, len(rest))
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// Over a real connection: the whole answer arrives, and the connection serves on.
func TestConnectionServesOn(t *testing.T) {
	t.Parallel()
	_, svc, secret := newOneLink(t)
	s := newSite(t, func(c *web.Config) { c.Redeemer = svc })
	server := httptest.NewServer(s)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answers, cookie := bufio.NewReader(conn), ""
	for range 2 {
		r := postForm(secret)
		r.Header.Set("Cookie", cookie)
		if err := r.Write(conn); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.ContentLength != int64(len(body)) || !strings.Contains(string(body), "Further Mathematics") {
			t.Fatalf("%v, length %d, %s", err, answer.ContentLength, body)
		}
		cookie, _, _ = strings.Cut(answer.Header.Get("Set-Cookie"), ";")
	}
}

func TestWriteDisclosureOfNothing(t *testing.T) {
	t.Parallel()
	_, d, done := web.Disclosing(t.Context())
	defer done()
	w := httptest.NewRecorder() // keeps no deadline, and needs none
	if err := web.WriteDisclosure(t.Context(), w, d, http.StatusAccepted, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusAccepted || w.Body.String() != "hello" || w.Header().Get("Content-Length") != "5" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}
