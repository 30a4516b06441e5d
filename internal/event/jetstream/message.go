package jetstream

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
)

const (
	// attrPrefix is that of the CloudEvents NATS protocol binding, binary content mode (section 3.2).
	attrPrefix = "ce-"

	headerID = attrPrefix + "id"
	// headerKey holds the key, as the CloudEvents partitioning extension names it.
	headerKey = attrPrefix + "partitionkey"

	// serverPrefix is that of the headers that instruct the server; they concern one message in one stream.
	serverPrefix = "Nats-"
)

// encode makes the message of an event.
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
	return m
}

// stored is a message as it lies in a stream.
type stored struct {
	stream   string
	sequence uint64
	time     time.Time
	header   nats.Header
	data     []byte
}

// decode makes the event of a message of the topic. What the headers do not say is taken from the message: its time,
// and an ID that follows from its place.
func (m stored) decode(topic string) event.Event {
	e := event.Event{Topic: topic, Time: m.time.UTC(), Data: m.data}
	for key, values := range m.header {
		switch name, ok := strings.CutPrefix(key, attrPrefix); {
		case len(values) == 0:
		case key == headerKey:
			e.Key = unescape(values[0])
		case ok:
			e.SetAttribute(name, unescape(values[0]))
		case strings.EqualFold(key, event.ContentTypeHeader):
			e.SetContentType(values[0])
		}
	}
	if e.ID == "" {
		e.ID = event.PlaceID(fmt.Sprintf("%s/%d", m.stream, m.sequence))
	}
	return e
}

// writeDeadLetter makes the dead letter of a message. It keeps the message's own headers, and always has an ID: after a replay the
// place is another one.
func (m stored) writeDeadLetter(d event.DeadLetter, without event.Truncation) *nats.Msg {
	d.Abridged = without > event.Whole
	dead := nats.NewMsg(subjectOf(event.DeadLetterTopic(d.Event.Topic)))
	if without < event.NoHeaders {
		dead = m.travel(dead.Subject)
		dead.Header.Set(headerID, escape(d.Event.ID))
	}
	if d.Abridged {
		dead.Data = nil
	}
	for name, value := range d.Headers() {
		dead.Header.Set(name, value)
	}
	return dead
}

// tooLarge reports whether err says that the server, or the stream, takes no message of that size. The client refuses
// what exceeds the server's max_payload, the server headers above 64 KiB and what exceeds a limit of the stream.
func tooLarge(err error) bool {
	const headersTooLarge = 10097 // not among the client's constants
	var refused *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum) ||
		errors.As(err, &refused) && refused.ErrorCode == headersTooLarge
}

// parseDeadLetter is the inverse of writeDeadLetter.
func (m stored) parseDeadLetter(topic string) event.DeadLetter {
	d := event.DeadLetter{Event: m.decode(topic)}
	for key, values := range m.header {
		if len(values) > 0 {
			d.SetHeader(key, values[0])
		}
	}
	return d
}

// travel copies a message to another subject, with the headers that go with it.
func (m stored) travel(subject string) *nats.Msg {
	out := m.copyTo(subject)
	for key := range out.Header {
		if !event.Travels(key) {
			delete(out.Header, key)
		}
	}
	return out
}

// copyTo copies a message to another subject, with all headers but the server's.
func (m stored) copyTo(subject string) *nats.Msg {
	out := nats.NewMsg(subject)
	out.Data = m.data
	for key, values := range m.header {
		if !strings.HasPrefix(key, serverPrefix) {
			out.Header[key] = values
		}
	}
	return out
}

// meantFor reports whether the group handles the message: all messages but those replayed for another group.
func (m stored) meantFor(group string) bool {
	to := m.header.Get(event.ReplayGroupHeader)
	return to == "" || to == group
}

// escape makes a value fit for a header as the binding asks for: what is not printable ASCII, and space, quote and
// percent, as percent-encoded UTF-8.
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

// unescape is the inverse of escape. A value that somebody else did not escape is taken as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
