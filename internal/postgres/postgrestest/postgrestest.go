// Package postgrestest creates an empty, migrated PostgreSQL database for each test.
//
// The environment variable LOYALTY_TEST_POSTGRES holds the URL of a superuser on the server to use. If it is not set, the
// first test of a process starts a private server; see pgserver. The server stops when the process ends.
// Each folder of migrations is applied once, to a template database. A test gets a copy of it, which takes about 50 ms.
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

	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// serverEnv is the environment variable with the URL of a superuser on the server to use.
const serverEnv = "LOYALTY_TEST_POSTGRES"

const timeout = 2 * time.Minute

// New creates a database for t, applies the migrations in folder (nil means none) and returns a pool. When t ends, the
// pool is closed and the database is dropped, together with the connections that are still open.
func New(t testing.TB, folder fs.FS) *pgxpool.Pool {
	t.Helper()
	return open(t, URL(t, folder))
}

// URL creates a database like New and returns its URL, for tests that open connections themselves.
func URL(t testing.TB, folder fs.FS) string {
	t.Helper()
	url, _ := create(t, folder, nil)
	return url
}

// NewWithRole is like New, but also returns a pool of connections with the role of a service, which has the privileges only.
// The other pool connects as a superuser.
func NewWithRole(t testing.TB, folder fs.FS, privileges dbrole.Privileges) (owner, service *pgxpool.Pool) {
	t.Helper()
	ownerURL, serviceURL := URLsWithRole(t, folder, privileges)
	return open(t, ownerURL), open(t, serviceURL)
}

// URLsWithRole creates a database like NewWithRole and returns its URLs, for tests that open connections themselves.
func URLsWithRole(t testing.TB, folder fs.FS, privileges dbrole.Privileges) (owner, service string) {
	t.Helper()
	return create(t, folder, privileges)
}

func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.Options{ApplicationName: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// create creates a database and returns its URLs for a superuser and for the role with the privileges. Without migrations,
// the role has no privileges yet.
func create(t testing.TB, folder fs.FS, privileges dbrole.Privileges) (owner, service string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, err := serverURL()
	if err != nil {
		t.Fatal(err)
	}
	template, role, err := templateDatabase(ctx, server, folder, privileges)
	if err != nil {
		t.Fatal(err)
	}
	if folder == nil && privileges != nil {
		role.Name = "service_" + strings.ToLower(rand.Text())
		if err := admin(ctx, server, createRole(role.Name)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { drop(t, server, "role "+role.Name) }) // after the database
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := admin(ctx, server, "create database "+name+" template "+template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, server, "database "+name+" with (force)") })
	owner = withDatabase(server, name)
	if role.Name == "" {
		return owner, ""
	}
	if folder != nil { // a copy has the privileges on the tables of its template, but not those on the database
		grants := "revoke all on database " + name + " from public; grant connect on database " + name + " to " + role.Name
		if err := admin(ctx, server, grants); err != nil {
			t.Fatal(err)
		}
	}
	return owner, withRole(owner, role.Name)
}

// rolePassword is the password of all roles that tests create.
const rolePassword = "correct-horse"

func createRole(name string) string {
	return "create role " + name + " login password '" + rolePassword + "'"
}

// withRole returns the URL of a database with a role in place of its own.
func withRole(database, role string) string {
	u, err := url.Parse(database)
	if err != nil { // impossible: serverURL has checked the URL
		return database
	}
	u.User = url.UserPassword(role, rolePassword)
	return u.String()
}

// NewWithLocale is like New, but the database's default collation is the ICU locale, for example "tr-TR". It applies the
// migrations directly, without a template.
func NewWithLocale(t testing.TB, folder fs.FS, locale string) *pgxpool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, err := serverURL()
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	create := "create database " + name + " template template0 encoding 'UTF8' locale_provider icu icu_locale '" + locale + "'"
	if err := admin(ctx, server, create); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(t, server, "database "+name+" with (force)") })
	url := withDatabase(server, name)
	if _, err := migrate.Up(ctx, url, folder, dbrole.Role{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return open(t, url)
}

// drop drops an object of the server.
func drop(t testing.TB, server, object string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := admin(ctx, server, "drop "+object); err != nil {
		t.Error(err)
	}
}

// Script returns a folder whose only migration is sql. It is for tests of packages that have no migrations.
func Script(sql string) fs.FS { return Folder(atlas.NewLocalFile("1_script.sql", []byte(sql))) }

// Folder returns a folder of the given migrations, with its atlas.sum.
func Folder(files ...atlas.File) fs.FS {
	folder := fstest.MapFS{}
	for _, file := range files {
		folder[file.Name()] = &fstest.MapFile{Data: file.Bytes()}
	}
	if sums, err := atlas.NewHashFile(files); err == nil {
		if text, err := sums.MarshalText(); err == nil {
			folder[atlas.HashFileName] = &fstest.MapFile{Data: text}
		}
	}
	return folder // New rejects a folder without atlas.sum
}

// serverURL returns the URL of the server that all tests of this process share.
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
	if err != nil { // impossible: serverURL has checked the URL
		return server
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs one statement in the server's database postgres.
func admin(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, withDatabase(server, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to the test server (%s): %w", serverEnv, err)
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// templateDatabase returns the name of a database with folder's migrations, and the role with the privileges. It creates
// them if they do not exist. An advisory lock serializes the processes that share a server. The migrations run in a draft
// database, which is renamed when they have succeeded.
func templateDatabase(
	ctx context.Context, server string, folder fs.FS, privileges dbrole.Privileges,
) (name string, role dbrole.Role, err error) {
	if folder == nil {
		return "template1", role, nil
	}
	name, err = templateName(folder, privileges)
	if err != nil {
		return "", role, err
	}
	if privileges != nil {
		role = dbrole.Role{Name: strings.Replace(name, "template", "service", 1), Privileges: privileges}
	}
	conn, err := pgx.Connect(ctx, withDatabase(server, "postgres"))
	if err != nil {
		return "", role, fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // also releases the lock
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(hashtext($1))", name); err != nil {
		return "", role, err
	}
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
	if err != nil || exists {
		return name, role, err
	}
	draft := name + "_draft"
	statements := []string{"drop database if exists " + draft + " with (force)", "create database " + draft}
	if role.Name != "" {
		statements = append(statements, "drop role if exists "+role.Name, createRole(role.Name))
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", role, err
		}
	}
	if _, err := migrate.Up(ctx, withDatabase(server, draft), folder, role, slog.New(slog.DiscardHandler)); err != nil {
		return "", role, err
	}
	_, err = conn.Exec(ctx, "alter database "+draft+" rename to "+name)
	return name, role, err
}

// templateName returns a name made from the hash of the folder's files and the privileges.
func templateName(folder fs.FS, privileges dbrole.Privileges) (string, error) {
	names, err := fs.Glob(folder, "*")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, privileges) // sorted by table
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
