package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"openplr/plr"
)

var accountCases = []testCase{
	{"an unknown account is not found", func(t *testing.T, s plr.Store) {
		a, err := s.Account(t.Context(), NewID("act"))
		refused(t, err, plr.CodeNotFound)
		if a != nil {
			t.Fatal("got an account beside the error")
		}
		refused(t, s.BindAccount(t.Context(), NewID("act"), NewULN(), T0), plr.CodeNotFound)
		refused(t, s.InvalidateSessions(t.Context(), NewID("act"), T0), plr.CodeNotFound)
		refused(t, s.RaiseProviderLogout(t.Context(), NewID("act"), T0), plr.CodeNotFound)
		refused(t, s.EndSession(t.Context(), NewID("act"), "ses_1", T0.Add(time.Hour), T0), plr.CodeNotFound)
	}},
	{"a subject leads to its account once it has one", func(t *testing.T, s plr.Store) {
		a := Account()
		got, err := s.AccountOfSubject(t.Context(), a.Issuer, a.Subject)
		refused(t, err, plr.CodeNotFound)
		if got != nil {
			t.Error("an account beside the error")
		}
		must[*plr.Account](t)(s.EnsureAccount(t.Context(), a))
		same(t, "by its subject", must[*plr.Account](t)(s.AccountOfSubject(t.Context(), a.Issuer, a.Subject)), a)
		_, err = s.AccountOfSubject(t.Context(), "https://other.test", a.Subject)
		refused(t, err, plr.CodeNotFound)
	}},
	{"the provider's sign-out is raised, never lowered, by any number at once", func(t *testing.T, s plr.Store) {
		a := Account()
		must[*plr.Account](t)(s.EnsureAccount(t.Context(), a))
		for _, err := range together(20, func(i int) error {
			return s.RaiseProviderLogout(t.Context(), a.ID, T0.Add(time.Duration(i*7%20)*time.Second))
		}) {
			ok(t, err)
		}
		ok(t, s.RaiseProviderLogout(t.Context(), a.ID, T0))
		if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); !got.ProviderLogoutAt.Equal(T0.Add(19 * time.Second)) {
			t.Errorf("the newest is %s", got.ProviderLogoutAt)
		}
	}},
	{"a number leads to the account bound to it, while it is", func(t *testing.T, s plr.Store) {
		uln, a := NewULN(), Account()
		must[*plr.Account](t)(s.EnsureAccount(t.Context(), a))
		none := func() {
			t.Helper()
			got, err := s.AccountOf(t.Context(), uln)
			refused(t, err, plr.CodeNotFound)
			if got != nil {
				t.Error("an account beside the error")
			}
		}
		none()
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		if got := must[*plr.Account](t)(s.AccountOf(t.Context(), uln)); got.ID != a.ID || got.ULN != uln {
			t.Errorf("got %+v", got)
		}
		ok(t, s.UnbindULN(t.Context(), uln, ""))
		none()
	}},
	{"the first sight of a subject stores the account", func(t *testing.T, s plr.Store) {
		a := Account()
		same(t, "returned", must[*plr.Account](t)(s.EnsureAccount(t.Context(), a)), a)
		same(t, "read", must[*plr.Account](t)(s.Account(t.Context(), a.ID)), a)
	}},
	{"later sights give the first account", func(t *testing.T, s plr.Store) {
		a, again := Account(), Account()
		again.Issuer, again.Subject = a.Issuer, a.Subject
		must[*plr.Account](t)(s.EnsureAccount(t.Context(), a))
		same(t, "second call", must[*plr.Account](t)(s.EnsureAccount(t.Context(), again)), a)
		_, err := s.Account(t.Context(), again.ID)
		refused(t, err, plr.CodeNotFound)
	}},
	{"issuer and subject count together", func(t *testing.T, s plr.Store) {
		a, b, c := Account(), Account(), Account()
		b.Subject = a.Subject
		b.Issuer = "https://other.test"
		c.Issuer, c.Subject = a.Issuer+a.Subject[:1], a.Subject[1:]
		for _, x := range []*plr.Account{a, b, c} {
			same(t, "account", must[*plr.Account](t)(s.EnsureAccount(t.Context(), x)), x)
		}
	}},
	{"of parallel first sights one stores", func(t *testing.T, s plr.Store) {
		for range 5 { // who meets whom is chance
			first := Account()
			type answer struct{ mine, given string }
			answers := together(50, func(int) answer {
				a := Account()
				a.Issuer, a.Subject = first.Issuer, first.Subject
				got, err := s.EnsureAccount(t.Context(), a)
				if err != nil {
					t.Error(err)
					return answer{}
				}
				return answer{a.ID, got.ID}
			})
			stored := 0
			for _, a := range answers {
				if a.given != answers[0].given {
					t.Fatalf("two accounts: %s and %s", a.given, answers[0].given)
				}
				if _, err := s.Account(t.Context(), a.mine); err == nil {
					stored++
				}
			}
			if stored != 1 {
				t.Fatalf("%d accounts are stored", stored)
			}
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		a := Account()
		want := *a
		got := must[*plr.Account](t)(s.EnsureAccount(t.Context(), a))
		ok(t, s.BindAccount(t.Context(), a.ID, NewULN(), T0))
		scribble(got)
		scribble(a)
		bound := must[*plr.Account](t)(s.Account(t.Context(), want.ID))
		same(t, "bound at", bound.BoundAt, T0)
		scribble(bound)
		again := must[*plr.Account](t)(s.Account(t.Context(), want.ID))
		again.ULN, again.BoundAt = "", nil
		same(t, "account", again, want)
	}},
	{"binding sets number and time", func(t *testing.T, s plr.Store) {
		a, uln := ensured(t, s), NewULN()
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		a.ULN, a.BoundAt = uln, ptr(T0)
		same(t, "account", must[*plr.Account](t)(s.Account(t.Context(), a.ID)), a)
		same(t, "account at sign-in", must[*plr.Account](t)(s.EnsureAccount(t.Context(), a)), a)
	}},
	{"binding the same pair again changes nothing", func(t *testing.T, s plr.Store) {
		a, uln := ensured(t, s), NewULN()
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0.Add(time.Hour)))
		if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); got.ULN != uln || !got.BoundAt.Equal(T0) {
			t.Fatalf("got %+v", got)
		}
	}},
	{"a second number, or a second account, is refused", func(t *testing.T, s plr.Store) {
		a, b, uln, other := ensured(t, s), ensured(t, s), NewULN(), NewULN()
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		refused(t, s.BindAccount(t.Context(), a.ID, other, T0), plr.CodeAlreadyDone)
		refused(t, s.BindAccount(t.Context(), b.ID, uln, T0), plr.CodeAlreadyDone)
		ok(t, s.BindAccount(t.Context(), b.ID, other, T0)) // so neither refusal reserved anything
	}},
	{"freeing a number lets both be bound anew", func(t *testing.T, s plr.Store) {
		a, b, uln := ensured(t, s), ensured(t, s), NewULN()
		ok(t, s.UnbindULN(t.Context(), uln, "")) // not bound: no error
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		ok(t, s.UnbindULN(t.Context(), uln, ""))
		if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); got.ULN != "" || got.BoundAt != nil {
			t.Fatalf("still bound: %+v", got)
		}
		ok(t, s.BindAccount(t.Context(), b.ID, uln, T0))
		ok(t, s.BindAccount(t.Context(), a.ID, NewULN(), T0))
	}},
	{"a number is freed of the account that is named, and of no other", func(t *testing.T, s plr.Store) {
		a, b, uln := ensured(t, s), ensured(t, s), NewULN()
		ok(t, s.BindAccount(t.Context(), a.ID, uln, T0))
		ok(t, s.UnbindULN(t.Context(), uln, b.ID))
		if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); got.ULN != uln {
			t.Fatalf("freed by another's name: %+v", got)
		}
		ok(t, s.UnbindULN(t.Context(), uln, a.ID))
		ok(t, s.BindAccount(t.Context(), b.ID, uln, T0))
	}},
	{"one number, many accounts at once", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		accounts := together(40, func(int) *plr.Account { return ensured(t, s) })
		errs := together(40, func(i int) error { return s.BindAccount(t.Context(), accounts[i].ID, uln, T0) })
		bound := 0
		for i, a := range accounts {
			got := must[*plr.Account](t)(s.Account(t.Context(), a.ID))
			if (errs[i] == nil) != (got.ULN == uln) {
				t.Fatalf("answered %v, bound to %q", errs[i], got.ULN)
			}
			if errs[i] == nil {
				bound++
				continue
			}
			refused(t, errs[i], plr.CodeAlreadyDone)
		}
		if bound != 1 {
			t.Fatalf("%d accounts were bound to one number", bound)
		}
	}},
	{"one account, many numbers at once", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		var ulns []plr.ULN
		for range 40 {
			ulns = append(ulns, NewULN())
		}
		errs := together(40, func(i int) error { return s.BindAccount(t.Context(), a.ID, ulns[i], T0) })
		got, bound := must[*plr.Account](t)(s.Account(t.Context(), a.ID)), 0
		for i, uln := range ulns {
			if (errs[i] == nil) != (got.ULN == uln) {
				t.Fatalf("answered %v for %s, bound to %q", errs[i], uln, got.ULN)
			}
			if errs[i] == nil {
				bound++
				continue
			}
			refused(t, errs[i], plr.CodeAlreadyDone)
			ok(t, s.BindAccount(t.Context(), ensured(t, s).ID, uln, T0)) // the refused number stayed free
		}
		if bound != 1 {
			t.Fatalf("one account was bound to %d numbers", bound)
		}
	}},
	{"bindings and releases at once stay one to one", func(t *testing.T, s plr.Store) {
		ulns := []plr.ULN{NewULN(), NewULN(), NewULN()}
		accounts := together(9, func(int) *plr.Account { return ensured(t, s) })
		together(90, func(i int) error {
			var err error
			if i%5 == 0 {
				err = s.UnbindULN(t.Context(), ulns[i%3], "")
			} else {
				err = s.BindAccount(t.Context(), accounts[i%9].ID, ulns[(i/9)%3], T0)
			}
			if err != nil && plr.CodeOf(err) != plr.CodeAlreadyDone {
				t.Error(err)
			}
			return err
		})
		owner := map[plr.ULN]string{}
		for _, a := range accounts {
			if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); got.ULN != "" {
				if owner[got.ULN] != "" {
					t.Fatalf("%s belongs to two accounts", got.ULN)
				}
				owner[got.ULN] = a.ID
			}
		}
		for _, uln := range ulns { // what the accounts say is what binding goes by
			err := s.BindAccount(t.Context(), ensured(t, s).ID, uln, T0)
			if owner[uln] == "" {
				ok(t, err)
			} else {
				refused(t, err, plr.CodeAlreadyDone)
			}
		}
	}},
	{"sessions are invalidated up to the latest instant", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		for _, step := range []struct{ before, want time.Duration }{{2, 2}, {1, 2}, {2, 2}, {5, 5}} {
			ok(t, s.InvalidateSessions(t.Context(), a.ID, T0.Add(step.before*time.Second)))
			if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)).SessionsInvalidBefore; !got.Equal(T0.Add(step.want * time.Second)) {
				t.Fatalf("after %ds it is %v", step.before, got)
			}
		}
		together(50, func(i int) error {
			err := s.InvalidateSessions(t.Context(), a.ID, T0.Add(time.Duration(i*37%50+10)*time.Second))
			if err != nil {
				t.Error(err)
			}
			return err
		})
		if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)).SessionsInvalidBefore; !got.Equal(T0.Add(59 * time.Second)) {
			t.Fatalf("after many at once it is %v", got)
		}
	}},
	{"sessions ended one by one are remembered as long as they could live", func(t *testing.T, s plr.Store) {
		a := ensured(t, s)
		together(20, func(i int) error {
			err := s.EndSession(t.Context(), a.ID, fmt.Sprintf("ses_%d", i), T0.Add(time.Duration(i+1)*time.Minute), T0)
			if err != nil {
				t.Error(err)
			}
			return err
		})
		read := func() *plr.Account { return must[*plr.Account](t)(s.Account(t.Context(), a.ID)) }
		for i := range 20 {
			if handle := fmt.Sprintf("ses_%d", i); !read().SessionEnded(handle, T0) {
				t.Fatalf("%s is forgotten", handle)
			}
		}
		if read().SessionEnded("ses_20", T0) {
			t.Fatal("another session has ended too")
		}
		ok(t, s.EndSession(t.Context(), a.ID, "ses_20", T0.Add(time.Hour), T0.Add(10*time.Minute)))
		if n := len(read().EndedSessions); n != 11 { // ses_10 to ses_20
			t.Fatalf("%d are remembered", n)
		}
		// The list is bounded: beyond it, all sessions that began before end.
		for i := range plr.MaxEndedSessions + 1 {
			ok(t, s.EndSession(t.Context(), a.ID, fmt.Sprintf("more_%d", i), T0.Add(2*time.Hour), T0.Add(time.Hour)))
		}
		now := read()
		if !now.SessionsInvalidBefore.Equal(T0.Add(time.Hour)) || len(now.EndedSessions) > plr.MaxEndedSessions || !now.SessionEnded("more_0", T0.Add(time.Minute)) || !now.SessionEnded(fmt.Sprintf("more_%d", plr.MaxEndedSessions), T0.Add(time.Hour)) {
			t.Fatalf("got %+v", now)
		}
	}},
	{"one session too many ends them all, whatever clock they began by", func(t *testing.T, s plr.Store) {
		a, ahead := ensured(t, s), T0.Add(10*time.Minute)
		ok(t, s.InvalidateSessions(t.Context(), a.ID, ahead))
		for i := range plr.MaxEndedSessions + 1 { // sessions that began since began at that instant
			ok(t, s.EndSession(t.Context(), a.ID, fmt.Sprintf("ses_%d", i), T0.Add(2*time.Hour), T0))
		}
		if now := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); !now.SessionEnded("ses_0", ahead) || now.SessionEnded("ses_new", ahead.Add(time.Millisecond)) {
			t.Fatalf("got %+v", now)
		}
	}},
	{"binding and ending sessions at once keep both", func(t *testing.T, s plr.Store) {
		for range 10 {
			a, uln := ensured(t, s), NewULN()
			errs := together(2, func(i int) error {
				if i == 0 {
					return s.BindAccount(t.Context(), a.ID, uln, T0)
				}
				return s.InvalidateSessions(t.Context(), a.ID, T0)
			})
			ok(t, errors.Join(errs...))
			if got := must[*plr.Account](t)(s.Account(t.Context(), a.ID)); got.ULN != uln || !got.SessionsInvalidBefore.Equal(T0) {
				t.Fatalf("got %+v", got)
			}
		}
	}},
}

func ensured(t *testing.T, s plr.Store) *plr.Account {
	a, err := s.EnsureAccount(t.Context(), Account())
	if err != nil {
		t.Error(err)
		return &plr.Account{}
	}
	return a
}
