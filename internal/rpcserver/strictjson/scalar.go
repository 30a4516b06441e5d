package strictjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/limits"
)

// scalar converts a token to a value of fd's kind. If the token does not fit, it returns the broken rule and a description
// of the expected value.
func scalar(fd protoreflect.FieldDescriptor, t json.Token) (v protoreflect.Value, rule, expected string) {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if s, ok := t.(string); ok {
			return protoreflect.ValueOfString(s), "", ""
		}
		return v, RuleType, "a string"
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
		return v, RuleType, "a base64 string"
	default:
		return number(fd, t)
	}
}

// EnumNumber returns the number of the enum value with the given name. It returns false for an unknown name and for the
// unspecified value. Clients omit the field instead of sending the unspecified value.
func EnumNumber(ed protoreflect.EnumDescriptor, name string) (protoreflect.EnumNumber, bool) {
	v := ed.Values().ByName(protoreflect.Name(name))
	if v == nil || unspecified(v) {
		return 0, false
	}
	return v.Number(), true
}

// EnumNames lists the names that EnumNumber accepts, such as "CREDIT, DEBIT".
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

// wellKnown reads a google.protobuf message, such as a Timestamp, which has a JSON form of its own. It returns false if the
// value is null or invalid.
func (r *reader) wellKnown(v protoreflect.Value, path string) (protoreflect.Value, bool) {
	raw := r.raw()
	if string(raw) == "null" {
		return v, false
	}
	m := v.Message()
	if m.Descriptor().FullName() == "google.protobuf.FieldMask" {
		return r.fieldMask(v, raw, path)
	}
	if err := (protojson.UnmarshalOptions{RecursionLimit: limits.Depth}).Unmarshal(raw, m.Interface()); err != nil {
		r.refusef(path, RuleType, "a valid %s is expected", m.Descriptor().Name())
		return v, false
	}
	return v, true
}

// fieldMask reads a google.protobuf.FieldMask: the JSON names of fields, separated by commas. A text of only commas and
// spaces is an empty mask.
func (r *reader) fieldMask(v protoreflect.Value, raw []byte, path string) (protoreflect.Value, bool) {
	if len(raw) > limits.MaskBytes || bytes.Count(raw, []byte(",")) >= limits.MaskNames {
		r.refusef(path, RuleMaxItems, "at most %d names are allowed, in %d bytes", limits.MaskNames, limits.MaskBytes)
		r.stop()
		return v, false
	}
	var text string
	err := json.Unmarshal(raw, &text)
	if err == nil && strings.Trim(text, ", ") == "" {
		return v, true
	}
	// protojson would read "Title" as "_title", and a later error would contain "_title".
	badStart := func(name string) bool { return name == "" || name[0] < 'a' || name[0] > 'z' }
	if err == nil && !slices.ContainsFunc(strings.Split(text, ","), badStart) {
		if protojson.Unmarshal(raw, v.Message().Interface()) == nil {
			return v, true
		}
	}
	r.refusef(path, RuleType, `field names separated by commas are expected, such as "title,startDate"`)
	return v, false
}

// number converts a JSON number. A 64-bit integer may also be a string with a JSON number, as protobuf writes it.
func number(fd protoreflect.FieldDescriptor, t json.Token) (v protoreflect.Value, rule, expected string) {
	kind := fd.Kind()
	n, ok := t.(json.Number)
	text := n.String()
	if s, isString := t.(string); isString && is64Bit(kind) {
		text, ok = s, isNumber(s)
	}
	if !ok {
		return v, RuleType, "a number"
	}
	if kind == protoreflect.FloatKind || kind == protoreflect.DoubleKind {
		return float(kind, text)
	}
	digits, ok := integer(text)
	if !ok {
		return v, RuleType, "a whole number"
	}
	v, err := convert(kind, digits)
	// A page size beyond the type's range is valid: it is lowered to the maximum page size later.
	if err != nil && (fd.Name() != "page_size" || digits[0] == '-') {
		return protoreflect.Value{}, RuleType, "a whole number in range"
	}
	return v, "", ""
}

// isNumber reports whether text is a JSON number without white space around it.
func isNumber(text string) bool {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	return text != "" && (text[0] == '-' || digit(text[0])) && digit(text[len(text)-1]) && json.Valid([]byte(text))
}

func float(kind protoreflect.Kind, text string) (v protoreflect.Value, rule, expected string) {
	bits := 64
	if kind == protoreflect.FloatKind {
		bits = 32
	}
	f, err := strconv.ParseFloat(text, bits)
	switch {
	case err != nil:
		return v, RuleType, "a number in range"
	case bits == 32:
		return protoreflect.ValueOfFloat32(float32(f)), "", ""
	default:
		return protoreflect.ValueOfFloat64(f), "", ""
	}
}

// convert converts decimal digits to an integer of a kind. On overflow it returns the closest value and an error.
func convert(kind protoreflect.Kind, digits string) (protoreflect.Value, error) {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		i, err := strconv.ParseInt(digits, 10, 32)
		return protoreflect.ValueOfInt32(int32(i)), err
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		i, err := strconv.ParseInt(digits, 10, 64)
		return protoreflect.ValueOfInt64(i), err
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		u, err := strconv.ParseUint(digits, 10, 32)
		return protoreflect.ValueOfUint32(uint32(u)), err
	default:
		u, err := strconv.ParseUint(digits, 10, 64)
		return protoreflect.ValueOfUint64(u), err
	}
}

// integer returns the value of a JSON number as decimal digits, so that 20, 20.0 and 2e1 are all "20". It returns false if
// the value is not a whole number. If the value exceeds 64 bits, the digits may be those of another value that exceeds them.
func integer(text string) (digits string, ok bool) {
	mantissa, sign := strings.CutPrefix(text, "-")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(mantissa), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", true
	}
	trimmed := strings.TrimRight(digits, "0")
	// zeros is the number of zeros after the trimmed digits; a negative number means a fraction.
	zeros := len(digits) - len(trimmed) - len(fraction)
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil { // beyond the range of int, so the value is huge or a tiny fraction
			return overflow(sign), !strings.HasPrefix(exponent, "-")
		}
		zeros += e
	}
	switch {
	case zeros < 0:
		return "", false
	case zeros > maxZeros:
		return overflow(sign), true
	case sign:
		trimmed = "-" + trimmed
	}
	return trimmed + strings.Repeat("0", zeros), true
}

// maxZeros is more than the number of digits of a 64-bit integer.
const maxZeros = 30

// overflow returns the digits of a number beyond 64 bits.
func overflow(negative bool) string {
	digits := "1" + strings.Repeat("0", maxZeros)
	if negative {
		return "-" + digits
	}
	return digits
}

func is64Bit(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return true
	default:
		return false
	}
}
