package app

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users/internal/rpc"
)

// StandaloneLedger is the ledger without the rest of the service. It needs no Redis and no message bus.
type StandaloneLedger struct {
	*users.LedgerService
	store *store.Ledger
}

// OpenLedger opens the ledger of a migrated database. The ledger calls wake after each commit that appended to the outbox.
// wake must not block. The caller must call Close.
func OpenLedger(
	ctx context.Context, pool *pgxpool.Pool, key ledgerchain.Key, wake func(), log *slog.Logger,
) (*StandaloneLedger, error) {
	l, err := store.NewLedger(ctx, pool, key, wake, log, store.LedgerOptions{})
	if err != nil {
		return nil, err
	}
	return &StandaloneLedger{users.NewLedgerService(l), l}, nil
}

// ReverseTransaction does the same as [users.LedgerService.ReverseTransaction], for an operator. It checks the reason with
// the rules of the API.
func (l *StandaloneLedger) ReverseTransaction(ctx context.Context, r users.Reversal) (users.Transaction, error) {
	request := &usersv1.ReverseTransactionRequest{
		UserId: r.UserID.String(), TransactionId: r.TransactionID.String(), Reason: r.Reason,
	}
	if err := validate(request); err != nil {
		return users.Transaction{}, err
	}
	r.Reason = request.GetReason()
	return l.LedgerService.ReverseTransaction(ctx, r)
}

// Register registers LedgerService on server.
func (l *StandaloneLedger) Register(server grpc.ServiceRegistrar) {
	usersv1.RegisterLedgerServiceServer(server, rpc.NewLedgerHandler(l.LedgerService))
}

// Close refuses further calls and waits for the calls in progress.
func (l *StandaloneLedger) Close() { l.store.Close() }
