package websocket

import (
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// socket is one connection. One goroutine reads from it as long as it lives; another, the pump, writes, and exists only
// while there is something to write; a third reads the store, and exists only while the connection has to catch up. So an
// idle connection costs one small stack and one small buffer.
type socket struct {
	hub    *Hub
	caller authn.Caller
	binary bool

	mu       sync.Mutex
	conn     *websocket.Conn           // nil until the upgrade
	hand     []*frame.Frame            // what the pump has taken from the queue
	queue    []*frame.Frame            // what waits for the pump
	last     int64                     // the number of the newest notification in the queue or sent
	edge     int64                     // the newest number that the store is known to hold
	behind   bool                      // the store may hold what comes after last
	reading  bool                      // the store is being read
	recount  bool                      // read states may have been missed
	marked   int64                     // how many are known to be read; it only grows, so an older count changes nothing
	held     []notifications.ReadState // wait until what they count is in the queue
	ping     bool                      // a ping is due
	nextPing time.Time
	closing  *closing // set once, at the end
	pumping  bool     // the pump runs
	gone     bool     // the place in the hub was given back
}

// closing is why a connection ends.
type closing struct {
	code   int
	reason string
	said   bool // to the peer, or it cannot be
}

// receive takes a live message.
func (s *socket) receive(m live.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing != nil || s.gone:
	case m.Read != nil:
		if !s.full() {
			s.readState(*m.Read)
		}
	case s.behind || s.reading: // the store gives it, in its turn
		s.edge = max(s.edge, m.Seq)
	case m.Seq <= s.last: // seen
	case m.Seq == s.last+1 && m.Frame != nil:
		if !s.full() {
			s.give(m.Seq, m.Frame)
		}
	default:
		s.edge = max(s.edge, m.Seq)
		s.behind = true
		s.pumpLocked()
	}
}

// missed says that messages may have been missed; with recount, read states too.
func (s *socket) missed(recount bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = true
	s.recount = s.recount || recount
	s.pumpLocked()
}

// give queues the next notification, behind the read states that do not count it.
func (s *socket) give(seq int64, f *frame.Frame) {
	s.settle()
	s.last = seq
	s.enqueue(f)
}

// readState tells a read state, not before what it counts: the unread ones are those of what the connection was sent,
// neither more nor less.
func (s *socket) readState(state notifications.ReadState) {
	if int64(state.Total) > s.last {
		s.held = append(s.held, state)
		s.edge = max(s.edge, int64(state.Total))
		s.behind = true
		s.pumpLocked()
		return
	}
	s.marked = max(s.marked, int64(state.Total-state.Unread))
	if state.All && s.marked < s.last {
		// What came after the mark was sent before it, and would pass for read: the client lists anew.
		s.enqueue(frame.Reset("notifications came while all were marked as read"))
		return
	}
	state.Unread = int(s.last - s.marked)
	s.enqueue(frame.Read(state))
}

// settle tells the read states that were held for what is in the queue now.
func (s *socket) settle() {
	s.held = slices.DeleteFunc(s.held, func(state notifications.ReadState) bool {
		due := int64(state.Total) <= s.last
		if due {
			s.readState(state)
		}
		return due
	})
}

// full ends a connection that does not keep up; it can resume.
func (s *socket) full() bool {
	full := len(s.queue)+len(s.held) >= s.hub.config.Queue
	if full {
		s.endLocked(codeTryAgain, "too slow; resume with since")
	}
	return full
}

// enqueue hands a frame to the pump.
func (s *socket) enqueue(f *frame.Frame) {
	if s.closing == nil {
		s.queue = append(s.queue, f)
		s.pumpLocked()
	}
}

// keep does what time brings.
func (s *socket) keep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn == nil:
	case !now.Before(s.caller.Expires.Add(authn.Leeway)): // until then it could connect again
		s.endLocked(codeSession, "the token has expired")
	case !now.Before(s.nextPing):
		s.nextPing = now.Add(s.hub.config.Ping)
		s.ping = true
		s.pumpLocked()
	}
}

// end closes the connection with a code, unless it is closing already.
func (s *socket) end(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(code, reason)
}

func (s *socket) endLocked(code int, reason string) {
	if s.closing != nil {
		return
	}
	s.closing = &closing{code: code, reason: reason}
	s.drop()
	if s.conn != nil && s.pumping && code != codeTryAgain {
		// A peer that takes nothing must not hold the end up; a slow one is left the time to read why.
		_ = s.conn.NetConn().SetWriteDeadline(time.Now().Add(s.hub.config.Close))
	}
	s.pumpLocked()
}

// drop forgets what was to be sent.
func (s *socket) drop() { s.hand, s.queue, s.held = nil, nil, nil }

// cut ends the connection without a word. The reader notices and leaves.
func (s *socket) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = &closing{said: true}
	s.drop()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// leave gives the place in the hub back.
func (s *socket) leave() {
	s.mu.Lock()
	s.gone = true
	s.drop()
	s.mu.Unlock()
	s.hub.release(s)
}

// pumpLocked makes sure that the pump runs, if there is a connection.
func (s *socket) pumpLocked() {
	if s.conn == nil || s.pumping || s.gone {
		return
	}
	s.pumping = true
	s.hub.running.Add(1)
	go s.pump()
}
