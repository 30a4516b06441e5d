package postgres

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions/predicate"
	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// CreatePromotion stores a new promotion; the database refuses a second active one of a unique type in its period. Of two
// that come at once PostgreSQL may find each waiting for the other, and rolls one back: it is tried again.
func (s *Store) CreatePromotion(ctx context.Context, p domain.Promotion) error {
	return fail(postgres.Retry(ctx, func() error { return setPromotion(s.ent.Promotion.Create(), p).Exec(ctx) }))
}

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

// Promotion reads one promotion.
func (s *Store) Promotion(ctx context.Context, id uuid.UUID) (domain.Promotion, error) {
	row, err := s.ent.Promotion.Get(ctx, id)
	if err != nil {
		return domain.Promotion{}, fail(err)
	}
	return promotionFromRow(row), nil
}

// Promotions lists promotions by descending id, which is by age.
func (s *Store) Promotions(ctx context.Context, f domain.PromotionFilter, p domain.Page) (domain.Listed[domain.Promotion], error) {
	var none domain.Listed[domain.Promotion]
	query := s.ent.Promotion.Query().Where(promotionFilter(f)...)
	total, err := query.Clone().Count(ctx)
	if err != nil {
		return none, fail(err)
	}
	if p.Before != uuid.Nil {
		query.Where(promotion.IDLT(p.Before))
	}
	rows, err := query.Order(promotion.ByID(entsql.OrderDesc())).Limit(p.Size + 1).All(ctx)
	if err != nil {
		return none, fail(err)
	}
	items := make([]domain.Promotion, 0, len(rows))
	for _, row := range rows {
		items = append(items, promotionFromRow(row))
	}
	return cut(items, p.Size, total), nil
}

func promotionFilter(f domain.PromotionFilter) []predicate.Promotion {
	var where []predicate.Promotion
	if f.Type != "" {
		where = append(where, promotion.Type(string(f.Type)))
	}
	if f.IsActive != nil {
		where = append(where, promotion.IsActive(*f.IsActive))
	}
	if f.Available != nil {
		available := promotion.And(promotion.IsActive(true), startsBy(f.Today), endsFrom(f.Today))
		if !*f.Available {
			available = promotion.Not(available)
		}
		where = append(where, available)
	}
	if f.Title != "" {
		where = append(where, promotion.TitleContainsFold(f.Title))
	}
	if !f.From.IsZero() {
		where = append(where, endsFrom(f.From))
	}
	if !f.To.IsZero() {
		where = append(where, startsBy(f.To))
	}
	return where
}

func startsBy(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldLTE(promotion.FieldStartDate, day))
}

func endsFrom(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldGTE(promotion.FieldEndDate, day))
}

// cut makes a page of what was read with one item more than the page takes.
func cut[T any](items []T, size, total int) domain.Listed[T] {
	more := len(items) > size
	if more {
		items = items[:size]
	}
	return domain.Listed[T]{Items: items, Total: total, More: more}
}
