package migrate_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// connect returns a connection that is closed at the end of the test.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestUpDoesNotBlockTheServiceBehindALongTransaction migrates a table that a long transaction, such as that of a backup, has
// read. A query that waits behind the migration must be answered although the long transaction goes on.
func TestUpDoesNotBlockTheServiceBehindALongTransaction(t *testing.T) {
	url := postgrestest.URL(t, folder(t, users))
	long, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := long.Exec(t.Context(), "SELECT FROM users"); err != nil {
		t.Fatal(err)
	}
	applied := make(chan error, 1)
	go func() {
		_, err := up(t, url, folder(t, users, script{"20260101000005_note.sql", "alter table users add column note text;\n"}))
		applied <- err
	}()

	query := connect(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for waiting := false; !waiting; {
		if err := query.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'users'::regclass AND NOT granted)").
			Scan(&waiting); err != nil {
			t.Fatalf("the migration does not wait for the lock: %v", err)
		}
	}
	if _, err := query.Exec(ctx, "SELECT FROM users"); err != nil {
		t.Errorf("a query behind the migration: %v", err)
	}

	if err := long.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-applied; err != nil {
		t.Errorf("the migration after the long transaction: %v", err)
	}
	if _, err := query.Exec(t.Context(), "SELECT note FROM users"); err != nil {
		t.Error(err)
	}
}
