package websocket

import (
	"slices"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// pageSize is the maximum number of notifications that one catch-up reads from the store.
const pageSize = 50

// cursor tracks what one connection was sent and what it must still be sent. Each method takes one input and returns the
// frames to send, in order. A cursor has no lock, connection or goroutine; the socket that owns it has these.
//
// Three rules define its output:
//   - Notification n is sent only after notification n-1. A gap, a lost message and a resumption are the same case: the
//     cursor asks for a catch-up, which reads the store from the last notification sent.
//   - Live notifications that arrive before the end of a catch-up are not sent: the store returns them in order.
//   - A read state is sent only after the notifications that it counts.
type cursor struct {
	sent      int64                     // sequence number of the last notification sent
	stored    int64                     // highest sequence number that the store is known to hold
	read      int64                     // number of notifications known to be read; it only grows
	pending   []notifications.ReadState // read states that count more notifications than were sent
	catchUp   catchUpState
	countsDue bool // read states may have been missed, so the next catch-up also reads the counts
}

// catchUpState says whether the store must be read or is being read.
type catchUpState int

const (
	caughtUp       catchUpState = iota // live notifications are sent as they arrive
	catchUpDue                         // the store must be read
	catchUpRunning                     // the store is being read
	catchUpAgain                       // the store is being read and must be read again afterwards
)

// catchUpRequest describes one read of the store.
type catchUpRequest struct {
	after  int64 // sequence number after which the page begins
	stored int64 // sequence number that the store is known to hold; the page is empty only if it is not above after
	counts bool  // the counts are needed too
}

// position is the result of a handshake's reads: where a connection starts.
type position struct {
	sent    int64 // sequence number of the notification after which the connection starts
	read    int64 // number of notifications up to sent that are read; 0 if unknown
	resumed bool  // the client asked to resume after sent, so the store may hold more
	reset   bool  // the client asked to resume after an unknown notification
}

// newCursor returns a cursor whose position is about to be read from the store.
func newCursor() cursor { return cursor{catchUp: catchUpRunning} }

// forgetMissed forgets missed signals. A handshake calls it before it reads the position, which covers them.
func (c *cursor) forgetMissed() { c.catchUp = catchUpRunning }

// start sets the position that a handshake read.
func (c *cursor) start(p position) []*frame.Frame {
	c.endRead()
	c.sent, c.read = p.sent, max(c.read, p.read)
	if p.resumed || c.stored > c.sent {
		c.requestCatchUp()
	}
	var frames []*frame.Frame
	if p.reset {
		frames = append(frames, frame.Reset("the notification to resume from is not known"))
	}
	return c.flushPending(frames)
}

// receive handles a live message.
func (c *cursor) receive(m live.Message) []*frame.Frame {
	if m.Read != nil {
		return c.readState(*m.Read)
	}
	switch {
	case c.catchUp != caughtUp:
		c.stored = max(c.stored, m.Seq)
		return nil
	case m.Seq <= c.sent: // a duplicate
		return nil
	case m.Seq == c.sent+1 && m.Frame != nil:
		return c.send(nil, m.Seq, m.Frame)
	}
	c.stored = max(c.stored, m.Seq)
	c.requestCatchUp()
	return nil
}

// missed handles the signal that live notifications may have been missed and, with readStates, read states too.
func (c *cursor) missed(readStates bool) {
	c.countsDue = c.countsDue || readStates
	c.requestCatchUp()
}

// needsCatchUp reports whether startCatchUp would start a catch-up.
func (c *cursor) needsCatchUp() bool { return c.catchUp == catchUpDue }

// startCatchUp starts the catch-up that is due and returns what to read. The result goes to finishCatchUp.
func (c *cursor) startCatchUp() catchUpRequest {
	r := catchUpRequest{after: c.sent, stored: c.stored, counts: c.countsDue}
	c.catchUp, c.countsDue = catchUpRunning, false
	return r
}

// finishCatchUp handles the page that the store returned for r. counts is nil if the counts were not needed or not read.
func (c *cursor) finishCatchUp(r catchUpRequest, page []notifications.Notification, counts *notifications.Counts) []*frame.Frame {
	c.endRead()
	var frames []*frame.Frame
	for _, n := range page {
		frames = c.send(frames, n.Seq, frame.Notification(n))
	}
	switch {
	case len(page) > 0:
		if len(page) == pageSize || c.stored > c.sent {
			c.requestCatchUp()
		}
	case c.stored > r.stored: // a newer notification arrived during the read
		c.requestCatchUp()
	default: // the store does not hold the announced notification
		c.stored = c.sent
	}
	switch {
	case counts == nil:
		c.countsDue = c.countsDue || r.counts
	case int64(counts.Total-counts.Unread) > c.read: // a read state was missed
		frames = append(frames, c.readState(notifications.ReadState{Counts: *counts})...)
	}
	return frames
}

// requestCatchUp makes a catch-up due, after the one that is running.
func (c *cursor) requestCatchUp() {
	switch c.catchUp {
	case caughtUp:
		c.catchUp = catchUpDue
	case catchUpRunning:
		c.catchUp = catchUpAgain
	case catchUpDue, catchUpAgain:
	}
}

// endRead ends a read of the store.
func (c *cursor) endRead() {
	if c.catchUp == catchUpAgain {
		c.catchUp = catchUpDue
	} else {
		c.catchUp = caughtUp
	}
}

// send appends the next notification, and the read states that waited for it.
func (c *cursor) send(frames []*frame.Frame, seq int64, f *frame.Frame) []*frame.Frame {
	c.sent = seq
	return c.flushPending(append(frames, f))
}

// readState returns the frame for a read state, or adds it to the pending ones if it counts notifications that were not
// sent yet.
func (c *cursor) readState(state notifications.ReadState) []*frame.Frame {
	if int64(state.Total) > c.sent {
		c.pending = append(c.pending, state)
		c.stored = max(c.stored, int64(state.Total))
		c.requestCatchUp()
		return nil
	}
	return []*frame.Frame{c.readFrame(state)}
}

// flushPending appends the frames for the pending read states that count only notifications that were sent.
func (c *cursor) flushPending(frames []*frame.Frame) []*frame.Frame {
	c.pending = slices.DeleteFunc(c.pending, func(state notifications.ReadState) bool {
		if int64(state.Total) > c.sent {
			return false
		}
		frames = append(frames, c.readFrame(state))
		return true
	})
	return frames
}

// readFrame returns the frame for a read state that counts only notifications that were sent. Its unread count is that
// of the notifications sent on this connection, which may be more than the state counted.
func (c *cursor) readFrame(state notifications.ReadState) *frame.Frame {
	c.read = max(c.read, int64(state.Total-state.Unread))
	if state.All && c.read < c.sent {
		// The client would also show the notifications after the mark as read, so it must list again.
		return frame.Reset("notifications arrived while all were marked as read")
	}
	state.Unread = int(c.sent - c.read)
	return frame.Read(state)
}
