// Package date holds calendar days in UTC.
package date

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Date is a day of the calendar. The zero value is no day; it is NULL in a database. Dates are comparable with ==.
type Date struct{ days int32 } // since 0000-12-31, so that year 1 begins with 1

const layout = "2006-01-02"

var epoch = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)

// Parse reads YYYY-MM-DD, of the years 1 to 9999.
func Parse(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1 {
		if len(s) > 32 {
			s = s[:32] + "…"
		}
		return Date{}, fmt.Errorf("%q is not a date YYYY-MM-DD", s)
	}
	return Of(t), nil
}

// Of returns the day in UTC on which t lies.
func Of(t time.Time) Date {
	return Date{int32((t.UTC().Truncate(24*time.Hour).Unix() - epoch.Unix()) / 86400)}
}

// IsZero reports whether d is no day.
func (d Date) IsZero() bool { return d.days == 0 }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.days < e.days }

// After reports whether d is a later day than e.
func (d Date) After(e Date) bool { return d.days > e.days }

// AddDays returns the day n days later.
func (d Date) AddDays(n int) Date { return Date{d.days + int32(n)} }

// Time returns the day's first instant, in UTC.
func (d Date) Time() time.Time { return time.Unix(epoch.Unix()+int64(d.days)*86400, 0).UTC() }

// String writes YYYY-MM-DD, or nothing for no day.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Time().Format(layout)
}

// Value writes the day for a date column.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil //nolint:nilnil // NULL
	}
	return d.String(), nil
}

// Scan reads the day from a date column.
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
		return fmt.Errorf("cannot read a date from %T", src)
	}
	return nil
}
