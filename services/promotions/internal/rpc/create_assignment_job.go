package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CreateAssignmentJob creates a job and records the caller as the employee who created it.
func (h *Jobs) CreateAssignmentJob(ctx context.Context, r *connect.Request[promotionsv1.CreateAssignmentJobRequest]) (*connect.Response[promotionsv1.AssignmentJob], error) {
	caller, err := rpcserver.Caller(ctx)
	if err != nil {
		return nil, err
	}
	promotion, err := rpcserver.ID("promotion_id", r.Msg.GetPromotionId())
	if err != nil {
		return nil, err
	}
	audience, err := audienceOf(r.Msg.GetAudience())
	if err != nil {
		return nil, err
	}
	j, err := h.service.CreateAssignmentJob(ctx, promotions.NewJob{
		Promotion: promotion, Audience: audience, DryRun: r.Msg.GetDryRun(), Reassign: r.Msg.GetReassign(), By: caller,
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromAssignmentJob(j)), nil
}

// audienceOf converts an audience.
func audienceOf(m *promotionsv1.AssignmentJobAudience) (promotions.JobAudience, error) {
	players, err := rpcserver.IDs("audience.playerIds", m.GetPlayerIds())
	if err != nil {
		return promotions.JobAudience{}, err
	}
	a := promotions.JobAudience{Players: players, All: m.GetAll()}
	f := m.GetFilter()
	if f == nil {
		return a, nil
	}
	not, err := rpcserver.IDs("audience.filter.notAssignedPromotionIds", f.GetNotAssignedPromotionIds())
	if err != nil {
		return promotions.JobAudience{}, err
	}
	a.Filter = &promotions.JobFilter{
		RegisteredFrom: timeOf(f.GetRegisteredFrom()), RegisteredTo: timeOf(f.GetRegisteredTo()),
		ClaimedTypes: typesOf(f.GetClaimedTypes()), NotClaimedTypes: typesOf(f.GetNotClaimedTypes()),
		NotAssignedPromotionIDs: not, LastClaimBefore: timeOf(f.GetLastClaimBefore()),
	}
	return a, nil
}

// timeOf returns the zero time for nil.
func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func typesOf(given []promotionsv1.PromotionType) []promotions.PromotionType {
	types := make([]promotions.PromotionType, len(given))
	for i, t := range given {
		types[i] = wire.ToPromotionType(t)
	}
	return types
}
