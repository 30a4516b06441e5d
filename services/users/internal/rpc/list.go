package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// ListUsers returns users, newest first.
func (h *Users) ListUsers(
	ctx context.Context, r *connect.Request[usersv1.ListUsersRequest],
) (*connect.Response[usersv1.ListUsersResponse], error) {
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	filter := users.UserFilter{
		EmailPrefix: r.Msg.GetEmail(), Role: wire.ToRole(r.Msg.GetRole()), IsActive: r.Msg.IsActive,
	}
	listed, err := h.service.List(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(u users.User) string { return u.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListUsersResponse{
		Users: wire.FromUsers(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
