package atlas_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	atlasmigrate "ariga.io/atlas/sql/migrate"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	_ "ariga.io/atlas/sql/postgres/postgrescheck" // registers the analyzers
	"ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlcheck"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// TestMigrationsAreCompatible runs the analyzers of Atlas on each migration: replicas of the previous release must keep
// working after it. The directive "-- atlas:nolint" at the beginning of a file allows a change; its comment says which release
// has stopped using what the file removes.
func TestMigrationsAreCompatible(t *testing.T) {
	t.Parallel()
	for name, folder := range folders() {
		files := migrations(t, folder)
		for i, f := range files {
			for _, problem := range incompatibilities(t, files[:i], f) {
				t.Errorf("%s/%s: %s: see Migrations in CONTRIBUTING.md", name, f.Name(), problem)
			}
		}
	}
}

func TestIncompatibleMigrations(t *testing.T) {
	t.Parallel()
	released := migrations(t, atlas.Users)
	for name, tt := range map[string]struct{ sql, want string }{
		"dropped column":      {`ALTER TABLE "users" DROP COLUMN "sessions_to_end";`, "DS103"},
		"dropped table":       {`DROP TABLE "outbox";`, "DS102"},
		"renamed column":      {`ALTER TABLE "users" RENAME COLUMN "entries" TO "count";`, "DS103"},
		"required column":     {`ALTER TABLE "users" ADD COLUMN "tier" text NOT NULL;`, "MF103"},
		"unique index":        {`CREATE UNIQUE INDEX "x" ON "users" ("created_at");`, "MF101"},
		"nullable column":     {`ALTER TABLE "users" ADD COLUMN "tier" text NULL;`, ""},
		"column with default": {`ALTER TABLE "users" ADD COLUMN "tier" text NOT NULL DEFAULT '';`, ""},
		"allowed removal":     {"-- atlas:nolint\n\n-- Unused since 1.4.\n" + `DROP TABLE "outbox";`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := incompatibilities(t, released, atlasmigrate.NewLocalFile("30000101000000_next.sql", []byte(tt.sql)))
			if tt.want == "" && len(got) > 0 || tt.want != "" && !strings.Contains(strings.Join(got, "\n"), tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// incompatibilities returns what the analyzers report about the migration next, which follows the others.
func incompatibilities(t *testing.T, others []atlasmigrate.File, next atlasmigrate.File) (problems []string) {
	t.Helper()
	if len(next.(*atlasmigrate.LocalFile).Directive("nolint")) > 0 {
		return nil
	}
	from, _ := inspect(t, others)
	to, driver := inspect(t, append(slices.Clone(others), next))
	changes, err := driver.RealmDiff(from, to)
	if err != nil {
		t.Fatal(err)
	}
	analyzers, err := sqlcheck.AnalyzerFor(atlaspostgres.DriverName, nil)
	if err != nil {
		t.Fatal(err)
	}
	pass := &sqlcheck.Pass{
		File: &sqlcheck.File{
			File: next, From: from, To: to, Sum: changes,
			Changes: []*sqlcheck.Change{{Changes: changes, Stmt: &atlasmigrate.Stmt{}}},
		},
		Reporter: sqlcheck.ReportWriterFunc(func(r sqlcheck.Report) {
			for _, d := range r.Diagnostics {
				problems = append(problems, d.Code+" "+d.Text)
			}
		}),
	}
	for _, a := range analyzers {
		_ = a.Analyze(t.Context(), pass) // the error repeats the report
	}
	return problems
}

// inspect applies migrations to a new database and returns its tables.
func inspect(t *testing.T, files []atlasmigrate.File) (*schema.Realm, atlasmigrate.Driver) {
	t.Helper()
	var folder fs.FS
	if len(files) > 0 {
		folder = postgrestest.Folder(files...)
	}
	db := postgres.SQL(postgrestest.New(t, folder))
	t.Cleanup(func() { _ = db.Close() })
	driver, err := atlaspostgres.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	realm, err := driver.InspectRealm(t.Context(), &schema.InspectRealmOption{
		Schemas: []string{"public"}, Exclude: []string{"public.atlas_schema_revisions"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return realm, driver
}

// migrations returns the files of a folder in order.
func migrations(t *testing.T, folder fs.FS) []atlasmigrate.File {
	t.Helper()
	names, err := fs.Glob(folder, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := make([]atlasmigrate.File, len(names))
	for i, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = atlasmigrate.NewLocalFile(name, data)
	}
	return files
}
