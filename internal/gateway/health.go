package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// readyWithin is how long a service may take to say that it is ready.
const readyWithin = 2 * time.Second

const (
	statusOK          = "ok"
	statusUnavailable = "unavailable"
)

// health answers /health for all services and /health/{service} for one: 200 when all that was asked about is ready,
// else 503.
type health struct {
	ready map[string]func(context.Context) error
	log   *slog.Logger

	mu   sync.Mutex
	down map[string]bool // as last logged
}

type healthAnswer struct {
	Status   string            `json:"status"`
	Services map[string]string `json:"services"`
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := h.ready
	if name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/health"), "/"); name != "" {
		ready, ok := h.ready[name]
		if !ok {
			rpcserver.WriteProblem(w, r, apperr.New(apperr.NotFound, "no service %q", name))
			return
		}
		asked = map[string]func(context.Context) error{name: ready}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		rpcserver.WriteProblem(w, r, apperr.New(apperr.MethodNotAllowed, "health is only read"))
		return
	}
	answer := h.ask(r.Context(), asked)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if answer.Status != statusOK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // fails only for a client that has gone
}

// ask asks the services all at once.
func (h *health) ask(ctx context.Context, services map[string]func(context.Context) error) healthAnswer {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	answer := healthAnswer{Status: statusOK, Services: map[string]string{}}
	for name, ready := range services {
		wg.Go(func() {
			err := ready(ctx)
			h.note(name, err)
			mu.Lock()
			defer mu.Unlock()
			answer.Services[name] = statusOK
			if err != nil {
				answer.Services[name] = statusUnavailable
				answer.Status = statusUnavailable
			}
		})
	}
	wg.Wait()
	return answer
}

// note logs when a service goes down or comes back.
func (h *health) note(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down == nil {
		h.down = map[string]bool{}
	}
	switch {
	case err != nil && !h.down[name]:
		h.log.Warn("service is not ready", "service", name, "error", err)
	case err == nil && h.down[name]:
		h.log.Info("service is ready", "service", name)
	}
	h.down[name] = err != nil
}
