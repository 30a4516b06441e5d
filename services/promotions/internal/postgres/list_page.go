package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// list describes the rows of a list. The condition all, with the argument $1, selects those of all pages.
type list[T any] struct {
	table, columns, all, order string
	scan                       pgx.RowToFunc[T]
}

// listPage returns the page of the rows that meet a condition. A total above keyset.MaxExactTotal is an estimate.
func listPage[T any](ctx context.Context, s *Store, l list[T], where string, args []any, size int) (keyset.Page[T], error) {
	var total int
	var items []T
	batch := &pgx.Batch{}
	batch.Queue(postgres.CountSQL(l.table, l.all), args[0]).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	batch.Queue(fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d", l.columns, l.table, where, l.order, size+1),
		args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, l.scan)
		return err
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[T]{}, toAppError(err)
	}
	page := keyset.NewPage(items, size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}
