package rpc

import (
	"context"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// MarkAnomalySeen marks an anomaly as seen by the caller.
func (h *Anomalies) MarkAnomalySeen(ctx context.Context, r *connect.Request[promotionsv1.MarkAnomalySeenRequest]) (*connect.Response[promotionsv1.Anomaly], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := rpcserver.ID("anomaly_id", r.Msg.GetAnomalyId())
	if err != nil {
		return nil, err
	}
	a, err := h.monitor.MarkAnomalySeen(ctx, id, caller)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromAnomaly(a)), nil
}
