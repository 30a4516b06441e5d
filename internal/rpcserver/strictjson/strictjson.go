// Package strictjson reads the JSON form of protobuf messages more strictly than protojson. It refuses input that protojson
// accepts: a field's proto name instead of its JSON name, 32-bit numbers in strings, and numbers of enum values. It reports
// all violations, up to a maximum, instead of only the first one. It limits the nesting depth.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// Rules in the violations of Unmarshal.
const (
	// RuleSyntax means that the data is not a JSON object. It is then the only violation, and its field is empty.
	RuleSyntax = "json.syntax"
	// RuleUnknown means that the message has no such field.
	RuleUnknown = "json.unknown_field"
	// RuleDuplicate means that a field is given twice, or that two fields of a oneof are given.
	RuleDuplicate = "json.duplicate_field"
	// RuleType means that the value has the wrong type for the field.
	RuleType = "json.type"
	// RuleEnum means that the enum has no value with that name.
	RuleEnum = "enum.defined_only"
	// RuleMaxItems means that a list has too many elements. RuleMaxPairs means the same of a map.
	RuleMaxItems = "repeated.max_items"
	RuleMaxPairs = "map.max_pairs"
)

// Unmarshal sets the fields of m from data, a JSON object, and returns the violations. A violation names its field by the
// path in JSON names, such as "promotion.amount" or "player_ids[2]". Unmarshal sets all valid fields even if others are
// invalid. A field that is null counts as absent, as in protobuf's JSON mapping. Data without a value is an empty object;
// see [Value].
//
// Unmarshal stops at the first list that has more elements than limits.MaxElements, and after limits.DecodeViolations
// violations.
func Unmarshal(data []byte, m proto.Message) []apperr.Violation {
	data = Value(data)
	if len(data) == 0 {
		return nil
	}
	if err := wellFormed(data); err != nil {
		return []apperr.Violation{{Rule: RuleSyntax, Message: err.Error()}}
	}
	r := &reader{tokens: tokens{data: data}}
	if r.token() != json.Delim('{') {
		return []apperr.Violation{{Rule: RuleSyntax, Message: "the body is not a JSON object"}}
	}
	r.message(m.ProtoReflect(), "", 1)
	return r.violations
}

// Members returns the names of the first limits.Members members of a JSON object, in order. It returns false if data is not
// an object. Data without a value is an empty object; see [Value].
func Members(data []byte) ([]string, bool) {
	data = Value(data)
	if len(data) == 0 {
		return nil, true
	}
	if wellFormed(data) != nil {
		return nil, false
	}
	t := &tokens{data: data}
	if t.token() != json.Delim('{') {
		return nil, false
	}
	var names []string
	for len(names) < limits.Members && t.more() {
		name, _ := t.token().(string)
		names = append(names, name)
		t.raw()
	}
	return names, true
}

// Member returns the value of a member of a JSON object. It returns nil if data is not an object or has no such member.
func Member(data []byte, name string) []byte {
	data = Value(data)
	if len(data) == 0 || wellFormed(data) != nil {
		return nil
	}
	t := &tokens{data: data}
	if t.token() != json.Delim('{') {
		return nil
	}
	for t.more() {
		key, _ := t.token().(string)
		if value := t.raw(); key == name {
			return value
		}
	}
	return nil
}

// Value returns data without a UTF-8 byte order mark and without surrounding white space. It returns nil if the rest is
// empty or null: clients send both for "no data".
func Value(data []byte) []byte {
	data = bytes.Trim(bytes.TrimPrefix(data, []byte(utf8Mark)), " \t\r\n")
	if len(data) == 0 || string(data) == "null" {
		return nil
	}
	return data
}

const utf8Mark = "\ufeff"

// wellFormed returns nil if data is exactly one JSON value in UTF-8, and an error with the reason otherwise.
func wellFormed(data []byte) error {
	if encoding := otherEncoding(data); encoding != "" {
		return fmt.Errorf("the body is encoded in %s, not in UTF-8", encoding)
	}
	if !utf8.Valid(data) {
		return errors.New("the body is not valid UTF-8")
	}
	if json.Valid(data) { // faster than json.Unmarshal, which reads the data twice
		if halfSurrogate(data) {
			return errors.New("the body escapes one half of a surrogate pair")
		}
		return nil
	}
	var raw json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &raw)); ok {
		return fmt.Errorf("the body is not valid JSON: %w at byte %d", syntax, syntax.Offset)
	}
	return errors.New("the body is not valid JSON")
}

// otherEncoding returns the name of the encoding that data seems to have, or "" if it may be UTF-8. It recognizes byte
// order marks, and the zero byte beside each ASCII character of JSON text in UTF-16 or UTF-32.
func otherEncoding(data []byte) string {
	begins := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	if len(data) < 2 {
		return ""
	}
	zero := func(i int) bool { return i < len(data) && data[i] == 0 }
	switch {
	case begins("\xff\xfe\x00\x00"), begins("\x00\x00\xfe\xff"),
		zero(0) && zero(1) && zero(2), zero(1) && zero(2) && zero(3):
		return "UTF-32"
	case begins("\xff\xfe"), begins("\xfe\xff"), zero(0) && !zero(1), !zero(0) && zero(1):
		return "UTF-16"
	default:
		return ""
	}
}

// halfSurrogate reports whether valid JSON contains the escape of only one half of a UTF-16 surrogate pair. One half is not
// a character. The decoder reads every such half as U+FFFD, so different texts, even passwords, would become equal.
func halfSurrogate(data []byte) bool {
	unit := func() (rune, bool) { // decodes the escape at the beginning of data
		if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
		return rune(n), err == nil
	}
	for i := bytes.IndexByte(data, '\\'); i >= 0; i = bytes.IndexByte(data, '\\') {
		data = data[i:]
		high, ok := unit()
		if !ok {
			data = data[2:] // in valid JSON a backslash is never the last byte
			continue
		}
		data = data[6:]
		if !utf16.IsSurrogate(high) {
			continue
		}
		low, _ := unit()
		if utf16.DecodeRune(high, low) == utf8.RuneError {
			return true
		}
		data = data[6:]
	}
	return false
}

// reader reads well-formed JSON into a message.
type reader struct {
	tokens
	violations []apperr.Violation
}

// stop skips the rest of the data.
func (r *reader) stop() { r.at = len(r.data) }

// refuseValue skips the next value and refuses it.
func (r *reader) refuseValue(path, rule, expected string) {
	r.raw()
	r.refusef(path, rule, "%s is expected", expected)
}

func (r *reader) refusef(path, rule, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	r.violations = append(r.violations, apperr.Violation{Field: path, Rule: rule, Message: message})
	if len(r.violations) >= limits.DecodeViolations {
		r.stop()
	}
}

// overflow refuses a list or map with more than the maximum number of elements, removes its elements and stops the reader.
func (r *reader) overflow(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string) {
	m.Clear(fd)
	r.violations = append(r.violations, TooMany(fd, path))
	r.stop()
}

// TooMany returns the violation of a list or map at path that has more elements than limits.MaxElements.
func TooMany(fd protoreflect.FieldDescriptor, path string) apperr.Violation {
	rule := RuleMaxItems
	if fd.IsMap() {
		rule = RuleMaxPairs
	}
	message := fmt.Sprintf("at most %d elements are allowed", limits.MaxElements(fd))
	return apperr.Violation{Field: path, Rule: rule, Message: message}
}

// message reads the members of an object and its closing brace. The opening brace has been read.
func (r *reader) message(m protoreflect.Message, path string, depth int) {
	fields := m.Descriptor().Fields()
	seen := map[string]bool{}
	for r.more() {
		name, _ := r.token().(string)
		at := join(path, name)
		fd := fields.ByJSONName(name)
		switch {
		case fd == nil:
			r.refusef(join(path, printable.Clip(name, limits.Echo)), RuleUnknown, "unknown field")
			r.raw()
		case seen[name]:
			r.refusef(at, RuleDuplicate, "the field is given more than once")
			r.raw()
		case depth >= limits.Depth:
			r.refusef(at, RuleType, "the body is nested too deeply")
			r.raw()
		default:
			seen[name] = true
			if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() && m.WhichOneof(o) != nil {
				r.refusef(at, RuleDuplicate, "only one of %s and %s may be given", m.WhichOneof(o).JSONName(), name)
				r.raw()
				continue
			}
			r.field(m, fd, at, depth)
		}
	}
	r.token() // the closing brace
}

func (r *reader) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string, depth int) {
	switch {
	case fd.IsMap():
		r.mapping(m, fd, path, depth)
	case fd.IsList():
		r.list(m, fd, path, depth)
	default:
		if v, ok := r.value(fd, m.NewField, path, depth); ok {
			m.Set(fd, v)
		}
	}
}

func (r *reader) list(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string, depth int) {
	switch r.next() {
	case 'n':
		r.raw()
		return
	case '[':
		r.token()
	default:
		r.refuseValue(path, RuleType, "a list")
		return
	}
	list := m.Mutable(fd).List()
	element := func(protoreflect.FieldDescriptor) protoreflect.Value { return list.NewElement() }
	most := limits.MaxElements(fd)
	for i := 0; r.more(); i++ {
		if i >= most {
			r.overflow(m, fd, path)
			return
		}
		at := path + "[" + strconv.Itoa(i) + "]"
		before := len(r.violations)
		if v, ok := r.value(fd, element, at, depth); ok {
			list.Append(v)
		} else if before == len(r.violations) {
			r.refusef(at, RuleType, "null is not allowed in a list")
		}
	}
	r.token()
}

func (r *reader) mapping(m protoreflect.Message, fd protoreflect.FieldDescriptor, path string, depth int) {
	switch c := r.next(); {
	case c == 'n':
		r.raw()
		return
	case c != '{' || fd.MapKey().Kind() != protoreflect.StringKind:
		r.refuseValue(path, RuleType, "an object")
		return
	}
	r.token()
	mapping := m.Mutable(fd).Map()
	element := func(protoreflect.FieldDescriptor) protoreflect.Value { return mapping.NewValue() }
	most := limits.MaxElements(fd)
	for i := 0; r.more(); i++ {
		if i >= most {
			r.overflow(m, fd, path)
			return
		}
		name, _ := r.token().(string)
		key := protoreflect.ValueOfString(name).MapKey()
		at := join(path, printable.Clip(name, limits.Echo))
		if mapping.Has(key) {
			r.refusef(at, RuleDuplicate, "the key is given more than once")
		}
		if v, ok := r.value(fd.MapValue(), element, at, depth); ok {
			mapping.Set(key, v)
		}
	}
	r.token()
}

// value reads one value for fd. It returns false if the value is null or invalid.
func (r *reader) value(
	fd protoreflect.FieldDescriptor, empty func(protoreflect.FieldDescriptor) protoreflect.Value, path string, depth int,
) (protoreflect.Value, bool) {
	md := fd.Message()
	if md != nil && md.ParentFile().Package() == "google.protobuf" {
		return r.wellKnown(empty(fd), path)
	}
	switch c := r.next(); {
	case c == 'n':
		r.raw()
		return protoreflect.Value{}, false
	case md == nil && (c == '{' || c == '['):
		_, rule, expected := scalar(fd, nil)
		r.refuseValue(path, rule, expected)
		return protoreflect.Value{}, false
	case md == nil:
		v, rule, expected := scalar(fd, r.token())
		if expected != "" {
			r.refusef(path, rule, "%s is expected", expected)
			return protoreflect.Value{}, false
		}
		return v, true
	case c != '{':
		r.refuseValue(path, RuleType, "an object")
		return protoreflect.Value{}, false
	default:
		r.token()
		v := empty(fd)
		r.message(v.Message(), path, depth+1)
		return v, true
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
