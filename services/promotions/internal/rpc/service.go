// Package rpc serves the promotions API: one file per verb, which converts, calls the domain and converts back. Who may
// call, what is valid and how errors travel is settled before and after, by the server's interceptors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Handler implements PromotionService.
type Handler struct{ service *promotions.Service }

var _ promotionsv1connect.PromotionServiceHandler = (*Handler)(nil)

// New returns a handler of service's use cases.
func New(service *promotions.Service) *Handler { return &Handler{service} }
