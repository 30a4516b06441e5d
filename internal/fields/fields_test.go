package fields_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/fields"
)

type kind string

func toKind(n int32) kind { return map[int32]kind{1: "GOOD"}[n] }

// read is one reading of field f.
type read func(*fields.Reader) any

func text(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.Text("f", s, p) }
}

func readID(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.UUID("f", s, p) }
}

func amount(s string, p fields.Presence, limits fields.Limits) read {
	return func(r *fields.Reader) any { return r.Money("f", s, p, limits).String() }
}

func day(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.Date("f", s, p).String() }
}

func enum(n int32, p fields.Presence) read {
	return func(r *fields.Reader) any { return fields.Enum(r, "f", n, toKind, p) }
}

// rules returns what r noted, as "field rule".
func rules(r *fields.Reader) string {
	err := r.Err()
	if err == nil {
		return ""
	}
	var all []string
	for _, v := range apperr.From(err).Violations {
		all = append(all, v.Field+" "+v.Rule)
	}
	return strings.Join(all, ", ")
}

func TestReader(t *testing.T) {
	t.Parallel()
	const id = "018f0000-0000-7000-8000-000000000001"
	limits := fields.Limits{Min: 1, Max: 1000}
	for name, tt := range map[string]struct {
		read read
		want any
		rule string
	}{
		"a text":              {text("x", fields.Required), "x", ""},
		"no text":             {text("", fields.Required), "", "f required"},
		"no text needed":      {text("", fields.Optional), "", ""},
		"an id":               {readID(id, fields.Required), uuid.MustParse(id), ""},
		"no id":               {readID("", fields.Required), uuid.Nil, "f required"},
		"no id needed":        {readID("", fields.Optional), uuid.Nil, ""},
		"an id in braces":     {readID("{"+id+"}", fields.Required), uuid.Nil, "f uuid"},
		"an id without lines": {readID(strings.ReplaceAll(id, "-", ""), fields.Required), uuid.Nil, "f uuid"},
		"an amount":           {amount("2.5", fields.Required, limits), "2.50", ""},
		"the least":           {amount("0.01", fields.Required, limits), "0.01", ""},
		"the most":            {amount("10.00", fields.Required, limits), "10.00", ""},
		"too little":          {amount("0", fields.Required, limits), "0.00", "f money"},
		"too much":            {amount("10.01", fields.Required, limits), "0.00", "f money"},
		"any amount": {func(r *fields.Reader) any {
			return r.Money("f", "9999999999999999.99", fields.Required, fields.Limits{}).String()
		},
			"9999999999999999.99", ""},
		"a float":          {amount("1e3", fields.Required, limits), "0.00", "f money"},
		"no amount":        {amount("", fields.Required, limits), "0.00", "f required"},
		"no amount needed": {amount("", fields.Optional, limits), "0.00", ""},
		"a day":            {day("2026-02-28", fields.Required), "2026-02-28", ""},
		"no such day":      {day("2026-02-29", fields.Required), "", "f date"},
		"no day":           {day("", fields.Required), "", "f required"},
		"an instant": {func(r *fields.Reader) any { return r.Time("f", timestamppb.New(time.Unix(1, 2)), fields.Required) },
			time.Unix(1, 2).UTC(), ""},
		"no instant": {func(r *fields.Reader) any { return r.Time("f", nil, fields.Required) }, time.Time{}, "f required"},
		"beyond time": {func(r *fields.Reader) any {
			return r.Time("f", &timestamppb.Timestamp{Seconds: math.MaxInt64}, fields.Optional)
		}, time.Time{}, "f timestamp"},
		"a value":         {enum(1, fields.Required), kind("GOOD"), ""},
		"no value":        {enum(0, fields.Required), kind(""), "f required"},
		"no value needed": {enum(0, fields.Optional), kind(""), ""},
		"an unknown one":  {enum(7, fields.Optional), kind(""), "f enum.defined_only"},
		"no object":       {func(r *fields.Reader) any { return r.Struct(nil) }, map[string]any{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r fields.Reader
			if got := tt.read(&r); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := rules(&r); got != tt.rule {
				t.Errorf("noted %q, want %q", got, tt.rule)
			}
		})
	}
}

func TestEveryViolationIsListed(t *testing.T) {
	t.Parallel()
	var inner, r fields.Reader
	inner.UUID("id", "x", fields.Required)
	inner.Text("title", "", fields.Required)
	r.Date("from", "x", fields.Required)
	r.Inner("promotion", inner.Err())
	r.Inner("other", nil)
	r.Refuse("id", fields.RuleOutputOnly)
	if got := rules(&r); got != "from date, promotion.id uuid, promotion.title required, id output_only" {
		t.Errorf("noted %s", got)
	}
	if code := apperr.CodeOf(r.Err()); code != apperr.ValidationFailed {
		t.Errorf("the code is %s", code)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	if fields.UUID(uuid.Nil) != "" || fields.Time(time.Time{}) != nil || fields.Present("") != nil {
		t.Error("a zero value is not absent")
	}
	id := uuid.New()
	if got := fields.Present(fields.UUID(id)); *got != id.String() {
		t.Error(*got)
	}
	if got := fields.Slice(nil, func(int) string { return "" }); got == nil || len(got) != 0 {
		t.Errorf("no elements are %#v", got)
	}
	want, err := structpb.NewStruct(map[string]any{"id": id.String(), "n": 3, "at": []any{"a", nil}})
	if err != nil {
		t.Fatal(err)
	}
	got := fields.Struct(map[string]any{"id": id, "n": uint8(3), "at": []*string{fields.Present("a"), nil},
		"no": func() {}})
	if !reflect.DeepEqual(got.AsMap(), want.AsMap()) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := fields.Struct(nil); got == nil || len(got.GetFields()) != 0 {
		t.Errorf("nil is %v", got)
	}
}
