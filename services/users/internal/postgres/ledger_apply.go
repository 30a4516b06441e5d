package postgres

import (
	"bytes"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
)

// outcome is the result of applying a player's calls: the accounts before and after the calls, and the rows to write.
type outcome struct {
	before, after account
	rows          []row
}

// row is a new transaction with its additional data as JSON and its event.
type row struct {
	tx    users.Transaction
	data  []byte
	event event.Event
	audit *users.AuditEntry // the entry of the audit trail, or nil
	// notAfter is the time after which the row must not be written, or zero.
	notAfter time.Time
}

// apply applies the calls of p to the current account, one after the other, and sets the result of each call. It reports
// whether it accepted all calls. The map added contains the existing transactions by idempotency key; apply adds the new
// ones. The key computes the MACs of the new transactions. The parameter clock is the time that time limits are compared
// with.
//
// The results are valid only if the stored account is still equal to current when the rows are written. If it is not, the
// caller may call apply again: the new results replace the old ones.
func (p *playerCalls) apply(
	key ledgerchain.Key, current account, added map[string]users.Transaction, now, clock time.Time,
) bool {
	p.outcome = outcome{before: current, after: current}
	accepted := true
	for _, c := range p.calls {
		if c.tx, c.err = p.applyCall(key, c, added, now, clock); c.err != nil {
			accepted = false
		}
	}
	return accepted
}

func (p *playerCalls) applyCall(
	key ledgerchain.Key, c *call, added map[string]users.Transaction, now, clock time.Time,
) (users.Transaction, error) {
	if err := c.ctx.Err(); err != nil {
		return users.Transaction{}, err
	}
	if tx, ok := added[c.entry.IdempotencyKey]; ok {
		return c.replay(tx)
	}
	if after := c.entry.NotAfter; !after.IsZero() && clock.After(after) {
		return users.Transaction{}, apperr.New(apperr.DependencyUnavailable, "the entry reached the ledger too late")
	}
	after, err := p.after.apply(c.entry.Entry, now)
	if err != nil {
		return users.Transaction{}, err
	}
	r, err := newRow(key, c, after, now)
	if err != nil {
		return users.Transaction{}, err
	}
	after.head = r.tx.Mac
	p.after = after
	p.rows = append(p.rows, r)
	added[r.tx.IdempotencyKey] = r.tx
	return r.tx, nil
}

// replay returns tx, the existing transaction with the call's idempotency key. The error is IDEMPOTENCY_MISMATCH if the
// content of the call differs from the content of tx.
func (c *call) replay(tx users.Transaction) (users.Transaction, error) {
	if !bytes.Equal(c.hash, tx.ContentHash) {
		return users.Transaction{}, apperr.New(apperr.IdempotencyMismatch,
			"the idempotency key was used for another transaction")
	}
	return tx, nil
}

// apply returns the account after the entry e, which is added at the time now. Errors: NOT_FOUND if the player does not
// exist, ACCOUNT_DEACTIVATED, PLAYER_RESTRICTED, INSUFFICIENT_FUNDS, and VALIDATION_FAILED if the balance would exceed
// [money.Max]. The caller must set the head.
func (a account) apply(e users.Entry, now time.Time) (account, error) {
	if !a.exists {
		return a, apperr.New(apperr.NotFound, "player not found: %s", e.UserID)
	}
	if !a.active && e.Reverses == uuid.Nil {
		return a, apperr.New(apperr.AccountDeactivated, "the player's account is deactivated")
	}
	if e.Purpose == users.TransactionPurposePromotion && now.UnixMicro() < a.refusedUntil {
		return a, apperr.New(apperr.PlayerRestricted, "the player is restricted")
	}
	change := e.Amount
	if e.Type == users.TransactionTypeDebit {
		change = -change
	}
	balance, err := a.balance.Add(change)
	switch {
	case err != nil:
		return a, apperr.Invalid("amount", "balance", "the balance would exceed %s", money.Max)
	case balance < 0:
		return a, apperr.New(apperr.InsufficientFunds, "the balance is less than %s", e.Amount)
	}
	a.balance = balance
	a.entries++
	return a, nil
}

// newRow returns the row of a new transaction for c. The parameter after is the account after the transaction, but
// after.head is still the MAC of the previous transaction.
func newRow(key ledgerchain.Key, c *call, after account, now time.Time) (row, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return row{}, err
	}
	additional := c.entry.AdditionalData
	if additional == nil {
		additional = map[string]any{} // like scanTransaction, so that a replay returns the same value
	}
	tx := users.Transaction{
		ID:             id,
		UserID:         c.entry.UserID,
		Type:           c.entry.Type,
		Amount:         c.entry.Amount,
		BalanceAfter:   after.balance,
		Description:    c.entry.Description,
		AdditionalData: additional,
		CreatedAt:      now,
		Reverses:       c.entry.Reverses,
		Seq:            after.entries,
		IdempotencyKey: c.entry.IdempotencyKey,
		ContentHash:    c.hash,
		Purpose:        string(c.entry.Purpose),
	}
	if tx.Mac, err = key.MAC(after.head, chainEntry(tx)); err != nil {
		return row{}, err
	}
	e, err := producer.TransactionAdded(tx)
	e.Traceparent = tracing.Traceparent(c.ctx)
	return row{tx, c.entry.Data(), e, c.entry.Audit, c.entry.NotAfter}, err
}

// chainEntry returns the fields of tx that its MAC covers.
func chainEntry(tx users.Transaction) ledgerchain.Entry {
	return ledgerchain.Entry{
		ID: tx.ID, UserID: tx.UserID, Seq: tx.Seq, Type: string(tx.Type), Amount: tx.Amount, BalanceAfter: tx.BalanceAfter,
		Description: tx.Description, Data: tx.AdditionalData, CreatedAt: tx.CreatedAt, IdempotencyKey: tx.IdempotencyKey,
		ContentHash: tx.ContentHash, Reverses: tx.Reverses, Purpose: tx.Purpose,
	}
}
