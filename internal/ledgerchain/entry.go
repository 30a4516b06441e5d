package ledgerchain

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/money"
)

// Entry holds all stored fields of a ledger entry except the MAC.
type Entry struct {
	ID, UserID uuid.UUID
	// Seq is the number of the entry in the ledger of its player. The first entry has number 1.
	Seq                  int64
	Type                 string
	Amount, BalanceAfter money.Amount
	Description          string
	// Data is the additional data: a value that encoding/json can encode, such as a map[string]any or the JSON text in a
	// json.RawMessage. Different texts of the same value give the same MAC: PostgreSQL's type jsonb does not keep the text.
	Data any
	// CreatedAt has a precision of microseconds.
	CreatedAt      time.Time
	IdempotencyKey string
	ContentHash    []byte
	// Reverses is the id of the reversed entry, or uuid.Nil.
	Reverses uuid.UUID
	// Purpose is the purpose, or empty.
	Purpose string
}

// encode returns the canonical encoding of e and previous. Different input gives different bytes.
func (e Entry) encode(previous string) ([]byte, error) {
	b := make([]byte, 0, 512+len(e.Description))
	b = appendSized(b, previous)
	b = append(b, e.ID[:]...)
	b = append(b, e.UserID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = appendSized(b, e.Type)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Amount))
	b = binary.BigEndian.AppendUint64(b, uint64(e.BalanceAfter))
	b = appendSized(b, e.Description)
	b = binary.BigEndian.AppendUint64(b, uint64(e.CreatedAt.UnixMicro()))
	b = appendSized(b, e.IdempotencyKey)
	b = appendSized(b, e.ContentHash)
	b = append(b, e.Reverses[:]...)
	b, err := appendValue(b, e.Data)
	if e.Purpose != "" { // an entry without a purpose has the same MAC as in releases that do not know purposes
		b = appendSized(b, e.Purpose)
	}
	return b, err
}

// appendSized appends the length of s and then s.
func appendSized[T string | []byte](b []byte, s T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
