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

// front is the public HTTP server. It listens before the services start, so that a port in use is reported at once. Its
// first handler reports that the services are not ready. setHandler replaces it with the handler of the platform.
type front struct {
	address     string
	server      *gateway.Server
	handler     atomic.Pointer[http.Handler]
	serveResult chan error
}

var errStarting = errors.New("starting")

func openFront(address string, log *slog.Logger) (*front, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, listenError(address, "--addr", err)
	}
	f := &front{address: listener.Addr().String(), serveResult: make(chan error, 1)}
	starting := func(context.Context) error { return errStarting }
	f.setHandler(gateway.New(gateway.Services{Ready: map[string]func(context.Context) error{
		"users": starting, "promotions": starting, "notifications": starting,
	}}, gateway.Options{Docs: openapi.FS})) // no log: not being ready is expected while starting
	f.server = gateway.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*f.handler.Load()).ServeHTTP(w, r)
	}), log)
	go func() { f.serveResult <- f.server.Serve(listener) }()
	return f, nil
}

// listenError returns the error of a listener, with the flag that sets its address.
func listenError(address, flag string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if sys, ok := errors.AsType[*os.SyscallError](err); ok {
		err = sys.Err
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address with %s", address, err, flag)
}

// setHandler replaces the handler.
func (f *front) setHandler(h http.Handler) { f.handler.Store(&h) }

// run waits until the server fails or ctx ends. When ctx ends, run stops the server and waits for requests in progress.
func (f *front) run(ctx context.Context) error {
	select {
	case err := <-f.serveResult:
		return err
	case <-ctx.Done():
		finish, cancel := lifecycle.Finish(ctx)
		defer cancel()
		return f.close(finish)
	}
}

// close stops the server as gateway.Server.Stop does and waits until Serve has returned. It returns no error for requests
// that Stop aborts because of the deadline of ctx.
func (f *front) close(ctx context.Context) error {
	err := f.server.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	<-f.serveResult //nolint:errcheck // always http.ErrServerClosed
	return err
}
