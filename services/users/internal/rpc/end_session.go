package rpc

import (
	"context"

	"connectrpc.com/connect"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// EndMySession ends a session of the caller.
func (h *Users) EndMySession(
	ctx context.Context, r *connect.Request[usersv1.EndMySessionRequest],
) (*connect.Response[usersv1.EndMySessionResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("session_id", r.Msg.GetSessionId())
	if err != nil {
		return nil, err
	}
	if err := h.service.EndSession(ctx, caller, id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.EndMySessionResponse{}), nil
}

// EndMySessions ends the caller's other sessions.
func (h *Users) EndMySessions(
	ctx context.Context, _ *connect.Request[usersv1.EndMySessionsRequest],
) (*connect.Response[usersv1.EndMySessionsResponse], error) {
	caller, current, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.service.EndSessions(ctx, caller, current); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.EndMySessionsResponse{}), nil
}

// EndSession ends a session of a user.
func (h *Users) EndSession(
	ctx context.Context, r *connect.Request[usersv1.EndSessionRequest],
) (*connect.Response[usersv1.EndSessionResponse], error) {
	user, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("session_id", r.Msg.GetSessionId())
	if err != nil {
		return nil, err
	}
	if err := h.service.EndSession(ctx, user, id); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.EndSessionResponse{}), nil
}

// EndSessions ends a user's sessions, except the session of the caller.
func (h *Users) EndSessions(
	ctx context.Context, r *connect.Request[usersv1.EndSessionsRequest],
) (*connect.Response[usersv1.EndSessionsResponse], error) {
	_, current, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return nil, err
	}
	user, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	if err := h.service.EndSessions(ctx, user, current); err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.EndSessionsResponse{}), nil
}
