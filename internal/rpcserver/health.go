package rpcserver

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// health answers 200 if the service is ready, and DEPENDENCY_UNAVAILABLE otherwise. The answer does not contain the reason.
// Health checks are neither logged nor counted, because package readiness logs outages.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if s.ready(r.Context()) != nil {
		e := apperr.New(apperr.DependencyUnavailable, "%s: unavailable", s.cfg.Service)
		writeProblem(w, r, requestInfoFrom(r.Context()), withRetryAfter(e))
		return
	}
	s.live(w, r)
}

// live always answers 200.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	answer := map[string]string{"service": s.cfg.Service, "status": "ok"}
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // it fails only if the client has disconnected
}

func (s *Server) ready(ctx context.Context) error {
	if s.cfg.Ready == nil {
		return nil
	}
	return s.cfg.Ready(ctx)
}

// readiness implements the gRPC health protocol.
type readiness struct {
	server   *Server
	services []string
}

// Check implements grpchealth.Checker. It returns the readiness of the server for every service, and CodeNotFound for an
// unknown service.
func (c *readiness) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if req.Service != "" && !slices.Contains(c.services, req.Service) {
		return nil, connect.NewError(connect.CodeNotFound, nil)
	}
	if c.server.ready(ctx) != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil //nolint:nilerr // the status is the answer
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
