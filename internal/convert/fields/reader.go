// Package fields converts between the forms that fields have on the wire and the types of the domain. The generated
// wire packages are written with it.
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

// Presence says whether a field may be absent, which on the wire is its empty value.
type Presence bool

// Presences.
const (
	Required Presence = true
	Optional Presence = false
)

// Reader reads the fields of one message and notes all that cannot be read. It knows forms, no rules: what clients send
// has been through package validation, and who sends anything else kept the rules himself. The zero value is ready; it is
// not safe for concurrent use. Each method returns the zero value for a field that is absent or wrong.
type Reader struct{ wrong []string }

// Err returns an error that says what is wrong with each field that could not be read, or nil.
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

// Text reads a text.
func (r *Reader) Text(field, s string, p Presence) string {
	if s == "" {
		r.missing(field, p)
	}
	return s
}

// UUID reads the canonical text of an id.
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

// Money reads a decimal text with at most two places.
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

// Date reads YYYY-MM-DD.
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

// Time reads an instant, as UTC.
func (r *Reader) Time(field string, t *timestamppb.Timestamp, p Presence) time.Time {
	if t == nil {
		r.missing(field, p)
		return time.Time{}
	}
	if t.CheckValid() != nil {
		r.notef(field, "is not an instant between the years 1 and 9999")
		return time.Time{}
	}
	return t.AsTime()
}

// Struct reads a JSON object. An absent one is empty, not nil.
func (r *Reader) Struct(s *structpb.Struct) map[string]any {
	if s == nil {
		return map[string]any{}
	}
	return s.AsMap()
}

// Enum reads a value of an enum through the enum's conversion, which answers nothing for a number that the schema does
// not have.
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
