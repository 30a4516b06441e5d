// Command protoc-gen-loyalty-ent writes an ent schema for each entity to ent/DATABASE/schema. tools/ent then generates the
// ent code from these schemas. It also writes the privileges of the services' database roles to package dbrole.
package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	"github.com/casino-loyalty/loyalty/internal/schema"
)

const generator = "protoc-gen-loyalty-ent"

func main() { schema.Run(generate) }

func generate(plugin *protogen.Plugin) error {
	entities, err := schema.Entities(plugin.Files)
	if err != nil {
		return err
	}
	described := map[string]bool{}
	for _, e := range entities {
		for _, database := range e.Databases {
			if !described[database] {
				described[database] = true
				doc := schema.NewGoFile(generator, path.Join("ent", database, "schema/doc_gen.go"), "schema")
				doc.Doc("Package schema describes the tables of database " + database + " to ent.")
				doc.Write(plugin)
			}
			if err := write(plugin, database, e, entities); err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
		}
	}
	writePrivileges(plugin, entities)
	return nil
}

// writePrivileges writes a function that returns the privileges of each service's role.
func writePrivileges(plugin *protogen.Plugin, entities []*schema.Entity) {
	tables := map[string][]*schema.Entity{}
	for _, e := range entities {
		for _, database := range e.Databases {
			tables[database] = append(tables[database], e)
		}
	}
	f := schema.NewGoFile(generator, "internal/dbrole/privileges_gen.go", "dbrole")
	f.P("// Of returns the privileges of a service in its database, or nil for an unknown service.")
	f.P("func Of(service string) Privileges {")
	f.P("switch service {")
	for _, database := range slices.Sorted(maps.Keys(tables)) {
		f.Printf("case %q:\nreturn Privileges{\n", database)
		for _, e := range tables[database] {
			f.Printf("%q: {%s},\n", e.Table, privileges(e))
		}
		f.P("}")
	}
	f.P("default:")
	f.P("return nil")
	f.P("}")
	f.P("}")
	f.Write(plugin)
}

// privileges returns the fields of a dbrole.Table.
func privileges(e *schema.Entity) string {
	var fields []string
	if e.Privileges.GetInsert() {
		fields = append(fields, "Insert: true")
	}
	if columns := e.Privileges.GetUpdate(); len(columns) > 0 {
		fields = append(fields, "Update: []string{"+quoted(columns)+"}")
	}
	if e.Privileges.GetDelete() {
		fields = append(fields, "Delete: true")
	}
	return strings.Join(fields, ", ")
}

func write(plugin *protogen.Plugin, database string, e *schema.Entity, all []*schema.Entity) error {
	w := writer{
		GoFile: schema.NewGoFile(generator, path.Join("ent", database, "schema", schema.Snake(e.Name)+"_gen.go"), "schema"),
		e:      e,
	}
	w.Comment(e.Message.Comments.Leading)
	w.P("type ", e.Name, " struct{ ", w.Use("entgo.io/ent", "ent", "Schema"), " }")
	w.P()
	w.annotations()
	w.fields()
	if err := w.edges(database, all); err != nil {
		return err
	}
	w.indexes()
	w.Write(plugin)
	return nil
}

// writer writes the ent schema of one entity.
type writer struct {
	*schema.GoFile
	e *schema.Entity
}

func (w writer) entsql(call string) string {
	return w.Use("entgo.io/ent/dialect/entsql", "entsql", call)
}

// method writes the beginning of a method that returns a list. The caller must call end, which writes the end of the method.
func (w writer) method(name, element string) (end func()) {
	w.P("// ", name, " implements ent.Interface.")
	w.P("func (", w.e.Name, ") ", name, "() []", element, " {")
	w.P("return []", element, "{")
	return func() {
		w.P("}")
		w.P("}")
		w.P()
	}
}

// annotations writes the name of the table and its checks. The checks come from the entity's options, the values of enums,
// the limits of amounts and the lengths of texts.
func (w writer) annotations() {
	defer w.method("Annotations", w.Use("entgo.io/ent/schema", "entschema", "Annotation"))()
	w.P(w.entsql("Table"), "(\"", w.e.Table, "\"),")
	checks := w.checks()
	if len(checks) == 0 {
		return
	}
	w.P(w.entsql("Checks"), "(map[string]string{")
	for _, c := range checks {
		w.Printf("%q: %q,\n", c[0], c[1])
	}
	w.P("}),")
}

func (w writer) checks() [][2]string {
	var checks [][2]string
	add := func(name, expr string) { checks = append(checks, [2]string{w.e.Table + "_" + name, expr}) }
	for _, c := range w.e.Checks {
		add(c.GetName(), c.GetExpr())
	}
	for _, c := range w.e.Stored() {
		switch {
		case c.Kind == schema.Enum:
			var values []string
			for _, v := range c.Field.Enum.Values[1:] {
				values = append(values, "'"+string(v.Desc.Name())+"'")
			}
			add(c.Name, c.Name+" IN ("+strings.Join(values, ", ")+")")
		case c.Min != "" && c.Max != "":
			add(c.Name, c.Name+" BETWEEN "+c.Min+" AND "+c.Max)
		case c.Min != "":
			add(c.Name, c.Name+" >= "+c.Min)
		case c.Max != "":
			add(c.Name, c.Name+" <= "+c.Max)
		case c.MinLen > 0 && c.MaxLen > 0:
			add(c.Name+"_length", fmt.Sprintf("char_length(%s) BETWEEN %d AND %d", c.Name, c.MinLen, c.MaxLen))
		case c.MinLen > 0:
			add(c.Name+"_length", fmt.Sprintf("char_length(%s) >= %d", c.Name, c.MinLen))
		case c.MaxLen > 0:
			add(c.Name+"_length", fmt.Sprintf("char_length(%s) <= %d", c.Name, c.MaxLen))
		}
	}
	return checks
}

func (w writer) fields() {
	defer w.method("Fields", w.Use("entgo.io/ent", "ent", "Field"))()
	for _, c := range w.e.Stored() {
		call := w.builder(c)
		if c.Unique {
			call += ".Unique()"
		}
		if c.Nullable && !c.Primary {
			call += ".Optional()"
			if c.Kind != schema.Date && c.Kind != schema.Bytes {
				call += ".Nillable()"
			}
		}
		if c.Fixed() || c.Identity {
			call += ".Immutable()"
		}
		if c.Field == nil && (c.Kind == schema.Text || c.Kind == schema.Bytes) {
			call += ".Sensitive()"
		}
		if c.Collation != "" {
			call += fmt.Sprintf(".Annotations(%s{Collation: %q})", w.entsql("Annotation"), c.Collation)
		}
		if value := defaultValue(c); value != "" {
			call += fmt.Sprintf(".Annotations(%s(%q))", w.entsql("DefaultExpr"), value)
		}
		w.P(call, ",")
	}
}

func defaultValue(c *schema.Column) string {
	if c.Default == "" && c.Kind == schema.JSON && !c.Nullable {
		return "'{}'"
	}
	return c.Default
}

// builder returns the expression that creates a field.
func (w writer) builder(c *schema.Column) string {
	call := func(kind, goType, sqlType string) string {
		b := fmt.Sprintf("%s(%q", w.Use("entgo.io/ent/schema/field", "field", kind), c.Name)
		if goType != "" {
			b += ", " + goType
		}
		b += ")"
		if sqlType != "" {
			b += fmt.Sprintf(".SchemaType(map[string]string{%s: %q})",
				w.Use("entgo.io/ent/dialect", "dialect", "Postgres"), sqlType)
		}
		return b
	}
	switch c.Kind {
	case schema.Bool:
		return call("Bool", "", "")
	case schema.SmallInt:
		return call("Int16", "", "")
	case schema.Int:
		return call("Int32", "", "")
	case schema.BigInt:
		return call("Int64", "", "")
	case schema.Bytes:
		return call("Bytes", "", "")
	case schema.UUID:
		return call("UUID", w.Use("github.com/google/uuid", "uuid", "UUID{}"), "")
	case schema.Money:
		return call("Other", w.Use(schema.Module+"/internal/money", "money", "Amount(0)"), "numeric(18,2)")
	case schema.Date:
		return call("Other", w.Use(schema.Module+"/internal/date", "date", "Date{}"), "date")
	case schema.Timestamp:
		return call("Time", "", "timestamptz")
	case schema.JSON:
		return call("JSON", "map[string]any{}", "")
	default:
		return call("Text", "", "")
	}
}

// edges writes an edge for each foreign key.
func (w writer) edges(database string, all []*schema.Entity) error {
	var columns []*schema.Column
	for _, c := range w.e.Stored() {
		if c.References != "" {
			columns = append(columns, c)
		}
	}
	if len(columns) == 0 {
		return nil
	}
	defer w.method("Edges", w.Use("entgo.io/ent", "ent", "Edge"))()
	for _, c := range columns {
		i := slices.IndexFunc(all, func(e *schema.Entity) bool {
			return e.Table == c.References && slices.Contains(e.Databases, database)
		})
		if i < 0 {
			return fmt.Errorf("column %s references %s, which is not a table of database %s", c.Name, c.References, database)
		}
		required := ".Required()"
		if c.Nullable {
			required = ""
		}
		w.Printf("%s(%q, %s.Type).Field(%q).Unique()%s.Immutable().StorageKey(%s(%q)),\n",
			w.Use("entgo.io/ent/schema/edge", "edge", "To"), strings.TrimSuffix(c.Name, "_id"), all[i].Name, c.Name, required,
			w.Use("entgo.io/ent/schema/edge", "edge", "Symbol"), w.e.Table+"_"+c.Name+"_fkey")
	}
	return nil
}

// indexes writes the indexes. The name of an index consists of the table and the columns. If that name is taken, the
// condition is appended.
func (w writer) indexes() {
	if len(w.e.Indexes) == 0 {
		return
	}
	defer w.method("Indexes", w.Use("entgo.io/ent", "ent", "Index"))()
	taken := map[string]bool{}
	for _, index := range w.e.Indexes {
		name := w.e.Table + "_" + strings.Join(index.GetColumns(), "_")
		if taken[name] {
			name += "_" + strings.ToLower(strings.Join(strings.Fields(index.GetWhere()), "_"))
		}
		taken[name] = true
		call := fmt.Sprintf("%s(%s).StorageKey(%q)",
			w.Use("entgo.io/ent/schema/index", "index", "Fields"), quoted(index.GetColumns()), name)
		if index.GetUnique() {
			call += ".Unique()"
		}
		if where := index.GetWhere(); where != "" {
			call += fmt.Sprintf(".Annotations(%s(%q))", w.entsql("IndexWhere"), where)
		}
		if index.GetTrigrams() {
			call += fmt.Sprintf(".Annotations(%s(%q), %s(%q))", w.entsql("IndexType"), "GIN", w.entsql("OpClass"), "gin_trgm_ops")
		}
		if desc := index.GetDesc(); len(desc) > 0 {
			call += fmt.Sprintf(".Annotations(%s(%s))", w.entsql("DescColumns"), quoted(desc))
		}
		w.P(call, ",")
	}
}

func quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
