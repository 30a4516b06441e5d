package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// CreatePromotion stores a new promotion; the database refuses a second active one of a unique type in its period. Of two
// that come at once PostgreSQL may find each waiting for the other, and rolls one back: it is tried again.
func (s *Store) CreatePromotion(ctx context.Context, p domain.Promotion) error {
	return fail(postgres.Retry(ctx, func() error { return setPromotion(s.ent.Promotion.Create(), p).Exec(ctx) }))
}
