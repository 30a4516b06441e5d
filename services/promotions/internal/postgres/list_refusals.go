package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Refusals lists the refusals of a player by descending id. Ids are UUIDv7, so the newest refusal comes first. The count
// ends above keyset.MaxExactTotal; a total above it is the number of rows that were counted.
func (s *Store) Refusals(
	ctx context.Context, player uuid.UUID, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[domain.Refusal], error) {
	where, args := "user_id = $1", []any{player}
	var total int
	var items []domain.Refusal
	batch := &pgx.Batch{}
	batch.Queue(postgres.CountSQL("refusals", where), args...).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	if p.Before != uuid.Nil {
		args = append(args, p.Before)
		where += " AND id < $2"
	}
	batch.Queue(fmt.Sprintf("SELECT %s FROM refusals WHERE %s ORDER BY id DESC LIMIT %d", refusalColumns, where, p.Size+1),
		args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, scanRefusal)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[domain.Refusal]{}, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}
