package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/schema"
)

// direction is the way in which the API uses a message. It determines the members of the schema.
type direction int

const (
	// event is a message that the platform sends in an event or a frame. It is an answer without the members for employees.
	event direction = iota
	// answer is a message that the platform sends. Every member that is always present is required.
	answer
	// request is a message that a client sends. The client may set all members.
	request
	// create is a new resource that a client sends. It has no output-only members.
	create
	// patch is a changed resource that a client sends. It has no output-only and no immutable members, and no member is
	// required.
	patch
)

// isSent reports whether the platform sends the message.
func (d direction) isSent() bool { return d == event || d == answer }

// suffix returns the suffix of schema names for the direction.
func (d direction) suffix() string {
	return [...]string{event: "", answer: "", request: "", create: "Input", patch: "Patch"}[d]
}

// schemas collects the JSON schemas that a document refers to.
type schemas struct {
	names   *namer
	defined map[string]bool
	list    object
}

func newSchemas(names *namer) *schemas { return &schemas{names: names, defined: map[string]bool{}} }

func ref(name string) string { return "#/components/schemas/" + name }

// message defines the schema of m without the given fields. It returns a reference to the schema.
func (s *schemas) message(m *protogen.Message, d direction, omit ...string) string {
	name := s.names.component(m) + d.suffix()
	if s.defined[name] {
		return ref(name)
	}
	s.defined[name] = true
	at := len(s.list)
	s.list = append(s.list, member{key: name})
	s.list[at].value = s.object(m, d, omit)
	return ref(name)
}

// members returns the fields of m that a schema for the direction has, without the given fields.
func members(m *protogen.Message, d direction, omit []string) []*protogen.Field {
	var fields []*protogen.Field
	for _, f := range m.Fields {
		b := behaviorOf(f)
		if slices.Contains(omit, string(f.Desc.Name())) || d >= create && b.outputOnly || d == patch && b.immutable ||
			d.isSent() && schema.IsInputOnly(f) || d == event && schema.IsStaffOnly(f) {
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

// isChoice reports whether exactly one of m's fields is set.
func isChoice(m *protogen.Message) bool {
	return len(m.Oneofs) == 1 && !m.Oneofs[0].Desc.IsSynthetic() && len(m.Oneofs[0].Fields) == len(m.Fields)
}

func (s *schemas) object(m *protogen.Message, d direction, omit []string) object {
	var properties object
	var required []string
	for _, f := range members(m, d, omit) {
		properties = append(properties, member{f.Desc.JSONName(), s.property(f, d)})
		if isRequired(f, d) {
			required = append(required, f.Desc.JSONName())
		}
	}
	o := object{{"type", "object"}}.with("description", comment(m.Comments.Leading))
	if rule := cel(m); rule != "" {
		o = object{{"type", "object"}}.with("description", strings.TrimSpace(comment(m.Comments.Leading)+"\n"+rule))
	}
	o = o.with("properties", properties).with("required", required)
	if isChoice(m) {
		o = o.with("minProperties", 1).with("maxProperties", 1)
	}
	if !d.isSent() {
		o = o.with("additionalProperties", false)
	}
	return o
}

// cel returns the messages of m's CEL rules as sentences. It returns an empty string if m has a comment.
func cel(m *protogen.Message) string {
	rules, _ := proto.GetExtension(m.Desc.Options(), validate.E_Message).(*validate.MessageRules)
	var messages []string
	for _, rule := range rules.GetCel() {
		if text := rule.GetMessage(); text != "" && comment(m.Comments.Leading) == "" {
			messages = append(messages, strings.ToUpper(text[:1])+text[1:]+".")
		}
	}
	return strings.Join(messages, " ")
}

type behavior struct{ required, outputOnly, immutable bool }

func behaviorOf(f *protogen.Field) behavior {
	var b behavior
	list, _ := proto.GetExtension(f.Desc.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, v := range list {
		b.required = b.required || v == annotations.FieldBehavior_REQUIRED
		b.outputOnly = b.outputOnly || v == annotations.FieldBehavior_OUTPUT_ONLY
		b.immutable = b.immutable || v == annotations.FieldBehavior_IMMUTABLE
	}
	return b
}

func rulesOf(f *protogen.Field) *validate.FieldRules {
	rules, _ := proto.GetExtension(f.Desc.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

// isRequired reports whether a member is required. In an answer, a member is required if it is always present. In a request,
// it is required if its empty value breaks a rule. In a patch, no member is required.
func isRequired(f *protogen.Field, d direction) bool {
	column := schema.ColumnOf(f)
	switch d {
	case patch:
		return false
	case event, answer:
		optional := f.Desc.HasOptionalKeyword() && column.GetDefault() == ""
		// Notifications contain copies of resources from older releases, which do not have new computed members.
		absent := f.Message != nil && column.GetNullable() || column.GetTransient() || schema.IsStaffOnly(f)
		return !optional && !absent && (f.Oneof == nil || f.Desc.HasOptionalKeyword())
	default:
		rules := rulesOf(f)
		text := rules.GetString()
		return behaviorOf(f).required || rules.GetRequired() || text.GetMinLen() > 0 || text.GetUuid() || text.GetEmail() ||
			text.GetPattern() != "" && !regexp.MustCompile(text.GetPattern()).MatchString("") ||
			rules.GetRepeated().GetMinItems() > 0 ||
			column.GetType() == optionsv1.ColumnType_MONEY && !column.GetNullable() && column.GetDefault() == ""
	}
}

// property returns the schema of a field.
func (s *schemas) property(f *protogen.Field, d direction) object {
	o := s.value(f, d)
	if f.Desc.IsList() {
		rules := rulesOf(f).GetRepeated()
		o = object{{"type", "array"}, {"items", o}}
		if rules.GetMinItems() > 0 {
			o = o.with("minItems", rules.GetMinItems())
		}
		if rules.GetMaxItems() > 0 {
			o = o.with("maxItems", rules.GetMaxItems())
		}
	}
	description := comment(f.Comments.Leading)
	if d.isSent() && description == "" {
		description = pagingDescription(f)
	}
	// The keyword default would make the member required in the types that openapi-typescript generates.
	if column := schema.ColumnOf(f); (d == request || d == create) && column.GetDefault() != "" &&
		f.Desc.Kind() == protoreflect.BoolKind {
		description = strings.TrimSpace(description + " Default: " + column.GetDefault() + ".")
	}
	if d == answer && schema.IsStaffOnly(f) {
		description = strings.TrimSpace(description + " Only employees see it: answers to players do not contain it.")
	}
	if isDeprecated(f.Desc) && !o.has("$ref") {
		o = append(o, member{"deprecated", true})
	}
	return o.with("description", description)
}

// isDeprecated reports whether a method or a field has the option deprecated.
func isDeprecated(d protoreflect.Descriptor) bool {
	options, ok := d.Options().(interface{ GetDeprecated() bool })
	return ok && options.GetDeprecated()
}

// pagingDescription returns the description of the members that all pages have.
func pagingDescription(f *protogen.Field) string {
	switch f.Desc.Name() {
	case "next_page_token":
		return "The page_token of the next page. It is empty on the last page."
	case "total":
		return "The number of entries on all pages."
	default:
		return ""
	}
}

// value returns the schema of a field's value. For a repeated field it returns the schema of one element.
func (s *schemas) value(f *protogen.Field, d direction) object {
	switch f.Desc.Kind() {
	case protoreflect.BoolKind:
		return object{{"type", "boolean"}}
	case protoreflect.Int32Kind:
		o := object{{"type", "integer"}, {"format", "int32"}}
		rules := rulesOf(f).GetInt32()
		if rules.HasGte() {
			o = o.with("minimum", rules.GetGte())
		}
		if rules.HasLte() {
			o = o.with("maximum", rules.GetLte())
		}
		return o
	case protoreflect.DoubleKind:
		return object{{"type", "number"}, {"format", "double"}}
	case protoreflect.Int64Kind:
		return object{{"type", "string"}, {"format", "int64"}}
	case protoreflect.BytesKind:
		return object{{"type", "string"}, {"format", "byte"}}
	case protoreflect.EnumKind:
		return object{{"$ref", s.enum(f.Enum)}}
	case protoreflect.MessageKind:
		switch f.Desc.Message().FullName() {
		case "google.protobuf.Timestamp":
			return object{{"type", "string"}, {"format", "date-time"}}
		case "google.protobuf.Struct":
			return object{{"type", "object"}, {"additionalProperties", true}}
		case "google.protobuf.FieldMask":
			return object{{"type", "string"}, {"examples", []string{"title,isActive"}}}
		}
		return object{{"$ref", s.message(f.Message, d)}}
	default:
		return text(f, d)
	}
}

// text returns the schema of a string field, which may hold an amount, a date, a time or an id.
func text(f *protogen.Field, d direction) object {
	o := object{{"type", "string"}}
	column := schema.ColumnOf(f)
	empty := column.GetNullable() && !f.Desc.HasOptionalKeyword() && d.isSent() // "" means that the field has no value
	switch column.GetType() {
	case optionsv1.ColumnType_MONEY:
		if d.isSent() {
			return o.with("pattern", `^[0-9]+\.[0-9]{2}$`).with("examples", []string{"20.00"})
		}
		o = o.with("pattern", amountPattern(column.GetMin(), column.GetMax())).with("maxLength", maxAmount)
		return o.with("examples", []string{"20.00"}).with("x-minimum", column.GetMin()).with("x-maximum", column.GetMax())
	case optionsv1.ColumnType_DATE:
		return o.with("format", "date")
	case optionsv1.ColumnType_UUID:
		if empty {
			return o.with("examples", []string{"", "019a0000-0000-7000-8000-000000000000"})
		}
		return o.with("format", "uuid")
	case optionsv1.ColumnType_TIMESTAMP:
		if empty {
			return o.with("examples", []string{"", exampleTime})
		}
		return o.with("format", "date-time")
	default: // the rules below describe it
	}
	rules := rulesOf(f).GetString()
	if items := rulesOf(f).GetRepeated().GetItems(); items != nil {
		rules = items.GetString()
	}
	switch {
	case rules.GetUuid():
		o = o.with("format", "uuid")
	case rules.GetEmail():
		o = o.with("format", "email")
	case isPassword(f):
		o = o.with("format", "password")
	}
	if len(rules.GetIn()) > 0 {
		o = o.with("enum", rules.GetIn())
	}
	if rules.GetMinLen() > 0 {
		o = o.with("minLength", rules.GetMinLen())
	}
	if rules.GetMaxLen() > 0 {
		o = o.with("maxLength", rules.GetMaxLen())
	}
	return o.with("pattern", rules.GetPattern())
}

func isPassword(f *protogen.Field) bool { return strings.HasSuffix(string(f.Desc.Name()), "password") }

// maxAmount is the maximum length of an amount in a request, with leading zeros.
const maxAmount = 19

// amountPattern returns the pattern of an amount in a request. If the least amount is 0.01 and the greatest a power of ten,
// only amounts in this range match. Otherwise, all amounts match.
func amountPattern(least, most string) string {
	whole := strings.TrimSuffix(most, ".00")
	zeros, power := strings.CutPrefix(whole, "1")
	if n := len(zeros); least == "0.01" && power && n > 0 && strings.Trim(zeros, "0") == "" {
		return fmt.Sprintf(`^0*([1-9][0-9]{0,%d}(\.[0-9]{1,2})?|10{%d}(\.0{1,2})?|0\.(0[1-9]|[1-9][0-9]?))$`, n-1, n)
	}
	return `^[0-9]{1,16}(\.[0-9]{1,2})?$`
}

// enum defines the schema of an enum and returns a reference to it. The schema does not list the zero value, which means
// that no value is set.
func (s *schemas) enum(e *protogen.Enum) string {
	name := schema.EnumName(e)
	if s.defined[name] {
		return ref(name)
	}
	s.defined[name] = true
	var values []string
	lines := []string{comment(e.Comments.Leading)}
	for _, v := range e.Values[1:] {
		values = append(values, string(v.Desc.Name()))
		if c := comment(v.Comments.Leading); c != "" {
			lines = append(lines, "- `"+string(v.Desc.Name())+"`: "+c)
		}
	}
	description := strings.TrimSpace(strings.Join(lines, "\n"))
	s.list = append(s.list, member{name, object{{"type", "string"}}.with("description", description).with("enum", values)})
	return ref(name)
}

// comment returns the text of c with all white space collapsed to single spaces.
func comment(c protogen.Comments) string { return strings.Join(strings.Fields(string(c)), " ") }
