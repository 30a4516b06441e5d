package websocket

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// pump writes what there is to write, and ends.
func (s *socket) pump() {
	defer s.hub.running.Done()
	for work := s.next(); work != nil; work = s.next() {
		if work() != nil {
			s.cut()
		}
	}
}

// next takes the next piece of work; nil ends the pump, and whoever adds work afterwards starts another one.
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
	case len(s.queue) > 0:
		queue := s.queue
		s.queue = nil
		return func() error { return s.write(queue) }
	case s.behind:
		s.behind, s.reading = false, true
		return s.catchUp
	case s.recount:
		s.recount = false
		return s.writeUnread
	}
	s.pumping = false
	return nil
}

// write sends frames as long as the connection is not to end: what a session that has ended would still be told is not
// sent, and the peer learns why.
func (s *socket) write(frames []*frame.Frame) error {
	for _, f := range frames {
		if s.ending() {
			return nil
		}
		kind, encode := websocket.TextMessage, f.Text
		if s.binary {
			kind, encode = websocket.BinaryMessage, f.Binary
		}
		data, err := encode()
		if err != nil {
			s.hub.log.Error("live frame left out", "error", err)
			continue
		}
		if err := s.conn.SetWriteDeadline(time.Now().Add(s.hub.config.Write)); err != nil {
			return err
		}
		if err := s.conn.WriteMessage(kind, data); err != nil {
			return err
		}
	}
	return nil
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

// writeUnread tells how many notifications are unread. If that cannot be found out, the next read state tells.
func (s *socket) writeUnread() error {
	var unread int
	err := s.hub.inTurn(func(ctx context.Context) (err error) {
		unread, err = s.hub.store.Unread(ctx, s.caller.UserID)
		return err
	})
	if err != nil {
		return nil //nolint:nilerr // as said above
	}
	return s.write([]*frame.Frame{frame.Read(notifications.ReadState{Unread: unread})})
}

// catchUp sends one page of what the store holds after the newest that was sent.
func (s *socket) catchUp() error {
	s.mu.Lock()
	last, edge := s.last, s.edge
	s.mu.Unlock()
	page, err := s.hub.since(s.caller.UserID, last, edge)
	if err != nil {
		s.hub.log.Warn("live connection cannot catch up", "user_id", s.caller.UserID, "error", err)
		s.end(codeTryAgain, "try again later")
		return nil
	}
	frames := make([]*frame.Frame, len(page))
	for i, n := range page {
		frames[i] = frame.Notification(n)
		last = n.Seq
	}
	err = s.write(frames)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	s.last = last
	switch {
	case len(page) > 0:
		s.behind = s.behind || len(page) == replayPage || s.edge > last
	case s.edge > edge: // told meanwhile
		s.behind = true
	default:
		s.edge = last
	}
	return err
}

// since reads what comes after last, again and again for a while if it should reach edge and nothing is there.
func (h *Hub) since(player uuid.UUID, last, edge int64) ([]notifications.Notification, error) {
	pause := replayPause
	for attempt := 1; ; attempt++ {
		var page []notifications.Notification
		err := h.inTurn(func(ctx context.Context) (err error) {
			page, err = h.store.Since(ctx, player, last, replayPage)
			return err
		})
		if err == nil && (len(page) > 0 || edge <= last) || attempt == replayAttempts || h.ctx.Err() != nil {
			return page, err
		}
		select {
		case <-h.ctx.Done():
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// inTurn lets few connections at a time read the store: after a lost connection to Redis all of them want to.
func (h *Hub) inTurn(read func(context.Context) error) error {
	select {
	case h.readers <- struct{}{}:
		defer func() { <-h.readers }()
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(h.ctx, storeTimeout)
	defer cancel()
	return read(ctx)
}
