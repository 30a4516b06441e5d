package postgres

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// Execer runs a statement. pgx.Tx, *pgx.Conn and *pgxpool.Pool are Execers; FromSQL converts a transaction of
// database/sql or ent.
type Execer interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// SQLExecer is implemented by *sql.Tx, *sql.DB and an ent transaction with the sql/execquery feature.
type SQLExecer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// FromSQL returns an Execer that uses tx. Its command tags hold only the number of rows.
func FromSQL(tx SQLExecer) Execer { return sqlExecer{tx} }

type sqlExecer struct{ tx SQLExecer }

func (e sqlExecer) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	result, err := e.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows, err := result.RowsAffected()
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	return pgconn.NewCommandTag("SQL " + strconv.FormatInt(rows, 10)), nil
}
