package migrate_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	"github.com/casino-loyalty/loyalty/internal/dbrole"
	. "github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// typed returns a column as ent generates it. postgresType is the PostgreSQL type of the column, or "" for ent's default.
func typed(kind field.Type, postgresType string) *schema.Column {
	c := &schema.Column{Name: "extra", Type: kind}
	if postgresType != "" {
		c.SchemaType = map[string]string{dialect.Postgres: postgresType}
	}
	return c
}

func text() *schema.Column {
	return &schema.Column{Name: "extra", Type: field.TypeString, Size: 2147483647}
}

func nullable(c *schema.Column) *schema.Column {
	c.Nullable = true
	return c
}

func withDefault(c *schema.Column, expr string) *schema.Column {
	c.Default = schema.Expr(expr)
	return c
}

// plannedTable returns the table accounts with the changes of edit.
func plannedTable(edit func(*schema.Table)) *schema.Table {
	table := accounts()
	if edit != nil {
		edit(table)
	}
	return table
}

func addColumn(c *schema.Column) func(*schema.Table) {
	return func(t *schema.Table) { t.Columns = append(t.Columns, c) }
}

func addChecked(c *schema.Column, check string) func(*schema.Table) {
	return func(t *schema.Table) {
		t.Columns = append(t.Columns, c)
		t.Annotation.Checks["extra"] = check
	}
}

func addUnique(c *schema.Column) func(*schema.Table) {
	return func(t *schema.Table) {
		c.Unique = true
		t.Columns = append(t.Columns, c)
	}
}

// planInitial plans the migration that creates the table, in a new folder.
func planInitial(t *testing.T, devURL string, table *schema.Table) (dir string) {
	t.Helper()
	dir = t.TempDir()
	file, err := Diff(t.Context(), devURL, dir, "init", []*schema.Table{table}, DiffOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Diff uses the current second as the version of the file. Give the file an older version, so that the next file has a
	// newer one.
	if err := os.Rename(filepath.Join(dir, file), filepath.Join(dir, "20200101000001_init.sql")); err != nil {
		t.Fatal(err)
	}
	rehash(t, dir)
	return dir
}

// Each change is planned and applied to a table with a row. Then the previous release and the new release each insert a
// row. After the removal of a default, only the new release can insert a row. A second plan must be empty.
func TestDiffPlansCompatibleChanges(t *testing.T) {
	t.Parallel()
	devURL := postgrestest.URL(t, nil)
	for name, tt := range map[string]struct {
		before, after func(*schema.Table)
		want          string
	}{
		"text":              {nil, addColumn(text()), `"extra" text NOT NULL DEFAULT ''`},
		"boolean":           {nil, addColumn(typed(field.TypeBool, "")), `DEFAULT false`},
		"smallint":          {nil, addColumn(typed(field.TypeInt16, "")), `DEFAULT 0`},
		"integer":           {nil, addColumn(typed(field.TypeInt32, "")), `DEFAULT 0`},
		"bigint":            {nil, addColumn(typed(field.TypeInt64, "")), `DEFAULT 0`},
		"numeric":           {nil, addColumn(typed(field.TypeOther, "numeric(18,2)")), `DEFAULT 0`},
		"bytea":             {nil, addColumn(typed(field.TypeBytes, "")), `DEFAULT '\x'`},
		"jsonb":             {nil, addColumn(typed(field.TypeJSON, "")), `DEFAULT '{}'`},
		"nullable uuid":     {nil, addColumn(nullable(typed(field.TypeUUID, ""))), `"extra" uuid NULL`},
		"nullable date":     {nil, addColumn(nullable(typed(field.TypeOther, "date"))), `"extra" date NULL`},
		"default timestamp": {nil, addColumn(withDefault(typed(field.TypeTime, "timestamptz"), "now()")), `DEFAULT now()`},
		"zero value satisfies a check": {
			nil, addChecked(text(), "char_length(extra) <= 200"), `CHECK (char_length(extra) <= 200)`,
		},
		"default satisfies a check": {
			nil, addChecked(withDefault(text(), "'BONUS'"), "extra IN ('VIP', 'BONUS')"), `DEFAULT 'BONUS'`,
		},
		"check over new and existing columns": {
			nil, addChecked(nullable(typed(field.TypeOther, "date")), "extra >= valid_from"), `CHECK (extra >= valid_from)`,
		},
		"new unique nullable column": {nil, addUnique(nullable(text())), `CREATE UNIQUE INDEX`},
		"wider check": {
			addChecked(text(), "extra IN ('VIP', 'BONUS')"), addChecked(text(), "extra IN ('VIP', 'BONUS', 'WELCOME')"),
			`WELCOME`,
		},
		"longer text": {
			addChecked(text(), "char_length(extra) BETWEEN 1 AND 20"), addChecked(text(), "char_length(extra) BETWEEN 1 AND 30"),
			`30`,
		},
		"wider integer":           {addColumn(typed(field.TypeInt32, "")), addColumn(typed(field.TypeInt64, "")), `TYPE bigint`},
		"column becomes nullable": {addColumn(text()), addColumn(nullable(text())), `DROP NOT NULL`},
		"removed":                 {addColumn(text()), nil, `DROP NOT NULL`}, // the column stays and becomes nullable
		"default removed":         {addColumn(withDefault(text(), "'a'")), addColumn(text()), `DROP DEFAULT`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := planInitial(t, devURL, plannedTable(tt.before))
			db := postgrestest.New(t, os.DirFS(dir))
			previous := postgrestest.ReadTables(t, db)
			previous.Insert(t, db, 1)

			next := []*schema.Table{plannedTable(tt.after)}
			file, err := Diff(t.Context(), devURL, dir, "next", next, DiffOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if sql := content(t, dir, file); !strings.Contains(sql, tt.want) {
				t.Fatalf("the migration does not contain %s:\n%s", tt.want, sql)
			}
			if _, err := Up(t.Context(), db.Config().ConnString(), os.DirFS(dir), dbrole.Role{}, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			if name != "default removed" { // the previous release needs the default
				previous.Insert(t, db, 2)
			}
			postgrestest.ReadTables(t, db).Insert(t, db, 3)
			if file, err := Diff(t.Context(), devURL, dir, "again", next, DiffOptions{}); file != "" || err != nil {
				t.Errorf("the second Diff returned %q, %v; want no file", file, err)
			}
		})
	}
}

func TestDiffRefusesIncompatibleChanges(t *testing.T) {
	t.Parallel()
	devURL := postgrestest.URL(t, nil)
	const option, manual = "(loyalty.options.v1.column)", "by hand"
	for name, tt := range map[string]struct {
		before, after func(*schema.Table)
		want          []string
	}{
		"uuid":      {nil, addColumn(typed(field.TypeUUID, "")), []string{"accounts", "extra", option, ".nullable"}},
		"date":      {nil, addColumn(typed(field.TypeOther, "date")), []string{"extra", option}},
		"timestamp": {nil, addColumn(typed(field.TypeTime, "timestamptz")), []string{"extra", option, ".default"}},
		"enum":      {nil, addChecked(text(), "extra IN ('VIP', 'BONUS')"), []string{"extra", option, ".default"}},
		"minimum length": {
			nil, addChecked(text(), "char_length(extra) BETWEEN 3 AND 9"), []string{"extra", option, ".default"},
		},
		"minimum amount": {
			nil, addChecked(typed(field.TypeOther, "numeric(18,2)"), "extra >= 0.01"), []string{"extra", option},
		},
		"default violates a check": {
			nil, addChecked(withDefault(text(), "'GIFT'"), "extra IN ('VIP', 'BONUS')"), []string{"extra", option},
		},
		"new unique column":       {nil, addUnique(text()), []string{"extra", option, ".nullable"}},
		"column becomes NOT NULL": {addColumn(nullable(text())), addColumn(text()), []string{"extra", "NOT NULL", manual}},
		"narrower integer": {
			addColumn(typed(field.TypeInt64, "")), addColumn(typed(field.TypeInt32, "")), []string{"extra", "type", manual},
		},
		"another type":          {addColumn(text()), addColumn(typed(field.TypeInt64, "")), []string{"extra", "type", manual}},
		"column gets a check":   {addColumn(text()), addChecked(text(), "char_length(extra) < 9"), []string{"extra", manual}},
		"column becomes unique": {addColumn(text()), addUnique(text()), []string{"extra", manual}},
		"fewer values": {
			addChecked(text(), "extra IN ('VIP', 'BONUS')"), addChecked(text(), "extra IN ('VIP')"), []string{"stricter", manual},
		},
		"shorter text": {
			addChecked(text(), "char_length(extra) <= 30"), addChecked(text(), "char_length(extra) <= 20"),
			[]string{"stricter", manual},
		},
		"higher minimum": {
			addChecked(typed(field.TypeInt64, ""), "extra >= 0"), addChecked(typed(field.TypeInt64, ""), "extra >= 1"),
			[]string{"stricter", manual},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := planInitial(t, devURL, plannedTable(tt.before))
			file, err := Diff(t.Context(), devURL, dir, "next", []*schema.Table{plannedTable(tt.after)}, DiffOptions{})
			if err == nil {
				t.Fatalf("Diff returned no error; the migration is\n%s", content(t, dir, file))
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Diff returned error %q, want %q in it", err, want)
				}
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*.sql")); len(files) != 1 {
				t.Errorf("the folder contains %v, want no new file", files)
			}
		})
	}
}

func TestDiffDropsColumnsWithOption(t *testing.T) {
	t.Parallel()
	devURL := postgrestest.URL(t, nil)
	dir := planInitial(t, devURL, plannedTable(addColumn(text())))
	file, err := Diff(t.Context(), devURL, dir, "drop", []*schema.Table{accounts()}, DiffOptions{Drop: true})
	if err != nil || !strings.Contains(content(t, dir, file), `DROP COLUMN "extra"`) {
		t.Errorf("Diff returned %q, %v; want a migration that drops the column", file, err)
	}
}
