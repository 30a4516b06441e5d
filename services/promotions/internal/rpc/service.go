// Package rpc implements the promotions API, with one file per procedure. A handler converts the request, calls the domain
// and converts the result. The interceptors of rpcserver authorise the caller, validate the request and encode errors.
package rpc

import (
	"context"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/paging"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Handler implements PromotionService.
type Handler struct{ service *promotions.Service }

// Anomalies implements AnomalyService.
type Anomalies struct{ monitor *promotions.Monitor }

// Jobs implements AssignmentJobService.
type Jobs struct{ service *promotions.Service }

var (
	_ promotionsv1connect.PromotionServiceHandler = (*Handler)(nil)
	_ promotionsv1connect.AnomalyServiceHandler   = (*Anomalies)(nil)

	_ promotionsv1connect.AssignmentJobServiceHandler = (*Jobs)(nil)
)

// New returns a handler that calls service.
func New(service *promotions.Service) *Handler { return &Handler{service} }

// NewAnomalies returns a handler that calls monitor.
func NewAnomalies(monitor *promotions.Monitor) *Anomalies { return &Anomalies{monitor} }

// NewJobs returns a handler that calls service.
func NewJobs(service *promotions.Service) *Jobs { return &Jobs{service} }

// oneJob calls a use case with the id of a job and returns the job that the use case returns.
func oneJob(
	ctx context.Context, id string, do func(context.Context, uuid.UUID) (promotions.AssignmentJob, error),
) (*connect.Response[promotionsv1.AssignmentJob], error) {
	job, err := rpcserver.ID("job_id", id)
	if err != nil {
		return nil, err
	}
	j, err := do(ctx, job)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromAssignmentJob(j)), nil
}

// one calls a use case with the id of a promotion and returns the promotion that the use case returns.
func one(
	ctx context.Context, id string, do func(context.Context, uuid.UUID) (promotions.Promotion, error),
) (*connect.Response[promotionsv1.Promotion], error) {
	promotion, err := rpcserver.ID("promotion_id", id)
	if err != nil {
		return nil, err
	}
	p, err := do(ctx, promotion)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(wire.FromPromotion(p)), nil
}

// listOf returns a page of what belongs to the resource whose id is in a field of a request, and the token of the next page.
func listOf[T any](
	ctx context.Context, r paging.Request, field, id string,
	list func(context.Context, uuid.UUID, keyset.PageRequest[uuid.UUID]) (keyset.Page[T], error), key func(T) uuid.UUID,
) (listed keyset.Page[T], next string, err error) {
	of, err := rpcserver.ID(field, id)
	if err != nil {
		return listed, "", err
	}
	page, err := paging.Parse(r, uuid.Parse)
	if err != nil {
		return listed, "", err
	}
	if listed, err = list(ctx, of, page); err != nil {
		return listed, "", err
	}
	next, err = paging.NextToken(r, listed, func(item T) string { return key(item).String() })
	return listed, next, err
}
