// Package rpc serves the notifications API: one file per verb, which converts, calls the domain and converts back.
// Who may call, what is valid and how errors travel is settled before and after, by the server's interceptors.
package rpc

import (
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1connect"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Handler implements NotificationService.
type Handler struct{ service *notifications.Service }

var _ notificationsv1connect.NotificationServiceHandler = (*Handler)(nil)

// New returns a handler of service's use cases.
func New(service *notifications.Service) *Handler { return &Handler{service} }
