package main

import (
	"path"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/schema"
)

const (
	uuidPackage  = "github.com/google/uuid"
	moneyPackage = schema.Module + "/internal/money"
	datePackage  = schema.Module + "/internal/date"
)

// writeEnum writes an enum as a string type with its values and rules. It also writes a function that lists the values if
// the enum has rules or is the enum of roles.
func writeEnum(plugin *protogen.Plugin, t *schema.EnumType) {
	dir := strings.TrimPrefix(string(t.Package), schema.Module+"/")
	f := schema.NewGoFile(generator, path.Join(dir, schema.Snake(t.Name)+"_gen.go"), path.Base(dir))
	f.Comment(t.Enum.Comments.Leading)
	f.P("type ", t.Name, " string")
	f.P()
	f.P("// The values of ", t.Name, ".")
	f.P("const (")
	for _, v := range t.Values {
		f.Comment(v.Doc)
		f.P(v.Const, " ", t.Name, " = \"", v.Name, "\"")
	}
	f.P(")")
	if len(t.Rules) > 0 || t.Package == schema.RolePackage {
		writeEnumList(f, t)
	}
	for _, rule := range t.Rules {
		writeRule(f, t, rule)
	}
	f.Write(plugin)
}

func writeEnumList(f *schema.GoFile, t *schema.EnumType) {
	plural := schema.Plural(t.Name)
	f.P()
	f.P("// ", plural, " returns every value, in the schema's order.")
	f.P("func ", plural, "() []", t.Name, " {")
	f.P("return []", t.Name, "{")
	for _, v := range t.Values {
		f.P(v.Const, ",")
	}
	f.P("}")
	f.P("}")
}

func writeRule(f *schema.GoFile, t *schema.EnumType, rule string) {
	var consts []string
	for _, v := range t.Values {
		if v.Rules[rule] {
			consts = append(consts, v.Const)
		}
	}
	f.P()
	f.P("// ", schema.GoName(rule), " reports whether the rule "+rule+" is set for the value in the schema.")
	f.P("func (t ", t.Name, ") ", schema.GoName(rule), "() bool {")
	if len(consts) == 0 {
		f.P("return false")
		f.P("}")
		return
	}
	f.P("switch t {")
	f.P("case ", strings.Join(consts, ", "), ":")
	f.P("return true")
	f.P("default:")
	f.P("return false")
	f.P("}")
	f.P("}")
}

// writeType writes the domain type of an entity.
func writeType(plugin *protogen.Plugin, service string, e *schema.Entity) {
	f := schema.NewGoFile(generator, path.Join("services", service, schema.Snake(e.Name)+"_gen.go"), service)
	f.Comment(e.Message.Comments.Leading)
	f.P("type ", e.Name, " struct {")
	for _, c := range e.Columns {
		if c.Identity {
			continue
		}
		f.Comment(c.Doc)
		f.P(c.GoName, " ", goType(f, service, c))
	}
	f.P("}")
	f.Write(plugin)
}

// writeEmbedded writes the domain type of an embedded message.
func writeEmbedded(plugin *protogen.Plugin, service string, c *schema.Column) {
	name := c.Type().GoIdent.GoName
	f := schema.NewGoFile(generator, path.Join("services", service, schema.Snake(name)+"_gen.go"), service)
	f.Comment(c.Type().Comments.Leading)
	f.P("type ", name, " struct {")
	for _, member := range c.Members {
		f.Comment(member.Doc)
		f.P(member.Member(), " ", goType(f, service, member))
	}
	f.P("}")
	f.Write(plugin)
}

// goType returns the Go type of a column, as written in the domain package of the service.
func goType(f *schema.GoFile, service string, c *schema.Column) string {
	switch c.Kind {
	case schema.Bool:
		return "bool"
	case schema.SmallInt:
		return "int16"
	case schema.Int:
		return "int32"
	case schema.BigInt:
		return "int64"
	case schema.Bytes:
		return "[]byte"
	case schema.UUID:
		return f.Use(uuidPackage, "uuid", "UUID")
	case schema.Money:
		return f.Use(moneyPackage, "money", "Amount")
	case schema.Date:
		return f.Use(datePackage, "date", "Date")
	case schema.Timestamp:
		return f.Use("time", "time", "Time")
	case schema.JSON:
		return "map[string]any"
	case schema.Enum:
		t := schema.NewEnum(c.Field.Enum, service)
		if t.Package == schema.DomainPackage(service) {
			return t.Name
		}
		return f.Use(string(t.Package), path.Base(string(t.Package)), t.Name)
	case schema.Message:
		return "*" + c.Field.Message.GoIdent.GoName
	case schema.Embedded:
		return c.Field.Message.GoIdent.GoName
	default:
		return "string"
	}
}

// writeLimits writes a constant for each limit. It writes no file if there are no limits.
func writeLimits(plugin *protogen.Plugin, service string, limits []schema.Limit) {
	if len(limits) == 0 {
		return
	}
	f := schema.NewGoFile(generator, path.Join("services", service, "schema_limits_gen.go"), service)
	f.P("// Limits of the schema: numbers of characters, and amounts.")
	f.P("const (")
	for _, l := range limits {
		if l.Money {
			f.P(l.Name, " ", f.Use(moneyPackage, "money", "Amount"), " = ", l.Value, " // ", money.Amount(l.Value))
			continue
		}
		f.P(l.Name, " = ", l.Value)
	}
	f.P(")")
	f.Write(plugin)
}
