// Package entitytest fills entities for the tests of what keeps or carries them, and tells in which fields two of them
// differ: a field that somebody forgets is named as soon as the schema has it.
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

// Filler fills entities with values that no two fields share, and no two entities either; true aside. The zero value is
// ready; it is not safe for concurrent use.
type Filler struct{ n int }

// Fill sets each field of the entity, a pointer to a struct, that is zero. What cannot be any value, such as an enum or the
// id of another row, is set before. A pointer is another entity, filled in for answers: it stays nil.
func (f *Filler) Fill(t testing.TB, entity any) {
	t.Helper()
	v := reflect.ValueOf(entity).Elem()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if !field.IsZero() || field.Kind() == reflect.Pointer {
			continue
		}
		f.n++
		value := f.value(name, field.Interface())
		if value == nil {
			t.Fatalf("%s.%s is a %s, of which entitytest knows no value: set it before", v.Type(), name, field.Type())
		}
		field.Set(reflect.ValueOf(value))
	}
}

// value is a value of the type of zero. Every store keeps it as it is; the coarsest keeps milliseconds.
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

// Same fails the test for each field in which got differs from want, two structs of one type.
func Same(t testing.TB, what string, got, want any) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range w.NumField() {
		if g, w := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: %s is %#v, want %#v", what, reflect.TypeOf(want).Field(i).Name, g, w)
		}
	}
}
