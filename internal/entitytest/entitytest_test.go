package entitytest_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/internal/money"
)

type kind string

type part struct {
	Count int32
	Price money.Amount
}

type entity struct {
	ID     uuid.UUID
	Kind   kind
	Text   string
	Yes    bool
	Small  int16
	Int    int32
	Big    int64
	Bytes  []byte
	Amount money.Amount
	Day    date.Date
	At     time.Time
	Object map[string]any
	Other  *entity
	Part   part
}

// spy records the errors of a test. Its Fatalf panics, because it must not return.
type spy struct {
	testing.TB
	errors []string
}

func (s *spy) Helper() {}

func (s *spy) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *spy) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestFill(t *testing.T) {
	t.Parallel()
	var filler entitytest.Filler
	a, b := entity{Kind: "GOOD", Text: "given"}, entity{Kind: "GOOD"}
	filler.Fill(t, &a)
	filler.Fill(t, &b)
	if a.Kind != "GOOD" || a.Text != "given" || a.Other != nil || !a.Yes {
		t.Errorf("got %+v, want the given fields kept, Yes set and Other not set", a)
	}
	if a.Part.Count == 0 || a.Part.Price == 0 {
		t.Errorf("Part is %+v, want both fields set", a.Part)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		name := x.Type().Field(i).Name
		if name == "Other" || name == "Kind" || name == "Yes" {
			continue
		}
		if x.Field(i).IsZero() || reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			t.Errorf("%s is %v and %v, want two different values", name, x.Field(i), y.Field(i))
		}
	}
}

func TestFillRefusesUnsupportedTypes(t *testing.T) {
	t.Parallel()
	defer func() {
		const want = "entitytest_test.entity.Kind has the unsupported type entitytest_test.kind: set it before Fill"
		if got := recover(); got != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}()
	new(entitytest.Filler).Fill(&spy{}, &entity{})
}

func TestAssertEqual(t *testing.T) {
	t.Parallel()
	s := &spy{}
	entitytest.AssertEqual(s, "equal", entity{Text: "a"}, entity{Text: "a"})
	entitytest.AssertEqual(s, "row", entity{Text: "a", Big: 1}, entity{Text: "b", Big: 2})
	want := []string{`row: Text is "a", want "b"`, `row: Big is 1, want 2`}
	if !reflect.DeepEqual(s.errors, want) {
		t.Errorf("got %q, want %q", s.errors, want)
	}
}
