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

// Presence says whether a field must be present. An absent field has its empty value on the wire.
type Presence bool

// Presences.
const (
	Required Presence = true
	Optional Presence = false
)

// Reader converts the fields of one message and collects the errors. It checks the form of values, not the schema's rules,
// which package validation checks. Each method returns the zero value for a field that is absent or invalid. The zero Reader
// is ready to use; it is not safe for concurrent use.
type Reader struct{ wrong []string }

// Err returns an error that names every invalid field, nil if there is none.
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

// Text returns a text.
func (r *Reader) Text(field, s string, p Presence) string {
	if s == "" {
		r.missing(field, p)
	}
	return s
}

// UUID parses the canonical text of a UUID.
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

// Money parses a decimal text with at most two places.
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

// Time returns a timestamp in UTC.
func (r *Reader) Time(field string, t *timestamppb.Timestamp, p Presence) time.Time {
	if t == nil {
		r.missing(field, p)
		return time.Time{}
	}
	if t.CheckValid() != nil {
		r.notef(field, "is not a timestamp between the years 1 and 9999")
		return time.Time{}
	}
	return t.AsTime()
}

// Struct returns a JSON object. An absent object becomes an empty map, not nil.
func (r *Reader) Struct(s *structpb.Struct) map[string]any {
	if s == nil {
		return map[string]any{}
	}
	return s.AsMap()
}

// Enum converts an enum value with to, which returns the empty value for a number that the schema does not define.
func Enum[Wire ~int32, Domain ~string](r *Reader, field string, v Wire, to func(Wire) Domain, p Presence) Domain {
	t := to(v)
	switch {
	case v == 0:
		r.missing(field, p)
	case t == "":
		r.notef(field, "%d is not one of the defined values", v)
	}
	return t
}
