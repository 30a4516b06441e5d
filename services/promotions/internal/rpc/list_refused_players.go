package rpc

import (
	"context"
	"strconv"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// ListRefusedPlayers returns a page of the players whom a job has refused.
func (h *Jobs) ListRefusedPlayers(ctx context.Context, r *connect.Request[promotionsv1.ListRefusedPlayersRequest]) (*connect.Response[promotionsv1.ListRefusedPlayersResponse], error) {
	id, err := rpcserver.ID("job_id", r.Msg.GetJobId())
	if err != nil {
		return nil, err
	}
	page, err := paging.Parse(r.Msg, paging.Number)
	if err != nil {
		return nil, err
	}
	listed, err := h.service.ListRefusedPlayers(ctx, id, page)
	if err != nil {
		return nil, err
	}
	next, err := paging.NextToken(r.Msg, listed, func(p promotions.RefusedPlayer) string {
		return strconv.FormatInt(p.Number, 10)
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&promotionsv1.ListRefusedPlayersResponse{
		Refused: wire.FromRefusedPlayers(listed.Items), NextPageToken: next,
		Total: int32(listed.Total), TotalIsEstimate: listed.TotalIsEstimate,
	}), nil
}
