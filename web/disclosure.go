package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"openplr/plr"
)

// ErrNotDisclosed: nothing was written, because the time in which it might have
// been is over or cannot be kept. The answer must be replaced by one without data.
var ErrNotDisclosed = errors.New("too late to disclose")

// Disclosing begins a request whose answer may hold somebody's data. Whatever
// opens links runs in the context it returns. done ends the leases taken; it
// must run on every way out, and after WriteDisclosure, because an owner who
// switches sharing off waits until then.
func Disclosing(ctx context.Context) (disclosing context.Context, d *plr.Disclosures, done func()) {
	disclosing, d = plr.WithDisclosures(ctx)
	return disclosing, d, func() {
		// Also for a reader who has gone: the lease ends now, not when it runs out.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), plr.LeaseLife)
		defer cancel()
		d.Done(ctx)
	}
}

// WriteDisclosure writes a complete answer, and returns when its last byte has
// left the process or will never leave. Every other header must be set before.
//
// When d holds a disclosure, it first makes sure that there is time to write
// (Disclosures.Hold), and no byte is written after d's deadline: not by a slow
// service, which gets ErrNotDisclosed, and not by a slow reader, whose
// connection fails. A ResponseWriter that cannot keep a deadline also gets
// ErrNotDisclosed: middleware that wraps it must offer Unwrap
// (http.ResponseController). After any other error the answer is broken off and
// nothing more can be said.
func WriteDisclosure(ctx context.Context, w http.ResponseWriter, d *plr.Disclosures, status int, body []byte) error {
	if err := d.Hold(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrNotDisclosed, err)
	}
	deadline, discloses := d.Deadline()
	conn := http.NewResponseController(w)
	if discloses {
		if !time.Now().Before(deadline) { //nolint:forbidigo // a lease ends on this process's own watch
			return ErrNotDisclosed
		}
		if err := conn.SetWriteDeadline(deadline); err != nil {
			return fmt.Errorf("%w: %w", ErrNotDisclosed, err)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil || !discloses {
		return err
	}
	if err := conn.Flush(); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{}) // the connection may serve again
}
