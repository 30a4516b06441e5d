package consumer

import (
	"context"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Transactions returns the subscription that repairs claims which were paid but not marked as claimed.
func Transactions(s *promotions.Service) event.Subscription {
	return usersv1event.OnTransactionEvent(Group, func(ctx context.Context, _ event.Event, m *usersv1.TransactionEvent) error {
		if m.GetEventType() != usersv1.TransactionEventType_TRANSACTION_ADDED {
			return nil
		}
		switch m.GetTransaction().GetType() {
		case usersv1.TransactionType_CREDIT, usersv1.TransactionType_TRANSACTION_TYPE_UNSPECIFIED:
		default:
			return nil // only credits pay claims; an unknown type is newer than this service
		}
		tx, err := wire.ToTransaction(m.GetTransaction())
		if err != nil {
			return event.Permanentf("transaction: %w", err)
		}
		err = s.Credited(ctx, m.GetIdempotencyKey(), tx)
		if apperr.CodeOf(err) == apperr.IdempotencyMismatch {
			return event.Permanent(err) // a retry cannot change the transaction
		}
		return err
	})
}
