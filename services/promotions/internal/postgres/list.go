package postgres

import (
	"context"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions/predicate"
	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Promotions lists promotions by descending id. Ids are UUIDv7, so the newest promotion comes first. A total above
// keyset.MaxExactTotal is an estimate.
func (s *Store) Promotions(ctx context.Context, f domain.PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.Promotion], error) {
	var none keyset.Page[domain.Promotion]
	where := promotionFilter(f)
	total, estimate, err := postgres.Count(ctx, s.pool, promotion.Table, where)
	if err != nil {
		return none, toAppError(err)
	}
	query := s.ent.Promotion.Query().Where(where...)
	if p.Before != uuid.Nil {
		query.Where(promotion.IDLT(p.Before))
	}
	rows, err := query.Order(promotion.ByID(entsql.OrderDesc())).Limit(p.Size + 1).All(ctx)
	if err != nil {
		return none, toAppError(err)
	}
	items := make([]domain.Promotion, 0, len(rows))
	for _, row := range rows {
		items = append(items, promotionFromRow(row))
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = estimate
	return page, nil
}

// promotionFilter returns the filter as predicates.
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
	where = append(where, inStates(f.States, f.Today))
	if f.Title != "" {
		where = append(where, titleContains(f.Title))
	}
	if !f.From.IsZero() {
		where = append(where, endsFrom(f.From))
	}
	if !f.To.IsZero() {
		where = append(where, startsBy(f.To))
	}
	return where
}

// titleContains ignores case. The subquery folds text once. ILIKE folds it again for each row, so that a long text would
// cost more than all titles.
func titleContains(text string) predicate.Promotion {
	return func(s *entsql.Selector) {
		column := s.C(promotion.FieldTitle)
		s.Where(entsql.P(func(b *entsql.Builder) {
			b.WriteString("strpos(lower(").Ident(column).WriteString("), (SELECT lower(").Arg(text).WriteString("))) > 0")
		}))
	}
}

// inStates selects the promotions that are in one of the states on the given day, as [domain.Promotion.StateAt] determines
// them. Without states, it selects the promotions that are not archived.
func inStates(states []domain.PromotionState, today date.Date) predicate.Promotion {
	if len(states) == 0 {
		return promotion.Not(inactiveAs(domain.StatusArchived))
	}
	current := promotion.And(promotion.IsActive(true), endsFrom(today))
	anyOf := make([]predicate.Promotion, 0, len(states))
	for _, state := range states {
		switch state {
		case domain.PromotionStateArchived:
			anyOf = append(anyOf, inactiveAs(domain.StatusArchived))
		case domain.PromotionStateDraft:
			anyOf = append(anyOf, inactiveAs(domain.StatusDraft))
		case domain.PromotionStateExpired:
			anyOf = append(anyOf, promotion.And(promotion.Not(endsFrom(today)),
				promotion.Or(promotion.IsActive(true), inactiveAs(domain.StatusPaused))))
		case domain.PromotionStatePaused:
			anyOf = append(anyOf, promotion.And(inactiveAs(domain.StatusPaused), endsFrom(today)))
		case domain.PromotionStateScheduled:
			anyOf = append(anyOf, promotion.And(current, promotion.Not(startsBy(today))))
		case domain.PromotionStateActive:
			anyOf = append(anyOf, promotion.And(current, startsBy(today)))
		}
	}
	return promotion.Or(anyOf...)
}

func inactiveAs(s domain.Status) predicate.Promotion {
	return promotion.And(promotion.IsActive(false), promotion.InactiveAs(string(s)))
}

func startsBy(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldLTE(promotion.FieldStartDate, day))
}

func endsFrom(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldGTE(promotion.FieldEndDate, day))
}
