package main

import (
	"strconv"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

// holder returns the expression for the message that has the field of a column: from, or the embedded message in from.
func holder(c *schema.Column, from string) string {
	if c.Parent == nil {
		return from
	}
	return from + ".Get" + c.Parent.Field.GoName + "()"
}

// writeNested writes the fields of a literal of an entity's domain type. The members of an embedded message are in a literal
// of their own. value returns the expression for the value of a column.
func writeNested(f *schema.GoFile, service string, columns []*schema.Column, value func(*schema.Column) string) {
	var open *schema.Column
	for _, c := range columns {
		if open != nil && c.Parent != open {
			f.P("},")
		}
		if c.Parent != nil && c.Parent != open {
			f.P(c.Parent.GoName, ": ", domain(f, schema.DomainPackage(service), c.Parent.Type().GoIdent.GoName), "{")
		}
		open = c.Parent
		f.P(c.Member(), ": ", value(c), ",")
	}
	if open != nil {
		f.P("},")
	}
}

// writeWireEmbedded writes the conversion of an embedded message to its message. The conversions of the entity contain the
// conversion from the message, because their errors name the field of the entity.
func writeWireEmbedded(plugin *protogen.Plugin, service string, c *schema.Column, uses *schema.Uses) {
	if !uses.Written[c.Type().Desc.FullName()] {
		return
	}
	name := c.Type().GoIdent.GoName
	f := wireFile(service, schema.Snake(name))
	wire := message(f, c.Type().GoIdent)
	f.P("// From", name, " converts p to its message.")
	f.P("func From", name, "(p ", domain(f, schema.DomainPackage(service), name), ") *", wire, " {")
	f.P("return &", wire, "{")
	for _, member := range c.Members {
		f.P(member.Field.GoName, ": ", written(f, member, "p."+member.Member()), ",")
	}
	f.P("}")
	f.P("}")
	f.Write(plugin)
}

// writeToEmbedded writes the field of an embedded message in the literal of its entity. It returns the members that it has
// not written, because their absence means a value other than the zero value.
func writeToEmbedded(f *schema.GoFile, service string, c *schema.Column) []*schema.Column {
	var now, defaulted []*schema.Column
	for _, member := range c.Members {
		if hasDefault(member) {
			defaulted = append(defaulted, member)
		} else {
			now = append(now, member)
		}
	}
	writeNested(f, service, now, func(member *schema.Column) string { return read(f, member, "m") })
	return defaulted
}

// writeMaskEmbedded writes the cases of an update mask for an embedded message: the whole message, and each member.
func writeMaskEmbedded(f *schema.GoFile, c *schema.Column) {
	var writable []*schema.Column
	for _, member := range c.Members {
		if !member.OutputOnly && !member.Fixed() {
			writable = append(writable, member)
		}
	}
	f.P("case ", strconv.Quote(c.Name), ":")
	for _, member := range writable {
		writeMasked(f, member)
	}
	for _, member := range writable {
		f.P("case ", strconv.Quote(c.Name+"."+string(member.Field.Desc.Name())), ":")
		writeMasked(f, member)
	}
}
