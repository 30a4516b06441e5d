package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

const fieldsPackage = schema.Module + "/internal/convert/fields"

func wireFile(service, name string) *schema.GoFile {
	return schema.NewGoFile(generator, path.Join("services", service, "internal/wire", name+"_gen.go"), "wire")
}

func writeWireDoc(plugin *protogen.Plugin, service string) {
	f := wireFile(service, "doc")
	f.Doc("Package wire converts between the messages of the API and the types of package " + service + ".")
	f.Write(plugin)
}

// message returns the Go type of a message or an enum.
func message(f *schema.GoFile, ident protogen.GoIdent) string {
	return f.Use(string(ident.GoImportPath), packageName(ident.GoImportPath), ident.GoName)
}

// packageName returns the name that buf gives to a package, such as "promotionsv1" for …/promotions/v1.
func packageName(importPath protogen.GoImportPath) string {
	dir, version := path.Split(string(importPath))
	return path.Base(dir) + version
}

func domain(f *schema.GoFile, p protogen.GoImportPath, name string) string {
	return f.Use(string(p), path.Base(string(p)), name)
}

// writeWireEnum writes the conversions of an enum.
func writeWireEnum(plugin *protogen.Plugin, service string, t *schema.EnumType, uses *schema.Uses) {
	name := t.Enum.Desc.FullName()
	if !uses.Written[name] && !uses.Read[name] {
		return
	}
	f := wireFile(service, schema.Snake(t.Name))
	if uses.Written[name] {
		writeFromEnum(f, t)
	}
	if uses.Read[name] {
		writeToEnum(f, t)
	}
	f.Write(plugin)
}

func writeFromEnum(f *schema.GoFile, t *schema.EnumType) {
	f.P("// From", t.Name, " converts t to the protobuf enum. An unknown value becomes the unspecified value.")
	f.P("func From", t.Name, "(t ", domain(f, t.Package, t.Name), ") ", message(f, t.Enum.GoIdent), " {")
	f.P("switch t {")
	for i, v := range t.Values {
		f.P("case ", domain(f, t.Package, v.Const), ":")
		f.P("return ", message(f, t.Enum.Values[i+1].GoIdent))
	}
	f.P("default:")
	f.P("return ", message(f, t.Enum.Values[0].GoIdent))
	f.P("}")
	f.P("}")
	f.P()
}

func writeToEnum(f *schema.GoFile, t *schema.EnumType) {
	f.P("// To", t.Name, " converts t. An unspecified or unknown value becomes the empty value.")
	f.P("func To", t.Name, "(t ", message(f, t.Enum.GoIdent), ") ", domain(f, t.Package, t.Name), " {")
	f.P("switch t {")
	for i, v := range t.Values {
		f.P("case ", message(f, t.Enum.Values[i+1].GoIdent), ":")
		f.P("return ", domain(f, t.Package, v.Const))
	}
	f.P("default:")
	f.P("return \"\"")
	f.P("}")
	f.P("}")
	f.P()
}

// writeWire writes the conversions of an entity.
func writeWire(plugin *protogen.Plugin, service string, e *schema.Entity, uses *schema.Uses) {
	name := e.Message.Desc.FullName()
	if !uses.Written[name] && !uses.Read[name] && !uses.Updated[name] {
		return
	}
	f := wireFile(service, schema.Snake(e.Name))
	if uses.Written[name] {
		writeFrom(f, service, e)
	}
	if uses.Listed[name] {
		writeFromList(f, service, e)
	}
	if uses.Read[name] {
		writeTo(f, service, e)
	}
	if uses.Updated[name] {
		writeMask(f, service, e)
	}
	f.Write(plugin)
}

func writeFrom(f *schema.GoFile, service string, e *schema.Entity) {
	plain, wire := domain(f, schema.DomainPackage(service), e.Name), message(f, e.Message.GoIdent)
	f.P("// From", e.Name, " converts p to its message.")
	f.P("func From", e.Name, "(p ", plain, ") *", wire, " {")
	var after []*schema.Column
	f.P("m := &", wire, "{")
	for _, c := range e.Public() {
		if c.Kind == schema.Message {
			after = append(after, c)
			continue
		}
		f.P(c.Field.GoName, ": ", written(f, c, "p."+c.GoName), ",")
	}
	f.P("}")
	for _, c := range after {
		f.P("if p.", c.GoName, " != nil {")
		f.P("m.", c.Field.GoName, " = From", c.Field.Message.GoIdent.GoName, "(*p.", c.GoName, ")")
		f.P("}")
	}
	f.P("return m")
	f.P("}")
	f.P()
}

func writeFromList(f *schema.GoFile, service string, e *schema.Entity) {
	plain, wire := domain(f, schema.DomainPackage(service), e.Name), message(f, e.Message.GoIdent)
	plural := schema.Plural(e.Name)
	f.P("// From", plural, " converts each element of ps. It never returns nil.")
	f.P("func From", plural, "(ps []", plain, ") []*", wire, " {")
	f.P("return ", f.Use(fieldsPackage, "fields", "Slice"), "(ps, From", e.Name, ")")
	f.P("}")
	f.P()
}

// written returns the expression that converts the value v of a column to the field of the message.
func written(f *schema.GoFile, c *schema.Column, v string) string {
	fields := func(name string) string { return f.Use(fieldsPackage, "fields", name) + "(" + v + ")" }
	var text string
	switch c.Kind {
	case schema.UUID:
		text = fields("UUID")
	case schema.Money, schema.Date:
		text = v + ".String()"
	case schema.Timestamp:
		if !c.IsText() {
			return fields("Time")
		}
		text = fields("TimeText")
	case schema.JSON:
		return fields("Struct")
	case schema.Enum:
		return "From" + schema.EnumName(c.Field.Enum) + "(" + v + ")"
	case schema.Embedded:
		return "From" + c.Type().GoIdent.GoName + "(" + v + ")"
	case schema.Text:
		if c.Optional() {
			return "&" + v // an empty text is present
		}
		text = v
	default:
		if c.Optional() {
			return "&" + v
		}
		return v
	}
	if c.Optional() {
		return f.Use(fieldsPackage, "fields", "Present") + "(" + text + ")"
	}
	return text
}

// writeTo writes the conversion from a message. It skips transient fields, because only responses contain them.
func writeTo(f *schema.GoFile, service string, e *schema.Entity) {
	plain, wire := domain(f, schema.DomainPackage(service), e.Name), message(f, e.Message.GoIdent)
	f.P("// To", e.Name, " converts m. Its error names every invalid field and every missing required field.")
	f.P("func To", e.Name, "(m *", wire, ") (", plain, ", error) {")
	f.P("var r ", f.Use(fieldsPackage, "fields", "Reader"))
	f.P("p := ", plain, "{")
	var defaulted []*schema.Column
	for _, c := range e.Public() {
		switch {
		case c.Transient:
		case c.Kind == schema.Embedded:
			defaulted = append(defaulted, writeToEmbedded(f, service, c)...)
		case hasDefault(c):
			defaulted = append(defaulted, c)
		default:
			f.P(c.GoName, ": ", read(f, c, "m"), ",")
		}
	}
	f.P("}")
	for _, c := range defaulted {
		writeDefaulted(f, c, "m")
	}
	f.P("return p, r.Err()")
	f.P("}")
	f.P()
}

// hasDefault reports whether an absent field means a value other than the zero value.
func hasDefault(c *schema.Column) bool {
	return c.Optional() && c.Kind == schema.Bool && c.Default != "" && c.Default != "false"
}

func writeDefaulted(f *schema.GoFile, c *schema.Column, from string) {
	from = holder(c, from)
	f.P("p.", c.Path(), " = ", c.Default)
	f.P("if ", from, "!= nil && ", from, ".", c.Field.GoName, " != nil {")
	f.P("p.", c.Path(), " = ", from, ".Get", c.Field.GoName, "()")
	f.P("}")
}

// presence returns the constant for the presence of a field: fields.Required or fields.Optional. REQUIRED fields are
// required. The key is required unless it is OUTPUT_ONLY. All other fields are optional, because messages of older releases
// do not contain new fields.
func presence(f *schema.GoFile, c *schema.Column) string {
	name := "Optional"
	if c.Required || c.Primary && !c.OutputOnly {
		name = "Required"
	}
	return f.Use(fieldsPackage, "fields", name)
}

// read returns the expression that reads a field of the message and converts it. Checked conversions use the reader r.
func read(f *schema.GoFile, c *schema.Column, from string) string {
	get, required := holder(c, from)+".Get"+c.Field.GoName+"()", presence(f, c)
	call := func(method string) string { return fmt.Sprintf("r.%s(%q, %s, %s)", method, c.JSON(), get, required) }
	switch c.Kind {
	case schema.UUID:
		return call("UUID")
	case schema.Money:
		return call("Money")
	case schema.Date:
		return call("Date")
	case schema.Timestamp:
		if c.IsText() {
			return call("TimeText")
		}
		return call("Time")
	case schema.JSON:
		return "r.Struct(" + get + ")"
	case schema.Enum:
		return fmt.Sprintf("%s(&r, %q, %s, To%s, %s)",
			f.Use(fieldsPackage, "fields", "Enum"), c.JSON(), get, schema.EnumName(c.Field.Enum), required)
	case schema.Text:
		if strings.HasSuffix(required, "Required") {
			return call("Text")
		}
		return get
	default:
		return get
	}
}

// writeMask writes the function that applies an update mask. The function accepts only fields that clients may change.
// Package validation has already rejected other paths and has converted the paths to proto names.
func writeMask(f *schema.GoFile, service string, e *schema.Entity) {
	plain, wire := domain(f, schema.DomainPackage(service), e.Name), message(f, e.Message.GoIdent)
	f.CommentText("Mask" + e.Name + " copies the fields that paths name from src to dst. If a field cannot be set or is " +
		"invalid, it returns an error and leaves dst unchanged.")
	f.P("func Mask", e.Name, "(dst *", plain, ", src *", wire, ", paths []string) error {")
	f.P("var r ", f.Use(fieldsPackage, "fields", "Reader"))
	f.P("p := *dst")
	f.P("for _, path := range paths {")
	f.P("switch path {")
	for _, c := range e.Public() {
		if c.Transient || c.OutputOnly || c.Fixed() {
			continue
		}
		if c.Kind == schema.Embedded {
			writeMaskEmbedded(f, c)
			continue
		}
		f.P("case ", strconv.Quote(c.Name), ":")
		writeMasked(f, c)
	}
	f.P("default:")
	f.P("return ", f.Use("fmt", "fmt", "Errorf"), "(\"field %q cannot be set\", path)")
	f.P("}")
	f.P("}")
	f.P("if err := r.Err(); err != nil {")
	f.P("return err")
	f.P("}")
	f.P("*dst = p")
	f.P("return nil")
	f.P("}")
}

// writeMasked writes the statements that copy a field from src to p.
func writeMasked(f *schema.GoFile, c *schema.Column) {
	if hasDefault(c) {
		writeDefaulted(f, c, "src")
		return
	}
	f.P("p.", c.Path(), " = ", read(f, c, "src"))
}
