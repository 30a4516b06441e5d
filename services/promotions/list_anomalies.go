package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// AnomalyFilter selects anomalies. A field with the zero value does not restrict the selection.
type AnomalyFilter struct {
	Seen *bool
	Rule AnomalyRule
}

// ListAnomalies returns a page of anomalies, newest first.
func (m *Monitor) ListAnomalies(ctx context.Context, f AnomalyFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Anomaly], error) {
	return m.store.Anomalies(ctx, f, p)
}
