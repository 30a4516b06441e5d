package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Assignments lists a player's assignments by descending id, each with the current state of its promotion. Ids are UUIDv7,
// so the newest assignment comes first. It takes one round trip. A total above keyset.MaxExactTotal is an estimate.
func (s *Store) Assignments(ctx context.Context, player uuid.UUID, f domain.AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.Assignment], error) {
	where, args := assignmentFilter(player, f)
	var total int
	var items []domain.Assignment
	batch := &pgx.Batch{}
	batch.Queue(postgres.CountSQL("player_promotions", where), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&total)
	})
	statement, args := assignmentPage(where, args, p)
	batch.Queue(statement, args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, scanWithPromotion)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[domain.Assignment]{}, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}

// assignmentPage returns the statement for a page and its arguments. The rows have the columns of the assignment, then those
// of its promotion, then the claims of the promotion and their sum, which determine its state.
func assignmentPage(where string, args []any, p keyset.PageRequest[uuid.UUID]) (string, []any) {
	if p.Before != uuid.Nil {
		args = append(args, p.Before)
		where += fmt.Sprintf(" AND id < $%d", len(args))
	}
	return fmt.Sprintf(`SELECT a.*, p.*, c.* FROM (SELECT %s FROM player_promotions WHERE %s ORDER BY id DESC LIMIT %d) a
		CROSS JOIN LATERAL (SELECT %s FROM promotions WHERE id = a.promotion_id) p
		CROSS JOIN LATERAL (SELECT claimed, spent FROM promotion_counters WHERE id = a.promotion_id) c
		ORDER BY a.id DESC`,
		assignmentColumns, where, p.Size+1, promotionColumns), args
}

// scanWithPromotion reads a row of assignmentPage.
func scanWithPromotion(row pgx.CollectableRow) (domain.Assignment, error) {
	a, err := scanAssignment(columns.From(row, 0))
	if err != nil {
		return a, err
	}
	p, err := scanPromotion(columns.From(row, len(columns.Names(assignmentColumns))))
	if err != nil {
		return a, err
	}
	a.Promotion = &p
	first := len(columns.Names(assignmentColumns)) + len(columns.Names(promotionColumns))
	return a, columns.From(row, first).Scan(&p.Usage.Claimed, (*columns.Money)(&p.Usage.Spent))
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
	if f.Own {
		where = append(where, "NOT EXISTS (SELECT FROM players owner WHERE owner.id = $1 AND "+refusedSQL("owner", arg(f.Now))+")")
	}
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
	if len(f.States) > 0 {
		where = append(where, assignmentStates(f.States, func() string { return arg(f.Now) + "::timestamptz" }))
	}
	return strings.Join(where, " AND "), args
}

// assignmentStates returns the SQL condition that an assignment is in one of the states, as [domain.Assignment.StateAt]
// determines them. It calls now for the placeholder of the current time.
func assignmentStates(states []domain.AssignmentState, now func() string) string {
	anyOf := make([]string, len(states))
	for i, state := range states {
		switch state {
		case domain.AssignmentStateClaimed:
			anyOf[i] = "claimed"
		case domain.AssignmentStateRevoked:
			anyOf[i] = "NOT claimed AND revoked_at IS NOT NULL"
		case domain.AssignmentStateExpired:
			anyOf[i] = "NOT claimed AND revoked_at IS NULL AND expires_at <= " + now()
		case domain.AssignmentStateAssigned:
			anyOf[i] = "NOT claimed AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > " + now() + ")"
		}
	}
	return "(" + strings.Join(anyOf, " OR ") + ")"
}

// promotionWith returns the SQL condition that the promotion of an assignment meets a condition. It is a correlated EXISTS,
// so that PostgreSQL looks up the promotion of each assignment. It would evaluate NOT IN with all promotions, and compare
// each assignment with each of them if they exceed work_mem.
func promotionWith(condition string) string {
	return "EXISTS (SELECT FROM promotions WHERE promotions.id = promotion_id AND " + condition + ")"
}
