package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CreatePromotion inserts a promotion. An exclusion constraint refuses a second active promotion of a unique type in the
// same period. Two concurrent inserts may deadlock on the constraint. PostgreSQL then rolls back one of the inserts, and
// CreatePromotion retries it.
func (s *Store) CreatePromotion(ctx context.Context, p domain.Promotion) error {
	err := s.inTx(ctx, func(tx *promotions.Tx) error {
		if err := setPromotion(tx.Promotion.Create(), p).Exec(ctx); err != nil {
			return err
		}
		if err := recordPromotion(ctx, postgres.FromSQL(tx), nil, p); err != nil {
			return err
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromPromotion(p))
	})
	if err != nil {
		return toAppError(err)
	}
	s.wake()
	return nil
}
