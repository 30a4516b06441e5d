// Package diagnostics serves what operators need to know about a process: metrics, liveness, readiness and profiles. It has
// a separate address, which must not be reachable from outside: profiles and the reasons for outages are confidential.
//
//	GET /metrics       metrics in the Prometheus format
//	GET /health/live   200 while the process runs
//	GET /health/ready  200 if the process has started and every component is ready, else 503; the body lists each
//	                   dependency, and the reason if it is unavailable
//	GET /debug/pprof/  profiles of the Go runtime
package diagnostics

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

// Component is a part of the process, such as a service.
type Component interface {
	// Metrics returns the metrics of the component.
	Metrics() prometheus.Gatherer
	// Ready returns an error if the component cannot do its work now.
	Ready(ctx context.Context) error
	// Dependencies returns the results of the last readiness checks.
	Dependencies() []readiness.Status
}

// Server serves the diagnostics of a process. Its methods are safe for concurrent use.
type Server struct {
	log      *slog.Logger
	process  prometheus.Gatherer
	listener net.Listener
	server   http.Server
	served   chan struct{}

	mu         sync.Mutex
	names      []string
	components []Component
	started    bool
}

const (
	readHeaderTimeout = 10 * time.Second
	// maxScrapes is the maximum number of concurrent scrapes. A scrape queries the database and the bus.
	maxScrapes = 4
	// readyTimeout limits the checks of one readiness request. It is longer than the timeout for the checks of one
	// component in package readiness.
	readyTimeout = 5 * time.Second
)

// Listen listens on an address and serves diagnostics until Close. The process is not ready until MarkStarted is called.
func Listen(address string, log *slog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{log: log, process: metrics.Process(), listener: listener, served: make(chan struct{})}
	s.server = http.Server{
		Handler: s.handler(), ReadHeaderTimeout: readHeaderTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.served)
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("diagnostics are not served any more", "error", err)
		}
	}()
	log.Info("serving diagnostics", "address", s.Addr())
	return s, nil
}

// Addr returns the address of the server, as "host:port".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Set adds a component. It replaces a component of the same name.
func (s *Server) Set(name string, c Component) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Handlers may still use the old slices.
	s.names, s.components = slices.Clone(s.names), slices.Clone(s.components)
	if i := slices.Index(s.names, name); i >= 0 {
		s.components[i] = c
		return
	}
	s.names, s.components = append(s.names, name), append(s.components, c)
}

// MarkStarted marks the process as started. Call it after all components have been added.
func (s *Server) MarkStarted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
}

// Close stops the server and closes its connections. Call it last, so that the other parts can be observed while they stop.
func (s *Server) Close() {
	_ = s.server.Close() // the only possible error is from closing the listener
	<-s.served
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.GathererFunc(s.gather), promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	}))
	mux.HandleFunc("GET /health/live", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, health{Status: statusOK})
	})
	mux.HandleFunc("GET /health/ready", s.ready)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// gather returns the metrics of the process and of all components.
func (s *Server) gather() ([]*dto.MetricFamily, error) {
	all := prometheus.Gatherers{s.process}
	_, components, _ := s.state()
	for _, c := range components {
		all = append(all, c.Metrics())
	}
	return all.Gather()
}

func (s *Server) state() (names []string, components []Component, started bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names, s.components, s.started
}

// The values of health.Status.
const (
	statusOK          = "ok"
	statusStarting    = "starting"
	statusUnavailable = "unavailable"
)

// health is the body of the answers of the health routes.
type health struct {
	Status       string       `json:"status"`
	Dependencies []dependency `json:"dependencies,omitempty"`
}

type dependency struct {
	Component  string `json:"component"`
	Dependency string `json:"dependency"`
	Available  bool   `json:"available"`
	Reason     string `json:"reason,omitempty"`
}

// ready answers with the state of every dependency of every component.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	names, components, started := s.state()
	code, body := http.StatusOK, health{Status: statusOK}
	for i, c := range components {
		if c.Ready(ctx) != nil {
			code, body.Status = http.StatusServiceUnavailable, statusUnavailable
		}
		for _, d := range c.Dependencies() {
			body.Dependencies = append(body.Dependencies, dependency{names[i], d.Dependency, d.Available, d.Reason})
		}
	}
	if !started {
		code, body.Status = http.StatusServiceUnavailable, statusStarting
	}
	write(w, code, body)
}

func write(w http.ResponseWriter, code int, body health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // it fails only if the client has disconnected
}
