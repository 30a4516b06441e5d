// Package columns converts between PostgreSQL columns and domain types, in pgx's binary format. NULL is converted to the
// zero value, and the zero value to NULL, except for Money. The generated postgres packages use it.
//
// To write a field, pass columns.UUID(p.ID) as an argument of a statement. To read it, pass (*columns.UUID)(&p.ID) to Scan.
package columns

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// UUID is a uuid column.
type UUID uuid.UUID

// ScanUUID implements pgtype.UUIDScanner.
func (u *UUID) ScanUUID(v pgtype.UUID) error {
	*u = UUID{}
	if v.Valid {
		*u = v.Bytes
	}
	return nil
}

// UUIDValue implements pgtype.UUIDValuer.
func (u UUID) UUIDValue() (pgtype.UUID, error) { return pgtype.UUID{Bytes: u, Valid: u != UUID{}}, nil }

// Money is a numeric(18,2) column, which is never NULL.
type Money money.Amount

// ScanNumeric implements pgtype.NumericScanner.
func (m *Money) ScanNumeric(v pgtype.Numeric) error {
	if !v.Valid || v.NaN || v.InfinityModifier != pgtype.Finite {
		return errors.New("amount is NULL, NaN or infinite")
	}
	hundredths := new(big.Int).Set(v.Int)
	for e := v.Exp; e > -2; e-- {
		hundredths.Mul(hundredths, big.NewInt(10))
	}
	for e := v.Exp; e < -2; e++ {
		var rest big.Int
		hundredths.QuoRem(hundredths, big.NewInt(10), &rest)
		if rest.Sign() != 0 {
			return errors.New("amount has more than two decimal places")
		}
	}
	if !hundredths.IsInt64() {
		return errors.New("amount is too large")
	}
	*m = Money(hundredths.Int64())
	return nil
}

// NumericValue implements pgtype.NumericValuer.
func (m Money) NumericValue() (pgtype.Numeric, error) {
	return pgtype.Numeric{Int: big.NewInt(int64(m)), Exp: -2, Valid: true}, nil
}

// Date is a date column.
type Date date.Date

// ScanDate implements pgtype.DateScanner.
func (d *Date) ScanDate(v pgtype.Date) error {
	*d = Date{}
	switch {
	case !v.Valid:
	case v.InfinityModifier != pgtype.Finite:
		return errors.New("date is infinite")
	default:
		*d = Date(date.Of(v.Time))
	}
	return nil
}

// DateValue implements pgtype.DateValuer.
func (d Date) DateValue() (pgtype.Date, error) {
	day := date.Date(d)
	if day.IsZero() {
		return pgtype.Date{}, nil
	}
	return pgtype.Date{Time: day.Time(), Valid: true}, nil
}

// Time is a timestamptz column. It is read in UTC.
type Time time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (t *Time) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = Time{}
	switch {
	case !v.Valid:
	case v.InfinityModifier != pgtype.Finite:
		return errors.New("timestamp is infinite")
	default:
		*t = Time(v.Time.UTC())
	}
	return nil
}

// TimestamptzValue implements pgtype.TimestamptzValuer.
func (t Time) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: time.Time(t), Valid: !time.Time(t).IsZero()}, nil
}

// Text is a nullable text column.
type Text string

// ScanText implements pgtype.TextScanner.
func (t *Text) ScanText(v pgtype.Text) error {
	*t = Text(v.String)
	return nil
}

// TextValue implements pgtype.TextValuer.
func (t Text) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(t), Valid: t != ""}, nil
}

// JSON returns the value of a jsonb column for an object. A nil map becomes the empty object.
func JSON(object map[string]any) map[string]any {
	if object == nil {
		return map[string]any{}
	}
	return object
}

// ZeroIfNil returns the value at v, or the zero value if v is nil.
func ZeroIfNil[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// NilIfZero returns a pointer to v, or nil if v is the zero value.
func NilIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Names splits a list of columns such as "id, title" into names.
func Names(list string) []string { return strings.Split(list, ", ") }

// Placeholders returns a placeholder for each column of a list, such as "$1, $2". The numbers begin at first.
func Placeholders(list string, first int) string {
	var b strings.Builder
	for i := range Names(list) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(first+i))
	}
	return b.String()
}

// Without removes the computed columns from a list of columns and from their values. It is for an INSERT statement that
// computes those columns itself.
func Without(list string, values []any, computed ...string) (rest string, args []any) {
	var names []string
	for i, name := range Names(list) {
		if !slices.Contains(computed, name) {
			names, args = append(names, name), append(args, values[i])
		}
	}
	return strings.Join(names, ", "), args
}

// From returns the columns of a row of a join that begin at first. Scan reads as many of them as it has destinations.
func From(row pgx.CollectableRow, first int) pgx.CollectableRow { return part{row, first} }

type part struct {
	pgx.CollectableRow

	first int
}

// Scan implements pgx.CollectableRow. A destination nil skips a column.
func (p part) Scan(dest ...any) error {
	all := make([]any, len(p.FieldDescriptions()))
	copy(all[p.first:], dest)
	return p.CollectableRow.Scan(all...)
}
