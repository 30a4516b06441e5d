package columns_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

// row is a row of a table with a column of every supported type.
type row struct {
	id      uuid.UUID
	amount  money.Amount
	day     date.Date
	at      time.Time
	text    string
	object  map[string]any
	content []byte
}

const list = "id, amount, day, at, text, object, content"

func (r *row) targets() []any {
	return []any{
		(*columns.UUID)(&r.id), (*columns.Money)(&r.amount), (*columns.Date)(&r.day), (*columns.Time)(&r.at),
		(*columns.Text)(&r.text), &r.object, &r.content,
	}
}

func (r *row) values() []any {
	return []any{
		columns.UUID(r.id), columns.Money(r.amount), columns.Date(r.day), columns.Time(r.at), columns.Text(r.text),
		columns.JSON(r.object), r.content,
	}
}

func day(t *testing.T, s string) date.Date {
	t.Helper()
	d, err := date.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, nil)
	_, err := db.Exec(t.Context(), `CREATE TABLE rows (n serial, id uuid, amount numeric(18,2) NOT NULL, day date,
		at timestamptz, text text, object jsonb NOT NULL, content bytea NOT NULL)`)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 10, 23, 59, 59, 123456000, time.UTC)
	rows := []row{
		{content: []byte{}},
		{
			id: uuid.MustParse("018f0000-0000-7000-8000-000000000001"), amount: 2000, day: day(t, "2026-03-10"), at: at,
			text: "a", object: map[string]any{"promotionId": "x", "n": 1.5, "list": []any{nil, true}}, content: []byte{0, 255},
		},
		{amount: 1, day: day(t, "0001-01-01"), object: map[string]any{}, content: []byte("c")},
		{amount: -5, day: day(t, "9999-12-31"), object: map[string]any{}, content: []byte("c")},
		{amount: money.Max - 99, object: map[string]any{}, content: []byte("c")},
		{amount: -money.Max, at: at.In(time.FixedZone("east", 3600)), object: map[string]any{}, content: []byte("c")},
		{amount: 100_000_000_000, object: map[string]any{}, content: []byte("c")},
	}
	insert := "INSERT INTO rows (" + list + ") VALUES (" + columns.Placeholders(list, 1) + ")"
	for i := range rows {
		if _, err := db.Exec(t.Context(), insert, rows[i].values()...); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	_, err = db.CopyFrom(t.Context(), pgx.Identifier{"rows"}, columns.Names(list),
		pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return rows[i].values(), nil }))
	if err != nil {
		t.Fatal(err)
	}
	result, err := db.Query(t.Context(), "SELECT "+list+" FROM rows ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(result, func(cr pgx.CollectableRow) (row, error) {
		var r row
		return r, cr.Scan(r.targets()...)
	})
	if err != nil || len(got) != 2*len(rows) {
		t.Fatalf("got %d rows, %v; want %d rows", len(got), err, 2*len(rows))
	}
	for i, r := range got {
		want := rows[i%len(rows)]
		want.at = want.at.UTC()
		if want.object == nil {
			want.object = map[string]any{}
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("row %d is %+v, want %+v", i, r, want)
		}
	}
	var nulls int
	err = db.QueryRow(t.Context(), `SELECT count(*) FROM rows
		WHERE id IS NULL AND day IS NULL AND at IS NULL AND text IS NULL AND object = '{}'`).Scan(&nulls)
	if err != nil || nulls != 6 {
		t.Errorf("%d rows have NULL for zero values, want 6; %v", nulls, err)
	}
}

func TestInvalidValues(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, nil)
	for sql, want := range map[string]string{
		"SELECT NULL::numeric":  "NULL",
		"SELECT 'NaN'::numeric": "NaN",
		"SELECT 0.001":          "decimal places",
		"SELECT 1e20::numeric":  "too large",
	} {
		var a money.Amount
		err := db.QueryRow(t.Context(), sql).Scan((*columns.Money)(&a))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want an error with %q", sql, a, err, want)
		}
	}
	for sql, want := range map[string]money.Amount{"SELECT 1e3::numeric": 100_000, "SELECT 0.500": 50, "SELECT 20": 2000} {
		var a money.Amount
		if err := db.QueryRow(t.Context(), sql+"::numeric").Scan((*columns.Money)(&a)); err != nil || a != want {
			t.Errorf("%s: %v, %v; want %v", sql, a, err, want)
		}
	}
	var d date.Date
	if err := db.QueryRow(t.Context(), "SELECT 'infinity'::date").Scan((*columns.Date)(&d)); err == nil {
		t.Errorf("infinity is read as %v", d)
	}
	var at time.Time
	if err := db.QueryRow(t.Context(), "SELECT '-infinity'::timestamptz").Scan((*columns.Time)(&at)); err == nil {
		t.Errorf("-infinity is read as %v", at)
	}
}

func TestNilIfZeroAndZeroIfNil(t *testing.T) {
	t.Parallel()
	if columns.NilIfZero(uuid.Nil) != nil || columns.NilIfZero(time.Time{}) != nil || columns.NilIfZero("") != nil {
		t.Error("NilIfZero of a zero value is not nil")
	}
	id := uuid.New()
	if got := columns.ZeroIfNil(columns.NilIfZero(id)); got != id || columns.ZeroIfNil[uuid.UUID](nil) != uuid.Nil {
		t.Errorf("got %v, want %v", got, id)
	}
}

func TestColumnLists(t *testing.T) {
	t.Parallel()
	if got := columns.Placeholders("id, title, x", 3); got != "$3, $4, $5" {
		t.Errorf("Placeholders = %s, want $3, $4, $5", got)
	}
	if got := columns.Names("id, title"); !slices.Equal(got, []string{"id", "title"}) {
		t.Errorf("Names = %q, want [\"id\" \"title\"]", got)
	}
	rest, args := columns.Without("id, title, x", []any{1, "two", 3.0}, "title")
	if rest != "id, x" || !slices.Equal(args, []any{1, 3.0}) {
		t.Errorf("Without = %q, %v; want %q and [1 3]", rest, args, "id, x")
	}
}

func TestColumnsOfAJoin(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, nil)
	type pair struct{ left, right row }
	rows, err := db.Query(t.Context(), `SELECT l.*, r.* FROM
		(SELECT n::text AS text, n * 1.5 AS amount FROM generate_series(1, 3) n) l,
		LATERAL (SELECT l.amount + 1 AS amount, l.text || 'x' AS text) r ORDER BY l.text`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p pair, err error) {
		if err := columns.From(r, 0).Scan((*columns.Text)(&p.left.text), (*columns.Money)(&p.left.amount)); err != nil {
			return p, err
		}
		return p, columns.From(r, 2).Scan((*columns.Money)(&p.right.amount), (*columns.Text)(&p.right.text))
	})
	want := []pair{
		{row{text: "1", amount: 150}, row{text: "1x", amount: 250}},
		{row{text: "2", amount: 300}, row{text: "2x", amount: 400}},
		{row{text: "3", amount: 450}, row{text: "3x", amount: 550}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
