// Package rpc implements the promotions API, with one file per procedure. A handler converts the request, calls the domain
// and converts the result. The interceptors of rpcserver authorise the caller, validate the request and encode errors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Handler implements PromotionService.
type Handler struct{ service *promotions.Service }

var _ promotionsv1connect.PromotionServiceHandler = (*Handler)(nil)

// New returns a handler that calls service.
func New(service *promotions.Service) *Handler { return &Handler{service} }
