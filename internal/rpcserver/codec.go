package rpcserver

import (
	"fmt"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// Connect and vanguard decode a request before any interceptor runs, and answer what cannot be decoded themselves:
// without error details, without a log line, and to callers who never showed a token. So our codecs do not fail. They
// note what is wrong with the message in the message itself, as an unknown field, and the interceptor that validates
// finds it there. A client that sends this field itself is refused with what it wrote.

// noteField is the number of the unknown field that holds a google.rpc.BadRequest: the last one there is.
const noteField = protowire.MaxValidNumber

// Rules of notes that are not about a field.
const (
	ruleTooLarge = "too_large"
	ruleWire     = "wire"
)

// note leaves what is wrong with m in m.
func note(m protoreflect.Message, violations []apperr.Violation) {
	if len(violations) == 0 {
		return
	}
	b, err := proto.Marshal(badRequest(violations))
	if err != nil {
		return // not reached: the texts are valid UTF-8
	}
	unknown := protowire.AppendTag(m.GetUnknown(), noteField, protowire.BytesType)
	m.SetUnknown(protowire.AppendBytes(unknown, b))
}

// notes takes what note left, and all other unknown fields with it.
func notes(m protoreflect.Message) []apperr.Violation {
	var all []apperr.Violation
	unknown := m.GetUnknown()
	if len(unknown) == 0 {
		return nil
	}
	m.SetUnknown(nil)
	for len(unknown) > 0 {
		number, kind, n := protowire.ConsumeTag(unknown)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, unknown[n:])
		if size < 0 {
			break
		}
		if number == noteField && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(unknown[n:])
			var b errdetails.BadRequest
			if proto.Unmarshal(value, &b) == nil {
				all = append(all, violations(&b)...)
			}
		}
		unknown = unknown[n+size:]
	}
	return all
}

// jsonCodec is the JSON of requests and answers, for Connect and for vanguard: strict on the way in, and with false,
// zero and empty fields on the way out.
type jsonCodec struct {
	name    string
	maxBody int
}

// The names under which Connect looks for its JSON codec.
const (
	nameJSON        = "json"
	nameJSONCharset = "json; charset=utf-8"
	nameProto       = "proto"
)

func (c jsonCodec) Name() string { return c.name }

func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.marshalAppend(nil, message) }

func (c jsonCodec) MarshalAppend(b []byte, message any) ([]byte, error) {
	return c.marshalAppend(b, message)
}

func (c jsonCodec) marshalAppend(b []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", message)
	}
	return protojson.MarshalOptions{EmitDefaultValues: true}.MarshalAppend(b, m)
}

// Unmarshal reads data into message; it leaves a note where something is wrong.
func (c jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", message)
	}
	if len(data) > c.maxBody {
		note(m.ProtoReflect(), []apperr.Violation{{Rule: ruleTooLarge}})
		return nil
	}
	note(m.ProtoReflect(), strictjson.Unmarshal(data, m))
	return nil
}

// protoCodec is Connect's binary codec with notes.
type protoCodec struct{ maxBody int }

func (c protoCodec) Name() string   { return nameProto }
func (c protoCodec) IsBinary() bool { return true }

func (c protoCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (c protoCodec) MarshalAppend(b []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no protobuf message", message)
	}
	return proto.MarshalOptions{}.MarshalAppend(b, m)
}

func (c protoCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no protobuf message", message)
	}
	if len(data) > c.maxBody {
		note(m.ProtoReflect(), []apperr.Violation{{Rule: ruleTooLarge}})
		return nil
	}
	if err := proto.Unmarshal(data, m); err != nil {
		proto.Reset(m)
		note(m.ProtoReflect(), []apperr.Violation{{
			Rule: ruleWire, Message: "the request is no valid protobuf message, or holds text that is not UTF-8",
		}})
	}
	return nil
}

// restCodec is jsonCodec for vanguard, whose interface names protobuf messages.
type restCodec struct{ json jsonCodec }

func (c restCodec) Name() string { return vanguard.CodecJSON }

func (c restCodec) MarshalAppend(b []byte, m proto.Message) ([]byte, error) {
	return c.json.marshalAppend(b, m)
}

func (c restCodec) Unmarshal(data []byte, m proto.Message) error { return c.json.Unmarshal(data, m) }

var (
	_ connect.Codec  = jsonCodec{}
	_ connect.Codec  = protoCodec{}
	_ vanguard.Codec = restCodec{}
)
