package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Assignments lists a player's assignments by descending id, each with the current state of its promotion. Ids are UUIDv7,
// so the newest assignment comes first.
func (s *Store) Assignments(ctx context.Context, player uuid.UUID, f domain.AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.Assignment], error) {
	var none keyset.Page[domain.Assignment]
	where, args := assignmentFilter(player, f)
	var total int
	if err := s.pool.QueryRow(ctx, "SELECT count(*) FROM player_promotions WHERE "+where, args...).Scan(&total); err != nil {
		return none, toAppError(err)
	}
	if p.Before != uuid.Nil {
		args = append(args, p.Before)
		where += fmt.Sprintf(" AND id < $%d", len(args))
	}
	args = append(args, p.Size+1)
	rows, err := s.pool.Query(ctx, fmt.Sprintf("SELECT %s FROM player_promotions WHERE %s ORDER BY id DESC LIMIT $%d",
		assignmentColumns, where, len(args)), args...)
	if err != nil {
		return none, toAppError(err)
	}
	items, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil {
		return none, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	if err := s.withPromotions(ctx, page.Items); err != nil {
		return none, err
	}
	return page, nil
}

// assignmentFilter returns the filter as an SQL condition over player_promotions, and its arguments. The condition contains
// placeholders instead of values.
func assignmentFilter(player uuid.UUID, f domain.AssignmentFilter) (string, []any) {
	args := []any{player}
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := []string{"user_id = $1"}
	if f.Claimed != nil {
		where = append(where, "claimed = "+arg(*f.Claimed))
	}
	if f.Type != "" {
		where = append(where, promotionWith("type = "+arg(string(f.Type))))
	}
	if f.Available != nil {
		available := promotionWith("is_active AND " + arg(date.Of(f.Now)) + "::date BETWEEN start_date AND end_date")
		if !*f.Available {
			available = "NOT " + available
		}
		where = append(where, available)
	}
	return strings.Join(where, " AND "), args
}

// promotionWith returns the SQL condition that the promotion of an assignment meets a condition. It is a correlated EXISTS,
// so that PostgreSQL looks up the promotion of each assignment. It would evaluate NOT IN with all promotions, and compare
// each assignment with each of them if they exceed work_mem.
func promotionWith(condition string) string {
	return "EXISTS (SELECT FROM promotions WHERE promotions.id = promotion_id AND " + condition + ")"
}

// withPromotions sets the promotion of each assignment.
func (s *Store) withPromotions(ctx context.Context, items []domain.Assignment) error {
	ids := make([]uuid.UUID, len(items))
	for i, a := range items {
		ids[i] = a.PromotionID
	}
	rows, err := s.pool.Query(ctx, "SELECT "+promotionColumns+" FROM promotions WHERE id = ANY($1)", ids)
	if err != nil {
		return toAppError(err)
	}
	promotions, err := pgx.CollectRows(rows, scanPromotion)
	if err != nil {
		return toAppError(err)
	}
	byID := make(map[uuid.UUID]*domain.Promotion, len(promotions))
	for i := range promotions {
		byID[promotions[i].ID] = &promotions[i]
	}
	for i := range items {
		items[i].Promotion = byID[items[i].PromotionID]
	}
	return nil
}
