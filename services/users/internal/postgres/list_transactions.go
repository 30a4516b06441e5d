package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Transactions lists a user's transactions, newest first, in one round trip. It reads them from the index on (user_id, seq).
// Without a filter the total is the number of entries in the user's row, which is exact. With a filter, a total above
// keyset.MaxExactTotal is an estimate. The error is NOT_FOUND if no user has the id.
func (s *Store) Transactions(
	ctx context.Context, id uuid.UUID, f users.TransactionFilter, p keyset.PageRequest[int64],
) (keyset.Page[users.Transaction], error) {
	var total int
	var items []users.Transaction
	scanTotal := func(row pgx.Row) error { return row.Scan(&total) }
	batch := &pgx.Batch{}
	batch.Queue("SELECT entries FROM users WHERE id = $1", id).QueryRow(scanTotal)
	where, args := "user_id = $1", []any{id}
	if f.Type != "" {
		where, args = where+" AND type = $2", append(args, f.Type)
		batch.Queue(postgres.CountSQL("transactions", where), args...).QueryRow(scanTotal)
	}
	before := p.Before
	if before == 0 {
		before = math.MaxInt64
	}
	query := fmt.Sprintf("SELECT %s FROM transactions WHERE %s AND seq < $%d ORDER BY seq DESC LIMIT $%d",
		transactionColumns, where, len(args)+1, len(args)+2)
	batch.Queue(query, append(args, before, p.Size+1)...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, scanTransaction)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[users.Transaction]{}, toAppError(err)
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = f.Type != "" && total > keyset.MaxExactTotal
	return page, nil
}
