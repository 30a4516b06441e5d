package validation

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// message normalizes and checks the fields of m. For an update, masked is the part of the resource to change; otherwise
// masked is nil.
func (c *check) message(p *plan, m protoreflect.Message, path string, masked *masked) {
	for i := range p.fields {
		f := &p.fields[i]
		at := join(path, f.fd.JSONName())
		switch {
		case masked != nil && f.fd == masked.field:
			masked.names.clear(masked.resource)
			c.masked(f.nested(), masked.resource, masked.names, at)
			continue
		case f.outputOnly && m.Has(f.fd) && !c.event:
			c.refusef(at, RuleOutputOnly, "the field is read-only")
			continue
		}
		c.field(f, m, at)
	}
}

// masked checks the fields of m that an update changes.
func (c *check) masked(p *plan, m protoreflect.Message, changed names, path string) {
	for i := range p.fields {
		f := &p.fields[i]
		at := join(path, f.fd.JSONName())
		members := changed[f.fd.Name()]
		switch {
		case !changed.has(f.fd.Name()):
		case f.outputOnly:
			c.refusef(at, RuleOutputOnly, "the field is read-only")
		case f.immutable:
			c.refusef(at, RuleImmutable, "the field cannot be changed")
		case members != nil:
			c.masked(f.nested(), m.Get(f.fd).Message(), members, at)
		default:
			c.field(f, m, at)
		}
	}
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		if changed.has(fd.Name()) && changed[fd.Name()] == nil && fd.HasPresence() && !m.Has(fd) {
			c.refusef(join(path, fd.JSONName()), RuleRequired, "the update changes the field but has no value for it")
		}
	}
}

// field normalizes and checks one field.
func (c *check) field(f *field, m protoreflect.Message, at string) {
	if f.text {
		c.text(f, m, at)
	}
	if f.required && !m.Has(f.fd) {
		c.refusef(at, RuleRequired, requiredMessage)
		return
	}
	if f.column != nil && !f.fd.IsList() {
		c.column(f, m, at)
	}
	if f.form && !f.fd.IsList() {
		c.form(f.fd, m, at)
	}
	switch {
	case f.nested == nil || !m.Has(f.fd):
	case f.fd.IsList():
		list := m.Get(f.fd).List()
		for i := range list.Len() {
			c.message(f.nested(), list.Get(i).Message(), at+"["+strconv.Itoa(i)+"]", nil)
		}
	default:
		c.message(f.nested(), m.Get(f.fd).Message(), at, nil)
	}
}

func (c *check) text(f *field, m protoreflect.Message, at string) {
	fd := f.fd
	if !m.Has(fd) {
		return
	}
	if !fd.IsList() {
		before := m.Get(fd).String()
		after := c.normalized(f, before, at)
		if after != before {
			m.Set(fd, protoreflect.ValueOfString(after))
		}
		return
	}
	list := m.Mutable(fd).List()
	for i := range list.Len() {
		before := list.Get(i).String()
		if after := c.normalized(f, before, at+"["+strconv.Itoa(i)+"]"); after != before {
			list.Set(i, protoreflect.ValueOfString(after))
		}
	}
}

// normalized returns the normal form of a text, which is the same text for a verbatim field. Normalizing is expensive, so a
// text is refused before if it is too long in every case. The normal form has at least a quarter of the characters, because
// a character has at most four characters when it is decomposed, unless the text consists of white space and invisible
// characters.
func (c *check) normalized(f *field, given, at string) string {
	if longest := 4 * f.maxText; len(given) > longest && utf8.RuneCountInString(strings.TrimSpace(given)) > longest {
		c.refusef(at, RuleMaxLen, "must be at most %d characters", f.maxText)
		return ""
	}
	s, bad, ok := normalize(given)
	switch {
	case ok && f.verbatim:
		return given
	case ok:
	case bad == utf8.RuneError:
		c.refusef(at, RuleText, "text in UTF-8 is expected")
	default:
		c.refusef(at, RuleText, "the character %U is not allowed", bad)
	}
	return s
}

// form checks that an enum has a value that the schema defines, and that a timestamp is valid.
func (c *check) form(fd protoreflect.FieldDescriptor, m protoreflect.Message, at string) {
	if fd.Enum() != nil {
		if c.event {
			return
		}
		if n := m.Get(fd).Enum(); fd.Enum().Values().ByNumber(n) == nil {
			c.refusef(at, RuleEnum, "the enum has no value %d", n)
		}
		return
	}
	if t, ok := m.Get(fd).Message().Interface().(*timestamppb.Timestamp); ok && m.Has(fd) && !t.IsValid() {
		c.refusef(at, RuleTimestamp, "a timestamp between the years 1 and 9999 is expected")
	}
}

// column normalizes and checks the string of an amount, a date, a time or a UUID. An empty date, time or UUID counts as
// absent. So does an empty amount that is nullable or has a default.
func (c *check) column(f *field, m protoreflect.Message, at string) {
	s := m.Get(f.fd).String()
	if s == "" && (c.event || mayBeAbsent(f.column)) {
		return
	}
	switch f.column.GetType() {
	case optionsv1.ColumnType_MONEY:
		a, err := money.Parse(s)
		if err != nil {
			c.refusef(at, RuleMoney, "%v", err)
			return
		}
		if low, err := money.Parse(f.column.GetMin()); err == nil && a < low {
			c.refusef(at, RuleMoney, "the minimum is %v", low)
		}
		if high, err := money.Parse(f.column.GetMax()); err == nil && a > high {
			c.refusef(at, RuleMoney, "the maximum is %v", high)
		}
		if n := a.String(); n != s {
			m.Set(f.fd, protoreflect.ValueOfString(n))
		}
	case optionsv1.ColumnType_DATE:
		if _, err := date.Parse(s); err != nil {
			c.refusef(at, RuleDate, "%v", err)
		}
	case optionsv1.ColumnType_TIMESTAMP:
		if t, err := fields.ParseTime(s); err != nil {
			c.refusef(at, RuleTimestamp, "%v", err)
		} else if fields.IsZero(t) {
			c.refusef(at, RuleTimestamp, "the zero time is not allowed")
		}
	case optionsv1.ColumnType_UUID:
		if id, err := uuid.Parse(s); err != nil || id.String() != s {
			c.refusef(at, RuleUUID, "a UUID in canonical form is expected")
		}
	default:
	}
}
