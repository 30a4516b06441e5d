package migrate_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	. "github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestApplied(t *testing.T) {
	url := postgrestest.URL(t, nil)
	pool, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var log bytes.Buffer
	a, err := NewApplied(t.Context(), pool, "users", folder(t, users, orders), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- a.Before(func(context.Context) error { close(started); return nil })(t.Context()) }()
	for _, step := range []struct {
		name    string
		migrate []script
	}{{"empty database", nil}, {"outdated database", []script{users}}} {
		if step.migrate != nil {
			mustUp(t, url, folder(t, step.migrate...))
		}
		err := a.Check(t.Context())
		if pending, ok := errors.AsType[*PendingError](err); !ok || pending.Database != "users" ||
			err.Error() != "migrations are pending: run loyalty migrate up users" {
			t.Errorf("%s: Check = %v, want a PendingError", step.name, err)
		}
		select {
		case <-started:
			t.Errorf("%s: Before ran the function before the migrations were applied", step.name)
		default:
		}
		if a.Err() == nil {
			t.Errorf("%s: Err = nil, want an error", step.name)
		}
	}
	mustUp(t, url, folder(t, users, orders))
	if err := a.Check(t.Context()); err != nil || a.Err() != nil || log.Len() > 0 {
		t.Errorf("migrated database: Check = %v, Err = %v, logged %q; want nil, nil and no log line", err, a.Err(), &log)
	}
	<-started
	if err := <-done; err != nil {
		t.Error(err)
	}
	mustUp(t, url, folder(t, users, orders, newer))
	for range 3 {
		if err := a.Check(t.Context()); err != nil {
			t.Errorf("newer database: Check = %v, want nil", err)
		}
	}
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "the database users has migrations of a newer release") ||
		!strings.Contains(log.String(), "migrations=20260101000006") {
		t.Errorf("newer database: logged %q, want one line with the newer migration", &log)
	}
}

// TestAppliedSeesChanges checks that Check, which skips unchanged revisions, sees each change of them.
func TestAppliedSeesChanges(t *testing.T) {
	pool := postgrestest.New(t, folder(t, users, orders))
	a, err := NewApplied(t.Context(), pool, "users", folder(t, users, orders), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		change string
		ok     bool
	}{
		{"UPDATE atlas_schema_revisions SET applied = 0", false},
		{"UPDATE atlas_schema_revisions SET applied = total", true},
		{"CREATE TABLE kept AS SELECT * FROM atlas_schema_revisions; DELETE FROM atlas_schema_revisions", false},
		{"INSERT INTO atlas_schema_revisions SELECT * FROM kept", true},
		{"UPDATE atlas_schema_revisions SET hash = 'x'", false},
	} {
		if _, err := pool.Exec(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}
		if err := a.Check(t.Context()); (err == nil) != step.ok {
			t.Errorf("after %s: Check = %v", step.change, err)
		}
	}
}

// newer is a migration of a newer release.
var newer = script{"20260101000006_newer.sql", "create table newer (id int);\n"}

func TestAppliedRefusesTheDatabaseOfAnotherService(t *testing.T) {
	pool := postgrestest.New(t, folder(t, script{users.name, "create table other (id int);\n"}))
	a, err := NewApplied(t.Context(), pool, "users", folder(t, users), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs to another service") {
		t.Errorf("Check = %v, want an error with %q", err, "belongs to another service")
	}
}

func TestBeforeStopsWithItsContext(t *testing.T) {
	a, err := NewApplied(t.Context(), postgrestest.New(t, nil), "users", folder(t, users), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Before(func(context.Context) error { return errors.New("ran") })(ctx); err != nil {
		t.Error(err)
	}
}
