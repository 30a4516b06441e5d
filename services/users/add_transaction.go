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
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// maxAdditionalData is the maximum size of an entry's additional data as JSON, in bytes. The schema defines the other
// limits.
const maxAdditionalData = 64 << 10

// Entry is a requested change of a player's balance.
type Entry struct {
	UserID uuid.UUID
	Type   TransactionType
	// Amount is positive. Type determines whether it is added or subtracted.
	Amount      money.Amount
	Description string
	// AdditionalData is a JSON object, such as {"promotionId": "…"}; nil means an empty object.
	AdditionalData map[string]any
	// IdempotencyKey identifies the entry. The ledger adds one transaction per key. Entries of different players must have
	// different keys.
	IdempotencyKey string
	// Reverses is the id of the transaction that the entry reverses, or uuid.Nil. Only [LedgerService.ReverseTransaction] sets
	// it.
	Reverses uuid.UUID
	// NotAfter is the time after which the ledger does not add the entry, or zero. It is not part of the content that an
	// idempotency key stands for.
	NotAfter time.Time
	// Purpose is the purpose of a credit, or empty. It is not part of the content that an idempotency key stands for: replicas
	// of older releases do not send it, and may repeat a request of newer ones.
	Purpose TransactionPurpose
	// Audit is the entry of the audit trail about the act, or nil. It is stored with the transaction. It is not part of the
	// content that an idempotency key stands for.
	Audit *AuditEntry
}

// ValidEntry is an entry that [Entry.Validate] accepted. It holds the additional data as JSON, so that the data is
// marshalled only once. Do not change its fields.
type ValidEntry struct {
	Entry
	data []byte
}

// LedgerStore stores the transactions and balances of players. It is safe for concurrent use.
type LedgerStore interface {
	// Add adds e and returns the new transaction once it is durable, with its event in the outbox. If a transaction with the
	// idempotency key exists, Add changes nothing. It then returns this transaction, or IDEMPOTENCY_MISMATCH if the content
	// differs. Other errors: NOT_FOUND (no such player), ACCOUNT_DEACTIVATED, PLAYER_RESTRICTED, INSUFFICIENT_FUNDS,
	// VALIDATION_FAILED (the balance would exceed [money.Max]), DEPENDENCY_UNAVAILABLE (also if e.NotAfter has passed). After
	// DEPENDENCY_UNAVAILABLE, or if ctx ends first, the entry may have been added; a retry with the same key is safe.
	//
	// Add is exact about restrictions: after a change of them by [RestrictionStore], it adds no credit that they refuse.
	Add(ctx context.Context, e ValidEntry) (Transaction, error)
	// Transaction returns the transaction with the id. Errors: NOT_FOUND, DEPENDENCY_UNAVAILABLE.
	Transaction(ctx context.Context, id uuid.UUID) (Transaction, error)
	// TransactionByKey returns the user's transaction with the idempotency key. Errors: NOT_FOUND, DEPENDENCY_UNAVAILABLE.
	TransactionByKey(ctx context.Context, user uuid.UUID, key string) (Transaction, error)
	// SettledTransaction returns the user's transaction with the idempotency key. After NOT_FOUND, Add never adds an entry
	// with this key and an Entry.NotAfter that is not later than notAfter. Errors: NOT_FOUND, DEPENDENCY_UNAVAILABLE (also
	// if there is no transaction and notAfter has not passed).
	SettledTransaction(ctx context.Context, user uuid.UUID, key string, notAfter time.Time) (Transaction, error)
}

// LedgerService implements the use cases of the ledger. It is safe for concurrent use.
type LedgerService struct{ store LedgerStore }

// NewLedgerService returns a service that adds transactions to store.
func NewLedgerService(store LedgerStore) *LedgerService { return &LedgerService{store} }

// AddTransaction adds an entry to a player's ledger, exactly once per idempotency key. It returns VALIDATION_FAILED for an
// invalid entry, and the errors of [LedgerStore].
func (s *LedgerService) AddTransaction(ctx context.Context, e Entry) (Transaction, error) {
	valid, err := e.Validate()
	if err != nil {
		return Transaction{}, err
	}
	return s.store.Add(ctx, valid)
}

// Validate checks e. It returns VALIDATION_FAILED with all violations if e is invalid. The valid entry has the purpose
// PROMOTION if e is a credit whose additional data names a promotion.
func (e Entry) Validate() (ValidEntry, error) {
	violations := e.violations()
	data, violation := e.marshalData()
	if violation != nil {
		violations = append(violations, *violation)
	}
	if violations != nil {
		return ValidEntry{}, apperr.InvalidAll(violations)
	}
	_, promotion := e.AdditionalData[promotionMember]
	if promotion && e.Type == TransactionTypeCredit && e.Reverses == uuid.Nil {
		e.Purpose = TransactionPurposePromotion
	}
	return ValidEntry{e, data}, nil
}

// promotionMember is the member of AdditionalData that names the promotion of a credit. A credit with it has the purpose
// PROMOTION, because promotions of older releases send it without the purpose.
const promotionMember = "promotionId"

// violations returns the violations of all fields except AdditionalData.
func (e Entry) violations() []apperr.Violation {
	var found []apperr.Violation
	add := func(field, rule, message string) {
		found = append(found, apperr.Violation{Field: field, Rule: rule, Message: message})
	}
	if e.UserID == uuid.Nil {
		add("user_id", "required", "must not be empty")
	}
	if e.Type != TransactionTypeCredit && e.Type != TransactionTypeDebit {
		add("type", "enum", "must be CREDIT or DEBIT")
	}
	switch {
	case e.Purpose == "":
	case e.Purpose != TransactionPurposePromotion:
		add("purpose", "enum", "must be PROMOTION")
	case e.Type == TransactionTypeDebit || e.Reverses != uuid.Nil:
		add("purpose", "credit", "only a credit can have the purpose PROMOTION")
	}
	if e.Amount < AddTransactionAmountMin || e.Amount > AddTransactionAmountMax {
		add("amount", "range", fmt.Sprintf("must be from %s to %s", AddTransactionAmountMin, AddTransactionAmountMax))
	}
	if !storable(e.Description) || utf8.RuneCountInString(e.Description) > AddTransactionDescriptionMaxLen {
		add("description", "text", fmt.Sprintf("must be text of at most %d characters", AddTransactionDescriptionMaxLen))
	}
	if n := utf8.RuneCountInString(e.IdempotencyKey); !storable(e.IdempotencyKey) ||
		n < AddTransactionIdempotencyKeyMinLen || n > AddTransactionIdempotencyKeyMaxLen {
		add("idempotencyKey", "text", fmt.Sprintf("must be text of %d to %d characters",
			AddTransactionIdempotencyKeyMinLen, AddTransactionIdempotencyKeyMaxLen))
	}
	if strings.HasPrefix(e.IdempotencyKey, reversalPrefix) != (e.Reverses != uuid.Nil) {
		add("idempotencyKey", "reserved", "must not begin with "+reversalPrefix)
	}
	return found
}

// marshalData returns AdditionalData as JSON with sorted member names, or "{}" for no data. It returns a violation if the
// ledger cannot store the data.
func (e Entry) marshalData() ([]byte, *apperr.Violation) {
	invalid := func(rule, message string) ([]byte, *apperr.Violation) {
		return nil, &apperr.Violation{Field: "additionalData", Rule: rule, Message: message}
	}
	if len(e.AdditionalData) == 0 {
		return []byte("{}"), nil
	}
	data, err := json.Marshal(e.AdditionalData)
	switch {
	case err != nil:
		return invalid("json", "must be JSON")
	case len(data) > maxAdditionalData:
		return invalid("size", fmt.Sprintf("must be at most %d bytes of JSON", maxAdditionalData))
	case escapesNUL(data):
		return invalid("text", "must not contain the character NUL")
	}
	return data, nil
}

// storable reports whether s is valid UTF-8 without NUL. PostgreSQL's type text accepts only such strings.
func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// escapesNUL reports whether a string in the JSON text data contains NUL. PostgreSQL's type jsonb refuses NUL, but accepts
// everything else that json.Marshal writes.
func escapesNUL(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] == '\\' {
			if bytes.HasPrefix(data[i:], []byte(`\u0000`)) {
				return true
			}
			i++ // skip the escaped character, which may be a backslash
		}
	}
	return false
}

// Data returns AdditionalData as JSON with sorted member names, or "{}" for no data. Callers must not change it.
func (e ValidEntry) Data() []byte { return e.data }

// ContentHash returns the SHA-256 of the content: all fields except IdempotencyKey, NotAfter, Purpose and Audit.
// Entries with the same idempotency key must have the same hash.
func (e ValidEntry) ContentHash() [sha256.Size]byte {
	b := make([]byte, 0, 64+len(e.Description)+len(e.data))
	b = append(b, e.UserID[:]...)
	b = appendSized(b, string(e.Type))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Amount))
	b = appendSized(b, e.Description)
	b = appendSized(b, string(e.data))
	b = append(b, e.Reverses[:]...)
	return sha256.Sum256(b)
}

// appendSized appends the length of s and then s, so that different lists of strings give different bytes.
func appendSized(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(min(len(s), math.MaxUint32)))
	return append(b, s...)
}
