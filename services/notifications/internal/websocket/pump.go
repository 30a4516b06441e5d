package websocket

import (
	"time"

	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// pump writes what there is to write, and ends. It waits for nothing but the network, so that pings and the close are
// written in time whatever the store does.
func (s *socket) pump() {
	defer s.hub.running.Done()
	for work := s.next(); work != nil; work = s.next() {
		if work() != nil {
			s.cut()
		}
	}
}

// next takes the next piece of work; nil ends the pump, and whoever adds work afterwards starts another one. What a
// session that has ended would still be told is not sent, and the peer learns why.
func (s *socket) next() func() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing != nil:
		if !s.closing.said {
			s.closing.said = true
			return s.writeClose
		}
	case s.gone:
	case s.ping:
		s.ping = false
		return s.writePing
	case len(s.hand) > 0 || len(s.queue) > 0:
		if len(s.hand) == 0 {
			s.hand, s.queue = s.queue, nil
		}
		f := s.hand[0]
		s.hand = s.hand[1:]
		return func() error { return s.write(f) }
	case s.behind && !s.reading:
		s.behind, s.reading = false, true
		s.hub.running.Add(1)
		go s.catchUp()
	}
	s.pumping = false
	return nil
}

func (s *socket) write(f *frame.Frame) error {
	kind, encode := websocket.TextMessage, f.Text
	if s.binary {
		kind, encode = websocket.BinaryMessage, f.Binary
	}
	data, err := encode()
	if err != nil {
		s.hub.log.Error("live frame left out", "error", err)
		return nil
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.hub.config.Write)); err != nil {
		return err
	}
	return s.conn.WriteMessage(kind, data)
}

func (s *socket) writePing() error {
	return s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.hub.config.Write))
}

// writeClose starts the closing handshake, whose end, or failure to come in time, the reader sees. It holds no lock: a peer
// that takes nothing must not hold up the hub.
func (s *socket) writeClose() error {
	s.mu.Lock()
	message := websocket.FormatCloseMessage(s.closing.code, s.closing.reason)
	s.mu.Unlock()
	deadline := time.Now().Add(s.hub.config.Close)
	if err := s.conn.WriteControl(websocket.CloseMessage, message, deadline); err != nil {
		return err
	}
	return s.conn.SetReadDeadline(deadline)
}
