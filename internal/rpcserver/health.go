package rpcserver

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

// health answers 200 if the service is ready, and 503 otherwise. The answer does not contain the reason.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	status, text := http.StatusOK, "ok"
	if err := s.ready(r.Context()); err != nil {
		status, text = http.StatusServiceUnavailable, "unavailable"
	}
	s.writeHealth(w, status, text)
}

// live always answers 200.
func (s *Server) live(w http.ResponseWriter, _ *http.Request) { s.writeHealth(w, http.StatusOK, "ok") }

func (s *Server) writeHealth(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	answer := map[string]string{"service": s.cfg.Service, "status": text}
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
