package main

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openplr/plr"
)

// sharedLink makes a view of everything and a link on it, for the first sample learner.
func sharedLink(t *testing.T, learner *browser, more ...any) (id, secret string) {
	t.Helper()
	view := learner.must(createView, vars("name", "All", "selection", map[string]any{"everything": true}))
	input := append([]any{"viewId", view.at("createConfiguredView", "configuredView", "id"), "purpose", "EMPLOYMENT"}, more...)
	link := learner.must(createLink, vars(input...))
	return link.at("createShareLink", "shareLink", "id").(string), secretOf(t, link.at("createShareLink", "shareLink", "url"))
}

// together runs n calls at once and gives how many of each outcome there were.
func together(n int, call func(i int) string) map[string]int {
	counts := make(map[string]int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			got := call(i)
			mu.Lock()
			defer mu.Unlock()
			counts[got]++
		})
	}
	close(gate)
	wg.Wait()
	return counts
}

// A use limit is kept by everybody at once.
func TestUseLimitUnderParallelRedemptions(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	for _, limit := range []int{1, 7} {
		id, secret := sharedLink(t, learner, "maxRedemptions", limit)
		got := together(200, func(int) string { return outcome(h.browser().ask(redeem, redeemVars(secret, ""))) })
		if got["SharedRecord"] != limit || got["ShareUnavailable"] != 200-limit {
			t.Errorf("limit %d: %v", limit, got)
		}
		a := learner.must(`query($id: ID!) { node(id: $id) { ... on ShareLink { redemptionCount status accessHistory(first: 100) { totalCount } } }
		  learner { accessHistory(filter: {shareLinkId: "`+id+`", results: [DISCLOSED]}) { totalCount } } }`, map[string]any{"id": id})
		if a.at("node", "redemptionCount") != float64(limit) || a.at("node", "status") != "USED_UP" || a.at("learner", "accessHistory", "totalCount") != float64(limit) {
			t.Errorf("limit %d: %s", limit, a.raw)
		}
	}
}

// One redemption repeated in parallel spends one use.
func TestSameRedemptionInParallel(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	_, secret := sharedLink(t, learner, "maxRedemptions", 1)
	got := together(50, func(int) string {
		// On a busy machine an answer may be withheld, because its lease ended
		// before it was ready: whoever asks again with the same token gets it.
		for range 20 {
			if out := outcome(h.browser().ask(redeem, redeemVars(secret, "", "redemptionId", "a-token-that-nobody-else-has"))); out != "" {
				return out
			}
		}
		return "never answered"
	})
	if got["SharedRecord"] != 50 {
		t.Errorf("%v", got)
	}
}

// wire notes, in one order for all connections, when an answer with data has
// been written and when an acknowledgement begins to be written.
type wire struct {
	mu    sync.Mutex
	clock int
	data  []int // after the write
	acks  []int // before the write
}

func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data, w.acks = nil, nil
}

type wireConn struct {
	net.Conn
	wire *wire
}

var (
	dataMark = []byte(`"SharedRecord"`)
	ackMark  = []byte(`"optedOut":true`)
)

func (c wireConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, ackMark) {
		c.wire.mu.Lock()
		c.wire.clock++
		c.wire.acks = append(c.wire.acks, c.wire.clock)
		c.wire.mu.Unlock()
	}
	n, err := c.Conn.Write(p)
	if bytes.Contains(p, dataMark) {
		c.wire.mu.Lock()
		c.wire.clock++
		c.wire.data = append(c.wire.data, c.wire.clock)
		c.wire.mu.Unlock()
	}
	return n, err
}

// An opt-out beside 100 redemptions: no answer with data is written after the
// acknowledgement, watched on the connections themselves.
func TestOptOutBesideRedemptions(t *testing.T) {
	t.Parallel()
	w := &wire{}
	h := newHarness(t, harnessOptions{wrapConn: func(c net.Conn) net.Conn { return wireConn{c, w} }})
	learner := h.signedIn(samplePeople(t)[0].Subject)
	rounds := 5
	for range rounds {
		_, secret := sharedLink(t, learner)
		w.reset()
		var ack atomic.Bool
		got := together(101, func(i int) string {
			if i == 50 {
				for range 20 { // a busy machine may answer 503: it is not acknowledged then
					a := learner.ask(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
					if a.at("setSharingPreference", "sharingPreference", "optedOut") == true {
						ack.Store(true)
						break
					}
				}
				return "ack"
			}
			return outcome(h.browser().ask(redeem, redeemVars(secret, "")))
		})
		// "" is an answer that was withheld at the last moment, because the opt-out
		// overtook it on a busy machine.
		if !ack.Load() || got["SharedRecord"]+got["ShareUnavailable"]+got[""] != 100 {
			t.Fatalf("%v", got)
		}
		if after := outcome(h.browser().ask(redeem, redeemVars(secret, ""))); after != "ShareUnavailable" {
			t.Fatalf("after the acknowledgement: %s", after)
		}
		w.mu.Lock()
		lastData, firstAck := 0, w.acks[0]
		for _, at := range w.data {
			lastData = max(lastData, at)
		}
		w.mu.Unlock()
		if lastData > firstAck {
			t.Fatalf("data was written (%d) after the acknowledgement began (%d)", lastData, firstAck)
		}
		learner.must(setSharing, vars("optOut", false))
	}
}

// heldStore lets a test stop the first disclosure between its claim and its access entry.
type heldStore struct {
	plr.Store
	taken   atomic.Bool
	reached chan struct{}
	release chan struct{}
}

func (s *heldStore) AppendAccessEntry(ctx context.Context, e *plr.AccessEntry) error {
	if e.Result == plr.AccessDisclosed {
		if s.taken.CompareAndSwap(false, true) {
			s.reached <- struct{}{}
			<-s.release
		}
	}
	return s.Store.AppendAccessEntry(ctx, e)
}

// A disclosure past its last check is waited for: by opt-out, revocation and pause.
func TestOwnersWaitForDisclosuresUnderWay(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(learner *browser, id string) *gqlAnswer{
		"opt-out": func(l *browser, _ string) *gqlAnswer {
			return l.ask(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
		},
		"revoke": func(l *browser, id string) *gqlAnswer {
			return l.ask(`mutation($i: RevokeShareLinkInput!) { revokeShareLink(input: $i) { shareLink { status } userErrors { code } } }`, vars("id", id))
		},
		"revoke all": func(l *browser, _ string) *gqlAnswer {
			return l.ask(`mutation { revokeAllShareLinks { revokedCount userErrors { code } } }`, nil)
		},
		"pause": func(l *browser, id string) *gqlAnswer {
			return l.ask(`mutation($i: PauseShareLinkInput!) { pauseShareLink(input: $i) { shareLink { status } userErrors { code } } }`, vars("id", id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := &heldStore{reached: make(chan struct{}), release: make(chan struct{})}
			h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { held.Store = s; return held }})
			learner := h.signedIn(samplePeople(t)[0].Subject)
			id, secret := sharedLink(t, learner)

			disclosed := make(chan string, 1)
			go func() { disclosed <- outcome(h.browser().ask(redeem, redeemVars(secret, ""))) }()
			<-held.reached // the claim was granted, nothing has been written yet

			stopped := make(chan *gqlAnswer, 1)
			go func() { stopped <- stop(learner, id) }()
			// Once the owner's write has landed, nobody else gets in.
			for got := "SharedRecord"; got == "SharedRecord"; {
				got = outcome(h.browser().ask(redeem, redeemVars(secret, "")))
			}
			select {
			case <-stopped:
				t.Error("acknowledged while a disclosure was under way")
			default:
			}
			close(held.release)
			if got := <-disclosed; got != "SharedRecord" {
				t.Errorf("the disclosure that was past its last check: %s", got)
			}
			if a := <-stopped; len(a.Errors) > 0 {
				t.Errorf("%s", a.raw)
			}
		})
	}
}

// A disclosure that takes longer than its lease is withheld.
func TestLateDisclosureIsWithheld(t *testing.T) {
	t.Parallel()
	held := &heldStore{reached: make(chan struct{}), release: make(chan struct{})}
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { held.Store = s; return held }})
	leaver := samplePeople(t)[0]
	learner := h.signedIn(leaver.Subject)
	_, secret := sharedLink(t, learner)
	answered := make(chan *gqlAnswer, 1)
	go func() { answered <- h.browser().ask(redeem, redeemVars(secret, "")) }()
	<-held.reached
	// An opt-out waits its longest, then is acknowledged although the disclosure hangs.
	a := learner.ask(setSharing, vars("optOut", true, "consequencesAcknowledged", true))
	if a.at("setSharingPreference", "sharingPreference", "optedOut") != true {
		t.Fatalf("%s", a.raw)
	}
	close(held.release)
	if late := <-answered; late.status != 503 || bytes.Contains([]byte(late.raw), []byte(leaver.FamilyName)) || late.code() != "UNAVAILABLE" {
		t.Errorf("%d %s", late.status, late.raw)
	}
}

// failingStore cannot write access entries.
type failingStore struct{ plr.Store }

func (failingStore) AppendAccessEntry(context.Context, *plr.AccessEntry) error {
	return plr.Unavailable(context.DeadlineExceeded, time.Second)
}

// What cannot be recorded is not disclosed.
func TestNoAccessEntryNoDisclosure(t *testing.T) {
	t.Parallel()
	h := newHarness(t, harnessOptions{wrapStore: func(s plr.Store) plr.Store { return failingStore{s} }})
	leaver := samplePeople(t)[0]
	_, secret := sharedLink(t, h.signedIn(leaver.Subject))
	a := h.browser().ask(redeem, redeemVars(secret, ""))
	if a.status != 503 || a.code() != "UNAVAILABLE" || a.header.Get("Retry-After") == "" || bytes.Contains([]byte(a.raw), []byte(leaver.FamilyName)) {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
