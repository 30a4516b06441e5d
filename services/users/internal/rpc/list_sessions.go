package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// ListMySessions returns the caller's sessions, newest first.
func (h *Users) ListMySessions(
	ctx context.Context, r *connect.Request[usersv1.ListMySessionsRequest],
) (*connect.Response[usersv1.ListMySessionsResponse], error) {
	caller, current, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return nil, err
	}
	listed, next, total, err := h.sessions(ctx, caller, current, r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListMySessionsResponse{Sessions: listed, NextPageToken: next, Total: total}), nil
}

// ListSessions returns a user's sessions, newest first.
func (h *Users) ListSessions(
	ctx context.Context, r *connect.Request[usersv1.ListSessionsRequest],
) (*connect.Response[usersv1.ListSessionsResponse], error) {
	_, current, err := rpcserver.CallerSession(ctx)
	if err != nil {
		return nil, err
	}
	user, err := rpcserver.ID("user_id", r.Msg.GetUserId())
	if err != nil {
		return nil, err
	}
	listed, next, total, err := h.sessions(ctx, user, current, r.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListSessionsResponse{Sessions: listed, NextPageToken: next, Total: total}), nil
}

// sessions returns a page of a user's sessions, the token of the next page, and the number of sessions.
func (h *Users) sessions(
	ctx context.Context, user, current uuid.UUID, r paging.Request,
) (listed []*usersv1.Session, next string, total int32, err error) {
	page, err := paging.Parse(r, uuid.Parse)
	if err != nil {
		return nil, "", 0, err
	}
	found, err := h.service.ListSessions(ctx, user, page)
	if err != nil {
		return nil, "", 0, err
	}
	for _, one := range found.Items {
		listed = append(listed, fromSession(one, current))
	}
	next, err = paging.NextToken(r, found, func(one session.Session) string { return one.ID.String() })
	return listed, next, int32(found.Total), err
}

func fromSession(s session.Session, current uuid.UUID) *usersv1.Session {
	address := ""
	if s.Client.Address.IsValid() {
		address = s.Client.Address.String()
	}
	return &usersv1.Session{
		Id: s.ID.String(), CreatedAt: fields.Time(s.CreatedAt), LastUsedAt: fields.Time(s.LastUsedAt),
		Address: address, UserAgent: s.Client.UserAgent, Current: s.ID == current,
	}
}
