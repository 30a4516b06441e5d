package rpc

import (
	"context"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// LedgerHandler implements LedgerService. The service is available over gRPC on the internal listener.
type LedgerHandler struct {
	usersv1.UnimplementedLedgerServiceServer
	service *users.LedgerService
}

var _ usersv1.LedgerServiceServer = (*LedgerHandler)(nil)

// NewLedgerHandler returns a handler that calls service.
func NewLedgerHandler(service *users.LedgerService) *LedgerHandler {
	return &LedgerHandler{service: service}
}

// AddTransaction adds a transaction to a player's ledger, exactly once per idempotency key.
func (l *LedgerHandler) AddTransaction(
	ctx context.Context, req *usersv1.AddTransactionRequest,
) (*usersv1.AddTransactionResponse, error) {
	e, err := toEntry(req)
	if err != nil {
		return nil, err
	}
	tx, err := l.service.AddTransaction(ctx, e)
	if err != nil {
		return nil, err
	}
	return &usersv1.AddTransactionResponse{Transaction: wire.FromTransaction(tx)}, nil
}

func toEntry(req *usersv1.AddTransactionRequest) (users.Entry, error) {
	var r fields.Reader
	e := users.Entry{
		UserID:         r.UUID("user_id", req.GetUserId(), fields.Required),
		Type:           fields.Enum(&r, "type", req.GetType(), wire.ToTransactionType, fields.Required),
		Amount:         r.Money("amount", req.GetAmount(), fields.Required),
		Description:    req.GetDescription(),
		AdditionalData: r.Struct(req.GetAdditionalData()),
		IdempotencyKey: req.GetIdempotencyKey(),
		Purpose:        fields.Enum(&r, "purpose", req.GetPurpose(), wire.ToTransactionPurpose, fields.Optional),
		NotAfter:       r.Time("notAfter", req.GetNotAfter(), fields.Optional),
	}
	return e, r.Err()
}
