package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/wire"
)

// ListNotifications answers the caller's notifications, newest first.
func (h *Handler) ListNotifications(
	ctx context.Context, r *connect.Request[notificationsv1.ListNotificationsRequest],
) (*connect.Response[notificationsv1.ListNotificationsResponse], error) {
	caller, err := player(ctx)
	if err != nil {
		return nil, err
	}
	before, err := position(r.Msg)
	if err != nil {
		return nil, err
	}
	page, err := h.service.List(ctx, caller, notifications.Query{
		Unread: r.Msg.Unread, Before: before, Limit: paging.Size(r.Msg.GetPageSize()),
	})
	if err != nil {
		return nil, err
	}
	answer := &notificationsv1.ListNotificationsResponse{
		UserId: caller.String(), Notifications: wire.FromNotifications(page.Notifications),
		Unread: int32(page.Unread), Total: int32(page.Total),
	}
	if page.Next > 0 {
		if answer.NextPageToken, err = paging.Next(r.Msg, strconv.FormatInt(page.Next, 10)); err != nil {
			return nil, err
		}
	}
	return connect.NewResponse(answer), nil
}

// position returns the number before which the page begins, 0 for the first page.
func position(r paging.Request) (int64, error) {
	text, err := paging.Position(r)
	if err != nil || text == "" {
		return 0, err
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil || before <= 0 {
		return 0, paging.Bad()
	}
	return before, nil
}
