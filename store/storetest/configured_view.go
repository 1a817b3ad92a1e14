package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"openplr/plr"
)

func createdView(t *testing.T, s plr.Store, v *plr.ConfiguredView) *plr.ConfiguredView {
	t.Helper()
	return must[*plr.ConfiguredView](t)(s.CreateConfiguredView(t.Context(), v, nil))
}

// rename is an owner's edit.
func rename(name string, at time.Time) func(*plr.ConfiguredView) error {
	return func(v *plr.ConfiguredView) error {
		v.Name, v.UpdatedAt = name, at
		v.Version++
		return nil
	}
}

// remove is an owner's deletion.
func remove(at time.Time) func(*plr.ConfiguredView) error {
	return func(v *plr.ConfiguredView) error {
		v.DeletedAt = &at
		v.Version++
		return nil
	}
}

var viewCases = []testCase{
	{"a view is read back as it was made", func(t *testing.T, s plr.Store) {
		for name, selection := range map[string]plr.ViewSelection{
			"rule": View("").Selection, "events": {Events: []string{plr.EventIDOf("1"), plr.EventIDOf("2")}}, "everything": {Everything: true},
		} {
			v := View(NewULN())
			v.Selection = selection
			same(t, name+", returned", createdView(t, s, v), v)
			same(t, name+", read", must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), v.ULN, v.ID)), v)
			same(t, name+", its version", must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, 1)), v)
			same(t, name+", all", must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), v.ULN)), []*plr.ConfiguredView{v})
		}
	}},
	{"every version is kept", func(t *testing.T, s plr.Store) {
		v := createdView(t, s, View(NewULN()))
		want := []*plr.ConfiguredView{v}
		for i := range 12 {
			edited := must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), v.ULN, v.ID, rename(fmt.Sprint("name ", i), T0.Add(time.Hour))))
			want = append(want, copyOf(t, edited))
			same(t, "newest", must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), v.ULN, v.ID)), edited)
		}
		for i, w := range want {
			if w.Version != i+1 {
				t.Fatalf("version %d in place %d", w.Version, i)
			}
			same(t, "version", must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, i+1)), w)
		}
		for _, version := range []int{0, -1, 14, 1 << 40} {
			_, err := s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, version)
			refused(t, err, plr.CodeNotFound)
		}
	}},
	{"a deleted view is there, marked", func(t *testing.T, s plr.Store) {
		v := createdView(t, s, View(NewULN()))
		gone := must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), v.ULN, v.ID, remove(T0)))
		if gone.DeletedAt == nil || !gone.DeletedAt.Equal(T0) {
			t.Fatalf("got %+v", gone)
		}
		same(t, "read", must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), v.ULN, v.ID)), gone)
		same(t, "all", must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), v.ULN)), []*plr.ConfiguredView{gone})
		same(t, "before", must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, 1)), v)
	}},
	{"a refused edit stores nothing and its error comes back as it is", func(t *testing.T, s plr.Store) {
		v := createdView(t, s, View(NewULN()))
		got, err := s.UpdateConfiguredView(t.Context(), v.ULN, v.ID, func(edited *plr.ConfiguredView) error {
			ok(t, rename("not this", T0)(edited))
			scribble(edited.Fields)
			return errEdit
		})
		if err != errEdit || got != nil {
			t.Fatalf("got %v, %v", got, err)
		}
		same(t, "view", must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), v.ULN, v.ID)), v)
		_, err = s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, 2)
		refused(t, err, plr.CodeNotFound)
	}},
	{"edits at once are all applied, and each version is kept", func(t *testing.T, s plr.Store) {
		v := createdView(t, s, View(NewULN()))
		names := together(40, func(i int) string {
			edited, err := s.UpdateConfiguredView(t.Context(), v.ULN, v.ID, rename(fmt.Sprint("name ", i), T0))
			if err != nil {
				t.Error(err)
				return ""
			}
			return fmt.Sprint(edited.Version, edited.Name)
		})
		for version := 2; version <= 41; version++ {
			kept := must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), v.ULN, v.ID, version))
			if !slices.Contains(names, fmt.Sprint(version, kept.Name)) {
				t.Fatalf("nobody made version %d as %q", version, kept.Name)
			}
		}
	}},
	{"what is returned and what is passed in are copies", func(t *testing.T, s plr.Store) {
		v := View(NewULN())
		want := copyOf(t, v)
		scribble(createdView(t, s, v))
		scribble(v)
		var kept *plr.ConfiguredView
		edited := must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), want.ULN, want.ID, func(v *plr.ConfiguredView) error {
			kept = v
			return rename("second", T0)(v)
		}))
		second := copyOf(t, edited)
		scribble(kept)
		scribble(edited)
		scribble(must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), want.ULN, want.ID)))
		scribble(must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), want.ULN, want.ID, 1)))
		scribble(must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), want.ULN))[0])
		same(t, "newest", must[*plr.ConfiguredView](t)(s.ConfiguredView(t.Context(), want.ULN, want.ID)), second)
		same(t, "first", must[*plr.ConfiguredView](t)(s.ConfiguredViewVersion(t.Context(), want.ULN, want.ID, 1)), want)
	}},
	{"the limit counts views that are not deleted", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		var first *plr.ConfiguredView
		for range plr.MaxConfiguredViews {
			first = createdView(t, s, View(uln))
		}
		_, err := s.CreateConfiguredView(t.Context(), View(uln), nil)
		refused(t, err, plr.CodeLimitReached)
		if n := len(must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln))); n != plr.MaxConfiguredViews {
			t.Fatalf("%d views", n)
		}
		must[*plr.ConfiguredView](t)(s.UpdateConfiguredView(t.Context(), uln, first.ID, remove(T0)))
		createdView(t, s, View(uln))
		_, err = s.CreateConfiguredView(t.Context(), View(uln), nil)
		refused(t, err, plr.CodeLimitReached)
		createdView(t, s, View(NewULN()))
	}},
	{"the limit holds for creates at once", func(t *testing.T, s plr.Store) {
		uln := NewULN()
		errs := together(plr.MaxConfiguredViews+30, func(int) error {
			_, err := s.CreateConfiguredView(t.Context(), View(uln), nil)
			return err
		})
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			refused(t, err, plr.CodeLimitReached)
		}
		held := len(must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), uln)))
		if made != plr.MaxConfiguredViews || held != made {
			t.Fatalf("%d made, %d held", made, held)
		}
	}},
	{"views are the owner's alone", func(t *testing.T, s plr.Store) {
		v := createdView(t, s, View(NewULN()))
		for name, call := range map[string]func(plr.ULN, string) error{
			"read": func(uln plr.ULN, id string) error {
				got, err := s.ConfiguredView(t.Context(), uln, id)
				if err != nil && got != nil {
					t.Error("a view beside the error")
				}
				return err
			},
			"version": func(uln plr.ULN, id string) error {
				_, err := s.ConfiguredViewVersion(t.Context(), uln, id, 1)
				return err
			},
			"edit": func(uln plr.ULN, id string) error {
				_, err := s.UpdateConfiguredView(t.Context(), uln, id, func(*plr.ConfiguredView) error { return nil })
				return err
			},
		} {
			t.Run(name, func(t *testing.T) { alike(t, call, v.ULN, v.ID, NewID("vw")) })
		}
		if list := must[[]*plr.ConfiguredView](t)(s.ConfiguredViews(t.Context(), NewULN())); len(list) != 0 {
			t.Fatalf("somebody else sees %v", list)
		}
	}},
}
