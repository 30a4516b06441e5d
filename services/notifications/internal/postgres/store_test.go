package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Store {
		_, role := postgrestest.NewWithRole(t, atlas.Notifications, dbrole.Of("notifications"))
		return postgres.New(role)
	})
}

func TestCountMany(t *testing.T) {
	pool, role := postgrestest.NewWithRole(t, atlas.Notifications, dbrole.Of("notifications"))
	storetest.CountMany(t, postgres.New(role), func(player uuid.UUID, first, last int, read bool) {
		_, err := pool.Exec(t.Context(), `INSERT INTO notifications (id, type, content, read, created_at, user_id, seq, event_id)
			SELECT id, 'promotion', '{}', $4, now(), $1, n, id::text
			FROM (SELECT n, gen_random_uuid() AS id FROM generate_series($2::bigint, $3) n) g`, player, first, last, read)
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestUnavailable(t *testing.T) {
	pool := postgrestest.New(t, atlas.Notifications)
	s := postgres.New(pool)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	pool.Close()
	_, err := s.LastSeq(t.Context(), uuid.New())
	if apperr.CodeOf(err) != apperr.DependencyUnavailable {
		t.Errorf("LastSeq of a closed pool: %v, want DEPENDENCY_UNAVAILABLE", err)
	}
}
