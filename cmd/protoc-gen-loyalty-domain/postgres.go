package main

import (
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/schema"
)

const (
	columnsPackage = schema.Module + "/internal/convert/columns"
	pgxPackage     = "github.com/jackc/pgx/v5"
)

// writePostgres writes the conversions between an entity and its rows. updated must be true if an RPC updates the entity.
func writePostgres(plugin *protogen.Plugin, service string, e *schema.Entity, updated bool) {
	selects, inserts := e.Does(optionsv1.Rows_SELECT), e.Does(optionsv1.Rows_INSERT)
	if !selects && !inserts && !e.Does(optionsv1.Rows_ENT) {
		return
	}
	f := schema.NewGoFile(generator,
		path.Join("services", service, "internal/postgres", schema.Snake(e.Name)+"_gen.go"), "postgres")
	w := rowWriter{
		GoFile: f, e: e,
		name:  strings.ToLower(e.Name[:1]) + e.Name[1:],
		plain: domain(f, schema.DomainPackage(service), e.Name),
		ent:   func(name string) string { return f.Use(schema.Module+"/ent/"+service, "ent", name) },
	}
	if selects || inserts {
		w.columns()
	}
	if selects {
		w.scan()
	}
	if inserts {
		w.values()
	}
	if e.Does(optionsv1.Rows_ENT) {
		w.fromRow()
		w.set()
		if updated {
			w.change()
		}
	}
	f.Write(plugin)
}

// rowWriter writes the conversions of one entity.
type rowWriter struct {
	*schema.GoFile
	e           *schema.Entity
	name, plain string
	ent         func(name string) string
}

// stored returns the columns of e that are both in the table and in the domain type.
func stored(e *schema.Entity) []*schema.Column {
	return slices.DeleteFunc(e.Stored(), func(c *schema.Column) bool { return c.Identity })
}

func (w rowWriter) columns() {
	var names []string
	for _, c := range stored(w.e) {
		names = append(names, c.Name)
	}
	w.P("// ", w.name, "Columns lists the columns of table ", w.e.Table, ".")
	w.P("const ", w.name, "Columns = \"", strings.Join(names, ", "), "\"")
	w.P()
}

// wrapper returns the type of package columns that converts a column. It returns an empty string if pgx supports the type of
// the domain.
func (w rowWriter) wrapper(c *schema.Column) string {
	name := ""
	switch c.Kind {
	case schema.UUID:
		name = "UUID"
	case schema.Money:
		name = "Money"
	case schema.Date:
		name = "Date"
	case schema.Timestamp:
		name = "Time"
	case schema.Text:
		if c.Nullable {
			name = "Text"
		}
	default: // pgx supports it
	}
	if name == "" {
		return ""
	}
	return w.Use(columnsPackage, "columns", name)
}

func (w rowWriter) scan() {
	w.P("// scan", w.e.Name, " reads a row that has the columns of ", w.name, "Columns.")
	w.P("func scan", w.e.Name, "(row ", w.Use(pgxPackage, "pgx", "CollectableRow"), ") (", w.plain, ", error) {")
	w.P("var p ", w.plain)
	w.P("err := row.Scan(")
	for _, c := range stored(w.e) {
		if wrapper := w.wrapper(c); wrapper != "" {
			w.P("(*", wrapper, ")(&p.", c.Path(), "),")
			continue
		}
		w.P("&p.", c.Path(), ",")
	}
	w.P(")")
	w.P("return p, err")
	w.P("}")
	w.P()
}

func (w rowWriter) values() {
	w.P("// ", w.name, "Values returns the values of ", w.name, "Columns, for INSERT and COPY.")
	w.P("func ", w.name, "Values(p ", w.plain, ") []any {")
	w.P("return []any{")
	for _, c := range stored(w.e) {
		switch wrapper := w.wrapper(c); {
		case wrapper != "":
			w.P(wrapper, "(p.", c.Path(), "),")
		case c.Kind == schema.JSON:
			w.P(w.Use(columnsPackage, "columns", "JSON"), "(p.", c.Path(), "),")
		default:
			w.P("p.", c.Path(), ",")
		}
	}
	w.P("}")
	w.P("}")
	w.P()
}

func (w rowWriter) fromRow() {
	w.P("// ", w.name, "FromRow converts a row that ent loaded.")
	w.P("func ", w.name, "FromRow(r *", w.ent(w.e.Name), ") ", w.plain, " {")
	w.P("return ", w.plain, "{")
	writeNested(w.GoFile, w.e.Service, stored(w.e), func(c *schema.Column) string {
		v := "r." + c.GoName
		switch {
		case pointer(c):
			v = w.Use(columnsPackage, "columns", "ZeroIfNil") + "(" + v + ")"
			if c.Kind == schema.Timestamp {
				v += ".UTC()"
			}
		case c.Kind == schema.Timestamp:
			v += ".UTC()"
		case c.Kind == schema.Enum:
			v = w.enum(c) + "(" + v + ")"
		}
		return v
	})
	w.P("}")
	w.P("}")
	w.P()
}

func (w rowWriter) enum(c *schema.Column) string {
	t := schema.NewEnum(c.Field.Enum, w.e.Service)
	return domain(w.GoFile, t.Package, t.Name)
}

// pointer reports whether ent's row type uses a pointer for the column.
func pointer(c *schema.Column) bool {
	return c.Nullable && c.Kind != schema.Date && c.Kind != schema.Bytes
}

func (w rowWriter) set() {
	create := w.ent(w.e.Name + "Create")
	w.P("// set", w.e.Name, " sets all columns of a new row.")
	w.P("func set", w.e.Name, "(c *", create, ", p ", w.plain, ") *", create, " {")
	w.setters("c", stored(w.e), false)
	w.P("}")
	w.P()
}

func (w rowWriter) change() {
	var mutable []*schema.Column
	for _, c := range stored(w.e) {
		if !c.Fixed() {
			mutable = append(mutable, c)
		}
	}
	update := w.ent(w.e.Name + "UpdateOne")
	w.P("// change", w.e.Name, " sets all columns that can change.")
	w.P("func change", w.e.Name, "(u *", update, ", p ", w.plain, ") *", update, " {")
	w.setters("u", mutable, true)
	w.P("}")
}

// setters writes the statements and the chain of calls that set the columns, and returns the result of the chain.
func (w rowWriter) setters(builder string, columns []*schema.Column, update bool) {
	var plain, nullable []*schema.Column
	for _, c := range columns {
		if pointer(c) {
			nullable = append(nullable, c)
		} else {
			plain = append(plain, c)
		}
	}
	for _, c := range nullable {
		null := w.Use(columnsPackage, "columns", "NilIfZero") + "(p." + c.Path() + ")"
		if !update {
			w.P(builder, ".SetNillable", c.GoName, "(", null, ")")
			continue
		}
		w.P("if v := ", null, "; v != nil {")
		w.P(builder, ".Set", c.GoName, "(*v)")
		w.P("} else {")
		w.P(builder, ".Clear", c.GoName, "()")
		w.P("}")
	}
	w.Printf("return %s", builder)
	for _, c := range plain {
		v := "p." + c.Path()
		switch c.Kind {
		case schema.Enum:
			v = "string(" + v + ")"
		case schema.JSON:
			v = w.Use(columnsPackage, "columns", "JSON") + "(" + v + ")"
		default: // ent uses the type of the domain
		}
		w.Printf(".\nSet%s(%s)", c.GoName, v)
	}
	w.P()
}
