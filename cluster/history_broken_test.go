package cluster_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"openplr/plr"
	"openplr/store/boltstore"
	"openplr/store/storetest"
)

// checkThenAct is a store with the fault that this whole folder looks for: it
// reads the document, decides, and writes what it decided in a second step.
type checkThenAct struct {
	plr.Store
	// gap runs between the two steps.
	gap func()
}

// ClaimRedemption decides on what it read and counts what it decided.
func (s checkThenAct) ClaimRedemption(ctx context.Context, c plr.Claim) (plr.ClaimResult, error) {
	read, err := s.Sharing(ctx, c.ULN)
	if err != nil {
		return plr.ClaimResult{}, err
	}
	result := read.Claim(c)
	if result.State != plr.LinkActive || result.Stale {
		return result, nil
	}
	s.gap()
	_, err = s.EditSharing(ctx, c.ULN, func(now *plr.Sharing) error {
		if link := now.Links[c.LinkID]; link != nil {
			link.RedemptionCount = read.Links[c.LinkID].RedemptionCount
			link.Redemptions = read.Links[c.LinkID].Redemptions
		}
		return nil
	})
	return result, err
}

// lagging is a store with the other fault: it decides on a copy that is out of
// date, as a secondary of a replica set may be.
type lagging struct {
	plr.Store
	copy *plr.Sharing
}

// ClaimRedemption decides on the copy.
func (s lagging) ClaimRedemption(_ context.Context, c plr.Claim) (plr.ClaimResult, error) {
	return s.copy.Clone().Claim(c), nil
}

// The check that every race here ends in finds a store that is broken, and
// finds nothing wrong with the same calls on the embedded store. A check that
// never fails would prove nothing.
func TestHistoryCheckFindsABrokenStore(t *testing.T) {
	t.Parallel()
	check := func(store plr.Store) plr.Store { return checkThenAct{store, gate(2)} }
	for name, c := range map[string]struct {
		limit int
		harm  func(plr.Store) plr.Store
		drive func(t *testing.T, s plr.Store, l *plr.ShareLink, past *history)
	}{
		"one use given out twice":        {1, check, driveClaims},
		"seven uses given out too often": {7, check, driveClaims},
		"opened after the opt-out": {0, func(store plr.Store) plr.Store {
			was, err := store.Sharing(t.Context(), storetest.ULN(1))
			if err != nil {
				t.Fatal(err)
			}
			return lagging{store, was}
		}, driveOptOut},
	} {
		t.Run(name, func(t *testing.T) {
			for want, harm := range map[porcupine.CheckResult]func(plr.Store) plr.Store{
				porcupine.Ok: func(store plr.Store) plr.Store { return store }, porcupine.Illegal: c.harm,
			} {
				var store plr.Store = openStore(t)
				l := storedLink(t, store, c.limit)
				past := newHistory()
				c.drive(t, harm(store), l, past)
				if got := past.check(c.limit); got != want {
					t.Errorf("the check says %s, want %s", got, want)
				}
			}
		})
	}
}

// gate lets callers through in groups of n, so that the fault shows every time
// and not only when the scheduler is unkind; a caller left alone goes on after a
// while.
func gate(n int) func() {
	var mu sync.Mutex
	waiting, open := 0, make(chan struct{})
	return func() {
		mu.Lock()
		waiting++
		mine := open
		if waiting == n {
			close(open)
			waiting, open = 0, make(chan struct{})
		}
		mu.Unlock()
		select {
		case <-mine:
		case <-time.After(100 * time.Millisecond):
		}
		runtime.Gosched()
	}
}

func openStore(t *testing.T) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "openplr.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var noon = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)

func storedLink(t *testing.T, s plr.Store, limit int) *plr.ShareLink {
	t.Helper()
	l := storetest.Link(storetest.ULN(1))
	l.CreatedAt, l.EditedAt, l.ExpiresAt, l.MaxRedemptions = noon, noon, noon.Add(time.Hour), nil
	if limit > 0 {
		l.MaxRedemptions = &limit
	}
	l, err := s.CreateShareLink(t.Context(), l, storetest.Ref(l), nil, func(sh *plr.Sharing) error { return sh.Admit(l, false) })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// claimed gives a claim's outcome in the words of the history.
func claimed(t *testing.T, s plr.Store, l *plr.ShareLink, id string) string {
	result, err := s.ClaimRedemption(t.Context(), plr.Claim{ULN: l.ULN, LinkID: l.ID, RedemptionHash: id, LeaseID: id, Now: noon})
	if err != nil {
		t.Error(err)
		return lostOutcome
	}
	return map[plr.LinkState]string{plr.LinkActive: opened, plr.LinkUsedUp: "USED_UP", plr.LinkPaused: "PAUSED", plr.LinkRevoked: "WITHDRAWN"}[result.State]
}

func driveClaims(t *testing.T, s plr.Store, l *plr.ShareLink, past *history) {
	crowd(24, 4, func(i int) {
		id := fmt.Sprint("r", i)
		past.do(step{actClaim, id}, func() string { return claimed(t, s, l, id) })
	})
}

func driveOptOut(t *testing.T, s plr.Store, l *plr.ShareLink, past *history) {
	past.do(step{actClaim, "before"}, func() string { return claimed(t, s, l, "before") })
	past.do(step{act: actOptOut}, func() string {
		if _, err := s.SetSharingPreference(t.Context(), l.ULN, plr.PreferenceChange{At: noon, OptedOut: true}, func(sh *plr.Sharing) error {
			sh.OptOut(noon)
			return nil
		}); err != nil {
			t.Error(err)
		}
		return done
	})
	past.do(step{actClaim, "after"}, func() string { return claimed(t, s, l, "after") })
}
