package strictjson

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar converts a token to a value of fd's kind, or says which rule it breaks and what is expected in its place.
func scalar(fd protoreflect.FieldDescriptor, t json.Token) (v protoreflect.Value, rule, expected string) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if s, ok := t.(string); ok {
			return protoreflect.ValueOfString(s), "", ""
		}
		return v, RuleType, "a text"
	case protoreflect.BoolKind:
		if b, ok := t.(bool); ok {
			return protoreflect.ValueOfBool(b), "", ""
		}
		return v, RuleType, "true or false"
	case protoreflect.EnumKind:
		s, _ := t.(string)
		if n, ok := EnumNumber(fd.Enum(), s); ok {
			return protoreflect.ValueOfEnum(n), "", ""
		}
		return v, RuleEnum, "one of " + EnumNames(fd.Enum())
	case protoreflect.BytesKind:
		s, ok := t.(string)
		b, err := base64.StdEncoding.DecodeString(s)
		if ok && err == nil {
			return protoreflect.ValueOfBytes(b), "", ""
		}
		return v, RuleType, "base64 text"
	default:
		return number(fd.Kind(), t)
	}
}

// number converts a JSON number. Those of 64 bits may be text, as protobuf writes them; others may not.
func number(kind protoreflect.Kind, t json.Token) (v protoreflect.Value, rule, expected string) {
	n, isNumber := t.(json.Number)
	text := n.String()
	if s, ok := t.(string); ok && wide(kind) {
		text, isNumber = s, true
	}
	if !isNumber {
		return v, RuleType, "a number"
	}
	var err error
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		var i int64
		i, err = strconv.ParseInt(text, 10, 32)
		v = protoreflect.ValueOfInt32(int32(i))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		var i int64
		i, err = strconv.ParseInt(text, 10, 64)
		v = protoreflect.ValueOfInt64(i)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		var u uint64
		u, err = strconv.ParseUint(text, 10, 32)
		v = protoreflect.ValueOfUint32(uint32(u))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		var u uint64
		u, err = strconv.ParseUint(text, 10, 64)
		v = protoreflect.ValueOfUint64(u)
	case protoreflect.FloatKind:
		var f float64
		f, err = strconv.ParseFloat(text, 32)
		v = protoreflect.ValueOfFloat32(float32(f))
	default:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v = protoreflect.ValueOfFloat64(f)
	}
	if err != nil {
		return protoreflect.Value{}, RuleType, "a whole number in range"
	}
	return v, "", ""
}

func wide(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return true
	default:
		return false
	}
}

// EnumNumber returns the value that a client may name so. The unspecified value cannot be named: it is absence.
func EnumNumber(ed protoreflect.EnumDescriptor, name string) (protoreflect.EnumNumber, bool) {
	v := ed.Values().ByName(protoreflect.Name(name))
	if v == nil || unspecified(v) {
		return 0, false
	}
	return v.Number(), true
}

// EnumNames lists the values that a client may name, "CREDIT, DEBIT".
func EnumNames(ed protoreflect.EnumDescriptor) string {
	var names []string
	for i := range ed.Values().Len() {
		if v := ed.Values().Get(i); !unspecified(v) {
			names = append(names, string(v.Name()))
		}
	}
	return strings.Join(names, ", ")
}

func unspecified(v protoreflect.EnumValueDescriptor) bool {
	return v.Number() == 0 && strings.HasSuffix(string(v.Name()), "_UNSPECIFIED")
}

// wellKnown reads a message of google.protobuf, whose JSON is no object of its fields.
func (r *reader) wellKnown(v protoreflect.Value, path string) (protoreflect.Value, bool) {
	raw := r.raw()
	if string(raw) == "null" {
		return v, false
	}
	m := v.Message()
	if err := (protojson.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(raw, m.Interface()); err != nil {
		r.refusef(path, RuleType, "a valid %s is expected", m.Descriptor().Name())
		return v, false
	}
	return v, true
}
