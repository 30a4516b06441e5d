package websocket

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// socket is one connection. Its cursor decides which frames are sent, and the socket sends them. The reader goroutine
// lives as long as the connection. The writer goroutine exists only while there are frames to write. The catch-up
// goroutine exists only while the store is read. So an idle connection needs only one small stack and one small buffer.
type socket struct {
	hub    *Hub
	caller authn.Caller
	client netip.Addr // the client's address as in limits; invalid if it is unknown
	binary bool       // frames are sent as protobuf, not as JSON

	mu           sync.Mutex
	conn         *websocket.Conn // nil until the upgrade
	state        state
	closeMessage []byte // payload of the close frame; set when state becomes closing
	cursor       cursor
	queue        []*frame.Frame // frames that wait for the writer
	batch        []*frame.Frame // frames that the writer took from queue
	writing      bool           // the writer goroutine is running
	pingDue      bool
	nextPing     time.Time
}

// state is the state of a connection. It never returns to an earlier value.
type state int

const (
	open     state = iota // handshake or connection in use; frames are queued and sent
	closing               // a close frame must be sent
	closed                // the close frame was sent or cannot be sent
	released              // the socket is no longer in the hub
)

// receive handles a live message. It closes the connection if the message makes the backlog exceed Config.QueueLength.
// The client can then resume.
func (s *socket) receive(m live.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return
	}
	before := s.backlog()
	s.queue = append(s.queue, s.cursor.receive(m)...)
	if after := s.backlog(); after > before && after > s.hub.config.QueueLength {
		s.hub.slow.Add(1)
		s.closeLocked(codeTryAgain, "too slow; resume with since")
		return
	}
	s.wakeWriter()
}

// backlog returns the number of frames that wait for the writer or for a catch-up. The caller holds mu.
func (s *socket) backlog() int { return len(s.queue) + len(s.cursor.pending) }

// missed requests a catch-up because live notifications may have been lost. With readStates, read states may have been
// lost too.
func (s *socket) missed(readStates bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursor.missed(readStates)
	s.wakeWriter()
}

// tick closes the connection if its token has expired and sends a ping if one is due.
func (s *socket) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn == nil:
	case !now.Before(s.caller.Expires.Add(authn.Leeway)): // until then, the token is accepted
		s.closeLocked(codeSession, "the token has expired")
	case !now.Before(s.nextPing):
		s.nextPing = now.Add(s.hub.config.PingInterval)
		s.pingDue = true
		s.wakeWriter()
	}
}

// close starts to close the connection with a close code and a reason. It does nothing unless the connection is open.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked(code, reason)
}

func (s *socket) closeLocked(code int, reason string) {
	if s.state != open {
		return
	}
	s.state = closing
	s.closeMessage = websocket.FormatCloseMessage(code, reason)
	s.discard()
	if s.conn != nil && s.writing && code != codeTryAgain {
		// A peer that does not read must not delay the close. With codeTryAgain, a slow peer keeps the full write timeout, so
		// that it can receive the reason.
		_ = s.conn.NetConn().SetWriteDeadline(time.Now().Add(s.hub.config.CloseTimeout))
	}
	s.wakeWriter()
}

// discard drops the frames that were not sent. The caller holds mu.
func (s *socket) discard() { s.batch, s.queue, s.cursor.pending = nil, nil, nil }

// abort closes the network connection without a close frame. The reader then ends and releases the socket.
func (s *socket) abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = max(s.state, closed)
	s.discard()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// release removes the socket from the hub.
func (s *socket) release() {
	s.mu.Lock()
	s.state = released
	s.discard()
	s.mu.Unlock()
	s.hub.release(s)
}

// wakeWriter starts the writer if it has work and is not running. The caller holds mu.
func (s *socket) wakeWriter() {
	if s.conn == nil || s.writing || !s.writeDue() {
		return
	}
	s.writing = true
	s.hub.running.Add(1)
	go s.runWriter()
}

// writeDue reports whether nextWrite has work. The caller holds mu.
func (s *socket) writeDue() bool {
	due := s.pingDue || len(s.batch) > 0 || len(s.queue) > 0 || s.cursor.needsCatchUp()
	return s.state == closing || s.state == open && due
}
