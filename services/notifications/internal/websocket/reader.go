package websocket

import (
	"io"
	"time"

	"github.com/gorilla/websocket"
)

// start makes conn the socket's connection and serves it. It returns immediately.
func (s *socket) start(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	s.nextPing = s.hub.now().Add(s.hub.config.Ping)
	conn.SetReadLimit(readLimit)
	conn.SetPongHandler(func(string) error { return s.extendReadDeadline() })
	_ = s.extendReadDeadlineLocked()
	if s.state == closed { // aborted during the handshake
		_ = conn.Close()
	}
	go s.runReader()
	s.wakeWriter()
}

// extendReadDeadline gives the peer time to answer the next ping.
func (s *socket) extendReadDeadline() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extendReadDeadlineLocked()
}

func (s *socket) extendReadDeadlineLocked() error {
	if s.state >= closed {
		return nil // the deadline is the close timeout
	}
	return s.conn.SetReadDeadline(time.Now().Add(s.hub.config.Ping + s.hub.config.Pong))
}

// runReader reads until the connection ends, then releases the socket. Clients send no messages in this protocol; a few
// are ignored, because some clients send them to keep the connection open. The library answers malformed messages with
// 1002 and too large ones with 1009.
func (s *socket) runReader() {
	defer s.release()
	defer func() { _ = s.conn.Close() }()
	for ignored := 0; ; ignored++ {
		_, message, err := s.conn.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, message) // the read limit counts what is read
		}
		if err != nil {
			return
		}
		if ignored >= s.hub.config.Ignored {
			s.close(codePolicy, "clients must not send messages")
		}
	}
}
