package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/consumer"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/websocket"
)

// Metrics returns the metrics of the service.
func (a *App) Metrics() prometheus.Gatherer { return a.metrics }

// Dependencies returns the results of the last readiness checks.
func (a *App) Dependencies() []readiness.Status { return a.ready.Status() }

// measure registers the metrics of the service and adds an observer to the subscription.
func (a *App) measure() {
	a.metrics.Dependencies(a.ready.Status)
	a.metrics.Redis(a.redis)
	if s, ok := a.store.(pooled); ok {
		a.metrics.Postgres("notifications", s.pool)
	}
	addSocketMetrics(a.metrics, a.hub)
	a.subscription = a.metrics.Consumers(a.bus).Observe(consumer.Notifications(a.service))
}

// addSocketMetrics adds the live connections of a hub.
func addSocketMetrics(r *metrics.Registry, hub *websocket.Hub) {
	r.GaugeOf("websocket_connections", "Number of open live connections of this replica.", nil,
		func() float64 { return float64(hub.Sockets()) })
	r.CounterOf("websocket_frames_sent_total", "Number of notifications and read states that were sent.", nil,
		func() float64 { return float64(hub.Stats().Frames) })
	r.CounterOf("websocket_slow_closes_total", "Number of live connections that were closed because the client was too slow.",
		nil, func() float64 { return float64(hub.Stats().Slow) })
}
