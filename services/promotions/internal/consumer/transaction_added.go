package consumer

import (
	"context"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventproto"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Transactions returns the subscription that repairs claims which were paid but not marked as claimed, and watches the
// ledger for anomalies.
func Transactions(m *promotions.Monitor) event.Subscription {
	check := eventproto.Checker((&usersv1.TransactionEvent{}).ProtoReflect().Descriptor())
	return usersv1event.OnTransactionEvent(Group, func(ctx context.Context, e event.Event, t *usersv1.TransactionEvent) error {
		if t.GetEventType() != usersv1.TransactionEventType_TRANSACTION_ADDED {
			return nil
		}
		switch t.GetTransaction().GetType() {
		case usersv1.TransactionType_CREDIT, usersv1.TransactionType_DEBIT, usersv1.TransactionType_TRANSACTION_TYPE_UNSPECIFIED:
		default:
			return nil // an entry of a type that is newer than this service
		}
		if err := check(t); err != nil {
			return err
		}
		tx, err := wire.ToTransaction(t.GetTransaction())
		if err != nil {
			return event.Permanentf("transaction: %w", err)
		}
		if tx.UserID.String() != t.GetUserId() {
			return event.Permanentf("transaction.user_id: must equal user_id")
		}
		err = m.TransactionAdded(ctx, promotions.Entry{
			EventID: e.ID, Key: t.GetIdempotencyKey(), Transaction: tx, At: e.Time,
		})
		if apperr.CodeOf(err) == apperr.IdempotencyMismatch {
			return event.Permanent(err) // a retry cannot change the transaction
		}
		return err
	})
}
