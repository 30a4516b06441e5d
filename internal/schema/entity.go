package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// Entity is a message that is stored in a table.
type Entity struct {
	// Message is the message that describes the entity.
	Message *protogen.Message
	// Name is the name of the message and of the Go types, "Promotion".
	Name string
	// Service is the service that owns the entity, from the proto package: "promotions".
	Service string
	// Table is the table's name.
	Table string
	// Columns are the message's fields in their order, without INPUT_ONLY fields, then the private columns. They include
	// transient columns.
	Columns []*Column
	// Indexes and Checks are the indexes and checks in the message's options. They do not include the ones derived from
	// columns.
	Indexes []*optionsv1.Index
	Checks  []*optionsv1.Check
	// Databases are the databases that have the table.
	Databases []string
	// Infrastructure is true if no service owns the entity. Such an entity has a table but no domain type.
	Infrastructure bool
	// AlsoIn lists other services that have a domain type for the entity.
	AlsoIn []string
	// Rows lists the operations that the service's stores have for the entity.
	Rows []optionsv1.Rows
	// Privileges is what the service does with the rows, besides reading them.
	Privileges *optionsv1.Privileges
}

// Does reports whether a store of the service has the operation.
func (e *Entity) Does(operation optionsv1.Rows) bool { return slices.Contains(e.Rows, operation) }

// Stored returns the columns that are in the table. They include the members of embedded messages.
func (e *Entity) Stored() []*Column {
	return withMembers(slices.DeleteFunc(slices.Clone(e.Columns), func(c *Column) bool { return c.Transient }))
}

// Public returns the columns that are on the wire.
func (e *Entity) Public() []*Column {
	return slices.DeleteFunc(slices.Clone(e.Columns), func(c *Column) bool { return c.Field == nil })
}

// Kind is the type of a column. It determines the types in Go, on the wire and in PostgreSQL.
type Kind int

// The kinds of columns.
const (
	Text Kind = iota
	Bool
	SmallInt
	Int
	BigInt
	Bytes
	UUID
	Money
	Date
	Timestamp
	JSON
	Enum
	// Message is another entity. Columns of this kind are transient.
	Message
	// Embedded is a message that is not an entity. Its fields are columns of the entity's table, unless it is transient.
	Embedded
)

// Column is a column of an entity.
type Column struct {
	// Name is the column's and the field's name, "user_id".
	Name string
	// GoName is the column's name in the generated Go types, "UserID".
	GoName string
	// Field is the field on the wire, or nil for a private column.
	Field *protogen.Field
	Kind  Kind
	// Members are the columns of an embedded message. They are named after both fields: limits_max_claims.
	Members []*Column
	// Parent is the embedded message of which the column is a member, or nil.
	Parent *Column
	// Doc is the column's comment in the schema.
	Doc protogen.Comments

	Primary, Unique, Nullable, Identity, Transient bool
	// Required, OutputOnly and Immutable are the field's google.api.field_behavior.
	Required, OutputOnly, Immutable bool
	// Min and Max are decimal texts and Default is an SQL literal, as in the column option. Min and Max of an int32 are the
	// limits of buf.validate.
	Min, Max, Default string
	// MinLen and MaxLen limit the number of characters of a text; 0 means no limit.
	MinLen, MaxLen uint64
	// Collation is the collation of a text; empty for the database's default.
	Collation string
	// References is the name of the table whose id the column references.
	References string
}

// Fixed reports whether updates never change the column. Immutable columns, keys, references and created_at are fixed.
func (c *Column) Fixed() bool {
	return c.Immutable || c.Primary || c.References != "" || c.Name == "created_at"
}

// JSON returns the field's name in JSON, "limits.maxClaims" for a member of an embedded message. The column must not be
// private.
func (c *Column) JSON() string {
	if c.Parent != nil {
		return c.Parent.JSON() + "." + c.Field.Desc.JSONName()
	}
	return c.Field.Desc.JSONName()
}

// IsText reports whether the field on the wire is a string.
func (c *Column) IsText() bool { return c.Field.Desc.Kind() == protoreflect.StringKind }

// Optional reports whether an absent field differs from its zero value on the wire.
func (c *Column) Optional() bool { return c.Field != nil && c.Field.Desc.HasOptionalKeyword() }

// Entities reads the entities of the files, in the schema's order. It returns an error that names the first invalid entity.
func Entities(files []*protogen.File) ([]*Entity, error) {
	var entities []*Entity
	for _, f := range files {
		for _, m := range f.Messages {
			option := extension[*optionsv1.Entity](m.Desc, optionsv1.E_Entity)
			if option == nil {
				continue
			}
			e, err := entity(m, option)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Desc.FullName(), err)
			}
			entities = append(entities, e)
		}
	}
	return entities, nil
}

func entity(m *protogen.Message, option *optionsv1.Entity) (*Entity, error) {
	e := &Entity{
		Message:        m,
		Name:           m.GoIdent.GoName,
		Service:        Service(m.Desc),
		Table:          option.GetTable(),
		Indexes:        option.GetIndex(),
		Checks:         option.GetCheck(),
		Databases:      option.GetDatabases(),
		Infrastructure: len(option.GetDatabases()) > 0,
		AlsoIn:         option.GetAlsoIn(),
		Rows:           option.GetRows(),
		Privileges:     option.GetPrivileges(),
	}
	if e.Table == "" {
		return nil, errors.New("entity.table is missing")
	}
	if e.Privileges == nil {
		return nil, errors.New("entity.privileges is missing: say what the service does with the rows")
	}
	if !e.Infrastructure {
		e.Databases = []string{e.Service}
	}
	for _, f := range m.Fields {
		if IsInputOnly(f) {
			continue
		}
		c, err := publicColumn(f)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Desc.Name(), err)
		}
		e.Columns = append(e.Columns, c)
	}
	for _, p := range option.GetPrivate() {
		c, err := privateColumn(p)
		if err != nil {
			return nil, fmt.Errorf("private column %s: %w", p.GetName(), err)
		}
		e.Columns = append(e.Columns, c)
	}
	return e, e.check()
}

// check returns an error for a duplicate name, a nullable column of a type that cannot be nullable, a collation of a column
// that is not a text, a default amount other than zero, an index over an unknown column, a privilege on an unknown column,
// and a number of primary keys other than one.
func (e *Entity) check() error {
	names := map[string]bool{}
	keys := 0
	for _, c := range withMembers(e.Columns) {
		if names[c.Name] {
			return fmt.Errorf("column %s is defined twice", c.Name)
		}
		names[c.Name] = !c.Transient && (c.Parent == nil || !c.Parent.Transient)
		if c.Nullable && !slices.Contains([]Kind{UUID, Date, Timestamp, Text}, c.Kind) {
			return fmt.Errorf("column %s: a column of its type cannot be nullable", c.Name)
		}
		if c.Collation != "" && c.Kind != Text {
			return fmt.Errorf("column %s: only a text has a collation", c.Name)
		}
		if c.Kind == Money && c.Default != "" && c.Default != "0" { // an absent amount becomes 0
			return fmt.Errorf("column %s: the default of an amount must be 0", c.Name)
		}
		if c.Primary {
			keys++
		}
	}
	if keys != 1 {
		return fmt.Errorf("%d primary keys, want one", keys)
	}
	for _, index := range e.Indexes {
		for _, name := range append(slices.Clone(index.GetColumns()), index.GetDesc()...) {
			if !names[name] {
				return fmt.Errorf("index over %q, which is not a stored column", name)
			}
		}
	}
	for _, name := range e.Privileges.GetUpdate() {
		if !names[name] {
			return fmt.Errorf("privilege to update %q, which is not a stored column", name)
		}
	}
	return nil
}

// Service returns the service that owns a descriptor's package: "users" for loyalty.users.v1.
func Service(d protoreflect.Descriptor) string {
	parts := strings.Split(string(d.ParentFile().Package()), ".")
	if len(parts) < 2 {
		return parts[0]
	}
	return parts[len(parts)-2]
}

func publicColumn(f *protogen.Field) (*Column, error) {
	option := ColumnOf(f)
	kind, err := fieldKind(f, option.GetType())
	if err != nil {
		return nil, err
	}
	c := column(string(f.Desc.Name()), kind, option)
	c.Field, c.Doc = f, f.Comments.Leading
	c.MinLen, c.MaxLen = Lengths(f)
	for _, b := range behaviors(f) {
		switch b {
		case annotations.FieldBehavior_REQUIRED:
			c.Required = true
		case annotations.FieldBehavior_OUTPUT_ONLY:
			c.OutputOnly = true
		case annotations.FieldBehavior_IMMUTABLE:
			c.Immutable = true
		default: // has no meaning for a column
		}
	}
	least, greatest := intRange(f)
	c.Min, c.Max = cmp.Or(c.Min, least), cmp.Or(c.Max, greatest)
	switch {
	case kind == Message && !c.Transient:
		return nil, errors.New("a message field must be transient")
	case kind != Message && c.Transient && !c.OutputOnly:
		return nil, errors.New("a transient field must be OUTPUT_ONLY")
	case kind == Embedded:
		c.Members, err = members(c)
	}
	return c, err
}

// IsInputOnly reports whether a field is INPUT_ONLY: requests may contain it, but it is not a part of the resource. An
// entity has no column for it.
func IsInputOnly(f *protogen.Field) bool {
	return slices.Contains(behaviors(f), annotations.FieldBehavior_INPUT_ONLY)
}

func behaviors(f *protogen.Field) []annotations.FieldBehavior {
	return extension[[]annotations.FieldBehavior](f.Desc, annotations.E_FieldBehavior)
}

// Lengths returns the limits of a text's number of characters, from buf.validate; 0 means no limit.
func Lengths(f *protogen.Field) (least, greatest uint64) {
	text := extension[*validate.FieldRules](f.Desc, validate.E_Field).GetString()
	return text.GetMinLen(), text.GetMaxLen()
}

// intRange returns the limits of an int32 from buf.validate, or empty strings.
func intRange(f *protogen.Field) (least, greatest string) {
	rules := extension[*validate.FieldRules](f.Desc, validate.E_Field).GetInt32()
	if rules.HasGte() {
		least = strconv.Itoa(int(rules.GetGte()))
	}
	if rules.HasLte() {
		greatest = strconv.Itoa(int(rules.GetLte()))
	}
	return least, greatest
}

func privateColumn(p *optionsv1.PrivateColumn) (*Column, error) {
	kind, ok := optionKinds()[p.GetColumn().GetType()]
	if !ok {
		return nil, errors.New("column.type is missing")
	}
	c := column(p.GetName(), kind, p.GetColumn())
	c.Identity = p.GetIdentity()
	return c, nil
}

func column(name string, kind Kind, option *optionsv1.Column) *Column {
	return &Column{
		Name:       name,
		GoName:     GoName(name),
		Kind:       kind,
		Primary:    option.GetPrimary(),
		Unique:     option.GetUnique(),
		Nullable:   option.GetNullable(),
		Transient:  option.GetTransient(),
		Min:        option.GetMin(),
		Max:        option.GetMax(),
		Default:    option.GetDefault(),
		References: option.GetReferences(),
		Collation:  option.GetCollation(),
	}
}

func optionKinds() map[optionsv1.ColumnType]Kind {
	return map[optionsv1.ColumnType]Kind{
		optionsv1.ColumnType_UUID:      UUID,
		optionsv1.ColumnType_MONEY:     Money,
		optionsv1.ColumnType_DATE:      Date,
		optionsv1.ColumnType_TEXT:      Text,
		optionsv1.ColumnType_BIGINT:    BigInt,
		optionsv1.ColumnType_BOOLEAN:   Bool,
		optionsv1.ColumnType_BYTES:     Bytes,
		optionsv1.ColumnType_TIMESTAMP: Timestamp,
		optionsv1.ColumnType_SMALLINT:  SmallInt,
	}
}

// fieldKind returns the kind that the option names; without an option, the kind of the field's protobuf type.
func fieldKind(f *protogen.Field, option optionsv1.ColumnType) (Kind, error) {
	if f.Desc.Cardinality() == protoreflect.Repeated {
		return 0, errors.New("a repeated field cannot be a column")
	}
	if kind, ok := optionKinds()[option]; ok {
		if f.Desc.Kind() != protoreflect.StringKind {
			return 0, fmt.Errorf("column.type %s needs a string field", option)
		}
		return kind, nil
	}
	switch f.Desc.Kind() {
	case protoreflect.StringKind:
		return Text, nil
	case protoreflect.BoolKind:
		return Bool, nil
	case protoreflect.Int32Kind:
		return Int, nil
	case protoreflect.Int64Kind:
		return BigInt, nil
	case protoreflect.BytesKind:
		return Bytes, nil
	case protoreflect.EnumKind:
		return Enum, nil
	case protoreflect.MessageKind:
		switch f.Desc.Message().FullName() {
		case "google.protobuf.Timestamp":
			return Timestamp, nil
		case "google.protobuf.Struct":
			return JSON, nil
		}
		if IsEmbedded(f) {
			return Embedded, nil
		}
		return Message, nil
	default:
		return 0, fmt.Errorf("no column type for protobuf type %s", f.Desc.Kind())
	}
}
