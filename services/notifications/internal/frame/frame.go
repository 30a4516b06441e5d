// Package frame encodes the frames of live connections, loyalty.notifications.v1.Frame, as JSON or as binary protobuf. Each
// frame is encoded at most once in each form, even if it is sent to many connections.
package frame

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/wire"
)

// Frame is one frame in both forms. It is safe for concurrent use.
type Frame struct {
	// Traceparent is the W3C trace context of the live message that brought the frame, or empty. It is not part of the frame.
	Traceparent string

	mu      sync.Mutex
	message *notificationsv1.Frame
	text    []byte
	binary  []byte
}

// Notification returns the frame for a new notification.
func Notification(n notifications.Notification) *Frame {
	return &Frame{message: &notificationsv1.Frame{
		Frame: &notificationsv1.Frame_Notification{Notification: wire.FromNotification(n)},
	}}
}

// Read returns the frame for a read state.
func Read(state notifications.ReadState) *Frame {
	m := &notificationsv1.ReadState{Ids: make([]string, len(state.IDs)), All: state.All, Unread: int32(state.Unread)}
	for i, id := range state.IDs {
		m.Ids[i] = id.String()
	}
	return &Frame{message: &notificationsv1.Frame{Frame: &notificationsv1.Frame_Read{Read: m}}}
}

// Reset returns the frame that tells the client to list the notifications again.
func Reset(reason string) *Frame {
	return &Frame{message: &notificationsv1.Frame{
		Frame: &notificationsv1.Frame_Reset_{Reset_: &notificationsv1.Reset{Reason: reason}},
	}}
}

// FromText returns the frame for a text that Text returned, perhaps on another replica. It does not check the text; Binary
// returns an error if the text is invalid.
func FromText(text []byte, traceparent string) *Frame {
	return &Frame{text: text, Traceparent: traceparent}
}

// Text returns the JSON form, including false, zero and empty members. The caller must not change it.
func (f *Frame) Text() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text == nil {
		text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(f.message)
		if err != nil {
			return nil, fmt.Errorf("frame as JSON: %w", err)
		}
		f.text = text
	}
	return f.text, nil
}

// Binary returns the protobuf form. The caller must not change it.
func (f *Frame) Binary() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.binary != nil {
		return f.binary, nil
	}
	if f.message == nil {
		var m notificationsv1.Frame
		// A replica of a newer version may send unknown members.
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(f.text, &m); err != nil {
			return nil, fmt.Errorf("frame from JSON: %w", err)
		}
		f.message = &m
	}
	binary, err := proto.Marshal(f.message)
	if err != nil {
		return nil, fmt.Errorf("frame as protobuf: %w", err)
	}
	f.binary = binary
	return binary, nil
}
