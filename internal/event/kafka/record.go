package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// attrPrefix is that of the CloudEvents Kafka protocol binding, binary content mode (section 3.2.3).
const attrPrefix = "ce_"

const headerID = attrPrefix + "id"

// encode makes the record of an event.
func encode(e event.Event) *kgo.Record {
	r := &kgo.Record{Topic: e.Topic, Value: e.Data}
	if e.Key != "" {
		r.Key = []byte(e.Key)
	}
	for name, value := range e.Attributes() {
		r.Headers = append(r.Headers, header(attrPrefix+name, value))
	}
	if e.ContentType != "" {
		r.Headers = append(r.Headers, header(event.ContentTypeHeader, e.ContentType))
	}
	return r
}

// decode makes the event of a record. What the headers do not say is taken from the record: its time, and an ID that
// follows from its place.
func decode(r *kgo.Record) event.Event {
	e := event.Event{Topic: r.Topic, Key: string(r.Key), Time: r.Timestamp.UTC(), Data: r.Value}
	for _, h := range r.Headers {
		if name, ok := strings.CutPrefix(h.Key, attrPrefix); ok {
			e.SetAttribute(name, string(h.Value))
		} else if strings.EqualFold(h.Key, event.ContentTypeHeader) {
			e.SetContentType(string(h.Value))
		}
	}
	if e.ID == "" {
		e.ID = event.PlaceID(fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset))
	}
	return e
}

// writeDeadLetter makes the dead letter of a record. It keeps the record's own headers, and always has an ID: after a replay the
// place is another one.
func writeDeadLetter(r *kgo.Record, d event.DeadLetter, without event.Truncation) *kgo.Record {
	d.Abridged = without > event.Whole
	dead := &kgo.Record{Topic: event.DeadLetterTopic(r.Topic)}
	if without < event.NoHeaders {
		dead = travel(r, dead.Topic)
		identify(dead, d.Event.ID)
	}
	if d.Abridged {
		dead.Value = nil
	}
	for name, value := range d.Headers() {
		dead.Headers = append(dead.Headers, header(name, value))
	}
	return dead
}

// identify gives a record that has none the event's ID.
func identify(r *kgo.Record, id string) {
	if !slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == headerID }) {
		r.Headers = append(r.Headers, header(headerID, id))
	}
}

// parseDeadLetter is the inverse of writeDeadLetter.
func parseDeadLetter(r *kgo.Record) event.DeadLetter {
	d := event.DeadLetter{Event: decode(r)}
	for _, h := range r.Headers {
		d.SetHeader(h.Key, string(h.Value))
	}
	return d
}

// travel copies a record to another topic, with the headers that go with it.
func travel(r *kgo.Record, topic string) *kgo.Record {
	out := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		if event.Travels(h.Key) {
			out.Headers = append(out.Headers, h)
		}
	}
	return out
}

// meantFor reports whether the group handles the record: all records but those replayed for another group.
func meantFor(r *kgo.Record, group string) bool {
	for _, h := range r.Headers {
		if h.Key == event.ReplayGroupHeader {
			return string(h.Value) == group
		}
	}
	return true
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}
