package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

func TestRepublish(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.assigned()
	f.assigned()
	store := postgres.New(f.role, func() {})
	read := func() string {
		t.Helper()
		var all string
		err := f.pool.QueryRow(t.Context(),
			"SELECT coalesce(string_agg(event_id::text || ' ' || key || ' ' || encode(payload, 'hex'), ', ' ORDER BY id), '') FROM outbox").Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	var ids []uuid.UUID
	if err := f.pool.QueryRow(t.Context(), "SELECT array_agg(id) FROM player_promotions").Scan(&ids); err != nil {
		t.Fatal(err)
	}
	original := read()
	if n, err := store.Republish(t.Context(), ids); n != 0 || err != nil {
		t.Errorf("with all events in the outbox: got %d events, %v, want none", n, err)
	}
	if _, err := f.pool.Exec(t.Context(), "DELETE FROM outbox"); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Republish(t.Context(), append(ids, uuid.New())); n != 2 || err != nil {
		t.Errorf("got %d events, %v, want 2", n, err)
	}
	if got := read(); got != original {
		t.Errorf("got events %s, want those of the assignments: %s", got, original)
	}
}
