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

	"github.com/casino-loyalty/loyalty/internal/convert/fields"
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

func amount(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.Money("f", s, p).String() }
}

func day(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.Date("f", s, p).String() }
}

func enum(n int32, p fields.Presence) read {
	return func(r *fields.Reader) any { return fields.Enum(r, "f", n, toKind, p) }
}

func TestReader(t *testing.T) {
	t.Parallel()
	const id = "018f0000-0000-7000-8000-000000000001"
	for name, tt := range map[string]struct {
		read  read
		want  any
		wrong string
	}{
		"a text":              {text("x", fields.Required), "x", ""},
		"no text":             {text("", fields.Required), "", "f: is missing"},
		"no text needed":      {text("", fields.Optional), "", ""},
		"an id":               {readID(id, fields.Required), uuid.MustParse(id), ""},
		"no id":               {readID("", fields.Required), uuid.Nil, "f: is missing"},
		"no id needed":        {readID("", fields.Optional), uuid.Nil, ""},
		"an id in braces":     {readID("{"+id+"}", fields.Required), uuid.Nil, "f: is not a UUID"},
		"an id without lines": {readID(strings.ReplaceAll(id, "-", ""), fields.Optional), uuid.Nil, "f: is not a UUID"},
		"an amount":           {amount("2.5", fields.Required), "2.50", ""},
		"the most":            {amount("9999999999999999.99", fields.Required), "9999999999999999.99", ""},
		"a float":             {amount("1e3", fields.Required), "0.00", "f: "},
		"no amount":           {amount("", fields.Required), "0.00", "f: is missing"},
		"no amount needed":    {amount("", fields.Optional), "0.00", ""},
		"a day":               {day("2026-02-28", fields.Required), "2026-02-28", ""},
		"no such day":         {day("2026-02-29", fields.Required), "", "f: "},
		"no day":              {day("", fields.Required), "", "f: is missing"},
		"an instant": {func(r *fields.Reader) any { return r.Time("f", timestamppb.New(time.Unix(1, 2)), fields.Required) },
			time.Unix(1, 2).UTC(), ""},
		"no instant": {func(r *fields.Reader) any { return r.Time("f", nil, fields.Required) }, time.Time{}, "f: is missing"},
		"beyond time": {func(r *fields.Reader) any {
			return r.Time("f", &timestamppb.Timestamp{Seconds: math.MaxInt64}, fields.Optional)
		}, time.Time{}, "f: is not an instant"},
		"a value":         {enum(1, fields.Required), kind("GOOD"), ""},
		"no value":        {enum(0, fields.Required), kind(""), "f: is missing"},
		"no value needed": {enum(0, fields.Optional), kind(""), ""},
		"an unknown one":  {enum(7, fields.Optional), kind(""), "f: 7 is not one"},
		"no object":       {func(r *fields.Reader) any { return r.Struct(nil) }, map[string]any{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r fields.Reader
			if got := tt.read(&r); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			err := r.Err()
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wrong) {
				t.Errorf("the error is %v, want %q", err, tt.wrong)
			}
		})
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	var r fields.Reader
	r.UUID("id", "x", fields.Required)
	r.Text("title", "", fields.Required)
	if got := r.Err().Error(); got != "id: is not a UUID; title: is missing" {
		t.Error(got)
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
