package postgres

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// queryLog is a pgx tracer that logs the SQL text, the duration and the result of every statement at the debug level. It
// never logs arguments, because they contain password hashes and personal data. It logs only the code of a server error,
// because the text may quote an argument.
type queryLog struct{ log *slog.Logger }

var (
	_ pgx.QueryTracer = queryLog{}
	_ pgx.BatchTracer = queryLog{}
)

// startedQuery is the statement or the batch that a context belongs to.
type startedQuery struct {
	sql string
	at  time.Time
}

type startedQueryKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (q queryLog) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, startedQueryKey{}, startedQuery{data.SQL, time.Now()})
}

// TraceQueryEnd implements pgx.QueryTracer.
func (q queryLog) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	started, _ := ctx.Value(startedQueryKey{}).(startedQuery)
	q.write(ctx, started.sql, data.CommandTag, data.Err, slog.Duration("took", time.Since(started.at)))
}

// TraceBatchStart implements pgx.BatchTracer.
func (q queryLog) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return context.WithValue(ctx, startedQueryKey{}, startedQuery{"batch", time.Now()})
}

// TraceBatchQuery implements pgx.BatchTracer.
func (q queryLog) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	q.write(ctx, data.SQL, data.CommandTag, data.Err)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (q queryLog) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	started, _ := ctx.Value(startedQueryKey{}).(startedQuery)
	q.write(ctx, started.sql, pgconn.CommandTag{}, data.Err, slog.Duration("took", time.Since(started.at)))
}

func (q queryLog) write(ctx context.Context, sql string, tag pgconn.CommandTag, err error, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.String("sql", strings.Join(strings.Fields(sql), " "))}, more...)
	switch server, ok := errors.AsType[*pgconn.PgError](err); {
	case ok:
		attrs = append(attrs, slog.String("sqlstate", server.Code))
	case err != nil:
		attrs = append(attrs, slog.String("error", "not executed, or no answer"))
	default:
		attrs = append(attrs, slog.Int64("rows", tag.RowsAffected()))
	}
	q.log.LogAttrs(ctx, slog.LevelDebug, "query", attrs...)
}
