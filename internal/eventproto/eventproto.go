// Package eventproto puts protobuf messages into events and takes them out again. The generated event packages are
// written with it.
package eventproto

import (
	"bytes"
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

// Decode reads e's data into m: as JSON where e says so or says nothing, else as protobuf's binary form. Members that m
// does not have are ignored, so that producers can be newer than consumers. Its errors are permanent.
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
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(e.Data, m)
	default:
		err = fmt.Errorf("the content type %q is not supported", e.ContentType)
	}
	if err != nil {
		return event.Permanentf("decode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// CheckType returns an error unless t is a value that the schema has, other than the unspecified one.
func CheckType(field string, t protoreflect.Enum) error {
	if t.Number() == 0 || t.Descriptor().Values().ByNumber(t.Number()) == nil {
		return fmt.Errorf("%s is not specified or not known", field)
	}
	return nil
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
