package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
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
	row, err := tx.Promotion.Query().Where(promotion.ID(id)).ForUpdate().Only(ctx)
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
