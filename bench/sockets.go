package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"
)

// sockets are clients of a WebSocket server. They read frames until they are closed.
type sockets struct {
	receive func(i int, frame []byte)

	mu      sync.Mutex
	conns   []*websocket.Conn
	readers sync.WaitGroup
	closing atomic.Bool
	lost    atomic.Int64 // connections that the server has closed
}

// openSockets opens n sockets at the URL of a server, 16 at a time. token returns the access token of a socket. receive is
// called for each frame, and concurrently for different sockets; it may keep the frame.
func openSockets(ctx context.Context, server string, n int, token func(i int) string, receive func(i int, frame []byte)) (*sockets, error) {
	s := &sockets{receive: receive}
	url := "ws" + strings.TrimPrefix(server, "http") + "/notifications/ws"
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	dialer := &websocket.Dialer{ReadBufferSize: 1024, WriteBufferSize: 256, HandshakeTimeout: 30 * time.Second}
	for i := range n {
		g.Go(func() error {
			header := http.Header{"Authorization": {"Bearer " + token(i)}}
			conn, response, err := dialer.DialContext(ctx, url, header)
			if err != nil {
				return fmt.Errorf("open a socket: %w", err)
			}
			_ = response.Body.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns = append(s.conns, conn)
			s.readers.Go(func() { s.read(i, conn) })
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sockets) read(i int, conn *websocket.Conn) {
	for {
		_, frame, err := conn.ReadMessage()
		if err != nil {
			if !s.closing.Load() {
				s.lost.Add(1)
			}
			return
		}
		s.receive(i, frame)
	}
}

// close closes all sockets. It may be called on nil.
func (s *sockets) close() {
	if s == nil {
		return
	}
	s.closing.Store(true)
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.readers.Wait()
}
