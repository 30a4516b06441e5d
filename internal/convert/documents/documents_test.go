package documents_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/casino-loyalty/loyalty/internal/convert/documents"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// document has a field of every type in package documents.
type document struct {
	ID     documents.UUID  `bson:"_id"`
	Amount documents.Money `bson:"amount"`
	Day    documents.Date  `bson:"day"`
	At     documents.Time  `bson:"at"`
	Object documents.JSON  `bson:"object"`
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	day, err := date.Parse("2026-03-10")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 10, 23, 59, 59, 123_000_000, time.UTC)
	object := documents.JSON{
		"text": "Grüße", "number": 1.5, "whole": 3.0, "none": nil, "yes": true, "_id": "odd",
		"list":   []any{"a", nil, []any{1.0}, map[string]any{"nested": "text"}},
		"object": map[string]any{"empty": map[string]any{}, "list": []any{}},
	}
	for name, want := range map[string]document{
		"zero values": {Object: documents.JSON{}},
		"all": {
			ID: documents.UUID(uuid.MustParse("018f0000-0000-7000-8000-000000000001")), Amount: 2050,
			Day: documents.Date(day), At: documents.Time(at), Object: object,
		},
		"extremes": {Amount: documents.Money(money.Max), Object: documents.JSON{"n": 1e300}},
	} {
		data, err := bson.Marshal(want)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got document
		if err := bson.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

// TestUnmarshal reads documents that other programs or releases wrote.
func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored bson.M
		want   document
		wrong  bool
	}{
		"whole numbers": {stored: bson.M{"object": bson.M{"n": int32(3), "list": bson.A{int64(4)}}},
			want: document{Object: documents.JSON{"n": 3.0, "list": []any{4.0}}}},
		"nulls":               {stored: bson.M{"_id": nil, "amount": nil, "day": nil, "at": nil, "object": nil}, want: document{Object: documents.JSON{}}},
		"empty":               {stored: bson.M{}},
		"3-byte id":           {stored: bson.M{"_id": bson.Binary{Data: []byte("abc")}}},
		"string as id":        {stored: bson.M{"_id": "x"}, wrong: true},
		"string as amount":    {stored: bson.M{"amount": "1.00"}, wrong: true},
		"invalid day":         {stored: bson.M{"day": "2026-02-30"}, wrong: true},
		"string as timestamp": {stored: bson.M{"at": "2026-02-28"}, wrong: true},
		"array as object":     {stored: bson.M{"object": bson.A{}}, wrong: true},
	} {
		data, err := bson.Marshal(tt.stored)
		if err != nil {
			t.Fatal(err)
		}
		var got document
		err = bson.Unmarshal(data, &got)
		if (err != nil) != tt.wrong || !tt.wrong && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, tt.want)
		}
	}
}

func TestNilIsAnEmptyObject(t *testing.T) {
	t.Parallel()
	data, err := bson.Marshal(document{})
	if err != nil {
		t.Fatal(err)
	}
	var got bson.M
	if err := bson.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if object, ok := got["object"].(bson.D); !ok || len(object) != 0 {
		t.Errorf("got %#v, want an empty object", got["object"])
	}
}
