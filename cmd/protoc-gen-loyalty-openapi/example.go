package main

import (
	"fmt"
	"hash/fnv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/schema"
)

// Examples of values that have no example in the schema.
const (
	exampleAmount   = "20.00"
	exampleDate     = "2026-03-01"
	exampleTime     = "2026-03-01T12:00:00Z"
	exampleEmail    = "anna@example.com"
	examplePassword = "a long phrase of anna"
	exampleText     = "text"
)

// messageExample returns an example of m without the given fields. It has the members that are always present, lists,
// messages, and the members that have an example in the schema.
func messageExample(m *protogen.Message, d direction, omit ...string) (object, error) {
	o := object{}
	for _, f := range members(m, d, omit) {
		if !isRequired(f, d) && schema.ExampleOf(f) == "" && !f.Desc.IsList() && !isMessage(f) {
			continue
		}
		value, err := fieldExample(f, d)
		if err != nil {
			return nil, fmt.Errorf("%s: the example is not valid: %w", f.Desc.FullName(), err)
		}
		if o = append(o, member{f.Desc.JSONName(), value}); isChoice(m) {
			break
		}
	}
	return o, nil
}

// csvExample returns an example of a list of m in CSV.
func csvExample(m *protogen.Message) (string, error) {
	row, err := messageExample(m, answer)
	var names, values []string
	for _, member := range row {
		names, values = append(names, member.key), append(values, fmt.Sprint(member.value))
	}
	return strings.Join(names, ",") + "\n" + strings.Join(values, ",") + "\n", err
}

// isMessage reports whether f holds a message of the schema.
func isMessage(f *protogen.Field) bool {
	return f.Message != nil && f.Desc.Message().ParentFile().Package() != "google.protobuf"
}

func fieldExample(f *protogen.Field, d direction) (any, error) {
	value, err := valueExample(f, d, schema.ExampleOf(f))
	if err == nil && f.Desc.IsList() {
		value = []any{value}
	}
	return value, err
}

// valueExample returns an example of a field's value, or of an element of a repeated field. given is the example in the
// schema.
func valueExample(f *protogen.Field, d direction, given string) (any, error) {
	switch f.Desc.Kind() {
	case protoreflect.BoolKind:
		return orJSON(given, schema.ColumnOf(f).GetDefault() == "true")
	case protoreflect.Int32Kind:
		return orJSON(given, 1)
	case protoreflect.DoubleKind:
		return orJSON(given, 0.5)
	case protoreflect.Int64Kind:
		return orText(given, "1"), nil
	case protoreflect.BytesKind:
		return given, nil
	case protoreflect.EnumKind:
		return orText(given, string(f.Enum.Values[1].Desc.Name())), nil
	case protoreflect.MessageKind:
		switch {
		case f.Desc.Message().FullName() == "google.protobuf.Timestamp":
			return orText(given, exampleTime), nil
		case !isMessage(f):
			return orJSON(given, object{})
		}
		o, err := messageExample(f.Message, d)
		if err != nil || given == "" {
			return o, err
		}
		return merged(o, given)
	default:
		return orText(given, textExample(f, d)), nil
	}
}

// textExample returns an example of a string field, which may hold an amount, a date, a time or an id.
func textExample(f *protogen.Field, d direction) string {
	column, rules := schema.ColumnOf(f), rulesOf(f).GetString()
	if items := rulesOf(f).GetRepeated().GetItems(); items != nil {
		rules = items.GetString()
	}
	switch {
	case column.GetNullable() && !f.Desc.HasOptionalKeyword() && d.isSent(), f.Desc.Name() == "next_page_token":
		return "" // the field has no value, and the page is the last one
	case column.GetType() == optionsv1.ColumnType_MONEY:
		return exampleAmount
	case column.GetType() == optionsv1.ColumnType_DATE:
		return exampleDate
	case column.GetType() == optionsv1.ColumnType_TIMESTAMP:
		return exampleTime
	case column.GetType() == optionsv1.ColumnType_UUID, rules.GetUuid(), f.Desc.Name() == "id":
		return exampleID(f)
	case rules.GetEmail():
		return exampleEmail
	case isPassword(f):
		return examplePassword
	case len(rules.GetIn()) > 0:
		return rules.GetIn()[0]
	default:
		return exampleText
	}
}

// exampleID returns a UUIDv7 that depends on the name of the field: the field promotion_id and the id of a Promotion have
// the same example.
func exampleID(f *protogen.Field) string {
	name := strings.TrimSuffix(strings.TrimSuffix(string(f.Desc.Name()), "s"), "_id")
	switch name {
	case "id":
		name = strings.ToLower(f.Parent.GoIdent.GoName)
	case "player":
		name = "user"
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return fmt.Sprintf("019a0000-0000-7000-8000-%012x", h.Sum64()&(1<<48-1))
}

func orText(given, other string) string {
	if given != "" {
		return given
	}
	return other
}

func orJSON(given string, other any) (any, error) {
	if given == "" {
		return other, nil
	}
	return parse(given)
}

// parse parses JSON. It keeps the order of members.
func parse(text string) (any, error) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return nil, err
	}
	return decoded(node.Content[0])
}

func decoded(node *yaml.Node) (any, error) {
	if node.Kind != yaml.MappingNode {
		var value any
		return value, node.Decode(&value)
	}
	o := object{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		value, err := decoded(node.Content[i+1])
		if err != nil {
			return nil, err
		}
		o = append(o, member{node.Content[i].Value, value})
	}
	return o, nil
}

// merged returns o with the members of a JSON object. A null removes a member.
func merged(o object, text string) (object, error) {
	value, err := parse(text)
	if err != nil {
		return nil, err
	}
	changes, isObject := value.(object)
	if !isObject {
		return nil, fmt.Errorf("%s is not an object", text)
	}
	for _, change := range changes {
		o = o.set(change.key, change.value)
	}
	return o, nil
}
