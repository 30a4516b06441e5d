package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/diagnostics"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// service is implemented by the app of every service.
type service interface {
	diagnostics.Component
	Handler() http.Handler
	Run(ctx context.Context) error
	Close()
}

// process is a process that runs one service.
type process struct {
	// name is the name of the service.
	name string
	// listen is the address of the public API, diagnostics the address of the diagnostics.
	listen, diagnostics string
	// timeout is the total shutdown budget.
	timeout time.Duration
	log     *slog.Logger
	// tracer sends its spans before the process ends. It may be nil.
	tracer *tracing.Tracer
	// open connects the service and its bus to their dependencies. serve closes both.
	open func(ctx context.Context) (service, closer, error)
}

type closer interface{ Close() }

const (
	// shutdownTimeout is the total shutdown budget; it must be shorter than the orchestrator's kill timeout.
	shutdownTimeout = 20 * time.Second
	// busGrace is the time that running event handlers have to finish at shutdown. It must fit in the share of
	// shutdownTimeout that is left for the part that stops last, even if every other part has used its full share.
	busGrace = 2500 * time.Millisecond
)

// serve starts the diagnostics, connects the service to its dependencies and opens the public listener. Then it runs the
// service as serveOn does. The diagnostics start first and stop last.
func (p process) serve(ctx context.Context) error {
	diagnosticsServer, err := diagnostics.Listen(p.diagnostics, p.log)
	if err != nil {
		return fmt.Errorf("LOYALTY_DIAGNOSTICS_LISTEN: %w", err)
	}
	defer diagnosticsServer.Close()
	s, bus, err := p.open(ctx)
	if err != nil {
		return err
	}
	diagnosticsServer.Add(p.name, s)
	listener, err := net.Listen("tcp", p.listen)
	if err != nil {
		s.Close()
		bus.Close()
		return fmt.Errorf("LOYALTY_LISTEN: %w", err)
	}
	diagnosticsServer.MarkStarted()
	return p.serveOn(ctx, listener, s, bus)
}

// serveOn runs the service until ctx ends or a part fails, and then stops it within p.timeout. The HTTP server stops first,
// so that running requests can finish. The service and the bus are closed after everything that uses them has stopped.
func (p process) serveOn(ctx context.Context, listener net.Listener, s service, bus closer) error {
	g := lifecycle.New(ctx)
	g.OnStop("bus", func(context.Context) error { bus.Close(); return nil })
	g.OnStop("service", func(context.Context) error { s.Close(); return nil })
	server := gateway.NewServer(s.Handler(), p.log)
	g.Go("service", s.Run)
	g.Go("HTTP", func(ctx context.Context) error {
		result := make(chan error, 1)
		go func() { result <- server.Serve(listener) }()
		select {
		case err := <-result:
			return err
		case <-ctx.Done():
		}
		finish, cancel := lifecycle.Finish(ctx)
		defer cancel()
		err := server.Stop(finish)
		if serveErr := <-result; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	})
	p.log.Info("serving", "address", listener.Addr().String())
	err := g.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.timeout)
	defer cancel()
	err = errors.Join(err, g.Stop(stop))
	if traceErr := p.tracer.Shutdown(stop); traceErr != nil {
		p.log.Warn("some spans were not sent", "error", traceErr)
	}
	p.log.Info("stopped")
	return err
}
