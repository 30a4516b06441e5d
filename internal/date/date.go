// Package date implements calendar days in UTC.
package date

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Date is a calendar day. The zero value means no date and is stored as NULL. Dates can be compared with ==.
type Date struct{ days int32 } // since 0000-12-31, so that 0001-01-01 is not the zero value

const layout = "2006-01-02"

var epoch = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)

// maxShown is the maximum number of bytes of an invalid input in an error message.
const maxShown = 32

// Parse parses a date of the form YYYY-MM-DD, from 0001-01-01 to 9999-12-31.
func Parse(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1 {
		if len(s) > maxShown {
			s = s[:maxShown] + "…"
		}
		return Date{}, fmt.Errorf("%q is not a date of the form YYYY-MM-DD", s)
	}
	return Of(t), nil
}

// Of returns the calendar day of t in UTC.
func Of(t time.Time) Date {
	return Date{int32((t.UTC().Truncate(24*time.Hour).Unix() - epoch.Unix()) / 86400)}
}

// IsZero reports whether d is the zero value.
func (d Date) IsZero() bool { return d.days == 0 }

// Before reports whether d is before e.
func (d Date) Before(e Date) bool { return d.days < e.days }

// After reports whether d is after e.
func (d Date) After(e Date) bool { return d.days > e.days }

// AddDays returns the day n days after d.
func (d Date) AddDays(n int) Date { return Date{d.days + int32(n)} }

// Time returns the start of the day, in UTC.
func (d Date) Time() time.Time { return time.Unix(epoch.Unix()+int64(d.days)*86400, 0).UTC() }

// String returns the date in the form YYYY-MM-DD. It returns an empty string for the zero value.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(layout)
}

// Value implements driver.Valuer for a date column. The zero value is NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return d.String(), nil
}

// Scan implements sql.Scanner for a date column. NULL becomes the zero value.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
	case time.Time:
		*d = Of(v)
	case string:
		p, err := Parse(v)
		if err != nil {
			return err
		}
		*d = p
	default:
		return fmt.Errorf("cannot scan %T into a date", src)
	}
	return nil
}
