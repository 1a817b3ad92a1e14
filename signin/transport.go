package signin

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// providerTimeout is the longest one call to the provider may take, body included.
	providerTimeout = 5 * time.Second
	// maxProviderBody is far above any honest answer.
	maxProviderBody = 1 << 20
	// maxProviderCalls run at once, so that a provider that hangs cannot pile up
	// goroutines: 1,200 sign-ins a second at 0.2 s each need 240.
	maxProviderCalls = 512
	// After breakerFaults failed calls in a row the provider is left alone, but for
	// one trial call every breakerPause. Short, so that its return is noticed.
	breakerFaults = 5
	breakerPause  = 2 * time.Second
)

const (
	errProviderResting = why("provider failed repeatedly and is left alone for a moment")
	errProviderBusy    = why("too many calls to the provider at once")
	errBodyTooLarge    = why("provider sent more than 1 MiB")
	errRedirected      = why("provider redirected a direct call")
	errServerError     = why("provider has a fault of its own")
)

// newProviderClient makes the one client through which every direct call to the
// provider goes.
func newProviderClient(base http.RoundTripper, userAgent string, now func() time.Time) *http.Client {
	return &http.Client{
		Transport: &transport{
			base: base, userAgent: userAgent, timeout: providerTimeout,
			slots:   make(chan struct{}, maxProviderCalls),
			breaker: &breaker{now: now},
		},
		// A redirect would carry a code or a token to an address nobody checked.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
	}
}

// transport holds what must be true of every call, whichever library makes it.
type transport struct {
	base      http.RoundTripper
	userAgent string
	timeout   time.Duration
	slots     chan struct{}
	breaker   *breaker
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.breaker.allow() {
		closeBody(req)
		return nil, errProviderResting
	}
	select {
	case t.slots <- struct{}{}:
	default:
		closeBody(req)
		return nil, errProviderBusy
	}
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	release := sync.OnceFunc(func() { cancel(); <-t.slots })

	out := req.Clone(ctx)
	out.Header.Set("User-Agent", t.userAgent) // One Login answers 403 without
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		t.judge(req, err)
		release()
		return nil, err
	}
	body := &cappedBody{body: resp.Body, left: maxProviderBody}
	// Judged at its end: a provider may also hang in the middle of an answer.
	body.done = sync.OnceFunc(func() {
		if body.fault == nil && resp.StatusCode >= http.StatusInternalServerError {
			body.fault = errServerError
		}
		t.judge(req, body.fault)
		release()
	})
	if resp.ContentLength > maxProviderBody {
		_ = body.Close()
		return nil, errBodyTooLarge
	}
	resp.Body = body
	return resp, nil
}

// judge tells the breaker how a call went.
func (t *transport) judge(req *http.Request, fault error) {
	switch {
	case fault == nil:
		t.breaker.worked()
	// A caller that gave up says nothing about the provider.
	case req.Context().Err() == nil:
		t.breaker.failed()
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must, also when it fails
	}
}

// cappedBody fails, rather than truncates, after left bytes. The call's deadline
// and slot last until it is closed.
type cappedBody struct {
	body  io.ReadCloser
	left  int
	fault error // why the rest could not be read
	done  func()
}

func (b *cappedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.fault = err
	}
	if b.left -= n; b.left < 0 {
		return 0, errBodyTooLarge
	}
	return n, err
}

func (b *cappedBody) Close() error {
	defer b.done()
	return b.body.Close()
}

// breaker counts failures in a row.
type breaker struct {
	now    func() time.Time
	mu     sync.Mutex
	faults int
	until  time.Time
}

func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.faults < breakerFaults {
		return true
	}
	now := b.now()
	// A pause longer than the pause there is means that the clock was set back.
	if rest := b.until.Sub(now); rest > 0 && rest <= breakerPause {
		return false
	}
	b.until = now.Add(breakerPause) // this call is the trial; the next one waits
	return true
}

func (b *breaker) worked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = 0
}

func (b *breaker) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults++
	if b.faults >= breakerFaults {
		b.until = b.now().Add(breakerPause)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}

// kindOf names an error by what it is, for errors whose text may quote what came
// from outside.
func kindOf(err error) string {
	var dial *net.OpError
	var cert *tls.CertificateVerificationError
	var refusal redis.Error
	switch {
	case errors.As(err, &dial):
		return "no connection (" + dial.Op + ")"
	case errors.As(err, &cert):
		return "certificate not trusted"
	case errors.As(err, &refusal):
		// Redis begins with a word of its own choice in capitals, such as OOM.
		word, _, _ := strings.Cut(refusal.Error(), " ")
		if strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
			return "Redis refused: " + word
		}
		return "Redis refused"
	}
	return "unexpected answer"
}
