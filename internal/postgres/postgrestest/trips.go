package postgrestest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// RoundTrips is a pool that counts how often it sends statements and waits for their results. A batch is one round trip. The
// preparation of a statement, once per connection, is not counted.
type RoundTrips struct {
	*pgxpool.Pool

	n atomic.Int64
}

// CountRoundTrips returns a pool with the configuration of another one. It is closed when t ends.
func CountRoundTrips(t testing.TB, pool *pgxpool.Pool) *RoundTrips {
	t.Helper()
	trips := &RoundTrips{}
	config := pool.Config()
	config.ConnConfig.Tracer = trips
	var err error
	if trips.Pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trips.Close)
	return trips
}

// During returns the number of round trips during a call of fn.
func (r *RoundTrips) During(fn func()) int64 {
	before := r.n.Load()
	fn()
	return r.n.Load() - before
}

// TraceQueryStart implements pgx.QueryTracer.
func (r *RoundTrips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	r.n.Add(1)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*RoundTrips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (r *RoundTrips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	r.n.Add(1)
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (*RoundTrips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (*RoundTrips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
