// Package money implements exact amounts of the platform's only currency.
package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is an amount of money in hundredths of the currency unit. The zero value is 0.00.
type Amount int64

// Max is the largest amount that a numeric(18,2) column can store.
const Max Amount = 999_999_999_999_999_999

// ErrOverflow is returned for a sum that a numeric(18,2) column cannot store.
var ErrOverflow = errors.New("amount out of range")

// maxShown is the maximum number of bytes of an invalid input in an error message.
const maxShown = 32

// Parse parses a non-negative decimal number with at most two decimal places, such as "20", "20.5" or "20.00". It returns an
// error for signs, exponents, more decimal places and amounts above Max.
func Parse(s string) (Amount, error) {
	whole, frac, dot := strings.Cut(s, ".")
	if len(s) > 19 || whole == "" || dot && (frac == "" || len(frac) > 2) {
		return 0, fmt.Errorf("%q is not an amount with at most two decimal places", clip(s))
	}
	digits := whole + frac + "00"[len(frac):]
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is not an amount with at most two decimal places", clip(s))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || Amount(n) > Max {
		return 0, fmt.Errorf("%q is too large for an amount", clip(s))
	}
	return Amount(n), nil
}

func clip(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}

// String returns the amount with two decimal places, such as "20.00" or "-0.05".
func (a Amount) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// Add returns a + b. It returns ErrOverflow if the sum is greater than Max or less than -Max.
func (a Amount) Add(b Amount) (Amount, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, ErrOverflow
	}
	if s := a + b; s <= Max && s >= -Max {
		return s, nil
	}
	return 0, ErrOverflow
}

// Value implements driver.Valuer for a numeric column.
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }

// Scan implements sql.Scanner for a numeric column.
func (a *Amount) Scan(src any) error {
	var s string
	switch v := src.(type) {
	case string:
		s = v
	case []byte:
		s = string(v)
	case int64:
		s = strconv.FormatInt(v, 10)
	default:
		return fmt.Errorf("cannot scan %T into an amount", src)
	}
	s, negative := strings.CutPrefix(s, "-")
	n, err := Parse(s)
	if err != nil {
		return err
	}
	if negative {
		n = -n
	}
	*a = n
	return nil
}
