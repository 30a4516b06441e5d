package event

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Names of the CloudEvents 1.0 context attributes that the platform writes or reads. In a message each has a prefix that
// the protocol binding defines: "ce_" on Kafka, "ce-" on NATS.
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

// MaxSize is the largest size of an event in bytes, data and attributes together. Brokers accept a megabyte by default;
// the difference is room for the headers that dead letters and replays add.
const MaxSize = 960 << 10

// Size returns the number of bytes that count against MaxSize.
func (e Event) Size() int {
	return len(e.ID) + len(e.Source) + len(e.Type) + len(e.Key) + len(e.ContentType) + len(e.Data)
}

// Check returns a permanent error if the event cannot be published.
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

// maxID is the maximum length of an ID in bytes. Every inbox stores the ID as part of its primary key.
const maxID = 1 << 10

// checkID returns a permanent error for an ID that an inbox cannot store. CloudEvents forbids control characters and
// requires valid Unicode (1.0, section 3.1.1, String).
func (e Event) checkID() error {
	if e.ID == "" || len(e.ID) > maxID || !utf8.ValidString(e.ID) || strings.ContainsFunc(e.ID, unicode.IsControl) {
		return Permanentf("event id %.40q is not valid", e.ID)
	}
	return nil
}

// Attributes yields the names and values of the event's CloudEvents attributes. Names have no prefix. The content type,
// the key and the data are not included: each protocol binding has its own place for them.
func (e Event) Attributes() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = yield(attrSpecVersion, specVersion) &&
			yield(attrID, e.ID) &&
			yield(attrSource, e.Source) &&
			yield(attrType, e.Type) &&
			yield(attrTime, e.Time.UTC().Format(time.RFC3339Nano))
	}
}

// PositionID returns the ID of an event whose message has none. It is derived from the message's position in its topic,
// so a redelivery has the same ID.
func PositionID(position string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("loyalty:event:"+position)).String()
}
