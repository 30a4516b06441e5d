package event

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Names of the CloudEvents 1.0 context attributes that the platform writes or reads. In a message, each name has the prefix
// of the protocol binding: "ce_" on Kafka, "ce-" on NATS.
const (
	attrSpecVersion  = "specversion"
	attrID           = "id"
	attrSource       = "source"
	attrType         = "type"
	attrTime         = "time"
	attrContentType  = "datacontenttype"
	attrEncoding     = "datacontentencoding" // of CloudEvents 0.3
	attrPartitionKey = "partitionkey"        // of the partitioning extension
)

// Headers without a prefix.
const (
	// ContentTypeHeader names the header with the media type of the body.
	ContentTypeHeader = "content-type"

	contentEncodingHeader = "content-encoding"
)

const specVersion = "1.0"

// MaxSize is the maximum size of an event in bytes, as counted by Event.Size. Brokers accept about 1 MB by default. The
// difference leaves room for headers, including the headers of dead letters and replays.
const MaxSize = 960 << 10

// Size returns the size of the event in bytes: its data, ID, source, type, key and content type.
func (e Event) Size() int {
	return len(e.ID) + len(e.Source) + len(e.Type) + len(e.Key) + len(e.ContentType) + len(e.Data)
}

// Check returns a permanent error if the event is too large, lacks a topic, source or type, or has no valid ID.
func (e Event) Check() error {
	switch {
	case e.Topic == "":
		return Permanentf("event %q has no topic", e.ID)
	case e.ID == "":
		return Permanentf("event for topic %s has no id", e.Topic)
	case e.checkID() != nil:
		return e.checkID()
	case e.Source == "" || e.Type == "":
		return Permanentf("event %s has no source or no type", e.ID)
	case e.Size() > MaxSize:
		return Permanentf("event %s is too large: %d bytes, maximum %d", e.ID, e.Size(), MaxSize)
	}
	return nil
}

// maxID is the maximum length of an ID in bytes. IDs must be short because they are part of the primary key of an inbox.
const maxID = 1 << 10

// checkID returns a permanent error if the ID is empty, too long, not valid UTF-8 or contains a control character.
// CloudEvents forbids control characters and requires valid Unicode (1.0, section 3.1.1, String).
func (e Event) checkID() error {
	if e.ID == "" || len(e.ID) > maxID || !utf8.ValidString(e.ID) || strings.ContainsFunc(e.ID, unicode.IsControl) {
		return Permanentf("event id %.40q is not valid", e.ID)
	}
	return nil
}

// Attributes yields the names and values of the event's CloudEvents attributes. Names have no prefix. Attributes omits the
// content type, the key and the data, because each protocol binding transmits them in its own way.
func (e Event) Attributes() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = yield(attrSpecVersion, specVersion) &&
			yield(attrID, e.ID) &&
			yield(attrSource, e.Source) &&
			yield(attrType, e.Type) &&
			yield(attrTime, e.Time.UTC().Format(time.RFC3339Nano))
	}
}

// PositionID returns an ID for an event whose message has no ID. It derives the ID from the message's position in its topic,
// so a redelivery has the same ID.
func PositionID(position string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("loyalty:event:"+position)).String()
}
