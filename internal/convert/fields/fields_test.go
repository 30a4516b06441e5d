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

// read converts a value of field f.
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

func instant(s string, p fields.Presence) read {
	return func(r *fields.Reader) any { return r.TimeText("f", s, p) }
}

func TestReader(t *testing.T) {
	t.Parallel()
	const id = "018f0000-0000-7000-8000-000000000001"
	for name, tt := range map[string]struct {
		read  read
		want  any
		wrong string
	}{
		"text":                 {text("x", fields.Required), "x", ""},
		"missing text":         {text("", fields.Required), "", "f: is missing"},
		"absent text":          {text("", fields.Optional), "", ""},
		"UUID":                 {readID(id, fields.Required), uuid.MustParse(id), ""},
		"missing UUID":         {readID("", fields.Required), uuid.Nil, "f: is missing"},
		"absent UUID":          {readID("", fields.Optional), uuid.Nil, ""},
		"UUID in braces":       {readID("{"+id+"}", fields.Required), uuid.Nil, "f: is not a UUID"},
		"UUID without hyphens": {readID(strings.ReplaceAll(id, "-", ""), fields.Optional), uuid.Nil, "f: is not a UUID"},
		"amount":               {amount("2.5", fields.Required), "2.50", ""},
		"largest amount":       {amount("9999999999999999.99", fields.Required), "9999999999999999.99", ""},
		"exponent form":        {amount("1e3", fields.Required), "0.00", "f: "},
		"missing amount":       {amount("", fields.Required), "0.00", "f: is missing"},
		"absent amount":        {amount("", fields.Optional), "0.00", ""},
		"day":                  {day("2026-02-28", fields.Required), "2026-02-28", ""},
		"invalid day":          {day("2026-02-29", fields.Required), "", "f: "},
		"missing day":          {day("", fields.Required), "", "f: is missing"},
		"timestamp": {func(r *fields.Reader) any { return r.Time("f", timestamppb.New(time.Unix(1, 2)), fields.Required) },
			time.Unix(1, 2).UTC(), ""},
		"zero timestamp": {func(r *fields.Reader) any {
			return r.Time("f", timestamppb.New(time.Time{}), fields.Optional)
		}, time.Time{}, "f: is the zero time"},
		"missing timestamp": {func(r *fields.Reader) any { return r.Time("f", nil, fields.Required) }, time.Time{}, "f: is missing"},
		"timestamp out of range": {func(r *fields.Reader) any {
			return r.Time("f", &timestamppb.Timestamp{Seconds: math.MaxInt64}, fields.Optional)
		}, time.Time{}, "f: is not a timestamp"},
		"time":               {instant("2026-03-01T13:00:00.5+01:00", fields.Required), time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC), ""},
		"missing time":       {instant("", fields.Required), time.Time{}, "f: is missing"},
		"absent time":        {instant("", fields.Optional), time.Time{}, ""},
		"day as time":        {instant("2026-03-01", fields.Optional), time.Time{}, "f: must be a time"},
		"year 0":             {instant("0001-01-01T00:00:00+01:00", fields.Optional), time.Time{}, "f: must be a time"},
		"zero time":          {instant("0001-01-01T00:00:00Z", fields.Optional), time.Time{}, "f: is the zero time"},
		"almost zero time":   {instant("0001-01-01T00:00:00.000000999Z", fields.Optional), time.Time{}, "f: is the zero time"},
		"first microsecond":  {instant("0001-01-01T00:00:00.000001Z", fields.Optional), time.Time{}.Add(time.Microsecond), ""},
		"year 10000":         {instant("9999-12-31T23:59:59-01:00", fields.Optional), time.Time{}, "f: must be a time"},
		"enum value":         {enum(1, fields.Required), kind("GOOD"), ""},
		"missing enum value": {enum(0, fields.Required), kind(""), "f: is missing"},
		"absent enum value":  {enum(0, fields.Optional), kind(""), ""},
		"unknown enum value": {enum(7, fields.Optional), kind(""), "f: 7 is not one"},
		"absent object":      {func(r *fields.Reader) any { return r.Struct(nil) }, map[string]any{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r fields.Reader
			if got := tt.read(&r); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			err := r.Err()
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), tt.wrong) {
				t.Errorf("error %v, want %q", err, tt.wrong)
			}
		})
	}
}

func TestErrNamesEveryInvalidField(t *testing.T) {
	t.Parallel()
	var r fields.Reader
	r.UUID("id", "x", fields.Required)
	r.Text("title", "", fields.Required)
	if got, want := r.Err().Error(), "id: is not a UUID; title: is missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	if fields.UUID(uuid.Nil) != "" || fields.Time(time.Time{}) != nil || fields.Present("") != nil {
		t.Error("a zero value is not written as absent")
	}
	second := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"": {}, "2026-03-01T12:00:00Z": second, "2026-03-01T12:00:00.500Z": second.Add(500 * time.Millisecond),
		"2026-03-01T12:00:00.000001Z": second.Add(time.Microsecond), "2026-03-01T12:00:00.000000001Z": second.Add(1),
	} {
		if got := fields.TimeText(at.In(time.FixedZone("", 3600))); got != want && !at.IsZero() || at.IsZero() && fields.TimeText(at) != "" {
			t.Errorf("got the time %q, want %q", got, want)
		}
	}
	id := uuid.New()
	if got := fields.Present(fields.UUID(id)); *got != id.String() {
		t.Errorf("got %s, want %s", *got, id)
	}
	if got := fields.Slice(nil, func(int) string { return "" }); got == nil || len(got) != 0 {
		t.Errorf("Slice(nil) is %#v, want an empty slice", got)
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
		t.Errorf("Struct(nil) is %v, want an empty struct", got)
	}
}
