package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ListMyTransactions returns the caller's own transactions, newest first.
func (h *Users) ListMyTransactions(
	ctx context.Context, r *connect.Request[usersv1.ListMyTransactionsRequest],
) (*connect.Response[usersv1.ListMyTransactionsResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	listed, next, err := h.transactions(ctx, caller, r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListMyTransactionsResponse{
		Transactions: wire.FromTransactions(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}

// ListTransactions returns a user's transactions, newest first.
func (h *Users) ListTransactions(
	ctx context.Context, r *connect.Request[usersv1.ListTransactionsRequest],
) (*connect.Response[usersv1.ListTransactionsResponse], error) {
	id, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	listed, next, err := h.transactions(ctx, id, r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListTransactionsResponse{
		Transactions: wire.FromTransactions(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}

// transactionsRequest is implemented by the requests of both methods.
type transactionsRequest interface {
	paging.Request
	GetType() usersv1.TransactionType
}

// transactions returns a page of a user's transactions and the token of the next page.
func (h *Users) transactions(
	ctx context.Context, user uuid.UUID, r transactionsRequest,
) (keyset.Page[users.Transaction], string, error) {
	var none keyset.Page[users.Transaction]
	page, err := paging.Parse(r, paging.Number)
	if err != nil {
		return none, "", err
	}
	filter := users.TransactionFilter{Type: wire.ToTransactionType(r.GetType())}
	listed, err := h.service.ListTransactions(ctx, user, filter, page)
	if err != nil {
		return none, "", err
	}
	next, err := paging.NextToken(r, listed, func(t users.Transaction) string { return strconv.FormatInt(t.Seq, 10) })
	return listed, next, err
}
