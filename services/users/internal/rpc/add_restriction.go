package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// AddMyRestriction restricts the caller.
func (h *Restrictions) AddMyRestriction(
	ctx context.Context, r *connect.Request[usersv1.AddMyRestrictionRequest],
) (*connect.Response[usersv1.OwnRestriction], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	until, err := instant("until", r.Msg.GetUntil())
	if err != nil {
		return nil, err
	}
	added, err := h.service.AddRestriction(ctx, caller, wire.ToRestrictionKind(r.Msg.GetKind()), until)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromOwnRestriction(added)), nil
}
