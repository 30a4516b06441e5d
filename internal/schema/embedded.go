package schema

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// IsEmbedded reports whether a field of an entity holds a message of the schema that is not an entity itself.
func IsEmbedded(f *protogen.Field) bool {
	return f.Message != nil && !f.Desc.IsList() && f.Desc.Message().ParentFile().Package() != "google.protobuf" &&
		extension[*optionsv1.Entity](f.Desc.Message(), optionsv1.E_Entity) == nil
}

// members returns the columns of the fields of an embedded message. The type of the message in the domain must be
// comparable, so its fields are not messages, objects or bytes.
func members(parent *Column) ([]*Column, error) {
	if parent.Required || parent.Nullable || parent.Default != "" {
		return nil, errors.New("an embedded message has no presence: it cannot be REQUIRED or nullable or have a default")
	}
	var all []*Column
	for _, f := range parent.Field.Message.Fields {
		c, err := publicColumn(f)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Desc.Name(), err)
		}
		if slices.Contains([]Kind{Message, Embedded, JSON, Bytes}, c.Kind) || c.Primary || c.References != "" || c.Transient {
			return nil, fmt.Errorf("field %s: a field of an embedded message must be a plain, stored value", f.Desc.Name())
		}
		c.Parent, c.Name = parent, parent.Name+"_"+c.Name
		c.GoName = GoName(c.Name)
		c.Immutable = c.Immutable || parent.Immutable
		all = append(all, c)
	}
	return all, nil
}

// withMembers returns the columns with each embedded message replaced by its members.
func withMembers(columns []*Column) []*Column {
	var all []*Column
	for _, c := range columns {
		if c.Kind == Embedded {
			all = append(all, c.Members...)
			continue
		}
		all = append(all, c)
	}
	return all
}

// EmbeddedMessages returns a column of each message that the entities embed.
func EmbeddedMessages(entities []*Entity) []*Column {
	var all []*Column
	seen := map[protoreflect.FullName]bool{}
	for _, e := range entities {
		for _, c := range e.Columns {
			if c.Kind == Embedded && !seen[c.Type().Desc.FullName()] {
				seen[c.Type().Desc.FullName()] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// Type returns the message that an embedded column holds.
func (c *Column) Type() *protogen.Message { return c.Field.Message }

// Member returns the name of the column's field in its domain type: "MaxClaims" for limits_max_claims.
func (c *Column) Member() string {
	if c.Parent == nil {
		return c.GoName
	}
	return GoName(string(c.Field.Desc.Name()))
}

// Path returns the column's place in the domain type of the entity: "Limits.MaxClaims" for limits_max_claims.
func (c *Column) Path() string {
	if c.Parent == nil {
		return c.GoName
	}
	return c.Parent.GoName + "." + c.Member()
}
