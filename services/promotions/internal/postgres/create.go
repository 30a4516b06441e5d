package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// CreatePromotion inserts a promotion. An exclusion constraint refuses a second active promotion of a unique type in the
// same period. Two concurrent inserts may deadlock on the constraint. PostgreSQL then rolls back one of the inserts, and
// CreatePromotion retries it.
func (s *Store) CreatePromotion(ctx context.Context, p domain.Promotion) error {
	return toAppError(postgres.Retry(ctx, func() error { return setPromotion(s.ent.Promotion.Create(), p).Exec(ctx) }))
}
