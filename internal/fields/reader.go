// Package fields converts between the forms that fields have on the wire and the types of the domain. The generated
// wire packages are written with it.
package fields

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
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

// The names of the rules that a field can break.
const (
	RuleRequired   = "required"
	RuleUUID       = "uuid"
	RuleMoney      = "money"
	RuleDate       = "date"
	RuleTimestamp  = "timestamp"
	RuleEnum       = "enum.defined_only"
	RuleOutputOnly = "output_only"
	RuleImmutable  = "immutable"
	RuleUnknown    = "unknown_field"
)

// Reader reads the fields of one message and notes all that are wrong. The zero value is ready; it is not safe for
// concurrent use. Each method returns the zero value for a field that is absent or wrong.
type Reader struct{ violations []apperr.Violation }

// Err returns a ValidationFailed that lists every violation noted so far, or nil.
func (r *Reader) Err() error {
	if len(r.violations) == 0 {
		return nil
	}
	return apperr.InvalidAll(r.violations)
}

// notef adds a violation.
func (r *Reader) notef(field, rule, format string, args ...any) {
	r.violations = append(r.violations, apperr.Violation{Field: field, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

// Refuse notes that the field cannot be set by the caller: RuleOutputOnly, RuleImmutable or RuleUnknown.
func (r *Reader) Refuse(field, rule string) {
	switch rule {
	case RuleOutputOnly:
		r.notef(field, rule, "the field is set by the platform")
	case RuleImmutable:
		r.notef(field, rule, "the field cannot be changed")
	default:
		r.notef(field, rule, "there is no such field")
	}
}

func (r *Reader) missing(field string, p Presence) {
	if p == Required {
		r.notef(field, RuleRequired, "the field is required")
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
		r.notef(field, RuleUUID, "is not a UUID")
		return uuid.Nil
	}
	return id
}

// Limits are the least and the greatest amount that a field takes. A zero Max is money.Max.
type Limits struct{ Min, Max money.Amount }

// Money reads a decimal text with at most two places.
func (r *Reader) Money(field, s string, p Presence, limits Limits) money.Amount {
	if s == "" {
		r.missing(field, p)
		return 0
	}
	a, err := money.Parse(s)
	switch {
	case err != nil:
		r.notef(field, RuleMoney, "%v", err)
	case a < limits.Min:
		r.notef(field, RuleMoney, "must be at least %v", limits.Min)
	case limits.Max != 0 && a > limits.Max:
		r.notef(field, RuleMoney, "must be at most %v", limits.Max)
	default:
		return a
	}
	return 0
}

// Date reads YYYY-MM-DD.
func (r *Reader) Date(field, s string, p Presence) date.Date {
	if s == "" {
		r.missing(field, p)
		return date.Date{}
	}
	d, err := date.Parse(s)
	if err != nil {
		r.notef(field, RuleDate, "%v", err)
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
		r.notef(field, RuleTimestamp, "is not an instant between the years 1 and 9999")
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
		r.notef(field, RuleEnum, "%d is not one of the defined values", v)
	}
	return t
}

// Inner notes what was wrong in the message that the field holds: err is the error of its conversion.
func (r *Reader) Inner(field string, err error) {
	if err == nil {
		return
	}
	var e *apperr.Error
	if !errors.As(err, &e) || len(e.Violations) == 0 {
		r.notef(field, "valid", "cannot be read")
		return
	}
	for _, v := range e.Violations {
		v.Field = field + "." + v.Field
		r.violations = append(r.violations, v)
	}
}
