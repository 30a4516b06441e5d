package gateway

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// readyTimeout is the total timeout for the readiness checks of one request.
const readyTimeout = 2 * time.Second

const (
	statusOK          = "ok"
	statusUnavailable = "unavailable"
)

// health serves the readiness checks. /health answers 200 if all services are ready, and DEPENDENCY_UNAVAILABLE otherwise.
// /health/{service} does the same for one service. /health/live always answers 200.
type health struct {
	ready map[string]func(context.Context) error
}

type healthAnswer struct {
	Status   string            `json:"status"`
	Services map[string]string `json:"services,omitempty"`
}

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/health"), "/")
	ready, ok := h.ready[name]
	switch {
	case name != "" && name != "live" && !ok:
		rpcserver.WriteProblem(w, r, apperr.New(apperr.NotFound, `unknown service "%s"`, printable.Clip(name, limits.Echo)))
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		rpcserver.WriteProblem(w, r, apperr.New(apperr.MethodNotAllowed, "use GET or HEAD"))
		return
	}
	answer := healthAnswer{Status: statusOK}
	switch name {
	case "live":
	case "":
		answer = h.check(r.Context(), h.ready)
	default:
		answer = h.check(r.Context(), map[string]func(context.Context) error{name: ready})
	}
	if answer.Status != statusOK {
		rpcserver.WriteProblem(w, r, apperr.New(apperr.DependencyUnavailable, "%s", answer.states()))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // it fails only if the client has disconnected
}

// states lists the state of each service, such as "promotions: unavailable, users: ok".
func (a healthAnswer) states() string {
	states := make([]string, 0, len(a.Services))
	for _, name := range slices.Sorted(maps.Keys(a.Services)) {
		states = append(states, name+": "+a.Services[name])
	}
	return strings.Join(states, ", ")
}

// check runs the readiness checks of services concurrently.
func (h *health) check(ctx context.Context, services map[string]func(context.Context) error) healthAnswer {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	answer := healthAnswer{Status: statusOK, Services: map[string]string{}}
	for name, ready := range services {
		wg.Go(func() {
			err := ready(ctx)
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

// grpcHealth implements the gRPC health protocol for the public services.
type grpcHealth struct {
	health *health
	// services maps a protobuf service name to a name in health.ready.
	services map[string]string
}

// Check implements grpchealth.Checker. An empty service name asks for all services.
func (g *grpcHealth) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	checks := g.health.ready
	if req.Service != "" {
		name, ok := g.services[req.Service]
		ready := g.health.ready[name]
		if !ok || ready == nil {
			return nil, connect.NewError(connect.CodeNotFound, nil)
		}
		checks = map[string]func(context.Context) error{name: ready}
	}
	if g.health.check(ctx, checks).Status != statusOK {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
