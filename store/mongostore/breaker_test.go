package mongostore

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	now := time.Unix(0, 0)
	b := &breaker{now: func() time.Time { return now }}
	try := func() (let, probe bool) {
		probe, err := b.enter()
		return err == nil, probe
	}
	let, probe := try()
	if !let || probe {
		t.Fatal("a new breaker is not closed")
	}
	b.leave(false, unknown)
	if let, _ := try(); !let {
		t.Fatal("a broken connection opened it")
	}
	b.leave(false, silent)
	if let, _ := try(); let {
		t.Fatal("silence did not open it")
	}
	now = now.Add(breakFor - 1)
	if let, _ := try(); let {
		t.Fatal("it let somebody in too early")
	}
	now = now.Add(1)
	if let, probe = try(); !let || !probe {
		t.Fatal("nobody may probe")
	}
	if let, _ := try(); let {
		t.Fatal("two probe")
	}
	b.leave(true, silent)
	if let, _ := try(); let {
		t.Fatal("a silent probe closed it")
	}
	now = now.Add(breakFor)
	if _, probe = try(); !probe {
		t.Fatal("nobody may probe again")
	}
	b.leave(true, unknown) // that caller left first
	if _, probe = try(); !probe {
		t.Fatal("a probe that left keeps the next one out")
	}
	now = now.Add(probeFor)
	if _, probe = try(); !probe {
		t.Fatal("a probe that takes long keeps everybody out")
	}
	b.leave(true, answered)
	for range 3 {
		if let, probe = try(); !let || probe {
			t.Fatal("an answer did not close it")
		}
	}
}
