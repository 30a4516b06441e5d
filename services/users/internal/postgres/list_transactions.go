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

// Transactions lists a user's ledger by descending number, over the index (user_id, seq). Without a filter the user's row
// knows how many entries there are, so a long ledger is listed as quickly as a short one.
func (s *Store) Transactions(ctx context.Context, id uuid.UUID, f users.TransactionFilter, p keyset.PageRequest[int64]) (keyset.Page[users.Transaction], error) {
	var none keyset.Page[users.Transaction]
	var total int
	if err := s.pool.QueryRow(ctx, "SELECT entries FROM users WHERE id = $1", id).Scan(&total); err != nil {
		return none, fail(err)
	}
	where, args := "user_id = $1", []any{id}
	if f.Type != "" {
		where, args = where+" AND type = $2", append(args, f.Type)
		if err := s.pool.QueryRow(ctx, "SELECT count(*) FROM transactions WHERE "+where, args...).Scan(&total); err != nil {
			return none, fail(err)
		}
	}
	before := p.Before
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.pool.Query(ctx, fmt.Sprintf("SELECT %s FROM transactions WHERE %s AND seq < $%d ORDER BY seq DESC LIMIT $%d",
		transactionColumns, where, len(args)+1, len(args)+2), append(args, before, p.Size+1)...)
	if err != nil {
		return none, fail(err)
	}
	items, err := pgx.CollectRows(rows, scanTransaction)
	if err != nil {
		return none, fail(err)
	}
	return keyset.NewPage(items, p.Size, total), nil
}
