package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/casino-loyalty/loyalty/internal/diagnostics"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/readiness"
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
	// proxies are the trusted proxies.
	proxies []netip.Prefix
	// tracer sends its spans before the process ends. It may be nil.
	tracer *tracing.Tracer
	bus    eventBus
	// open connects the service to its database and then to Redis. serve closes the service and the bus.
	open func(ctx context.Context, bus event.Bus) (service, error)
	// database and redis are the names of the settings with the addresses of the database and Redis.
	database, redis string
	// role is the role with which the service connects to PostgreSQL. It is zero if the service does not use it.
	role serviceRole
}

// eventBus connects a service to the event bus. busSettings implements it.
type eventBus interface {
	// connect returns a bus without waiting for its servers.
	connect(ctx context.Context, log *slog.Logger) (event.Bus, error)
	// createTopics creates the topics of the platform that do not exist.
	createTopics(ctx context.Context, bus event.Bus) error
	// setting returns the name of the setting with the addresses of the servers.
	setting() string
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
// service as serveOn does. The diagnostics start first and stop last. While a dependency cannot be reached, serve waits.
func (p process) serve(ctx context.Context) error {
	diagnosticsServer, err := diagnostics.Listen(p.diagnostics, p.log)
	if err != nil {
		return fmt.Errorf("LOYALTY_DIAGNOSTICS_LISTEN: %w", err)
	}
	defer diagnosticsServer.Close()
	bus, err := p.bus.connect(ctx, p.log)
	if err != nil {
		return err
	}
	start := newStarting(p.name, p.log, []dependency{
		{readiness.Bus, p.bus.setting()}, {readiness.Database, p.database}, {readiness.Redis, p.redis},
	})
	diagnosticsServer.Set(p.name, start)
	var s service
	err = start.connect(ctx, func(ctx context.Context) (err error) {
		if err = p.bus.createTopics(ctx, bus); err == nil {
			err = p.role.check(ctx)
		}
		if err == nil {
			s, err = p.open(ctx, bus)
		}
		return err
	})
	if err != nil {
		bus.Close()
		if ctx.Err() != nil { // stopped while it waited
			p.log.Info("stopped")
			err = nil
		}
		return err
	}
	diagnosticsServer.Set(p.name, s)
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
	server := gateway.NewServer(s.Handler(), p.log, p.proxies...)
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
