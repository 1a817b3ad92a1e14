package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"
)

type requestIDKey struct{}

// requestID names the request in logs and in what a caller may quote.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// statusRecorder remembers the status for the access log. Unwrap keeps
// deadlines and flushing reachable through http.ResponseController.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the writer below.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// observe names each request, writes one access line and turns a panic into
// an answer without detail. The line has the route's pattern, never the path
// or the query: both can carry what must not be kept.
func observe(logger *slog.Logger, mux *http.ServeMux, problem http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now() //nolint:forbidigo // how long a request took, by the monotonic clock
			r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, rand.Text()))
			rec := &statusRecorder{ResponseWriter: w}
			defer func() {
				if thrown := recover(); thrown != nil {
					logPanic(r.Context(), logger, thrown)
					if rec.status == 0 {
						problem(rec, r)
					}
				}
				_, pattern := mux.Handler(r)
				logger.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("ref", requestID(r.Context())),
					slog.String("route", pattern), slog.Int("status", rec.status), slog.Duration("took", time.Since(began)))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}

// logPanic logs where a panic came from, not what was thrown: the value can
// hold anything. It gives the reference it was logged under.
func logPanic(ctx context.Context, logger *slog.Logger, thrown any) string {
	ref := requestID(ctx)
	logger.LogAttrs(ctx, slog.LevelError, "panic", slog.String("ref", ref),
		slog.String("kind", fmt.Sprintf("%T", thrown)), slog.String("at", panicSite()))
	return ref
}

// panicSite names the innermost of our own functions on the stack.
func panicSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "openplr/") && !strings.Contains(frame.Function, "openplr/graph") {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		if !more {
			return "outside"
		}
	}
}

// onlyHost refuses requests for another host than the public one, so that no
// page of ours is served under somebody else's name. Probes come by address.
func onlyHost(host string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.EqualFold(r.Host, host) && r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
				http.Error(w, "This server does not answer for that host.", http.StatusMisdirectedRequest)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// quietly keeps net/http's own log lines, which quote what clients sent, out
// of the log: each becomes one line without words.
type quietly struct{ logger *slog.Logger }

func (q quietly) Write(p []byte) (int, error) {
	q.logger.Warn("connection fault")
	return len(p), nil
}
