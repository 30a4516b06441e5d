// Package eventproto encodes protobuf messages into events and decodes them. The generated event packages use it.
package eventproto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/validation"
)

// Encode returns e with m as its data in protobuf binary format. The encoding is deterministic.
func Encode(e event.Event, m proto.Message) (event.Event, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return event.Event{}, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	e.ContentType, e.Data = event.ContentProtobuf, data
	return e, nil
}

// Unknown is the event type that Decode sets if JSON data has an event type that is not in the schema. Enums in the schema
// have no negative numbers.
const Unknown protoreflect.EnumNumber = -1

// typeField is the name of the message field that holds the event type.
const typeField protoreflect.Name = "event_type"

// Decode decodes e's data into m. The content type selects JSON or protobuf binary format; data without a content type is
// read as JSON. Decode accepts data of producers with a newer schema: it ignores unknown fields, keeps the number of an
// unknown event type, and sets the event type to Unknown if its JSON name is unknown. Its errors are permanent.
func Decode(e event.Event, m proto.Message) error {
	var err error
	switch media, _, _ := strings.Cut(e.ContentType, ";"); strings.ToLower(strings.TrimSpace(media)) {
	case event.ContentProtobuf, "application/x-protobuf":
		err = proto.Unmarshal(e.Data, m)
	case event.ContentJSON, "":
		if len(bytes.TrimSpace(e.Data)) == 0 {
			err = errors.New("no data")
			break
		}
		if err = (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(e.Data, m); err == nil {
			keepUnknownType(e.Data, m.ProtoReflect())
		} else if e.ContentType == "" {
			err = fmt.Errorf("no content-type header, so the data was read as JSON: %w", err)
		}
	default:
		err = fmt.Errorf("content-type %q is not supported", e.ContentType)
	}
	if err != nil {
		return event.Permanentf("decode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// keepUnknownType sets the event type of m to Unknown if the JSON text has an event type that is not in the schema. It is
// needed because protojson discards an unknown enum name.
func keepUnknownType(text []byte, m protoreflect.Message) {
	field := m.Descriptor().Fields().ByName(typeField)
	if field == nil || field.Kind() != protoreflect.EnumKind || m.Has(field) {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return
	}
	for _, member := range []string{field.JSONName(), field.TextName()} {
		var name string
		if json.Unmarshal(members[member], &name) == nil && protoreflect.Name(name).IsValid() &&
			field.Enum().Values().ByName(protoreflect.Name(name)) == nil {
			m.Set(field, protoreflect.ValueOfEnum(Unknown))
		}
	}
}

// CheckType returns an error if t is the unspecified value. It accepts values that are not in the schema: a producer with a
// newer schema may send them, and the handler decides what to do.
func CheckType(field string, t protoreflect.Enum) error {
	if t.Number() == 0 {
		return fmt.Errorf("%s is not specified", field)
	}
	return nil
}

// Known reports whether the schema has a value with the number of t.
func Known(t protoreflect.Enum) bool {
	return t.Descriptor().Values().ByNumber(t.Number()) != nil
}

// CheckKey returns an error for an empty key.
func CheckKey(field, key string) error {
	if key == "" {
		return fmt.Errorf("%s is missing", field)
	}
	return nil
}

// CheckUUID returns an error for a key that is not a UUID in the form of 36 characters with hyphens.
func CheckUUID(field, key string) error {
	if err := CheckKey(field, key); err != nil {
		return err
	}
	if _, err := uuid.Parse(key); err != nil || len(key) != len(uuid.Nil.String()) {
		return fmt.Errorf("%s is not a UUID", field)
	}
	return nil
}

// Checker returns a function that checks payloads of a message type with the rules of requests: amounts, dates, UUIDs, the
// length of texts, and characters that no text may contain. The errors of the function are permanent and name the fields.
// The rules are compiled at the first call. The function is safe for concurrent use.
func Checker(of protoreflect.MessageDescriptor) func(proto.Message) error {
	compiled := sync.OnceValues(func() (*validation.Validator, error) { return validation.New(of) })
	return func(m proto.Message) error {
		validator, err := compiled()
		if err != nil {
			return err
		}
		violations, err := validator.CheckEvent(m)
		if err != nil || len(violations) == 0 {
			return err
		}
		texts := make([]string, len(violations))
		for i, v := range violations {
			texts[i] = v.Field + ": " + v.Message
		}
		return event.Permanentf("invalid %s: %s", of.Name(), strings.Join(texts, "; "))
	}
}
