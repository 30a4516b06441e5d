package postgrestest_test

import (
	"testing"
	"testing/fstest"

	"ariga.io/atlas/sql/migrate"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/postgrestest"
)

// folder is a folder of migrations with its atlas.sum.
func folder(t *testing.T, sql string) fstest.MapFS {
	t.Helper()
	f := migrate.NewLocalFile("1_init.sql", []byte(sql))
	sum, err := migrate.NewHashFile([]migrate.File{f})
	if err != nil {
		t.Fatal(err)
	}
	text, err := sum.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{f.Name(): {Data: f.Bytes()}, migrate.HashFileName: {Data: text}}
}

func TestEachTestHasItsOwnMigratedDatabase(t *testing.T) {
	migrations := folder(t, "create table things (name text)")
	for range 3 {
		t.Run("an empty copy", func(t *testing.T) {
			t.Parallel()
			pool := postgrestest.New(t, migrations)
			exec(t, pool, "insert into things values ('mine')")
			if n := count(t, pool, "select count(*) from things"); n != 1 {
				t.Errorf("sees %d rows, wrote 1", n)
			}
		})
	}
	t.Run("without migrations", func(t *testing.T) {
		pool := postgrestest.New(t, nil)
		if n := count(t, pool, "select count(*) from pg_tables where schemaname = 'public'"); n != 0 {
			t.Errorf("%d tables", n)
		}
	})
	t.Run("other migrations are another template", func(t *testing.T) {
		pool := postgrestest.New(t, folder(t, "create table others (name text)"))
		if n := count(t, pool, "select count(*) from others"); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
