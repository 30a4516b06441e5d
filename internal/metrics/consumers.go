package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Consumers holds the metrics of a service's subscriptions.
type Consumers struct {
	registry                       *Registry
	bus                            event.Bus
	handled, retried, deadLettered *prometheus.CounterVec
	duration                       *prometheus.HistogramVec
	delay                          *prometheus.GaugeVec
}

// Consumers registers the metrics of the subscriptions to topics of bus.
func (r *Registry) Consumers(bus event.Bus) *Consumers {
	labels := []string{"topic", "group"}
	return &Consumers{
		registry: r, bus: bus,
		handled:      r.Counter("consumer_events_handled_total", "Number of events that were handled.", labels...),
		retried:      r.Counter("consumer_event_retries_total", "Number of failed handler calls that are repeated.", labels...),
		deadLettered: r.Counter("consumer_dead_letters_total", "Number of events that became dead letters.", labels...),
		duration: r.Histogram("consumer_event_duration_seconds", "Duration of the last call of the handler for an event.",
			durations(), labels...),
		delay: r.Gauge("consumer_last_event_age_seconds",
			"Age of the last handled event at the end of its handling: the time since it happened.", labels...),
	}
}

// Observe returns s with an observer. It also registers the lag of the group and the number of dead letters of the topic.
func (c *Consumers) Observe(s event.Subscription) event.Subscription {
	labels := Labels{"topic": s.Topic, "group": s.Group}
	c.registry.remote(labels, func(ctx context.Context) ([]float64, error) {
		lag, err := c.bus.Lag(ctx, s.Group, s.Topic)
		return []float64{float64(lag)}, err
	}, remoteGauge{"consumer_lag_events", "Number of events that the group has not handled. All replicas report it."})
	c.registry.remote(Labels{"topic": s.Topic}, func(ctx context.Context) ([]float64, error) {
		depth, err := c.bus.Depth(ctx, s.Topic)
		return []float64{float64(depth)}, err
	}, remoteGauge{"dead_letters", "Number of dead letters of the topic, of all groups, that were not replayed."})
	s.Observer = &consumer{
		handled: c.handled.With(labels), retried: c.retried.With(labels), deadLettered: c.deadLettered.With(labels),
		duration: c.duration.With(labels), delay: c.delay.With(labels),
	}
	return s
}

// consumer implements event.Observer for one subscription.
type consumer struct {
	handled, retried, deadLettered prometheus.Counter
	duration                       prometheus.Observer
	delay                          prometheus.Gauge
}

func (c *consumer) Handled(e event.Event, took time.Duration) {
	c.handled.Inc()
	c.duration.Observe(took.Seconds())
	c.delay.Set(max(0, time.Since(e.Time).Seconds()))
}

func (c *consumer) Retried()      { c.retried.Inc() }
func (c *consumer) DeadLettered() { c.deadLettered.Inc() }
