package websocket

import (
	"time"

	"github.com/gorilla/websocket"
	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// runWriter writes until nothing is left to write. It waits only for the network, never for the store, so that pings and
// the close frame are written in time. It aborts the connection after a write error.
func (s *socket) runWriter() {
	defer s.hub.running.Done()
	for write := s.nextWrite(); write != nil; write = s.nextWrite() {
		if write() != nil {
			s.abort()
		}
	}
}

// nextWrite returns the next write. It returns nil if the writer must end; wakeWriter then starts a new writer when
// needed. The order is: close frame, ping, notifications. A catch-up starts only when nothing else is left to write. So
// at most one page waits for a connection in addition to its queue.
func (s *socket) nextWrite() func() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == closing:
		s.state = closed
		return s.writeClose
	case s.state != open:
	case s.pingDue:
		s.pingDue = false
		return s.writePing
	case len(s.batch) > 0 || len(s.queue) > 0:
		if len(s.batch) == 0 {
			s.batch, s.queue = s.queue, nil
		}
		f := s.batch[0]
		s.batch = s.batch[1:]
		return func() error { return s.writeFrame(f) }
	case s.cursor.needsCatchUp():
		request := s.cursor.startCatchUp()
		s.hub.running.Go(func() { s.catchUp(request) })
	}
	s.writing = false
	return nil
}

func (s *socket) writeFrame(f *frame.Frame) (err error) {
	_, span := s.hub.config.Tracer.Child(
		tracing.WithTraceparent(s.hub.ctx, f.Traceparent), "send frame", trace.SpanKindProducer)
	defer func() {
		if err != nil {
			span.Fail("the frame was not sent")
		}
		span.End()
	}()
	kind, encode := websocket.TextMessage, f.Text
	if s.binary {
		kind, encode = websocket.BinaryMessage, f.Binary
	}
	data, err := encode()
	if err != nil {
		s.hub.log.Error("cannot encode live frame, skipping it", "error", err)
		return nil
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.hub.config.WriteTimeout)); err != nil {
		return err
	}
	if err := s.conn.WriteMessage(kind, data); err != nil {
		return err
	}
	s.hub.frames.Add(1)
	return nil
}

func (s *socket) writePing() error {
	return s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.hub.config.WriteTimeout))
}

// writeClose starts the closing handshake. The reader ends when the peer answers or after Config.CloseTimeout. writeClose
// does not hold the lock during the write, because a peer that does not read must not block the hub.
func (s *socket) writeClose() error {
	s.mu.Lock()
	message := s.closeMessage
	s.mu.Unlock()
	deadline := time.Now().Add(s.hub.config.CloseTimeout)
	if err := s.conn.WriteControl(websocket.CloseMessage, message, deadline); err != nil {
		return err
	}
	return s.conn.SetReadDeadline(deadline)
}
