// Package documents converts between members of MongoDB documents and domain types. null is converted to the zero value, and
// the zero value to null, except for Money and JSON. The generated mongo packages use it.
//
// documents.UUID(p.ID) converts a domain value to a member of a document, and uuid.UUID(d.ID) converts it back.
package documents

import (
	"bytes"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// UUID is a BSON UUID.
type UUID uuid.UUID

// MarshalBSONValue implements bson.ValueMarshaler.
func (u UUID) MarshalBSONValue() (byte, []byte, error) {
	if u == (UUID{}) {
		return null()
	}
	return marshal(bson.Binary{Subtype: bson.TypeBinaryUUID, Data: u[:]})
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler. Binary data that is not a UUID becomes the zero UUID.
func (u *UUID) UnmarshalBSONValue(typ byte, data []byte) error {
	*u = UUID{}
	var b bson.Binary
	if isNull(typ) {
		return nil
	}
	if err := bson.UnmarshalValue(bson.Type(typ), data, &b); err != nil {
		return err
	}
	if id, err := uuid.FromBytes(b.Data); err == nil {
		*u = UUID(id)
	}
	return nil
}

// Money is a Decimal128 with two places.
type Money money.Amount

// MarshalBSONValue implements bson.ValueMarshaler.
func (m Money) MarshalBSONValue() (byte, []byte, error) {
	d, err := bson.ParseDecimal128(money.Amount(m).String())
	if err != nil {
		return 0, nil, err
	}
	return marshal(d)
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler.
func (m *Money) UnmarshalBSONValue(typ byte, data []byte) error {
	*m = 0
	var d bson.Decimal128
	if isNull(typ) {
		return nil
	}
	if err := bson.UnmarshalValue(bson.Type(typ), data, &d); err != nil {
		return err
	}
	a, err := money.Parse(d.String())
	*m = Money(a)
	return err
}

// Date is a string YYYY-MM-DD, because BSON has no date without a time.
type Date date.Date

// MarshalBSONValue implements bson.ValueMarshaler.
func (d Date) MarshalBSONValue() (byte, []byte, error) {
	if date.Date(d).IsZero() {
		return null()
	}
	return marshal(date.Date(d).String())
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler.
func (d *Date) UnmarshalBSONValue(typ byte, data []byte) error {
	*d = Date{}
	var text string
	if isNull(typ) {
		return nil
	}
	if err := bson.UnmarshalValue(bson.Type(typ), data, &text); err != nil {
		return err
	}
	day, err := date.Parse(text)
	*d = Date(day)
	return err
}

// Time is a BSON date, which has millisecond precision. It is read in UTC.
type Time time.Time

// MarshalBSONValue implements bson.ValueMarshaler.
func (t Time) MarshalBSONValue() (byte, []byte, error) {
	if time.Time(t).IsZero() {
		return null()
	}
	return marshal(time.Time(t))
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler.
func (t *Time) UnmarshalBSONValue(typ byte, data []byte) error {
	*t = Time{}
	var at time.Time
	if isNull(typ) {
		return nil
	}
	if err := bson.UnmarshalValue(bson.Type(typ), data, &at); err != nil {
		return err
	}
	*t = Time(at.UTC())
	return nil
}

// JSON is an embedded document. It is read into the types of encoding/json: map[string]any, []any, string, float64, bool and
// nil. A nil map becomes the empty document.
type JSON map[string]any

// MarshalBSONValue implements bson.ValueMarshaler.
func (j JSON) MarshalBSONValue() (byte, []byte, error) {
	if j == nil {
		return marshal(bson.M{})
	}
	return marshal(bson.M(j))
}

// UnmarshalBSONValue implements bson.ValueUnmarshaler.
func (j *JSON) UnmarshalBSONValue(typ byte, data []byte) error {
	*j = JSON{}
	if isNull(typ) {
		return nil
	}
	if bson.Type(typ) != bson.TypeEmbeddedDocument {
		return fmt.Errorf("want a BSON document, have a %s", bson.Type(typ))
	}
	decoder := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(data)))
	decoder.DefaultDocumentM()
	var m bson.M
	if err := decoder.Decode(&m); err != nil {
		return err
	}
	*j = plainMap(m)
	return nil
}

// plain converts a decoded BSON value to the types of encoding/json. Integers, which other programs may have written, become
// float64.
func plain(value any) any {
	switch v := value.(type) {
	case bson.M:
		return plainMap(v)
	case bson.A:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = plain(element)
		}
		return list
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	}
	return value
}

func plainMap(m bson.M) map[string]any {
	out := make(map[string]any, len(m))
	for key, member := range m {
		out[key] = plain(member)
	}
	return out
}

func marshal(v any) (byte, []byte, error) {
	typ, data, err := bson.MarshalValue(v)
	return byte(typ), data, err
}

func null() (byte, []byte, error) { return byte(bson.TypeNull), nil, nil }

func isNull(typ byte) bool { return bson.Type(typ) == bson.TypeNull }
