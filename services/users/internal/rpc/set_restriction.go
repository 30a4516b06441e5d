package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// SetRestriction restricts a player.
func (h *Restrictions) SetRestriction(
	ctx context.Context, r *connect.Request[usersv1.SetRestrictionRequest],
) (*connect.Response[usersv1.Restriction], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	player, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	until, err := instant("until", r.Msg.GetUntil())
	if err != nil {
		return nil, err
	}
	set, err := h.service.SetRestriction(ctx, users.RestrictionParams{
		Player: player, Kind: wire.ToRestrictionKind(r.Msg.GetKind()), Until: until, Reason: r.Msg.GetReason(), By: caller,
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromRestriction(set)), nil
}
