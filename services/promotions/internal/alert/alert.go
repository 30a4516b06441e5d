// Package alert reports anomalies to operators: as log lines and as counters.
package alert

import (
	"context"
	"log/slog"
	"sync"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

// Alerts logs and counts anomalies. It is safe for concurrent use.
type Alerts struct {
	log    *slog.Logger
	mu     sync.Mutex
	counts map[promotions.AnomalyRule]uint64
}

// New returns alerts that log to log.
func New(log *slog.Logger) *Alerts {
	return &Alerts{log: log, counts: map[promotions.AnomalyRule]uint64{}}
}

// Found logs a new anomaly at WARN and counts it.
func (a *Alerts) Found(ctx context.Context, found promotions.Anomaly) {
	a.mu.Lock()
	a.counts[found.Rule]++
	a.mu.Unlock()
	attrs := []any{"rule", found.Rule, "anomaly", found.ID, "detail", found.Detail}
	if found.UserID != uuid.Nil {
		attrs = append(attrs, "user", found.UserID)
	}
	if found.PromotionID != uuid.Nil {
		attrs = append(attrs, "promotion", found.PromotionID)
	}
	a.log.WarnContext(ctx, "anomaly found", attrs...)
}

// Count returns the number of anomalies of a rule since the start of the process. It is for metrics.
func (a *Alerts) Count(rule promotions.AnomalyRule) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts[rule]
}
