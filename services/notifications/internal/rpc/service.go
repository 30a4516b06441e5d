// Package rpc serves the notifications API, with one file per method. A method converts the request, calls the domain and
// converts the result. The server's interceptors authorise callers, validate requests and encode errors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Handler implements NotificationService.
type Handler struct{ service *notifications.Service }

var _ notificationsv1connect.NotificationServiceHandler = (*Handler)(nil)

// New returns a handler that calls service.
func New(service *notifications.Service) *Handler { return &Handler{service} }
