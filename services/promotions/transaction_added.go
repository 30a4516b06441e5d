package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Entry is an entry of the ledger, as its event reports it.
type Entry struct {
	EventID string
	// Key is the idempotency key of the entry. For a claim, it is the id of the assignment.
	Key         string
	Transaction Transaction
	// At is when the entry was added.
	At time.Time
}

// TransactionAdded processes a new entry of the ledger. It is idempotent per event.
//
// For a credit whose key is the id of an assignment, it marks the assignment as claimed. This repairs a claim that stopped
// between the payment and the mark. The bus is not trusted: TransactionAdded asks the ledger before it marks an assignment.
// It fails with IDEMPOTENCY_MISMATCH if the entry does not match the assignment, or if the ledger has no such entry.
//
// It counts the entry and reports the anomalies that the rules find. The repair precedes the rules, so a repaired claim is
// never reported as a credit without a claim. An entry whose time is more than a day off is not counted.
func (m *Monitor) TransactionAdded(ctx context.Context, e Entry) error {
	params := m.recordParams(e)
	recorded, err := m.store.RecordEntry(ctx, params)
	if err == nil && recorded.Unconfirmed {
		if err := m.confirm(ctx, e); err != nil {
			return err
		}
		params.Confirmed = true
		recorded, err = m.store.RecordEntry(ctx, params)
	}
	if err != nil {
		return err
	}
	for _, a := range recorded.Anomalies {
		m.alert(ctx, a)
	}
	if p := recorded.Assignment; p != nil && !p.paidBy(e.Transaction) {
		return apperr.New(apperr.IdempotencyMismatch, "assignment %s of %s to %s does not match transaction %s of %s to %s",
			e.Key, p.Amount, p.UserID, e.Transaction.ID, e.Transaction.Amount, e.Transaction.UserID)
	}
	return nil
}

// confirm asks the ledger whether it has the entry. The error is IDEMPOTENCY_MISMATCH if it has not.
func (m *Monitor) confirm(ctx context.Context, e Entry) error {
	t := e.Transaction
	tx, err := m.ledger.Transaction(ctx, t.UserID, e.Key)
	switch {
	case apperr.CodeOf(err) == apperr.NotFound:
		return apperr.New(apperr.IdempotencyMismatch, "the ledger has no transaction of %s with the key %s", t.UserID, e.Key)
	case err != nil:
		return err
	case tx.ID != t.ID || tx.UserID != t.UserID || tx.Type != t.Type || tx.Amount != t.Amount:
		return apperr.New(apperr.IdempotencyMismatch, "transaction %s of %s to %s is not transaction %s of the ledger",
			t.ID, t.Amount, t.UserID, tx.ID)
	}
	return nil
}

func (m *Monitor) recordParams(e Entry) RecordParams {
	now := m.now()
	if e.At.IsZero() {
		e.At = now
	}
	r := RecordParams{
		EventID: e.EventID, Transaction: e.Transaction, Promotion: e.promotion(), ClaimedAt: now,
		EarlierMinimum: m.rules.ClaimRate.Minimum,
		Judge: func(o Observation) ([]Anomaly, error) {
			found := m.rules.judge(e, o)
			for i := range found {
				id, err := uuid.NewV7()
				if err != nil {
					return nil, err
				}
				found[i].ID, found[i].CreatedAt = id, now
			}
			return found, nil
		},
	}
	if id, err := uuid.Parse(e.Key); err == nil && id.String() == e.Key && e.Transaction.Type == TransactionTypeCredit {
		r.Assignment = id
	}
	if now.Sub(e.At).Abs() <= maxClockOffset {
		r.Window = m.rules.window(e.At)
		r.EarlierFrom = r.Window.Start.Add(-m.rules.history())
	}
	return r
}

// promotion returns the promotion of a credit, or uuid.Nil if the entry does not name one.
func (e Entry) promotion() uuid.UUID {
	text, _ := e.Transaction.AdditionalData["promotionId"].(string)
	id, err := uuid.Parse(text)
	if err != nil || e.Transaction.Type != TransactionTypeCredit {
		return uuid.Nil
	}
	return id
}
