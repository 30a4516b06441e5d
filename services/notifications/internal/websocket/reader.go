package websocket

import (
	"io"
	"time"

	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// start sets the socket's connection and starts the reader. It returns at once.
func (s *socket) start(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	s.nextPing = s.hub.now().Add(s.hub.config.PingInterval)
	conn.SetReadLimit(limits.SocketMessage)
	conn.SetPongHandler(func(string) error { return s.extendReadDeadline() })
	_ = s.extendReadDeadlineLocked()
	if s.state == closed { // aborted during the handshake
		_ = conn.Close()
	}
	go s.runReader()
	s.wakeWriter()
}

// extendReadDeadline moves the read deadline, so that the peer has time to answer the next ping.
func (s *socket) extendReadDeadline() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.extendReadDeadlineLocked()
}

func (s *socket) extendReadDeadlineLocked() error {
	if s.state >= closed {
		return nil // keep the deadline of the closing handshake
	}
	return s.conn.SetReadDeadline(time.Now().Add(s.hub.config.PingInterval + s.hub.config.PongTimeout))
}

// runReader reads until the connection ends, then releases the socket. Clients must not send messages. The reader ignores
// up to Config.MaxIgnoredMessages messages, because some clients send messages to keep the connection open. The library
// answers malformed messages with 1002 and messages above the read limit with 1009. See meter for the limit of all frames.
func (s *socket) runReader() {
	defer s.release()
	defer func() { _ = s.conn.Close() }()
	for ignored := 0; ; ignored++ {
		_, message, err := s.conn.NextReader()
		if err == nil {
			_, err = io.Copy(io.Discard, message) // applies the read limit to the whole message
		}
		if err != nil {
			return
		}
		if ignored >= s.hub.config.MaxIgnoredMessages {
			s.close(codePolicy, "clients must not send messages")
		}
	}
}
