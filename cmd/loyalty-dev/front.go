package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/casino-loyalty/loyalty/internal/gateway"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/openapi"
)

// front is the public port. It is open from the very start, so that a port that is taken is told at once and health
// checks get their answer; until the services are there it says that they are not.
type front struct {
	address string
	server  *gateway.Server
	handler atomic.Pointer[http.Handler]
	served  chan error
}

var errStarting = errors.New("starting")

func openFront(address string, log *slog.Logger) (*front, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		if sys, ok := errors.AsType[*os.SyscallError](err); ok {
			err = sys.Err
		}
		return nil, fmt.Errorf("cannot listen on %s: %w: name another address with --addr", address, err)
	}
	f := &front{address: listener.Addr().String(), served: make(chan error, 1)}
	starting := func(context.Context) error { return errStarting }
	f.serve(gateway.New(gateway.Services{Ready: map[string]func(context.Context) error{
		"users": starting, "promotions": starting, "notifications": starting,
	}}, gateway.Options{Docs: openapi.FS})) // what is said while starting is no news
	f.server = gateway.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*f.handler.Load()).ServeHTTP(w, r)
	}), log)
	go func() { f.served <- f.server.Serve(listener) }()
	return f, nil
}

// serve makes h answer from now on.
func (f *front) serve(h http.Handler) { f.handler.Store(&h) }

// run watches the server and, when ctx ends, lets the requests under way finish.
func (f *front) run(ctx context.Context) error {
	select {
	case err := <-f.served:
		return err
	case <-ctx.Done():
		finish, cancel := lifecycle.Finish(ctx)
		defer cancel()
		return f.close(finish)
	}
}

// close stops the server. Requests that do not finish before ctx ends are cut off, which is no failure here.
func (f *front) close(ctx context.Context) error {
	err := f.server.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	<-f.served //nolint:errcheck // it says that the server is closed
	return err
}
