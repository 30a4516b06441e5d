package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/wire"
)

// ListNotifications returns a page of the caller's notifications, newest first.
func (h *Handler) ListNotifications(
	ctx context.Context, r *connect.Request[notificationsv1.ListNotificationsRequest],
) (*connect.Response[notificationsv1.ListNotificationsResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	page, err := paging.Parse(r.Msg, paging.Number)
	if err != nil {
		return nil, err
	}
	listed, unread, err := h.service.List(ctx, caller, notifications.NotificationFilter{Unread: r.Msg.Unread}, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(n notifications.Notification) string {
		return strconv.FormatInt(n.Seq, 10)
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&notificationsv1.ListNotificationsResponse{
		UserId: caller.String(), Notifications: wire.FromNotifications(listed.Items), NextPageToken: next,
		Unread: int32(unread), Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
