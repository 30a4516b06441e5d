package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// contentStructured is the media type of a message in structured mode. structuredPrefix is the common prefix of the media
// types of all CloudEvents formats, including batches.
const (
	contentStructured = "application/cloudevents+json"
	structuredPrefix  = "application/cloudevents"
)

// Parse reads a CloudEvents event from the headers and the body of a message of any producer. It does not set Topic.
// ID, Time and Key are zero unless the message contains them.
//
// In binary mode the body is the data and each attribute is a header. All common prefixes are accepted: "ce_" (Kafka),
// "ce-" (NATS, HTTP), "cloudEvents_" and "cloudEvents:" (AMQP). The header content-type or the attribute datacontenttype
// holds the media type of the data. In structured mode, when content-type is application/cloudevents+json, the body is a
// JSON envelope that holds the attributes and the data. If a message has none of these headers, its body is the data.
//
// Header names are case-insensitive. All values of an attribute must be equal, whether in repeated headers or in a header
// and the envelope. The charset of a media type must be UTF-8; its other parameters are ignored. Empty values, unknown
// attributes and a time that is not RFC 3339 are ignored, too.
//
// The header traceparent holds the trace context. It is not an attribute; a malformed value is ignored later.
//
// Errors are permanent and name the header or the member of the envelope. With an error, Parse also returns an event with
// the attributes that it could read.
func Parse(headers iter.Seq2[string, string], body []byte) (Event, error) {
	var p parser
	traceparent := ""
	for header, value := range headers {
		if strings.EqualFold(header, tracing.Header) {
			traceparent = value
		}
		if attribute, ok := attributeOf(header); ok {
			p.add(attribute, header, value)
		}
	}
	contentType := p.get(ContentTypeHeader)
	structured := strings.HasPrefix(contentType.value, structuredPrefix)
	if structured {
		if contentType.value != contentStructured {
			p.failf("%s %q is not supported", contentType.origin, contentType.value)
		} else {
			body = p.parseEnvelope(body)
		}
	}
	data := p.get(attrContentType)
	switch {
	case strings.HasPrefix(data.value, structuredPrefix):
		p.failf("%s %q is not supported", data.origin, data.value)
	case structured:
		contentType = data
	case data.value == "":
	case contentType.value == "":
		contentType = data
	case contentType.value != data.value:
		p.failf("%s %q and %s %q differ", contentType.origin, contentType.value, data.origin, data.value)
	}
	e := Event{
		ID: p.get(attrID).value, Source: p.get(attrSource).value, Type: p.get(attrType).value, Key: p.get(attrPartitionKey).value,
		ContentType: contentType.value, Data: body, Traceparent: traceparent,
	}
	if t, err := time.Parse(time.RFC3339Nano, p.get(attrTime).value); err == nil {
		e.Time = t.UTC()
	}
	return e, p.err
}

// attributeOf returns the name of the attribute that a header holds. For the headers of the content type and the content
// encoding it returns ContentTypeHeader and contentEncodingHeader.
func attributeOf(header string) (attribute string, ok bool) {
	name := strings.ToLower(header)
	switch name {
	case ContentTypeHeader, "contenttype", "content_type":
		return ContentTypeHeader, true
	case contentEncodingHeader:
		return contentEncodingHeader, true
	}
	for _, prefix := range []string{"ce_", "ce-", "cloudevents_", "cloudevents:"} {
		if attribute, ok := strings.CutPrefix(name, prefix); ok {
			return attribute, true
		}
	}
	return "", false
}

// parser collects the attributes of a message and keeps the first error.
type parser struct {
	attributes []attribute
	err        error
}

// attribute is a value and the header or envelope member that holds it.
type attribute struct{ name, origin, value string }

func (p *parser) failf(format string, args ...any) {
	if p.err == nil {
		p.err = Permanentf("malformed message: "+format, args...)
	}
}

// get returns an attribute, or the zero value if the message does not have it.
func (p *parser) get(name string) attribute {
	for _, a := range p.attributes {
		if a.name == name {
			return a
		}
	}
	return attribute{}
}

// add checks the value of an attribute and stores it. If an attribute has two different values, add keeps the first one and
// records an error.
func (p *parser) add(name, origin, value string) {
	switch name {
	case ContentTypeHeader, attrContentType:
		value = p.mediaType(origin, value)
	case contentEncodingHeader, attrEncoding:
		if value != "" && !strings.EqualFold(value, "identity") {
			p.failf("%s %q is not supported", origin, value)
		}
		return
	case attrSpecVersion:
		if value != "" && !strings.HasPrefix(value, "1.") {
			p.failf("%s %q is not supported", origin, value)
		}
	case attrID, attrSource, attrType, attrTime, attrPartitionKey:
	default:
		return
	}
	if value == "" {
		return
	}
	if first := p.get(name); first.value != "" {
		if first.value != value {
			p.failf("%s %.80q and %s %.80q differ", first.origin, first.value, origin, value)
		}
		return
	}
	p.attributes = append(p.attributes, attribute{name, origin, value})
}

// mediaType returns the media type without its parameters, in lower case. It returns a malformed value unchanged and
// records an error.
func (p *parser) mediaType(origin, value string) string {
	if strings.TrimSpace(value) == "" {
		return ""
	}
	media, parameters, err := mime.ParseMediaType(value)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !strings.Contains(media, "/") {
		p.failf("%s %.80q is not a media type", origin, value)
		return value
	}
	if charset := strings.ToLower(parameters["charset"]); !slices.Contains([]string{"", "utf-8", "utf8", "us-ascii"}, charset) {
		p.failf("%s has charset %.80q, which is not supported", origin, charset)
	}
	return media
}

// Members of the JSON envelope that hold the data.
const (
	memberData   = "data"
	memberBase64 = "data_base64"
)

// parseEnvelope adds the attributes of a JSON envelope and returns the data (CloudEvents JSON format 1.0, section 3).
func (p *parser) parseEnvelope(body []byte) []byte {
	members, err := parseObject(body)
	if err != nil {
		p.failf("%s envelope: %w", contentStructured, err)
		return nil
	}
	for _, name := range []string{
		attrSpecVersion, attrID, attrSource, attrType, attrTime, attrContentType, attrEncoding, attrPartitionKey,
	} {
		var value *string
		if raw, ok := members[name]; ok && json.Unmarshal(raw, &value) != nil {
			p.failf("envelope member %s is not a string", name)
		}
		if value != nil {
			p.add(name, "envelope member "+name, *value)
		}
	}
	return p.envelopeData(members)
}

// envelopeData returns the data of an envelope. Data of a type other than JSON must be in data_base64.
func (p *parser) envelopeData(members map[string]json.RawMessage) []byte {
	data, encoded := members[memberData], members[memberBase64]
	if string(data) == "null" {
		data = nil
	}
	if encoded != nil && string(encoded) != "null" {
		if data != nil {
			p.failf("envelope has both %s and %s", memberData, memberBase64)
		}
		var decoded []byte
		if err := json.Unmarshal(encoded, &decoded); err != nil {
			p.failf("envelope member %s is not base64", memberBase64)
		}
		return decoded
	}
	switch contentType := p.get(attrContentType); {
	case data == nil:
	case contentType.value == "":
		p.add(attrContentType, contentType.origin, ContentJSON)
	case !isJSON(contentType.value):
		p.failf("envelope member %s cannot hold %s, use %s", memberData, contentType.value, memberBase64)
	}
	return data
}

func isJSON(media string) bool {
	return media == ContentJSON || media == "text/json" || strings.HasSuffix(media, "+json")
}

// parseObject returns the members of a JSON object. It refuses repeated members and invalid UTF-8, because JSON parsers
// disagree about their meaning.
func parseObject(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("invalid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := make(map[string]json.RawMessage)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if _, repeated := members[name]; !ok || repeated {
			return nil, fmt.Errorf("member %q occurs twice", name)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("member %q: %w", name, err)
		}
		members[name] = value
	}
	if !json.Valid(text) {
		return nil, errors.New("not a JSON object")
	}
	return members, nil
}
