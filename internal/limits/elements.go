package limits

import (
	"math"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxElements returns the maximum number of elements of a list or map field: the limit in the schema, or a default.
func MaxElements(fd protoreflect.FieldDescriptor) int {
	rules := rulesOf(fd)
	switch {
	case fd.FullName() == "google.protobuf.FieldMask.paths":
		return MaskNames
	case rules.GetRepeated().HasMaxItems():
		return clamp(rules.GetRepeated().GetMaxItems())
	case rules.GetMap().HasMaxPairs():
		return clamp(rules.GetMap().GetMaxPairs())
	default:
		return Elements
	}
}

// MaxText returns the maximum length of a string field or of the elements of a list of strings, in characters: the limit in
// the schema, or a default.
func MaxText(fd protoreflect.FieldDescriptor) int {
	rules := rulesOf(fd)
	if fd.IsList() {
		rules = rules.GetRepeated().GetItems()
	}
	switch text := rules.GetString(); {
	case text.HasMaxLen():
		return clamp(text.GetMaxLen())
	case text.HasLen():
		return clamp(text.GetLen())
	default:
		return Text
	}
}

func rulesOf(fd protoreflect.FieldDescriptor) *validate.FieldRules {
	rules, _ := proto.GetExtension(fd.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

func clamp(n uint64) int { return int(min(n, math.MaxInt32)) }
