package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// uniqueLockClass is the first half of the key of the advisory lock of CreatePromotion: "uniq" in ASCII.
const uniqueLockClass = 0x756e6971

// CreatePromotion inserts a promotion. An exclusion constraint refuses a second active promotion of a unique type in the
// same period. Concurrent inserts would deadlock on the constraint, so the inserts of unique types wait for each other.
func (s *Store) CreatePromotion(ctx context.Context, p domain.Promotion) error {
	err := s.inTx(ctx, func(tx *promotions.Tx) error {
		if p.IsActive && p.Type.UniquePerPeriod() {
			if _, err := postgres.FromSQL(tx).Exec(ctx, "SELECT pg_advisory_xact_lock($1, 0)", uniqueLockClass); err != nil {
				return err
			}
		}
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
