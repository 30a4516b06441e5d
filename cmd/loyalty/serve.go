package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// service is implemented by the app of every service.
type service interface {
	Handler() http.Handler
	Run(ctx context.Context) error
	Close()
}

const (
	// shutdownTimeout is the total shutdown budget; it must be shorter than the orchestrator's kill timeout.
	shutdownTimeout = 20 * time.Second
	// busGrace is the time that running event handlers have to finish at shutdown. It must fit in the share of
	// shutdownTimeout that is left for the part that stops last, even if every other part has used its full share.
	busGrace = 2500 * time.Millisecond
)

// serve runs a service until ctx ends or a part fails, and then stops it within the given timeout. The HTTP server stops
// first, so that running requests can finish. The service and the bus are closed after everything that uses them has
// stopped.
func serve(
	ctx context.Context, listen string, s service, bus interface{ Close() }, timeout time.Duration, log *slog.Logger,
) error {
	g := lifecycle.New(ctx)
	g.OnStop("bus", func(context.Context) error { bus.Close(); return nil })
	g.OnStop("service", func(context.Context) error { s.Close(); return nil })
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return errors.Join(fmt.Errorf("LOYALTY_LISTEN: %w", err), g.Stop(ctx))
	}
	server := gateway.NewServer(s.Handler(), log)
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
	log.Info("serving", "address", listener.Addr().String())
	err = g.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	err = errors.Join(err, g.Stop(stop))
	log.Info("stopped")
	return err
}
