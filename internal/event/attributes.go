package event

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The CloudEvents 1.0 context attributes that the platform uses. Each driver gives them the prefix of its protocol
// binding ("ce_" on Kafka, "ce-" on NATS); ContentTypeHeader stands for datacontenttype and has no prefix anywhere.
const (
	attrSpecVersion = "specversion"
	attrID          = "id"
	attrSource      = "source"
	attrType        = "type"
	attrTime        = "time"

	// ContentTypeHeader names the header that holds the media type of the data.
	ContentTypeHeader = "content-type"
)

const specVersion = "1.0"

// MaxSize is how large an event may be, in bytes, data and attributes together. It leaves room below the megabyte that
// brokers accept for what a dead letter and a replay add.
const MaxSize = 960 << 10

// Size is what the event counts against MaxSize.
func (e Event) Size() int {
	return len(e.ID) + len(e.Source) + len(e.Type) + len(e.Key) + len(e.ContentType) + len(e.Data)
}

// Check says why the event cannot be published, or nil.
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
		return Permanentf("event %s is too large: %d bytes, at most %d", e.ID, e.Size(), MaxSize)
	}
	return nil
}

// maxID bounds an ID, in bytes: it is a key of every inbox.
const maxID = 1 << 10

// checkID returns a permanent error for an ID that no handler can remember. CloudEvents allows no control characters
// (1.0, section 3.1.1, String); what is not valid UTF-8 is no string at all.
func (e Event) checkID() error {
	if e.ID == "" || len(e.ID) > maxID || !utf8.ValidString(e.ID) || strings.ContainsFunc(e.ID, unicode.IsControl) {
		return Permanentf("the event's id is not one: %.40q", e.ID)
	}
	return nil
}

// Attributes yields the names and values of the event's CloudEvents attributes, without the binding's prefix and
// without the content type. The key and the data travel in places of their own.
func (e Event) Attributes() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = yield(attrSpecVersion, specVersion) &&
			yield(attrID, e.ID) &&
			yield(attrSource, e.Source) &&
			yield(attrType, e.Type) &&
			yield(attrTime, e.Time.UTC().Format(time.RFC3339Nano))
	}
}

// SetAttribute is the inverse of Attributes for one of them. Attributes that the platform does not know are ignored,
// and so is a time that is not RFC 3339: the event keeps the one that its driver gave it.
func (e *Event) SetAttribute(name, value string) {
	switch name {
	case attrID:
		e.ID = value
	case attrSource:
		e.Source = value
	case attrType:
		e.Type = value
	case attrTime:
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			e.Time = t.UTC()
		}
	}
}

// SetContentType takes the value of a content-type header, without its parameters.
func (e *Event) SetContentType(value string) {
	media, _, _ := strings.Cut(value, ";")
	e.ContentType = strings.ToLower(strings.TrimSpace(media))
}

// PlaceID is the ID of an event that came without one: the same for every delivery from the same place.
func PlaceID(place string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("loyalty:event:"+place)).String()
}
