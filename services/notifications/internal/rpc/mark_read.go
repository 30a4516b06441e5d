package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

// MarkRead marks some or all notifications of the caller as read and returns the number of unread ones.
func (h *Handler) MarkRead(
	ctx context.Context, r *connect.Request[notificationsv1.MarkReadRequest],
) (*connect.Response[notificationsv1.MarkReadResponse], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	var unread int
	if r.Msg.GetAll() {
		unread, err = h.service.MarkAllRead(ctx, caller)
	} else {
		var ids []uuid.UUID
		if ids, err = rpcserver.IDs("ids", r.Msg.GetIds()); err == nil {
			unread, err = h.service.MarkRead(ctx, caller, ids)
		}
	}
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&notificationsv1.MarkReadResponse{Unread: int32(unread)}), nil
}
