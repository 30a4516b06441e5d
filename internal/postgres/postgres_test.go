package postgres_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/readiness"
)

func TestOpenAppliesSettingsAndUTC(t *testing.T) {
	pool, err := postgres.Open(t.Context(), postgrestest.URL(t, nil), postgres.Options{
		ApplicationName: "users", Settings: map[string]string{"statement_timeout": "7s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := postgres.SQL(pool)
	defer db.Close()
	const query = `select timestamptz '2026-03-10 12:00:00+02', current_setting('timezone') || ' ' ||
		current_setting('application_name') || ' ' || current_setting('statement_timeout')`
	for name, scan := range map[string]func(dest ...any) error{
		"pgx": pool.QueryRow(t.Context(), query).Scan, "database/sql": db.QueryRowContext(t.Context(), query).Scan,
	} {
		var at time.Time
		var settings string
		if err := scan(&at, &settings); err != nil {
			t.Fatal(err)
		}
		if at.Location() != time.UTC || at.Hour() != 10 || settings != "UTC users 7s" {
			t.Errorf("%s: got time %v and settings %q, want 10:00 UTC and \"UTC users 7s\"", name, at, settings)
		}
	}
}

func TestOpenErrorsDoNotContainThePassword(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	valid := postgrestest.URL(t, nil)
	for name, tt := range map[string]struct {
		url         string
		unreachable bool
	}{
		"malformed":      {"postgres://user:s3cret@host:port/db", false},
		"no server":      {"postgres://user:s3cret@" + closed.Addr().String() + "/db", true},
		"wrong password": {strings.Replace(valid, "//postgres:", "//postgres:s3cret", 1), false},
		"no database":    {strings.Replace(valid, "?", "s3cret?", 1), false},
		"no TLS":         {strings.Replace(valid, "sslmode=disable", "sslmode=require", 1), false},
		"unknown host":   {"postgres://user:s3cret@host.invalid/db", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), tt.url, postgres.Options{})
			if err == nil {
				t.Fatal("Open returned no error")
			}
			text := strings.ReplaceAll(err.Error(), `database "`, "") // the name of a missing database may be shown
			if name != "no database" && strings.Contains(text, "s3cret") || strings.Contains(text, "user=") {
				t.Errorf("error shows the password: %v", err)
			}
			if _, got := errors.AsType[*readiness.UnreachableError](err); got != tt.unreachable {
				t.Errorf("%v is an UnreachableError: %t, want %t", err, got, tt.unreachable)
			}
		})
	}
}

func TestInTx(t *testing.T) {
	pool := postgrestest.New(t, postgrestest.Script("create table accounts (id int primary key, n int not null); "+
		"insert into accounts values (1, 0), (2, 0);"))
	sum := func() (n int) {
		if err := pool.QueryRow(t.Context(), "select sum(n) from accounts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Run("error rolls back", func(t *testing.T) {
		errFailed := errors.New("failed")
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "update accounts set n = 100"); err != nil {
				return err
			}
			return errFailed
		})
		if !errors.Is(err, errFailed) || sum() != 0 {
			t.Errorf("InTx = %v, sum %d, want the error and 0", err, sum())
		}
	})
	t.Run("deadlock is retried", func(t *testing.T) {
		var both sync.WaitGroup
		both.Add(2)
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				attempts := 0
				err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
					attempts++
					for step, id := range []int{1 + i, 2 - i} {
						if step == 1 && attempts == 1 { // each transaction holds one row and waits for the other
							both.Done()
							both.Wait()
						}
						if _, err := tx.Exec(t.Context(), "update accounts set n = n + 1 where id = $1", id); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if sum() != 4 {
			t.Errorf("sum %d, want 4", sum())
		}
	})
	t.Run("attempts are limited", func(t *testing.T) {
		attempts := 0
		err := postgres.InTx(t.Context(), pool, func(pgx.Tx) error {
			attempts++
			return &pgconn.PgError{Code: "40001"}
		})
		if err == nil || attempts < 2 || attempts > 10 {
			t.Errorf("%d attempts, %v, want 2 to 10 and an error", attempts, err)
		}
	})
}

func TestConstraintViolated(t *testing.T) {
	pool := postgrestest.New(t, postgrestest.Script(`create table users (
		id int constraint users_pkey primary key,
		age int constraint adult check (age >= 18),
		boss int constraint boss_exists references users,
		period int4range, constraint one_at_a_time exclude using gist (period with &&));
		insert into users values (1, 20, null, '[1,5)');`))
	db := postgres.SQL(pool)
	defer db.Close()
	for statement, want := range map[string]string{
		"insert into users values (1, 20, null, null)":       "users_pkey",
		"insert into users values (2, 17, null, null)":       "adult",
		"insert into users values (2, 18, 9, null)":          "boss_exists",
		"insert into users values (2, 18, null, '[4,6)')":    "one_at_a_time",
		"insert into users values (2, 18, null, 'no range')": "",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		name, ok := postgres.ConstraintViolated(fmt.Errorf("ent: constraint failed: %w", err))
		if name != want || ok != (want != "") {
			t.Errorf("%s: got constraint %q, %t, want %q (%v)", statement, name, ok, want, err)
		}
	}
}

func TestUnavailable(t *testing.T) {
	code := func(c string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: c}) }
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"no error":                       {nil, false},
		"server shuts down":              {code("57P01"), true},
		"server starts":                  {code("57P03"), true},
		"too many connections":           {code("53300"), true},
		"connection failure":             {code("08006"), true},
		"statement timeout":              {code("57014"), true},
		"replica":                        {code("25006"), true},
		"constraint":                     {code("23505"), false},
		"syntax error":                   {code("42601"), false},
		"wrong password":                 {code("28P01"), false},
		"deadline exceeded":              {context.DeadlineExceeded, true},
		"cancelled by the caller":        {context.Canceled, false},
		"connection lost":                {io.ErrUnexpectedEOF, true},
		"connection refused":             {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"database/sql lost a connection": {driver.ErrBadConn, true},
		"no rows":                        {pgx.ErrNoRows, false},
		"other error":                    {errors.New("something else"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := postgres.Unavailable(tt.err); got != tt.want {
				t.Errorf("Unavailable(%v) = %t, want %t", tt.err, got, tt.want)
			}
		})
	}
}

func TestUnavailableWithServerFailures(t *testing.T) {
	pool := postgrestest.New(t, nil)
	_, err := pool.Exec(t.Context(), "select pg_terminate_backend(pg_backend_pid())")
	if !postgres.Unavailable(err) {
		t.Errorf("terminated backend: Unavailable(%v) = false", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := pool.Exec(ctx, "select pg_sleep(30)"); !postgres.Unavailable(err) {
		t.Errorf("timeout: Unavailable(%v) = false", err)
	}
	pool.Close()
	if _, err := pool.Exec(t.Context(), "select 1"); !postgres.Unavailable(err) {
		t.Errorf("closed pool: Unavailable(%v) = false", err)
	}
}
