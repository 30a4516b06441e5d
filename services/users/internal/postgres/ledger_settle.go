package postgres

import (
	"bytes"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
)

// settlement is what a player's calls come to.
type settlement struct {
	before, after account
	rows          []row
}

// row is a new transaction with what else is written for it.
type row struct {
	tx    users.Transaction
	data  []byte // its AdditionalData as JSON
	event event.Event
}

// settle works out w's calls one after the other, from the player's account before them and the transactions whose keys
// are known, to which it adds the new ones. It reports whether no call was refused.
//
// The answers it leaves in the calls hold only if the account is still the same when the rows are written; until then the
// calls may be settled again.
func (w *work) settle(before account, known map[string]users.Transaction, now time.Time) bool {
	w.settlement = settlement{before: before, after: before}
	accepted := true
	for _, c := range w.calls {
		if c.tx, c.err = w.settleCall(c, known, now); c.err != nil {
			accepted = false
		}
	}
	return accepted
}

func (w *work) settleCall(c *call, known map[string]users.Transaction, now time.Time) (users.Transaction, error) {
	if err := c.ctx.Err(); err != nil {
		return users.Transaction{}, err // nobody waits for it
	}
	if tx, ok := known[c.entry.IdempotencyKey]; ok {
		return c.replay(tx)
	}
	after, err := w.after.apply(c.entry)
	if err != nil {
		return users.Transaction{}, err
	}
	r, err := newRow(c, after, now)
	if err != nil {
		return users.Transaction{}, err
	}
	w.after = after
	w.rows = append(w.rows, r)
	known[r.tx.IdempotencyKey] = r.tx
	return r.tx, nil
}

// replay answers a call whose key is known.
func (c *call) replay(tx users.Transaction) (users.Transaction, error) {
	if !bytes.Equal(c.hash, tx.ContentHash) {
		return users.Transaction{}, apperr.New(apperr.IdempotencyMismatch,
			"the idempotency key was used for another transaction")
	}
	return tx, nil
}

// apply is the ledger's arithmetic.
func (a account) apply(e users.Entry) (account, error) {
	if !a.exists {
		return a, apperr.New(apperr.NotFound, "there is no player %s", e.UserID)
	}
	if !a.active {
		return a, apperr.New(apperr.AccountDeactivated, "the player's account is deactivated")
	}
	change := e.Amount
	if e.Type == users.TransactionTypeDebit {
		change = -change
	}
	balance, err := a.balance.Add(change)
	switch {
	case err != nil:
		return a, apperr.Invalid("amount", "balance", "the balance would be above %s", money.Max)
	case balance < 0:
		return a, apperr.New(apperr.InsufficientFunds, "the balance is below %s", e.Amount)
	}
	a.balance = balance
	a.entries++
	return a, nil
}

// newRow makes the transaction that a call asks for. Its event carries its id: there is one for each.
func newRow(c *call, after account, now time.Time) (row, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return row{}, err
	}
	data := c.entry.AdditionalData
	if data == nil {
		data = map[string]any{} // as a replay reads it
	}
	tx := users.Transaction{
		ID:             id,
		UserID:         c.entry.UserID,
		Type:           c.entry.Type,
		Amount:         c.entry.Amount,
		BalanceAfter:   after.balance,
		Description:    c.entry.Description,
		AdditionalData: data,
		CreatedAt:      now,
		Seq:            after.entries,
		IdempotencyKey: c.entry.IdempotencyKey,
		ContentHash:    c.hash,
	}
	e, err := producer.TransactionAdded(tx)
	return row{tx, c.data, e}, err
}
