package main

import (
	"path"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/schema"
)

const documentsPackage = schema.Module + "/internal/convert/documents"

// writeMongo writes the document type of an entity and its conversions. The primary key becomes the member _id. Public
// columns use the JSON name of their field; private columns and members of embedded messages use the column name.
func writeMongo(plugin *protogen.Plugin, service string, e *schema.Entity) {
	if !e.Does(optionsv1.Rows_MONGO) {
		return
	}
	f := schema.NewGoFile(generator,
		path.Join("services", service, "internal/mongo", schema.Snake(e.Name)+"_gen.go"), "mongo")
	plain := domain(f, schema.DomainPackage(service), e.Name)
	document := strings.ToLower(e.Name[:1]) + e.Name[1:] + "Document"
	columns := stored(e)

	f.P("// ", document, " is a document of collection ", e.Table, ".")
	f.P("type ", document, " struct {")
	for _, c := range columns {
		f.P(c.GoName, " ", memberType(f, service, c), " `bson:\"", memberName(c), "\"`")
	}
	f.P("}")
	f.P()
	f.P("// to", e.Name, "Document converts p to its document.")
	f.P("func to", e.Name, "Document(p ", plain, ") ", document, " {")
	f.P("return ", document, "{")
	for _, c := range columns {
		f.P(c.GoName, ": ", converted(member(f, c), "p."+c.Path()), ",")
	}
	f.P("}")
	f.P("}")
	f.P()
	f.P("// from", e.Name, "Document converts d to the domain type.")
	f.P("func from", e.Name, "Document(d ", document, ") ", plain, " {")
	f.P("return ", plain, "{")
	writeNested(f, service, columns, func(c *schema.Column) string {
		to := ""
		if member(f, c) != "" {
			to = goType(f, service, c)
		}
		return converted(to, "d."+c.GoName)
	})
	f.P("}")
	f.P("}")
	f.Write(plugin)
}

func memberName(c *schema.Column) string {
	switch {
	case c.Primary:
		return "_id"
	case c.Field != nil && c.Parent == nil:
		return c.JSON()
	}
	return c.Name
}

// member returns the type of package documents that converts a column. It returns an empty string if the driver supports the
// type of the domain.
func member(f *schema.GoFile, c *schema.Column) string {
	switch c.Kind {
	case schema.UUID:
		return f.Use(documentsPackage, "documents", "UUID")
	case schema.Money:
		return f.Use(documentsPackage, "documents", "Money")
	case schema.Date:
		return f.Use(documentsPackage, "documents", "Date")
	case schema.Timestamp:
		return f.Use(documentsPackage, "documents", "Time")
	case schema.JSON:
		return f.Use(documentsPackage, "documents", "JSON")
	default:
		return ""
	}
}

func memberType(f *schema.GoFile, service string, c *schema.Column) string {
	switch {
	case c.Kind == schema.Enum:
		t := schema.NewEnum(c.Field.Enum, service)
		return domain(f, t.Package, t.Name)
	case member(f, c) == "":
		return goType(f, service, c)
	}
	return member(f, c)
}

func converted(to, v string) string {
	if to == "" {
		return v
	}
	return to + "(" + v + ")"
}
