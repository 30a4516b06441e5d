package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
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

// TestRepublishMuted republishes an assignment of a player who has opted out in the meantime.
func TestRepublishMuted(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	other := f.player()
	f.outcome(p, other)
	f.restrict(player, 1, restriction(promotions.RestrictionKindMarketingOptOut))
	store := postgres.New(f.role, func() {})
	var ids []uuid.UUID
	if err := f.pool.QueryRow(t.Context(), "SELECT array_agg(id) FROM player_promotions").Scan(&ids); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Republish(t.Context(), ids); n != 0 || err != nil || f.muted(player) != 0 {
		t.Errorf("with the events in the outbox: got %d events, %v, and muted %d times, want none", n, err, f.muted(player))
	}
	if _, err := f.pool.Exec(t.Context(), "DELETE FROM outbox"); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Republish(t.Context(), ids); n != 1 || err != nil || f.notifications(other) != 1 {
		t.Errorf("got %d events, %v, want one for the other player", n, err)
	}
	if f.muted(player) != 1 || f.muted(other) != 0 {
		t.Errorf("muted %d and %d times, want 1 and 0", f.muted(player), f.muted(other))
	}
}

// muted returns how often the assignment of a player was muted.
func (f fixture) muted(player uuid.UUID) (times int) {
	f.Helper()
	err := f.pool.QueryRow(f.Context(), "SELECT times_muted FROM player_promotions WHERE user_id = $1", player).Scan(&times)
	if err != nil {
		f.Fatal(err)
	}
	return times
}
