package jetstream

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

const (
	// attrPrefix is the prefix of attribute headers in the CloudEvents NATS protocol binding, binary content mode (section
	// 3.2).
	attrPrefix = "ce-"

	headerID = attrPrefix + "id"
	// headerKey holds the event's key, as the attribute of the CloudEvents partitioning extension.
	headerKey = attrPrefix + "partitionkey"

	// serverPrefix is the prefix of headers that are instructions for the server. They must not be copied to another message.
	serverPrefix = "Nats-"
)

// encode returns the message of an event.
func encode(e event.Event) *nats.Msg {
	m := nats.NewMsg(partitionSubject(e.Topic, partitionOf(e)))
	m.Data = e.Data
	for name, value := range e.Attributes() {
		m.Header.Set(attrPrefix+name, escape(value))
	}
	if e.Key != "" {
		m.Header.Set(headerKey, escape(e.Key))
	}
	if e.ContentType != "" {
		m.Header.Set(event.ContentTypeHeader, e.ContentType)
	}
	if e.Traceparent != "" {
		m.Header.Set(tracing.Header, e.Traceparent)
	}
	return m
}

// message is a message of a stream.
type message struct {
	stream   string
	subject  string
	sequence uint64
	time     time.Time
	header   nats.Header
	data     []byte
}

// decode returns the event of a message. If the message has no time header, the event has the time at which the stream
// stored the message. If it has no ID, the ID is derived from the message's position. If the message is malformed, decode
// returns a permanent error and an event with the attributes that it could read. The event always has an ID.
func (m message) decode(topic string) (event.Event, error) {
	e, err := event.Parse(headers(m.header), m.data)
	e.Topic = topic
	if e.Time.IsZero() {
		e.Time = m.time.UTC()
	}
	if e.ID == "" {
		e.ID = event.PositionID(fmt.Sprintf("%s/%d", m.stream, m.sequence))
	}
	return e, err
}

// headers yields every value of every header in a fixed order. Values of attributes are unescaped.
func headers(h nats.Header) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, value := range h[name] {
				if !strings.EqualFold(name, event.ContentTypeHeader) {
					value = unescape(value)
				}
				if !yield(name, value) {
					return
				}
			}
		}
	}
}

// writeDeadLetter returns the dead letter of a message. Unless truncation is NoHeaders, it contains the event's headers and
// the ID. It adds a derived ID as a header, because the message of a replay has another position.
func (m message) writeDeadLetter(d event.DeadLetter, truncation event.Truncation) *nats.Msg {
	d.Truncated = truncation > event.Whole
	dead := nats.NewMsg(subjectOf(event.DeadLetterTopic(d.Event.Topic)))
	if truncation < event.NoHeaders {
		dead = m.copyEvent(dead.Subject)
		if d.Truncated {
			dead.Data = nil
		}
		ensureID(dead, d.Event.ID)
	}
	for name, value := range d.Headers() {
		dead.Header.Set(name, value)
	}
	return dead
}

// ensureID adds a header with the ID to a message that has no ID.
func ensureID(m *nats.Msg, id string) {
	if e, _ := event.Parse(headers(m.Header), m.Data); e.ID == "" {
		m.Header.Set(headerID, escape(id))
	}
}

// isTooLarge reports whether err means that the message is too large. The client rejects messages above the server's
// max_payload. The server rejects headers above 64 KiB and messages above the stream's limit.
func isTooLarge(err error) bool {
	const headersTooLarge = 10097 // the client has no constant for this code
	var refused *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) ||
		errors.As(err, &refused) && refused.ErrorCode == headersTooLarge
}

// parseDeadLetter parses a message in the stream of the topic's dead letters. Malformed fields have the zero value.
//
// The message is invalid if it has another subject. The server stores what a consumer delivers to the subject of a stream,
// with the original subject, and a service chooses where its consumers deliver.
func (m message) parseDeadLetter(topic string) event.DeadLetter {
	e, _ := m.decode(topic)
	d := event.ParseDeadLetter(e, topic, func(yield func(string, string) bool) {
		for key, values := range m.header {
			if len(values) > 0 && !yield(key, values[0]) {
				return
			}
		}
	})
	switch {
	case m.subject != subjectOf(event.DeadLetterTopic(topic)):
		d.Invalid = event.InvalidError("its subject is %q", m.subject)
	case d.Invalid != nil:
	case d.Partition < unpartitioned || d.Partition >= Partitions:
		d.Invalid = event.InvalidError("the topic has no partition %d", d.Partition)
	case d.Offset < 1:
		d.Invalid = event.InvalidError("a stream has no message %d", d.Offset)
	}
	return d
}

// copyEvent returns a copy of a message for another subject. It copies only the event's headers.
func (m message) copyEvent(subject string) *nats.Msg {
	out := m.copyTo(subject)
	for key := range out.Header {
		if !event.IsEventHeader(key) {
			delete(out.Header, key)
		}
	}
	return out
}

// copyTo returns a copy of a message for another subject. It copies all headers except the server's.
func (m message) copyTo(subject string) *nats.Msg {
	out := nats.NewMsg(subject)
	out.Data = m.data
	for key, values := range m.header {
		if !strings.HasPrefix(key, serverPrefix) {
			out.Header[key] = values
		}
	}
	return out
}

// isFor reports whether the group must handle the message. Only the group that failed handles a replayed message.
func (m message) isFor(group string) bool {
	to := m.header.Get(event.ReplayGroupHeader)
	return to == "" || to == group
}

// escape encodes a header value as the protocol binding requires. It percent-encodes spaces, double quotes, percent signs
// and all bytes of s that are not printable ASCII.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// unescape reverses escape. It returns s unchanged if s has an invalid escape sequence.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
