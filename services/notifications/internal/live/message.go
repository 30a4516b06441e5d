package live

import (
	"encoding/binary"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// channelPrefix and a player's id are the name of the player's channel.
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

// Message is what a player's channel carries.
type Message struct {
	// Player is whose it is.
	Player uuid.UUID
	// Seq is the number of the notification in Frame; 0 where Frame says something else, which has no place in the
	// order.
	Seq int64
	// Frame is nil where only Seq is told: that notifications up to it are stored.
	Frame *frame.Frame
}

// On the wire: Seq as eight bytes, big-endian, then the frame's JSON text, if any.
const headerLen = 8

func (m Message) encode() (string, error) {
	var text []byte
	if m.Frame != nil {
		var err error
		if text, err = m.Frame.Text(); err != nil {
			return "", err
		}
	}
	payload := make([]byte, headerLen, headerLen+len(text))
	binary.BigEndian.PutUint64(payload, uint64(m.Seq))
	return string(append(payload, text...)), nil
}

// decode reports false for what encode has not written.
func decode(channel, payload string) (Message, bool) {
	player, ok := playerOf(channel)
	if !ok || len(payload) < headerLen {
		return Message{}, false
	}
	m := Message{Player: player, Seq: int64(binary.BigEndian.Uint64([]byte(payload[:headerLen])))}
	if m.Seq < 0 || m.Seq == 0 && len(payload) == headerLen {
		return Message{}, false
	}
	if text := payload[headerLen:]; text != "" {
		m.Frame = frame.FromText([]byte(text))
	}
	return m, true
}
