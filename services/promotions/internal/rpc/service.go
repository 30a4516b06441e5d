// Package rpc implements the promotions API, with one file per procedure. A handler converts the request, calls the domain
// and converts the result. The interceptors of rpcserver authorise the caller, validate the request and encode errors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Handler implements PromotionService.
type Handler struct{ service *promotions.Service }

// Anomalies implements AnomalyService.
type Anomalies struct{ monitor *promotions.Monitor }

var (
	_ promotionsv1connect.PromotionServiceHandler = (*Handler)(nil)
	_ promotionsv1connect.AnomalyServiceHandler   = (*Anomalies)(nil)
)

// New returns a handler that calls service.
func New(service *promotions.Service) *Handler { return &Handler{service} }

// NewAnomalies returns a handler that calls monitor.
func NewAnomalies(monitor *promotions.Monitor) *Anomalies { return &Anomalies{monitor} }
