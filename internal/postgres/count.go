package postgres

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// Querier is a pool, connection or transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Count returns the number of rows of a table that match all predicates. It stops counting above keyset.MaxExactTotal, so
// that it does not cost more because a table grew; the number is then an estimate.
func Count[P ~func(*entsql.Selector)](ctx context.Context, db Querier, table string, where []P) (n int, estimate bool, err error) {
	build := entsql.Dialect(dialect.Postgres)
	rows := build.SelectExpr(entsql.Raw("1")).From(build.Table(table)).Limit(keyset.MaxExactTotal + 1)
	for _, p := range where {
		p(rows)
	}
	statement, args := build.Select(entsql.Count("*")).From(rows.As("counted")).Query()
	err = db.QueryRow(ctx, statement, args...).Scan(&n)
	return n, n > keyset.MaxExactTotal, err
}

// CountSQL returns the statement that counts as [Count] does, for a condition in SQL. A result above keyset.MaxExactTotal is
// an estimate.
func CountSQL(table, where string) string {
	return fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d) counted",
		table, where, keyset.MaxExactTotal+1)
}
