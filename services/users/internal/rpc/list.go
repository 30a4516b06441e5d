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

// ListUsers looks users up, newest first.
func (h *Users) ListUsers(ctx context.Context, r *connect.Request[usersv1.ListUsersRequest]) (*connect.Response[usersv1.ListUsersResponse], error) {
	page, err := pageOf(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	filter := users.UserFilter{Email: r.Msg.GetEmail(), Role: wire.ToRole(r.Msg.GetRole()), IsActive: r.Msg.IsActive}
	listed, err := h.service.List(ctx, filter, page)
	if err != nil {
		return nil, err
	}
	next, err := nextPage(r.Msg, listed, func(u users.User) string { return u.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&usersv1.ListUsersResponse{
		Users: wire.FromUsers(listed.Items), NextPageToken: next, Total: int32(listed.Total),
	}), nil
}

// pageOf reads which page is asked for; parse reads the key of an item.
func pageOf[Key any](r paging.Request, parse func(string) (Key, error)) (users.Page[Key], error) {
	page := users.Page[Key]{Size: paging.Size(r.GetPageSize())}
	position, err := paging.Position(r)
	if err != nil || position == "" {
		return page, err
	}
	if page.Before, err = parse(position); err != nil {
		return page, paging.Bad()
	}
	return page, nil
}

// nextPage is the token of the page after listed, if there is one.
func nextPage[T any](r paging.Request, listed users.Listed[T], key func(T) string) (string, error) {
	if !listed.More {
		return "", nil
	}
	return paging.Next(r, key(listed.Items[len(listed.Items)-1]))
}
