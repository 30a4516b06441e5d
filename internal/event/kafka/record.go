package kafka

import (
	"fmt"
	"iter"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// attrPrefix is the prefix of attribute headers in the CloudEvents Kafka protocol binding, binary content mode (section
// 3.2.3).
const attrPrefix = "ce_"

const headerID = attrPrefix + "id"

// encode returns the record of an event.
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
	if e.Traceparent != "" {
		r.Headers = append(r.Headers, header(tracing.Header, e.Traceparent))
	}
	return r
}

// decode returns the event of a record. The record's key, if any, is the event's key. If the record has no time header, the
// event has the record's timestamp. If it has no ID, the ID is derived from the record's position. If the record is
// malformed, decode returns a permanent error and an event with the attributes that it could read. The event always has an
// ID.
func decode(r *kgo.Record) (event.Event, error) {
	e, err := event.Parse(headers(r), r.Value)
	e.Topic = r.Topic
	if len(r.Key) > 0 {
		e.Key = string(r.Key)
	}
	if e.Time.IsZero() {
		e.Time = r.Timestamp.UTC()
	}
	if e.ID == "" {
		e.ID = event.PositionID(fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset))
	}
	return e, err
}

func headers(r *kgo.Record) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, h := range r.Headers {
			if !yield(h.Key, string(h.Value)) {
				return
			}
		}
	}
}

// writeDeadLetter returns the dead letter of a record. Unless truncation is NoHeaders, it contains the event's headers and
// the ID. It adds a derived ID as a header, because the record of a replay has another position.
func writeDeadLetter(r *kgo.Record, d event.DeadLetter, truncation event.Truncation) *kgo.Record {
	d.Truncated = truncation > event.Whole
	dead := &kgo.Record{Topic: event.DeadLetterTopic(r.Topic)}
	if truncation < event.NoHeaders {
		dead = copyTo(r, dead.Topic)
		if d.Truncated {
			dead.Value = nil
		}
		ensureID(dead, d.Event.ID)
	}
	for name, value := range d.Headers() {
		dead.Headers = append(dead.Headers, header(name, value))
	}
	return dead
}

// ensureID adds a header with the ID to a record that has no ID.
func ensureID(r *kgo.Record, id string) {
	if e, _ := event.Parse(headers(r), r.Value); e.ID == "" {
		r.Headers = append(r.Headers, header(headerID, id))
	}
}

// parseDeadLetter parses a record among the topic's dead letters. Malformed fields have the zero value.
func parseDeadLetter(r *kgo.Record, topic string) event.DeadLetter {
	e, _ := decode(r)
	return event.ParseDeadLetter(e, topic, headers(r))
}

// copyTo returns a copy of a record for another topic. It copies only the event's headers.
func copyTo(r *kgo.Record, topic string) *kgo.Record {
	out := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		if event.IsEventHeader(h.Key) {
			out.Headers = append(out.Headers, h)
		}
	}
	return out
}

// isFor reports whether the group must handle the record. Only the group that failed handles a replayed record.
func isFor(r *kgo.Record, group string) bool {
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
