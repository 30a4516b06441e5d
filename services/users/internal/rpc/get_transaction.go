package rpc

import (
	"context"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// GetTransaction returns a player's transaction by its idempotency key.
func (l *LedgerHandler) GetTransaction(
	ctx context.Context, req *usersv1.GetTransactionRequest,
) (*usersv1.GetTransactionResponse, error) {
	var r fields.Reader
	user := r.UUID("user_id", req.GetUserId(), fields.Required)
	notAfter := r.Time("notAfter", req.GetNotAfter(), fields.Optional)
	if err := r.Err(); err != nil {
		return nil, err
	}
	tx, err := l.service.GetTransaction(ctx, user, req.GetIdempotencyKey(), notAfter)
	if err != nil {
		return nil, err
	}
	return &usersv1.GetTransactionResponse{Transaction: wire.FromTransaction(tx)}, nil
}
