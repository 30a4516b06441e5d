package websocket

import (
	"slices"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// pageSize is the maximum number of notifications that one read of a catch-up returns.
const pageSize = 50

// cursor tracks which frames one connection was sent and which it must still be sent. Each method takes one input and
// returns the frames to send, in order. A cursor has no lock, connection or goroutine. The socket that contains the
// cursor provides them.
//
// Three rules define its output:
//   - Notification n is sent only after notification n-1. After a gap, a lost message or a resumption, the cursor requests
//     a catch-up, which reads the store from the last notification sent.
//   - Live notifications that arrive before the end of a catch-up are not sent. The catch-up reads them from the store.
//   - A read state is sent only after the notifications that it counts.
type cursor struct {
	lastSent  int64                     // sequence number of the last notification sent
	announced int64                     // highest announced sequence number; the store should hold it
	readCount int64                     // highest known number of read notifications
	pending   []notifications.ReadState // read states that count more notifications than were sent
	catchUp   catchUpState
	countsDue bool // read states may have been missed, so the next catch-up also reads the counts
}

// catchUpState is the state of the reads of the store.
type catchUpState int

const (
	caughtUp       catchUpState = iota // live notifications are sent as they arrive
	catchUpDue                         // the store must be read
	catchUpRunning                     // the store is being read
	catchUpAgain                       // the store is being read and must be read again afterwards
)

// catchUpRequest describes one read of the store.
type catchUpRequest struct {
	after     int64 // sequence number after which the page begins
	announced int64 // highest announced sequence number; if it is greater than after, the page should not be empty
	counts    bool  // the counts must be read too
}

// position is the start of a connection, as the handshake read it from the store.
type position struct {
	lastSent  int64 // sequence number of the notification after which the connection starts
	readCount int64 // number of notifications up to lastSent that are read; 0 if unknown
	resumed   bool  // the client resumes after lastSent, so the store may hold more
	reset     bool  // the client named an unknown notification to resume from
}

// newCursor returns the cursor of a new connection. It has no position until start is called.
func newCursor() cursor { return cursor{catchUp: catchUpRunning} }

// forgetMissed drops a requested catch-up. A handshake calls it before it reads the position, which makes earlier
// requests obsolete.
func (c *cursor) forgetMissed() { c.catchUp = catchUpRunning }

// start sets the position that a handshake read. It requests a catch-up if the store may hold more.
func (c *cursor) start(p position) []*frame.Frame {
	c.endRead()
	c.lastSent, c.readCount = p.lastSent, max(c.readCount, p.readCount)
	if p.resumed || c.announced > c.lastSent {
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
		c.announced = max(c.announced, m.Seq)
		return nil
	case m.Seq <= c.lastSent: // a duplicate
		return nil
	case m.Seq == c.lastSent+1 && m.Frame != nil:
		return c.send(nil, m.Seq, m.Frame)
	}
	c.announced = max(c.announced, m.Seq)
	c.requestCatchUp()
	return nil
}

// missed requests a catch-up because live notifications may have been lost. With readStates, read states may have been
// lost too.
func (c *cursor) missed(readStates bool) {
	c.countsDue = c.countsDue || readStates
	c.requestCatchUp()
}

// needsCatchUp reports whether a catch-up is due.
func (c *cursor) needsCatchUp() bool { return c.catchUp == catchUpDue }

// startCatchUp starts the catch-up that is due and returns what to read. The caller passes the result of the read to
// finishCatchUp.
func (c *cursor) startCatchUp() catchUpRequest {
	r := catchUpRequest{after: c.lastSent, announced: c.announced, counts: c.countsDue}
	c.catchUp, c.countsDue = catchUpRunning, false
	return r
}

// finishCatchUp handles the page that the store returned for r. counts is nil if the counts were not requested or could
// not be read.
func (c *cursor) finishCatchUp(r catchUpRequest, page []notifications.Notification, counts *notifications.Counts) []*frame.Frame {
	c.endRead()
	var frames []*frame.Frame
	for _, n := range page {
		frames = c.send(frames, n.Seq, frame.Notification(n))
	}
	switch {
	case len(page) > 0:
		if len(page) == pageSize || c.announced > c.lastSent {
			c.requestCatchUp()
		}
	case c.announced > r.announced: // a newer notification arrived during the read
		c.requestCatchUp()
	default: // the store holds no newer notification, announced or not; stop reading
		c.announced = c.lastSent
	}
	switch {
	case counts == nil:
		c.countsDue = c.countsDue || r.counts
	case int64(counts.Total-counts.Unread) > c.readCount: // a read state was missed
		frames = append(frames, c.readState(notifications.ReadState{Counts: *counts})...)
	}
	return frames
}

// requestCatchUp makes a catch-up due. If a read is running, the catch-up becomes due after the read.
func (c *cursor) requestCatchUp() {
	switch c.catchUp {
	case caughtUp:
		c.catchUp = catchUpDue
	case catchUpRunning:
		c.catchUp = catchUpAgain
	case catchUpDue, catchUpAgain:
	}
}

// endRead marks the running read as ended. If a catch-up was requested during the read, it becomes due.
func (c *cursor) endRead() {
	if c.catchUp == catchUpAgain {
		c.catchUp = catchUpDue
	} else {
		c.catchUp = caughtUp
	}
}

// send appends the frame of the next notification. It then appends the pending read states that no longer count unsent
// notifications.
func (c *cursor) send(frames []*frame.Frame, seq int64, f *frame.Frame) []*frame.Frame {
	c.lastSent = seq
	return c.flushPending(append(frames, f))
}

// readState returns the frame for a read state. If the state counts notifications that were not sent yet, it becomes
// pending, and a catch-up is requested.
func (c *cursor) readState(state notifications.ReadState) []*frame.Frame {
	if int64(state.Total) > c.lastSent {
		c.pending = append(c.pending, state)
		c.announced = max(c.announced, int64(state.Total))
		c.requestCatchUp()
		return nil
	}
	return []*frame.Frame{c.readFrame(state)}
}

// flushPending removes the pending read states that count only sent notifications, and appends their frames.
func (c *cursor) flushPending(frames []*frame.Frame) []*frame.Frame {
	c.pending = slices.DeleteFunc(c.pending, func(state notifications.ReadState) bool {
		if int64(state.Total) > c.lastSent {
			return false
		}
		frames = append(frames, c.readFrame(state))
		return true
	})
	return frames
}

// readFrame returns the frame for a read state that counts only sent notifications. The frame's unread count covers all
// notifications sent on this connection, which may be more than state.Total.
func (c *cursor) readFrame(state notifications.ReadState) *frame.Frame {
	c.readCount = max(c.readCount, int64(state.Total-state.Unread))
	if state.All && c.readCount < c.lastSent {
		// The client would mark all its notifications as read, including later ones. It must list them again instead.
		return frame.Reset("notifications arrived while all were marked as read")
	}
	state.Unread = int(c.lastSent - c.readCount)
	return frame.Read(state)
}
