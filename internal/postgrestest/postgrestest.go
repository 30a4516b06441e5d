// Package postgrestest gives each test a PostgreSQL database of its own, migrated and empty.
//
// The databases are on the server that LOYALTY_TEST_POSTGRES names (the URL of a superuser), else on a private server
// that the first test of a process starts from installed programs and that ends with the process. A migrated database
// is made once per folder of migrations and copied for each test, which takes some 50 ms.
package postgrestest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	atlas "ariga.io/atlas/sql/migrate"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// serverEnv names a superuser's URL of a server to use.
const serverEnv = "LOYALTY_TEST_POSTGRES"

const timeout = 2 * time.Minute

// New returns a pool on a database of t's own that holds the migrations in folder, nil for none. Pool and database go
// when t ends; what t has open on the database then is cut off.
func New(t testing.TB, folder fs.FS) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), URL(t, folder), postgres.Options{ApplicationName: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL is New for tests that open connections themselves.
func URL(t testing.TB, folder fs.FS) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, err := serverURL()
	if err != nil {
		t.Fatal(err)
	}
	template, err := templateDatabase(ctx, server, folder)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := admin(ctx, server, "create database "+name+" template "+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := admin(ctx, server, "drop database "+name+" with (force)"); err != nil {
			t.Error(err)
		}
	})
	return withDatabase(server, name)
}

// Script is a folder of migrations that holds one, sql, for tests of packages that have no migrations of their own.
func Script(sql string) fs.FS {
	file := atlas.NewLocalFile("1_script.sql", []byte(sql))
	folder := fstest.MapFS{file.Name(): {Data: file.Bytes()}}
	if sums, err := atlas.NewHashFile([]atlas.File{file}); err == nil {
		if text, err := sums.MarshalText(); err == nil {
			folder[atlas.HashFileName] = &fstest.MapFile{Data: text}
		}
	}
	return folder // one without its sums is refused by New
}

// serverURL is the URL of the server that all tests of this process share.
func serverURL() (string, error) {
	if configured := os.Getenv(serverEnv); configured != "" {
		if u, err := url.Parse(configured); err != nil || u.Scheme == "" {
			return "", fmt.Errorf("%s is not a URL", serverEnv)
		}
		return configured, nil
	}
	s, err := privateServer()
	if err != nil {
		return "", err
	}
	return s.URL("postgres"), nil
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil { // serverURL has parsed it
		return server
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs one statement in the server's maintenance database.
func admin(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, withDatabase(server, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to the test server (%s): %w", serverEnv, err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// templateDatabase returns the name of a database that holds folder's migrations, and makes it if need be. Processes
// that share a server take turns; a name exists only when its database is complete.
func templateDatabase(ctx context.Context, server string, folder fs.FS) (_ string, err error) {
	if folder == nil {
		return "template1", nil
	}
	name, err := templateName(folder)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, withDatabase(server, "postgres"))
	if err != nil {
		return "", fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // ends the lock too
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", name); err != nil {
		return "", err
	}
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
	if err != nil || exists {
		return name, err
	}
	draft := name + "_draft"
	for _, statement := range []string{"drop database if exists " + draft + " with (force)", "create database " + draft} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", err
		}
	}
	if _, err := migrate.Up(ctx, withDatabase(server, draft), folder, slog.New(slog.DiscardHandler)); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "alter database "+draft+" rename to "+name)
	return name, err
}

// templateName is made of the hash of the folder's files.
func templateName(folder fs.FS) (string, error) {
	names, err := fs.Glob(folder, "*")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range names {
		info, err := fs.Stat(folder, name)
		if err != nil {
			return "", err
		}
		if info.IsDir() {
			continue
		}
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(b), b)
	}
	return "template_" + hex.EncodeToString(sum.Sum(nil)[:12]), nil
}
