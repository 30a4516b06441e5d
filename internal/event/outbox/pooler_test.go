package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/pgbouncertest"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestRelayWorksThroughPgBouncer(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"defaults":                       nil,
		"ignored startup parameters":     {"ignore_startup_parameters = extra_float_digits,lock_timeout,options"},
		"no reset between clients":       {"server_reset_query ="},
		"short-lived server connections": {"server_lifetime = 1", "server_idle_timeout = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := postgrestest.URL(t, postgrestest.Script(table))
			pool, err := postgres.Open(t.Context(), pgbouncertest.Start(t, database, pgbouncertest.Session, settings...),
				postgres.Options{ApplicationName: t.Name()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			b := newBus()
			relays := []*outbox.Relay{
				outbox.NewRelay(pool, b, discardLog(), outbox.Options{Poll: 20 * time.Millisecond}),
				outbox.NewRelay(pool, b, discardLog(), outbox.Options{Poll: 20 * time.Millisecond}),
			}
			for _, r := range relays {
				run(t, r)
			}
			for i := range 20 {
				appendAll(t, pool, newEvent(string(rune('a'+i))))
				relays[i%2].Wake()
			}
			b.waitFor(t, 20)
			eventually(t, "the outbox is empty", empty(t, pool))
			for _, r := range relays {
				eventually(t, "the relay is ready", func() bool { return r.Ready() == nil })
			}
		})
	}
}

func TestRelayIsNotReadyWithoutAConnection(t *testing.T) {
	t.Parallel()
	pool, b := newPool(t), newBus()
	r := outbox.NewRelay(pool, b, discardLog(), outbox.Options{Poll: 20 * time.Millisecond})
	if r.Ready() == nil {
		t.Error("the relay is ready before Run")
	}
	run(t, r)
	eventually(t, "the relay is ready", func() bool { return r.Ready() == nil })

	admin, err := pgx.Connect(t.Context(), postgrestest.URL(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	allow := func(connections string) {
		t.Helper()
		name := pgx.Identifier{pool.Config().ConnConfig.Database}.Sanitize()
		if _, err := admin.Exec(t.Context(), "alter database "+name+" allow_connections "+connections); err != nil {
			t.Fatal(err)
		}
	}
	allow("false")
	if n := killConnections(t, pool); n != 1 {
		t.Fatalf("%d relay connections, want 1", n)
	}
	eventually(t, "the relay is not ready", func() bool { return r.Ready() != nil })
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("the pool does not work: %v", err)
	}
	allow("true")
	eventually(t, "the relay is ready again", func() bool { return r.Ready() == nil })
}
