package migrate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	. "github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// accounts returns a table as ent generates it, with the features that entities use.
func accounts(extra ...*schema.Column) *schema.Table {
	id := &schema.Column{Name: "id", Type: field.TypeUUID}
	email := &schema.Column{
		Name: "email", Type: field.TypeString, Size: 2147483647, Collation: "C",
	}
	balance := &schema.Column{
		Name: "balance", Type: field.TypeOther, SchemaType: map[string]string{dialect.Postgres: "numeric(18,2)"},
	}
	from := &schema.Column{
		Name: "valid_from", Type: field.TypeTime, SchemaType: map[string]string{dialect.Postgres: "date"},
	}
	until := &schema.Column{
		Name: "valid_until", Type: field.TypeTime, SchemaType: map[string]string{dialect.Postgres: "date"},
	}
	return &schema.Table{
		Name:       "accounts",
		Columns:    append([]*schema.Column{id, email, balance, from, until}, extra...),
		PrimaryKey: []*schema.Column{id},
		Indexes: []*schema.Index{{
			Name: "accounts_email", Unique: true, Columns: []*schema.Column{email},
			Annotation: &entsql.IndexAnnotation{Where: "balance > 0"},
		}},
		Annotation: &entsql.Annotation{Checks: map[string]string{"solvent": "balance >= 0"}},
	}
}

const byHand = `alter table accounts add constraint one_at_a_time exclude
	using gist (id with =, daterange(valid_from, valid_until) with &&);
create table others (id int);
create function refuse() returns trigger language plpgsql as $$
begin
	raise exception 'append-only';
end $$;
create trigger append_only before delete on accounts for each row execute function refuse();
`

func TestDiff(t *testing.T) {
	devURL := postgrestest.URL(t, nil)
	dir := t.TempDir()
	diff := func(name string, table *schema.Table) string {
		t.Helper()
		file, err := Diff(t.Context(), devURL, dir, name, []*schema.Table{table}, DiffOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	write(t, dir, "20200101000000_extensions.sql", "create extension btree_gist;\n")

	file := diff("init", accounts())
	if !strings.HasSuffix(file, "_init.sql") {
		t.Fatalf("got file %q, want the suffix _init.sql", file)
	}
	for _, want := range []string{`"email" text NOT NULL COLLATE "C"`, "numeric(18,2)", "solvent", "WHERE (balance > "} {
		if !strings.Contains(content(t, dir, file), want) {
			t.Errorf("%s does not contain %q:\n%s", file, want, content(t, dir, file))
		}
	}
	// Diff uses the current second as the version of the file. Give the file an older version, so that the next files have
	// newer ones.
	if err := os.Rename(filepath.Join(dir, file), filepath.Join(dir, "20200101000001_init.sql")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "20200101000002_by_hand.sql", byHand)
	if file := diff("again", accounts()); file != "" {
		t.Errorf("the second plan is not empty:\n%s", content(t, dir, file))
	}
	file = diff("note", accounts(&schema.Column{Name: "note", Type: field.TypeString, Size: 2147483647, Nullable: true}))
	sql := content(t, dir, file)
	if !strings.Contains(sql, `ADD COLUMN "note"`) || strings.Contains(sql, "DROP") {
		t.Errorf("the plan for a new column drops something or does not add the column:\n%s", sql)
	}

	url := postgrestest.URL(t, os.DirFS(dir))
	if n := queryInt(t, url, "select count(*) from pg_constraint where conname in ('one_at_a_time', 'solvent')"); n != 2 {
		t.Errorf("got %d constraints, want 2", n)
	}
}

func TestDiffRefusesChangedFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1_init.sql", "create table a ();\n")
	if err := os.WriteFile(filepath.Join(dir, "1_init.sql"), []byte("create table b ();\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Diff(t.Context(), postgrestest.URL(t, nil), dir, "x", []*schema.Table{accounts()}, DiffOptions{}); err == nil {
		t.Error("Diff returned no error")
	}
}

func content(t *testing.T, dir, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, dir, file, sql string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(sql), 0o600); err != nil {
		t.Fatal(err)
	}
	rehash(t, dir)
}

func rehash(t *testing.T, dir string) {
	t.Helper()
	d, err := migrate.NewLocalDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := d.Checksum()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate.WriteSumFile(d, sum); err != nil {
		t.Fatal(err)
	}
}
