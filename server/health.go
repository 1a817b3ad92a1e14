package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"openplr/plr"
)

// health answers probes. Live: the process runs. Ready: it can serve.
type health struct {
	store    plr.Store
	redis    redis.UniversalClient
	logger   *slog.Logger
	stopping atomic.Bool
}

const probeTime = time.Second

func (h *health) live(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") }

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	switch {
	case h.stopping.Load():
		answer(w, http.StatusServiceUnavailable, "stopping")
	case h.store.Ping(ctx) != nil:
		answer(w, http.StatusServiceUnavailable, "store unavailable")
	case h.redis.Ping(ctx).Err() != nil:
		answer(w, http.StatusServiceUnavailable, "session store unavailable")
	default:
		answer(w, http.StatusOK, "ready")
	}
}

func answer(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(word + "\n"))
}
