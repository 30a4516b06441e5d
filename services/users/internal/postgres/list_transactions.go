package postgres

import (
	"context"
	"fmt"
	"math"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Transactions lists a user's transactions, newest first. It reads them from the index on (user_id, seq). Without a filter
// the total is the number of entries in the user's row, so Transactions does not count the transactions. The error is
// NOT_FOUND if no user has the id.
func (s *Store) Transactions(
	ctx context.Context, id uuid.UUID, f users.TransactionFilter, p keyset.PageRequest[int64],
) (keyset.Page[users.Transaction], error) {
	page, err := s.transactions(ctx, id, f, p)
	return page, toAppError(err)
}

func (s *Store) transactions(
	ctx context.Context, id uuid.UUID, f users.TransactionFilter, p keyset.PageRequest[int64],
) (keyset.Page[users.Transaction], error) {
	var none keyset.Page[users.Transaction]
	var total int
	if err := s.pool.QueryRow(ctx, "SELECT entries FROM users WHERE id = $1", id).Scan(&total); err != nil {
		return none, err
	}
	where, args := "user_id = $1", []any{id}
	if f.Type != "" {
		where, args = where+" AND type = $2", append(args, f.Type)
		if err := s.pool.QueryRow(ctx, "SELECT count(*) FROM transactions WHERE "+where, args...).Scan(&total); err != nil {
			return none, err
		}
	}
	before := p.Before
	if before == 0 {
		before = math.MaxInt64
	}
	query := fmt.Sprintf("SELECT %s FROM transactions WHERE %s AND seq < $%d ORDER BY seq DESC LIMIT $%d",
		transactionColumns, where, len(args)+1, len(args)+2)
	rows, err := s.pool.Query(ctx, query, append(args, before, p.Size+1)...)
	if err != nil {
		return none, err
	}
	items, err := pgx.CollectRows(rows, scanTransaction)
	if err != nil {
		return none, err
	}
	return keyset.NewPage(items, p.Size, total), nil
}
