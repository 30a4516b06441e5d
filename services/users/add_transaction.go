package users

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// maxEntryData is the greatest size of an entry's additional data as JSON, in bytes. Its other limits are the schema's.
const maxEntryData = 64 << 10

// Entry is a change of a player's balance that somebody asks for.
type Entry struct {
	UserID uuid.UUID
	Type   TransactionType
	// Amount is above zero; Type says where it goes.
	Amount      money.Amount
	Description string
	// AdditionalData says what the entry is for: JSON, or nothing.
	AdditionalData map[string]any
	// IdempotencyKey names the effect that the caller wants once. It is unique over all players.
	IdempotencyKey string
}

// LedgerStore keeps what players were given and what was taken from them, and their balances with it. It is safe for
// concurrent use.
type LedgerStore interface {
	// Add adds e and returns the new transaction once it is durable, with its event in the outbox. A key that is known
	// returns the transaction that it stands for, and changes nothing; with another content it is IDEMPOTENCY_MISMATCH.
	// Other errors: NOT_FOUND (no such player), ACCOUNT_DEACTIVATED, INSUFFICIENT_FUNDS, VALIDATION_FAILED (the balance
	// would be too large), DEPENDENCY_UNAVAILABLE. After that last one, and when ctx ends first, the entry may have been
	// added all the same: asking again with the same key tells.
	Add(ctx context.Context, e Entry) (Transaction, error)
}

// LedgerService is the use case behind the ledger's internal door.
type LedgerService struct{ ledger LedgerStore }

// NewLedgerService returns a service who writes into ledger.
func NewLedgerService(ledger LedgerStore) *LedgerService { return &LedgerService{ledger} }

// AddTransaction adds an entry to a player's ledger, exactly once for its key. Errors are those of [LedgerStore], and
// VALIDATION_FAILED for an entry that no ledger should hold.
func (b *LedgerService) AddTransaction(ctx context.Context, e Entry) (Transaction, error) {
	if err := e.Validate(); err != nil {
		return Transaction{}, err
	}
	return b.ledger.Add(ctx, e)
}

// Validate returns VALIDATION_FAILED with all that is wrong with e, or nil.
func (e Entry) Validate() error {
	var wrong []apperr.Violation
	refuse := func(field, rule, message string) {
		wrong = append(wrong, apperr.Violation{Field: field, Rule: rule, Message: message})
	}
	if e.UserID == uuid.Nil {
		refuse("user_id", "required", "a player's id is needed")
	}
	if e.Type != TransactionTypeCredit && e.Type != TransactionTypeDebit {
		refuse("type", "enum", "must be CREDIT or DEBIT")
	}
	if e.Amount < AddTransactionAmountMin || e.Amount > AddTransactionAmountMax {
		refuse("amount", "range", fmt.Sprintf("must be from %s to %s", AddTransactionAmountMin, AddTransactionAmountMax))
	}
	if !storable(e.Description) || utf8.RuneCountInString(e.Description) > AddTransactionDescriptionMaxLen {
		refuse("description", "text",
			fmt.Sprintf("must be text of at most %d characters", AddTransactionDescriptionMaxLen))
	}
	if n := utf8.RuneCountInString(e.IdempotencyKey); !storable(e.IdempotencyKey) ||
		n < AddTransactionIdempotencyKeyMinLen || n > AddTransactionIdempotencyKeyMaxLen {
		refuse("idempotencyKey", "text", fmt.Sprintf("must be text of %d to %d characters",
			AddTransactionIdempotencyKeyMinLen, AddTransactionIdempotencyKeyMaxLen))
	}
	// PostgreSQL's jsonb holds every JSON text but those with the character NUL.
	switch data, err := e.Data(); {
	case err != nil:
		refuse("additionalData", "json", "must be JSON")
	case len(data) > maxEntryData:
		refuse("additionalData", "size", fmt.Sprintf("must be at most %d bytes of JSON", maxEntryData))
	case holdsNUL(data):
		refuse("additionalData", "text", "must not contain the character NUL")
	}
	if wrong != nil {
		return apperr.InvalidAll(wrong)
	}
	return nil
}

// storable reports whether PostgreSQL can keep s as text.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// holdsNUL reports whether a JSON text escapes the character NUL.
func holdsNUL(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] == '\\' {
			if bytes.HasPrefix(data[i:], []byte(`\u0000`)) {
				return true
			}
			i++ // the escaped character, which may be another backslash
		}
	}
	return false
}

// Data returns AdditionalData as JSON in one canonical form, members sorted by name; "{}" for none.
func (e Entry) Data() ([]byte, error) {
	if len(e.AdditionalData) == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(e.AdditionalData)
}

// ContentHash is the SHA-256 of all that must be the same when a key is used again; data is what Data returned.
func (e Entry) ContentHash(data []byte) [sha256.Size]byte {
	b := make([]byte, 0, 64+len(e.Description)+len(data))
	b = append(b, e.UserID[:]...)
	b = appendSized(b, string(e.Type))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Amount))
	b = appendSized(b, e.Description)
	b = appendSized(b, string(data))
	return sha256.Sum256(b)
}

// appendSized appends s behind its length, so that no two lists of texts give the same bytes.
func appendSized(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(min(len(s), math.MaxUint32)))
	return append(b, s...)
}
