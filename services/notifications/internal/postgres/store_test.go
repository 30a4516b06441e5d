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
