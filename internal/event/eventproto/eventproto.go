// Package eventproto puts protobuf messages into events and takes them out again. The generated event packages are
// written with it.
package eventproto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Encode returns e with m as its data, in protobuf's binary form. Equal messages give equal data.
func Encode(e event.Event, m proto.Message) (event.Event, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return event.Event{}, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	e.ContentType, e.Data = event.ContentProtobuf, data
	return e, nil
}

// Unknown is the number that Decode gives a type whose name in JSON the schema does not have. It is none that a schema
// gives.
const Unknown protoreflect.EnumNumber = -1

// typeField is the name that the schema gives to the field with an event's type.
const typeField protoreflect.Name = "event_type"

// Decode reads e's data into m: as JSON where e says so or says nothing, else as protobuf's binary form. Members that m
// does not have are ignored, and a type that it does not know is kept by its number or is Unknown, so that producers can
// be newer than consumers. Its errors are permanent.
func Decode(e event.Event, m proto.Message) error {
	var err error
	switch media, _, _ := strings.Cut(e.ContentType, ";"); strings.ToLower(strings.TrimSpace(media)) {
	case event.ContentProtobuf, "application/x-protobuf":
		err = proto.Unmarshal(e.Data, m)
	case event.ContentJSON, "":
		if len(bytes.TrimSpace(e.Data)) == 0 {
			err = errors.New("there is no data")
			break
		}
		if err = (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(e.Data, m); err == nil {
			keepUnknownType(e.Data, m.ProtoReflect())
		}
	default:
		err = fmt.Errorf("the content type %q is not supported", e.ContentType)
	}
	if err != nil {
		return event.Permanentf("decode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// keepUnknownType makes the type of m, read from the JSON text, Unknown where the text has a name for it that the schema
// does not have: protojson drops such a name, as if it were not there.
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

// CheckType returns an error if t is the unspecified value. One that the schema does not have is none: it is a newer
// producer's, and the handler knows what that is to it.
func CheckType(field string, t protoreflect.Enum) error {
	if t.Number() == 0 {
		return fmt.Errorf("%s is not specified", field)
	}
	return nil
}

// Known reports whether the schema has t.
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

// CheckUUID returns an error for a key that is not the canonical text of a UUID.
func CheckUUID(field, key string) error {
	if err := CheckKey(field, key); err != nil {
		return err
	}
	if _, err := uuid.Parse(key); err != nil || len(key) != len(uuid.Nil.String()) {
		return fmt.Errorf("%s is not a UUID", field)
	}
	return nil
}
