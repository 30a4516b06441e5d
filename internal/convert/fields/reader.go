// Package fields converts between fields of protobuf messages and domain types. The generated wire packages use it.
package fields

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// Presence says whether a field must be present. On the wire, an absent field and a field with the empty value are the
// same.
type Presence bool

// The values of Presence.
const (
	Required Presence = true
	Optional Presence = false
)

// Reader converts the fields of one message and collects the errors. It checks only that a value can be parsed; package
// validation checks the rules of the schema. Each method returns the zero value for a field that is absent or invalid.
// The zero Reader is ready to use. It is not safe for concurrent use.
type Reader struct{ wrong []string }

// Err returns an error that names every invalid field, or nil if every field is valid.
func (r *Reader) Err() error {
	if len(r.wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(r.wrong, "; "))
}

func (r *Reader) notef(field, format string, args ...any) {
	r.wrong = append(r.wrong, field+": "+fmt.Sprintf(format, args...))
}

func (r *Reader) missing(field string, p Presence) {
	if p == Required {
		r.notef(field, "is missing")
	}
}

// Text returns s unchanged.
func (r *Reader) Text(field, s string, p Presence) string {
	if s == "" {
		r.missing(field, p)
	}
	return s
}

// UUID parses a UUID in its 36-character form.
func (r *Reader) UUID(field, s string, p Presence) uuid.UUID {
	if s == "" {
		r.missing(field, p)
		return uuid.Nil
	}
	id, err := uuid.Parse(s)
	if err != nil || len(s) != len(uuid.Nil.String()) {
		r.notef(field, "is not a UUID")
		return uuid.Nil
	}
	return id
}

// Money parses a decimal number with at most two decimal places.
func (r *Reader) Money(field, s string, p Presence) money.Amount {
	if s == "" {
		r.missing(field, p)
		return 0
	}
	a, err := money.Parse(s)
	if err != nil {
		r.notef(field, "%v", err)
	}
	return a
}

// Date parses YYYY-MM-DD.
func (r *Reader) Date(field, s string, p Presence) date.Date {
	if s == "" {
		r.missing(field, p)
		return date.Date{}
	}
	d, err := date.Parse(s)
	if err != nil {
		r.notef(field, "%v", err)
	}
	return d
}

// Time returns a timestamp in UTC. It refuses the zero time, which stands for no time.
func (r *Reader) Time(field string, t *timestamppb.Timestamp, p Presence) time.Time {
	if t == nil {
		r.missing(field, p)
		return time.Time{}
	}
	if t.CheckValid() != nil {
		r.notef(field, "is not a timestamp between the years 1 and 9999")
		return time.Time{}
	}
	if IsZero(t.AsTime()) {
		r.notef(field, "is the zero time")
		return time.Time{}
	}
	return t.AsTime()
}

// TimeText parses a time in RFC 3339 and returns it in UTC. It refuses the zero time, which stands for no time.
func (r *Reader) TimeText(field, s string, p Presence) time.Time {
	if s == "" {
		r.missing(field, p)
		return time.Time{}
	}
	t, err := ParseTime(s)
	switch {
	case err != nil:
		r.notef(field, "%v", err)
	case IsZero(t):
		r.notef(field, "is the zero time")
		return time.Time{}
	}
	return t
}

// IsZero reports whether a time stands for no time after it was stored. Times are stored in microseconds, so every time in
// the first microsecond of the year 1 does.
func IsZero(t time.Time) bool { return t.Truncate(time.Microsecond).IsZero() }

// ParseTime parses a time in RFC 3339 between the years 1 and 9999, and returns it in UTC. The zero time is valid.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errors.New("must be a time in RFC 3339, such as 2026-01-31T12:00:00Z")
	}
	return t, nil
}

// Struct returns a JSON object. An absent object becomes an empty map, not nil.
func (r *Reader) Struct(s *structpb.Struct) map[string]any {
	if s == nil {
		return map[string]any{}
	}
	return s.AsMap()
}

// Enum returns convert(v). The function convert must return the empty value for a number that the schema does not define.
func Enum[Wire ~int32, Domain ~string](r *Reader, field string, v Wire, convert func(Wire) Domain, p Presence) Domain {
	t := convert(v)
	switch {
	case v == 0:
		r.missing(field, p)
	case t == "":
		r.notef(field, "%d is not one of the defined values", v)
	}
	return t
}
