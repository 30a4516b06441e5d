package websocket

import (
	"io"
	"time"

	"github.com/gorilla/websocket"
)

// start makes conn the socket's connection and serves it. It returns at once.
func (s *socket) start(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	s.nextPing = s.hub.now().Add(s.hub.config.Ping)
	conn.SetReadLimit(readLimit)
	conn.SetPongHandler(func(string) error { return s.alive() })
	_ = s.aliveLocked()
	if s.closing != nil && s.closing.said { // cut before there was a connection
		_ = conn.Close()
	}
	go s.read()
	s.pumpLocked()
}

// alive gives the peer time until the pong after the next.
func (s *socket) alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aliveLocked()
}

func (s *socket) aliveLocked() error {
	if s.closing != nil && s.closing.said {
		return nil // the deadline is that of the close
	}
	return s.conn.SetReadDeadline(time.Now().Add(s.hub.config.Ping + s.hub.config.Pong))
}

// read notices what the peer does until the connection is over. Clients have nothing to say: a few messages are passed
// over, for the sake of those that send something to keep a connection open. What is malformed or too large the library
// answers with 1002 or 1009.
func (s *socket) read() {
	defer s.leave()
	defer func() { _ = s.conn.Close() }()
	for ignored := 0; ; ignored++ {
		_, message, err := s.conn.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, message) // to its end, so that its whole length is limited
		}
		if err != nil {
			return
		}
		if ignored >= s.hub.config.Ignored {
			s.end(codePolicy, "clients have nothing to say here")
		}
	}
}
