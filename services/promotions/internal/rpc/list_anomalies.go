package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListAnomalies returns a page of anomalies, newest first.
func (h *Anomalies) ListAnomalies(ctx context.Context, r *connect.Request[promotionsv1.ListAnomaliesRequest]) (*connect.Response[promotionsv1.ListAnomaliesResponse], error) {
	page, err := paging.Parse(r.Msg, uuid.Parse)
	if err != nil {
		return nil, err
	}
	listed, err := h.monitor.ListAnomalies(ctx, promotions.AnomalyFilter{
		Seen: r.Msg.Seen, Rule: wire.ToAnomalyRule(r.Msg.GetRule()),
	}, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(a promotions.Anomaly) string { return a.ID.String() })
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListAnomaliesResponse{
		Anomalies: wire.FromAnomalies(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
