package rpc

import (
	"context"
	"math"
	"time"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// GetPromotionStats returns the statistics of a promotion.
func (h *Handler) GetPromotionStats(ctx context.Context, r *connect.Request[promotionsv1.GetPromotionStatsRequest]) (*connect.Response[promotionsv1.PromotionStats], error) {
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	var read fields.Reader
	from := read.Date("from", r.Msg.GetFrom(), fields.Optional)
	to := read.Date("to", r.Msg.GetTo(), fields.Optional)
	if err := read.Err(); err != nil {
		return nil, err
	}
	stats, err := h.service.Stats(ctx, promotion, from, to)
	if err != nil {
		return nil, err
	}
	t := stats.Totals
	return connect.NewResponse(&promotionsv1.PromotionStats{
		Totals: &promotionsv1.PromotionTotals{
			Assigned: int32(t.Assigned), Claimed: int32(t.Claimed), Expired: int32(t.Expired), Revoked: int32(t.Revoked),
			Cost: t.Cost.String(),
		},
		Conversion:           stats.Conversion,
		MedianSecondsToClaim: int32(min(stats.MedianToClaim/time.Second, math.MaxInt32)),
		Series: fields.Slice(stats.Days, func(d promotions.DayCounts) *promotionsv1.PromotionDayStats {
			return &promotionsv1.PromotionDayStats{
				Date: d.Day.String(), Assigned: int32(d.Assigned), Claimed: int32(d.Claimed), Expired: int32(d.Expired),
				Revoked: int32(d.Revoked), Cost: d.Cost.String(),
			}
		}),
	}), nil
}
