package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/metrics"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/readiness"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/consumer"
)

// Metrics returns the metrics of the service.
func (a *App) Metrics() prometheus.Gatherer { return a.metrics }

// Dependencies returns the results of the last readiness checks.
func (a *App) Dependencies() []readiness.Status { return a.ready.Status() }

// measure registers the metrics of the parts that have their own counters.
func (a *App) measure(h *password.Hasher) {
	a.metrics.Dependencies(a.ready.Status)
	a.metrics.Postgres("users", a.pool)
	a.metrics.Postgres("ledger", a.ledger.Pool())
	a.metrics.Redis(a.redis)
	a.metrics.Outbox(a.pool, a.relay)
	addPasswordMetrics(a.metrics, h)
	a.pruned = a.metrics.Counter("audit_entries_pruned_total",
		"Number of entries of the audit trail that were deleted after the retention time.").WithLabelValues()
	a.subscriptions = append(a.subscriptions, a.metrics.Consumers(a.bus).Observe(consumer.Audit(a.service)))
}

// ledgerMetrics counts the commits of the ledger.
type ledgerMetrics struct {
	group               prometheus.Observer
	transactions, cents *prometheus.CounterVec
}

func newLedgerMetrics(r *metrics.Registry) ledgerMetrics {
	m := ledgerMetrics{
		group: r.Histogram("ledger_commit_size", "Number of calls that one commit of the ledger answers.",
			prometheus.ExponentialBuckets(1, 2, 9)).WithLabelValues(),
		transactions: r.Counter("ledger_transactions_total", "Number of new transactions, by type.", "type"),
		cents: r.Counter("ledger_amount_cents_total",
			"Sum of the amounts of new transactions, in hundredths of the currency unit, by type.", "type"),
	}
	for _, t := range []users.TransactionType{users.TransactionTypeCredit, users.TransactionTypeDebit} {
		m.transactions.WithLabelValues(string(t))
		m.cents.WithLabelValues(string(t))
	}
	return m
}

func (m ledgerMetrics) Committed(calls int) { m.group.Observe(float64(calls)) }

func (m ledgerMetrics) Added(t users.TransactionType, amount money.Amount) {
	m.transactions.WithLabelValues(string(t)).Inc()
	m.cents.WithLabelValues(string(t)).Add(float64(amount))
}

// loginMetrics counts refused logins, password changes and registrations.
type loginMetrics struct{ failed, limited *prometheus.CounterVec }

func newLoginMetrics(r *metrics.Registry) loginMetrics {
	m := loginMetrics{
		failed: r.Counter("logins_failed_total",
			"Number of logins, password changes and codes with wrong credentials, and of logins of deactivated users, by error code.",
			"code"),
		limited: r.Counter("rate_limited_total",
			"Number of logins, password changes, registrations, restrictions and refreshes that a rate limit refused.", "limit"),
	}
	for _, code := range []apperr.Code{apperr.InvalidCredentials, apperr.AccountDeactivated, apperr.MfaCodeInvalid} {
		m.failed.WithLabelValues(string(code))
	}
	for _, limit := range users.LimitNames() {
		m.limited.WithLabelValues(string(limit))
	}
	return m
}

func (m loginMetrics) LoginFailed(code apperr.Code)  { m.failed.WithLabelValues(string(code)).Inc() }
func (m loginMetrics) Limited(limit users.LimitName) { m.limited.WithLabelValues(string(limit)).Inc() }

// addPasswordMetrics adds the load of the password hasher.
func addPasswordMetrics(r *metrics.Registry, h *password.Hasher) {
	r.GaugeOf("password_hashes_running", "Number of password hashes that are being computed.", nil,
		func() float64 { return float64(h.Stats().Running) })
	r.GaugeOf("password_hashes_waiting", "Number of password hashes that wait for a core.", nil,
		func() float64 { return float64(h.Stats().Waiting) })
	r.CounterOf("password_hashes_total", "Number of password hashes that got a core.", nil,
		func() float64 { return float64(h.Stats().Started) })
	r.CounterOf("password_hash_wait_seconds_total", "Time that password hashes waited for a core.", nil,
		func() float64 { return h.Stats().Waited.Seconds() })
	r.CounterOf("password_hashes_refused_total", "Number of password hashes that were refused because too many waited.", nil,
		func() float64 { return float64(h.Stats().Refused) })
}
