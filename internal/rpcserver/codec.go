package rpcserver

import (
	"bytes"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// Connect decodes a request before it calls an interceptor. If decoding fails, it answers the request itself, without error
// details. Our codecs therefore do not fail on an invalid body. They attach the violations to the
// message as an unknown field, and the validating interceptor detaches them. The value of the field begins with a secret of
// the process, so a client cannot send violations. All other unknown fields are removed.

// violationsField is the number of the unknown field that holds the secret and a google.rpc.BadRequest: the highest valid
// number.
const violationsField = protowire.MaxValidNumber

// ruleWire is the rule of a body that is not a valid protobuf message.
const ruleWire = "wire"

// attachment attaches violations to messages. Its value is the secret.
type attachment [16]byte

// attach stores violations in m.
func (a attachment) attach(m protoreflect.Message, violations ...apperr.Violation) {
	if len(violations) == 0 {
		return
	}
	b, err := proto.Marshal(badRequest(violations))
	if err != nil {
		return // cannot happen with texts in UTF-8
	}
	unknown := protowire.AppendTag(m.GetUnknown(), violationsField, protowire.BytesType)
	m.SetUnknown(protowire.AppendBytes(unknown, append(a[:], b...)))
}

// detach removes all unknown fields from m and returns the violations in them.
func (a attachment) detach(m protoreflect.Message) []apperr.Violation {
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
		if number == violationsField && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(unknown[n:])
			var b errdetails.BadRequest
			if value, ok := bytes.CutPrefix(value, a[:]); ok && proto.Unmarshal(value, &b) == nil {
				all = append(all, violations(&b)...)
			}
		}
		unknown = unknown[n+size:]
	}
	return all
}

// jsonCodec is the JSON codec of Connect. It reads requests strictly, and writes answers with false, zero and
// empty fields.
type jsonCodec struct {
	name       string
	attachment attachment
}

// The names of codecs in Connect.
const (
	nameJSON        = "json"
	nameJSONCharset = "json; charset=utf-8"
	nameProto       = "proto"
	nameREST        = "rest"
)

func (c jsonCodec) Name() string { return c.name }

func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.marshalAppend(nil, message) }

func (c jsonCodec) MarshalAppend(b []byte, message any) ([]byte, error) {
	return c.marshalAppend(b, message)
}

func (c jsonCodec) marshalAppend(b []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", message)
	}
	return protojson.MarshalOptions{EmitDefaultValues: true}.MarshalAppend(b, m)
}

// Unmarshal reads data into message and attaches the violations to it.
func (c jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a protobuf message", message)
	}
	c.attachment.attach(m.ProtoReflect(), strictjson.Unmarshal(data, m)...)
	return nil
}

// protoCodec is the binary codec of Connect. It attaches violations instead of failing.
type protoCodec struct{ attachment attachment }

func (c protoCodec) Name() string   { return nameProto }
func (c protoCodec) IsBinary() bool { return true }

func (c protoCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (c protoCodec) MarshalAppend(b []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a protobuf message", message)
	}
	return proto.MarshalOptions{}.MarshalAppend(b, m)
}

func (c protoCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a protobuf message", message)
	}
	if v := new(counter).excess(data, m.ProtoReflect().Descriptor(), ""); v != nil {
		c.attachment.attach(m.ProtoReflect(), *v)
		return nil
	}
	if err := proto.Unmarshal(data, m); err != nil {
		proto.Reset(m)
		c.attachment.attach(m.ProtoReflect(), apperr.Violation{
			Rule: ruleWire, Message: "the body is not a valid protobuf message, or contains text that is not UTF-8",
		})
	}
	return nil
}

// restCodec is the codec of the calls over REST. It writes answers in JSON. It reads nothing, because the interceptor bind
// sets the fields of the request.
type restCodec struct{ jsonCodec }

func (restCodec) Name() string                { return nameREST }
func (restCodec) Unmarshal([]byte, any) error { return nil }

var (
	_ connect.Codec = jsonCodec{}
	_ connect.Codec = protoCodec{}
	_ connect.Codec = restCodec{}
)
