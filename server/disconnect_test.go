package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"openplr/plr"
)

// leavingStore lets a client go away at the moment its guess is taken.
type leavingStore struct {
	plr.Store
	leave chan context.CancelFunc
	left  chan struct{}
}

func (s *leavingStore) TakeGuess(ctx context.Context, uln plr.ULN, linkID string, now time.Time) (bool, *plr.ShareLink, error) {
	taken, link, err := s.Store.TakeGuess(ctx, uln, linkID, now)
	select {
	case cancel := <-s.leave:
		cancel()
	default:
	}
	return taken, link, err
}

func (s *leavingStore) SettleGuess(ctx context.Context, uln plr.ULN, linkID string, right bool, now time.Time) error {
	err := s.Store.SettleGuess(ctx, uln, linkID, right, now)
	s.left <- struct{}{}
	return err
}

// A client that goes away takes no guess with it: a right PIN gets its guess
// back, a wrong one stands in the learner's history.
func TestGuessesOfClientsThatLeave(t *testing.T) {
	t.Parallel()
	held := &leavingStore{leave: make(chan context.CancelFunc, 1), left: make(chan struct{}, 100)}
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { held.Store = s; return held }})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	id, secret := sharedLink(t, learner, "pin", "k7qx9zw2")
	guess := func(pin string) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"query": redeem, "variables": redeemVars(secret, pin)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		held.leave <- cancel
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/graphql", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
		<-held.left
	}
	for range plr.GuessBudget + 2 {
		guess("k7qx9zw2")
	}
	status := func() any {
		return learner.must(`query($id: ID!) { node(id: $id) { ... on ShareLink { status } } }`, map[string]any{"id": id}).at("node", "status")
	}
	if got := status(); got != "ACTIVE" {
		t.Fatalf("right PINs of clients that left: %v", got)
	}
	for range plr.GuessBudget {
		guess("wrong7x9")
	}
	if got := status(); got != "FROZEN" {
		t.Errorf("wrong PINs of clients that left: %v", got)
	}
	// The last entry is written after its guess is settled.
	for range 100 {
		a := learner.must(fmt.Sprintf(`{ learner { accessHistory(filter: {shareLinkId: %q, results: [WRONG_PIN]}) { totalCount } } }`, id), nil)
		if a.at("learner", "accessHistory", "totalCount") == float64(plr.GuessBudget) {
			return
		}
	}
	t.Error("wrong PINs are missing from the history")
}

// Over HTTP/2 a write deadline does not stop bytes that are on their way, so
// the server must not speak it.
func TestTLSSpeaksHTTP1Only(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	server := newHTTPServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), slog.New(slog.DiscardHandler))
	server.TLSConfig = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	listener := freeListener(t)
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	resp, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != 1 {
		t.Errorf("the server speaks %s", resp.Proto)
	}
}
