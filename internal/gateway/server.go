package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// Server is an HTTP server that can wait for its handlers.
type Server struct {
	http.Server
	cancel      context.CancelFunc // cancels the requests in progress
	handling    sync.RWMutex       // read-locked by each running handler
	connections *connections
	draining    atomic.Bool
	drain       time.Duration // see drainTime
}

// drainTime is the maximum time for which a server behind a proxy continues to accept requests after Stop. In this time,
// each answer over HTTP/1.1 tells the proxy to close the connection. If the server closed idle connections at once, the
// proxy could send a request on such a connection at the same moment. It could then not know whether the request had an
// effect.
const drainTime = 500 * time.Millisecond

// NewServer returns a server that speaks HTTP/1.1 and unencrypted HTTP/2, which gRPC needs, on one port. Its timeouts limit
// slow clients, including clients that do not read their answers. They do not apply to upgraded connections. Its other
// limits are those of package limits. The number of connections of an address is not limited for trusted proxies.
func NewServer(h http.Handler, log *slog.Logger, trusted ...netip.Prefix) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	requests, cancel := context.WithCancel(context.Background())
	s := &Server{cancel: cancel, connections: newConnections(trusted)}
	if len(trusted) > 0 {
		s.drain = drainTime
	}
	s.Server = http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.handling.TryRLock() { // stopped
				panic(http.ErrAbortHandler)
			}
			defer s.handling.RUnlock()
			if r.ProtoMajor == 1 && s.draining.Load() {
				w.Header().Set("Connection", "close")
			}
			h.ServeHTTP(w, r)
		}),
		BaseContext: func(net.Listener) context.Context { return requests },
		ConnState:   s.connections.change,
		Protocols:   protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: limits.Streams, MaxReceiveBufferPerStream: limits.StreamBuffer,
			MaxReceiveBufferPerConnection: limits.ConnectionBuffer,
		},
		ReadHeaderTimeout: limits.HeaderTimeout,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // counts from the end of the headers, so it covers the request body and the call
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    limits.Header,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve accepts connections until Stop is called. It answers requests that cannot be parsed with problem documents.
func (s *Server) Serve(l net.Listener) error { return s.Server.Serve(problemListener{l}) }

// Stop stops listening and returns when no handler is running. Behind a proxy, it first waits for up to half a second until
// the proxy has closed its connections. Requests in progress may take three quarters of the time
// until the deadline of ctx. Then Stop closes their connections, cancels their contexts and returns an error. Clients can
// repeat such requests. Stop waits for canceled handlers even after ctx has ended. It must be called at most once.
func (s *Server) Stop(ctx context.Context) error {
	defer s.cancel()
	stopCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	if end, bounded := ctx.Deadline(); bounded {
		stopCtx, cancel = context.WithTimeout(stopCtx, time.Until(end)*3/4)
		defer cancel()
	}
	s.awaitClosed(stopCtx)
	err := s.Shutdown(stopCtx)
	if err != nil {
		err = errors.Join(err, s.Close())
		s.cancel() // after Close, so that no client receives the answer of a canceled handler
	}
	s.handling.Lock() // never unlocked, so that no new handler starts
	return err
}

// awaitClosed waits until all connections are closed, for at most s.drain.
func (s *Server) awaitClosed(ctx context.Context) {
	s.draining.Store(true)
	ctx, cancel := context.WithTimeout(ctx, s.drain)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.connections.count() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
