package postgres

import (
	"context"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// Batcher is a pool, connection or transaction.
type Batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// List is a list of the rows of a table that match all predicates, by descending id. Ids are UUIDv7, so the newest row comes
// first.
type List[T any, P ~func(*entsql.Selector)] struct {
	Table, Columns string
	Scan           pgx.RowToFunc[T]
	Where          []P
}

// Read returns a page in one round trip. A total above keyset.MaxExactTotal is an estimate. PostgreSQL plans both statements
// with their arguments: which index is the best one depends on how many rows have the values.
func (l List[T, P]) Read(ctx context.Context, db Batcher, p keyset.PageRequest[uuid.UUID]) (keyset.Page[T], error) {
	var total int
	var items []T
	batch := &pgx.Batch{} // is one transaction, in which the setting is valid
	batch.Queue("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
	statement, args := l.Count()
	batch.Queue(statement, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	statement, args = l.Page(p)
	batch.Queue(statement, args...).Query(func(rows pgx.Rows) (err error) {
		items, err = pgx.CollectRows(rows, l.Scan)
		return err
	})
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return keyset.Page[T]{}, err
	}
	page := keyset.NewPage(items, p.Size, total)
	page.TotalIsEstimate = total > keyset.MaxExactTotal
	return page, nil
}

// Count returns the statement that counts the rows, and its arguments. It stops counting above keyset.MaxExactTotal.
func (l List[T, P]) Count() (statement string, args []any) {
	rows := l.rows(entsql.Raw("1")).Limit(keyset.MaxExactTotal + 1)
	return entsql.Dialect(dialect.Postgres).Select(entsql.Count("*")).From(rows.As("counted")).Query()
}

// Page returns the statement that reads a page and one more row, and its arguments.
func (l List[T, P]) Page(p keyset.PageRequest[uuid.UUID]) (statement string, args []any) {
	rows := l.rows(entsql.Raw(l.Columns)).OrderBy(entsql.Desc("id")).Limit(p.Size + 1)
	if p.Before != uuid.Nil {
		rows.Where(entsql.LT("id", p.Before))
	}
	return rows.Query()
}

// rows selects an expression from the rows.
func (l List[T, P]) rows(expression entsql.Querier) *entsql.Selector {
	build := entsql.Dialect(dialect.Postgres)
	rows := build.SelectExpr(expression).From(build.Table(l.Table))
	for _, p := range l.Where {
		p(rows)
	}
	return rows
}
