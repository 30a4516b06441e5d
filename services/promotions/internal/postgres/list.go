package postgres

import (
	"context"
	"strings"
	"unicode"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/promotions/predicate"
	"github.com/casino-loyalty/loyalty/ent/promotions/promotion"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Promotions lists promotions, newest first, in one round trip. A total above keyset.MaxExactTotal is an estimate.
func (s *Store) Promotions(ctx context.Context, f domain.PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.Promotion], error) {
	page, err := promotionList(f).Read(ctx, s.pool, p)
	return page, toAppError(err)
}

func promotionList(f domain.PromotionFilter) postgres.List[domain.Promotion, predicate.Promotion] {
	return postgres.List[domain.Promotion, predicate.Promotion]{
		Table: promotion.Table, Columns: usedColumns, Scan: scanUsed, Where: promotionFilter(f),
	}
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

// titleContains ignores case. If the text has a trigram, the index on trigrams finds the titles. Otherwise, PostgreSQL reads
// all titles. The subquery then folds the text once: ILIKE would fold it again for each row, so that a long text would cost
// more than all titles.
func titleContains(text string) predicate.Promotion {
	return func(s *entsql.Selector) {
		column := s.C(promotion.FieldTitle)
		s.Where(entsql.P(func(b *entsql.Builder) {
			if hasTrigram(text) {
				b.Ident(column).WriteString(" ILIKE ").Arg("%" + escapeLike(text) + "%")
				return
			}
			b.WriteString("strpos(lower(").Ident(column).WriteString("), (SELECT lower(").Arg(text).WriteString("))) > 0")
		}))
	}
}

// escapeLike returns a LIKE pattern that matches the text only.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text)
}

// hasTrigram reports whether a text has three letters or digits in a row, from which pg_trgm makes a key of its index.
func hasTrigram(text string) bool {
	n := 0
	for _, r := range text {
		if n++; !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			n = 0
		}
		if n == 3 {
			return true
		}
	}
	return false
}

// inStates selects the promotions that are in one of the states on the given day, as [domain.Promotion.StateAt] determines
// them. Without states, it selects the promotions that are not archived.
func inStates(states []domain.PromotionState, today date.Date) predicate.Promotion {
	if len(states) == 0 {
		return promotion.Or(promotion.IsActive(true), inactiveAs(domain.StatusDraft, domain.StatusPaused))
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
			anyOf = append(anyOf, promotion.And(current, startsBy(today), promotion.Not(exhausted())))
		case domain.PromotionStateExhausted:
			anyOf = append(anyOf, promotion.And(current, startsBy(today), exhausted()))
		}
	}
	return promotion.Or(anyOf...)
}

// exhausted selects the promotions whose claims have used up a limit for good. It reads the counters only of promotions that
// have such a limit.
func exhausted() predicate.Promotion {
	return func(s *entsql.Selector) {
		s.Where(entsql.ExprP(`(limits_max_claims > 0 OR limits_budget > 0)
			AND EXISTS (SELECT FROM promotion_counters c WHERE c.id = promotions.id
			  AND (limits_max_claims > 0 AND c.claimed >= limits_max_claims
			    OR limits_budget > 0 AND limits_budget - c.spent < promotions.amount))`))
	}
}

func inactiveAs(anyOf ...domain.Status) predicate.Promotion {
	names := make([]string, len(anyOf))
	for i, s := range anyOf {
		names[i] = string(s)
	}
	return promotion.And(promotion.IsActive(false), promotion.InactiveAsIn(names...))
}

func startsBy(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldLTE(promotion.FieldStartDate, day))
}

func endsFrom(day any) predicate.Promotion {
	return predicate.Promotion(entsql.FieldGTE(promotion.FieldEndDate, day))
}
