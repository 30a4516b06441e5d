// Package columns converts between the columns of PostgreSQL and the types of the domain, in pgx's binary format. The
// zero value of a type stands for NULL. The generated postgres packages are written with it.
//
// A value is written as columns.UUID(p.ID) and read into (*columns.UUID)(&p.ID).
package columns

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
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
		return errors.New("cannot read an amount from NULL, NaN or infinity")
	}
	hundredths := new(big.Int).Set(v.Int)
	for e := v.Exp; e > -2; e-- {
		hundredths.Mul(hundredths, big.NewInt(10))
	}
	for e := v.Exp; e < -2; e++ {
		var rest big.Int
		hundredths.QuoRem(hundredths, big.NewInt(10), &rest)
		if rest.Sign() != 0 {
			return errors.New("cannot read an amount with more than two decimal places")
		}
	}
	if !hundredths.IsInt64() {
		return errors.New("cannot read an amount so large")
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
		return errors.New("cannot read a date from infinity")
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

// Time is a timestamptz column; it is read as UTC.
type Time time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (t *Time) ScanTimestamptz(v pgtype.Timestamptz) error {
	*t = Time{}
	switch {
	case !v.Valid:
	case v.InfinityModifier != pgtype.Finite:
		return errors.New("cannot read an instant from infinity")
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

// JSON is the value of a jsonb column that holds an object and is not NULL.
func JSON(object map[string]any) map[string]any {
	if object == nil {
		return map[string]any{}
	}
	return object
}

// ZeroIfNil returns the zero value for a nil pointer, else what it points to.
func ZeroIfNil[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// NilIfZero returns nil for the zero value, else a pointer to v.
func NilIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Names splits a list of columns, "id, title", into its names.
func Names(list string) []string { return strings.Split(list, ", ") }

// Placeholders writes "$1, $2" for the columns of a list, numbered from first.
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

// Without returns a list and the values of its columns without the columns that a statement works out itself: only those
// does the statement then have to name, and no other column can be forgotten.
func Without(list string, values []any, computed ...string) (rest string, args []any) {
	var names []string
	for i, name := range Names(list) {
		if !slices.Contains(computed, name) {
			names, args = append(names, name), append(args, values[i])
		}
	}
	return strings.Join(names, ", "), args
}
