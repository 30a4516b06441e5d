package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/alert"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/consumer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/ledger"
)

// Metrics returns the metrics of the service.
func (a *App) Metrics() prometheus.Gatherer { return a.metrics }

// Dependencies returns the results of the last readiness checks.
func (a *App) Dependencies() []readiness.Status { return a.ready.Status() }

// measure registers the metrics of the service and adds observers to the claims and the subscriptions.
func (a *App) measure(payer *ledger.Client, alerts *alert.Alerts) {
	a.metrics.Dependencies(a.ready.Status)
	a.metrics.Postgres("promotions", a.pool)
	a.metrics.Redis(a.redis)
	a.metrics.Outbox(a.pool, a.relay)
	addBreakerMetrics(a.metrics, payer)
	a.service.ObserveClaims(newClaimMetrics(a.metrics))
	for _, rule := range promotions.AnomalyRuleNames() {
		a.metrics.CounterOf("anomalies_total", "Number of anomalies that this replica found, by rule.",
			metrics.Labels{"rule": string(rule)}, func() float64 { return float64(alerts.Count(rule)) })
	}
	consumers := a.metrics.Consumers(a.bus)
	for _, s := range []event.Subscription{consumer.Players(a.service), consumer.Transactions(a.monitor)} {
		a.subscriptions = append(a.subscriptions, consumers.Observe(s))
	}
}

// claimMetrics counts claims.
type claimMetrics struct {
	paid    prometheus.Counter
	refused *prometheus.CounterVec
}

func newClaimMetrics(r *metrics.Registry) claimMetrics {
	m := claimMetrics{
		paid:    r.Counter("claims_paid_total", "Number of claims that were paid.").WithLabelValues(),
		refused: r.Counter("claims_refused_total", "Number of claims that failed, by error code.", "code"),
	}
	m.refused.WithLabelValues(string(apperr.DependencyUnavailable))
	return m
}

func (m claimMetrics) Paid()                    { m.paid.Inc() }
func (m claimMetrics) Refused(code apperr.Code) { m.refused.WithLabelValues(string(code)).Inc() }

// addBreakerMetrics adds the state of the circuit breaker of the ledger's client.
func addBreakerMetrics(r *metrics.Registry, c *ledger.Client) {
	for _, state := range ledger.BreakerStates() {
		r.GaugeOf("circuit_breaker_state", "1 for the current state of the circuit breaker, 0 for the other states.",
			metrics.Labels{"name": "ledger", "state": state}, func() float64 {
				if c.BreakerState() == state {
					return 1
				}
				return 0
			})
	}
}
