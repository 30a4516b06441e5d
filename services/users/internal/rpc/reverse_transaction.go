package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ReverseTransaction reverses a transaction of a player, at most once.
func (h *Users) ReverseTransaction(
	ctx context.Context, r *connect.Request[usersv1.ReverseTransactionRequest],
) (*connect.Response[usersv1.Transaction], error) {
	admin, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	user, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("transaction_id", r.Msg.GetTransactionId())
	if err != nil {
		return nil, err
	}
	tx, err := h.ledger.ReverseTransaction(ctx, users.Reversal{
		UserID: user, TransactionID: id, Reason: r.Msg.GetReason(), By: admin,
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromTransaction(tx)), nil
}
