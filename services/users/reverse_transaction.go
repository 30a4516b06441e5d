package users

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
)

// reversalPrefix begins the idempotency keys of reversals. Other entries must not have such a key, so that they cannot
// prevent a reversal.
const reversalPrefix = "reversal:"

// Reversal is a request to reverse a transaction.
type Reversal struct {
	UserID, TransactionID uuid.UUID
	// Reason becomes the description of the new transaction.
	Reason string
	// By is the admin who reverses the transaction, or uuid.Nil for an operator.
	By uuid.UUID
}

// ReverseTransaction adds an entry of the opposite type and the same amount, at most once per transaction. A repeated call
// with the same reason returns the first reversal. It also works for deactivated players, so that admins can correct their
// ledgers.
//
// Errors: NOT_FOUND if the player has no such transaction, TRANSACTION_NOT_REVERSIBLE if the transaction is a reversal,
// TRANSACTION_ALREADY_REVERSED if it was reversed for another reason, VALIDATION_FAILED for an unusable reason, and
// INSUFFICIENT_FUNDS, VALIDATION_FAILED and DEPENDENCY_UNAVAILABLE as [LedgerStore.Add] returns them.
func (s *LedgerService) ReverseTransaction(ctx context.Context, r Reversal) (Transaction, error) {
	reversed, err := s.store.Transaction(ctx, r.TransactionID)
	switch {
	case err != nil:
		return Transaction{}, err
	case reversed.UserID != r.UserID:
		return Transaction{}, NoTransaction()
	case reversed.Reverses != uuid.Nil:
		return Transaction{}, apperr.New(apperr.TransactionNotReversible, "transaction %s is a reversal of transaction %s",
			reversed.ID, reversed.Reverses)
	}
	e, err := r.entry(reversed).Validate()
	if err != nil {
		return Transaction{}, err
	}
	if e.Audit, err = r.auditEntry(ctx, e.Entry); err != nil {
		return Transaction{}, err
	}
	tx, err := s.store.Add(ctx, e)
	if apperr.CodeOf(err) != apperr.IdempotencyMismatch {
		return tx, err
	}
	first, err := s.ReversalOf(ctx, reversed) // another admin or operator reversed it
	if err != nil || first.Description == r.Reason {
		return first, err
	}
	return Transaction{}, apperr.New(apperr.TransactionAlreadyReversed, "transaction %s was reversed for another reason",
		reversed.ID).With("transactionId", first.ID.String())
}

// entry returns the entry that reverses a transaction.
func (r Reversal) entry(reversed Transaction) Entry {
	e := Entry{
		UserID: r.UserID, Type: TransactionTypeDebit, Amount: reversed.Amount, Description: r.Reason,
		Reverses: reversed.ID, IdempotencyKey: reversalPrefix + reversed.ID.String(),
	}
	if reversed.Type == TransactionTypeDebit {
		e.Type = TransactionTypeCredit
	}
	if r.By != uuid.Nil {
		e.AdditionalData = map[string]any{"reversedBy": r.By.String()}
	}
	return e
}

// auditEntry returns the entry about the act in ctx, or nil if the call is not audited.
func (r Reversal) auditEntry(ctx context.Context, reversal Entry) (*AuditEntry, error) {
	act := audit.From(ctx)
	if act == nil {
		return nil, nil //nolint:nilnil // not audited
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	e, err := act.Entry(now, audit.Change{Target: r.TransactionID, After: map[string]any{
		"user_id": r.UserID.String(), "type": string(reversal.Type), "amount": reversal.Amount.String(), "reason": r.Reason,
	}}, nil)
	if err != nil {
		return nil, err
	}
	entry := NewAuditEntry(e)
	return &entry, nil
}

// NoTransaction returns the error NOT_FOUND of a transaction.
func NoTransaction() error { return apperr.New(apperr.NotFound, "transaction not found") }
