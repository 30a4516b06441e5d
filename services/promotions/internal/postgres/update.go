package postgres

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// The row of a promotion is locked by whoever assigns it, shared, and by whoever changes it. PostgreSQL lets new sharers
// of a row lock past somebody who waits to change it: as long as assignments overlap, the promotion could not be switched
// off. Advisory locks are given in the order in which they are asked for, so both sides queue for one before the row.
const (
	queueToAssign = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 0))"
	queueToChange = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))"
)

// UpdatePromotion changes a promotion under its row lock.
func (s *Store) UpdatePromotion(ctx context.Context, id uuid.UUID, change func(*domain.Promotion) error) (domain.Promotion, error) {
	var p domain.Promotion
	err := postgres.Retry(ctx, func() (err error) {
		p, err = s.update(ctx, id, change)
		return err
	})
	if err != nil {
		return domain.Promotion{}, fail(err)
	}
	return p, nil
}

func (s *Store) update(ctx context.Context, id uuid.UUID, change func(*domain.Promotion) error) (domain.Promotion, error) {
	tx, err := s.ent.Tx(ctx)
	if err != nil {
		return domain.Promotion{}, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to roll back once committed
	if _, err := tx.ExecContext(ctx, queueToChange, id); err != nil {
		return domain.Promotion{}, err
	}
	row, err := tx.Promotion.Query().Where(promotion.ID(id)).ForUpdate(entsql.WithLockClause("FOR NO KEY UPDATE")).Only(ctx)
	if err != nil {
		return domain.Promotion{}, err
	}
	p := promotionFromRow(row)
	if err := change(&p); err != nil {
		return domain.Promotion{}, err
	}
	if err := changePromotion(tx.Promotion.UpdateOneID(id), p).Exec(ctx); err != nil {
		return domain.Promotion{}, err
	}
	return p, tx.Commit()
}
