package postgres

import (
	"context"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assignments take a shared lock on the row of a promotion, and updates take an exclusive lock. PostgreSQL grants a shared
// row lock even if a transaction waits for the exclusive lock, so overlapping assignments could delay an update forever.
// PostgreSQL grants advisory locks in the order of the requests. Assignments and updates therefore take an advisory lock
// before the row lock.
const (
	lockToAssign = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 0))"
	lockToUpdate = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))"
)

// UpdatePromotion locks the promotion and its claims, sets its state, applies change and stores the result. It retries the
// transaction after a conflict, and then calls now and change again.
func (s *Store) UpdatePromotion(ctx context.Context, id uuid.UUID, now func() time.Time, change func(*domain.Promotion, domain.ClaimTotals) error) (domain.Promotion, error) {
	var p domain.Promotion
	err := s.inTx(ctx, func(tx *promotions.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT "+timeoutsSQL); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, lockToUpdate, id); err != nil {
			return err
		}
		row, err := tx.Promotion.Query().Where(promotion.ID(id)).ForUpdate(entsql.WithLockClause("FOR NO KEY UPDATE")).Only(ctx)
		if err != nil {
			return err
		}
		p = promotionFromRow(row)
		if _, err := tx.ExecContext(ctx, lockClaims, []uuid.UUID{id}); err != nil {
			return err
		}
		at := now()
		used, err := readUsage(ctx, tx, &p, at)
		if err != nil {
			return err
		}
		p.State = p.StateAt(at)
		before := p
		if err := change(&p, used); err != nil {
			return err
		}
		if p != before {
			if err := changePromotion(tx.Promotion.UpdateOneID(id), p).Exec(ctx); err != nil {
				return err
			}
			if err := recordPromotion(ctx, postgres.FromSQL(tx), &before, p); err != nil {
				return err
			}
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromPromotion(p))
	})
	if err != nil {
		return domain.Promotion{}, toAppError(err)
	}
	s.wake()
	return p, nil
}
