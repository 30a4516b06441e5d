package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server that knows when its last handler has ended.
type Server struct {
	http.Server
	cut      context.CancelFunc // ends the requests under way
	handling sync.RWMutex       // read-locked by each handler
}

// NewServer returns a server for the handler that speaks HTTP/1.1 and, as gRPC needs it, unencrypted HTTP/2 on one
// port. What a slow or silent client can hold on to is bounded, also by one that does not read its answer; upgraded
// connections are not its business any more.
func NewServer(h http.Handler, log *slog.Logger) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	requests, cut := context.WithCancel(context.Background())
	s := &Server{cut: cut}
	s.Server = http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.handling.TryRLock() { // stopped
				panic(http.ErrAbortHandler)
			}
			defer s.handling.RUnlock()
			h.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return requests },
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // from the end of the headers: longer than reading and a call together
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Stop stops listening and returns when no handler runs any more. Requests under way have three quarters of the time until
// ctx ends; then they are cut off, for they may be asked again, which is the error. It is called once.
func (s *Server) Stop(ctx context.Context) error {
	defer s.cut()
	soft, cancel := context.WithCancel(ctx)
	defer cancel()
	if end, bounded := ctx.Deadline(); bounded {
		soft, cancel = context.WithTimeout(soft, time.Until(end)*3/4)
		defer cancel()
	}
	err := s.Shutdown(soft)
	if err != nil {
		err = errors.Join(err, s.Close())
		s.cut() // only now, so that nobody takes what its handler leaves behind for an answer
	}
	s.handling.Lock() // for good: none begins either
	return err
}
