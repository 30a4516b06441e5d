package websocket

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// step is one input of a cursor.
type step func(*cursor) []*frame.Frame

func stored(seq int64) notifications.Notification {
	return notifications.Notification{Seq: seq, Content: map[string]any{"title": strconv.FormatInt(seq, 10)}}
}

// notification returns a live notification.
func notification(seq int64) step {
	return func(c *cursor) []*frame.Frame {
		return c.receive(live.Message{Seq: seq, Frame: frame.Notification(stored(seq))})
	}
}

// announcement returns a live message with only the sequence number of a notification.
func announcement(seq int64) step {
	return func(c *cursor) []*frame.Frame { return c.receive(live.Message{Seq: seq}) }
}

// readSome returns a live read state that marks one notification. The counts are those of the time of the mark.
func readSome(total, unread int) step {
	return func(c *cursor) []*frame.Frame {
		return c.receive(live.Message{Read: &notifications.ReadState{
			IDs: []uuid.UUID{{}}, Counts: notifications.Counts{Total: total, Unread: unread},
		}})
	}
}

// readAll returns a live read state that marks the first total notifications.
func readAll(total int) step {
	return func(c *cursor) []*frame.Frame {
		return c.receive(live.Message{Read: &notifications.ReadState{All: true, Counts: notifications.Counts{Total: total}}})
	}
}

// missed returns the signal that live messages may have been lost, including read states if readStates is true.
func missed(readStates bool) step {
	return func(c *cursor) []*frame.Frame {
		c.missed(readStates)
		return nil
	}
}

// catchUp runs the catch-up that is due. The store contains the notifications up to newest. The cursor receives the
// inputs while the store is being read.
func catchUp(t *testing.T, newest int64, counts *notifications.Counts, inputs ...step) step {
	return func(c *cursor) []*frame.Frame {
		if !c.needsCatchUp() {
			t.Fatal("no catch-up is due")
		}
		r := c.startCatchUp()
		var frames []*frame.Frame
		for _, s := range inputs {
			frames = append(frames, s(c)...)
		}
		var page []notifications.Notification
		for seq := r.after + 1; seq <= newest && len(page) < pageSize; seq++ {
			page = append(page, stored(seq))
		}
		if !r.counts || len(page) == pageSize {
			counts = nil
		}
		return append(frames, c.finishCatchUp(r, page, counts)...)
	}
}

// describe returns a text for a frame: "3", "read 1: 2 unread", "read all: 0 unread", "counts: 2 unread" or "reset".
func describe(t *testing.T, f *frame.Frame) string {
	data, err := f.Binary()
	if err != nil {
		t.Fatal(err)
	}
	var m notificationsv1.Frame
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	switch read := m.GetRead(); {
	case m.GetNotification() != nil:
		return m.GetNotification().GetContent().GetFields()["title"].GetStringValue()
	case m.GetReset_() != nil:
		return "reset"
	case read.GetAll():
		return fmt.Sprintf("read all: %d unread", read.GetUnread())
	case len(read.GetIds()) == 0:
		return fmt.Sprintf("counts: %d unread", read.GetUnread())
	default:
		return fmt.Sprintf("read %d: %d unread", len(read.GetIds()), read.GetUnread())
	}
}

// numbers returns "from, from+1, …, to".
func numbers(from, to int) string {
	var list []string
	for n := from; n <= to; n++ {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, ", ")
}

func TestCursor(t *testing.T) {
	counts := func(total, unread int) *notifications.Counts {
		return &notifications.Counts{Total: total, Unread: unread}
	}
	for name, tt := range map[string]struct {
		start position
		steps []step
		want  string // the frames, in order
		due   bool   // a catch-up is due at the end
	}{
		"the next notification is sent": {
			position{lastSent: 2}, []step{notification(3), notification(4)}, "3, 4", false,
		},
		"a notification that was sent is not sent again": {
			position{lastSent: 2}, []step{notification(3), notification(3), notification(1)}, "3", false,
		},
		"a gap starts a catch-up": {
			position{lastSent: 2}, []step{notification(3), notification(5)}, "3", true,
		},
		"a catch-up fills the gap": {
			position{lastSent: 2}, []step{notification(5), catchUp(t, 5, nil), notification(6)}, "3, 4, 5, 6", false,
		},
		"an announcement without its notification starts a catch-up": {
			position{lastSent: 2}, []step{announcement(3)}, "", true,
		},
		"an announcement of a notification that was sent is ignored": {
			position{lastSent: 2}, []step{announcement(2)}, "", false,
		},
		"the next notification is not sent while a catch-up is due": {
			position{lastSent: 2}, []step{notification(4), notification(3)}, "", true,
		},
		"a notification that arrives during the read is not sent twice": {
			position{lastSent: 2}, []step{missed(false), catchUp(t, 3, nil, notification(3))}, "3", false,
		},
		"a notification that arrives after the read is read by another catch-up": {
			position{lastSent: 2}, []step{missed(false), catchUp(t, 3, nil, notification(4)), catchUp(t, 4, nil)}, "3, 4", false,
		},
		"a notification that arrives during an empty read is read by another catch-up": {
			position{lastSent: 2}, []step{missed(false), catchUp(t, 2, nil, notification(3)), catchUp(t, 3, nil)}, "3", false,
		},
		"a signal during the read starts another catch-up": {
			position{lastSent: 2}, []step{missed(false), catchUp(t, 3, nil, missed(false))}, "3", true,
		},
		"a full page is followed by another one": {
			position{lastSent: 0}, []step{missed(false), catchUp(t, pageSize+1, nil), catchUp(t, pageSize+1, nil)},
			numbers(1, pageSize+1), false,
		},
		"a notification that is missing from the store is not requested again": {
			position{lastSent: 2}, []step{notification(4), catchUp(t, 2, nil), notification(3)}, "3", false,
		},
		"a resumed connection starts with a catch-up": {
			position{lastSent: 2, resumed: true}, []step{catchUp(t, 4, nil)}, "3, 4", false,
		},
		"resuming from an unknown notification sends a reset": {
			position{lastSent: 2, reset: true}, []step{notification(3)}, "reset, 3", false,
		},
		"a read state is sent with the unread count": {
			position{lastSent: 3, readCount: 1}, []step{readSome(3, 1)}, "read 1: 1 unread", false,
		},
		"a read state of all is sent": {
			position{lastSent: 3}, []step{readAll(3)}, "read all: 0 unread", false,
		},
		"the unread count includes notifications that the read state did not count": {
			position{lastSent: 3}, []step{notification(4), readSome(3, 2)}, "4, read 1: 3 unread", false,
		},
		"an older unread count changes nothing": {
			position{lastSent: 3}, []step{readSome(3, 1), readSome(3, 2)}, "read 1: 1 unread, read 1: 1 unread", false,
		},
		"a read state waits for the notifications that it counts": {
			position{lastSent: 2}, []step{readSome(4, 3)}, "", true,
		},
		"a read state is sent directly after the notifications that it counts": {
			position{lastSent: 2}, []step{readSome(3, 2), catchUp(t, 4, nil)}, "3, read 1: 2 unread, 4", false,
		},
		"a read state of all that waits is sent before newer notifications": {
			position{lastSent: 2}, []step{readAll(3), catchUp(t, 4, nil)}, "3, read all: 0 unread, 4", false,
		},
		"a read state waits through catch-ups that do not reach it": {
			position{lastSent: 2}, []step{readSome(4, 3), catchUp(t, 3, nil), catchUp(t, 4, nil)}, "3, 4, read 1: 3 unread", false,
		},
		"a read state that waits is sent after a live notification": {
			position{lastSent: 2}, []step{readSome(3, 2), catchUp(t, 2, nil), notification(3)}, "3, read 1: 2 unread", false,
		},
		"a read state of all that arrives after newer notifications sends a reset": {
			position{lastSent: 2}, []step{notification(3), readAll(2)}, "3, reset", false,
		},
		"a read state of all is sent if the newer notifications are read too": {
			position{lastSent: 3}, []step{readAll(3), readAll(2)}, "read all: 0 unread, read all: 0 unread", false,
		},
		"missed read states are replaced by the counts": {
			position{lastSent: 3}, []step{missed(true), catchUp(t, 4, counts(4, 2))}, "4, counts: 2 unread", false,
		},
		"counts that change nothing are not sent": {
			position{lastSent: 3, readCount: 1}, []step{missed(true), catchUp(t, 3, counts(3, 2))}, "", false,
		},
		"counts wait for the notifications that they include": {
			position{lastSent: 3}, []step{missed(true), catchUp(t, 3, counts(4, 3)), catchUp(t, 4, nil)}, "4, counts: 3 unread", false,
		},
		"counts that could not be read are read by the next catch-up": {
			position{lastSent: 3}, []step{missed(true), catchUp(t, 3, nil), missed(false), catchUp(t, 3, counts(3, 1))},
			"counts: 1 unread", false,
		},
		"counts are read after the last page": {
			position{lastSent: 0}, []step{
				missed(true), catchUp(t, pageSize+1, nil), catchUp(t, pageSize+1, counts(pageSize+1, pageSize)),
			},
			numbers(1, pageSize+1) + fmt.Sprintf(", counts: %d unread", pageSize), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCursor()
			c.forgetMissed()
			frames := c.start(tt.start)
			for _, s := range tt.steps {
				frames = append(frames, s(&c)...)
			}
			var got []string
			for _, f := range frames {
				got = append(got, describe(t, f))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got frames %s\nwant       %s", strings.Join(got, ", "), tt.want)
			}
			if c.needsCatchUp() != tt.due {
				t.Errorf("catch-up due: %t, want %t", c.needsCatchUp(), tt.due)
			}
		})
	}
}

// The cursor receives live messages before and while a handshake reads the position.
func TestCursorDuringHandshake(t *testing.T) {
	for name, tt := range map[string]struct {
		before, during []step // before and during the read of the position
		start          position
		want           []string
		due            bool
	}{
		"nothing arrives": {nil, nil, position{lastSent: 2}, nil, false},
		"a signal before the read does not start a catch-up": {
			[]step{missed(false)}, nil, position{lastSent: 2}, nil, false,
		},
		"a signal during the read starts a catch-up": {
			nil, []step{missed(false)}, position{lastSent: 2}, nil, true,
		},
		"a notification that the position includes is not sent": {
			[]step{notification(2)}, []step{notification(2)}, position{lastSent: 2}, nil, false,
		},
		"a newer notification starts a catch-up": {
			nil, []step{notification(3)}, position{lastSent: 2}, nil, true,
		},
		"a read state is sent after the start": {
			[]step{readSome(2, 1)}, nil, position{lastSent: 2}, []string{"read 1: 1 unread"}, false,
		},
		"a read state that counts more starts a catch-up": {
			[]step{readSome(3, 1)}, nil, position{lastSent: 2}, nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCursor()
			var frames []*frame.Frame
			for _, s := range tt.before {
				frames = append(frames, s(&c)...)
			}
			c.forgetMissed()
			for _, s := range tt.during {
				frames = append(frames, s(&c)...)
			}
			frames = append(frames, c.start(tt.start)...)
			var got []string
			for _, f := range frames {
				got = append(got, describe(t, f))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got frames %q, want %q", got, tt.want)
			}
			if c.needsCatchUp() != tt.due {
				t.Errorf("catch-up due: %t, want %t", c.needsCatchUp(), tt.due)
			}
		})
	}
}

// FuzzCursor feeds random inputs to a cursor and checks that it sends every notification once and in order.
func FuzzCursor(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{3, 3, 1, 1, 4, 2, 0, 5, 1})
	f.Fuzz(func(t *testing.T, inputs []byte) {
		c := newCursor()
		c.start(position{})
		var newest, sent int64
		take := func(frames []*frame.Frame) {
			for _, f := range frames {
				text := describe(t, f)
				number, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					continue // not a notification
				}
				if number != sent+1 {
					t.Fatalf("got notification %d after %d, want %d", number, sent, sent+1)
				}
				sent = number
			}
		}
		for _, input := range inputs {
			switch input % 6 {
			case 0: // a notification is stored and published
				newest++
				take(notification(newest)(&c))
			case 1: // a notification is stored and its message is lost
				newest++
			case 2: // an old message arrives again
				take(notification(int64(input/6) % (newest + 1))(&c))
			case 3:
				take(readSome(int(newest), int(newest)/2)(&c))
			case 4:
				take(missed(input/6%2 == 0)(&c))
			case 5:
				if c.needsCatchUp() {
					take(catchUp(t, newest, &notifications.Counts{Total: int(newest)})(&c))
				}
			}
		}
		c.missed(true)
		for c.needsCatchUp() {
			take(catchUp(t, newest, &notifications.Counts{Total: int(newest)})(&c))
		}
		if sent != newest || len(c.pending) != 0 {
			t.Errorf("%d notifications were sent and %d read states are pending, want %d and 0", sent, len(c.pending), newest)
		}
	})
}
