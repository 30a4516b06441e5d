package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestEachTestGetsAMigratedDatabase(t *testing.T) {
	t.Parallel()
	migrations := postgrestest.Script("create table things (name text)")
	for range 3 {
		t.Run("empty copy", func(t *testing.T) {
			t.Parallel()
			pool := postgrestest.New(t, migrations)
			exec(t, pool, "insert into things values ('mine')")
			if n := count(t, pool, "select count(*) from things"); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
		})
	}
	t.Run("without migrations", func(t *testing.T) {
		pool := postgrestest.New(t, nil)
		if n := count(t, pool, "select count(*) from pg_tables where schemaname = 'public'"); n != 0 {
			t.Errorf("%d tables, want 0", n)
		}
	})
	t.Run("other migrations", func(t *testing.T) {
		pool := postgrestest.New(t, postgrestest.Script("create table others (name text)"))
		if n := count(t, pool, "select count(*) from others"); n != 0 {
			t.Errorf("%d rows, want 0", n)
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
