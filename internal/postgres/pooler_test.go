package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/pgbouncertest"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestOpenThroughPgBouncer(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t, nil)
	for name, tt := range map[string]struct {
		mode     pgbouncertest.Mode
		settings []string
		shared   bool
	}{
		"session":                   {pgbouncertest.Session, nil, false},
		"session, one replica":      {pgbouncertest.Session, []string{"default_pool_size = 2"}, false},
		"transaction":               {pgbouncertest.Transaction, nil, true},
		"transaction, round robin":  {pgbouncertest.Transaction, []string{"server_round_robin = 1"}, true},
		"transaction, one server":   {pgbouncertest.Transaction, []string{"default_pool_size = 1"}, true},
		"transaction, several idle": {pgbouncertest.Transaction, []string{"min_pool_size = 5"}, true},
		"statement":                 {pgbouncertest.Statement, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgbouncertest.Start(t, database, tt.mode, tt.settings...)
			pool, err := postgres.Open(t.Context(), url+"&lock_timeout=3s", postgres.Options{
				ApplicationName: "users", Settings: map[string]string{"statement_timeout": "7s"},
			})
			if tt.shared {
				if !errors.Is(err, postgres.ErrSharedSessions) {
					t.Errorf("Open = %v, want ErrSharedSessions", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var got string
			err = pool.QueryRow(t.Context(), `select concat_ws(' ', current_setting('timezone'), current_setting('lock_timeout'),
				current_setting('application_name'), current_setting('statement_timeout'),
				current_setting('idle_in_transaction_session_timeout'))`).Scan(&got)
			if want := "UTC 3s users 7s 1min"; got != want || err != nil {
				t.Errorf("settings %q, %v, want %q", got, err, want)
			}
		})
	}
}

// With several clients, PgBouncer assigns server connections in an order that the check cannot predict.
func TestSharedSessionsAreDetectedWithOtherClients(t *testing.T) {
	t.Parallel()
	database := postgrestest.URL(t, nil)
	url := pgbouncertest.Start(t, database, pgbouncertest.Transaction, "server_round_robin = 1", "default_pool_size = 10")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := postgres.Open(t.Context(), url, postgres.Options{}); !errors.Is(err, postgres.ErrSharedSessions) {
					t.Errorf("Open = %v, want ErrSharedSessions", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPoolTooSmallForASecondConnection(t *testing.T) {
	t.Parallel()
	url := pgbouncertest.Start(t, postgrestest.URL(t, nil), pgbouncertest.Session,
		"default_pool_size = 1", "query_wait_timeout = 1")
	_, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err == nil || !strings.Contains(err.Error(), "pool_size") {
		t.Errorf("Open = %v, want an error about the pool's size", err)
	}
}
