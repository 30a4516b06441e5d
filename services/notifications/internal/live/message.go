package live

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// channelPrefix precedes the player's id in the name of the player's channel.
const channelPrefix = "notifications:"

func channelOf(player uuid.UUID) string { return channelPrefix + player.String() }

func playerOf(channel string) (uuid.UUID, bool) {
	id, found := strings.CutPrefix(channel, channelPrefix)
	if !found {
		return uuid.Nil, false
	}
	player, err := uuid.Parse(id)
	return player, err == nil
}

// Message is a live message to one player.
type Message struct {
	// Player is the player that the message is for.
	Player uuid.UUID
	// Seq is the sequence number of the notification in Frame.
	Seq int64
	// Frame is nil if the message only announces that the notifications up to Seq are stored.
	Frame *frame.Frame
	// Traceparent is the W3C trace context of the message, or empty.
	Traceparent string
	// Read is set only in a message about a read state. Seq and Frame are then zero.
	Read *notifications.ReadState
}

// A payload is an eight-byte, big-endian number, the trace context as one byte of length and text, and JSON text. The number
// is Seq, or readMark for a read state. The JSON text is the frame or the read state. It is empty if Frame is nil.
const (
	headerLen       = 8
	readMark  int64 = -1
)

type readState struct {
	IDs    []uuid.UUID `json:"ids"`
	All    bool        `json:"all"`
	Total  int         `json:"total"`
	Unread int         `json:"unread"`
}

func (m Message) encode() (string, error) {
	var (
		head = m.Seq
		text []byte
		err  error
	)
	switch {
	case m.Read != nil:
		head = readMark
		text, err = json.Marshal(readState{m.Read.IDs, m.Read.All, m.Read.Total, m.Read.Unread})
	case m.Frame != nil:
		text, err = m.Frame.Text()
	}
	if err != nil {
		return "", err
	}
	if len(m.Traceparent) > math.MaxUint8 {
		m.Traceparent = ""
	}
	payload := make([]byte, headerLen, headerLen+1+len(m.Traceparent)+len(text))
	binary.BigEndian.PutUint64(payload, uint64(head))
	payload = append(payload, byte(len(m.Traceparent)))
	payload = append(payload, m.Traceparent...)
	return string(append(payload, text...)), nil
}

// decode parses a payload that encode returned. It reports false if the channel or the payload is malformed.
func decode(channel, payload string) (Message, bool) {
	player, ok := playerOf(channel)
	if !ok || len(payload) <= headerLen || len(payload) < headerLen+1+int(payload[headerLen]) {
		return Message{}, false
	}
	head, rest := int64(binary.BigEndian.Uint64([]byte(payload[:headerLen]))), payload[headerLen+1:]
	traceLen := int(payload[headerLen])
	text := []byte(rest[traceLen:])
	m := Message{Player: player, Traceparent: rest[:traceLen]}
	switch {
	case head == readMark:
		var read readState
		if json.Unmarshal(text, &read) != nil {
			return Message{}, false
		}
		m.Read = &notifications.ReadState{
			IDs: read.IDs, All: read.All, Counts: notifications.Counts{Total: read.Total, Unread: read.Unread},
		}
		return m, true
	case head <= 0:
		return Message{}, false
	case len(text) > 0:
		m.Frame = frame.FromText(text, m.Traceparent)
	}
	m.Seq = head
	return m, true
}
