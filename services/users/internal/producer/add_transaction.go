package producer

import (
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// TransactionAdded returns the event TRANSACTION_ADDED for tx. Each transaction has exactly one event, so the event has the
// id and the time of the transaction.
func TransactionAdded(tx users.Transaction) (event.Event, error) {
	return usersv1event.NewTransactionEvent(tx.ID, tx.CreatedAt, &usersv1.TransactionEvent{
		EventType:      usersv1.TransactionEventType_TRANSACTION_ADDED,
		UserId:         tx.UserID.String(),
		Transaction:    wire.FromTransaction(tx),
		IdempotencyKey: tx.IdempotencyKey,
	})
}
