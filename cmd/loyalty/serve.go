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

// service is what every service's app offers.
type service interface {
	Handler() http.Handler
	Run(ctx context.Context) error
	Close()
}

// serve runs a service until ctx ends: its listener is the first to stop, so that requests under way still find
// everything else.
func serve(ctx context.Context, listen string, s service, log *slog.Logger) error {
	defer s.Close()
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("LOYALTY_LISTEN: %w", err)
	}
	server := gateway.NewServer(s.Handler(), log)

	g := lifecycle.New(ctx)
	g.Go("events", s.Run)
	g.Go("HTTP", func(ctx context.Context) error {
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err := server.Shutdown(stop)
		if err != nil { // what takes longer is cut off: it may be asked again
			err = errors.Join(err, server.Close())
		}
		if served := <-served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	log.Info("serving", "address", listener.Addr().String())
	err = g.Run()
	log.Info("stopped")
	return err
}
