package mongostore_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"openplr/plr"
	"openplr/store/mongostore"
)

func TestOpenNeedsNoServerAndRepeatsNoSecret(t *testing.T) {
	for _, uri := range []string{"", "no uri", "mongodb://user:hunter2@", "http://user:hunter2@host/", "mongodb://user:hunter2@host/?w=many&tls=perhaps"} {
		s, err := mongostore.Open(mongostore.Config{URI: uri})
		if s != nil || !errors.Is(err, mongostore.ErrURI) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, %v", uri, s, err)
		}
	}
	s, err := mongostore.Open(mongostore.Config{URI: "mongodb://host.invalid/openplr"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNobodyThere: an answer comes within the time, the next ones at once.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s, err := mongostore.Open(mongostore.Config{URI: "mongodb://" + addr, Timeout: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for i, most := range []time.Duration{2 * time.Second, 100 * time.Millisecond, 100 * time.Millisecond} {
		began := time.Now()
		_, err := s.Sharing(t.Context(), "9000000016")
		var e *plr.Error
		if !errors.As(err, &e) || e.Code != plr.CodeUnavailable || e.RetryAfter <= 0 {
			t.Fatalf("call %d: %v", i, err)
		}
		if strings.Contains(err.Error(), addr) {
			t.Fatalf("call %d: the driver's words: %v", i, err)
		}
		if took := time.Since(began); took > most {
			t.Fatalf("call %d took %v", i, took)
		}
	}
}
