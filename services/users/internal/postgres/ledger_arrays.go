package postgres

import (
	"context"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// array is an array parameter in PostgreSQL's binary format, the input of PostgreSQL's function array_recv. The ledger does
// not pass slices to pgx: pgx encodes a slice by reflection, which takes about as long as PostgreSQL needs to store the
// entries.
type array []byte

// newArray returns the header of an array of n elements of the type with the OID element. The caller must then add exactly n
// elements. The parameter size is the expected size of an element in bytes.
func newArray(element uint32, n, size int) array {
	a := make(array, 0, 20+n*(4+size))
	for _, header := range []uint32{1, 0, element, uint32(n), 1} { // dimensions, has NULLs, type, length, lower bound
		a = binary.BigEndian.AppendUint32(a, header)
	}
	return a
}

func (a *array) addBool(v bool) {
	*a = binary.BigEndian.AppendUint32(*a, 1)
	if v {
		*a = append(*a, 1)
	} else {
		*a = append(*a, 0)
	}
}

func (a *array) addInt16(v int16) {
	*a = binary.BigEndian.AppendUint32(*a, 2)
	*a = binary.BigEndian.AppendUint16(*a, uint16(v))
}

func (a *array) addInt32(v int32) {
	*a = binary.BigEndian.AppendUint32(*a, 4)
	*a = binary.BigEndian.AppendUint32(*a, uint32(v))
}

func (a *array) addInt64(v int64) {
	*a = binary.BigEndian.AppendUint32(*a, 8)
	*a = binary.BigEndian.AppendUint64(*a, uint64(v))
}

func (a *array) addBytes(b []byte) {
	*a = binary.BigEndian.AppendUint32(*a, uint32(len(b)))
	*a = append(*a, b...)
}

func (a *array) addText(s string) {
	*a = binary.BigEndian.AppendUint32(*a, uint32(len(s)))
	*a = append(*a, s...)
}

// withArrayCodec returns a function that calls prepare and then registerArrayCodec. The parameter prepare may be nil.
func withArrayCodec(prepare func(context.Context, *pgx.Conn) error) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error {
		if prepare != nil {
			if err := prepare(ctx, conn); err != nil {
				return err
			}
		}
		registerArrayCodec(conn)
		return nil
	}
}

// registerArrayCodec makes conn accept values of type array as parameters, for all array types that writeSQL uses.
func registerArrayCodec(conn *pgx.Conn) {
	types := conn.TypeMap()
	for _, oid := range []uint32{
		pgtype.UUIDArrayOID, pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.TextArrayOID,
		pgtype.ByteaArrayOID, pgtype.BoolArrayOID, pgtype.TimestamptzArrayOID,
	} {
		if t, ok := types.TypeForOID(oid); ok {
			types.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec}})
		}
	}
}

// arrayCodec copies values of type array without a change, and encodes other values with the embedded codec.
type arrayCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(array); ok && format == pgtype.BinaryFormatCode {
		return copyPlan{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// copyPlan encodes a value of type array by copying its bytes.
type copyPlan struct{}

// Encode implements pgtype.EncodePlan.
func (copyPlan) Encode(value any, buf []byte) ([]byte, error) {
	return append(buf, value.(array)...), nil
}
