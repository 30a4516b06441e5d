// Package entitytest helps to test code that stores or converts entities. It fills all fields of an entity and reports the
// fields in which two entities differ, so that a test fails if the code does not handle a new field of the schema.
package entitytest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// Filler fills entities. Each value is unique, except that every boolean is true. The zero value is ready to use.
// Filler is not safe for concurrent use.
type Filler struct{ n int }

// Fill sets the zero fields of entity, a pointer to a struct. Before the call, the caller sets the fields that do not take
// arbitrary values, such as enums and foreign keys. Fill does not set pointer fields, because they refer to other entities.
// It fills structs of the entity's own package, which are embedded messages, field by field. It fails the test if the type
// of a field is not supported.
func (f *Filler) Fill(t testing.TB, entity any) {
	t.Helper()
	v := reflect.ValueOf(entity).Elem()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if field.Kind() == reflect.Struct && field.Type().PkgPath() == v.Type().PkgPath() {
			f.Fill(t, field.Addr().Interface())
			continue
		}
		if !field.IsZero() || field.Kind() == reflect.Pointer {
			continue
		}
		f.n++
		value := f.value(name, field.Interface())
		if value == nil {
			t.Fatalf("%s.%s has the unsupported type %s: set it before Fill", v.Type(), name, field.Type())
		}
		field.Set(reflect.ValueOf(value))
	}
}

// value returns a non-zero value of the same type as zero, or nil if the type is not supported. Times have a precision of
// milliseconds, which all stores preserve.
func (f *Filler) value(name string, zero any) any {
	first := time.Date(2026, 1, 1, 12, 30, 15, 123_000_000, time.UTC)
	switch zero.(type) {
	case string:
		return fmt.Sprintf("%s %d", name, f.n)
	case bool:
		return true
	case int16:
		return int16(f.n)
	case int32:
		return int32(f.n)
	case int64:
		return int64(f.n)
	case []byte:
		return []byte{0, 255, byte(f.n >> 8), byte(f.n)}
	case uuid.UUID:
		return uuid.New()
	case money.Amount:
		return money.Amount(f.n)
	case date.Date:
		return date.Of(first).AddDays(f.n)
	case time.Time:
		return first.Add(time.Duration(f.n) * time.Hour)
	case map[string]any:
		return map[string]any{"field": name, "number": float64(f.n) + 0.5}
	}
	return nil
}

// AssertEqual reports an error for each field in which got differs from want. Both must be structs of the same type. Each
// error begins with label.
func AssertEqual(t testing.TB, label string, got, want any) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range w.NumField() {
		if g, w := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: %s is %#v, want %#v", label, reflect.TypeOf(want).Field(i).Name, g, w)
		}
	}
}
