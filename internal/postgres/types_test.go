package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

func TestTypes(t *testing.T) {
	pool, err := postgres.Open(t.Context(), postgrestest.URL(t, nil), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db := postgres.SQL(pool)
	defer db.Close()
	const query = `select $1::uuid || ' ' || $2::numeric(18,2) || ' ' || coalesce($3::date::text, 'none'),
		$1::uuid, $2::numeric(18,2), $3::date`
	id := uuid.MustParse("0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001")
	for want, args := range map[string]struct {
		amount money.Amount
		day    date.Date
	}{
		id.String() + " 20.00 2026-03-31":                {2000, date.Of(time.Date(2026, 3, 31, 23, 59, 0, 0, time.UTC))},
		id.String() + " -0.05 0001-01-01":                {-5, date.Of(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))},
		id.String() + " 0.00 none":                       {0, date.Date{}},
		id.String() + " 9999999999999999.99 9999-12-31":  {money.Max, date.Of(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))},
		id.String() + " -9999999999999999.99 2000-02-29": {-money.Max, date.Of(time.Date(2000, 2, 29, 0, 0, 0, 0, time.UTC))},
	} {
		for name, scan := range map[string]func(dest ...any) error{
			"pgx":          pool.QueryRow(t.Context(), query, id, args.amount, args.day).Scan,
			"simple":       pool.QueryRow(t.Context(), query, pgx.QueryExecModeSimpleProtocol, id, args.amount, args.day).Scan,
			"pointers":     pool.QueryRow(t.Context(), query, &id, &args.amount, &args.day).Scan,
			"database/sql": db.QueryRowContext(t.Context(), query, id, args.amount, args.day).Scan,
		} {
			var text string
			var gotID uuid.UUID
			var amount money.Amount
			var day date.Date
			if err := scan(&text, &gotID, &amount, &day); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if text != want || gotID != id || amount != args.amount || day != args.day {
				t.Errorf("%s: got %q, %v, %v, %v, want %q", name, text, gotID, amount, day, want)
			}
		}
	}
	var ids []uuid.UUID
	want := []uuid.UUID{id, uuid.Nil, uuid.Max}
	if err := pool.QueryRow(t.Context(), `select $1::uuid[]`, want).Scan(&ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != len(want) || ids[0] != want[0] || ids[1] != want[1] || ids[2] != want[2] {
		t.Errorf("got %v, want %v", ids, want)
	}
	var none *uuid.UUID
	var missing bool
	if err := pool.QueryRow(t.Context(), `select $1::uuid is null`, none).Scan(&missing); err != nil || !missing {
		t.Errorf("a nil id: got %v, %v, want NULL", missing, err)
	}
}

// BenchmarkEncode measures the encoding of the parameters of a query: ten ids, an amount and a date.
func BenchmarkEncode(b *testing.B) {
	pool, err := postgres.Open(b.Context(), postgrestest.URL(b, nil), postgres.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Acquire(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	ids := make([]uuid.UUID, 10)
	for name, types := range map[string]*pgtype.Map{"registered": conn.Conn().TypeMap(), "plain": pgtype.NewMap()} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				for oid, value := range map[uint32]any{
					pgtype.UUIDArrayOID: ids, pgtype.NumericOID: money.Amount(2000), pgtype.DateOID: date.Of(time.Unix(0, 0)),
				} {
					if buf, err = types.Encode(oid, pgtype.BinaryFormatCode, value, buf[:0]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
