package cluster_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// act is what somebody does to one learner's sharing, as the history has it.
type act string

const (
	actClaim    act = "claim"
	actOptOut   act = "opt out"
	actOptIn    act = "opt in"            // resumes nothing
	actResume   act = "opt in and resume" // resumes what is not paused by hand
	actRevoke   act = "revoke"
	actLook     act = "look" // reads the count and the switch; only while nothing else goes on
	lostOutcome     = "lost" // the caller cannot tell what came of it
	opened          = "opened"
	done            = "done"
)

// step is the input of one operation.
type step struct {
	act act
	// redemption names whose opening a claim is: again by the same is a repeat.
	redemption string
}

// linkState is the model's state of one link and the switch above it, as
// comparable text and numbers.
type linkState struct {
	uses    int
	off     bool
	live    bool // of the present generation
	revoked bool
	known   string // redemptions that have opened it, each in bars
}

// linkModel says what one link with this use limit may answer, one act after
// another. A lost outcome is an act without an end: it may take its effect at
// any time later, or never, which is the same as at the very end.
func linkModel(limit int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return linkState{live: true} },
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(linkState), input.(step), output.(string)
			next, want := s.apply(in, limit)
			return out == lostOutcome || out == want, next
		},
		DescribeOperation: func(input, output any) string {
			in := input.(step)
			return fmt.Sprintf("%s %s: %s", in.act, in.redemption, output)
		},
	}
}

// apply gives the state after an act and what it must have answered.
func (s linkState) apply(in step, limit int) (linkState, string) {
	switch in.act {
	case actOptOut:
		s.off, s.live = true, false
	case actOptIn:
		s.off = false
	case actResume:
		s.off, s.live = false, true
	case actRevoke:
		s.revoked = true
	case actLook:
		return s, fmt.Sprintf("%d used, off %t", s.uses, s.off)
	case actClaim:
		return s.claim(in.redemption, limit)
	}
	return s, done
}

// claim: ends come before stops, and a repeat spends nothing.
func (s linkState) claim(redemption string, limit int) (linkState, string) {
	mark := "|" + redemption + "|"
	repeat := strings.Contains(s.known, mark)
	switch {
	case s.revoked:
		return s, "WITHDRAWN"
	case limit > 0 && s.uses >= limit && !repeat:
		return s, "USED_UP"
	case s.off || !s.live:
		return s, "PAUSED"
	case repeat:
		return s, opened
	}
	s.uses++
	marks := append(strings.Split(strings.Trim(s.known, "|"), "||"), redemption)
	slices.Sort(marks) // states that differ in order alone are the same
	s.known = "|" + strings.Trim(strings.Join(marks, "||"), "|") + "|"
	return s, opened
}

// history records operations as callers saw them.
type history struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func newHistory() *history { return &history{began: time.Now()} }

// do records what call does. call gives the outcome, or lostOutcome; "" when
// the operation had certainly no effect and is not part of the history.
func (h *history) do(in step, call func() string) string {
	start := time.Since(h.began).Nanoseconds()
	out := call()
	end := time.Since(h.began).Nanoseconds()
	if out == "" {
		return out
	}
	if out == lostOutcome {
		end = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: len(h.ops), Input: in, Call: start, Output: out, Return: end})
	return out
}

// check asks whether one order of the operations explains the whole history.
func (h *history) check(limit int) porcupine.CheckResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	return porcupine.CheckOperationsTimeout(linkModel(limit), withoutDead(h.ops), time.Minute)
}

// withoutDead leaves out lost claims that certainly had no effect, of which each
// doubles the search: whoever was told USED_UP for a redemption had not opened
// by it before and, as uses never come back, cannot have afterwards.
func withoutDead(ops []porcupine.Operation) []porcupine.Operation {
	dead := map[step]bool{}
	for _, op := range ops {
		if op.Output == "USED_UP" {
			dead[op.Input.(step)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ops), func(op porcupine.Operation) bool {
		return op.Output == lostOutcome && dead[op.Input.(step)]
	})
}

// mustHold fails the test unless the history is linearizable.
func (h *history) mustHold(t testing.TB, limit int) {
	t.Helper()
	if got := h.check(limit); got != porcupine.Ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		var lines []string
		for _, op := range h.ops {
			lines = append(lines, fmt.Sprintf("%12d %20d %v -> %v", op.Call, op.Return, op.Input, op.Output))
		}
		t.Errorf("the history of a link with limit %d is %s:\n%s", limit, got, strings.Join(lines, "\n"))
	}
}

// outcomes counts what was answered to an act.
func (h *history) outcomes(a act) map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := map[string]int{}
	for _, op := range h.ops {
		if op.Input.(step).act == a {
			counts[op.Output.(string)]++
		}
	}
	return counts
}
