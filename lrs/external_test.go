package lrs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"openplr/lrs"
)

// The service's public test answers, where somebody has them: name their folder
// in OPENPLR_LRS_SAMPLES. The project carries no copies; TestReadShapes tries
// the same shapes with values of its own.
func TestExternalAnswers(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("OPENPLR_LRS_SAMPLES")
	if dir == "" {
		t.Log("left out: reading the service's public test answers, since OPENPLR_LRS_SAMPLES names no folder")
		return
	}
	paths := must(filepath.Glob(filepath.Join(dir, "*.xml")))
	if len(paths) == 0 {
		t.Fatalf("OPENPLR_LRS_SAMPLES has no XML files")
	}
	im, store, rejects := importing()
	s := summaryOf(t, im, lrs.Paths(paths...)...)
	if s.Rejected() > 0 {
		t.Errorf("rejects: %s", rejects)
	}
	var events []int
	for uln := range store.records {
		if n := len(store.record(uln).Events); n > 0 {
			events = append(events, n)
		}
	}
	if slices.Sort(events); !slices.Equal(events, []int{7, 18}) {
		t.Errorf("learners with %v events, want 7 and 18", events)
	}
	if err := s.Print(t.Output()); err != nil {
		t.Error(err)
	}
	if again := summaryOf(t, im, lrs.Paths(paths...)...); again.EventsSame != 25 || again.EventsAdded+again.EventsChanged+again.LearnersNew+again.LearnersChanged != 0 {
		t.Errorf("the second time: %+v", again)
	}
}
