package rpcserver

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/strictjson"
)

// counter counts the fields of a binary message before it is decoded, because decoding and validating an element is much
// more expensive than sending it.
type counter struct{ records int }

// ruleRecords is the rule of a message with too many fields.
const ruleRecords = "records"

// excess returns a violation if a list in a message of type md has more elements than limits.MaxElements, or if the message
// has more than limits.Records fields in all. It returns nil for an invalid message, which the decoder refuses.
func (c *counter) excess(data []byte, md protoreflect.MessageDescriptor, path string) *apperr.Violation {
	var left map[protowire.Number]int // the elements that each list may still have
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return nil
		}
		if c.records++; c.records > limits.Records {
			return &apperr.Violation{Rule: ruleRecords, Message: "the message has too many fields"}
		}
		value := data[n : n+size]
		data = data[n+size:]
		fd := md.Fields().ByNumber(number)
		if fd == nil {
			continue
		}
		at := fd.JSONName()
		if path != "" {
			at = path + "." + at
		}
		if fd.IsList() || fd.IsMap() {
			if left == nil {
				left = map[protowire.Number]int{}
			}
			if _, ok := left[number]; !ok {
				left[number] = limits.MaxElements(fd)
			}
			if left[number] -= elements(fd, kind, value); left[number] < 0 {
				v := strictjson.TooMany(fd, at)
				return &v
			}
		}
		if fd.Message() != nil && kind == protowire.BytesType {
			message, _ := protowire.ConsumeBytes(value)
			if v := c.excess(message, fd.Message(), at); v != nil {
				return v
			}
		}
	}
	return nil
}

// elements returns the number of elements in one value of a list: one, or the number of elements in a packed list of
// numbers.
func elements(fd protoreflect.FieldDescriptor, kind protowire.Type, value []byte) int {
	isText := fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind
	if kind != protowire.BytesType || fd.Message() != nil || isText {
		return 1
	}
	packed, _ := protowire.ConsumeBytes(value)
	switch fd.Kind() {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return len(packed) / 4
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return len(packed) / 8
	default:
		n := 0
		for _, b := range packed {
			if b < 0x80 { // the last byte of a varint
				n++
			}
		}
		return n
	}
}
